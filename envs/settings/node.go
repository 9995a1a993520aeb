package settings

import (
	"cmp"
	"fmt"

	"github.com/goccy/go-yaml/ast"
)

// A Node is a value in a YAML file whose format no struct describes: where keys are data, or lists hold mappings. It
// knows its place, which [Node.Errorf] names.
type Node struct {
	entry
	name string
}

// Parse returns the root of a YAML file. The rules in the package's documentation hold, except that a key may have no
// value and may be given twice. The error is an [Errors] that names the file.
func Parse(file string, data []byte) (Node, error) {
	root, bad := parse(data)
	if bad != nil {
		bad.File = file
		return Node{}, Errors{bad}
	}
	return Node{entry: entry{node: root, line: 1, source: &Source{name: file}}}, nil
}

// Name returns the key of the value, without those of its groups. An item of a list has the key of the list.
func (n Node) Name() string { return n.name }

// IsNull reports whether there is no value: null, ~ or nothing at all.
func (n Node) IsNull() bool {
	_, null := n.node.(*ast.NullNode)
	return n.node == nil || null
}

// Text returns a scalar as it is written. It is plain if it stands without quotes, so that it may mean a number or a
// truth value.
func (n Node) Text() (text string, plain, ok bool) { return scalar(n.node) }

// List returns the items of a list.
func (n Node) List() (items []Node, ok bool) {
	sequence, ok := n.node.(*ast.SequenceNode)
	if !ok {
		return nil, false
	}
	for _, value := range sequence.Values {
		item := n
		item.node = value
		if value != nil {
			item.line = line(value)
		}
		items = append(items, item)
	}
	return items, true
}

// Map returns the values of a mapping in the order of the file. The errors are about keys that are no words.
func (n Node) Map() (values []Node, errs Errors, ok bool) {
	mapping, ok := n.node.(*ast.MappingNode)
	if !ok {
		return nil, nil, false
	}
	entries, errs := members(n.entry, mapping)
	for _, e := range entries {
		name := e.key
		if n.key != "" {
			name = e.key[len(n.key)+1:]
		}
		values = append(values, Node{entry: e, name: name})
	}
	return values, errs, true
}

// Errorf returns an [Error] about the value. What cannot be read at all says that instead.
func (n Node) Errorf(problem string, args ...any) *Error {
	why := fmt.Sprintf(problem, args...)
	if !n.IsNull() {
		why = cmp.Or(unreadable(n.node), why)
	}
	return &Error{File: n.source.name, Line: n.line, Key: n.key, Value: show(n.node), Problem: why}
}
