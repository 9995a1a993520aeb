package netsecgame

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A Move is an [Action] whose names were looked up in a [World]. Moves on what is there from the start stay valid for
// good, also under new addresses; other moves do until the next Reset.
type Move struct {
	Type           ActionType
	source, target int32 // addresses; none if there is none of this name
	blocked        int32
	network        int32
	service, data  int32
	block          block // where network is none
	madeUp         IP    // where blocked is none
	size           int   // of data
	content        string
}

// required are the parameters that each action needs.
var required = [ActionTypes]Params{
	ScanNetwork:    SourceHost | TargetNetwork,
	FindServices:   SourceHost | TargetHost,
	FindData:       SourceHost | TargetHost,
	ExploitService: SourceHost | TargetHost | TargetService,
	ExfiltrateData: SourceHost | TargetHost | TargetData,
	BlockIP:        SourceHost | TargetHost | BlockedHost,
}

// paramNames are the parameters on the wire, in the order of their bits.
var paramNames = []string{
	"source_host", "target_host", "blocked_host", "blocked_ip", "target_network", "target_service", "data",
}

// String lists the parameters by their names on the wire.
func (p Params) String() string {
	var list []string
	for i, name := range paramNames {
		if p>>i&1 == 1 {
			list = append(list, name)
		}
	}
	return strings.Join(list, ", ")
}

// Compile looks up the names in an action. BlockedIP stands in for a missing BlockedHost, unless Compat says otherwise.
// The error says what is missing or makes no sense: such an action is a bad request and no step. Names that nothing has
// are no error.
func (w *World) Compile(a Action) (Move, error) {
	if a.Has&BlockedHost == 0 && a.Has&BlockedIP != 0 && !w.compat.BlockedHost {
		a.Has |= BlockedHost
		a.BlockedHost = a.BlockedIP
	}
	if missing := required[a.Type] &^ a.Has; missing != 0 {
		return Move{}, fmt.Errorf("%s needs %s", a.Type, missing)
	}
	m := Move{
		Type: a.Type, source: lookUp(w.addressID, a.SourceHost), target: lookUp(w.addressID, a.TargetHost),
		blocked: none, network: none, service: none, data: none,
	}
	switch a.Type {
	case ScanNetwork:
		var ok bool
		if m.block, ok = a.TargetNetwork.block(); !ok {
			return Move{}, fmt.Errorf("%s is no network", a.TargetNetwork)
		}
		m.network = lookUp(w.networkID, a.TargetNetwork)
	case ExploitService:
		m.service = lookUp(w.serviceID, a.TargetService)
	case ExfiltrateData:
		m.data, m.size, m.content = lookUp(w.dataID, a.Data.Key()), a.Data.Size, a.Data.Content
	case BlockIP:
		m.blocked, m.madeUp = lookUp(w.addressID, a.BlockedHost), a.BlockedHost
	}
	return m, nil
}

// lookUp returns the number of a name, or none.
func lookUp[T comparable](ids map[T]int32, name T) int32 {
	if id, ok := ids[name]; ok {
		return id
	}
	return none
}

// Action returns a move by the names of now.
func (w *World) Action(m Move) Action {
	a := Action{
		Type: m.Type, Has: required[m.Type], SourceHost: w.addresses[m.source],
	}
	if a.Has&TargetHost != 0 {
		a.TargetHost = w.addresses[m.target]
	}
	switch m.Type {
	case ScanNetwork:
		a.TargetNetwork = w.networks[m.network]
	case ExploitService:
		a.TargetService = w.services[m.service]
	case ExfiltrateData:
		key := w.data[m.data]
		a.Data = Data{Owner: key.Owner, ID: key.ID, Type: key.Type, Size: m.size, Content: m.content}
	case BlockIP:
		a.BlockedHost = w.addresses[m.blocked]
	}
	return a
}

// AllMoves returns every action on what exists, in the order in which the whitebox world lists them with the addresses
// of now. The moves stay valid and in this order.
func (w *World) AllMoves() []Move {
	at := slices.Clone(w.all)
	slices.SortFunc(at, func(x, y int32) int { return cmp.Compare(w.addresses[x], w.addresses[y]) })
	var networks []int32
	for id := range int32(w.scenarioNetworks) {
		networks = append(networks, id)
	}
	slices.SortFunc(networks, func(x, y int32) int { return w.networks[x].compare(w.networks[y]) })
	var moves []Move
	for _, s := range at {
		for _, n := range networks {
			moves = append(moves, scan(s, n))
		}
	}
	onEach := func(add func(s, t int32)) {
		for _, s := range at {
			for _, t := range at {
				add(s, t)
			}
		}
	}
	onEach(func(s, t int32) { moves = append(moves, on(FindServices, s, t)) })
	onEach(func(s, t int32) {
		for _, service := range w.serviceIDs[t] {
			moves = append(moves, exploit(s, t, service))
		}
	})
	onEach(func(s, t int32) { moves = append(moves, on(FindData, s, t)) })
	onEach(func(s, t int32) {
		for id := range w.anywhere.all() {
			moves = append(moves, exfiltrate(s, t, id))
		}
	})
	onEach(func(s, t int32) {
		for _, b := range at {
			moves = append(moves, shut(s, t, b))
		}
	})
	return moves
}

// AllActions returns the actions of [World.AllMoves]. As in the whitebox world's list, BlockIP says BlockedIP.
func (w *World) AllActions() []Action {
	var actions []Action
	for _, m := range w.AllMoves() {
		a := w.Action(m)
		if m.Type == BlockIP {
			a.Has ^= BlockedHost | BlockedIP
			a.BlockedHost, a.BlockedIP = "", a.BlockedHost
		}
		actions = append(actions, a)
	}
	return actions
}

// on is a move on a target, with no other parameters. Those below build on it.
func on(t ActionType, source, target int32) Move {
	return Move{Type: t, source: source, target: target, blocked: none, network: none, service: none, data: none}
}

func scan(source, network int32) Move {
	m := on(ScanNetwork, source, none)
	m.network = network
	return m
}

func exploit(source, target, service int32) Move {
	m := on(ExploitService, source, target)
	m.service = service
	return m
}

func exfiltrate(source, target, data int32) Move {
	m := on(ExfiltrateData, source, target)
	m.data = data
	return m
}

func shut(source, target, blocked int32) Move {
	m := on(BlockIP, source, target)
	m.blocked = blocked
	return m
}
