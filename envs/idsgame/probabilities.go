package idsgame

import "idsrl/envs"

// evenly gives each of ids the same probability.
func evenly(dst []float64, ids []int) bool {
	clear(dst)
	for _, id := range ids {
		dst[id] += 1 / float64(len(ids))
	}
	return true
}

// Probabilities are even among the ids of the rule.
func (b *bot) Probabilities(env envs.Env, _ int, dst []float64) bool {
	return evenly(dst, b.rule(game(env), nil))
}

// Probabilities are even among the legal attacks that the attacker sees, or all.
func (b *randomAttack) Probabilities(env envs.Env, _ int, dst []float64) bool {
	g := game(env)
	if g.rules.LocalAttackActions() == 0 {
		return evenly(dst, g.legalOrAll(nil))
	}
	return evenly(dst, g.visibleAttacks(nil))
}

// Probabilities are even among the defences of all nodes but the start node.
func (randomDefence) Probabilities(env envs.Env, _ int, dst []float64) bool {
	r := game(env).rules
	clear(dst)
	for id := range r.Net.Start() * r.defenceWidth {
		dst[id] = 1 / float64(r.Net.Start()*r.defenceWidth)
	}
	return true
}
