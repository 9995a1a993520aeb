package netsecgame_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"idsrl/envs"
	"idsrl/envs/netsecgame"
)

// The hosts of two_networks_tiny: clients reach the server and everybody the outside, but the server does not reach
// clients.
const (
	server  netsecgame.IP = "192.168.1.2"
	client  netsecgame.IP = "192.168.2.2"
	gate    netsecgame.IP = "192.168.1.1" // a router
	outside netsecgame.IP = "213.47.23.195"
	absent  netsecgame.IP = "9.9.9.9"
)

var (
	smb        = netsecgame.Service{Name: "microsoft-ds", Type: "passive", Version: "10.0.19041"}
	powershell = netsecgame.Service{Name: "powershell", Type: "passive", Version: "10.0.19041", Local: true}
	secret     = netsecgame.Data{Owner: "User1", ID: "DataFromServer1"}
	copied     = netsecgame.Data{Owner: "User1", ID: "DataFromServer1", Size: 7, Content: "content"}
)

// TestConditions is the table of section 7: what stops an action, and what it does if nothing does. The agent controls
// client and outside.
func TestConditions(t *testing.T) {
	type actions = []netsecgame.Action
	enter := actions{findServices(client, server), exploit(client, server, smb)}
	steal := append(slices.Clone(enter), findData(server, server))
	for _, c := range []struct {
		name   string
		before actions
		action netsecgame.Action
		at     netsecgame.IP // whose log has the action; "" for none
		want   []string      // lines that the state has after the action and had not before, without logs
	}{
		{"scan from elsewhere", nil, scan(server, "0.0.0.0/0"), "", nil},
		{"scan", nil, scan(client, "192.168.1.0/24"), server, []string{"hosts " + string(server)}},
		{"scan, host bits do not count", nil, scan(client, "192.168.1.77/24"), server, []string{"hosts " + string(server)}},
		{"scan, the router is out of reach", nil, scan(client, "192.168.1.1/32"), "", nil},
		{"scan from outside", nil, scan(outside, "0.0.0.0/0"), outside, nil},

		{"services from elsewhere", nil, findServices(server, server), "", nil},
		{"services out of reach", nil, findServices(client, gate), "", nil},
		{"services of nobody", nil, findServices(client, absent), "", nil},
		{"services", nil, findServices(client, server), server, []string{
			"hosts " + string(server), "services " + string(server) + " microsoft-ds", "services " + string(server) + " ms-wbt-server",
		}},
		{"services of an own host, with local ones", nil, findServices(client, client), client, []string{
			"services " + string(client) + " ms-wbt-server", "services " + string(client) + " powershell",
		}},
		{"services of a host that has become own", enter, findServices(client, server), server, []string{
			"services " + string(server) + " powershell", "services " + string(server) + " windows login",
		}},

		{"data from elsewhere", nil, findData(server, client), "", nil},
		{"data of a strange host", nil, findData(client, server), server, nil},
		{"data of nobody", nil, findData(client, absent), "", nil},
		{"data", enter, findData(client, server), server, []string{
			"data " + string(server) + " Data2FromServer1", "data " + string(server) + " Data3FromServer1",
			"data " + string(server) + " DataFromServer1", "data " + string(server) + " logfile",
		}},

		{"exploit from elsewhere", nil, exploit(server, client, powershell), "", nil},
		{"exploit nobody", nil, exploit(client, absent, smb), "", nil},
		{"exploit what is not known", nil, exploit(client, server, smb), server, nil},
		{"exploit what is not there", enter[:1], exploit(client, server, powershell), server, nil},
		{"exploit", enter[:1], exploit(client, server, smb), server, []string{"controlled " + string(server)}},

		{"exfiltrate to elsewhere", nil, exfiltrate(client, server, secret), "", nil},
		{"exfiltrate from elsewhere", nil, exfiltrate(server, client, secret), "", nil},
		{"exfiltrate what is not known", enter, exfiltrate(server, outside, secret), "", nil},
		{"exfiltrate what is known elsewhere", steal, exfiltrate(client, outside, secret), "", nil},
		{"exfiltrate out of reach", steal, exfiltrate(outside, server, secret), "", nil},
		{"exfiltrate", steal, exfiltrate(server, outside, secret), outside, []string{"data " + string(outside) + " DataFromServer1"}},
		{"exfiltrate with a content", steal, exfiltrate(server, outside, copied), outside, []string{
			"data " + string(outside) + " DataFromServer1 7 content",
		}},
		{"exfiltrate to the same host", steal, exfiltrate(server, server, copied), server, nil},

		{"block elsewhere", nil, block(client, server, absent), "", nil},
		{"block from elsewhere", nil, block(server, client, absent), "", nil},
		{"block out of reach", nil, block(outside, client, absent), "", nil},
		{"block itself", nil, block(client, client, client), client, nil},
		{"block", nil, block(client, client, absent), client, []string{
			"blocks " + string(client) + " " + string(absent), "blocks " + string(absent) + " " + string(client),
		}},
		{"scan behind a block", actions{block(client, client, server)}, scan(client, "192.168.1.0/24"), "", nil},
		{"find a block", actions{block(client, client, server)}, findServices(client, server), "", nil},
	} {
		w := newWorld(t, taskText("two_networks_tiny", part{controlled: fmt.Sprintf("[%s, %s]", client, outside)}, part{}))
		a := w.NewAgent(envs.Attacker)
		for _, action := range c.before {
			play(t, w, a, action)
		}
		had, entries := facts(a), logs(t, w)
		play(t, w, a, c.action)
		got := slices.DeleteFunc(facts(a), func(f string) bool { return slices.Contains(had, f) })
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: new are %q, want %q", c.name, got, c.want)
		}
		for ip, n := range logs(t, w) {
			added := n - entries[ip] - 1 // one is of logs itself
			if ip == c.at && added != 1 || ip != c.at && added != 0 {
				t.Errorf("%s: the log of %s has %d entries more", c.name, ip, added)
			}
		}
	}
}

