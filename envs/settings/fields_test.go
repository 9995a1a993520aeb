package settings

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
)

func TestFields(t *testing.T) {
	want := []string{
		"alpha|number|0.1|step size α|in (0, 1]",
		"num_layers|integer|0|server rows|in [0, 20]",
		"state|text|auto|key of the table|one of auto, node, full",
		`note|text|""||`,
		"dense_rewards|true or false|false|pay at every step|",
		"hidden|list of integers|[64]|units of each layer|in [1, inf)",
		"neighbors|list of lists of 2 integers|[]|relative positions|",
		"replay.size|integer|100|steps|in [1, inf)",
		"replay.batch|integer|10||",
		"start|number|0||",
		"end|number|0||",
		"gamma|number|0||in [0, 1]",
	}
	var got []string
	cfg := newLearner()
	for _, f := range Fields(cfg) {
		got = append(got, fmt.Sprintf("%s|%s|%s|%s|%s", f.Key, f.Type, f, f.Usage, f.Allowed()))
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if v := Fields(cfg)[5].Value(); !reflect.DeepEqual(v, []int{64}) {
		t.Errorf("value of hidden: %#v", v)
	}
}

func TestTypeNames(t *testing.T) {
	for value, want := range map[any]string{
		false: "true or false", uint16(1): "integer", float32(1): "number", [2]bool{}: "list of 2 true or false",
		[3][2]float64{}: "list of 3 lists of 2 numbers", [1]string{}: "list of 1 texts",
		1i: "", [2]error{}: "", "": "text",
	} {
		if got, _ := typeName(reflect.TypeOf(value)); got != want {
			t.Errorf("%T is %q, want %q", value, got, want)
		}
	}
}

func TestIntervals(t *testing.T) {
	inf := math.Inf(1)
	for _, r := range []struct {
		tag  string
		in   []float64
		outs []float64
	}{
		{"[0, 1]", []float64{0, 0.5, 1}, []float64{-0.001, 1.001, inf}},
		{"(0, 1]", []float64{5e-324, 1}, []float64{0, 2}},
		{"[0, 1)", []float64{0, 0.999}, []float64{1, -1}},
		{"(0,1)", []float64{0.5}, []float64{0, 1}},
		{"[0, inf)", []float64{0, 1e308}, []float64{inf, -1}},
		{"[0, inf]", []float64{0, inf}, []float64{-inf}},
		{"(-inf, -1.5e3]", []float64{-1500, -1e308}, []float64{-inf, -1499}},
		{"[2, 2]", []float64{2}, []float64{1, 3}},
	} {
		in, ok := parseInterval(r.tag)
		if !ok {
			t.Errorf("%s is malformed", r.tag)
		}
		for _, x := range r.in {
			if !in.contains(x) {
				t.Errorf("%v is not in %s", x, r.tag)
			}
		}
		for _, x := range append(r.outs, math.NaN()) {
			if in.contains(x) {
				t.Errorf("%v is in %s", x, r.tag)
			}
		}
	}
}

func TestMistakesInStructsPanic(t *testing.T) {
	for want, cfg := range map[string]any{
		"need a pointer to a struct, not struct {}":        struct{}{},
		"need a pointer to a struct, not *int":             new(int),
		"need a pointer to a struct, not <nil>":            nil,
		"need a pointer to a struct, not *settings.replay": (*replay)(nil),
		"need numbers, and an interval like (0, 1]": &struct {
			A int `range:"0..1"`
		}{},
		`range "" of a integer`: &struct {
			A int `range:""`
		}{},
		`range "[1, 0]"`: &struct {
			A int `range:"[1, 0]"`
		}{},
		`range "[1, 1)"`: &struct {
			A int `range:"[1, 1)"`
		}{},
		`range "[nan, 1]"`: &struct {
			A int `range:"[nan, 1]"`
		}{},
		`range "[0, 1] "`: &struct {
			A int `range:"[0, 1] "`
		}{},
		`range "[0, x]"`: &struct {
			A int `range:"[0, x]"`
		}{},
		`range "[0, 1]" of a text`: &struct {
			A string `range:"[0, 1]"`
		}{},
		`range "[0, 1]" of a list of true or false`: &struct {
			A []bool `range:"[0, 1]"`
		}{},
		`choice "1|2" of a integer`: &struct {
			A int `choice:"1|2"`
		}{},
		`choice "a||b" of a text`: &struct {
			A string `choice:"a||b"`
		}{},
		".A: a setting cannot be a map[string]int": &struct{ A map[string]int }{},
		".A: a setting cannot be a []*int":         &struct{ A []*int }{},
		".A: a setting cannot be a *int":           &struct{ A *int }{},
		".A: a setting cannot be a []struct {}":    &struct{ A []struct{} }{},
		`.A: a key cannot be "a.b"`: &struct {
			A int `yaml:"a.b"`
		}{},
		`two settings are called size`: &struct {
			replay
			Again int `yaml:"size"`
		}{},
	} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.HasPrefix(got, "settings: ") || !strings.Contains(got, want) {
					t.Errorf("panic %q, want %q", got, want)
				}
			}()
			Fields(cfg)
		}()
	}
}
