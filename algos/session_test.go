package algos_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"testing"

	"idsrl/algos"
	"idsrl/algos/algotest"
	"idsrl/envs"
)

func TestBudgetSpent(t *testing.T) {
	for _, c := range []struct {
		budget          algos.Budget
		episodes, steps int64
		want            float64
	}{
		{algos.Budget{}, 1000, 1000, 0},
		{algos.Budget{Episodes: 10}, 5, 1000, 0.5},
		{algos.Budget{Steps: 10}, 1000, 4, 0.4},
		{algos.Budget{Episodes: 10, Steps: 100}, 5, 10, 0.5},
		{algos.Budget{Episodes: 10, Steps: 100}, 5, 90, 0.9},
		{algos.Budget{Episodes: 10}, 12, 0, 1},
	} {
		if got := c.budget.Spent(c.episodes, c.steps); got != c.want {
			t.Errorf("%+v after %d episodes and %d steps: %v, want %v", c.budget, c.episodes, c.steps, got, c.want)
		}
	}
}

// Training stops at the first step of the Vec that reaches a limit, not one later.
func TestSessionStopsAtLimit(t *testing.T) {
	for _, n := range []int{1, 3, 8} {
		for _, budget := range []algos.Budget{
			{Episodes: 1}, {Episodes: 100}, {Steps: 1}, {Steps: 1000}, {Episodes: 20, Steps: 1000}, {Episodes: 500, Steps: 1000},
		} {
			t.Run(fmt.Sprintf("%d environments, %+v", n, budget), func(t *testing.T) {
				c := newClass(t, "toy-corridor-v0", n, budget)
				var episodes, steps int64
				for !c.Done() { // by single steps of the Vec, through the only door that there is: fractions
					episodes, steps = c.Episodes, c.Steps
					if budget.Episodes > 0 && episodes >= budget.Episodes || budget.Steps > 0 && steps >= budget.Steps {
						t.Fatalf("goes on after %d episodes and %d steps", episodes, steps)
					}
					c.Train(math.Nextafter(c.Spent(), 2) + 1e-12)
				}
				whole := newClass(t, "toy-corridor-v0", n, budget)
				whole.Train(1)
				if whole.Episodes != c.Episodes || whole.Steps != c.Steps {
					t.Errorf("stops after %d episodes and %d steps, bit by bit after %d and %d",
						whole.Episodes, whole.Steps, c.Episodes, c.Steps)
				}
				if budget.Episodes > 0 && c.Episodes >= budget.Episodes+int64(n) ||
					budget.Steps > 0 && c.Steps >= budget.Steps+int64(n) {
					t.Errorf("ends after %d episodes and %d steps, too late", c.Episodes, c.Steps)
				}
				if n == 1 && c.Episodes != budget.Episodes && c.Steps != budget.Steps {
					t.Errorf("ends after %d episodes and %d steps, at none of the limits", c.Episodes, c.Steps)
				}
				before := whole.state()
				whole.Train(1)
				if whole.state() != before {
					t.Error("goes on after the end")
				}
			})
		}
	}
}

// The k-th of m parts of a budget ends where whole numbers say, though k/m times the budget need not be that number.
func TestSessionFractions(t *testing.T) {
	for _, budget := range []int64{1, 7, 20, 100, 1000, 12345} {
		for _, parts := range []int{1, 3, 7, 20, 100} {
			c := newClass(t, "toy-rps-v0", 1, algos.Budget{Steps: budget})
			for k := range parts + 1 {
				c.Train(float64(k) / float64(parts))
				want := (int64(k)*budget + int64(parts) - 1) / int64(parts)
				if c.Steps != want {
					t.Errorf("%d of %d parts of %d steps: %d, want %d", k, parts, budget, c.Steps, want)
				}
			}
		}
	}
}

// Both limits at once: a fraction is reached with the episodes or the steps, whichever comes first.
func TestSessionFractionOfTwoLimits(t *testing.T) {
	c := newClass(t, "toy-corridor-v0", 1, algos.Budget{Episodes: 1_000_000, Steps: 1000})
	c.Train(0.5)
	if c.Steps != 500 {
		t.Errorf("%d steps, want 500", c.Steps)
	}
	c = newClass(t, "toy-corridor-v0", 1, algos.Budget{Episodes: 10, Steps: 1_000_000_000})
	c.Train(0.5)
	if c.Episodes != 5 {
		t.Errorf("%d episodes, want 5", c.Episodes)
	}
}

