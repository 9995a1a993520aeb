package netsecgame

// A History is what the global defender remembers of one agent's actions in an episode. A names an action with all its
// parameters as sent: equal values, equal actions. The zero value is an episode without actions.
type History[A comparable] struct {
	window [window]ActionType // the last actions, in no order
	length int                // actions so far
	played map[A]bool         // those of which a repetition matters
}

// window is how many actions the global defender looks at. It does not detect anybody before.
const window = 5

// suspicious is what makes the global defender roll, by the type of an action: that many of its type among the last
// five, itself included, or, where repeated, the same action with all its parameters earlier in the episode. It detects
// with the given chance then. BlockIP is never detected.
var suspicious = [ActionTypes]struct {
	chance   float64
	count    int
	repeated bool
}{
	ScanNetwork:    {chance: 0.05, count: 2},
	FindServices:   {chance: 0.075, count: 2},
	ExploitService: {chance: 0.1, count: 2, repeated: true},
	FindData:       {chance: 0.025, count: 3, repeated: true},
	ExfiltrateData: {chance: 0.025, count: 2},
	BlockIP:        {count: window + 1},
}

// Reset starts a new episode.
func (h *History[A]) Reset() {
	h.length = 0
	clear(h.played)
}

// Suspicious reports whether the global defender would roll for an action now.
func (h *History[A]) Suspicious(t ActionType, a A) bool {
	if h.length < window-1 {
		return false
	}
	s := &suspicious[t]
	count := 1
	for ago := 1; ago < window; ago++ {
		if h.window[(h.length-ago)%window] == t {
			count++
		}
	}
	return count >= s.count || s.repeated && h.played[a]
}

// Add adds an action.
func (h *History[A]) Add(t ActionType, a A) {
	h.window[h.length%window] = t
	h.length++
	if !suspicious[t].repeated {
		return
	}
	if h.played == nil {
		h.played = map[A]bool{}
	}
	h.played[a] = true
}

// Detects adds an action and reports whether the global defender detects it. It draws from r only if the action is
// suspicious. Ask it once for each action, if the task has a global defender and the goal is not reached.
func (h *History[A]) Detects(t ActionType, a A, r Randomness) bool {
	rolls := h.Suspicious(t, a)
	h.Add(t, a)
	return rolls && r.Roll() < suspicious[t].chance
}
