package qlearning

import (
	"math"
	"slices"
	"testing"

	"idsrl/algos"
	"idsrl/envs"
	"idsrl/envs/idsgame"
)

// board is a learner of four states and three actions without a game, and the Batch that it is shown.
type board struct {
	*learner
	envs.Batch
}

const states, actions = 4, 3

func boardSpec() *envs.Spec {
	return &envs.Spec{ID: "board", Seats: []envs.Seat{{
		Role: envs.Attacker, Obs: envs.UniformBox(0, 1, 1), Actions: envs.Discrete{N: actions},
		Encodings: []envs.Encoding{{Name: "field", States: states}, {Name: "half", States: states / 2}},
	}}}
}

func newBoard(tb testing.TB, cfg *Config, n int) *board {
	tb.Helper()
	l := must[algos.Learner](tb)(cfg.NewLearner(boardSpec(), 0, n, 1))
	b := &board{l.(*learner), envs.Batch{
		N: n, ObsLen: 1, Actions: actions,
		Legal: make([]bool, n*actions), LastLegal: make([]bool, n*actions),
		Row: make([]int, n), LastRow: make([]int, n),
		Reward: make([]float64, n), Terminated: make([]bool, n), Truncated: make([]bool, n),
	}}
	b.allow(true, true, true)
	for i := range b.table.q {
		b.table.q[i] = float64(i) // of state s and action a: 3s + a
	}
	b.Anneal(0)
	return b
}

// allow sets what is legal in all rows.
func (b *board) allow(legal ...bool) {
	for i := range b.Legal {
		b.Legal[i] = legal[i%actions]
	}
}

// plain is one update of step size 1/2 and discount factor 1/2, without exploration.
func plain() *Config {
	c := Defaults()
	c.Alpha, c.Omega, c.Gamma, c.Epsilon, c.Repeat = algos.Constant(0.5), 0, 0.5, algos.Constant(0), 0
	return c
}

func TestUpdate(t *testing.T) {
	for _, c := range []struct {
		name string
		show func(b *board) // after the step from state 1
		want float64        // of Q(1, 2), which was 5
	}{
		{
			// 5 + ½ (10 − 5). With the defect B1 it would be 5 + ½ (10 + ½·11 − 5).
			name: "nothing is added after a terminal step (B1)",
			show: func(b *board) { b.Terminated[0], b.Row[0], b.LastRow[0] = true, 3, 1 },
			want: 7.5,
		},
		{
			// 5 + ½ (10 + ½·8 − 5): the maximum of state 2.
			name: "the largest value of the next state",
			show: func(b *board) { b.Row[0], b.LastRow[0] = 2, 3 },
			want: 9.5,
		},
		{
			// 5 + ½ (10 + ½·6 − 5). With the defect B2 it would be that of action 2.
			name: "of legal actions only (B2)",
			show: func(b *board) {
				b.Row[0], b.LastRow[0] = 2, 3
				b.allow(true, false, false)
			},
			want: 9,
		},
		{
			// 5 + ½ (10 + ½·10 − 5): of the state before the cut, 3, with what was legal there, not of the first state of
			// the next episode, 0, where everything is.
			name: "after a truncated step, of the last state and what is legal there",
			show: func(b *board) {
				b.Truncated[0], b.Row[0], b.LastRow[0] = true, 0, 3
				copy(b.LastLegal, []bool{true, true, false})
			},
			want: 10,
		},
		{
			// 5 + ½ (10 + ½·(−3) − 5), though action 0 with its value of 6 would be better if it were legal.
			name: "negative values, too (B2)",
			show: func(b *board) {
				b.Row[0] = 2
				b.table.values(2)[1], b.table.values(2)[2] = -3, -4
				b.allow(false, true, true)
			},
			want: 6.75,
		},
		{
			// 5 + ½ (10 + ½·5 − 5): the next state is the same, its values are those before the update.
			name: "the same state",
			show: func(b *board) { b.Row[0] = 1 },
			want: 8.75,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBoard(t, plain(), 1)
			b.Row[0] = 1
			chosen := []int{0}
			b.Act(&b.Batch, chosen)
			if chosen[0] != 2 {
				t.Fatalf("plays %d, the largest value is that of 2", chosen[0])
			}
			b.Reward[0] = 10
			c.show(b)
			before := slices.Clone(b.table.q)
			b.Learn(&b.Batch, chosen)
			if got := b.table.values(1)[2]; got != c.want {
				t.Errorf("Q = %v, want %v", got, c.want)
			}
			before[1*actions+2] = c.want
			if !slices.Equal(b.table.q, before) {
				t.Errorf("other values moved: %v, want %v", b.table.q, before)
			}
		})
	}
}

