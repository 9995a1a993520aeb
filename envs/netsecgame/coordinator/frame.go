package coordinator

import (
	"errors"
	"io"
	"slices"
)

// ErrMalformed is what a Framer finds when bytes cannot become a message.
var ErrMalformed = errors.New("not one JSON object")

// chunk is how much a Framer reads at once: as much as the reference does.
const chunk = 8192

// A Framer cuts what a client sends into messages. A message is one JSON object with white space around it; nothing
// marks its end. A client waits for the reply before it sends again, so whatever else comes with an object spoils it.
type Framer struct {
	limit  int    // longest message, in bytes
	buf    []byte // what came since the last message
	depth  int    // of brackets that are open at the end of buf
	seen   int    // bytes of buf that depth accounts for
	quote  bool   // buf ends inside a string
	slash  bool   // and behind a backslash there
	whole  bool   // buf holds a complete object
	spoilt bool   // what came is malformed, and more of it may be under way
}

// NewFramer returns a Framer that takes messages of up to limit bytes.
func NewFramer(limit int) *Framer { return &Framer{limit: limit} }

// Next reads once from r. It returns the message that is complete now, valid until the next call, or nil if more must
// come. ErrMalformed gives up all that came; other errors are those of r. Of what is malformed and does not fit into one
// read, nobody can tell where it ends: it is pending until Drop, so that it is one bad message all the same.
func (f *Framer) Next(r io.Reader) ([]byte, error) {
	if f.whole {
		f.Drop()
	}
	f.buf = slices.Grow(f.buf, chunk)
	n, err := r.Read(f.buf[len(f.buf) : len(f.buf)+chunk])
	f.buf = f.buf[:len(f.buf)+n]
	switch {
	case n == 0:
		return nil, err
	case f.spoilt:
		f.buf = f.buf[:0]
		return nil, nil
	case !f.scan(), !f.whole && len(f.buf) >= f.limit:
		long := n == chunk || len(f.buf) >= f.limit
		f.Drop()
		if f.spoilt = long; long {
			return nil, nil
		}
		return nil, ErrMalformed
	case !f.whole:
		return nil, nil
	}
	return f.buf, nil
}

// Pending reports whether a message has begun and is not complete. If no more comes for a while, it is malformed.
func (f *Framer) Pending() bool { return f.spoilt || len(f.buf) > 0 && !f.whole }

// Drop forgets all that came.
func (f *Framer) Drop() {
	buf := f.buf[:0]
	if cap(buf) > 2*chunk {
		buf = nil // a long message is rare
	}
	*f = Framer{limit: f.limit, buf: buf}
}

// scan looks at what is new in buf and reports whether it can belong to a message.
func (f *Framer) scan() bool {
	for _, b := range f.buf[f.seen:] {
		switch {
		case f.quote:
			f.quote = b != '"' || f.slash
			f.slash = b == '\\' && !f.slash
		case b == ' ', b == '\t', b == '\n', b == '\r':
		case f.whole, f.depth == 0 && b != '{':
			return false
		case b == '"':
			f.quote = true
		case b == '{', b == '[':
			f.depth++
		case b == '}', b == ']':
			f.depth--
			f.whole = f.depth == 0
		}
	}
	f.seen = len(f.buf)
	return true
}
