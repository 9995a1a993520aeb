package recording

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// sets are the keys of a state whose lists have no order.
var sets = []string{
	"known_networks", "known_hosts", "controlled_hosts", "known_services", "known_data", "known_blocks",
}

// anyHash is what recordings have instead of configuration hashes.
const anyHash = "<hash>"

var hash = regexp.MustCompile("^[0-9a-f]{64}$")

// parse reads a recorded or received reply into the form in which they are compared. self is the client's address as
// JSON, which recordings leave open.
func parse(text, self []byte) (map[string]any, error) {
	var reply map[string]any
	if err := json.Unmarshal(text, &reply); err != nil {
		return nil, err
	}
	if text, err := json.Marshal(reply["to_agent"]); err == nil && bytes.Equal(text, self) {
		reply["to_agent"] = []any{"127.0.0.1", "<port>"}
	}
	if message, ok := reply["message"].(map[string]any); ok {
		if text, ok := message["configuration_hash"].(string); ok && hash.MatchString(text) {
			message["configuration_hash"] = anyHash
		}
		if text, ok := message["all_actions"].(string); ok {
			var list []any
			if err := json.Unmarshal([]byte(text), &list); err != nil {
				return nil, fmt.Errorf("message.all_actions: %w", err)
			}
			message["all_actions"] = list
		}
	}
	sortSets(reply)
	return reply, nil
}

// sortSets sorts every list of x that is a set.
func sortSets(x any) {
	switch x := x.(type) {
	case map[string]any:
		for key, value := range x {
			if slices.Contains(sets, key) {
				sortLists(value)
			} else {
				sortSets(value)
			}
		}
	case []any:
		for _, value := range x {
			sortSets(value)
		}
	}
}

// sortLists sorts x, or the lists in it, by their JSON text.
func sortLists(x any) {
	switch x := x.(type) {
	case map[string]any:
		for _, list := range x {
			sortLists(list)
		}
	case []any:
		slices.SortFunc(x, func(a, b any) int { return strings.Compare(show(a), show(b)) })
	}
}

// compare calls differ for each place where two replies differ.
func compare(path string, want, got any, differ func(path, want, got string)) {
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			break
		}
		if path != "" {
			path += "."
		}
		keys := slices.AppendSeq(slices.Collect(maps.Keys(w)), maps.Keys(g))
		slices.Sort(keys)
		for _, key := range slices.Compact(keys) {
			inWant, hasWant := w[key]
			inGot, hasGot := g[key]
			switch {
			case !hasGot:
				differ(path+key, show(inWant), absent)
			case !hasWant:
				differ(path+key, absent, show(inGot))
			default:
				compare(path+key, inWant, inGot, differ)
			}
		}
		return
	case []any:
		g, ok := got.([]any)
		if !ok || len(w) != len(g) {
			break
		}
		for i := range w {
			compare(path+"["+strconv.Itoa(i)+"]", w[i], g[i], differ)
		}
		return
	}
	if !reflect.DeepEqual(want, got) {
		differ(path, show(want), show(got))
	}
}

const absent = "absent"

func show(x any) string {
	text, err := json.Marshal(x)
	if err != nil {
		panic(err) // it came from JSON
	}
	return string(text)
}
