package selfplay_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"idsrl/algos"
	"idsrl/algos/algotest"
	"idsrl/algos/selfplay"
	"idsrl/envs"
)

// pupil is a learner that makes an update after every other step, and plays by chance.
type pupil struct {
	steps int
	pcg   *rand.PCG
	rng   *rand.Rand
}

func newPupil(seed uint64) *pupil {
	p := &pupil{pcg: envs.NewPCG(seed)}
	p.rng = rand.New(p.pcg)
	return p
}

func (p *pupil) View() envs.View { return envs.View{Legal: true} }
func (p *pupil) Anneal(float64)  {}
func (p *pupil) Act(b *envs.Batch, actions []int) {
	for i := range actions {
		actions[i] = envs.RandomLegal(b.Legal[i*b.Actions:(i+1)*b.Actions], p.rng)
	}
}
func (p *pupil) Learn(*envs.Batch, []int) error { p.steps++; return nil }
func (p *pupil) Updates() int                   { return p.steps / 2 }
func (p *pupil) Policy(algos.Mode) envs.Policy  { return envs.Uniform() }
func (p *pupil) Metrics() []string              { return nil }
func (p *pupil) Report([]float64)               {}

func (p *pupil) MarshalBinary() ([]byte, error) {
	var e algos.Encoder
	e.PCG(p.pcg)
	e.Int(p.steps)
	return e.Data, nil
}

func (p *pupil) UnmarshalBinary(data []byte) error {
	d := algos.NewDecoder(data)
	d.PCG(p.pcg)
	p.steps = d.Int()
	return d.Close()
}

// played is an action of a frozen policy.
type played struct {
	name string
	env  envs.Env
	n    int // actions in the episode before it
}

// school is pupils that take turns in a game. What is frozen of pupil k after u updates is called k@u.
type school struct {
	*algos.Session
	*selfplay.Turns
	pupils []*pupil
	played []played
	turns  []string // who learns, and its updates when that began
}

func (s *school) Freeze(k int) (string, error) {
	return fmt.Sprintf("%d@%d", k, s.pupils[k].Updates()), nil
}

func (s *school) Thaw(k int, name string) (envs.Policy, error) {
	if !strings.HasPrefix(name, "bot:") && !strings.HasPrefix(name, fmt.Sprint(k, "@")) {
		return nil, fmt.Errorf("%s is not of pupil %d", name, k)
	}
	return &ghost{Policy: envs.Uniform(), school: s, name: name}, nil
}

// ghost is a frozen pupil, in one environment at a time.
type ghost struct {
	envs.Policy
	school *school
	name   string
	n      int
}

func (g *ghost) StartEpisode(*rand.Rand) { g.n = 0 }

func (g *ghost) Act(env envs.Env, seat int, rng *rand.Rand) int {
	g.school.played = append(g.school.played, played{g.name, env, g.n})
	g.n++
	return g.Policy.Act(env, seat, rng)
}

// Next notes who learns.
func (s *school) Next(finished []envs.Episode) error {
	before := s.Turn()
	err := s.Turns.Next(finished)
	if k := s.Turn(); k != before {
		s.turns = append(s.turns, fmt.Sprintf("%d@%d", k, s.pupils[k].Updates()))
	}
	return err
}

func (s *school) MarshalJSON() ([]byte, error)    { return s.Session.MarshalJSON() }
func (s *school) UnmarshalJSON(data []byte) error { return s.Session.UnmarshalJSON(data) }

func newSchool(tb testing.TB, cfg selfplay.Config, n int, steps int64) *school {
	tb.Helper()
	const id = "toy-pursuit-v0"
	s := new(school)
	var seats []selfplay.Seat
	for k, seat := range algotest.NewEnv(id).Spec().Seats {
		s.pupils = append(s.pupils, newPupil(uint64(k)))
		seats = append(seats, selfplay.Seat{
			Index: k, Role: seat.Role, Learner: s.pupils[k], Turn: 7, Bots: []string{"bot:front", "bot:back"},
		})
	}
	s.Turns = algotest.Must(selfplay.NewTurns(cfg, seats, s))
	var arenas []algos.Arena
	for k := range seats {
		var es []envs.Env
		for range n {
			players := make([]envs.Policy, len(seats))
			players[1-k] = s.Player(k, 1-k)
			es = append(es, algotest.Must(envs.Versus(algotest.NewEnv(id), players...)))
		}
		arenas = append(arenas, algos.Arena{
			Vec:      algotest.Must(envs.NewVec(envs.Derive(1, "training", uint64(k)), es, []envs.View{s.pupils[k].View()})),
			Learners: []algos.Learner{s.pupils[k]},
		})
	}
	s.Session = algos.NewDirectedSession(arenas, director{s}, algos.Budget{Steps: steps})
	return s
}