// facts are the lines of a state without networks, and without the contents of logs.
func facts(a *netsecgame.Agent) (lines []string) {
	v := a.State.View()
	for _, ip := range v.KnownHosts {
		lines = append(lines, fmt.Sprint("hosts ", ip))
	}
	for _, ip := range v.ControlledHosts {
		lines = append(lines, fmt.Sprint("controlled ", ip))
	}
	for ip, list := range v.KnownServices {
		for _, s := range list {
			lines = append(lines, fmt.Sprint("services ", ip, " ", s.Name))
		}
	}
	for ip, list := range v.KnownData {
		for _, d := range list {
			if d.Key() == netsecgame.LogFile {
				d.Size, d.Content = 0, ""
			}
			line := fmt.Sprint("data ", ip, " ", d.ID)
			if d.Size > 0 {
				line += fmt.Sprint(" ", d.Size, " ", d.Content)
			}
			lines = append(lines, line)
		}
	}
	for ip, list := range v.KnownBlocks {
		for _, b := range list {
			lines = append(lines, fmt.Sprint("blocks ", ip, " ", b))
		}
	}
	slices.Sort(lines)
	return lines
}

// logs counts the entries of some logs. It adds one to each, because somebody has to look.
func logs(t *testing.T, w *netsecgame.World) map[netsecgame.IP]int {
	t.Helper()
	entries := map[netsecgame.IP]int{}
	for role, hosts := range map[envs.Role][]netsecgame.IP{
		envs.Defender: {server, client, gate}, envs.Attacker: {outside},
	} {
		a := w.NewAgent(role)
		for _, ip := range hosts {
			play(t, w, a, findData(ip, ip))
			for _, d := range a.State.View().KnownData[ip] {
				if d.Key() == netsecgame.LogFile {
					entries[ip] = strings.Count(d.Content, "source_host")
				}
			}
		}
	}
	return entries
}

