package envs_test

import (
	"fmt"
	"testing"

	"idsrl/envs"
	"idsrl/envs/toy"
)

// probe is a game of three seats, each with its own sizes, that shows who asks and what was played. Its first seat ends
// the episode by playing 1; it is truncated after 50 steps.
type probe struct {
	spec  envs.Spec
	seed  uint64
	steps int
	last  [3]int
	fail  error // what Step returns
}

func newProbe() *probe {
	p := &probe{spec: envs.Spec{ID: "probe", MaxSteps: 50}}
	for i, role := range []envs.Role{envs.Attacker, envs.Defender, envs.Benign} {
		p.spec.Seats = append(p.spec.Seats, envs.Seat{
			Role:      role,
			Obs:       envs.UniformBox(0, 100, i+1),
			Actions:   envs.Discrete{N: i + 2},
			Encodings: []envs.Encoding{{Name: "seat", States: 10}, {Name: "steps", States: 100}},
		})
	}
	return p
}

func (p *probe) Spec() *envs.Spec { return &p.spec }

func (p *probe) Reset(seed uint64) error {
	if p.fail != nil {
		return p.fail
	}
	p.seed, p.steps, p.last = seed, 0, [3]int{}
	return nil
}

func (p *probe) Step(actions []int, out *envs.Outcome) error {
	if p.fail != nil {
		return p.fail
	}
	copy(p.last[:], actions)
	p.steps++
	for i, a := range actions {
		out.Rewards[i] = float64(100*i + a)
	}
	out.Terminated, out.Truncated, out.Winner = actions[0] == 1, actions[0] != 1 && p.steps == 50, envs.Nobody
	if out.Terminated {
		out.Winner = envs.Benign
	}
	return nil
}

func (p *probe) Observe(seat int, dst []float32) {
	for j := range dst {
		dst[j] = float32(10*seat + p.last[j])
	}
}

func (p *probe) Legal(seat int, dst []bool) {
	for a := range dst {
		dst[a] = a != seat
	}
}

func (p *probe) State(seat, encoding int) int { return []int{seat, p.steps}[encoding] }

func (p *probe) AppendKey(dst []byte, seat int) []byte {
	return fmt.Appendf(dst, "%d:%d", seat, p.steps)
}

func (p *probe) Close() error { return nil }

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func newPursuit() envs.Env {
	return must((&toy.Pursuit{Depth: 3, Creep: 0.5, Catch: 0.2, MaxSteps: 8}).New(0))
}

func newClock(limit int) envs.Env { return must((&toy.Clock{Hours: 3, MaxSteps: limit}).New(0)) }

// panics reports whether f does.
func panics(f func()) (yes bool) {
	defer func() { yes = recover() != nil }()
	f()
	return false
}

func TestAs(t *testing.T) {
	game := newProbe()
	match := must(envs.Versus(game, nil, envs.Uniform(), envs.Uniform()))
	env := envs.Limit(match, 3)
	if got, ok := envs.As[*probe](env); !ok || got != game {
		t.Errorf("As[*probe] = %v, %v", got, ok)
	}
	if got, ok := envs.As[*envs.Match](env); !ok || envs.Env(got) != match {
		t.Errorf("As[*Match] = %v, %v", got, ok)
	}
	if got, ok := envs.As[envs.Env](env); !ok || got != env {
		t.Errorf("As[Env] = %v, %v: want the outermost", got, ok)
	}
	if got, ok := envs.As[*envs.Match](game); ok || got != nil {
		t.Errorf("As[*Match] of a game without players = %v, %v", got, ok)
	}
	if got, ok := envs.As[interface{ Joint() *envs.Outcome }](env); !ok || got.(envs.Env) != match {
		t.Errorf("As of an interface = %v, %v", got, ok)
	}
}

func TestSpaces(t *testing.T) {
	b := envs.UniformBox(-1, 2, 3, 4)
	if b.Len() != 12 || len(b.Low) != 12 || len(b.High) != 12 || b.Low[11] != -1 || b.High[11] != 2 {
		t.Errorf("box %+v", b)
	}
	if n := (envs.Box{}).Len(); n != 1 {
		t.Errorf("a box without dimensions has %d entries, a number has 1", n)
	}
	if d := (envs.Discrete{N: 3}); d.Name(2) != "2" {
		t.Errorf("without names, action 2 is called %q", d.Name(2))
	}
	if d := (envs.Discrete{N: 3, NameFunc: func(id int) string { return fmt.Sprint("go", id) }}); d.Name(2) != "go2" {
		t.Errorf("action 2 is called %q", d.Name(2))
	}
	for role, want := range []string{"nobody", "attacker", "defender", "benign", "nobody"} {
		if got := envs.Role(role).String(); got != want {
			t.Errorf("role %d is %q, want %q", role, got, want)
		}
	}
	for _, o := range []envs.Outcome{{}, {Terminated: true}, {Truncated: true}} {
		if o.Over() != (o.Terminated || o.Truncated) {
			t.Errorf("%+v: Over = %v", o, o.Over())
		}
	}
	if o := newProbe().Spec().NewOutcome(); len(o.Rewards) != 3 {
		t.Errorf("an outcome for three seats: %+v", o)
	}
}
