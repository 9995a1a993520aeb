package settings

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// A Source is where values come from: a [File], or an [Assign].
type Source struct {
	name    string
	entries []entry
	errs    Errors
}

// An entry is a value as written. Its key is complete, the keys of its groups included.
type entry struct {
	key    string
	node   ast.Node
	line   int // 0 in an assignment
	source *Source
}

const maxSize = 64 << 10 // the parser takes quadratic time

// File returns the settings in the YAML text data. Errors name it name. The text is read at once, and what is wrong
// with it is reported by [Load].
func File(name string, data []byte) *Source {
	s := &Source{name: name}
	root, bad := parse(data)
	if mapping, ok := root.(*ast.MappingNode); ok {
		s.entries, s.errs = members(entry{line: 1, source: s}, mapping)
	} else if root != nil && bad == nil {
		bad = &Error{Line: line(root), Problem: "must hold settings, one `key: value` a line"}
	}
	if bad != nil {
		bad.File = name
		s.errs = append(s.errs, bad)
	}
	return s
}

// Assign returns the settings in assignments like "alpha=0.1" or "hidden=[64, 64]". Errors name it name, like "--set".
func Assign(name string, assignments []string) *Source {
	s := &Source{name: name}
	for _, a := range assignments {
		key, text, ok := strings.Cut(a, "=")
		key = strings.TrimSpace(key)
		if !ok || key == "" {
			s.errs = append(s.errs, &Error{File: name, Key: a, Problem: "must look like key=value"})
			continue
		}
		node, bad := parse([]byte(text))
		if bad != nil {
			s.errs = append(s.errs, &Error{File: name, Key: key, Value: printable(text), Problem: bad.Problem})
			continue
		}
		s.entries = append(s.entries, entry{key: key, node: node, source: s})
	}
	return s
}

// members returns the entries of m, which is the value of the entry group.
func members(group entry, m *ast.MappingNode) (entries []entry, errs Errors) {
	prefix := ""
	if group.key != "" {
		prefix = group.key + "."
	}
	for _, member := range m.Values {
		e := entry{node: member.Value, source: group.source}
		if group.line > 0 {
			e.line = line(member.Key)
		}
		key, _, ok := scalar(member.Key)
		if !ok {
			errs = append(errs, &Error{File: e.source.name, Line: e.line, Problem: "a key must be a plain word"})
			continue
		}
		e.key = prefix + key
		entries = append(entries, e)
	}
	return entries, errs
}

// parse returns the root of a YAML document, nil if it is empty. The error has no File.
func parse(data []byte) (root ast.Node, bad *Error) {
	defer func() { // the parser is not ours: if it panics, the text is at fault
		if r := recover(); r != nil {
			root, bad = nil, &Error{Problem: fmt.Sprint("not YAML: ", r)}
		}
	}()
	if len(data) > maxSize {
		return nil, &Error{Problem: "must be at most 64 KiB"}
	}
	if !utf8.Valid(data) {
		return nil, &Error{Problem: "must be text in UTF-8"}
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))                        // some editors write a byte order mark
	file, err := parser.ParseBytes(data, 0, parser.AllowDuplicateMapKey()) // Load says where both are
	if err != nil {
		bad = &Error{Problem: "not YAML: " + err.Error()}
		if syntax, ok := errors.AsType[yaml.Error](err); ok {
			bad = &Error{Line: syntax.GetToken().Position.Line, Problem: "not YAML: " + syntax.GetMessage()}
		}
		return nil, bad
	}
	if len(file.Docs) > 1 {
		bad = &Error{Problem: "must be one document, without directives"}
		if start := file.Docs[1].Start; start != nil {
			bad.Line = start.Position.Line
		}
		return nil, bad
	}
	return file.Docs[0].Body, nil
}

// scalar returns the text of a scalar, and whether it is plain: neither quoted nor a block.
func scalar(node ast.Node) (text string, plain, ok bool) {
	switch n := node.(type) {
	case *ast.StringNode:
		return n.Value, n.Token.Type == token.StringType, true
	case *ast.LiteralNode:
		return n.Value.Value, false, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, true, true
	}
	return "", false, false
}

func line(node ast.Node) int { return node.GetToken().Position.Line }

// show returns the value as an error quotes it: scalars and short lists, nothing for a mapping or a missing value.
func show(node ast.Node) string {
	if sequence, ok := node.(*ast.SequenceNode); ok {
		return printable(showList(sequence, 2))
	}
	text, plain, ok := scalar(node)
	if ok && !plain {
		text = strconv.Quote(text)
	}
	return printable(text)
}

func showList(list *ast.SequenceNode, depth int) string {
	items := make([]string, len(list.Values))
	for i, node := range list.Values {
		if inner, ok := node.(*ast.SequenceNode); !ok {
			items[i] = cmp.Or(show(node), "…")
		} else if depth > 0 {
			items[i] = showList(inner, depth-1)
		} else {
			items[i] = "…"
		}
	}
	return "[" + strings.Join(items, ", ") + "]"
}