// TestFalsePositives: who runs into whose blocks. The defender blocks, and another agent plays one action.
func TestFalsePositives(t *testing.T) {
	blockServer := []netsecgame.Action{block(client, client, server)}
	blockAbsent := []netsecgame.Action{block(client, client, absent)}
	for _, c := range []struct {
		name   string
		blocks []netsecgame.Action
		role   envs.Role
		action netsecgame.Action
		want   int
	}{
		{"services", blockServer, envs.Defender, findServices(client, server), 1},
		{"the other way", blockServer, envs.Defender, findServices(server, client), 1},
		{"data", blockServer, envs.Defender, findData(client, server), 1},
		{"exploit", blockServer, envs.Defender, exploit(client, server, smb), 1},
		{"exfiltrate", blockServer, envs.Defender, exfiltrate(client, server, secret), 1},
		{"block", blockServer, envs.Defender, block(client, server, absent), 1},
		{"scan", blockServer, envs.Defender, scan(client, "0.0.0.0/0"), 1},
		{"scan, several", append(blockServer, block(client, client, outside)), envs.Defender, scan(client, "0.0.0.0/0"), 2},
		{"benign", blockServer, envs.Benign, findServices(client, server), 1},
		{"attacker", blockServer, envs.Attacker, findServices(client, server), 0},
		{"twice blocked counts once", append(blockServer, block(client, client, server)), envs.Benign, findServices(client, server), 1},
		{"not blocked", blockServer, envs.Benign, findServices(client, outside), 0},
		{"stopped by the scenario", blockServer, envs.Defender, findServices(server, client), 1},
		{"stopped by the scenario alone", nil, envs.Defender, findServices(server, client), 0},
		{"from elsewhere", []netsecgame.Action{block(server, server, outside)}, envs.Defender, findServices(outside, server), 0},
		{"nobody's services", blockAbsent, envs.Benign, findServices(client, absent), 1},
		{"nobody's data", blockAbsent, envs.Benign, findData(client, absent), 1},
		{"nobody exploited", blockAbsent, envs.Benign, exploit(client, absent, smb), 0},
		{"to elsewhere", []netsecgame.Action{block(server, server, outside)}, envs.Defender, exfiltrate(server, outside, secret), 0},
		{"elsewhere blocked", []netsecgame.Action{block(server, server, outside)}, envs.Defender, block(server, outside, absent), 0},
	} {
		w := newWorld(t, taskText("two_networks_tiny", part{controlled: fmt.Sprintf("[%s]", client)}, part{}))
		author, other := w.NewAgent(envs.Defender), w.NewAgent(c.role)
		for _, b := range c.blocks {
			play(t, w, author, b)
		}
		play(t, w, other, c.action)
		if author.FalsePositives != c.want || other.FalsePositives != 0 {
			t.Errorf("%s: %d false positives, and %d of the other; want %d and 0", c.name, author.FalsePositives,
				other.FalsePositives, c.want)
		}
	}
}

func TestAuthors(t *testing.T) {
	w := newWorld(t, taskText("two_networks_tiny", part{}, part{}, "use_firewall: false"))
	first, second := w.NewAgent(envs.Defender), w.NewAgent(envs.Defender)
	play(t, w, first, block(client, client, server))
	play(t, w, second, block(client, client, server)) // from the client to itself: still allowed
	play(t, w, first, findServices(client, server))   // its own block counts, too
	if first.FalsePositives != 1 || second.FalsePositives != 1 {
		t.Errorf("%d and %d false positives, want 1 and 1", first.FalsePositives, second.FalsePositives)
	}
	w.Reset(false)
	w.Begin(first)
	play(t, w, first, findServices(client, server))
	if first.FalsePositives != 0 || !slices.Contains(slices.Collect(first.State.Hosts()), server) {
		t.Error("a block outlives the reset")
	}
}

// TestRouterLog: the addresses of a router share its log.
func TestRouterLog(t *testing.T) {
	w := newWorld(t, taskText("two_networks_tiny", part{}, part{}, "use_firewall: false"))
	a := w.NewAgent(envs.Defender)
	play(t, w, a, scan(client, "192.168.0.0/16"))
	play(t, w, a, findData(client, "192.168.2.1"))
	entry := func(kind string) string {
		return `{"source_host": "` + string(client) + `", "action_type": "ActionType.` + kind + `"}`
	}
	content := "[" + entry("ScanNetwork") + ", " + entry("ScanNetwork") + ", " + entry("FindData") + "]"
	want := netsecgame.Data{Owner: "system", ID: "logfile", Size: len(content), Type: "log", Content: content}
	if got := a.State.View().KnownData["192.168.2.1"]; len(got) != 1 || got[0] != want {
		t.Errorf("data of the router %+v, want %+v", got, want)
	}
}

