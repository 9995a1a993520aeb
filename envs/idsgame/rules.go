package idsgame

import (
	"fmt"
	"strconv"

	"idsrl/envs/settings"
)

// Rules are the rules of one game with everything precomputed that a step looks up. They are immutable but for
// Reference; what changes is a State.
type Rules struct {
	Net *Network
	// Reference is the defence score of the base state, which the v3 rewards of a detection refer to.
	Reference float64

	cfg          Config
	scheme       scheme
	attackWidth  int          // attack ids a node: T, and one more with reconnaissance
	defenceWidth int          // defence ids a node: T and detection
	obsWidth     int          // columns of the attacker's observation
	attacks      []target     // by attack id
	defences     []target     // by defence id
	reach        []bool       // [Nodes x Nodes], whether the attacker on the first can attack the second
	detection    [128]float64 // by detection value, the probability that a failed attack is detected
}

// target is what an id stands for.
type target struct {
	node, typ int
	guard     int // the cell of State.Defence that an attack must exceed
	known     int // the cell of State.Known
	seen      int // the entry of the attacker's full view that shows the attack value
	scout     bool
}

// NoAttack is the attack id of an attacker that does nothing, which costs as much as an impossible attack.
const NoAttack = -1

// NewRules checks cfg and precomputes its rules.
func NewRules(cfg Config) (*Rules, error) {
	if err := settings.Check(&cfg); err != nil {
		return nil, err
	}
	t := cfg.NumAttackTypes
	r := &Rules{
		Net: NewNetwork(cfg.NumLayers, cfg.NumServersPerLayer, cfg.ConnectedLayers),
		cfg: cfg, scheme: cfg.scheme(), attackWidth: t, defenceWidth: t + 1, obsWidth: cfg.obsWidth(),
	}
	if cfg.Reconnaissance {
		r.attackWidth++
	}
	n := r.Net.Nodes
	for id := range n * r.attackWidth {
		v, typ := id/r.attackWidth, id%r.attackWidth
		a := target{
			node: v, typ: typ, guard: v*r.defenceWidth + typ, known: v*t + typ, seen: v*r.obsWidth + typ,
		}
		if typ == t {
			a = target{node: v, guard: -1, known: v * t, scout: true}
		}
		r.attacks = append(r.attacks, a)
	}
	for id := range n * r.defenceWidth {
		r.defences = append(r.defences, target{node: id / r.defenceWidth, typ: id % r.defenceWidth})
	}
	r.reach = make([]bool, n*n)
	for v, targets := range r.Net.Targets {
		for _, u := range targets {
			r.reach[v*n+u] = true
		}
	}
	for det := range r.detection {
		r.detection[det] = float64(det) / 10
	}
	return r, nil
}

// Config is a copy of the settings.
func (r *Rules) Config() Config { return r.cfg }

// AttackActions is the number of attack ids.
func (r *Rules) AttackActions() int { return len(r.attacks) }

// DefenceActions is the number of defence ids.
func (r *Rules) DefenceActions() int { return len(r.defences) }

// Transition is what one step did.
type Transition struct {
	AttackerReward, DefenderReward float64
	Hardened                       bool // the defence had an effect
	Attacked                       bool // an attack or reconnaissance took place
	Scouted                        bool // it was reconnaissance
	Moved                          bool // it was an attack and succeeded
	Rolled                         bool // the detection roll was used
	Capped                         bool // the step limit was reached before: nothing happened
}

// Apply plays one step on s: the defence first, then the attack, then, if that failed, detection where roll, a uniform
// number in [0, 1), is below the probability. It is a function of its arguments alone. Attack ids are those of the
// whole network or NoAttack. A step after a hack or a detection plays on by the same rules; one after the step limit
// costs both sides 100 and changes nothing.
func (r *Rules) Apply(s *State, attack, defence int, roll float64) (tr Transition) {
	r.apply(s, attack, defence, roll, &tr)
	return tr
}

// apply is Apply into a Transition of the caller, which costs no copy.
func (r *Rules) apply(s *State, attack, defence int, roll float64, tr *Transition) {
	*tr = Transition{}
	if s.Steps > r.cfg.MaxGameSteps {
		tr.AttackerReward, tr.DefenderReward, tr.Capped = limitReward, limitReward, true
		return
	}
	if value := s.Defence[defence]; int(value) < r.cfg.MaxValue {
		s.Defence[defence] = value + 1
		tr.Hardened = true
	}
	if attack == NoAttack || !r.Possible(s, attack) {
		tr.AttackerReward = impossibleReward
	} else {
		tr.Attacked = true
		r.attack(s, &r.attacks[attack], attack, roll, tr)
	}
	s.Steps++
	s.AttackerReturn += tr.AttackerReward
	s.DefenderReturn += tr.DefenderReward
}

