// Package recording reads, checks and writes recorded games of idsgame: gzip'ed or plain JSON Lines, an "episode" line,
// a "step" line for each call of step, an "end" line; besides these, "construct" and "reset" lines with the random
// draws that made an initial state, and "qstate" lines with the numbers of states in tables.
//
// The format is that of the published recordings of the Python original, so the same command proves this
// implementation equal to the original, and any episode that idsrl records can be proven again later.
package recording

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strings"
)

// Ints is a list of integers that may be absent, which nil says.
type Ints []int

// Real is a number, written as a string where JSON has none for it.
type Real float64

// MarshalJSON writes the shortest number that reads back the same, "+Inf", "-Inf" or "NaN".
func (r Real) MarshalJSON() ([]byte, error) {
	switch f := float64(r); {
	case math.IsInf(f, 1):
		return []byte(`"+Inf"`), nil
	case math.IsInf(f, -1):
		return []byte(`"-Inf"`), nil
	case math.IsNaN(f):
		return []byte(`"NaN"`), nil
	default:
		return json.Marshal(f)
	}
}

// UnmarshalJSON reads what MarshalJSON writes.
func (r *Real) UnmarshalJSON(data []byte) error {
	switch string(data) {
	case `"+Inf"`:
		*r = Real(math.Inf(1))
	case `"-Inf"`:
		*r = Real(math.Inf(-1))
	case `"NaN"`:
		*r = Real(math.NaN())
	default:
		return json.Unmarshal(data, (*float64)(r))
	}
	return nil
}

// Values is a state as recorded. Matrices are [Nodes x T], row by row.
type Values struct {
	AttackerNode   int  `json:"attacker_node"`
	Attack         Ints `json:"attack_values"`
	Defence        Ints `json:"defense_values"`
	Detection      Ints `json:"defense_det"`
	Reconnaissance Ints `json:"reconnaissance_state,omitempty"` // known defence values
	Reconnoitred   Ints `json:"reconnoitred,omitzero"`          // sorted ids of scanned nodes
}

// Views are what the players see and may do.
type Views struct {
	AttackerObs    Ints `json:"attacker_obs"`
	DefenderObs    Ints `json:"defender_obs"`
	LegalAttacks   Ints `json:"legal_attacks,omitzero"` // absent once the episode is over, as the two sets
	MinimalDefence Ints `json:"minimal_defense_set,omitzero"`
	MaximalAttack  Ints `json:"maximal_attack_set,omitzero"`
}

// Episode is the first line of an episode.
type Episode struct {
	Type          string          `json:"type"`
	ID            string          `json:"id"`
	Env           string          `json:"env"`
	Role          string          `json:"role"`
	AttackerBot   *string         `json:"attacker_bot"`
	DefenderBot   *string         `json:"defender_bot"`
	Tags          []string        `json:"tags"`
	Policy        json.RawMessage `json:"policy"`
	Nodes         int             `json:"num_nodes"`
	AttackTypes   int             `json:"num_attack_types"`
	AttackerShape Ints            `json:"attacker_obs_shape"`
	DefenderShape Ints            `json:"defender_obs_shape"`
	Params        json.RawMessage `json:"params,omitempty"`                  // of a game that is not registered
	Reference     *Real           `json:"reference_defense_score,omitempty"` // with dense_rewards_v3
	Initial       Values          `json:"initial_state"`
	Views
}

// Step is the line of one call of step.
type Step struct {
	Type           string   `json:"type"`
	T              int      `json:"t"`
	Attack         *int     `json:"attack_action"`
	Defence        *int     `json:"defense_action"`
	Roll           *float64 `json:"detection_roll"`
	Reward         [2]Real  `json:"reward"`
	Done           bool     `json:"done"`
	Hacked         bool     `json:"hacked"`
	Detected       bool     `json:"detected"`
	Moved          bool     `json:"moved"`
	GameStep       int      `json:"game_step"`
	Capped         bool     `json:"capped"`
	AttackerNode   int      `json:"attacker_node"`
	AttackValues   Ints     `json:"attack_values"`
	Reconnaissance Ints     `json:"reconnaissance_state,omitempty"`
	Reconnoitred   Ints     `json:"reconnoitred,omitzero"`
	Views
}

// End is the last line of an episode.
type End struct {
	Type    string     `json:"type"`
	Steps   int        `json:"steps"`
	Outcome string     `json:"outcome"` // hacked, detected, capped, both or open
	Return  [2]Real    `json:"episode_return"`
	After   AfterReset `json:"after_reset"`
}