// Environments are learnt from one after the other: a later update sees what an earlier one has changed.
func TestUpdateOfSeveralEnvironments(t *testing.T) {
	b := newBoard(t, plain(), 3)
	chosen := []int{0, 0, 0}
	b.Row = []int{1, 2, 1}
	b.Act(&b.Batch, chosen)
	if !slices.Equal(chosen, []int{2, 2, 2}) {
		t.Fatalf("plays %v", chosen)
	}
	b.Reward = []float64{10, 20, 30}
	b.Row, b.LastRow = []int{0, 1, 3}, []int{0, 0, 3}
	b.Terminated[0], b.Truncated[2] = true, true
	copy(b.LastLegal[2*actions:], []bool{true, false, false})
	b.Learn(&b.Batch, chosen)
	// Q(1,2): 5 -> 7.5 by the first; Q(2,2): 8 + ½ (20 + ½·7.5 − 8); Q(1,2): 7.5 + ½ (30 + ½·9 − 7.5).
	if x, y := b.table.values(1)[2], b.table.values(2)[2]; x != 21 || y != 15.875 {
		t.Errorf("values %v and %v, want 21 and 15.875", x, y)
	}
	// |10 − 5|, |20 + 3.75 − 8|, |30 + 4.5 − 7.5| are the temporal-difference errors.
	report := make([]float64, len(b.Metrics()))
	b.Report(report)
	if want := []float64{0, 0.5, (5 + 15.75 + 27) / 3, states}; !slices.Equal(report, want) {
		t.Errorf("reports %v of %v, want %v", report, b.Metrics(), want)
	}
	if b.Report(report); !math.IsNaN(report[2]) {
		t.Errorf("error %v where nothing was learnt", report[2])
	}
}

// The n-th update of an entry has the step size n^-omega, but at least alpha; each entry counts for itself.
func TestStepSize(t *testing.T) {
	cfg := plain()
	cfg.Omega, cfg.Alpha = 0.8, algos.Constant(0.2)
	b := newBoard(t, cfg, 1)
	b.Terminated[0] = true
	chosen := []int{0}
	want := slices.Clone(b.table.q)
	count := map[int]float64{}
	for k := range 60 {
		s := k % 2
		b.Row[0] = s
		b.Act(&b.Batch, chosen)
		chosen[0] = k % 3 % 2
		at := s*actions + chosen[0]
		count[at]++
		b.Reward[0] = float64(k)
		want[at] += max(0.2, math.Pow(count[at], -0.8)) * (float64(k) - want[at])
		b.Learn(&b.Batch, chosen)
		for i, q := range b.table.q {
			if math.Abs(q-want[i]) > 1e-12*max(1, math.Abs(q)) {
				t.Fatalf("after %d updates, entry %d is %v, want %v", k+1, i, q, want[i])
			}
		}
	}
}

// The count of updates stops at its largest number instead of starting again, with a step size of infinity.
func TestStepSizeOfManyUpdates(t *testing.T) {
	cfg := plain()
	cfg.Omega, cfg.Alpha = 0.5, algos.Constant(0)
	b := newBoard(t, cfg, 1)
	b.Terminated[0], b.Reward[0] = true, 1
	b.table.n[0] = math.MaxUint32 - 1
	for range 3 {
		b.Learn(&b.Batch, []int{0})
	}
	if q := b.table.q[0]; !(0 < q && q < 1e-4) || b.table.n[0] != math.MaxUint32 {
		t.Errorf("Q = %v after %d updates, want about 3·2^-16", q, b.table.n[0])
	}
}

