package settings

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// unreadable says why no setting can be read from node; "" if one can.
func unreadable(node ast.Node) string {
	switch node.(type) {
	case nil, *ast.NullNode:
		return "needs a value"
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode:
		return "must be written out, without &, * and !"
	}
	return ""
}

// assign reads node into v, which is the field's value or an element of it. It returns what is wrong, or "".
func (f Field) assign(v reflect.Value, node ast.Node) (problem string) {
	if problem := unreadable(node); problem != "" {
		return problem
	}
	text, plain, isScalar := scalar(node)
	switch v.Kind() {
	case reflect.Slice, reflect.Array:
		return f.assignList(v, node)
	case reflect.String:
		if !isScalar {
			return "must be text"
		}
		v.SetString(text)
	case reflect.Bool:
		truth := plain && strings.EqualFold(text, "true")
		if !truth && !(plain && strings.EqualFold(text, "false")) {
			return "must be true or false"
		}
		v.SetBool(truth)
	case reflect.Float32, reflect.Float64:
		x, err := parseFloat(text, v.Type().Bits())
		switch {
		case plain && errors.Is(err, strconv.ErrRange):
			return f.bounds(v.Type())
		case !plain || err != nil || math.IsNaN(x):
			return "must be a number"
		}
		v.SetFloat(x)
	default:
		if !plain {
			return "must be an integer"
		}
		return f.assignInteger(v, text)
	}
	return ""
}

// assignList reads a sequence of any length into a slice, and of the right one into an array.
func (f Field) assignList(v reflect.Value, node ast.Node) (problem string) {
	sequence, ok := node.(*ast.SequenceNode)
	if !ok || v.Kind() == reflect.Array && v.Len() != len(sequence.Values) {
		one, _ := typeName(v.Type())
		return "must be a " + one
	}
	read := reflect.New(v.Type()).Elem() // not v: a default may share its elements with another struct
	if v.Kind() == reflect.Slice && len(sequence.Values) > 0 {
		read.Set(reflect.MakeSlice(v.Type(), len(sequence.Values), len(sequence.Values)))
	}
	for i, node := range sequence.Values {
		if problem := f.assign(read.Index(i), node); problem != "" {
			return each(problem)
		}
	}
	v.Set(read)
	return ""
}

// assignInteger reads digits exactly, and what is written like 1e6 as a float64.
func (f Field) assignInteger(v reflect.Value, text string) (problem string) {
	digits := strings.ReplaceAll(text, "_", "") // which parseFloat takes between digits only
	x, err := parseFloat(text, 64)
	switch {
	case math.Abs(x) > 1<<64 && (err != nil || !math.IsInf(x, 0)): // too large for any integer
		return f.bounds(v.Type())
	case err != nil || x != math.Trunc(x) || math.IsInf(x, 0):
		return "must be an integer"
	case strings.ContainsAny(text, ".eExX"): // like 1e6
		digits = strconv.FormatFloat(x, 'f', 0, 64)
	}
	if v.CanInt() {
		n, err := strconv.ParseInt(digits, 10, v.Type().Bits())
		if err != nil {
			return f.bounds(v.Type())
		}
		v.SetInt(n)
	} else {
		n, err := strconv.ParseUint(strings.TrimPrefix(digits, "+"), 10, v.Type().Bits())
		if err != nil {
			return f.bounds(v.Type())
		}
		v.SetUint(n)
	}
	return ""
}

// bounds says what a number must be that its type cannot hold.
func (f Field) bounds(t reflect.Type) string {
	switch k, bits := t.Kind(), t.Bits(); {
	case f.Range != "":
		return "must be in " + f.Range
	case k == reflect.Float32:
		return fmt.Sprintf("must be in [-%g, %g]", math.MaxFloat32, math.MaxFloat32)
	case k == reflect.Float64:
		return fmt.Sprintf("must be in [-%g, %g]", math.MaxFloat64, math.MaxFloat64)
	case k <= reflect.Int64:
		return fmt.Sprintf("must be in [%d, %d]", int64(-1)<<(bits-1), int64(1)<<(bits-1)-1)
	default:
		return fmt.Sprintf("must be in [0, %d]", ^uint64(0)>>(64-bits))
	}
}

// parseFloat reads a number, the infinities of YAML included.
func parseFloat(text string, bits int) (float64, error) {
	return strconv.ParseFloat(strings.Replace(strings.ToLower(text), ".inf", "inf", 1), bits)
}
