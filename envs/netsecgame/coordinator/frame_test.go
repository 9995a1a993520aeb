package coordinator

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
)

// chunks is a reader that returns one text a call.
type chunks []string

func (c *chunks) Read(p []byte) (int, error) {
	if len(*c) == 0 {
		return 0, io.EOF
	}
	n := copy(p, (*c)[0])
	if (*c)[0] = (*c)[0][n:]; (*c)[0] == "" {
		*c = (*c)[1:]
	}
	return n, nil
}

// What Next says to each text that comes: a message, "malformed", or "" if more must come.
func TestFramer(t *testing.T) {
	long := `{"x": "` + strings.Repeat("y", 3*chunk) + `"}`
	for _, test := range []struct {
		name       string
		texts, say []string
		pending    bool
	}{
		{"an object", []string{`{}`}, []string{`{}`}, false},
		{"white space around", []string{" \r\n\t{} \n"}, []string{" \r\n\t{} \n"}, false},
		{"in pieces", []string{`{"a": "\`, `"}`, `", "b": [{`, `}]}`}, []string{"", "", "", `{"a": "\"}", "b": [{}]}`}, false},
		{"brackets in strings", []string{`{"}{": "]"}`}, []string{`{"}{": "]"}`}, false},
		{"a backslash before the quote", []string{`{"a": "\\"}`}, []string{`{"a": "\\"}`}, false},
		{"one after the other", []string{`{"a": 1}`, `{"b": 2}`}, []string{`{"a": 1}`, `{"b": 2}`}, false},
		{"two at once", []string{`{}{}`, `{}`}, []string{"malformed", `{}`}, false},
		{"a mark behind", []string{`{}EOF`}, []string{"malformed"}, false},
		{"no object", []string{`hello`, `[]`, `"x"`, `null`, `7`}, slices.Repeat([]string{"malformed"}, 5), false},
		{"not closed", []string{`{"a": {}`}, []string{""}, true},
		{"white space only", []string{"  \n"}, []string{""}, true},
		{"white space first", []string{" ", "{}"}, []string{"", " {}"}, false},
		{"a long one", []string{long}, []string{"", "", "", long}, false},
		{"too long", []string{"{" + strings.Repeat(" ", 5*chunk-1), `{}`}, slices.Repeat([]string{""}, 6), true},
		{"long and no object", []string{strings.Repeat("x", chunk+1)}, []string{"", ""}, true},
	} {
		f, r := NewFramer(5*chunk), chunks(test.texts)
		var said []string
		for len(r) > 0 {
			message, err := f.Next(&r)
			switch {
			case errors.Is(err, ErrMalformed):
				said = append(said, "malformed")
			case err != nil:
				t.Fatal(err)
			default:
				said = append(said, string(message))
			}
		}
		if !slices.Equal(said, test.say) || f.Pending() != test.pending {
			t.Errorf("%s: %.60q, pending %t", test.name, said, f.Pending())
		}
		f.Drop()
		if _, err := f.Next(&r); !errors.Is(err, io.EOF) || f.Pending() {
			t.Errorf("%s: %v, pending %t after Drop", test.name, err, f.Pending())
		}
	}
}

// However a stream is cut, no bytes make a Framer return what is not one object in brackets, or keep more than its limit.
func FuzzFramer(f *testing.F) {
	f.Add(`{"a": "\"}"}`, 3)
	f.Add(`{}{}`, 1)
	f.Fuzz(func(t *testing.T, text string, size int) {
		framer := NewFramer(1000)
		r := strings.NewReader(text)
		for r.Len() > 0 {
			message, err := framer.Next(io.LimitReader(r, int64(max(1, size))))
			if err != nil && !errors.Is(err, ErrMalformed) {
				t.Fatal(err)
			}
			s := strings.TrimSpace(string(message))
			if message != nil && (s[0] != '{' || !strings.ContainsAny(s[len(s)-1:], "}]")) {
				t.Fatalf("%q is no object", s)
			}
			if len(framer.buf) > 1000+max(1, size) {
				t.Fatalf("%d bytes are kept", len(framer.buf))
			}
		}
	})
}