// Schedules are followed from Anneal to Anneal.
func TestAnneal(t *testing.T) {
	cfg := plain()
	cfg.Alpha = algos.Schedule{Start: 1, End: 0, Over: 1, Shape: "linear"}
	cfg.Epsilon = algos.Schedule{Start: 0.5, End: 0.1, Over: 0.5, Shape: "linear"}
	b := newBoard(t, cfg, 1)
	report := make([]float64, 4)
	for _, c := range []struct{ progress, epsilon, alpha float64 }{{0, 0.5, 1}, {0.25, 0.3, 0.75}, {0.5, 0.1, 0.5}, {1, 0.1, 0}} {
		b.Anneal(c.progress)
		b.Report(report)
		if report[0] != c.epsilon || report[1] != c.alpha {
			t.Errorf("at %v: ε = %v, α = %v; want %v and %v", c.progress, report[0], report[1], c.epsilon, c.alpha)
		}
	}
	b.Anneal(0.25)
	b.Terminated[0] = true
	b.Row[0] = 0
	b.Act(&b.Batch, []int{0})
	b.Learn(&b.Batch, []int{1})
	if q := b.table.q[1]; q != 0.25 { // 1 + ¾ (0 − 1)
		t.Errorf("Q = %v, want 0.25", q)
	}
}

// Equal values go to the smallest legal id, and the greedy policy plays the first legal action where it knows nothing.
func TestTies(t *testing.T) {
	b := newBoard(t, plain(), 1)
	chosen := []int{0}
	for _, c := range []struct {
		values []float64
		legal  []bool
		want   int
	}{
		{[]float64{1, 1, 1}, []bool{true, true, true}, 0},
		{[]float64{1, 2, 2}, []bool{true, true, true}, 1},
		{[]float64{9, 2, 2}, []bool{false, true, true}, 1},
		{[]float64{9, 2, 2}, []bool{false, false, true}, 2},
		{[]float64{-5, -5, -9}, []bool{true, true, true}, 0},
	} {
		copy(b.table.values(0), c.values)
		b.allow(c.legal...)
		if b.Act(&b.Batch, chosen); chosen[0] != c.want {
			t.Errorf("values %v, legal %v: plays %d, want %d", c.values, c.legal, chosen[0], c.want)
		}
	}
}

// In a fully observed game both seats at once are keyed by both sides' values, each by its own view of them (B5: the
// original overwrote one by the other, and failed).
func TestFullStateOfBothSeats(t *testing.T) {
	for _, state := range []string{"full", Observation} {
		cfg := Defaults()
		cfg.State = state
		entry := lookup(t, "idsgame-v12")
		env := must[envs.Env](t)(entry.New(1))
		game := env.(*idsgame.Game)
		var learners []algos.Learner
		var views []envs.View
		for seat := range 2 {
			l := must[algos.Learner](t)(cfg.NewLearner(env.Spec(), seat, 1, uint64(seat)))
			learners, views = append(learners, l), append(views, l.View())
		}
		s := algos.NewSession(must[*envs.Vec](t)(envs.NewVec(1, []envs.Env{env}, views)), learners, algos.Budget{Steps: 3000})
		rows := [2]map[int]string{{}, {}} // what stands behind each row
		seen := map[string]bool{}
		for k := range 3000 {
			if err := s.Run(t.Context(), float64(k+1)/3000); err != nil {
				t.Fatal(err)
			}
			joint := string(game.AppendKey(nil, idsgame.AttackerSeat)) // of both sides
			seen[joint] = true
			for seat := range 2 {
				row := learners[seat].(*learner).table.visit(env, seat)
				if known, ok := rows[seat][row]; ok && known != joint {
					t.Fatalf("state %s, seat %d: row %d stands for %x and for %x", state, seat, row, known, joint)
				}
				rows[seat][row] = joint
			}
		}
		if len(rows[0]) != len(seen) || len(rows[1]) != len(seen) || len(seen) < 50 {
			t.Errorf("state %s: %d and %d rows for %d joint states", state, len(rows[0]), len(rows[1]), len(seen))
		}
	}
}
