// Package envtest checks that an environment keeps the contract of package envs. Every registered one is run through
// it:
//
//	for _, e := range registry.Entries() {
//		t.Run(e.ID, func(t *testing.T) { envtest.Run(t, e.New, envtest.Options{}) })
//	}
//
// [Mixed] plays what package exact has found.
package envtest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"idsrl/envs"
)

// Options says how thorough the checks are. The zero value suits a small game in process.
type Options struct {
	Steps    int  // how many steps each pass plays, about; 0: 600
	MayAlloc bool // leave out the check of allocations, as for a game behind a connection
}

// The names of the checks.
const (
	Spec    = "spec"    // sizes, bounds, names; it never changes
	Obs     = "obs"     // observations are complete, within bounds, and looking changes nothing
	Legal   = "legal"   // complete, never none, also when the episode is over
	State   = "state"   // within the encoding's range
	Key     = "key"     // appended; equal keys, equal observations
	Outcome = "outcome" // overwritten, finite, one kind of end, no winner before it; Step leaves its actions alone
	Length  = "length"  // episodes end within MaxSteps
	Copies  = "copies"  // two copies agree bit by bit while a third one plays something else
	Reuse   = "reuse"   // a used environment that is reset is like a new one
	Allocs  = "allocs"  // nothing allocates once built
	Panics  = "panics"  // on ids outside the space, before the first Reset, after the end; on nothing else
	Errors  = "errors"  // none: what would be one in process is a panic
	Close   = "close"   // may be called twice
)

// Names are all checks in order.
func Names() []string {
	return []string{Spec, Obs, Legal, State, Key, Outcome, Length, Copies, Reuse, Allocs, Panics, Errors, Close}
}

// Run checks the environments that newEnv builds, each check as a subtest. Because it counts allocations it must not
// run beside parallel tests.
func Run(t *testing.T, newEnv func(instance uint64) (envs.Env, error), o Options) {
	t.Helper()
	failures := Check(newEnv, o)
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			if err := failures[name]; err != nil {
				t.Error(err)
			}
		})
	}
}

// Check returns what is wrong with the environments that newEnv builds: for each check that fails, the first reason.
func Check(newEnv func(instance uint64) (envs.Env, error), o Options) map[string]error {
	if o.Steps == 0 {
		o.Steps = 600
	}
	c := &checker{newEnv: newEnv, opts: o, failures: map[string]error{}}
	c.pass(c.checkSpec)
	if len(c.failures) > 0 {
		return c.failures // sizes are not to be trusted
	}
	c.pass(c.checkViews)
	c.pass(c.checkLength)
	c.pass(c.checkCopies)
	c.pass(c.checkReuse)
	if !o.MayAlloc {
		c.pass(c.checkAllocs)
	}
	c.pass(c.checkPanics)
	c.pass(c.checkClose)
	return c.failures
}

type checker struct {
	newEnv   func(instance uint64) (envs.Env, error)
	opts     Options
	spec     *envs.Spec
	keyLen   int // longest key seen
	failures map[string]error
}

// lost is how a pass ends early: an environment that returns errors cannot be played.
type lost struct{ err error }

// pass runs some of the checks. A panic or an error that they do not expect ends the pass.
func (c *checker) pass(checks func()) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case lost:
			c.fail(Errors, "%w", r.err)
		default:
			c.fail(Panics, "%v", r)
		}
	}()
	checks()
}

func (c *checker) fail(name, format string, args ...any) {
	if c.failures[name] == nil {
		c.failures[name] = fmt.Errorf(format, args...)
	}
}

func (c *checker) build(instance uint64) envs.Env {
	env, err := c.newEnv(instance)
	if err != nil {
		panic(lost{fmt.Errorf("building it: %w", err)})
	}
	return env
}

