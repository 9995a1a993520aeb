package play

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"net/netip"
	"slices"

	"idsrl/envs"
	"idsrl/envs/netsecgame"
	"idsrl/envs/scene"
)

// Scene is the network as a seat knows it: each known network above the hosts that it knows there, with their services
// and files. Everything is the true network, with what attackers control.
func (g *Game) Scene(seat int) *scene.Scene {
	if seat == scene.Everything {
		agents := make([]*netsecgame.Agent, len(g.players))
		for i := range g.players {
			agents[i] = g.players[i].agent
		}
		return draw(g.world.View(agents))
	}
	p := &g.players[seat]
	sc := draw(p.agent.State.View())
	sc.Facts = facts(p.agent)
	return sc
}

// facts say what an agent wants.
func facts(a *netsecgame.Agent) (list []string) {
	goal := a.Goal()
	for _, ip := range goal.ControlledHosts {
		list = append(list, fmt.Sprintf("Goal: control %s", ip))
	}
	for _, ip := range slices.Sorted(maps.Keys(goal.KnownData)) {
		for _, d := range goal.KnownData[ip] {
			list = append(list, fmt.Sprintf("Goal: bring file %s/%s to %s", d.Owner, d.ID, ip))
		}
	}
	if a.Role == envs.Defender && len(list) == 0 {
		list = append(list, "Goal: no attacker reaches its own")
	}
	return list
}

// perColumn is how many hosts of a network stand below each other.
const perColumn = 4

// draw lays a state out.
func draw(v netsecgame.GameState) *scene.Scene {
	sc := new(scene.Scene)
	networks := slices.SortedFunc(slices.Values(v.KnownNetworks), func(a, b netsecgame.Network) int {
		return cmp.Or(compareIP(a.IP, b.IP), cmp.Compare(a.Mask, b.Mask))
	})
	left := slices.SortedFunc(slices.Values(v.KnownHosts), compareIP)
	x := 0.0
	for _, n := range networks {
		var inside []netsecgame.IP
		left = slices.DeleteFunc(left, func(ip netsecgame.IP) bool {
			is := contains(n, ip)
			if is {
				inside = append(inside, ip)
			}
			return is
		})
		x = place(sc, &v, networkID(n), n.String(), inside, x)
	}
	if len(left) > 0 { // of networks that are not known
		x = place(sc, &v, "", "", left, x)
	}
	sc.Width = max(x-1, 0)
	for _, ip := range slices.Sorted(maps.Keys(v.KnownBlocks)) {
		for _, other := range v.KnownBlocks[ip] {
			if sc.Node(string(ip)) != nil && sc.Node(string(other)) != nil && ip < other {
				sc.Links = append(sc.Links, scene.Link{From: string(ip), To: string(other), Blocked: true})
			}
		}
	}
	return sc
}

// place puts a network and its hosts right of x, and returns where the next one may begin.
func place(sc *scene.Scene, v *netsecgame.GameState, id, name string, hosts []netsecgame.IP, x float64) float64 {
	columns := max(1, (len(hosts)+perColumn-1)/perColumn)
	if id != "" {
		sc.Nodes = append(sc.Nodes, scene.Node{
			ID: id, Kind: scene.Network, Name: name, X: x + float64(columns-1)/2, Detection: scene.Hidden,
		})
	}
	for i, ip := range hosts {
		node := scene.Node{
			ID: string(ip), Kind: scene.Host, Name: string(ip), Detection: scene.Hidden,
			X: x + float64(i%columns), Y: float64(1 + i/columns), Controlled: slices.Contains(v.ControlledHosts, ip),
			Lines: lines(v, ip),
		}
		sc.Height = math.Max(sc.Height, node.Y)
		sc.Nodes = append(sc.Nodes, node)
		if id != "" {
			sc.Links = append(sc.Links, scene.Link{From: id, To: string(ip)})
		}
	}
	return x + float64(columns)
}

