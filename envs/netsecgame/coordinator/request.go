package coordinator

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"idsrl/envs"
	"idsrl/envs/netsecgame"
)

// Kind is what a message asks for.
type Kind uint8

// The kinds of messages.
const (
	Malformed Kind = iota // nothing that can be read
	Act
	Join
	Quit
	Reset
)

// The names of what is no action of the game, in the order in which the game lists them behind the actions.
var kindNames = map[string]Kind{"JoinGame": Join, "QuitGame": Quit, "ResetGame": Reset}

// A Request is one message of a client.
type Request struct {
	Kind   Kind
	Played Played // what Act plays

	// Of Join, as sent. A Role of Nobody says that there is no agent_info.
	Name string
	Role envs.Role

	Wish  Wish   // of Reset
	Token string // stands beside the parameters
}

// Wish is how an agent wishes the game to be reset.
type Wish struct {
	Trajectory bool  // the reply shall have the trajectory of the episode that ends
	Seeded     bool  // Seed and Renumber count
	Seed       int64 // -1 if it is too large
	Renumber   bool  // addresses shall change
}

// Played is an action as sent.
type Played struct {
	netsecgame.Action
	Rest string // further parameters, as members of a JSON object, each with a comma before it
	mask bool   // that of TargetNetwork is a text
}

// texts is the length of all texts in p.
func (p *Played) texts() int {
	return len(p.SourceHost) + len(p.TargetHost) + len(p.BlockedHost) + len(p.BlockedIP) + len(p.TargetNetwork.IP) +
		len(p.TargetService.Name) + len(p.TargetService.Type) + len(p.TargetService.Version) +
		len(p.Data.Owner) + len(p.Data.ID) + len(p.Data.Type) + len(p.Data.Content) + len(p.Rest)
}

// Parse reads a message.
func Parse(message []byte) *Request {
	p := parser{decoder: decoder{text: message}, request: new(Request)}
	if !utf8.Valid(message) || !p.message() {
		return new(Request)
	}
	return p.request
}

// parser reads the parts of a message.
type parser struct {
	decoder
	request *Request
	rest    []byte // of Played
	quoted  bool   // the mask read last is the text of a number
}

// prefix may stand before the name of an action.
const prefix = "ActionType."

func (p *parser) message() bool {
	var name string
	var named, parameters bool
	ok := p.object(func(key string) (ok bool) {
		switch key {
		case "action_type":
			name, ok = p.str()
			named = ok
		case "token":
			if p.next() == '"' {
				p.request.Token, ok = p.str()
			} else {
				ok = p.skip(maxDepth)
			}
		case "parameters":
			parameters = true
			ok = p.object(p.parameter)
		default:
			ok = p.skip(maxDepth)
		}
		return ok
	})
	if !ok || !p.end() || !named || !parameters {
		return false
	}
	name = strings.TrimPrefix(name, prefix)
	if t, ok := netsecgame.ParseActionType(name); ok {
		p.request.Kind, p.request.Played.Type, p.request.Played.Rest = Act, t, string(p.rest)
		return true
	}
	p.request.Kind, ok = kindNames[name]
	return ok
}

// parameter reads a parameter. Every action may have all of them.
func (p *parser) parameter(key string) (ok bool) {
	r := p.request
	a := &r.Played.Action
	switch key {
	case "source_host":
		a.Has |= netsecgame.SourceHost
		return p.ip(&a.SourceHost)
	case "target_host":
		a.Has |= netsecgame.TargetHost
		return p.ip(&a.TargetHost)
	case "blocked_host":
		a.Has |= netsecgame.BlockedHost
		return p.ip(&a.BlockedHost)
	case "blocked_ip":
		a.Has |= netsecgame.BlockedIP
		return p.ip(&a.BlockedIP)
	case "target_network":
		a.Has |= netsecgame.TargetNetwork
		ok = p.network(&a.TargetNetwork)
		r.Played.mask = p.quoted
		return ok
	case "target_service":
		a.Has |= netsecgame.TargetService
		return p.service(&a.TargetService)
	case "data":
		a.Has |= netsecgame.TargetData
		return p.data(&a.Data)
	case "agent_info":
		ok = p.agentInfo()
		p.rest = appendString(append(p.rest, `,"agent_info":{"name":`...), r.Name)
		p.rest = append(append(append(p.rest, `,"role":"`...), roleNames[r.Role]...), `"}`...)
	case "request_trajectory":
		ok = p.flag(&r.Wish.Trajectory)
		p.rest = strconv.AppendBool(append(p.rest, `,"request_trajectory":`...), r.Wish.Trajectory)
	case "randomize_topology":
		ok = p.flag(&r.Wish.Renumber)
		p.rest = strconv.AppendBool(append(p.rest, `,"randomize_topology":`...), r.Wish.Renumber)
	case "seed":
		ok = p.seed()
		p.rest = append(p.rest, `,"seed":`...)
		if r.Wish.Seeded {
			p.rest = strconv.AppendInt(p.rest, r.Wish.Seed, 10)
		} else {
			p.rest = append(p.rest, "null"...)
		}
	}
	return ok
}

// ip reads {"ip": "192.168.1.2"}.
func (p *parser) ip(ip *netsecgame.IP) bool {
	found := false
	ok := p.object(func(key string) bool {
		text, ok := p.str()
		if !ok || key != "ip" {
			return false
		}
		var err error
		*ip, err = netsecgame.ParseIP(text)
		found = true
		return err == nil
	})
	return ok && found
}

