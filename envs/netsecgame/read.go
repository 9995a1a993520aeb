package netsecgame

import (
	"cmp"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"idsrl/envs/settings"
)

// A reader reads files whose format no struct describes. It notes what is wrong and what is odd.
type reader struct{ errs, warnings settings.Errors }

func (r *reader) fail(n settings.Node, problem string, args ...any) {
	r.errs = append(r.errs, n.Errorf(problem, args...))
}

func (r *reader) warn(n settings.Node, problem string, args ...any) {
	r.warnings = append(r.warnings, n.Errorf(problem, args...))
}

// byLine returns errors in the order of the file.
func byLine(errs settings.Errors) settings.Errors {
	slices.SortStableFunc(errs, func(a, b *settings.Error) int { return cmp.Compare(a.Line, b.Line) })
	return errs
}

// list returns the items of a list.
func (r *reader) list(n settings.Node) []settings.Node {
	items, ok := n.List()
	if !ok && !r.isEmpty(n) {
		r.fail(n, "must be a list; write [] for an empty one")
	}
	return items
}

// isEmpty reports whether n is {}, which passes for an empty list.
func (r *reader) isEmpty(n settings.Node) bool {
	values, _, ok := n.Map()
	return ok && len(values) == 0
}

// values returns the values of a mapping in the order of the file. Of those with the same key, the last one counts.
func (r *reader) values(n settings.Node) []settings.Node {
	values, errs, ok := n.Map()
	if !ok {
		r.fail(n, "must hold keys and values; write {} if there are none")
	}
	r.errs = append(r.errs, errs...)
	last := map[string]int{}
	for i, v := range values {
		last[v.Name()] = i
	}
	var counting []settings.Node
	for i, v := range values {
		if last[v.Name()] == i {
			counting = append(counting, v)
		} else {
			r.warn(v, "does not count, because the key is given again")
		}
	}
	return counting
}

// mapping returns the values of those keys that have a meaning, nil if n is no mapping.
func (r *reader) mapping(n settings.Node, keys ...string) map[string]settings.Node {
	var m map[string]settings.Node
	if _, _, ok := n.Map(); ok {
		m = map[string]settings.Node{}
	}
	for _, v := range r.values(n) {
		if slices.Contains(keys, v.Name()) {
			m[v.Name()] = v
			continue
		}
		problem := "means nothing here"
		if s := settings.Suggest(v.Name(), keys); s != "" {
			problem += "; did you mean " + s + "?"
		}
		r.warn(v, "%s", problem)
	}
	return m
}

// need returns the value of a key of the mapping n, of which m holds the values. A missing one is reported with what
// could be written.
func (r *reader) need(n settings.Node, m map[string]settings.Node, key, example string) (settings.Node, bool) {
	v, ok := m[key]
	if !ok && m != nil {
		r.fail(n, "needs %s; write %s: %s", key, key, example)
	}
	return v, ok
}

func (r *reader) text(n settings.Node) string {
	text, _, ok := n.Text()
	if !ok {
		r.fail(n, "must be text")
	}
	return text
}

// dataKey reads [owner, id].
func (r *reader) dataKey(n settings.Node) (key DataKey, ok bool) {
	items, ok := n.List()
	if !ok || len(items) != 2 {
		r.fail(n, "must be [owner, id]")
		return key, false
	}
	return DataKey{Owner: r.text(items[0]), ID: r.text(items[1])}, true
}

// Plain scalars as YAML 1.1 reads them, which is what the original's reader does: yes and off are truth values, 1e3 is
// text, 010 is eight.
var (
	truths  = regexp.MustCompile(`^(yes|Yes|YES|true|True|TRUE|on|On|ON)$`)
	lies    = regexp.MustCompile(`^(no|No|NO|false|False|FALSE|off|Off|OFF)$`)
	integer = regexp.MustCompile(`^[-+]?(0b[01_]+|0[0-7_]+|0|[1-9][0-9_]*|0x[0-9a-fA-F_]+)$`)
	float   = regexp.MustCompile(`^[-+]?([0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)([eE][-+][0-9]+)?$`)
	endless = regexp.MustCompile(`^([-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$`)
)

// scalar returns the value of a scalar: nil for null, bool, int, float64 or string. Of a list or a mapping it returns
// the node itself.
func scalar(n settings.Node) any {
	text, plain, ok := n.Text()
	switch {
	case n.IsNull():
		return nil
	case !ok:
		return n
	case !plain:
		return text
	case truths.MatchString(text):
		return true
	case lies.MatchString(text):
		return false
	case integer.MatchString(text):
		digits := strings.ReplaceAll(text, "_", "")
		if i, err := strconv.ParseInt(digits, 0, strconv.IntSize); err == nil {
			return int(i)
		}
		f, _ := strconv.ParseFloat(digits, 64)
		return f
	case float.MatchString(text):
		f, _ := strconv.ParseFloat(strings.ReplaceAll(text, "_", ""), 64)
		return f
	case endless.MatchString(text):
		return math.NaN()
	}
	return text
}
