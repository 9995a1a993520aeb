package envtest_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"idsrl/envs"
	"idsrl/envs/envtest"
	"idsrl/envs/toy"
)

func TestRun(t *testing.T) {
	for _, e := range toy.Entries() {
		t.Run(e.ID, func(t *testing.T) { envtest.Run(t, e.New, envtest.Options{}) })
	}
}

func TestRunWrapped(t *testing.T) {
	limited := func(instance uint64) (envs.Env, error) {
		env, err := toy.Entries()[0].New(instance)
		return envs.Limit(env, 7), err
	}
	t.Run("limit", func(t *testing.T) { envtest.Run(t, limited, envtest.Options{}) })

	nobody := func(instance uint64) (envs.Env, error) {
		env, err := pursuit(instance)
		if err != nil {
			return nil, err
		}
		return envs.Versus(env, envs.Uniform(), envs.Uniform())
	}
	t.Run("no open seat", func(t *testing.T) { envtest.Run(t, nobody, envtest.Options{}) })
}

func pursuit(instance uint64) (envs.Env, error) {
	return (&toy.Pursuit{Depth: 2, Creep: 0.5, Catch: 0.2, MaxSteps: 20}).New(instance)
}

func forbidden(instance uint64) (envs.Env, error) { return (&toy.Forbidden{Fields: 5}).New(instance) }

// bent is an Env with some methods replaced.
type bent struct {
	envs.Env
	spec    *envs.Spec
	reset   func(seed uint64) error
	step    func(actions []int, out *envs.Outcome) error
	observe func(seat int, dst []float32)
	legal   func(seat int, dst []bool)
	state   func(seat, encoding int) int
	key     func(dst []byte, seat int) []byte
	close   func() error
}

func (b *bent) Spec() *envs.Spec {
	if b.spec != nil {
		return b.spec
	}
	return b.Env.Spec()
}

func (b *bent) Reset(seed uint64) error {
	if b.reset != nil {
		return b.reset(seed)
	}
	return b.Env.Reset(seed)
}

func (b *bent) Step(actions []int, out *envs.Outcome) error {
	if b.step != nil {
		return b.step(actions, out)
	}
	return b.Env.Step(actions, out)
}

func (b *bent) Observe(seat int, dst []float32) {
	if b.observe != nil {
		b.observe(seat, dst)
		return
	}
	b.Env.Observe(seat, dst)
}

func (b *bent) Legal(seat int, dst []bool) {
	if b.legal != nil {
		b.legal(seat, dst)
		return
	}
	b.Env.Legal(seat, dst)
}

func (b *bent) State(seat, encoding int) int {
	if b.state != nil {
		return b.state(seat, encoding)
	}
	return b.Env.State(seat, encoding)
}

func (b *bent) AppendKey(dst []byte, seat int) []byte {
	if b.key != nil {
		return b.key(dst, seat)
	}
	return b.Env.AppendKey(dst, seat)
}

func (b *bent) Close() error {
	if b.close != nil {
		return b.close()
	}
	return b.Env.Close()
}

// editSpec bends the Spec of an Env to a copy that edit has changed.
func editSpec(edit func(s *envs.Spec, seat *envs.Seat)) func(*bent) {
	return func(b *bent) {
		s := *b.Env.Spec()
		s.Seats = slices.Clone(s.Seats)
		seat := &s.Seats[0]
		seat.Obs.Low, seat.Obs.High = slices.Clone(seat.Obs.Low), slices.Clone(seat.Obs.High)
		seat.Encodings = slices.Clone(seat.Encodings)
		edit(&s, seat)
		b.spec = &s
	}
}

// after bends Step to do something more once it is done.
func after(more func(b *bent, out *envs.Outcome)) func(*bent) {
	return func(b *bent) {
		b.step = func(actions []int, out *envs.Outcome) error {
			err := b.Env.Step(actions, out)
			more(b, out)
			return err
		}
	}
}

var sink []byte