// attack is the attacker's part of a step, with an attack or reconnaissance that is possible.
func (r *Rules) attack(s *State, a *target, id int, roll float64, tr *Transition) {
	p := r.risk(s, a)
	if a.scout {
		tr.Scouted = true
		r.scout(s, a.node, tr)
	} else {
		value := s.Attack[id]
		if int(value) < r.cfg.MaxValue {
			value++
			s.Attack[id] = value
		}
		if s.Known != nil && value > s.Known[a.known] {
			s.Known[a.known] = value
		}
		if value > s.Defence[a.guard] {
			r.succeed(s, a, tr)
			return
		}
	}
	s.Fails++
	if s.Failed != nil {
		s.Failed[a.known]++
	}
	tr.Rolled = true
	if roll < p {
		s.Detected = true
		r.rewardDetection(s, a, tr)
	}
}

// risk is the probability that an attack or reconnaissance is detected if it fails; 1 and above is certain.
func (r *Rules) risk(s *State, a *target) float64 {
	p := r.detection[r.Detection(s, a.node)]
	if a.scout {
		p *= r.cfg.DetectionFactor
	}
	return p
}

// scout reveals the defence values of node.
func (r *Rules) scout(s *State, node int, tr *Transition) {
	t := r.cfg.NumAttackTypes
	known, defence := s.Known[node*t:(node+1)*t], s.Defence[node*r.defenceWidth:]
	news := false
	for i := range known {
		news = news || known[i] != defence[i]
		known[i] = defence[i]
	}
	s.Scanned[node], s.Scouted[node] = true, true
	if r.cfg.ReconnaissanceReward {
		tr.AttackerReward = -scoutReward
		if news {
			tr.AttackerReward = scoutReward
		}
	}
}

// succeed moves the attacker.
func (r *Rules) succeed(s *State, a *target, tr *Transition) {
	s.Node = a.node
	s.Moves++
	tr.Moved = true
	if a.node == Data {
		s.Hacked = true
		r.rewardHack(s, a, tr)
	} else {
		r.rewardAdvance(s, a, tr)
	}
	s.Fails = 0
}

// Possible reports whether an attack or reconnaissance by this id can take place: its target is another node, adjacent
// and not below the attacker.
func (r *Rules) Possible(s *State, attack int) bool {
	return r.reach[s.Node*r.Net.Nodes+r.attacks[attack].node]
}

// LegalAttack reports whether the id is legal: the attack is possible and, unless it is reconnaissance, its value is
// below the maximum. (A possible attack at the maximum may be played, but it cannot grow.)
func (r *Rules) LegalAttack(s *State, attack int) bool {
	return r.Possible(s, attack) && (r.attacks[attack].scout || int(s.Attack[attack]) < r.cfg.MaxValue)
}

// LegalDefence reports whether the id is legal: its node is not the start node. Values at the maximum stay legal.
func (r *Rules) LegalDefence(defence int) bool { return r.defences[defence].node != r.Net.Start() }

// AttackTarget is the node that an attack id is aimed at.
func (r *Rules) AttackTarget(attack int) int { return r.attacks[attack].node }

// Detection is the detection value of a node.
func (r *Rules) Detection(s *State, node int) int8 {
	return s.Defence[node*r.defenceWidth+r.defenceWidth-1]
}

// attackTypes are the kinds of attack of the original (the OWASP Top Ten of 2013).
var attackTypes = [...]string{
	"injection", "authentication", "xss", "references", "misconfiguration",
	"exposure", "access", "forgery", "vulnerabilities", "redirects",
}

// TypeName is what people call an attack type.
func TypeName(typ int) string {
	if typ < len(attackTypes) {
		return attackTypes[typ]
	}
	return "type" + strconv.Itoa(typ)
}

// AttackName is what people call an attack id: type@node, or recon@node.
func (r *Rules) AttackName(id int) string {
	if id == NoAttack {
		return "nothing"
	}
	if a := r.attacks[id]; a.scout {
		return fmt.Sprintf("recon@%d", a.node)
	}
	return fmt.Sprintf("%s@%d", TypeName(r.attacks[id].typ), r.attacks[id].node)
}

// DefenceName is what people call a defence id: type@node, or detection@node.
func (r *Rules) DefenceName(id int) string {
	d := r.defences[id]
	if d.typ == r.cfg.NumAttackTypes {
		return fmt.Sprintf("detection@%d", d.node)
	}
	return fmt.Sprintf("%s@%d", TypeName(d.typ), d.node)
}
