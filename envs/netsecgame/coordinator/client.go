package coordinator

import (
	"errors"
	"strconv"

	"idsrl/envs"
	"idsrl/envs/netsecgame"
)

// The client's side of the messages.

// EndMark follows every reply.
const EndMark = endMark

// QuitMessage leaves a game.
const QuitMessage = `{"action_type":"` + prefix + `QuitGame","parameters":{}}`

// AppendMessage appends the message that plays an action.
func AppendMessage(dst []byte, a netsecgame.Action) []byte {
	return appendAction(dst, &Played{Action: a})
}

// AppendJoin appends the message that joins a game, with a token unless that is empty.
func AppendJoin(dst []byte, name string, role envs.Role, token string) []byte {
	dst = append(dst, `{"action_type":"`+prefix+`JoinGame","parameters":{"agent_info":{"name":`...)
	dst = append(append(append(appendString(dst, name), `,"role":"`...), roleNames[role]...), `"}}`...)
	if token != "" {
		dst = appendString(append(dst, `,"token":`...), token)
	}
	return append(dst, '}')
}

// AppendReset appends the message that wishes a reset.
func AppendReset(dst []byte, w Wish) []byte {
	dst = append(dst, `{"action_type":"`+prefix+`ResetGame","parameters":{"request_trajectory":`...)
	dst = strconv.AppendBool(dst, w.Trajectory)
	if w.Seeded {
		dst = strconv.AppendInt(append(dst, `,"seed":`...), w.Seed, 10)
		dst = strconv.AppendBool(append(dst, `,"randomize_topology":`...), w.Renumber)
	}
	return append(dst, "}}"...)
}

// An Answer is a reply as a client reads it.
type Answer struct {
	Status    string // OK, CREATED, RESET_DONE, BAD_REQUEST or FORBIDDEN
	Message   string // what it says beside the observation
	Observed  bool   // it has an observation: what follows
	State     netsecgame.GameState
	Reward    float64
	End       bool
	EndReason string // "": none
}

// Succeeded reports whether the agent has reached its goal.
func (a *Answer) Succeeded() bool { return a.EndReason == success.String() }

// ParseAnswer reads a reply, without its mark.
func ParseAnswer(reply []byte) (*Answer, error) {
	r, a := reader{parser{decoder: decoder{text: reply}}}, new(Answer)
	if !r.answer(a) || !r.end() || a.Status == "" {
		return nil, errors.New("no reply of NetSecGame")
	}
	return a, nil
}

// reader reads the parts of a reply.
type reader struct{ parser }

func (r *reader) answer(a *Answer) bool {
	return r.object(func(key string) bool {
		switch key {
		case "status":
			return r.named("GameStatus.", &a.Status)
		case "observation":
			if r.word("null") {
				return true
			}
			a.Observed = true
			return r.observation(a)
		case "message":
			return r.note(a)
		default:
			return r.skip(maxDepth)
		}
	})
}

// named reads a name after a prefix.
func (r *reader) named(prefix string, name *string) bool {
	text, ok := r.str()
	if !ok || len(text) <= len(prefix) || text[:len(prefix)] != prefix {
		return false
	}
	*name = text[len(prefix):]
	return true
}

// note reads a text, alone or in an object.
func (r *reader) note(a *Answer) (ok bool) {
	if r.next() == '"' {
		a.Message, ok = r.str()
		return ok
	}
	return r.object(func(key string) (ok bool) {
		if key != "message" {
			return r.skip(maxDepth)
		}
		a.Message, ok = r.str()
		return ok
	})
}

func (r *reader) observation(a *Answer) bool {
	var state, reward, end bool
	ok := r.object(func(key string) (ok bool) {
		switch key {
		case "state":
			state = true
			return r.state(&a.State)
		case "reward":
			reward = true
			text, ok := r.number()
			if !ok {
				return false
			}
			var err error
			a.Reward, err = strconv.ParseFloat(text, 64)
			return err == nil
		case "end":
			end = true
			a.End, ok = r.boolean()
			return ok
		case "info":
			return r.object(func(key string) (ok bool) {
				if key != "end_reason" {
					return r.skip(maxDepth)
				}
				a.EndReason, ok = r.str()
				return ok
			})
		}
		return false
	})
	return ok && state && reward && end
}

// state reads the six parts of what an agent knows.
func (r *reader) state(s *netsecgame.GameState) bool {
	parts := 0
	ok := r.object(func(key string) bool {
		parts++
		switch key {
		case "known_networks":
			return readList(r, &s.KnownNetworks, r.network)
		case "known_hosts":
			return readList(r, &s.KnownHosts, r.ip)
		case "controlled_hosts":
			return readList(r, &s.ControlledHosts, r.ip)
		case "known_services":
			return readLists(r, &s.KnownServices, r.service)
		case "known_data":
			return readLists(r, &s.KnownData, r.data)
		case "known_blocks":
			return readLists(r, &s.KnownBlocks, r.ip)
		}
		return false
	})
	return ok && parts == 6
}

// readList reads a list.
func readList[T any](r *reader, list *[]T, one func(*T) bool) bool {
	if !r.take('[') {
		return false
	}
	if r.take(']') {
		return true
	}
	for {
		var item T
		if !one(&item) {
			return false
		}
		*list = append(*list, item)
		if !r.take(',') {
			return r.take(']')
		}
	}
}

// readLists reads an object of lists.
func readLists[T any](r *reader, lists *map[netsecgame.IP][]T, one func(*T) bool) bool {
	*lists = map[netsecgame.IP][]T{}
	return r.object(func(key string) bool {
		ip, err := netsecgame.ParseIP(key)
		if err != nil {
			return false
		}
		var list []T
		if !readList(r, &list, one) {
			return false
		}
		(*lists)[ip] = list
		return true
	})
}
