package netsecgame

import (
	"embed"
	"fmt"
	"maps"
	"slices"
	"strings"

	"idsrl/envs/settings"
)

// A Scenario is a topology with services, data and firewall rules. It does not change.
type Scenario struct {
	Name  string
	Hosts []Host // routers last
	Start []IP   // what the keyword random draws from for start positions; what is in it twice counts twice
	Allow []Rule // what the firewall lets pass besides what the kinds of networks imply
}

// A Host is a machine. One without services is a router.
type Host struct {
	Name       string
	Interfaces []Interface
	Services   []Service
	Data       []DataKey // without its log
}

// An Interface is an address of a host, and the network that it is in.
type Interface struct {
	IP      IP
	Network Network
}

// A Rule lets every address in From reach every address in To.
type Rule struct{ From, To []Network }

// The prefixes that networks of a scenario may have: each has room for hosts, and fits into 10/8.
const widest, narrowest = 8, 30

//go:embed scenarios/*.yaml
var scenarioFiles embed.FS

// aliases are other names of scenarios.
var aliases = map[string]string{"scenario1_small": "two_networks_small", "scenario1_tiny": "two_networks_tiny"}

// Scenarios returns the names that [NamedScenario] knows.
func Scenarios() []string {
	files, _ := scenarioFiles.ReadDir("scenarios") // it is embedded
	names := slices.Collect(maps.Keys(aliases))
	for _, f := range files {
		names = append(names, strings.TrimSuffix(f.Name(), ".yaml"))
	}
	slices.Sort(names)
	return names
}

// ScenarioFile returns the file of a scenario that [Scenarios] lists, an example of what [ParseScenario] reads.
func ScenarioFile(name string) ([]byte, error) {
	if original, ok := aliases[name]; ok {
		name = original
	}
	data, err := scenarioFiles.ReadFile("scenarios/" + name + ".yaml")
	if err != nil {
		problem := fmt.Sprintf("no scenario is called %q", name)
		if s := settings.Suggest(name, Scenarios()); s != "" {
			problem += "; did you mean " + s + "?"
		}
		return nil, fmt.Errorf("%s; there are %s", problem, strings.Join(Scenarios(), ", "))
	}
	return data, nil
}

// NamedScenario returns the scenario that comes with the game under this name.
func NamedScenario(name string) (*Scenario, error) {
	data, err := ScenarioFile(name)
	if err != nil {
		return nil, err
	}
	return ParseScenario(name, name+".yaml", data)
}

// ParseScenario reads a scenario:
//
//	hosts:
//	  server:
//	    addresses: {192.168.1.2: 192.168.1.0/24}  # address: network
//	    services:
//	      - {name: ssh, version: 8.1.0}           # type: passive
//	      - {name: bash, version: 5.0.0, local: true}
//	    data: [[User1, DatabaseData]]             # [owner, id]
//	start: [192.168.2.2]                          # where the keyword random may start
//	allow:
//	  - {from: 192.168.2.0/24, to: [192.168.1.2]} # addresses and networks
//
// Addresses of a private network reach each other and every public address; allow adds to that. The error is a
// [settings.Errors] with every problem, and names the file.
func ParseScenario(name, file string, data []byte) (*Scenario, error) {
	root, err := settings.Parse(file, data)
	if err != nil {
		return nil, err
	}
	r := &scenarioReader{known: map[IP]bool{}}
	s := &Scenario{Name: name}
	m := r.mapping(root, "hosts", "start", "allow")
	if n, ok := r.need(root, m, "hosts", "{name: {addresses: {192.168.1.2: 192.168.1.0/24}}}"); ok {
		for _, v := range r.values(n) {
			s.Hosts = append(s.Hosts, r.host(v))
		}
	}
	if n, ok := r.need(root, m, "start", "[192.168.1.2]"); ok {
		if s.Start = r.start(n); len(s.Start) == 0 {
			r.fail(n, "must name at least one address")
		}
	}
	if n, ok := m["allow"]; ok {
		for _, item := range r.list(n) {
			s.Allow = append(s.Allow, r.rule(item))
		}
	}
	if errs := slices.Concat(r.errs, r.warnings); len(errs) > 0 { // what means nothing is a slip here
		return nil, byLine(errs)
	}
	return s, nil
}