// AfterReset is the statistics after the episode and, unless the game is randomised, how the next one begins.
type AfterReset struct {
	Games           int  `json:"num_games"`
	Hacks           int  `json:"num_hacks"`
	AttackerReward  Real `json:"attacker_cumulative_reward"`
	DefenderReward  Real `json:"defender_cumulative_reward"`
	HackProbability Real `json:"hack_probability"`
	AttackerObs     Ints `json:"attacker_obs,omitempty"`
	DefenderObs     Ints `json:"defender_obs,omitempty"`
}

// Initial is an initial state with the draws that made it.
type Initial struct {
	Type        string `json:"type"` // construct or reset
	ID          string `json:"id"`
	Env         string `json:"env"`
	Draws       []Draw `json:"draws"`
	State       Values `json:"state"`
	AttackerObs Ints   `json:"attacker_obs"`
	DefenderObs Ints   `json:"defender_obs"`
}

// Draw is one random draw: "distinct", "repeat" (K numbers out of 0..N-1), "int" (in Low..High) or "uniform".
type Draw struct {
	Kind   string          `json:"draw"`
	N      int             `json:"n"`
	K      int             `json:"k"`
	Low    int             `json:"low"`
	High   int             `json:"high"`
	Result json.RawMessage `json:"result"`
}

// QState is the numbers of what the attacker sees.
type QState struct {
	Type        string `json:"type"`
	Env         string `json:"env"`
	AttackerObs Ints   `json:"attacker_obs"`
	DefenderObs Ints   `json:"defender_obs"`
	FullIndex   int    `json:"full_state_index"`
	NodeIndex   int    `json:"node_state_index"`
}

// decode reads a line of the type that it names into the matching struct.
func decode(line []byte) (any, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(line, &fields); err != nil {
		return nil, err
	}
	var kind string
	if err := json.Unmarshal(fields["type"], &kind); err != nil {
		return nil, fmt.Errorf("field type: %w", err)
	}
	var into any
	switch kind {
	case "episode":
		into = new(Episode)
	case "step":
		into = new(Step)
	case "end":
		into = new(End)
	case "construct", "reset":
		into = new(Initial)
	case "qstate":
		into = new(QState)
	default:
		return nil, fmt.Errorf("unknown type %q", kind)
	}
	if err := complete(fields, reflect.TypeOf(into).Elem()); err != nil {
		return nil, err
	}
	return into, json.Unmarshal(line, into)
}

// complete checks what package json lets pass: that fields has every field of a struct of type t which is not optional,
// that null stands only where a pointer reads it, and that arrays have their length. Strings and raw texts are labels
// and information, which may be absent.
func complete(fields map[string]json.RawMessage, t reflect.Type) error {
	for f := range t.Fields() {
		if f.Anonymous {
			if err := complete(fields, f.Type); err != nil {
				return err
			}
			continue
		}
		name, optional, _ := strings.Cut(f.Tag.Get("json"), ",")
		text, ok := fields[name]
		switch {
		case f.Type == reflect.TypeFor[json.RawMessage](), f.Type == reflect.TypeFor[[]string]():
			continue
		case !ok && optional == "":
			return fmt.Errorf("field %s is missing", name)
		case !ok, f.Type.Kind() == reflect.Pointer:
			continue
		case string(text) == "null":
			return fmt.Errorf("field %s is null", name)
		}
		switch f.Type.Kind() {
		case reflect.Struct:
			var inner map[string]json.RawMessage
			if err := json.Unmarshal(text, &inner); err != nil {
				return fmt.Errorf("field %s: %w", name, err)
			}
			if err := complete(inner, f.Type); err != nil {
				return fmt.Errorf("field %s: %w", name, err)
			}
		case reflect.Array:
			var elements []json.RawMessage
			if err := json.Unmarshal(text, &elements); err != nil {
				return fmt.Errorf("field %s: %w", name, err)
			}
			if len(elements) != f.Type.Len() {
				return fmt.Errorf("field %s has %d elements, not %d", name, len(elements), f.Type.Len())
			}
		}
		list := f.Type.Kind() == reflect.Slice || f.Type.Kind() == reflect.Array
		if list && bytes.Contains(text, []byte("null")) {
			return fmt.Errorf("field %s holds null", name)
		}
	}
	return nil
}
