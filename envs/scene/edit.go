package scene

// An Editor is a game whose state can be changed by hand, to see what policies make of it.
type Editor interface {
	Drawer
	// Edit makes changes. It is an error if one leads to no state of the game, which is then as it was.
	Edit(changes []Change) error
}

// A Change is a new value in a scene.
type Change struct {
	Node  string `json:"node"`
	Field Field  `json:"field"`
	Type  int    `json:"type"` // of Scene.Types, for Attack and Defence
	Value int    `json:"value"`
}

// Field is what a Change changes.
type Field string

// The fields of a Node that can be changed. Attacker moves the attacker there, without a value.
const (
	FieldAttack    Field = "attack"
	FieldDefence   Field = "defence"
	FieldDetection Field = "detection"
	FieldAttacker  Field = "attacker"
)