// A scenarioReader reads a Scenario.
type scenarioReader struct {
	reader
	known map[IP]bool // the addresses so far
}

func (r *scenarioReader) host(n settings.Node) Host {
	h := Host{Name: n.Name()}
	m := r.mapping(n, "addresses", "services", "data")
	if n, ok := r.need(n, m, "addresses", "{192.168.1.2: 192.168.1.0/24}"); ok {
		values := r.values(n)
		if len(values) == 0 {
			r.fail(n, "must have at least one address: network")
		}
		for _, v := range values {
			h.Interfaces = append(h.Interfaces, r.address(v))
		}
	}
	if n, ok := m["services"]; ok {
		for _, item := range r.list(n) {
			s := r.service(item)
			if slices.Contains(h.Services, s) {
				r.fail(item, "is there already")
			}
			h.Services = append(h.Services, s)
		}
	}
	if n, ok := m["data"]; ok {
		for _, item := range r.list(n) {
			key, ok := r.dataKey(item)
			if ok && slices.Contains(h.Data, key) {
				r.fail(item, "is there already")
			}
			h.Data = append(h.Data, key)
		}
	}
	return h
}

// address reads address: network.
func (r *scenarioReader) address(n settings.Node) Interface {
	i := Interface{IP: IP(n.Name())}
	ip, isIP := i.IP.v4()
	text, _, _ := n.Text()
	network, err := ParseNetwork(text)
	b, _ := network.block()
	switch {
	case !isIP:
		r.fail(n, "%s is no IPv4 address", i.IP)
	case r.known[i.IP]:
		r.fail(n, "%s belongs to another host", i.IP)
	case err != nil:
		r.fail(n, "must be a network like 192.168.1.0/24")
	case network.Mask < widest || network.Mask > narrowest:
		r.fail(n, "must be a network from /%d to /%d", widest, narrowest)
	case !b.contains(ip) || ip == b.base || ip == b.base|^b.mask:
		r.fail(n, "has no room for a host at %s", i.IP)
	}
	r.known[i.IP] = true
	i.Network = network
	return i
}

func (r *scenarioReader) service(n settings.Node) Service {
	s := Service{Type: "passive", Version: "unknown"}
	m := r.mapping(n, "name", "type", "version", "local")
	if n, ok := r.need(n, m, "name", "ssh"); ok {
		s.Name = r.text(n)
	}
	if n, ok := m["type"]; ok {
		s.Type = r.text(n)
	}
	if n, ok := m["version"]; ok {
		s.Version = r.text(n)
	}
	if n, ok := m["local"]; ok {
		if s.Local, ok = scalar(n).(bool); !ok {
			r.fail(n, "must be true or false")
		}
	}
	return s
}

func (r *scenarioReader) start(n settings.Node) (starts []IP) {
	for _, item := range r.list(n) {
		text, _, _ := item.Text()
		if !r.known[IP(text)] {
			r.fail(item, "must be an address of a host")
		}
		starts = append(starts, IP(text))
	}
	return starts
}

func (r *scenarioReader) rule(n settings.Node) (rule Rule) {
	m := r.mapping(n, "from", "to")
	if n, ok := r.need(n, m, "from", "192.168.2.2"); ok {
		rule.From = r.side(n)
	}
	if n, ok := r.need(n, m, "to", "192.168.1.0/24"); ok {
		rule.To = r.side(n)
	}
	return rule
}

// side reads an address or a network, or a list of them.
func (r *scenarioReader) side(n settings.Node) (networks []Network) {
	items, ok := n.List()
	if !ok {
		items = []settings.Node{n}
	}
	for _, item := range items {
		text, _, _ := item.Text()
		if _, isIP := IP(text).v4(); isIP {
			text += "/32"
		}
		network, err := ParseNetwork(text)
		if err != nil {
			r.fail(item, "must be an address, or a network like 192.168.1.0/24")
		}
		networks = append(networks, network)
	}
	return networks
}
