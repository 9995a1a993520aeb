package coordinator

import (
	"bytes"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// A decoder reads one JSON text by the rules of Python's json module, which knows NaN and Infinity and takes keys as
// they are. (Package encoding/json folds their case.) Methods report whether the text is as asked; after a false the
// decoder is of no more use.
type decoder struct {
	text []byte
	at   int
}

// maxDepth is how deep values may be nested.
const maxDepth = 100

// next skips white space and returns the byte that follows, 0 at the end.
func (d *decoder) next() byte {
	for ; d.at < len(d.text); d.at++ {
		switch b := d.text[d.at]; b {
		case ' ', '\t', '\n', '\r':
		default:
			return b
		}
	}
	return 0
}

// take skips white space and the byte b.
func (d *decoder) take(b byte) bool {
	if d.next() != b {
		return false
	}
	d.at++
	return true
}

// word skips white space and the text w.
func (d *decoder) word(w string) bool {
	d.next()
	if !bytes.HasPrefix(d.text[d.at:], []byte(w)) {
		return false
	}
	d.at += len(w)
	return true
}

// end reports whether only white space is left.
func (d *decoder) end() bool { return d.next() == 0 && d.at == len(d.text) }

// object reads an object: for each member it calls value, which reads the value.
func (d *decoder) object(value func(key string) bool) bool {
	if !d.take('{') {
		return false
	}
	if d.take('}') {
		return true
	}
	for {
		key, ok := d.str()
		if !ok || !d.take(':') || !value(key) {
			return false
		}
		if !d.take(',') {
			return d.take('}')
		}
	}
}

// str reads a string.
func (d *decoder) str() (string, bool) {
	if !d.take('"') {
		return "", false
	}
	start := d.at
	for ; d.at < len(d.text); d.at++ {
		switch b := d.text[d.at]; {
		case b == '"':
			d.at++
			return string(d.text[start : d.at-1]), true
		case b == '\\':
			return d.escaped(append([]byte(nil), d.text[start:d.at]...))
		case b < ' ':
			return "", false
		}
	}
	return "", false
}

// escaped reads the rest of a string from its first escape on; s is what stands before.
func (d *decoder) escaped(s []byte) (string, bool) {
	for d.at < len(d.text) {
		b := d.text[d.at]
		d.at++
		switch {
		case b == '"':
			return string(s), true
		case b < ' ':
			return "", false
		case b != '\\':
			s = append(s, b)
			continue
		case d.at == len(d.text):
			return "", false
		}
		b = d.text[d.at]
		d.at++
		if b == 'u' {
			r, ok := d.hex()
			if !ok {
				return "", false
			}
			if utf16.IsSurrogate(r) && bytes.HasPrefix(d.text[d.at:], []byte(`\u`)) {
				at := d.at
				d.at += len(`\u`)
				low, ok := d.hex()
				if !ok {
					return "", false
				}
				if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
					r = pair
				} else {
					d.at = at
				}
			}
			s = utf8.AppendRune(s, r)
			continue
		}
		i := bytes.IndexByte([]byte(`"\/bfnrt`), b)
		if i < 0 {
			return "", false
		}
		s = append(s, "\"\\/\b\f\n\r\t"[i])
	}
	return "", false
}

// hex reads the four digits of an escape.
func (d *decoder) hex() (rune, bool) {
	if len(d.text)-d.at < 4 {
		return 0, false
	}
	var r rune
	for _, b := range d.text[d.at : d.at+4] {
		switch {
		case '0' <= b && b <= '9':
			r = r<<4 + rune(b-'0')
		case 'a' <= b|0x20 && b|0x20 <= 'f':
			r = r<<4 + rune(b|0x20-'a') + 10
		default:
			return 0, false
		}
	}
	d.at += 4
	return r, true
}

// number reads a number and returns its text.
func (d *decoder) number() (string, bool) {
	d.next()
	start := d.at
	d.word("-")
	if d.word("Infinity") || d.at == start && d.word("NaN") {
		return string(d.text[start:d.at]), true
	}
	if zero := d.digits(); zero == 0 || zero > 1 && d.text[d.at-zero] == '0' {
		return "", false
	}
	if d.at < len(d.text) && d.text[d.at] == '.' {
		d.at++
		if d.digits() == 0 {
			return "", false
		}
	}
	if d.at < len(d.text) && d.text[d.at]|0x20 == 'e' {
		d.at++
		if d.at < len(d.text) && (d.text[d.at] == '+' || d.text[d.at] == '-') {
			d.at++
		}
		if d.digits() == 0 {
			return "", false
		}
	}
	return string(d.text[start:d.at]), true
}

// digits skips decimal digits and counts them.
func (d *decoder) digits() int {
	start := d.at
	for d.at < len(d.text) && '0' <= d.text[d.at] && d.text[d.at] <= '9' {
		d.at++
	}
	return d.at - start
}

// integer reads a number that has neither fraction nor exponent and fits in an int64.
func (d *decoder) integer() (int64, bool) {
	text, ok := d.number()
	if !ok {
		return 0, false
	}
	i, err := strconv.ParseInt(text, 10, 64)
	return i, err == nil
}

// boolean reads true or false.
func (d *decoder) boolean() (value, ok bool) {
	if d.word("true") {
		return true, true
	}
	return false, d.word("false")
}

// skip reads any value nested at most depth deep.
func (d *decoder) skip(depth int) bool {
	if depth == 0 {
		return false
	}
	switch d.next() {
	case '{':
		return d.object(func(string) bool { return d.skip(depth - 1) })
	case '[':
		d.at++
		if d.take(']') {
			return true
		}
		for d.skip(depth - 1) {
			if !d.take(',') {
				return d.take(']')
			}
		}
		return false
	case '"':
		_, ok := d.str()
		return ok
	case 't', 'f':
		_, ok := d.boolean()
		return ok
	case 'n':
		return d.word("null")
	default:
		_, ok := d.number()
		return ok
	}
}