// TestBadRequests: what Compile refuses.
func TestBadRequests(t *testing.T) {
	w := newWorld(t, taskText("two_networks_tiny", part{}, part{}))
	strict := netsecgame.NewWorld(w.Task(), netsecgame.Strict(), netsecgame.NewGenerator())
	synonym := block(client, client, absent)
	synonym.Has ^= netsecgame.BlockedHost | netsecgame.BlockedIP
	synonym.BlockedHost, synonym.BlockedIP = "", synonym.BlockedHost
	network := func(ip netsecgame.IP, mask int) netsecgame.Action {
		a := scan(client, "0.0.0.0/0")
		a.TargetNetwork = netsecgame.Network{IP: ip, Mask: mask}
		return a
	}
	for _, c := range []struct {
		w      *netsecgame.World
		action netsecgame.Action
		want   string
	}{
		{w, netsecgame.Action{Type: netsecgame.FindData}, "FindData needs source_host, target_host"},
		{w, on(netsecgame.ExploitService, client, server), "ExploitService needs target_service"},
		{w, on(netsecgame.ExfiltrateData, client, server), "ExfiltrateData needs data"},
		{w, on(netsecgame.BlockIP, client, client), "BlockIP needs blocked_host"},
		{w, on(netsecgame.ScanNetwork, client, client), "ScanNetwork needs target_network"},
		{w, network("192.168.1.0", 33), "192.168.1.0/33 is no network"},
		{w, network("192.168.1.0", -1), "192.168.1.0/-1 is no network"},
		{w, network("everything", 0), "everything/0 is no network"},
		{w, network("::", 128), ""},
		{w, network("192.168.1.0", 0), ""},
		{w, synonym, ""},
		{strict, synonym, "BlockIP needs blocked_host"},
		{w, findServices(absent, absent), ""},
	} {
		_, err := c.w.Compile(c.action)
		if got := fmt.Sprint(err); got != c.want && !(err == nil && c.want == "") {
			t.Errorf("%+v: error %q, want %q", c.action, got, c.want)
		}
	}
	a := w.NewAgent(envs.Defender)
	play(t, w, a, synonym)
	if !equal(a.State.View().KnownBlocks[client], string(absent)) {
		t.Error("blocked_ip does not block")
	}
}

// TestFull: each limit is told, and a reset helps.
func TestFull(t *testing.T) {
	for _, c := range []struct {
		name   string
		action func(i int) netsecgame.Action
		limit  int
	}{
		{"logs", func(int) netsecgame.Action { return scan(client, "0.0.0.0/0") }, netsecgame.MaxLogged/4 - 1},
		{"names", func(i int) netsecgame.Action {
			return block(client, client, netsecgame.IP(fmt.Sprintf("10.%d.%d.%d", 1+i>>16, i>>8&255, i&255)))
		}, netsecgame.MaxMadeUp},
		{"contents", func(int) netsecgame.Action {
			d := netsecgame.Data{Owner: "system", ID: "logfile", Type: "log", Content: strings.Repeat("x", netsecgame.MaxStored/2)}
			return exfiltrate(client, outside, d)
		}, 1},
	} {
		w := newWorld(t, taskText("two_networks_tiny", part{controlled: fmt.Sprintf("[%s, %s]", client, outside)}, part{}))
		a := w.NewAgent(envs.Attacker)
		play(t, w, a, findData(client, client))
		var err error
		played := 0
		for ; err == nil && played <= c.limit; played++ {
			var m netsecgame.Move
			if m, err = w.Compile(c.action(played)); err == nil {
				err = w.Apply(a, m)
			}
		}
		if !errors.Is(err, netsecgame.ErrFull) || played != c.limit+1 {
			t.Errorf("%s: error %v after %d actions", c.name, err, played)
		}
		w.Reset(false)
		w.Begin(a)
		play(t, w, a, c.action(0))
	}
}

