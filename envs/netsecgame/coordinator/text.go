package coordinator

import (
	"iter"
	"slices"
	"strconv"
	"unicode/utf8"

	"idsrl/envs/netsecgame"
)

// appendState appends what an agent knows.
func appendState(dst []byte, s *netsecgame.State) []byte {
	dst = appendSeq(append(dst, `{"known_networks":`...), s.Networks(), appendNetwork)
	dst = appendSeq(append(dst, `,"known_hosts":`...), s.Hosts(), appendIP)
	dst = appendSeq(append(dst, `,"controlled_hosts":`...), s.Controlled(), appendIP)
	dst = appendLists(append(dst, `,"known_services":`...), s.Services(), appendService)
	dst = appendLists(append(dst, `,"known_data":`...), s.Data(), appendData)
	dst = appendLists(append(dst, `,"known_blocks":`...), s.Blocks(), appendIP)
	return append(dst, '}')
}

// appendSeq appends a list.
func appendSeq[T any](dst []byte, list iter.Seq[T], one func([]byte, T) []byte) []byte {
	dst = append(dst, '[')
	start := len(dst)
	for x := range list {
		if len(dst) > start {
			dst = append(dst, ',')
		}
		dst = one(dst, x)
	}
	return append(dst, ']')
}

// appendList appends a list.
func appendList[T any](dst []byte, list []T, one func([]byte, T) []byte) []byte {
	return appendSeq(dst, slices.Values(list), one)
}

// appendLists appends an object of lists.
func appendLists[T any](dst []byte, lists iter.Seq2[netsecgame.IP, []T], one func([]byte, T) []byte) []byte {
	dst = append(dst, '{')
	start := len(dst)
	for ip, list := range lists {
		if len(dst) > start {
			dst = append(dst, ',')
		}
		dst = appendList(append(appendString(dst, string(ip)), ':'), list, one)
	}
	return append(dst, '}')
}

func appendIP(dst []byte, ip netsecgame.IP) []byte {
	return append(appendString(append(dst, `{"ip":`...), string(ip)), '}')
}

func appendNetwork(dst []byte, n netsecgame.Network) []byte {
	dst = appendString(append(dst, `{"ip":`...), string(n.IP))
	return append(strconv.AppendInt(append(dst, `,"mask":`...), int64(n.Mask), 10), '}')
}

func appendService(dst []byte, s netsecgame.Service) []byte {
	dst = appendString(append(dst, `{"name":`...), s.Name)
	dst = appendString(append(dst, `,"type":`...), s.Type)
	dst = appendString(append(dst, `,"version":`...), s.Version)
	return append(strconv.AppendBool(append(dst, `,"is_local":`...), s.Local), '}')
}

func appendData(dst []byte, d netsecgame.Data) []byte {
	dst = appendString(append(dst, `{"owner":`...), d.Owner)
	dst = appendString(append(dst, `,"id":`...), d.ID)
	dst = strconv.AppendInt(append(dst, `,"size":`...), int64(d.Size), 10)
	dst = appendString(append(dst, `,"type":`...), d.Type)
	return append(appendString(append(dst, `,"content":`...), d.Content), '}')
}

// appendAction appends an action as in requests, with all fields of its parameters.
func appendAction(dst []byte, p *Played) []byte {
	dst = append(append(append(dst, `{"action_type":"`+prefix...), p.Type.String()...), `","parameters":{`...)
	start := len(dst)
	key := func(param netsecgame.Params, name string) bool {
		if p.Has&param == 0 {
			return false
		}
		if len(dst) > start {
			dst = append(dst, ',')
		}
		dst = append(append(append(dst, '"'), name...), `":`...)
		return true
	}
	if key(netsecgame.SourceHost, "source_host") {
		dst = appendIP(dst, p.SourceHost)
	}
	if key(netsecgame.TargetHost, "target_host") {
		dst = appendIP(dst, p.TargetHost)
	}
	if key(netsecgame.BlockedHost, "blocked_host") {
		dst = appendIP(dst, p.BlockedHost)
	}
	if key(netsecgame.BlockedIP, "blocked_ip") {
		dst = appendIP(dst, p.BlockedIP)
	}
	if key(netsecgame.TargetNetwork, "target_network") {
		dst = appendNetwork(dst, p.TargetNetwork)
		if p.mask {
			digits := strconv.Itoa(p.TargetNetwork.Mask)
			dst = append(append(append(dst[:len(dst)-len(digits)-1], '"'), digits...), `"}`...)
		}
	}
	if key(netsecgame.TargetService, "target_service") {
		dst = appendService(dst, p.TargetService)
	}
	if key(netsecgame.TargetData, "data") {
		dst = appendData(dst, p.Data)
	}
	rest := p.Rest
	if len(dst) == start && rest != "" {
		rest = rest[1:] // its comma
	}
	return append(append(dst, rest...), `}}`...)
}

// appendString appends a JSON string in ASCII.
func appendString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	start := 0 // of what needs no escape
	for i := 0; i < len(s); {
		b := s[i]
		if ' ' <= b && b < utf8.RuneSelf && b != '"' && b != '\\' {
			i++
			continue
		}
		dst = append(dst, s[start:i]...)
		r, size := utf8.DecodeRuneInString(s[i:])
		i += size
		start = i
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', b)
		case r == '\n':
			dst = append(dst, `\n`...)
		case r < 0x10000:
			dst = append(dst, '\\', 'u', hex[r>>12], hex[r>>8&15], hex[r>>4&15], hex[r&15])
		default: // two surrogates
			r -= 0x10000
			for _, half := range [2]rune{0xd800 + r>>10, 0xdc00 + r&0x3ff} {
				dst = append(dst, '\\', 'u', hex[half>>12], hex[half>>8&15], hex[half>>4&15], hex[half&15])
			}
		}
	}
	return append(append(dst, s[start:]...), '"')
}

// appendNumber appends a number; whole ones look like integers.
func appendNumber(dst []byte, x float64) []byte { return strconv.AppendFloat(dst, x, 'f', -1, 64) }