func (c *checker) checkSpec() {
	s := c.build(1).Spec()
	c.spec = s
	fail := func(format string, args ...any) { c.fail(Spec, format, args...) }
	if s.ID == "" {
		fail("no ID")
	}
	if s.MaxSteps < 0 {
		fail("MaxSteps = %d", s.MaxSteps)
	}
	for i, seat := range s.Seats {
		if seat.Role > envs.Benign {
			fail("seat %d: no role has the number %d", i, seat.Role)
		}
		for _, d := range seat.Obs.Shape {
			if d < 1 {
				fail("seat %d: shape %v", i, seat.Obs.Shape)
			}
		}
		n := seat.Obs.Len()
		if len(seat.Obs.Low) != n || len(seat.Obs.High) != n {
			fail("seat %d: %d lower and %d upper bounds for shape %v", i, len(seat.Obs.Low), len(seat.Obs.High),
				seat.Obs.Shape)
			return
		}
		for j := range n {
			if !(seat.Obs.Low[j] <= seat.Obs.High[j]) {
				fail("seat %d: entry %d is between %v and %v", i, j, seat.Obs.Low[j], seat.Obs.High[j])
			}
		}
		if seat.Actions.N < 1 {
			fail("seat %d: %d actions", i, seat.Actions.N)
		}
		names := map[string]int{}
		for a := range seat.Actions.N {
			name := seat.Actions.Name(a)
			if b, repeated := names[name]; repeated || name == "" {
				fail("seat %d: actions %d and %d are called %q", i, a, b, name)
			}
			names[name] = a
		}
		encodings := map[string]bool{}
		for _, e := range seat.Encodings {
			if e.Name == "" || encodings[e.Name] || e.States < 1 {
				fail("seat %d: encoding %q of %d states has no name, one that is taken, or no states", i, e.Name, e.States)
			}
			encodings[e.Name] = true
		}
	}
}

// describe is everything that a Spec says but for the functions in it.
func describe(s *envs.Spec) string {
	parts := []any{s.ID, s.MaxSteps}
	for _, seat := range s.Seats {
		parts = append(parts, seat.Role, seat.Obs, seat.Actions.N, seat.Encodings)
	}
	return fmt.Sprint(parts...)
}

// player is an episode in the course of being played.
type player struct {
	env     envs.Env
	out     *envs.Outcome
	actions []int
	legal   [][]bool
	rng     *rand.Rand
	style   uint64
	steps   int
}

func (c *checker) newPlayer(env envs.Env) player {
	p := player{env: env, out: c.spec.NewOutcome(), actions: make([]int, len(c.spec.Seats))}
	for _, seat := range c.spec.Seats {
		p.legal = append(p.legal, make([]bool, seat.Actions.N))
	}
	p.rng = rand.New(envs.NewPCG(0))
	return p
}

// reset starts the episode that seed names. By turns, episodes consist of legal actions, of any actions, and of one
// action over and over.
func (p *player) reset(seed uint64) {
	p.rng = rand.New(envs.NewPCG(seed))
	p.restart(seed)
}

// restart is reset that keeps the generator, for it would allocate.
func (p *player) restart(seed uint64) {
	p.style, p.steps = seed%3, 0
	clear(p.out.Rewards)
	*p.out = envs.Outcome{Rewards: p.out.Rewards}
	if err := p.env.Reset(seed); err != nil {
		panic(lost{fmt.Errorf("Reset(%d): %w", seed, err)})
	}
}

func (p *player) choose() {
	for seat, legal := range p.legal {
		switch {
		case p.style == 2 && p.steps > 0:
		case p.style == 1:
			p.actions[seat] = p.rng.IntN(len(legal))
		default:
			p.env.Legal(seat, legal)
			if !slices.Contains(legal, true) {
				legal[0] = true // Legal has its own check
			}
			p.actions[seat] = envs.RandomLegal(legal, p.rng)
		}
	}
}

// step plays the chosen actions. What Step does not overwrite will show.
func (p *player) step() {
	for seat := range p.out.Rewards {
		p.out.Rewards[seat] = math.NaN()
	}
	p.out.Terminated, p.out.Truncated, p.out.Winner = true, true, envs.Benign
	if err := p.env.Step(p.actions, p.out); err != nil {
		panic(lost{fmt.Errorf("Step(%v): %w", p.actions, err)})
	}
	p.steps++
}