// TestChance: with probabilities an action has no effect, and leaves no trace, unless the roll is below.
func TestChance(t *testing.T) {
	env := []string{"use_success_probabilities: true", "actions: {find_services: {prob_success: 0.5}}"}
	for _, c := range []struct {
		roll    float64
		succeed bool
	}{{0.49, true}, {0.5, false}} {
		d := &dice{roll: c.roll}
		task := load(t, taskText("two_networks_tiny", part{controlled: fmt.Sprintf("[%s]", client)}, part{}, env...))
		w := netsecgame.NewWorld(task, netsecgame.Compat{}, d)
		a := w.NewAgent(envs.Attacker)
		before := a.State.Version()
		play(t, w, a, findServices(client, server))
		if got := a.State.Version() != before; got != c.succeed || d.rolls != 1 {
			t.Errorf("roll %v: success %t after %d rolls", c.roll, got, d.rolls)
		}
		play(t, w, a, scan(client, "0.0.0.0/0"))
		if d.rolls != 1 {
			t.Error("a certain action rolls")
		}
	}
}

// TestGoalReached: an empty goal is reached at once, but by defenders only if Compat says so.
func TestGoalReached(t *testing.T) {
	task := load(t, taskText("two_networks_tiny", part{}, part{}))
	for _, c := range []struct {
		compat netsecgame.Compat
		role   envs.Role
		want   bool
	}{
		{netsecgame.Compat{}, envs.Attacker, true}, {netsecgame.Strict(), envs.Attacker, true},
		{netsecgame.Compat{}, envs.Defender, false}, {netsecgame.Strict(), envs.Defender, true},
		{netsecgame.Compat{}, envs.Benign, false}, {netsecgame.Strict(), envs.Benign, false},
	} {
		w := netsecgame.NewWorld(task, c.compat, netsecgame.NewGenerator())
		if got := w.NewAgent(c.role).GoalReached(); got != c.want {
			t.Errorf("%+v: goal of the %s reached: %t, want %t", c.compat, c.role, got, c.want)
		}
	}
	w := newWorld(t, strings.Replace(taskText("two_networks_tiny", part{}, part{}), "goal: {known_networks: [], known_hosts: []",
		"goal: {known_networks: [], known_hosts: [1.1.1.1]", 2))
	if w.NewAgent(envs.Attacker).GoalReached() {
		t.Error("a goal out of reach is reached")
	}
}

// TestLive: after a first FindData an agent sees what changes on that host, until its own next action begins.
func TestLive(t *testing.T) {
	w := newWorld(t, taskText("two_networks_tiny", part{controlled: fmt.Sprintf("[%s]", client)}, part{}))
	a, other := w.NewAgent(envs.Attacker), w.NewAgent(envs.Defender)
	seen := func() (entries, blocks int) {
		v := a.State.View()
		for _, d := range v.KnownData[client] {
			entries += strings.Count(d.Content, "source_host")
		}
		return entries, len(v.KnownBlocks[client])
	}
	check := func(when string, entries, blocks int) {
		t.Helper()
		if e, b := seen(); e != entries || b != blocks {
			t.Errorf("%s: sees %d entries and %d blocks, want %d and %d", when, e, b, entries, blocks)
		}
	}
	play(t, w, other, block(client, client, absent))
	play(t, w, a, findData(client, client))
	play(t, w, other, findServices(client, client))
	play(t, w, other, block(client, client, server))
	// Nobody looks before the agent acts.
	play(t, w, a, scan(absent, "0.0.0.0/0"))
	check("own action", 4, 2)
	play(t, w, other, block(client, client, outside))
	check("frozen", 4, 2)
	play(t, w, a, findData(client, client))
	check("found again: the log stays, blocks do not", 4, 3)
	play(t, w, other, block(client, client, gate))
	check("found again, and frozen", 4, 3)
}