func TestSessionEndsWithContext(t *testing.T) {
	c := newClass(t, "toy-corridor-v0", 2, algos.Budget{}) // no limit
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := c.Run(ctx, 1); err != context.Canceled { //nolint:errorlint // as it is
		t.Errorf("error %v", err)
	}
	if c.Steps != 0 {
		t.Errorf("%d steps with a context that is done", c.Steps)
	}
}

// Schedules hear of the beginning, then every 1024 steps of the Vec, and of the end.
func TestSessionAnneals(t *testing.T) {
	const n, steps = 2, 10_000
	c := newClass(t, "toy-corridor-v0", n, algos.Budget{Steps: steps})
	c.Train(1)
	looks := slices.Compact(c.Learners[0].looks)
	var want []float64
	for at := 0; at < steps; at += 1024 * n {
		want = append(want, float64(at)/steps)
	}
	want = append(want, 1)
	if !slices.Equal(looks, want) {
		t.Errorf("schedules hear of %v, want %v", looks, want)
	}
}

var courses = []struct {
	id     string
	n      int
	budget algos.Budget
}{
	{"toy-corridor-v0", 1, algos.Budget{Steps: 2_000}},
	{"toy-corridor-v0", 3, algos.Budget{Steps: 9_000}},
	{"toy-pursuit-v0", 2, algos.Budget{Episodes: 1500, Steps: 7_000}},
	{"toy-pursuit-defend-v0", 3, algos.Budget{Episodes: 2000}},
	{"idsgame-minimal_defense-v2", 3, algos.Budget{Steps: 6_000}},
	{"idsgame-v15", 2, algos.Budget{Steps: 5_000}},
	{"idsgame-random_attack-v17", 1, algos.Budget{Episodes: 1_000, Steps: 1_500}},
}

var middle = regexp.MustCompile(`"actions":\[\d`) // of an episode

// Neither where Run stops nor saving and restoring there makes a difference.
func TestSessionCourse(t *testing.T) {
	for _, course := range courses {
		t.Run(fmt.Sprintf("%s, %d environments", course.id, course.n), func(t *testing.T) {
			whole := newClass(t, course.id, course.n, course.budget)
			whole.Train(1)
			want := whole.state()
			rng := rand.New(envs.NewPCG(3))
			for restore := range 2 {
				c := newClass(t, course.id, course.n, course.budget)
				stops, within := 0, false
				for at := 0.0; !c.Done(); at += 0.2 * rng.Float64() * rng.Float64() {
					c.Train(min(at, 1))
					if restore == 1 {
						before := c.state()
						c = c.reborn(t)
						if after := c.state(); after != before {
							t.Fatalf("restored as\n%s\nnot\n%s", after, before)
						}
						within = within || middle.MatchString(before)
					}
					stops++
				}
				if stops < 5 || restore == 1 && !within {
					t.Errorf("%d stops, within an episode: %v: that tests nothing", stops, within)
				}
				if got := c.state(); got != want {
					t.Errorf("restore = %d: ends as\n%s\nnot\n%s", restore, got, want)
				}
			}
		})
	}
}

// Cancelling in the middle makes no difference either. The context ends from within, after a number of steps.
func TestSessionInterrupted(t *testing.T) {
	budget := algos.Budget{Steps: 20_000}
	whole := newClass(t, "toy-pursuit-v0", 2, budget)
	whole.Train(1)
	c := newClass(t, "toy-pursuit-v0", 2, budget)
	interruptions := 0
	for at := 0; !c.Done(); {
		ctx, cancel := context.WithCancel(context.Background())
		at += 1500
		if err := c.Run(ctx, min(1, float64(at)/20_000)); err != nil {
			t.Fatal(err)
		}
		cancel()
		if err := c.Run(ctx, 1); err == nil && !c.Done() {
			t.Fatal("goes on with a context that is done")
		} else if err != nil {
			interruptions++
		}
	}
	if interruptions == 0 {
		t.Error("no interruption")
	}
	if whole.state() != c.state() {
		t.Error("the interrupted course differs")
	}
}