// play plays episodes of env with the given number of steps in all and shows the player after every Reset and Step. An
// episode that has no end is left after a third of them.
func (c *checker) play(env envs.Env, seed uint64, steps int, visit func(player)) {
	p := c.newPlayer(env)
	for ; steps > 0; seed++ {
		p.reset(seed)
		visit(p)
		for begun := steps; steps > 0 && begun-steps <= c.opts.Steps/3 && !p.out.Over(); steps-- {
			p.choose()
			p.step()
			visit(p)
		}
	}
}

// checkViews plays and looks at everything that can be seen.
func (c *checker) checkViews() {
	env := c.build(1)
	seats := c.spec.Seats
	var obs, again [][]float32
	var keys []map[string]uint64
	for _, seat := range seats {
		obs = append(obs, make([]float32, seat.Obs.Len()))
		again = append(again, make([]float32, seat.Obs.Len()))
		keys = append(keys, map[string]uint64{})
	}
	nan := float32(math.NaN())
	look := func(p player) {
		for i, seat := range seats {
			for j := range obs[i] {
				obs[i][j], again[i][j] = nan, 7.5
			}
			env.Observe(i, obs[i])
			for j, x := range obs[i] {
				if !(seat.Obs.Low[j] <= x && x <= seat.Obs.High[j]) {
					c.fail(Obs, "seat %d, step %d: entry %d is %v (NaN if never written), not between %v and %v",
						i, p.steps, j, x, seat.Obs.Low[j], seat.Obs.High[j])
				}
			}

			clear(p.legal[i])
			env.Legal(i, p.legal[i])
			first := slices.Clone(p.legal[i])
			for j := range p.legal[i] {
				p.legal[i][j] = true
			}
			env.Legal(i, p.legal[i])
			if !slices.Equal(first, p.legal[i]) {
				c.fail(Legal, "seat %d, step %d: what was in dst before shows", i, p.steps)
			}
			if !slices.Contains(first, true) {
				c.fail(Legal, "seat %d, step %d, over %v: nothing is legal", i, p.steps, p.out.Over())
			}

			for k, e := range seat.Encodings {
				if s := env.State(i, k); s < 0 || s >= e.States {
					c.fail(State, "seat %d, step %d: state %d under %s, which has %d", i, p.steps, s, e.Name, e.States)
				}
			}

			key := env.AppendKey([]byte("start"), i)
			if string(key[:min(5, len(key))]) != "start" {
				c.fail(Key, "seat %d: it does not append", i)
			}
			c.keyLen = max(c.keyLen, len(key))
			hash := hashOf(obs[i])
			if before, seen := keys[i][string(key)]; seen && before != hash {
				c.fail(Key, "seat %d, step %d: the key %x has stood for another observation", i, p.steps, key[5:])
			}
			keys[i][string(key)] = hash

			env.Observe(i, again[i])
			if hashOf(again[i]) != hash {
				c.fail(Obs, "seat %d, step %d: a second look shows something else", i, p.steps)
			}
		}
		c.checkOutcome(p)
	}

	before := describe(env.Spec())
	c.play(env, 100, c.opts.Steps, look)
	if after := describe(env.Spec()); after != before {
		c.fail(Spec, "it has changed from %s to %s", before, after)
	}
}

// checkOutcome looks at the outcome of the last step, if there has been one.
func (c *checker) checkOutcome(p player) {
	if p.steps == 0 {
		return
	}
	if p.out.Terminated && p.out.Truncated {
		c.fail(Outcome, "step %d: both terminated and truncated, or neither is written", p.steps)
	}
	if !p.out.Over() && p.out.Winner != envs.Nobody {
		c.fail(Outcome, "step %d: a winner, %v, before the end", p.steps, p.out.Winner)
	}
	if p.out.Winner > envs.Benign {
		c.fail(Outcome, "step %d: no role has the number %d", p.steps, p.out.Winner)
	}
	if len(p.out.Rewards) != len(c.spec.Seats) {
		c.fail(Outcome, "step %d: %d rewards for %d seats", p.steps, len(p.out.Rewards), len(c.spec.Seats))
	}
	for seat, r := range p.out.Rewards {
		if math.IsNaN(r) || math.IsInf(r, 0) {
			c.fail(Outcome, "step %d: seat %d gets %v (NaN if never written)", p.steps, seat, r)
		}
	}
}

