package settings_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"idsrl/envs/settings"
)

const tree = `hosts:
  192.168.1.2:
    services: [[ssh, "8"],
      bash]
  10.0.0.1:
  10.0.0.1: {}
count: 1
`

// outline writes a node and all below it, one line each: its key, whether it is plain text, and what an error says.
func outline(n settings.Node) (lines []string) {
	problem := strings.TrimSuffix(n.Errorf("%s", "!").Error(), ": !")
	text, plain, isText := n.Text()
	values, errs, isMap := n.Map()
	items, isList := n.List()
	switch {
	case n.IsNull():
		problem += " null"
	case isText:
		problem += fmt.Sprintf(" text %s %t", text, plain)
	case isMap:
		problem += fmt.Sprintf(" map %d", len(values))
	case isList:
		problem += fmt.Sprintf(" list %d", len(items))
	}
	lines = append(lines, n.Name()+"|"+problem)
	for _, e := range errs {
		lines = append(lines, e.Error())
	}
	for _, below := range append(values, items...) {
		lines = append(lines, outline(below)...)
	}
	return lines
}

func TestNode(t *testing.T) {
	root, err := settings.Parse("f.yaml", []byte(tree))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"|f.yaml:1 map 2",
		"hosts|f.yaml:1: hosts map 3",
		"192.168.1.2|f.yaml:2: hosts.192.168.1.2 map 1",
		`services|f.yaml:3: hosts.192.168.1.2.services = [[ssh, "8"], bash] list 2`,
		`services|f.yaml:3: hosts.192.168.1.2.services = [ssh, "8"] list 2`,
		"services|f.yaml:3: hosts.192.168.1.2.services = ssh text ssh true",
		`services|f.yaml:3: hosts.192.168.1.2.services = "8" text 8 false`,
		"services|f.yaml:4: hosts.192.168.1.2.services = bash text bash true",
		"10.0.0.1|f.yaml:5: hosts.10.0.0.1 null",
		"10.0.0.1|f.yaml:6: hosts.10.0.0.1 map 0",
		"count|f.yaml:7: count = 1 text 1 true",
	}
	if got := outline(root); !slices.Equal(got, want) {
		t.Errorf("outline\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestNodeErrors(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"a: [", "f.yaml:1: not YAML: sequence end token ']' not found"},
		{"a: *b", "f.yaml:1: a: must be written out, without &, * and !"},
		{"<<: {a: 1}", "f.yaml:1: a key must be a plain word"},
		{"a: {b: c}", "f.yaml:1: a: wrong\nf.yaml:1: a.b = c: wrong"},
	} {
		root, err := settings.Parse("f.yaml", []byte(c.text))
		if err == nil {
			err = wrong(root)
		}
		if got := err.Error(); got != c.want {
			t.Errorf("%q: %q, want %q", c.text, got, c.want)
		}
	}
}

// wrong complains about all values below n.
func wrong(n settings.Node) (errs settings.Errors) {
	values, errs, _ := n.Map()
	for _, v := range values {
		errs = append(append(errs, v.Errorf("wrong")), wrong(v)...)
	}
	return errs
}
