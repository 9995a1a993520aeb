package netsecgame

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"idsrl/envs"
	"idsrl/envs/settings"
)

// A taskReader reads a Task.
type taskReader struct {
	reader
	file      string
	scenario  *Scenario // nil if it could not be read
	networks  map[Network]bool
	addresses map[IP]*Host
}

func (r *taskReader) task(root settings.Node) *Task {
	t := &Task{RequiredPlayers: 1, UseFirewall: true}
	t.Roles[envs.Benign] = &benign
	m := r.mapping(root, "coordinator", "env")
	if n, ok := r.need(root, m, "env", "{scenario: two_networks}"); ok { // before the views, which are about its scenario
		r.env(t, n)
	}
	if n, ok := r.need(root, m, "coordinator", "{agents: {Attacker: ...}}"); ok {
		m := r.mapping(n, "agents")
		if n, ok := r.need(n, m, "agents", "{Attacker: ...}"); ok {
			r.agents(t, n)
		}
	}
	return t
}

// benign is the task of benign agents: they start at random places, and their goal is out of reach.
var benign = RoleTask{
	Start: View{Controlled: HostView{Random: 3}},
	Goal:  View{Data: []DataView{{Host: "1.1.1.1", Data: []DataKey{{Owner: "User1", ID: "DataFromInternet"}}}}},
}

func (r *taskReader) env(t *Task, n settings.Node) {
	ignored := []string{
		"random_seed", "goal_reward", "detection_reward", "step_reward", "store_replay_buffer",
	}
	m := r.mapping(n, append(ignored, "scenario", "required_players", "rewards", "use_firewall", "use_global_defender",
		"use_dynamic_addresses", "save_trajectories", "use_success_probabilities", "actions")...)
	for _, key := range ignored {
		if n, ok := m[key]; ok {
			r.warn(n, "is ignored")
		}
	}
	if n, ok := r.need(n, m, "scenario", "two_networks"); ok {
		r.readScenario(n)
		t.Scenario = r.scenario
	}
	if n, ok := m["required_players"]; ok {
		t.RequiredPlayers = r.players(n)
	}
	if n, ok := m["rewards"]; ok {
		r.rewards(&t.Rewards, n)
	}
	successes := false
	for _, flag := range []struct {
		key string
		to  *bool
	}{
		{"use_firewall", &t.UseFirewall}, {"use_global_defender", &t.UseGlobalDefender},
		{"use_dynamic_addresses", &t.UseDynamicAddresses}, {"save_trajectories", &t.SaveTrajectories},
		{"use_success_probabilities", &successes},
	} {
		if n, ok := m[flag.key]; ok {
			*flag.to = r.truth(n)
		}
	}
	for a := range t.SuccessProbability {
		t.SuccessProbability[a] = 1
	}
	switch n, ok := m["actions"]; {
	case ok && successes:
		r.probabilities(&t.SuccessProbability, n)
	case ok:
		r.warn(n, "is ignored, unless env.use_success_probabilities is true")
	}
}

func (r *taskReader) readScenario(n settings.Node) {
	name, _, _ := n.Text()
	var err error
	if ext := filepath.Ext(name); ext == ".yaml" || ext == ".yml" {
		path := filepath.Join(filepath.Dir(r.file), name)
		var data []byte
		if data, err = os.ReadFile(path); err == nil {
			r.scenario, err = ParseScenario(strings.TrimSuffix(filepath.Base(name), ext), path, data)
		}
	} else {
		r.scenario, err = NamedScenario(name)
	}
	if problems, ok := errors.AsType[settings.Errors](err); ok {
		r.errs = append(r.errs, problems...)
	} else if err != nil {
		r.fail(n, "%v", err)
	}
	if r.scenario == nil {
		return
	}
	r.networks, r.addresses = map[Network]bool{}, map[IP]*Host{}
	for i := range r.scenario.Hosts {
		h := &r.scenario.Hosts[i]
		for _, at := range h.Interfaces {
			r.networks[at.Network], r.addresses[at.IP] = true, h
		}
	}
}

