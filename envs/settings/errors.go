package settings

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode"
)

// An Error is one bad setting: where it stands, and what would be allowed.
type Error struct {
	File    string // or where else it comes from, like --set; "" if unknown
	Line    int    // from 1; 0 if unknown
	Key     string // "" if the problem is not about one setting
	Value   string // as written; "" if there is none, or it is a mapping
	Problem string // "must be in (0, 1]"
}

// Error returns one line, like "runs.yaml:4: alpha = 2: must be in (0, 1]", without the parts that are not known.
func (e *Error) Error() string {
	var b strings.Builder
	switch {
	case e.File != "" && e.Line > 0:
		fmt.Fprintf(&b, "%s:%d: ", e.File, e.Line)
	case e.File != "":
		fmt.Fprintf(&b, "%s: ", e.File)
	case e.Line > 0:
		fmt.Fprintf(&b, "line %d: ", e.Line)
	}
	if e.Key != "" {
		b.WriteString(printable(e.Key))
		if e.Value != "" {
			b.WriteString(" = " + e.Value)
		}
		b.WriteString(": ")
	}
	return b.String() + e.Problem
}

// Errors are all bad settings of a struct, in the order of the file. [errors.As] finds the first *Error.
type Errors []*Error

// Error returns one line an error.
func (es Errors) Error() string {
	lines := make([]string, len(es))
	for i, e := range es {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the single errors.
func (es Errors) Unwrap() []error {
	errs := make([]error, len(es))
	for i, e := range es {
		errs[i] = e
	}
	return errs
}

// flatten returns the single errors of what a Validate returned, as copies. Its own kinds of error have no key.
func flatten(err error) (errs Errors) {
	switch e := err.(type) { //nolint:errorlint // this takes the tree of errors apart, node by node
	case nil:
	case *Error:
		c := *e
		errs = Errors{&c}
	case interface{ Unwrap() []error }:
		for _, one := range e.Unwrap() {
			errs = append(errs, flatten(one)...)
		}
	default:
		errs = Errors{{Problem: err.Error()}}
	}
	return errs
}

// Checks collects what Validate finds. The zero value is ready to use:
//
//	var ck settings.Checks
//	ck.Require(c.Low <= c.High, "low", c.Low, "must be at most high")
//	return ck.Err()
type Checks struct{ errs Errors }

// Require notes a problem with the value of key, unless ok. The problem is a format with its arguments.
func (c *Checks) Require(ok bool, key string, value any, problem string, args ...any) {
	if !ok {
		problem = fmt.Sprintf(problem, args...)
		c.errs = append(c.errs, &Error{Key: key, Value: format(reflect.ValueOf(value)), Problem: problem})
	}
}

// Err returns nil if all was well, or else [Errors].
func (c *Checks) Err() error {
	if len(c.errs) == 0 {
		return nil
	}
	return c.errs
}

// printable returns s such that it takes one line on a terminal.
func printable(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		s = strconv.Quote(s)
	}
	if r := []rune(s); len(r) > 60 {
		s = string(r[:60]) + "…"
	}
	return s
}
