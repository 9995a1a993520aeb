package netsecgame

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// A Script is Randomness that answers from a recording: choices, rolls and changes of addresses, each kind in order.
// Seeds do not matter to it.
type Script struct {
	choices, rolls, addresses []event
	rest                      Randomness // where the recording has no answer
	err                       error
}

// An event is a random event of a recording.
type event struct {
	Kind       string            `json:"kind"` // choice, roll or addresses
	Candidates []json.RawMessage `json:"candidates"`
	Value      json.RawMessage   `json:"value"`
	Networks   map[string]string `json:"networks"` // before: after
	Hosts      map[IP]IP         `json:"hosts"`
}

// NewScript reads the array of random events in the header of a recording, as JSON.
func NewScript(data []byte) (*Script, error) {
	var events []event
	if err := json.Unmarshal(data, &events); err != nil {
		return nil, fmt.Errorf("random events: %w", err)
	}
	s := &Script{rest: NewGenerator()}
	for i, e := range events {
		switch e.Kind {
		case "choice":
			s.choices = append(s.choices, e)
		case "roll":
			s.rolls = append(s.rolls, e)
		case "addresses":
			s.addresses = append(s.addresses, e)
		default:
			return nil, fmt.Errorf("random events: %d: no kind is called %q", i, e.Kind)
		}
	}
	return s, nil
}

// Err returns the first draw to which the recording had no answer, or none that fits; nil if there was none. Such draws
// are answered by the project's own generator.
func (s *Script) Err() error { return s.err }

func (s *Script) fail(format string, args ...any) {
	if s.err == nil {
		s.err = fmt.Errorf("random events: "+format, args...)
	}
}

// Seed does nothing.
func (s *Script) Seed(uint64) {}

// Choose returns the candidate of the next choice.
func (s *Script) Choose(from Candidates) int {
	next, ok := s.next(&s.choices, "choice")
	if !ok {
		return s.rest.Choose(from)
	}
	names := make([]string, from.Len())
	for i := range names {
		names[i] = strings.Join(from.Name(i), " ")
	}
	value := slices.Index(names, name(next.Value))
	recorded := make([]string, len(next.Candidates))
	for i, c := range next.Candidates {
		recorded[i] = name(c)
	}
	slices.Sort(names)
	slices.Sort(recorded)
	if value < 0 || !slices.Equal(names, recorded) {
		s.fail("choice of %q from %q: the candidates are %q", name(next.Value), recorded, names)
		return s.rest.Choose(from)
	}
	return value
}

// name returns the words of a candidate, one or a list, as one text.
func name(raw json.RawMessage) string {
	var words []any
	if json.Unmarshal(raw, &words) != nil {
		words = make([]any, 1)
		if json.Unmarshal(raw, &words[0]) != nil {
			return ""
		}
	}
	return strings.TrimSuffix(fmt.Sprintln(words...), "\n")
}

// Roll returns the next roll.
func (s *Script) Roll() (x float64) {
	next, ok := s.next(&s.rolls, "roll")
	if ok && json.Unmarshal(next.Value, &x) != nil {
		s.fail("roll %s: not a number", next.Value)
		ok = false
	}
	if !ok {
		return s.rest.Roll()
	}
	return x
}

// Renumber applies the next change of addresses.
func (s *Script) Renumber(t *Topology) {
	next, ok := s.next(&s.addresses, "change of addresses")
	if ok {
		if err := next.renumber(t); err != nil {
			s.fail("change of addresses: %w", err)
			ok = false
		}
	}
	if !ok {
		s.rest.Renumber(t)
	}
}

// renumber applies a change of addresses. It changes nothing if that does not fit.
func (e *event) renumber(t *Topology) error {
	networks, addresses := slices.Clone(t.Networks), slices.Clone(t.Addresses)
	for i, before := range t.Networks {
		after, err := ParseNetwork(e.Networks[before.String()])
		if err != nil {
			return fmt.Errorf("network %s: %w", before, err)
		}
		networks[i] = after
	}
	for i, before := range t.Addresses {
		after := e.Hosts[before]
		if _, v4 := after.v4(); !v4 {
			return fmt.Errorf("address %s: %q is no IPv4 address", before, after)
		}
		addresses[i] = after
	}
	if !distinct(addresses) {
		return fmt.Errorf("two of %q are the same", addresses)
	}
	t.Networks, t.Addresses = networks, addresses
	return nil
}

// next takes the next event of a kind.
func (s *Script) next(queue *[]event, kind string) (e event, ok bool) {
	if len(*queue) == 0 {
		s.fail("no %s is left", kind)
		return e, false
	}
	e, *queue = (*queue)[0], (*queue)[1:]
	return e, true
}