func (r *taskReader) players(n settings.Node) int {
	players, ok := r.integer(n)
	switch _, isText := scalar(n).(string); {
	case isText && !ok:
		r.warn(n, "is no number, so that 1 counts")
		return 1
	case !ok:
		r.fail(n, "must be an integer; leave the key out for 1")
	case players < 1:
		r.fail(n, "must be at least 1, or nobody can play")
	}
	return players
}

func (r *taskReader) rewards(rewards *Rewards, n settings.Node) {
	m := r.mapping(n, "step", "success", "fail", "false_positive")
	for _, item := range []struct {
		key  string
		to   *float64
		sign float64 // that is sensible
	}{
		{"step", &rewards.Step, -1}, {"success", &rewards.Success, 1}, {"fail", &rewards.Fail, -1},
		{"false_positive", &rewards.FalsePositive, -1},
	} {
		n, ok := m[item.key]
		if !ok {
			continue
		}
		x, ok := number(scalar(n))
		if !ok {
			r.fail(n, "must be a number; leave the key out for 0")
		}
		if x*item.sign < 0 {
			r.warn(n, "has an odd sign")
		}
		*item.to = x
	}
}

// probabilities reads {scan_network: {prob_success: 0.9}}. Case, underscores and a plural in the name do not count.
func (r *taskReader) probabilities(p *[ActionTypes]float64, n settings.Node) {
	for _, v := range r.values(n) {
		t := slices.IndexFunc(actionNames[:], func(name string) bool {
			return simple(name) == simple(v.Name())
		})
		if t < 0 {
			r.fail(v, "is no action; the actions are %s", strings.Join(actionNames[:], ", "))
			continue
		}
		if n, ok := r.mapping(v, "prob_success")["prob_success"]; ok {
			x, ok := number(scalar(n))
			if !ok || x < 0 || x > 1 {
				r.fail(n, "must be in [0, 1]")
			}
			p[t] = x
		}
	}
}

func simple(name string) string {
	return strings.TrimSuffix(strings.ReplaceAll(strings.ToLower(name), "_", ""), "s")
}

func (r *taskReader) agents(t *Task, n settings.Node) {
	m := r.mapping(n, "Attacker", "Defender", "Benign")
	if len(m) == 0 {
		r.fail(n, "must have one of Attacker, Defender, Benign")
	}
	if n, ok := m["Attacker"]; ok {
		t.Roles[envs.Attacker] = r.role(n, envs.Attacker)
	}
	if n, ok := m["Defender"]; ok {
		t.Roles[envs.Defender] = r.role(n, envs.Defender)
	}
	if n, ok := m["Benign"]; ok {
		t.Roles[envs.Benign] = r.role(n, envs.Benign)
	}
}

func (r *taskReader) role(n settings.Node, role envs.Role) *RoleTask {
	t := &RoleTask{}
	if n.IsNull() {
		r.fail(n, "has no value; leave the key out if nobody plays this role")
		return t
	}
	m := r.mapping(n, "max_steps", "goal", "start_position")
	if n, ok := m["max_steps"]; ok && !n.IsNull() {
		if t.MaxSteps, t.HasMaxSteps = r.integer(n); !t.HasMaxSteps {
			r.fail(n, "must be an integer; leave the key out for no limit")
		}
	}
	if role == envs.Benign {
		t.Start, t.Goal = benign.Start, benign.Goal
		for _, key := range []string{"start_position", "goal"} {
			if n, ok := m[key]; ok {
				r.warn(n, "is ignored; benign agents start at random places, and their goal is out of reach")
			}
		}
		return t
	}
	if n, ok := r.need(n, m, "start_position", "{known_networks: [], ...}"); ok {
		r.start(&t.Start, n, role)
	}
	if n, ok := r.need(n, m, "goal", "{known_networks: [], ...}"); ok {
		r.goal(t, n)
	}
	return t
}

