package idsgame

import (
	"fmt"
	"strconv"

	"idsrl/envs/scene"
)

// Edit changes values of the state, each to 0..max_value, and where the attacker is. What the attacker knows by
// reconnaissance stays as it was. A game that is over goes on.
func (g *Game) Edit(changes []scene.Change) error {
	r, s := g.rules, g.state.Clone()
	s.Hacked, s.Detected = false, false
	for _, c := range changes {
		node, err := strconv.Atoi(c.Node)
		if err != nil || node < 0 || node >= r.Net.Nodes {
			return fmt.Errorf("there is no node %q", c.Node)
		}
		var values []int8 // of the node
		switch c.Field {
		case scene.FieldAttacker:
			if node == Data {
				return fmt.Errorf("an attacker at node %d has won", node)
			}
			s.Node = node
			continue
		case scene.FieldAttack:
			values = s.Attack[node*r.attackWidth:][:r.cfg.NumAttackTypes]
		case scene.FieldDefence:
			values = s.Defence[node*r.defenceWidth:][:r.cfg.NumAttackTypes]
		case scene.FieldDetection:
			values, c.Type = s.Defence[node*r.defenceWidth+r.cfg.NumAttackTypes:][:1], 0
		default:
			return fmt.Errorf("nothing is called %q", c.Field)
		}
		if c.Type < 0 || c.Type >= len(values) {
			return fmt.Errorf("there is no type %d", c.Type)
		}
		if c.Value < 0 || c.Value > r.cfg.MaxValue {
			return fmt.Errorf("%s of node %d = %d: must be in [0, %d]", c.Field, node, c.Value, r.cfg.MaxValue)
		}
		values[c.Type] = int8(c.Value)
	}
	g.SetState(s)
	return nil
}