// director is the school as Director, whose JSON is that of Turns.
type director struct{ s *school }

func (d director) Turn() int                          { return d.s.Turn() }
func (d director) Next(finished []envs.Episode) error { return d.s.Next(finished) }
func (d director) MarshalJSON() ([]byte, error)       { return d.s.Turns.MarshalJSON() }
func (d director) UnmarshalJSON(data []byte) error    { return d.s.Turns.UnmarshalJSON(data) }

func (s *school) train(tb testing.TB, fraction float64) *school {
	tb.Helper()
	if err := s.Run(tb.Context(), fraction); err != nil {
		tb.Fatal(err)
	}
	return s
}

// state is all that a school has come to.
func (s *school) state() (text string) {
	for _, p := range s.pupils {
		text += algotest.State(p) + "|"
	}
	return text + string(algotest.Must(s.MarshalJSON()))
}

func settings(schedule string, change func(*selfplay.Config)) selfplay.Config {
	cfg := *selfplay.Defaults()
	cfg.Schedule, cfg.Pool.Probability = schedule, 0.5
	change(&cfg)
	return cfg
}

// variants of settings, one for each way to draw, to grow and to take turns.
var variants = map[string]selfplay.Config{
	"uniform": settings("alternating", func(c *selfplay.Config) { c.PeriodUpdates, c.Pool.Size = 10, 4 }),
	"quality": settings("alternating", func(c *selfplay.Config) {
		c.Pool.Sampling, c.Pool.QualityEta, c.Pool.IncrementUpdates, c.Pool.Bots = "quality", 0.5, 3, true
	}),
	"pfsp": settings("best-response", func(c *selfplay.Config) {
		c.EvaluationEpisodes, c.PatienceEvaluations, c.Pool.Sampling, c.Pool.Size = 10, 2, "pfsp", 3
	}),
	"no pool": settings("alternating", func(c *selfplay.Config) { c.Pool.Probability = 0 }),
}

// Who plays changes only where an episode begins; each environment draws for itself; and the share of the episodes against
// the current policy is as set: of binomial counts, 5 standard deviations are exceeded with a chance of 6e-7.
func TestOpponentsChangeBetweenEpisodes(t *testing.T) {
	for name, cfg := range variants {
		t.Run(name, func(t *testing.T) {
			s := newSchool(t, cfg, 3, 30_000).train(t, 1)
			now, apart := map[envs.Env]string{}, 0
			seen := map[string]bool{}
			for _, p := range s.played {
				if p.n > 0 && now[p.env] != p.name {
					t.Fatalf("%s goes on with an episode of %s", p.name, now[p.env])
				}
				now[p.env], seen[p.name] = p.name, true
				for env, other := range now {
					if env != p.env && other != p.name && other[0] == p.name[0] {
						apart++
					}
				}
			}
			if len(seen) < 10 || apart == 0 && cfg.Pool.Probability > 0 {
				t.Errorf("%d policies played, %d times another in another environment", len(seen), apart)
			}
		})
	}
}

// A turn lasts for its period, to the update, and only the learner whose turn it is gets on.
func TestTurnsTakePeriods(t *testing.T) {
	for _, c := range []struct{ period, want int }{{10, 10}, {1, 1}, {0, 7}} {
		s := newSchool(t, settings("alternating", func(cfg *selfplay.Config) { cfg.PeriodUpdates = c.period }), 2, 2000).train(t, 1)
		for i, turn := range s.turns {
			k := (i + 1) % 2
			if want := fmt.Sprintf("%d@%d", k, (i+1)/2*c.want); turn != want {
				t.Fatalf("period %d: turn %d is %s, want %s", c.period, i+1, turn, want)
			}
		}
		if got := s.pupils[0].Updates() + s.pupils[1].Updates(); got != 500 && got != 499 {
			t.Errorf("period %d: %d updates in 1000 steps", c.period, got)
		}
	}
}

// Pools grow to the update, the oldest go, and the statistics tell.
func TestPoolsGrow(t *testing.T) {
	cfg := settings("alternating", func(c *selfplay.Config) {
		c.PeriodUpdates, c.Pool.IncrementUpdates, c.Pool.Size, c.Pool.Bots = 12, 5, 4, true
	})
	s := newSchool(t, cfg, 2, 4000).train(t, 1)
	var at struct {
		Director struct {
			Pools []struct{ Members []selfplay.Record }
		}
	}
	if err := json.Unmarshal(algotest.Must(s.MarshalJSON()), &at); err != nil {
		t.Fatal(err)
	}
	for k, pool := range at.Director.Pools {
		last := s.pupils[k].Updates() / 5 * 5
		want := []string{"bot:front", "bot:back"}
		for u := last - 15; u <= last; u += 5 {
			want = append(want, fmt.Sprintf("%d@%d", k, u))
		}
		var got []string
		games := int64(0)
		for _, m := range pool.Members {
			got = append(got, m.Name)
			games += m.Games
		}
		if !slices.Equal(got, want) || games == 0 {
			t.Errorf("pool of %v after %d games, want %v", got, games, want)
		}
	}
	values := make([]float64, len(s.Metrics()))
	s.Report(values)
	if i := slices.Index(s.Metrics(), "defender/pool/size"); values[i] != 6 {
		t.Errorf("%v = %v", s.Metrics(), values)
	}
	for name := range s.Frozen() {
		if k, _, ok := strings.Cut(name, "@"); !ok || k != "0" && k != "1" {
			t.Errorf("%s is in use", name)
		}
	}
}

