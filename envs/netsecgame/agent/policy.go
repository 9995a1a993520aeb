package agent

import (
	"iter"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"

	"idsrl/envs"
	"idsrl/envs/netsecgame"
)

// A Policy chooses actions by what an agent knows. All its randomness comes from rng. Its error says why it cannot play
// this game.
type Policy interface {
	Start(rng *rand.Rand) // a new episode
	Act(s *netsecgame.GameState, rng *rand.Rand) (netsecgame.Action, error)
}

// A Bot is a policy that is offered for a role.
type Bot struct {
	Name, About string
	New         func() Policy
}

// Bots returns the policies of a role.
func Bots(role envs.Role) []Bot {
	random := func(types ...netsecgame.ActionType) Bot {
		return Bot{"random", "any valid action", func() Policy { return &scripted{types: types} }}
	}
	switch role {
	case envs.Attacker:
		return []Bot{
			{"bfs", "brings files outside as soon as it can; until then takes every host it finds, one after the other",
				func() Policy { return &scripted{types: peaceful, rank: homewards, first: true} }},
			{"heuristic", "any action that may bring news", func() Policy { return &scripted{types: peaceful, rank: homewards} }},
			random(peaceful...),
		}
	case envs.Defender:
		blocks := []netsecgame.ActionType{netsecgame.BlockIP}
		return []Bot{
			{"blocking", "cuts hosts of different networks off from each other, a pair a step",
				func() Policy { return &scripted{types: blocks, rank: cut, first: true, patient: true} }},
			random(append(blocks, peaceful...)...),
		}
	case envs.Benign:
		return []Bot{random(peaceful...)}
	default:
		return nil
	}
}

// peaceful are the types of all actions that do not block.
var peaceful = []netsecgame.ActionType{
	netsecgame.ScanNetwork, netsecgame.FindServices, netsecgame.FindData, netsecgame.ExploitService,
	netsecgame.ExfiltrateData,
}

// scripted plays actions that its rank lets it expect news of, none of them twice in an episode.
type scripted struct {
	types []netsecgame.ActionType
	// rank is lower the more an action promises, and negative if it promises nothing. nil: nothing promises anything.
	rank    func(*netsecgame.GameState, *netsecgame.Action) int
	first   bool // plays the first of the lowest rank; else draws one of any
	patient bool // waits where nothing promises news; else draws any valid action
	played  map[netsecgame.Action]bool
}

func (p *scripted) Start(*rand.Rand) { p.played = map[netsecgame.Action]bool{} }

// Act waits where nothing is valid.
func (p *scripted) Act(s *netsecgame.GameState, rng *rand.Rand) (netsecgame.Action, error) {
	var all, fresh []netsecgame.Action
	best, lowest := netsecgame.Wait, -1
	for _, t := range p.types {
		for a := range Valid(s, t) {
			all = append(all, a)
			if p.rank == nil || p.played[a] {
				continue
			}
			rank := p.rank(s, &a)
			if rank < 0 {
				continue
			}
			fresh = append(fresh, a)
			if lowest < 0 || rank < lowest {
				lowest, best = rank, a
			}
		}
	}
	switch {
	case len(fresh) == 0 && (p.patient || len(all) == 0):
		return netsecgame.Wait, nil
	case len(fresh) == 0:
		return all[rng.IntN(len(all))], nil
	case !p.first:
		best = fresh[rng.IntN(len(fresh))]
	}
	p.played[best] = true
	return best, nil
}

// homewards ranks by how near to the goal an action is.
func homewards(s *netsecgame.GameState, a *netsecgame.Action) int {
	controlled := slices.Contains(s.ControlledHosts, a.TargetHost)
	switch a.Type {
	case netsecgame.ExfiltrateData:
		key := a.Data.Key()
		there := slices.ContainsFunc(s.KnownData[a.TargetHost], func(d netsecgame.Data) bool { return d.Key() == key })
		switch {
		case key == netsecgame.LogFile || there:
			return -1
		case outside(a.TargetHost):
			return 0
		}
		return 5 // from there it may get further
	case netsecgame.FindData:
		return 1
	case netsecgame.ExploitService:
		if !controlled {
			return 2
		}
	case netsecgame.FindServices:
		if !controlled && len(s.KnownServices[a.TargetHost]) == 0 {
			return 3
		}
	case netsecgame.ScanNetwork:
		return 4
	}
	return -1
}

