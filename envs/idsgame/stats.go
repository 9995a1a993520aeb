package idsgame

// Stats are the statistics of the original over finished games. A game that was cut by the step limit counts, but its
// rewards do not.
type Stats struct {
	Games, Hacks                   int
	AttackerReturn, DefenderReturn float64 // sums over the games that were hacked or detected
}

// Count adds the game that ends in s.
func (st *Stats) Count(s *State) {
	st.Games++
	if s.Hacked {
		st.Hacks++
		st.AttackerReturn += s.AttackerReturn
		st.DefenderReturn += s.DefenderReturn
	}
	if s.Detected {
		st.AttackerReturn += s.AttackerReturn
		st.DefenderReturn += s.DefenderReturn
	}
}

// HackProbability is the share of games in which the attacker reached the data node, 0 before the first game.
func (st *Stats) HackProbability() float64 {
	if st.Games == 0 {
		return 0
	}
	return float64(st.Hacks) / float64(st.Games)
}
