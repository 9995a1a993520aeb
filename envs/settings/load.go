package settings

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// Load puts the values of the sources, the later ones over the earlier, onto the struct that cfg points to; what no
// source names keeps its value. Then it does what [Check] does. The error is an [Errors] with every problem: text that
// is not YAML, unknown keys, keys given twice by a source, values of a wrong type, out of range or not among the
// choices. After an error cfg holds those values that could be read. A nil source says nothing.
func Load(cfg any, sources ...*Source) error {
	l := newLoader("", cfg)
	for _, s := range sources {
		if s == nil {
			continue
		}
		l.errs = append(l.errs, s.errs...)
		for _, e := range s.entries {
			l.put(e)
		}
	}
	return l.finish()
}

// Decode is [Load] from one file.
func Decode(cfg any, file string, data []byte) error { return Load(cfg, File(file, data)) }

// Check reports current values that are out of range or not among the choices; if there are none, what the Validate
// methods report.
func Check(cfg any) error { return newLoader("", cfg).finish() }

// A loader puts entries onto one struct.
type loader struct {
	prefix string // of all keys; ends in a dot, if not empty
	cfg    any
	fields []Field
	byKey  map[string]Field
	at     map[string]entry // what came last for each key
	errs   Errors
}

func newLoader(prefix string, cfg any) *loader {
	l := &loader{prefix: prefix, cfg: cfg, fields: list(prefix, cfg), byKey: map[string]Field{}, at: map[string]entry{}}
	for _, f := range l.fields {
		l.byKey[f.Key] = f
	}
	return l
}

// put assigns a setting, or all those in a group.
func (l *loader) put(e entry) {
	if first, ok := l.at[e.key]; ok && first.source == e.source {
		problem := "given twice"
		if first.line > 0 {
			problem = fmt.Sprintf("already given on line %d", first.line)
		}
		l.fail(e, problem)
		return
	}
	l.at[e.key] = e
	f, known := l.byKey[e.key]
	group, isMapping := e.node.(*ast.MappingNode)
	switch {
	case !known:
		if s := l.waitingSection(e.key); s != nil {
			s.waiting = append(s.waiting, e)
			return
		}
		problem := "unknown setting"
		if s := l.suggest(e.key); s != "" {
			problem += "; did you mean " + s + "?"
		}
		l.fail(e, problem)
	case !f.isGroup():
		if problem := f.assign(f.value, e.node); problem != "" {
			l.fail(e, problem)
		}
	case isMapping:
		entries, errs := members(e, group)
		l.errs = append(l.errs, errs...)
		for _, member := range entries {
			l.put(member)
		}
	default:
		l.fail(e, cmp.Or(unreadable(e.node), "must hold settings"))
	}
}

func (l *loader) fail(e entry, problem string) {
	l.errs = append(l.errs, &Error{File: e.source.name, Line: e.line, Key: e.key, Value: show(e.node), Problem: problem})
}

// waitingSection returns the section that key is in, if that has no struct yet.
func (l *loader) waitingSection(key string) *Section {
	for i, r := range key {
		if s := l.byKey[key[:i]].section; r == '.' && s != nil && s.cfg == nil {
			return s
		}
	}
	return nil
}

// suggest returns the key that was probably meant: one in the same group with a similar name, or one with the same
// name in another group.
func (l *loader) suggest(key string) string {
	split := func(key string) (group, name string) {
		i := strings.LastIndexByte(key, '.') + 1
		return key[:i], key[i:]
	}
	group, name := split(key)
	var siblings []string
	elsewhere := ""
	for _, f := range l.fields {
		g, n := split(f.Key)
		if g == group {
			siblings = append(siblings, n)
		}
		if n == name && elsewhere == "" {
			elsewhere = f.Key
		}
	}
	if s := Suggest(name, siblings); s != "" {
		return group + s
	}
	return elsewhere
}

// finish checks all values and returns the errors in the order of the sources' names and lines.
func (l *loader) finish() error {
	for _, f := range l.fields {
		reported := slices.ContainsFunc(l.errs, func(e *Error) bool { return e.Key == f.Key })
		if f.isGroup() || reported {
			continue
		}
		if problem := f.problem(f.value); problem != "" {
			l.failCheck(&Error{Key: f.Key, Value: printable(f.String()), Problem: problem})
		}
	}
	if len(l.errs) == 0 {
		l.validate(l.prefix, l.cfg)
		for _, f := range l.fields {
			if f.isGroup() {
				l.validate(f.Key+".", f.members())
			}
		}
	}
	if len(l.errs) == 0 {
		return nil
	}
	slices.SortStableFunc(l.errs, func(a, b *Error) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	return l.errs
}

func (l *loader) validate(prefix string, cfg any) {
	if v, ok := cfg.(interface{ Validate() error }); ok {
		for _, e := range flatten(v.Validate()) {
			e.Key = strings.TrimSuffix(prefix+e.Key, ".")
			l.failCheck(e)
		}
	}
}

// failCheck reports e at the place where its key was given, if it was.
func (l *loader) failCheck(e *Error) {
	if at, ok := l.at[e.Key]; ok {
		e.File, e.Line = at.source.name, at.line
	}
	l.errs = append(l.errs, e)
}
