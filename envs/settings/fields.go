package settings

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A Field is one setting of a struct: its documentation and its current value.
type Field struct {
	Key     string   // as in a file, the keys of its groups before it: "replay.size"
	Usage   string   // what it means
	Type    string   // "number", "integer", "true or false", "text", "list of integers", "list of lists of 2 integers"
	Range   string   // the interval that it, or each number in it, must be in; "" for any
	Choices []string // the words that it, or each text in it, may be; none for any

	within    interval
	value     reflect.Value // shares memory with the struct
	section   *Section      // of a group that is one; a group has no Type
	omitEmpty bool
}

// Fields lists the settings of the struct that cfg points to, in the order of the struct.
func Fields(cfg any) []Field {
	return slices.DeleteFunc(list("", cfg), Field.isGroup)
}

// Value returns the current value.
func (f Field) Value() any { return f.value.Interface() }

// String returns the current value as it stands in a file.
func (f Field) String() string { return format(f.value) }

// Allowed says what Range and Choices allow, like "in (0, 1]" or "one of auto, node"; "" if they allow everything.
func (f Field) Allowed() string {
	switch {
	case f.Range != "":
		return "in " + f.Range
	case len(f.Choices) > 0:
		return "one of " + strings.Join(f.Choices, ", ")
	}
	return ""
}

func (f Field) isGroup() bool { return f.Type == "" }

// omitted reports whether Compact leaves f out.
func (f Field) omitted() bool {
	switch {
	case !f.omitEmpty:
		return false
	case f.section != nil:
		return f.section.cfg == nil || len(list("", f.section.cfg)) == 0
	default:
		return !f.isGroup() && f.value.IsZero()
	}
}

// members returns the pointer to the struct of a group.
func (f Field) members() any {
	if f.section != nil {
		return f.section.cfg
	}
	return f.value.Addr().Interface()
}

// problem says what is wrong with v, which is the field's value or an element of it; "" if nothing is.
func (f Field) problem(v reflect.Value) string {
	switch v.Kind() {
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if p := f.problem(v.Index(i)); p != "" {
				return each(p)
			}
		}
	case reflect.String:
		if len(f.Choices) > 0 && !slices.Contains(f.Choices, v.String()) {
			return "must be " + f.Allowed()
		}
	default:
		if x := number(v); x != x && f.Range == "" {
			return "must be a number"
		} else if !f.within.contains(x) {
			return "must be " + f.Allowed()
		}
	}
	return ""
}

// each turns what must be true of one element into what must be true of every one, at any depth.
func each(problem string) string { return "each " + strings.TrimPrefix(problem, "each ") }

// number returns the value of a number, and 0 for a bool.
func number(v reflect.Value) float64 {
	switch {
	case v.CanInt():
		return float64(v.Int())
	case v.CanUint():
		return float64(v.Uint())
	case v.CanFloat():
		return v.Float()
	}
	return 0
}

// list returns the settings and groups of the struct that cfg points to, a group before its members.
func list(prefix string, cfg any) []Field {
	v := reflect.ValueOf(cfg)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		panic(fmt.Sprintf("settings: need a pointer to a struct, not %T", cfg))
	}
	fields := walk(prefix, v.Elem())
	seen := map[string]bool{}
	for _, f := range fields {
		if seen[f.Key] {
			panic(fmt.Sprintf("settings: %T: two settings are called %s", cfg, f.Key))
		}
		seen[f.Key] = true
	}
	return fields
}

