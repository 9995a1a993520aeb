package experiments

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"idsrl/algos"
	"idsrl/envs"
	"idsrl/envs/settings"
	"idsrl/nets"
)

// Model describes what the run has learnt for a role, Nobody for its only one, to other programs. The metadata say of what
// run it is and how to read its observations and actions.
func (s *Saved) Model(role envs.Role) (*nets.Model, error) {
	roles := s.Roles()
	i := slices.Index(roles, role)
	switch {
	case role == envs.Nobody && len(roles) > 1:
		return nil, &settings.Error{Key: "seat", Problem: fmt.Sprintf("%s has learnt to be the %s: name one with --seat", s.Path, s.names())}
	case role == envs.Nobody:
		i = 0
	case i < 0:
		return nil, &settings.Error{Key: "seat", Value: role.String(), Problem: fmt.Sprintf(
			"%s has learnt to be the %s", s.Path, s.names())}
	}
	neural, ok := s.table.learners[i].(algos.Neural)
	if !ok {
		return nil, &settings.Error{Key: "seat", Value: roles[i].String(), Problem: fmt.Sprintf(
			"%s has learnt a table for it, and no network that could be exported; train a neural algorithm such as ppo", s.Path)}
	}
	model, err := neural.Model()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.Path, err)
	}
	seat := s.table.game.Spec().Seats[s.table.open[i]]
	names := make([]string, seat.Actions.N)
	for id := range names {
		names[id] = seat.Actions.Name(id)
	}
	actions, err := json.Marshal(names)
	shape, shapeErr := json.Marshal(seat.Obs.Shape)
	maps.Copy(model.Metadata, map[string]string{
		"env": s.Checkpoint.Env, "algo": s.Checkpoint.Algo, "role": seat.Role.String(),
		"seed": strconv.FormatUint(s.Checkpoint.Seed, 10), "instance_seed": strconv.FormatUint(s.Config.InstanceSeed, 10),
		"steps": strconv.FormatInt(s.Checkpoint.Steps, 10), "episodes": strconv.FormatInt(s.Checkpoint.Episodes, 10),
		"config": string(s.Checkpoint.Config), "actions": string(actions), "observation_shape": string(shape),
	})
	return model, errors.Join(err, shapeErr)
}