// Each environment breaks the contract in one way, and the check that is there for it must say so.
func TestBroken(t *testing.T) {
	shared := 0 // what copies must not share
	tests := []struct {
		name  string
		check string
		bend  func(b *bent)
	}{
		{"no ID", envtest.Spec, editSpec(func(s *envs.Spec, _ *envs.Seat) { s.ID = "" })},
		{"negative limit", envtest.Spec, editSpec(func(s *envs.Spec, _ *envs.Seat) { s.MaxSteps = -1 })},
		{"unknown role", envtest.Spec, editSpec(func(_ *envs.Spec, seat *envs.Seat) { seat.Role = 9 })},
		{"shape", envtest.Spec, editSpec(func(_ *envs.Spec, seat *envs.Seat) { seat.Obs.Shape = []int{3} })},
		{"empty shape", envtest.Spec, editSpec(func(_ *envs.Spec, seat *envs.Seat) {
			seat.Obs = envs.UniformBox(0, 1, 2, 0)
		})},
		{"bounds", envtest.Spec, editSpec(func(_ *envs.Spec, seat *envs.Seat) { seat.Obs.Low[1] = 2 })},
		{"bounds too short", envtest.Spec, editSpec(func(_ *envs.Spec, seat *envs.Seat) {
			seat.Obs.High = seat.Obs.High[1:]
		})},
		{"no actions", envtest.Spec, editSpec(func(_ *envs.Spec, seat *envs.Seat) { seat.Actions.N = 0 })},
		{"action names", envtest.Spec, editSpec(func(_ *envs.Spec, seat *envs.Seat) {
			seat.Actions.NameFunc = func(int) string { return "go" }
		})},
		{"encoding names", envtest.Spec, editSpec(func(_ *envs.Spec, seat *envs.Seat) {
			seat.Encodings = append(seat.Encodings, seat.Encodings[0])
		})},
		{"empty encoding", envtest.Spec, editSpec(func(_ *envs.Spec, seat *envs.Seat) {
			seat.Encodings[0].States = 0
		})},
		{"spec changes", envtest.Spec, func(b *bent) {
			s := *b.Env.Spec()
			b.spec = &s
			b.reset = func(seed uint64) error { s.MaxSteps++; return b.Env.Reset(seed) }
		}},

		{"out of bounds", envtest.Obs, func(b *bent) {
			b.observe = func(seat int, dst []float32) {
				b.Env.Observe(seat, dst)
				if b.Env.State(seat, 0) == 1 {
					dst[0] = -0.01
				}
			}
		}},
		{"entry not written", envtest.Obs, func(b *bent) {
			b.observe = func(seat int, dst []float32) {
				old := dst[2]
				b.Env.Observe(seat, dst)
				dst[2] = old
			}
		}},
		{"looking changes it", envtest.Obs, func(b *bent) {
			looks := 0
			b.observe = func(seat int, dst []float32) {
				b.Env.Observe(seat, dst)
				if looks++; looks%7 == 0 {
					dst[0] = 0.5
				}
			}
		}},

		{"nothing legal", envtest.Legal, func(b *bent) {
			b.legal = func(seat int, dst []bool) {
				b.Env.Legal(seat, dst)
				if b.Env.State(seat, 0) == 1 {
					clear(dst)
				}
			}
		}},
		{"nothing legal at the end", envtest.Legal, func(b *bent) {
			over := false
			b.step = func(actions []int, out *envs.Outcome) error {
				err := b.Env.Step(actions, out)
				over = out.Over()
				return err
			}
			b.reset = func(seed uint64) error { over = false; return b.Env.Reset(seed) }
			b.legal = func(seat int, dst []bool) {
				if b.Env.Legal(seat, dst); over {
					clear(dst)
				}
			}
		}},
		{"legal only added", envtest.Legal, func(b *bent) {
			b.legal = func(seat int, dst []bool) {
				dst[0] = true
				if b.Env.State(seat, 0) == 1 {
					dst[1] = true
				}
			}
		}},

		{"state too large", envtest.State, editSpec(func(_ *envs.Spec, seat *envs.Seat) { seat.Encodings[0].States-- })},
		{"negative state", envtest.State, func(b *bent) {
			b.state = func(seat, encoding int) int { return b.Env.State(seat, encoding) - 1 }
		}},

		{"one key for all", envtest.Key, func(b *bent) {
			b.key = func(dst []byte, _ int) []byte { return append(dst, 'k') }
		}},
		{"key not appended", envtest.Key, func(b *bent) {
			b.key = func(_ []byte, seat int) []byte { return b.Env.AppendKey(nil, seat) }
		}},

		{"both terminated and truncated", envtest.Outcome, after(func(_ *bent, out *envs.Outcome) {
			out.Truncated = out.Truncated || out.Terminated
		})},
		{"winner too early", envtest.Outcome, after(func(_ *bent, out *envs.Outcome) { out.Winner = envs.Defender })},
		{"infinite reward", envtest.Outcome, after(func(_ *bent, out *envs.Outcome) {
			if out.Rewards[0] == 1 || out.Rewards[0] == -1.5 {
				out.Rewards[0] /= out.Rewards[0] - out.Rewards[0]
			}
		})},
		{"reward not written", envtest.Outcome, func(b *bent) {
			b.step = func(actions []int, out *envs.Outcome) error {
				old := out.Rewards[0]
				err := b.Env.Step(actions, out)
				if out.Rewards[0] == 0 || out.Rewards[0] == -1 {
					out.Rewards[0] = old
				}
				return err
			}
		}},
		{"end not written", envtest.Outcome, func(b *bent) {
			b.step = func(actions []int, out *envs.Outcome) error {
				old := *out
				err := b.Env.Step(actions, out)
				if !out.Over() {
					out.Terminated, out.Truncated = old.Terminated, old.Truncated
				}
				return err
			}
		}},

		{"one step too long", envtest.Length, editSpec(func(s *envs.Spec, _ *envs.Seat) { s.MaxSteps = 3 })},
		{"actions changed", envtest.Outcome, func(b *bent) {
			b.step = func(actions []int, out *envs.Outcome) error {
				err := b.Env.Step(actions, out)
				actions[0] = 1 - min(actions[0], 1)
				return err
			}
		}},

		{"global randomness", envtest.Copies, after(func(_ *bent, out *envs.Outcome) {
			shared++
			out.Rewards[0] += float64(shared) * 1e-9
		})},
		{"shared memory", envtest.Copies, func(b *bent) {
			b.step = func(actions []int, out *envs.Outcome) error {
				shared += actions[0] + 1
				return b.Env.Step(actions, out)
			}
			b.key = func(dst []byte, seat int) []byte { return fmt.Append(b.Env.AppendKey(dst, seat), shared) }
		}},
		{"its own random numbers", envtest.Copies, func(b *bent) {
			shared++
			rng := rand.New(envs.NewPCG(uint64(shared)))
			b.legal = func(seat int, dst []bool) {
				b.Env.Legal(seat, dst)
				dst[0], dst[1] = true, rng.IntN(2) == 0
			}
		}},
		{"reward in the last place", envtest.Copies, func(b *bent) {
			shared++
			odd := 1 + float64(shared%2)*0x1p-52
			after(func(_ *bent, out *envs.Outcome) { out.Rewards[0] *= odd })(b)
		}},

		{"reset forgets", envtest.Reuse, func(b *bent) {
			steps := 0
			b.step = func(actions []int, out *envs.Outcome) error {
				steps++
				err := b.Env.Step(actions, out)
				out.Rewards[0] += float64(steps/50) * 1e-9
				return err
			}
		}},
		{"episodes are counted", envtest.Reuse, func(b *bent) {
			episode := uint64(0)
			b.reset = func(seed uint64) error {
				episode++
				return b.Env.Reset(seed + episode)
			}
			b.state = func(seat, encoding int) int { return max(0, b.Env.State(seat, encoding)-int(episode%2)) }
		}},

		{"step allocates", envtest.Allocs, after(func(*bent, *envs.Outcome) { sink = make([]byte, 8) })},
		{"reset allocates", envtest.Allocs, func(b *bent) {
			b.reset = func(seed uint64) error { sink = make([]byte, 8); return b.Env.Reset(seed) }
		}},
		{"observe allocates", envtest.Allocs, func(b *bent) {
			b.observe = func(seat int, dst []float32) { sink = make([]byte, 8); b.Env.Observe(seat, dst) }
		}},
		{"legal allocates", envtest.Allocs, func(b *bent) {
			b.legal = func(seat int, dst []bool) { sink = make([]byte, 8); b.Env.Legal(seat, dst) }
		}},
		{"state allocates", envtest.Allocs, func(b *bent) {
			b.state = func(seat, encoding int) int { sink = make([]byte, 8); return b.Env.State(seat, encoding) }
		}},
		{"key allocates", envtest.Allocs, func(b *bent) {
			b.key = func(dst []byte, seat int) []byte { sink = make([]byte, 8); return b.Env.AppendKey(dst, seat) }
		}},

		{"ids outside are clamped", envtest.Panics, func(b *bent) {
			b.step = func(actions []int, out *envs.Outcome) error {
				inside := slices.Clone(actions)
				for i, a := range actions {
					inside[i] = min(a, b.Env.Spec().Seats[i].Actions.N-1)
				}
				return b.Env.Step(inside, out)
			}
		}},
		{"negative ids are clamped", envtest.Panics, func(b *bent) {
			b.step = func(actions []int, out *envs.Outcome) error {
				inside := slices.Clone(actions)
				for i, a := range actions {
					inside[i] = max(a, 0)
				}
				return b.Env.Step(inside, out)
			}
		}},
		{"errors for panics", envtest.Panics, func(b *bent) {
			b.step = func(actions []int, out *envs.Outcome) error {
				if actions[0] < 0 {
					return fmt.Errorf("negative")
				}
				return b.Env.Step(actions, out)
			}
		}},
		{"plays on after the end", envtest.Panics, func(b *bent) {
			over := false
			b.step = func(actions []int, out *envs.Outcome) error {
				if over {
					return nil
				}
				err := b.Env.Step(actions, out)
				over = out.Over()
				return err
			}
			b.reset = func(seed uint64) error { over = false; return b.Env.Reset(seed) }
		}},
		{"plays before the first Reset", envtest.Panics, func(b *bent) {
			if err := b.Env.Reset(0); err != nil {
				t.Fatal(err)
			}
		}},
		{"panics on illegal actions", envtest.Panics, func(b *bent) {
			b.step = func(actions []int, out *envs.Outcome) error {
				legal := make([]bool, b.Env.Spec().Seats[0].Actions.N)
				if b.Env.Legal(0, legal); !legal[actions[0]] {
					panic("illegal")
				}
				return b.Env.Step(actions, out)
			}
		}},
		{"observe panics", envtest.Panics, func(b *bent) {
			b.observe = func(seat int, dst []float32) { dst[b.Env.State(seat, 0)-1] = 1 }
		}},
		{"step fails", envtest.Errors, func(b *bent) {
			b.step = func([]int, *envs.Outcome) error { return fmt.Errorf("connection lost") }
		}},
		{"close twice", envtest.Close, func(b *bent) {
			closed := false
			b.close = func() error {
				if closed {
					return fmt.Errorf("closed already")
				}
				closed = true
				return nil
			}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, base := range []func(uint64) (envs.Env, error){pursuit, forbidden} {
				failures := envtest.Check(func(instance uint64) (envs.Env, error) {
					env, err := base(instance)
					if err != nil {
						return nil, err
					}
					b := &bent{Env: env}
					tt.bend(b)
					return b, nil
				}, envtest.Options{})
				if failures[tt.check] != nil {
					t.Log(failures[tt.check])
					return
				}
				t.Logf("not in this game: %v", failures)
			}
			t.Errorf("%s is not caught by check %s", tt.name, tt.check)
		})
	}
}

// Without anything bent, the wrapper passes, so that the failures above are due to what is bent.
func TestUnbent(t *testing.T) {
	for _, base := range []func(uint64) (envs.Env, error){pursuit, forbidden} {
		failures := envtest.Check(func(instance uint64) (envs.Env, error) {
			env, err := base(instance)
			return &bent{Env: env}, err
		}, envtest.Options{})
		if len(failures) > 0 {
			t.Errorf("failures: %v", failures)
		}
	}
}

func TestMayAlloc(t *testing.T) {
	failures := envtest.Check(func(instance uint64) (envs.Env, error) {
		env, err := pursuit(instance)
		b := &bent{Env: env}
		after(func(*bent, *envs.Outcome) { sink = make([]byte, 8) })(b)
		return b, err
	}, envtest.Options{MayAlloc: true})
	if len(failures) > 0 {
		t.Errorf("failures: %v", failures)
	}
}

func TestBuildError(t *testing.T) {
	failures := envtest.Check(func(uint64) (envs.Env, error) { return nil, fmt.Errorf("no such file") },
		envtest.Options{})
	if failures[envtest.Errors] == nil {
		t.Errorf("an error of newEnv is not reported: %v", failures)
	}
}
