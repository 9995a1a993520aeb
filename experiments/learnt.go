package experiments

import (
	"fmt"
	"slices"

	"idsrl/envs"
	"idsrl/envs/settings"
)

// Learnt is a player that a run has learnt, with what it needs to play outside of its environment.
type Learnt struct {
	Policy envs.Policy
	Game   envs.Env // of the run, every seat open
	Seat   int      // the first one of the role
}

// Learnt opens a player of the form checkpoint:RUN or greedy:RUN, or a mixture with such a one, for a seat of the first RUN's
// game. Nobody stands for the role that this run has learnt.
func (c Catalog) Learnt(player string, role envs.Role) (*Learnt, error) {
	run := runOf(player)
	if run == "" {
		return nil, &settings.Error{Key: "player", Value: player, Problem: "must be checkpoint:RUN or greedy:RUN"}
	}
	saved, err := c.Open(run)
	if err != nil {
		return nil, err
	}
	if roles := saved.Roles(); role == envs.Nobody {
		role = roles[0]
		if slices.ContainsFunc(roles, func(r envs.Role) bool { return r != role }) {
			return nil, &settings.Error{Key: "role", Problem: fmt.Sprintf("%s has learnt to be the %s; name one", run, saved.names())}
		}
	}
	l := &Learnt{Game: saved.table.game}
	seats := l.Game.Spec().Seats
	if l.Seat = slices.IndexFunc(seats, func(s envs.Seat) bool { return s.Role == role }); l.Seat < 0 {
		return nil, &settings.Error{Key: "role", Value: role.String(), Problem: "has no seat in the game of " + run}
	}
	l.Policy, err = c.player(player, saved.table.settings, l.Game, l.Seat, c.Open)
	return l, err
}