func TestSessionWindow(t *testing.T) {
	c := newClass(t, "idsgame-v0", 2, algos.Budget{Episodes: 300})
	var sum algos.Tally
	for k := range 10 {
		c.Train((float64(k) + 0.5) / 10)
		c = c.reborn(t) // in the middle of a window
		c.Train(float64(k+1) / 10)
		w := c.Window()
		sum.Episodes += w.Episodes
		sum.Steps += w.Steps
		if len(w.Returns) != 2 || math.Abs(w.Returns[0]+w.Returns[1]) > 1e-9 && w.Truncated == 0 {
			t.Errorf("returns %v of a zero-sum game", w.Returns)
		}
		if w.Hacks+w.Detected+w.Truncated != w.Episodes {
			t.Errorf("%+v: some episodes ended otherwise", w)
		}
	}
	if sum.Episodes != c.Episodes || sum.Steps > c.Steps || sum.Steps < c.Steps-2*200 {
		t.Errorf("windows of %d episodes and %d steps in %d and %d", sum.Episodes, sum.Steps, c.Episodes, c.Steps)
	}
	if w := c.Window(); w.Episodes != 0 || !math.IsNaN(w.HackProbability()) {
		t.Errorf("a second look shows %+v", w)
	}
}

func TestSessionStateErrors(t *testing.T) {
	const id = "toy-pursuit-v0"
	for _, text := range []string{
		"", "null", "{}", "[]", `{"episodes": 1}`,
		`{"episodes":1,"steps":2,"progress":0.1,"window":{},"running":null}`,
		`{"episodes":1,"steps":2,"progress":0.1,"window":{},"running":[]}`,
		`{"episodes":1,"steps":2,"progress":0.1,"window":{},"running":[[]]}`,
		`{"episodes":1,"steps":2,"progress":0.1,"window":{},"running":[[{"episode":0,"actions":[]}],[]]}`,
		`{"episodes":1,"steps":2,"progress":0.1,"window":{},"running":[[{"episode":0,"actions":[0]}]]}`,
		`{"episodes":1,"steps":2,"progress":0.1,"window":{},"running":[[{"episode":0,"actions":[0,7]}]]}`,
		`{"episodes":1,"steps":2,"progress":1.5,"window":{},"running":[[{"episode":0,"actions":[]}]]}`,
		`{"episodes":-1,"steps":2,"progress":0.1,"window":{},"running":[[{"episode":0,"actions":[]}]]}`,
		`{"episodes":1,"steps":-2,"progress":0.1,"window":{},"running":[[{"episode":0,"actions":[]}]]}`,
	} {
		if err := newClass(t, id, 1, algos.Budget{Steps: 10}).UnmarshalJSON([]byte(text)); err == nil {
			t.Errorf("%q is taken for a session", text)
		}
	}
	two := algotest.Must(newClass(t, id, 2, algos.Budget{Steps: 10}).MarshalJSON())
	if err := newClass(t, id, 1, algos.Budget{Steps: 10}).UnmarshalJSON(two); err == nil {
		t.Error("a session of two environments is restored into one")
	}
}

// Whatever a saved session holds, it is an error or a session that goes on.
func FuzzSessionUnmarshal(f *testing.F) {
	const id = "toy-pursuit-v0"
	budget := algos.Budget{Steps: 1 << 50}
	c := newClass(f, id, 2, budget)
	c.Train(100.0 / (1 << 50))
	f.Add(algotest.Must(c.MarshalJSON()))
	f.Add([]byte(`{"episodes":1,"steps":2,"progress":0.1,"window":{"returns":[1]},"running":[[{"episode":0,"actions":[0,1]},{}]]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c := newClass(t, id, 2, budget)
		if err := json.Unmarshal(data, c.Session); err != nil {
			return
		}
		c.Train(min(1, c.Spent()+100.0/(1<<50)))
		c.state()
	})
}