// A best-response turn ends with the evaluation that is the last of so many without a better one. The pupils do not learn:
// the returns of a fair coin improve for some evaluations, and not for long.
func TestBestResponseEnds(t *testing.T) {
	cfg := settings("best-response", func(c *selfplay.Config) { c.EvaluationEpisodes, c.PatienceEvaluations, c.Threshold = 50, 2, 2 })
	s := newSchool(t, cfg, 1, 50_000)
	ends := []int64{}
	for !s.Done() {
		before := len(s.turns)
		s.train(t, s.Spent()+1.0/50_000)
		if len(s.turns) > before {
			ends = append(ends, s.Episodes)
		}
	}
	// No evaluation is better by 2 than the first one: all returns are in [-1, 1]. So each turn takes 1 + 2 evaluations.
	for i, at := range ends {
		if want := int64(150 * (i + 1)); at != want {
			t.Fatalf("turn %d ends after %d episodes, want %d", i, at, want)
		}
	}
	if len(ends) < 5 {
		t.Errorf("%d turns", len(ends))
	}
}

// Saving and restoring anywhere makes no difference.
func TestTurnsResume(t *testing.T) {
	for name, cfg := range variants {
		t.Run(name, func(t *testing.T) {
			const steps = 6000
			want := newSchool(t, cfg, 3, steps).train(t, 1).state()
			rng := rand.New(envs.NewPCG(1))
			s := newSchool(t, cfg, 3, steps)
			for at := 0.0; !s.Done(); at += 0.1 * rng.Float64() {
				s.train(t, min(at, 1))
				fresh := newSchool(t, cfg, 3, steps)
				for k, p := range s.pupils {
					algotest.Restore(t, fresh.pupils[k], p)
				}
				if err := fresh.UnmarshalJSON(algotest.Must(s.MarshalJSON())); err != nil {
					t.Fatal(err)
				}
				if got, want := fresh.state(), s.state(); got != want {
					t.Fatalf("restored as\n%s\nnot\n%s", got, want)
				}
				s = fresh
			}
			if got := s.state(); got != want {
				t.Errorf("ends as\n%s\nnot\n%s", got, want)
			}
		})
	}
}

func TestTurnsStateErrors(t *testing.T) {
	good := string(algotest.Must(newSchool(t, variants["uniform"], 1, 1000).train(t, 0.5).Turns.MarshalJSON()))
	for _, change := range [][2]string{
		{`"turn":`, `"turn":7`}, {`"grown":[`, `"grown":[1,`}, {`"current":"0@`, `"current":"1@`}, {`"name":"0@`, `"name":"x@`},
		{`"games":`, `"games":-1`}, {`"members":[`, `"members":[],"old":[`}, {`"wins":`, `"wins":9`}, {`"playing":[`, `"playing":[[],`},
	} {
		if !strings.Contains(good, change[0]) {
			t.Fatalf("no %s in %s", change[0], good)
		}
		bad := strings.Replace(good, change[0], change[1], 1)
		if err := newSchool(t, variants["uniform"], 1, 1000).Turns.UnmarshalJSON([]byte(bad)); err == nil {
			t.Errorf("%s is taken for a state", bad)
		}
	}
}

// Whatever a saved state holds, it is an error or goes on.
func FuzzTurnsUnmarshal(f *testing.F) {
	for _, cfg := range variants {
		f.Add(algotest.Must(newSchool(f, cfg, 1, 1000).train(f, 0.5).Turns.MarshalJSON()))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s := newSchool(t, variants["quality"], 1, 1<<40)
		if err := s.Turns.UnmarshalJSON(data); err == nil {
			s.train(t, 200.0/(1<<40))
		}
	})
}

func TestValidate(t *testing.T) {
	cfg := selfplay.Defaults()
	if err := cfg.Validate(); err != nil {
		t.Error(err)
	}
	cfg.Pool.Size++
	if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), "schedule = simultaneous: must be alternating or best-response") {
		t.Errorf("a pool that nobody plays against: %v", err)
	}
	cfg.Schedule = "best-response"
	if err := cfg.Validate(); err != nil {
		t.Error(err)
	}
}