var goodName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]*$`) // no dot, which separates groups

// walk is list for the struct v itself. It tells each section its key.
func walk(prefix string, v reflect.Value) (fields []Field) {
	for i := range v.NumField() {
		sf, fv := v.Type().Field(i), v.Field(i)
		name, options, _ := strings.Cut(sf.Tag.Get("yaml"), ",")
		isStruct := sf.Type.Kind() == reflect.Struct
		switch { // an embedded struct has exported fields even if its own type is not exported
		case name == "-" || !sf.IsExported() && !(sf.Anonymous && isStruct):
			continue
		case isStruct && (sf.Anonymous || options == "inline"):
			fields = append(fields, walk(prefix, fv)...)
			continue
		case name == "":
			name = strings.ToLower(sf.Name)
		}
		where := fmt.Sprintf("settings: %s.%s", v.Type(), sf.Name)
		if !goodName.MatchString(name) {
			panic(fmt.Sprintf("%s: a key cannot be %q", where, name))
		}
		f := Field{Key: prefix + name, Usage: sf.Tag.Get("usage"), value: fv, omitEmpty: options == "omitempty"}
		switch {
		case sf.Type == reflect.TypeFor[Section]():
			f.section = fv.Addr().Interface().(*Section)
			f.section.key = f.Key
			fields = append(fields, f)
			if f.section.cfg != nil {
				fields = append(fields, list(f.Key+".", f.section.cfg)...)
			}
		case isStruct:
			fields = append(append(fields, f), walk(f.Key+".", fv)...)
		default:
			f.describe(where, sf)
			fields = append(fields, f)
		}
	}
	return fields
}

// describe reads the type and the tags of a setting. It panics, naming where, if they make no sense.
func (f *Field) describe(where string, sf reflect.StructField) {
	if f.Type, _ = typeName(sf.Type); f.Type == "" {
		panic(fmt.Sprintf("%s: a setting cannot be a %s", where, sf.Type))
	}
	kind := element(sf.Type)
	f.within = everything
	if tag, ok := sf.Tag.Lookup("range"); ok {
		if f.within, ok = parseInterval(tag); !ok || kind == reflect.Bool || kind == reflect.String {
			panic(fmt.Sprintf("%s: range %q of a %s: need numbers, and an interval like (0, 1]", where, tag, f.Type))
		}
		f.Range = tag
	}
	if tag, ok := sf.Tag.Lookup("choice"); ok {
		f.Choices = strings.Split(tag, "|")
		if kind != reflect.String || slices.Contains(f.Choices, "") {
			panic(fmt.Sprintf("%s: choice %q of a %s: need text, and words like auto|full", where, tag, f.Type))
		}
	}
}

// typeName names a type for people, one value and many of it; "" if no setting can have it.
func typeName(t reflect.Type) (one, many string) {
	switch k := t.Kind(); {
	case k == reflect.Bool:
		return "true or false", "true or false"
	case k == reflect.String:
		return "text", "texts"
	case reflect.Int <= k && k <= reflect.Uint64:
		return "integer", "integers"
	case k == reflect.Float32 || k == reflect.Float64:
		return "number", "numbers"
	case k == reflect.Slice || k == reflect.Array:
		_, of := typeName(t.Elem())
		if of == "" {
			break
		}
		if k == reflect.Array {
			of = fmt.Sprintf("%d %s", t.Len(), of)
		}
		return "list of " + of, "lists of " + of
	}
	return "", ""
}

// element returns the kind of the scalars in a list, however deep, or of a scalar.
func element(t reflect.Type) reflect.Kind {
	for t.Kind() == reflect.Slice || t.Kind() == reflect.Array {
		t = t.Elem()
	}
	return t.Kind()
}

// An interval is what a range tag says.
type interval struct {
	low, high         float64
	openLow, openHigh bool
}

var everything, _ = parseInterval("[-inf, inf]")

var intervalSyntax = regexp.MustCompile(`^([\[(])\s*([^\s,]+)\s*,\s*([^\s,]+)\s*([\])])$`)

func parseInterval(tag string) (in interval, ok bool) {
	m := intervalSyntax.FindStringSubmatch(tag)
	if m == nil {
		return in, false
	}
	low, errLow := strconv.ParseFloat(m[2], 64)
	high, errHigh := strconv.ParseFloat(m[3], 64)
	in = interval{low: low, high: high, openLow: m[1] == "(", openHigh: m[4] == ")"}
	empty := !(low < high || in.contains(low))
	return in, errLow == nil && errHigh == nil && !empty
}

func (in interval) contains(x float64) bool {
	return (in.low < x || in.low == x && !in.openLow) && (x < in.high || x == in.high && !in.openHigh)
}