// hashOf is FNV-1a over the bits of the entries.
func hashOf(xs []float32) uint64 {
	h := uint64(14695981039346656037)
	for _, x := range xs {
		h = (h ^ uint64(math.Float32bits(x))) * 1099511628211
	}
	return h
}

// checkLength plays one episode of each style as long as it may last, within reason.
func (c *checker) checkLength() {
	limit := c.spec.MaxSteps
	if limit == 0 {
		return
	}
	p := c.newPlayer(c.build(1))
	for seed := range uint64(6) {
		p.reset(seed)
		for p.steps < min(limit, 5*c.opts.Steps) && !p.out.Over() {
			p.choose()
			before := slices.Clone(p.actions)
			p.step()
			if !slices.Equal(before, p.actions) {
				c.fail(Outcome, "Step changes the actions that it is given")
			}
		}
		if p.steps == limit && !p.out.Over() {
			c.fail(Length, "seed %d: the episode is not over after %d steps", seed, limit)
		}
	}
}

func (c *checker) checkCopies() {
	a, b, other := c.newPlayer(c.build(2)), c.newPlayer(c.build(2)), c.newPlayer(c.build(3))
	other.reset(0)
	steps := c.opts.Steps
	for seed := uint64(200); steps > 0; seed++ {
		a.reset(seed)
		for begun := steps; ; steps-- {
			first := c.view(&a)
			disturb(&other)
			if a.steps == 0 {
				b.reset(seed)
			} else {
				b.step()
			}
			if err := first.compare(c.view(&b)); err != nil {
				c.fail(Copies, "seed %d, step %d: %w", seed, a.steps, err)
				return
			}
			if a.out.Over() || steps <= 0 || begun-steps > c.opts.Steps/3 {
				break
			}
			a.choose()
			copy(b.actions, a.actions)
			a.step()
		}
	}
}

// disturb plays on in an environment that should have nothing to do with those under test.
func disturb(p *player) {
	if p.out.Over() {
		p.reset(p.rng.Uint64())
		return
	}
	p.choose()
	p.step()
}

func (c *checker) checkReuse() {
	used := c.newPlayer(c.build(4))
	for round := range uint64(4) {
		// Some episodes are left in the middle, some end.
		for k := range 3 + round {
			used.reset(300 + 10*round + k)
			for used.steps < c.opts.Steps/(15*int(1+k)) && !used.out.Over() {
				used.choose()
				used.step()
			}
		}
		fresh, seed := c.newPlayer(c.build(4)), 400+round
		used.reset(seed)
		fresh.reset(seed)
		for {
			if err := c.view(&used).compare(c.view(&fresh)); err != nil {
				c.fail(Reuse, "seed %d, step %d: used and new: %w", seed, used.steps, err)
				return
			}
			if used.out.Over() || used.steps >= c.opts.Steps/4 {
				break
			}
			used.choose()
			copy(fresh.actions, used.actions)
			used.step()
			fresh.step()
		}
	}
}

// view is everything that a player sees and has got.
type view struct {
	outcome envs.Outcome
	obs     [][]float32 // by seat, as all others
	legal   [][]bool
	states  [][]int
	keys    []string
}

func (c *checker) view(p *player) view {
	v := view{outcome: *p.out}
	v.outcome.Rewards = slices.Clone(p.out.Rewards)
	for i, seat := range c.spec.Seats {
		obs, legal := make([]float32, seat.Obs.Len()), make([]bool, seat.Actions.N)
		p.env.Observe(i, obs)
		p.env.Legal(i, legal)
		var states []int
		for k := range seat.Encodings {
			states = append(states, p.env.State(i, k))
		}
		v.obs, v.legal, v.states = append(v.obs, obs), append(v.legal, legal), append(v.states, states)
		v.keys = append(v.keys, string(p.env.AppendKey(nil, i)))
	}
	return v
}