// network reads {"ip": "192.168.1.0", "mask": 24}. What the two are is not looked at: who scans the network finds out. The
// mask may be the text of a number.
func (p *parser) network(n *netsecgame.Network) bool {
	var hasIP, hasMask bool
	ok := p.object(func(key string) bool {
		quoted := p.next() == '"'
		text, ok := p.scalar()
		switch key {
		case "ip":
			hasIP = true
			n.IP = netsecgame.IP(text)
		case "mask":
			hasMask = true
			var err error
			if n.Mask, err = strconv.Atoi(text); err != nil {
				n.Mask = -1
			}
			p.quoted = quoted && err == nil
		default:
			return false
		}
		return ok
	})
	return ok && hasIP && hasMask
}

// scalar reads any value; a string or a number has a text.
func (p *parser) scalar() (string, bool) {
	switch b := p.next(); {
	case b == '"':
		return p.str()
	case b == '-', '0' <= b && b <= '9':
		return p.number()
	default:
		return "", p.skip(maxDepth)
	}
}

// service reads {"name": ..., "type": ..., "version": ..., "is_local": ...}, of which only the name must be there.
func (p *parser) service(s *netsecgame.Service) bool {
	*s = netsecgame.Service{Type: "unknown", Version: "unknown", Local: true}
	found := false
	ok := p.object(func(key string) (ok bool) {
		switch key {
		case "name":
			s.Name, ok = p.str()
			found = ok
		case "type":
			s.Type, ok = p.str()
		case "version":
			s.Version, ok = p.str()
		case "is_local":
			s.Local, ok = p.boolean()
		}
		return ok
	})
	return ok && found
}

// data reads {"owner": ..., "id": ..., "size": ..., "type": ..., "content": ...}, of which the first two must be there.
func (p *parser) data(d *netsecgame.Data) bool {
	*d = netsecgame.Data{}
	var owner, id bool
	ok := p.object(func(key string) (ok bool) {
		switch key {
		case "owner":
			d.Owner, ok = p.str()
			owner = ok
		case "id":
			d.ID, ok = p.str()
			id = ok
		case "size":
			var size int64
			size, ok = p.integer()
			d.Size = int(size)
		case "type":
			d.Type, ok = p.str()
		case "content":
			d.Content, ok = p.str()
		}
		return ok
	})
	return ok && owner && id
}

// agentInfo reads {"name": ..., "role": ...}, with or without more, or the text of such a dict.
func (p *parser) agentInfo() bool {
	var name, role string
	var hasName, hasRole bool
	if p.next() == '"' {
		text, ok := p.str()
		if !ok {
			return false
		}
		dict, ok := parseLiteral(text)
		if !ok {
			return false
		}
		name, role = dict.members["name"].text, dict.members["role"].text
		_, hasName = dict.members["name"]
		hasRole = dict.members["role"].quoted
	} else {
		ok := p.object(func(key string) (ok bool) {
			switch key {
			case "name":
				hasName = true
				name, ok = p.pythonText()
			case "role":
				role, ok = p.str()
				hasRole = ok
			default:
				ok = p.skip(maxDepth)
			}
			return ok
		})
		if !ok {
			return false
		}
	}
	if !hasName || !hasRole {
		return false
	}
	p.request.Name = name
	p.request.Role = parseRole(role)
	return p.request.Role != envs.Nobody
}

// pythonText reads any value as what Python's str makes of it, up to what cleanName levels.
func (p *parser) pythonText() (string, bool) {
	if p.next() == '"' {
		return p.str()
	}
	start := p.at
	ok := p.skip(maxDepth)
	text := string(p.text[start:p.at])
	if python, known := map[string]string{"true": "True", "false": "False", "null": "None"}[text]; known {
		text = python
	}
	return text, ok
}

// flag reads a boolean, or the text of a Python literal.
func (p *parser) flag(value *bool) (ok bool) {
	if p.next() != '"' {
		*value, ok = p.boolean()
		return ok
	}
	text, ok := p.str()
	if !ok {
		return false
	}
	l, ok := parseLiteral(text)
	*value = l.truth
	return ok
}

// seed reads an integer, a boolean, null or "None".
func (p *parser) seed() (ok bool) {
	w := &p.request.Wish
	w.Seeded = false
	switch b := p.next(); b {
	case 'n':
		return p.word("null")
	case '"':
		text, ok := p.str()
		return ok && text == "None"
	case 't', 'f':
		value, ok := p.boolean()
		w.Seed = 0
		if value {
			w.Seed = 1
		}
		w.Seeded = true
		return ok
	default:
		w.Seeded = true
		text, ok := p.number()
		if !ok {
			return false
		}
		if w.Seed, ok = parseSeed(text); !ok {
			return false
		}
		return true
	}
}

// parseSeed reads an integer of any size. All that do not fit are -1, which is no seed either.
func parseSeed(text string) (int64, bool) {
	if strings.ContainsAny(text, ".eEIN") {
		return 0, false
	}
	seed, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		seed = -1
	}
	return seed, true
}

// roleNames are the roles on the wire.
var roleNames = [...]string{
	envs.Nobody: "", envs.Attacker: "Attacker", envs.Defender: "Defender", envs.Benign: "Benign",
}

// parseRole reads a role without regard to case and to what stands before the last dot.
func parseRole(text string) envs.Role {
	text = text[strings.LastIndexByte(text, '.')+1:]
	for role, name := range roleNames {
		if strings.EqualFold(text, name) {
			return envs.Role(role)
		}
	}
	return envs.Nobody
}

// cleanName is a name with only letters, digits, - and single _ inside, at most 200 characters long.
func cleanName(name string) string {
	clean := make([]byte, 0, len(name))
	for _, r := range name {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '-':
			clean = append(clean, byte(r))
		case len(clean) > 0 && clean[len(clean)-1] != '_':
			clean = append(clean, '_')
		}
	}
	name = strings.TrimSuffix(string(clean), "_")
	return name[:min(len(name), 200)]
}