// outside reports whether an address is public.
func outside(ip netsecgame.IP) bool {
	a, err := netip.ParseAddr(string(ip))
	return err == nil && !a.IsPrivate()
}

// cut wants a host's blocks of hosts that share no known network with it, set by the host itself.
func cut(s *netsecgame.GameState, a *netsecgame.Action) int {
	near := slices.ContainsFunc(s.KnownNetworks, func(n netsecgame.Network) bool {
		return contains(n, a.TargetHost) && contains(n, a.BlockedHost)
	})
	if near || a.SourceHost != a.TargetHost {
		return -1
	}
	return 0
}

func contains(n netsecgame.Network, ip netsecgame.IP) bool {
	prefix, err := netip.ParsePrefix(n.String())
	a, err2 := netip.ParseAddr(string(ip))
	return err == nil && err2 == nil && prefix.Contains(a)
}

// Valid yields the actions of a type that make sense by what an agent knows, as the original's clients list them.
func Valid(s *netsecgame.GameState, t netsecgame.ActionType) iter.Seq[netsecgame.Action] {
	return func(yield func(netsecgame.Action) bool) {
		if t == netsecgame.ExfiltrateData {
			validTransfers(s, yield)
			return
		}
		for _, source := range s.ControlledHosts {
			if !validFrom(s, t, source, yield) {
				return
			}
		}
	}
}

// pair is an action between two hosts.
func pair(t netsecgame.ActionType, source, target netsecgame.IP) netsecgame.Action {
	return netsecgame.Action{
		Type: t, Has: netsecgame.SourceHost | netsecgame.TargetHost, SourceHost: source, TargetHost: target,
	}
}

func blocked(s *netsecgame.GameState, source, target netsecgame.IP) bool {
	return slices.Contains(s.KnownBlocks[source], target)
}

// validFrom yields those of a controlled host, except transfers. It reports whether more are wanted.
func validFrom(s *netsecgame.GameState, t netsecgame.ActionType, source netsecgame.IP, yield func(netsecgame.Action) bool) bool {
	switch t {
	case netsecgame.ScanNetwork:
		for _, n := range s.KnownNetworks {
			a := netsecgame.Action{
				Type: t, Has: netsecgame.SourceHost | netsecgame.TargetNetwork, SourceHost: source, TargetNetwork: n,
			}
			if !yield(a) {
				return false
			}
		}
	case netsecgame.FindServices:
		for _, target := range s.KnownHosts {
			if !blocked(s, source, target) && !yield(pair(t, source, target)) {
				return false
			}
		}
	case netsecgame.FindData:
		return yield(pair(t, source, source))
	case netsecgame.ExploitService:
		for _, target := range slices.Sorted(maps.Keys(s.KnownServices)) {
			for _, service := range s.KnownServices[target] {
				a := pair(t, source, target)
				a.Has |= netsecgame.TargetService
				a.TargetService = service
				if !blocked(s, source, target) && !yield(a) {
					return false
				}
			}
		}
	case netsecgame.BlockIP:
		for _, target := range s.ControlledHosts {
			for _, other := range s.KnownHosts {
				a := pair(t, source, target)
				a.Has |= netsecgame.BlockedHost
				a.BlockedHost = other
				if other != target && !blocked(s, source, target) && !blocked(s, target, other) && !yield(a) {
					return false
				}
			}
		}
	}
	return true
}

// validTransfers yields the transfers of known files to controlled hosts.
func validTransfers(s *netsecgame.GameState, yield func(netsecgame.Action) bool) {
	for _, source := range slices.Sorted(maps.Keys(s.KnownData)) {
		for _, target := range s.ControlledHosts {
			for _, data := range s.KnownData[source] {
				a := pair(netsecgame.ExfiltrateData, source, target)
				a.Has |= netsecgame.TargetData
				a.Data = data
				if source != target && !blocked(s, source, target) && !yield(a) {
					return
				}
			}
		}
	}
}