func (r *taskReader) start(v *View, n settings.Node, role envs.Role) {
	m := r.mapping(n, append(viewKeys, "known_blocks", "blocked_ips")...)
	r.view(v, n, m)
	for _, key := range []string{"known_blocks", "blocked_ips"} {
		if n, ok := m[key]; ok && isTrue(scalar(n)) {
			r.warn(n, "is ignored; nobody knows blocks at the start")
		}
	}
	if c := v.Controlled; role == envs.Attacker && len(c.IPs) == 0 && c.Random == 0 && !c.AllLocal {
		r.warn(n, "has no controlled_hosts, so that attackers can do nothing")
	}
	for _, s := range v.Data {
		if r.scenario != nil && s.Random && r.addresses[s.Host] == nil {
			r.fail(m["known_data"], "%s has no data to draw from: no such address in %s", s.Host, r.scenario.Name)
		}
	}
}

func (r *taskReader) goal(t *RoleTask, n settings.Node) {
	m := r.mapping(n, append(viewKeys, "known_blocks", "description", "is_any_part_of_goal_random")...)
	r.view(&t.Goal, n, m)
	if n, ok := r.need(n, m, "known_blocks", "{}"); ok {
		r.blocks(n)
	}
	if n, ok := m["is_any_part_of_goal_random"]; ok {
		r.warn(n, "is ignored; the keyword random says so")
	}
	n, ok := m["description"]
	if !ok {
		return
	}
	t.Description = r.text(n)
	hosts := slices.Concat(t.Goal.Known.IPs, t.Goal.Controlled.IPs)
	for _, s := range t.Goal.Services {
		hosts = append(hosts, s.Host)
	}
	for _, d := range t.Goal.Data {
		hosts = append(hosts, d.Host)
	}
	slices.Sort(hosts)
	for _, ip := range slices.Compact(hosts) {
		if !strings.Contains(t.Description, string(ip)) {
			r.warn(n, "does not say that the goal is about %s", ip)
		}
	}
}

// viewKeys are the keys of start positions and goals.
var viewKeys = []string{"known_networks", "known_hosts", "controlled_hosts", "known_services", "known_data"}

// view reads what start positions and goals have in common. m holds the values of n.
func (r *taskReader) view(v *View, n settings.Node, m map[string]settings.Node) {
	if n, ok := r.need(n, m, "known_networks", "[]"); ok {
		v.Networks = r.viewNetworks(n)
	}
	if n, ok := r.need(n, m, "known_hosts", "[]"); ok {
		v.Known = r.hosts(n)
	}
	if n, ok := r.need(n, m, "controlled_hosts", "[]"); ok {
		v.Controlled = r.hosts(n)
	}
	if n, ok := r.need(n, m, "known_services", "{}"); ok {
		for _, host := range r.byAddress(n) {
			v.Services = append(v.Services, r.services(host))
		}
	}
	if n, ok := r.need(n, m, "known_data", "{}"); ok {
		for _, host := range r.byAddress(n) {
			v.Data = append(v.Data, r.data(host))
		}
	}
}

// viewNetworks reads networks of the scenario.
func (r *taskReader) viewNetworks(n settings.Node) (networks []Network) {
	for _, item := range r.list(n) {
		text, _, _ := item.Text()
		network, err := ParseNetwork(text)
		switch {
		case err != nil:
			r.warn(item, "is dropped; it must be a network like 192.168.1.0/24")
		case r.scenario != nil && !r.networks[network]:
			var names []string
			for n := range r.networks {
				names = append(names, n.String())
			}
			slices.Sort(names)
			r.fail(item, "must be a network of %s: %s", r.scenario.Name, strings.Join(names, ", "))
		default:
			networks = append(networks, network)
		}
	}
	return networks
}

// hosts reads addresses and keywords.
func (r *taskReader) hosts(n settings.Node) (v HostView) {
	for _, item := range r.list(n) {
		text, _, _ := item.Text()
		ip, err := ParseIP(text)
		switch {
		case text == "random":
			v.Random = 1 // however often it is there
		case text == "all_local":
			v.AllLocal = true
		case err != nil:
			r.warn(item, "is dropped; it must be an address, random or all_local")
		default:
			v.IPs = append(v.IPs, ip)
		}
	}
	return v
}

