package netsecgame

// Compat says which odd rules of the original are kept. The zero value is the default: those that make games
// unplayable are mended.
type Compat struct {
	// Slots: at most required_players connections at once, of whatever role (Q5, Q6).
	Slots bool
	// DefenderGoal: a defender whose goal is empty, blocks aside, reaches it with its first action, as anybody else does
	// (Q13). Else it never does: it plays until its limit or until no attacker plays any more, and wins if they fail.
	DefenderGoal bool
	// ResetDeadlock: an agent with a pending wish to reset keeps others from hearing of their end (Q8).
	ResetDeadlock bool
	// BlockedHost: BlockIP needs blocked_host, though the whitebox list says blocked_ip (Q11). Else it takes either.
	BlockedHost bool
	// JoinStarts: a join that finds required_players attackers still playing lets agents start, and whoever leaves makes
	// those who join or reset wait for the next such join. Else they wait while there are fewer attackers.
	JoinStarts bool
	// ConflictStops: the game stops when agents disagree on a reset. Else they are told so and play on.
	ConflictStops bool
}

// Strict keeps all odd rules that agents can see.
func Strict() Compat {
	return Compat{
		Slots: true, DefenderGoal: true, ResetDeadlock: true, BlockedHost: true, JoinStarts: true, ConflictStops: true,
	}
}