// compare says what is different.
func (v view) compare(w view) error {
	if x, y := v.outcome, w.outcome; x.Terminated != y.Terminated || x.Truncated != y.Truncated ||
		x.Winner != y.Winner || !slices.EqualFunc(x.Rewards, y.Rewards, sameBits) {
		return fmt.Errorf("outcome %+v and %+v", x, y)
	}
	for i := range v.obs {
		switch {
		case hashOf(v.obs[i]) != hashOf(w.obs[i]):
			return fmt.Errorf("seat %d: observation %v and %v", i, v.obs[i], w.obs[i])
		case !slices.Equal(v.legal[i], w.legal[i]):
			return fmt.Errorf("seat %d: legal %v and %v", i, v.legal[i], w.legal[i])
		case !slices.Equal(v.states[i], w.states[i]):
			return fmt.Errorf("seat %d: states %v and %v", i, v.states[i], w.states[i])
		case v.keys[i] != w.keys[i]:
			return fmt.Errorf("seat %d: key %x and %x", i, v.keys[i], w.keys[i])
		}
	}
	return nil
}

func sameBits(x, y float64) bool { return math.Float64bits(x) == math.Float64bits(y) }

// checkAllocs plays whole episodes, a part of the interface more in each round, so that the message can say which.
func (c *checker) checkAllocs() {
	p := c.newPlayer(c.build(5))
	var obs [][]float32
	for _, seat := range c.spec.Seats {
		obs = append(obs, make([]float32, seat.Obs.Len()))
	}
	key := make([]byte, 0, 2*c.keyLen+64)
	parts := []struct {
		name string
		call func(seat int)
	}{
		{"Reset, Step or Legal", func(int) {}},
		{"Observe", func(seat int) { p.env.Observe(seat, obs[seat]) }},
		{"State", func(seat int) {
			for k := range c.spec.Seats[seat].Encodings {
				p.env.State(seat, k)
			}
		}},
		{"AppendKey", func(seat int) { key = p.env.AppendKey(key[:0], seat) }},
	}
	seed := uint64(500)
	for _, part := range parts {
		episodes := func() {
			for steps := c.opts.Steps / 4; steps > 0; seed++ {
				p.restart(seed)
				for begun := steps; steps > 0 && begun-steps <= c.opts.Steps/12 && !p.out.Over(); steps-- {
					p.choose()
					p.step()
					for seat := range c.spec.Seats {
						part.call(seat)
					}
				}
			}
		}
		// The runtime allocates now and then: it is the game's fault only if it happens every time.
		least := math.Inf(1)
		for range 3 {
			if least = min(least, testing.AllocsPerRun(1, episodes)); least == 0 {
				break
			}
		}
		if least > 0 {
			c.fail(Allocs, "%s: %v allocations in %d steps", part.name, least, c.opts.Steps/4)
			return
		}
	}
}

func (c *checker) checkPanics() {
	must := func(what string, p player) {
		if err := panics(&p); err != nil {
			c.fail(Panics, "%s: %w", what, err)
		}
	}
	must("Step before the first Reset", c.newPlayer(c.build(6)))
	for seat, s := range c.spec.Seats {
		for _, id := range []int{-1, s.Actions.N} {
			p := c.newPlayer(c.build(6))
			p.reset(600)
			p.choose()
			p.actions[seat] = id
			must(fmt.Sprintf("action %d of %d for seat %d", id, s.Actions.N, seat), p)
		}
	}
	p := c.newPlayer(c.build(6))
	for seed := uint64(601); seed < 607; seed++ {
		p.reset(seed)
		for p.steps < 5*c.opts.Steps && !p.out.Over() {
			p.choose()
			p.step()
		}
		if p.out.Over() {
			p.choose()
			must("Step after the end", p)
			return
		}
	}
}

// panics reports if a step does not panic.
func panics(p *player) (err error) {
	defer func() {
		if recover() != nil {
			err = nil
		}
	}()
	if err := p.env.Step(p.actions, p.out); err != nil {
		return fmt.Errorf("returns an error where it should panic: %w", err)
	}
	return fmt.Errorf("does not panic")
}

func (c *checker) checkClose() {
	env := c.build(7)
	if err := env.Reset(700); err != nil {
		panic(lost{err})
	}
	for range 2 {
		if err := env.Close(); err != nil {
			c.fail(Close, "%w", err)
		}
	}
}
