package coordinator

import (
	"slices"
	"strconv"
	"strings"
)

// A literal is a value that stands in a text the way Python writes it. Old clients send some parameters so.
type literal struct {
	text    string             // of a string, or of the value as written
	quoted  bool               // it is a string
	truth   bool               // what Python's bool says
	members map[string]literal // of a dict, by text
}

// parseLiteral reads a text as Python's ast.literal_eval does: numbers, strings, True, False, None, and tuples, lists,
// sets and dicts of these.
func parseLiteral(text string) (literal, bool) {
	p := &literals{text: text}
	v, ok := p.value(maxDepth)
	return v, ok && p.peek() == 0 && p.at == len(text)
}

// literals reads a text of literals.
type literals struct {
	text string
	at   int
}

// peek skips white space and returns the byte that follows, 0 at the end.
func (p *literals) peek() byte {
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
	if p.at == len(p.text) {
		return 0
	}
	return p.text[p.at]
}

func (p *literals) take(b byte) bool {
	if p.peek() != b {
		return false
	}
	p.at++
	return true
}

// value reads any literal nested at most depth deep.
func (p *literals) value(depth int) (v literal, ok bool) {
	if depth == 0 {
		return v, false
	}
	b := p.peek()
	start := p.at
	switch b {
	case '\'', '"':
		v.quoted = true
		v.text, ok = p.str()
		v.truth = v.text != ""
		return v, ok
	case '{':
		v, ok = p.items('}', depth)
	case '[':
		v, ok = p.items(']', depth)
	case '(':
		v, ok = p.items(')', depth)
	default:
		return p.atom()
	}
	v.text = p.text[start:p.at]
	return v, ok
}

// items reads a tuple, list, set or dict up to its bracket.
func (p *literals) items(bracket byte, depth int) (v literal, ok bool) {
	p.at++
	for !p.take(bracket) {
		item, ok := p.value(depth - 1)
		if !ok {
			return v, false
		}
		v.truth = true
		if bracket == '}' && p.take(':') {
			if v.members == nil {
				v.members = map[string]literal{}
			}
			if v.members[item.text], ok = p.value(depth - 1); !ok {
				return v, false
			}
		}
		if !p.take(',') && p.peek() != bracket {
			return v, false
		}
	}
	return v, true
}

// str reads a string in either kind of quotes.
func (p *literals) str() (string, bool) {
	quote := p.text[p.at]
	p.at++
	var s []byte
	for p.at < len(p.text) {
		if p.text[p.at] == quote {
			p.at++
			return string(s), true
		}
		r, multibyte, rest, err := strconv.UnquoteChar(p.text[p.at:], quote)
		if err != nil {
			return "", false
		}
		if multibyte || r < 0x80 {
			s = append(s, string(r)...)
		} else {
			s = append(s, byte(r))
		}
		p.at = len(p.text) - len(rest)
	}
	return "", false
}

// atom reads a number or a name.
func (p *literals) atom() (v literal, ok bool) {
	start := p.at
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n,:)]}", p.text[p.at]) < 0 {
		p.at++
	}
	v.text = p.text[start:p.at]
	if slices.Contains([]string{"True", "False", "None"}, v.text) {
		v.truth = v.text == "True"
		return v, true
	}
	if strings.IndexFunc(v.text, func(r rune) bool { return r >= '0' && r <= '9' }) < 0 {
		return v, false // no digit: ParseFloat would take inf
	}
	number, err := strconv.ParseFloat(v.text, 64)
	v.truth = number != 0
	return v, err == nil
}