// lines are the services and files of a host, in order.
func lines(v *netsecgame.GameState, ip netsecgame.IP) (list []string) {
	for _, s := range v.KnownServices[ip] {
		list = append(list, s.Name+" "+s.Version)
	}
	for _, d := range v.KnownData[ip] {
		if d.Key() == netsecgame.LogFile {
			list = append(list, "log")
		} else {
			list = append(list, "file "+d.Owner+"/"+d.ID)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func networkID(n netsecgame.Network) string { return "net " + n.String() }

func compareIP(a, b netsecgame.IP) int {
	x, errX := netip.ParseAddr(string(a))
	y, errY := netip.ParseAddr(string(b))
	if errX != nil || errY != nil {
		return cmp.Compare(a, b)
	}
	return x.Compare(y)
}

func contains(n netsecgame.Network, ip netsecgame.IP) bool {
	network, err := netip.ParsePrefix(n.String())
	address, problem := netip.ParseAddr(string(ip))
	return err == nil && problem == nil && network.Masked().Contains(address)
}

// verbs say what kind actions are of.
var verbs = [netsecgame.ActionTypes]scene.Verb{
	netsecgame.ScanNetwork: scene.Scan, netsecgame.FindServices: scene.Scan, netsecgame.FindData: scene.Scan,
	netsecgame.ExploitService: scene.Attack, netsecgame.ExfiltrateData: scene.Attack, netsecgame.BlockIP: scene.Defend,
}

// Describe is what an id means to people, with the addresses of now.
func (g *Game) Describe(seat, id int) scene.Action {
	if id >= len(g.players[seat].moves) {
		return scene.Action{ID: id, Verb: scene.Wait, Type: scene.Hidden, Text: "Wait"}
	}
	m := g.world.Action(g.players[seat].moves[id])
	a := scene.Action{
		ID: id, Verb: verbs[m.Type], Type: scene.Hidden, From: string(m.SourceHost), To: string(m.TargetHost),
	}
	from := ""
	if m.SourceHost != m.TargetHost {
		from = " from " + a.From
	}
	switch m.Type {
	case netsecgame.ScanNetwork:
		a.To = networkID(m.TargetNetwork)
		a.Text = fmt.Sprintf("Scan network %s%s", m.TargetNetwork, from)
	case netsecgame.FindServices:
		a.Text = fmt.Sprintf("Find services on %s%s", m.TargetHost, from)
	case netsecgame.FindData:
		a.Text = fmt.Sprintf("Find files on %s%s", m.TargetHost, from)
	case netsecgame.ExploitService:
		a.Text = fmt.Sprintf("Exploit %s %s on %s%s", m.TargetService.Name, m.TargetService.Version, m.TargetHost, from)
	case netsecgame.ExfiltrateData:
		a.Text = fmt.Sprintf("Copy %s/%s to %s%s", m.Data.Owner, m.Data.ID, m.TargetHost, from)
	default:
		a.Text = fmt.Sprintf("Block %s on %s%s", blocked(m), m.TargetHost, from)
	}
	return a
}

// blocked is the address that BlockIP names.
func blocked(m netsecgame.Action) netsecgame.IP { return cmp.Or(m.BlockedHost, m.BlockedIP) }

// Result is whether the seat's part is over, and how. What an action has shown is in the scene.
func (g *Game) Result(seat, _ int) scene.Result {
	switch p := &g.players[seat]; p.ending {
	case netsecgame.ByGoal:
		return scene.Result{Effect: scene.Done, Text: "reaches the goal"}
	case netsecgame.ByDetection:
		return scene.Result{Effect: scene.Detected, Text: "detected"}
	case netsecgame.ByStepLimit:
		return scene.Result{Effect: scene.Nothing, Text: "out of steps"}
	default:
		return scene.Result{Effect: scene.Done}
	}
}

// Reveals reports nothing: agents see of each other what they find in logs and run into.
func (g *Game) Reveals(int, int) bool { return false }
