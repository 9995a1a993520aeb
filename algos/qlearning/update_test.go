package qlearning

import (
	"errors"
	"math"
	"slices"
	"testing"

	"idsrl/algos"
	"idsrl/algos/algotest"
	"idsrl/envs/idsgame"
)

func TestUpdate(t *testing.T) {
	for _, c := range []struct {
		name string
		show func(b board) // after the step from state 1
		want float64       // of Q(1, 2), which was 5
	}{
		{
			// 5 + ½ (10 − 5). With the defect B1 it would be 5 + ½ (10 + ½·11 − 5).
			name: "nothing is added after a terminal step (B1)",
			show: func(b board) { b.Terminated[0], b.Row[0], b.LastRow[0] = true, 3, 1 },
			want: 7.5,
		},
		{
			// 5 + ½ (10 + ½·8 − 5): the maximum of state 2.
			name: "the largest value of the next state",
			show: func(b board) { b.Row[0], b.LastRow[0] = 2, 3 },
			want: 9.5,
		},
		{
			// 5 + ½ (10 + ½·6 − 5). With the defect B2 it would be that of action 2.
			name: "of legal actions only (B2)",
			show: func(b board) {
				b.Row[0], b.LastRow[0] = 2, 3
				b.Allow(true, false, false)
			},
			want: 9,
		},
		{
			// 5 + ½ (10 + ½·10 − 5): of the state before the cut, 3, with what was legal there, not of the first state of
			// the next episode, 0, where everything is.
			name: "after a truncated step, of the last state and what is legal there",
			show: func(b board) {
				b.Truncated[0], b.Row[0], b.LastRow[0] = true, 0, 3
				copy(b.LastLegal, []bool{true, true, false})
			},
			want: 10,
		},
		{
			// 5 + ½ (10 + ½·(−3) − 5), though action 0 with its value of 6 would be better if it were legal.
			name: "negative values, too (B2)",
			show: func(b board) {
				b.Row[0] = 2
				b.table.set(2, 1, -3)
				b.table.set(2, 2, -4)
				b.Allow(false, true, true)
			},
			want: 6.75,
		},
		{
			// 5 + ½ (10 + ½·5 − 5): the next state is the same, its values are those before the update.
			name: "the same state",
			show: func(b board) { b.Row[0] = 1 },
			want: 8.75,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBoard(t, plain(), 1)
			b.Row[0] = 1
			if b.Choose()[0] != 2 {
				t.Fatalf("plays %d, the largest value is that of 2", b.Chosen[0])
			}
			b.Reward[0] = 10
			c.show(b)
			before := b.table.all()
			b.Hear()
			if got := b.table.values(1)[2]; got != c.want {
				t.Errorf("Q = %v, want %v", got, c.want)
			}
			before[1*actions+2] = c.want
			if got := b.table.all(); !slices.Equal(got, before) {
				t.Errorf("other values moved: %v, want %v", got, before)
			}
		})
	}
}

// Environments are learnt from one after the other: a later update sees what an earlier one has changed.
func TestUpdateOfSeveralEnvironments(t *testing.T) {
	b := newBoard(t, plain(), 3)
	b.Row = []int{1, 2, 1}
	if !slices.Equal(b.Choose(), []int{2, 2, 2}) {
		t.Fatalf("plays %v", b.Chosen)
	}
	b.Reward = []float64{-10, 20, 30}
	b.Row, b.LastRow = []int{0, 1, 3}, []int{0, 0, 3}
	b.Terminated[0], b.Truncated[2] = true, true
	copy(b.LastLegal[2*actions:], []bool{true, false, false})
	b.Hear()
	// Q(1,2): 5 -> −2.5 by the first; Q(2,2): 8 + ½ (20 + ½·4 − 8); Q(1,2): −2.5 + ½ (30 + ½·9 + 2.5).
	if x, y := b.table.values(1)[2], b.table.values(2)[2]; x != 16 || y != 15 {
		t.Errorf("values %v and %v, want 16 and 15", x, y)
	}
	// |−10 − 5|, |20 + 2 − 8|, |30 + 4.5 + 2.5| are the temporal-difference errors.
	report := make([]float64, len(b.Metrics()))
	b.Report(report)
	if want := []float64{0, 0.5, (15. + 14 + 37) / 3, states}; !slices.Equal(report, want) {
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
	want := b.table.all()
	count := map[int]float64{}
	for k := range 60 {
		s := k % 2
		b.Row[0] = s
		b.Choose()
		a := k % 3 % 2
		at := s*actions + a
		count[at]++
		b.Reward[0] = float64(k)
		want[at] += max(0.2, math.Pow(count[at], -0.8)) * (float64(k) - want[at])
		b.Hear(a)
		for i, q := range b.table.all() {
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
	first := b.table.entry(0, 0)
	b.table.n[first] = math.MaxUint32 - 1
	for range 3 {
		b.Hear(0)
	}
	if q, n := b.table.q[first], b.table.n[first]; !(0 < q && q < 1e-4) || n != math.MaxUint32 {
		t.Errorf("Q = %v after %d updates, want about 3·2^-16", q, n)
	}
}

// What goes wrong stops the training with an error that says what and when.
func TestDiverged(t *testing.T) {
	for _, reward := range []float64{math.Inf(1), math.NaN()} {
		b := newBoard(t, plain(), 2)
		b.Choose()
		b.Hear()
		b.Choose()
		b.Reward[1] = reward
		var diverged *algos.DivergedError
		if err := b.Learn(&b.Batch, b.Chosen); !errors.As(err, &diverged) || diverged.Update != 4 || diverged.Value-diverged.Value == 0 {
			t.Errorf("reward %v: error %v", reward, err)
		}
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
	b.Choose()
	b.Hear(1)
	if q := b.table.values(0)[1]; q != 0.25 { // 1 + ¾ (0 − 1)
		t.Errorf("Q = %v, want 0.25", q)
	}
}

func TestGreedy(t *testing.T) {
	b := newBoard(t, plain(), 2)
	algotest.CheckGreedy(t, b.Board, func(state int, values [actions]float64) {
		for a, q := range values {
			b.table.set(state, a, q)
		}
	})
}

func TestExploration(t *testing.T) {
	algotest.CheckExploration(t, func(e algos.Exploration, n int) *algotest.Board {
		cfg := plain()
		cfg.Exploration, cfg.Alpha = e, algos.Constant(0)
		return newBoard(t, cfg, n).Board
	})
}

// In a fully observed game both seats at once are keyed by both sides' values, each by its own view of them (B5: the
// original overwrote one by the other, and failed).
func TestFullStateOfBothSeats(t *testing.T) {
	for _, state := range []string{"full", Observation} {
		setup := algotest.Setup{ID: "idsgame-v12", N: 1, Budget: algos.Budget{Steps: 3000}}
		r := defaults.With("state="+state).Open(t, setup, 1)
		rows := [2]map[int]string{{}, {}} // what stands behind each row
		seen := map[string]bool{}
		for k := range 3000 {
			r.Train(float64(k+1) / 3000)
			joint := string(r.Envs[0].AppendKey(nil, idsgame.AttackerSeat)) // of both sides
			seen[joint] = true
			for seat, l := range r.Learners {
				row := l.table.visit(r.Envs[0], seat)
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