// byAddress returns the values of a mapping whose keys are addresses.
func (r *taskReader) byAddress(n settings.Node) (values []settings.Node) {
	for _, v := range r.values(n) {
		if _, err := ParseIP(v.Name()); err != nil {
			r.fail(v, "%s must be an address", v.Name())
			continue
		}
		values = append(values, v)
	}
	return values
}

func (r *taskReader) services(n settings.Node) ServiceView {
	v := ServiceView{Host: IP(n.Name())}
	for _, item := range r.list(n) {
		fields, isList := item.List()
		text, _, isText := item.Text()
		switch {
		case isText && text == "random":
			v.Services = append(v.Services, nil)
			if h := r.addresses[v.Host]; r.scenario != nil && (h == nil || len(h.Services) == 0) {
				r.fail(item, "%s has no services to draw from in %s", v.Host, r.scenario.Name)
			}
		case isText:
			r.warn(item, "is dropped; it must be [name, type, version, is_local] or random")
		case !isList || len(fields) < 4:
			r.fail(item, "must be [name, type, version, is_local] or random")
		default:
			if len(fields) > 4 {
				r.warn(item, "counts up to is_local; it must be [name, type, version, is_local] or random")
			}
			v.Services = append(v.Services, &Service{
				Name: r.text(fields[0]), Type: r.text(fields[1]), Version: r.text(fields[2]), Local: isTrue(scalar(fields[3])),
			})
		}
	}
	return v
}

func (r *taskReader) data(n settings.Node) DataView {
	v := DataView{Host: IP(n.Name())}
	for _, item := range r.list(n) {
		if text, _, isText := item.Text(); isText && strings.EqualFold(text, "random") {
			v.Random = true
		} else if isText {
			r.fail(item, "must be [owner, id] or random; the value is a list of these: [[User1, DatabaseData]]")
		} else if key, ok := r.dataKey(item); ok && !slices.Contains(v.Data, key) {
			v.Data = append(v.Data, key)
		}
	}
	return v
}

// blocks reads the blocks of a goal, which have no effect.
func (r *taskReader) blocks(n settings.Node) {
	for _, v := range r.values(n) {
		text, _, _ := v.Text()
		if _, isList := v.List(); !isList && text != "all_attackers" {
			r.fail(v, "must be a list of addresses, or all_attackers")
		}
		r.warn(v, "is ignored; blocks are never part of a goal")
	}
}

// truth reads a truth value: like in Python, whatever is not empty, zero or false is true.
func (r *taskReader) truth(n settings.Node) bool {
	value := scalar(n)
	if _, ok := value.(bool); !ok {
		r.warn(n, "counts as %t; write true or false", isTrue(value))
	}
	return isTrue(value)
}

func isTrue(value any) bool {
	switch v := value.(type) {
	case bool:
		return v
	case int:
		return v != 0
	case float64:
		return v != 0
	case string:
		return v != ""
	case settings.Node:
		items, _ := v.List()
		values, _, _ := v.Map()
		return len(items)+len(values) > 0
	}
	return false
}

// integer reads what Python's int takes. It cuts fractions off.
func (r *taskReader) integer(n settings.Node) (i int, ok bool) {
	switch v := scalar(n).(type) {
	case int:
		return v, true
	case bool:
		i, ok = map[bool]int{true: 1}[v], true
	case float64:
		i, ok = int(v), math.Abs(v) < 1<<53
	case string:
		var err error
		i, err = strconv.Atoi(strings.ReplaceAll(strings.TrimSpace(v), "_", ""))
		ok = err == nil
	}
	if ok {
		r.warn(n, "counts as %d", i)
	}
	return i, ok
}

// number returns a finite number.
func number(value any) (x float64, ok bool) {
	switch v := value.(type) {
	case int:
		return float64(v), true
	case float64:
		return v, !math.IsNaN(v) && !math.IsInf(v, 0)
	}
	return 0, false
}
