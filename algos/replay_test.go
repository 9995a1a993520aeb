package algos_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"idsrl/algos"
	"idsrl/envs"
)

const (
	replayObs, replayActions = 2, 3
	replayGamma              = 0.9
)

func replayConfig(size, n, steps int) algos.ReplayConfig {
	return algos.ReplayConfig{
		Size: size, Envs: n, ObsLen: replayObs, Actions: replayActions, Steps: steps, Gamma: replayGamma,
	}
}

// A tape is the course of one environment: obs[t], then action[t], which brought reward[t] and perhaps an end. The
// observation after step t is next[t]; obs[t+1] is another one where an episode has ended.
type tape struct {
	steps []algos.Step
}

// randomStep shows observations that are different everywhere, so that none can be taken for another.
func (tp *tape) randomStep(rng *rand.Rand) algos.Step {
	view := func() []float32 { return []float32{rng.Float32(), rng.Float32()} }
	s := algos.Step{Obs: view(), Action: rng.IntN(replayActions), Reward: rng.NormFloat64(), Next: view()}
	if k := len(tp.steps); k > 0 {
		if last := tp.steps[k-1]; !last.Terminated && !last.Truncated {
			s.Obs = last.Next
		}
	}
	s.Legal = make([]bool, replayActions)
	for i := range s.Legal {
		s.Legal[i] = rng.IntN(2) == 0
	}
	s.Legal[rng.IntN(replayActions)] = true
	switch rng.IntN(8) {
	case 0:
		s.Terminated = true
	case 1:
		s.Truncated = true
	case 2:
		s.Terminated, s.Truncated = true, true // at once: the state is terminal all the same
	}
	tp.steps = append(tp.steps, s)
	return s
}

// transition is what a row of a memory should hold.
type transition struct {
	obs, next        []float32
	action           int
	reward, discount float64
	legal            []bool
}

// transitions is the definition: for every step t, the rewards up to the n-th or to the end of the episode. Those whose
// n-th step has not been heard of are left out.
func (tp *tape) transitions(n int) (rows []transition) {
	for t, first := range tp.steps {
		r := transition{obs: first.Obs, action: first.Action}
		for m := range n {
			if t+m == len(tp.steps) {
				break
			}
			s := tp.steps[t+m]
			r.reward += math.Pow(replayGamma, float64(m)) * s.Reward
			r.next, r.legal = s.Next, s.Legal
			r.discount = math.Pow(replayGamma, float64(m+1))
			if s.Terminated {
				r.discount = 0
			}
			if s.Terminated || s.Truncated || m == n-1 {
				rows = append(rows, r)
				break
			}
		}
	}
	return rows
}

// contents is every transition that a memory holds, by its observation.
func contents(tb testing.TB, r *algos.Replay) map[[replayObs]float32]transition {
	tb.Helper()
	found := map[[replayObs]float32]transition{}
	b := r.NewBatch(64)
	rng := rand.New(envs.NewPCG(3))
	for tries := 0; len(found) < r.Len(); tries++ {
		if tries > 10_000 {
			tb.Fatalf("%d different transitions of %d", len(found), r.Len())
		}
		r.Sample(b, 0.4, rng)
		for i := range b.Index {
			found[[replayObs]float32(b.Obs[i*replayObs:])] = transition{
				slices.Clone(b.Obs[i*replayObs : (i+1)*replayObs]), slices.Clone(b.Next[i*replayObs : (i+1)*replayObs]),
				b.Action[i], b.Return[i], b.Discount[i], slices.Clone(b.Legal[i*replayActions : (i+1)*replayActions]),
			}
		}
	}
	return found
}

func (r transition) equal(o transition) bool {
	return slices.Equal(r.obs, o.obs) && slices.Equal(r.next, o.next) && slices.Equal(r.legal, o.legal) &&
		r.action == o.action && math.Abs(r.reward-o.reward) < 1e-12 && math.Abs(r.discount-o.discount) < 1e-12
}

// What a memory holds is what the definition says of every environment's steps, whatever the others do; of a full one,
// the latest.
func TestReplayHoldsTransitions(t *testing.T) {
	for _, c := range []struct{ envs, steps, n, size int }{
		{1, 0, 1, 10}, {1, 1, 1, 10}, {1, 1, 2, 10}, {1, 100, 1, 1000}, {1, 100, 3, 1000}, {3, 100, 1, 1000}, {3, 100, 3, 1000},
		{2, 200, 5, 1000}, {2, 50, 40, 1000}, {1, 100, 3, 7}, {1, 100, 3, 1}, {4, 60, 4, 50},
	} {
		for _, prioritized := range []bool{false, true} {
			cfg := replayConfig(c.size, c.envs, c.n)
			cfg.Prioritized, cfg.Alpha = prioritized, 0.6
			r := algos.NewReplay(cfg)
			rng := rand.New(envs.NewPCG(uint64(c.n*1000 + c.steps)))
			tapes := make([]tape, c.envs)
			var all []transition // in the order in which they are complete
			for range c.steps {
				for i := range tapes {
					before := len(tapes[i].transitions(c.n))
					s := tapes[i].randomStep(rng)
					r.Add(i, s)
					all = append(all, tapes[i].transitions(c.n)[before:]...)
				}
			}
			want := all[max(0, len(all)-c.size):]
			if r.Len() != len(want) {
				t.Fatalf("%+v: %d transitions, want %d", c, r.Len(), len(want))
			}
			if len(want) == 0 {
				continue
			}
			got := contents(t, r)
			for _, w := range want {
				if g := got[[replayObs]float32(w.obs)]; !g.equal(w) {
					t.Fatalf("%+v, prioritized %v: %v, want %v", c, prioritized, g, w)
				}
			}
		}
	}
}

// The memory copies what it is shown.
func TestReplayCopies(t *testing.T) {
	r := algos.NewReplay(replayConfig(10, 1, 2))
	var tp tape
	rng := rand.New(envs.NewPCG(1))
	for range 8 {
		r.Add(0, tp.randomStep(rng))
	}
	want := contents(t, r)
	for _, s := range tp.steps {
		clear(s.Obs)
		clear(s.Next)
		clear(s.Legal)
	}
	for obs, g := range contents(t, r) {
		if !g.equal(want[obs]) {
			t.Errorf("%v, was %v", g, want[obs])
		}
	}
}

// filledReplay is a memory of n one-step transitions, numbered in the first entry of their observations.
func filledReplay(n int, cfg algos.ReplayConfig) *algos.Replay {
	r := algos.NewReplay(cfg)
	for k := range n {
		x := []float32{float32(k), 0}
		r.Add(0, algos.Step{Obs: x, Next: x, Legal: []bool{true, true, true}})
	}
	return r
}

// quantile is about what chi-square of so many degrees of freedom exceeds with probability 1e-5 (Wilson and Hilferty
// 1931, doi:10.1073/pnas.17.12.684; z = 4.265). The tests below take 7 of them: one fails by chance with 7e-5.
func quantile(freedom int) float64 {
	k := 2 / (9 * float64(freedom))
	return float64(freedom) * math.Pow(1-k+4.265*math.Sqrt(k), 3)
}

func checkChi(t *testing.T, what string, observed []int, probs []float64, fits bool) {
	t.Helper()
	n, x := 0, 0.0
	for _, o := range observed {
		n += o
	}
	for i, o := range observed {
		e := probs[i] * float64(n)
		x += (float64(o) - e) * (float64(o) - e) / e
	}
	if limit := quantile(len(probs) - 1); (x <= limit) != fits {
		t.Errorf("%s: %v with probabilities %.3f: chi-square %.1f of %d degrees, limit %.1f, should fit: %v",
			what, observed, probs, x, len(probs)-1, limit, fits)
	}
}

func TestReplayIsUniform(t *testing.T) {
	for _, n := range []int{2, 13, 64} {
		r := filledReplay(100, replayConfig(n, 1, 1))
		b, counts := r.NewBatch(32), make([]int, n)
		rng := rand.New(envs.NewPCG(uint64(n)))
		for range 2000 {
			r.Sample(b, 1, rng)
			for i, row := range b.Index {
				counts[row]++
				if b.Weight[i] != 1 {
					t.Fatalf("weight %v", b.Weight[i])
				}
			}
		}
		even := make([]float64, n)
		for i := range even {
			even[i] = 1 / float64(n)
		}
		checkChi(t, "uniform", counts, even, true)
	}
}

// errorsOf are errors δ of all sizes, and the probabilities that the formula gives them.
func errorsOf(rng *rand.Rand, n int, alpha float64) (index []int, delta, probs []float64) {
	sum := 0.0
	for i := range n {
		index = append(index, i)
		delta = append(delta, math.Exp(rng.NormFloat64())*float64(1-2*(i%2)))
		p := math.Pow(math.Abs(delta[i])+1e-6, alpha)
		probs = append(probs, p)
		sum += p
	}
	for i := range probs {
		probs[i] /= sum
	}
	return index, delta, probs
}

// One transition at a time is drawn with exactly the probabilities of the formula; with another exponent it is not.
func TestReplayIsPrioritized(t *testing.T) {
	for _, c := range []struct {
		n     int
		alpha float64
	}{{2, 0.6}, {13, 0.6}, {16, 1}, {37, 0.3}} {
		cfg := replayConfig(c.n, 1, 1)
		cfg.Prioritized, cfg.Alpha = true, c.alpha
		r := filledReplay(c.n+5, cfg)
		rng := rand.New(envs.NewPCG(uint64(c.n)))
		index, delta, probs := errorsOf(rng, c.n, c.alpha)
		r.Prioritize(index, delta)
		b, counts := r.NewBatch(1), make([]int, c.n)
		for range 100_000 {
			r.Sample(b, 0.4, rng)
			counts[b.Index[0]]++
		}
		checkChi(t, "prioritized", counts, probs, true)
		rng = rand.New(envs.NewPCG(uint64(c.n)))
		_, _, other := errorsOf(rng, c.n, c.alpha/2)
		checkChi(t, "with half the exponent", counts, other, false)
	}
}

// Draw k of n falls into the k-th part of the sum, so a batch holds transition i at least n·P(i) − 2 and at most
// n·P(i) + 2 times, and n·P(i) times on average.
func TestReplayBatchIsStratified(t *testing.T) {
	const n, size, batches = 11, 64, 4000
	cfg := replayConfig(n, 1, 1)
	cfg.Prioritized, cfg.Alpha = true, 1
	r := filledReplay(n, cfg)
	rng := rand.New(envs.NewPCG(1))
	index, delta, probs := errorsOf(rng, n, 1)
	r.Prioritize(index, delta)
	b, sum := r.NewBatch(size), make([]float64, n)
	for range batches {
		r.Sample(b, 1, rng)
		counts := make([]float64, n)
		for _, row := range b.Index {
			counts[row]++
		}
		for i, c := range counts {
			sum[i] += c
			if math.Abs(c-size*probs[i]) > 2 {
				t.Fatalf("%v times of %d, want about %.2f", c, size, size*probs[i])
			}
		}
	}
	for i, s := range sum {
		// At most two draws of a batch are up to chance: by Hoeffding's inequality, one of 11 means is off by so much with
		// probability 22 exp(−2·25/4) = 8e-5.
		if d := s/batches - size*probs[i]; math.Abs(d) > 5*math.Sqrt(0.5/batches) {
			t.Errorf("transition %d: %v times a batch, want %v", i, s/batches, size*probs[i])
		}
	}
}

// Weights are (len · P)^−β, divided by the batch's largest.
func TestReplayWeights(t *testing.T) {
	const n = 11
	for _, beta := range []float64{0, 0.4, 1} {
		cfg := replayConfig(20, 1, 1)
		cfg.Prioritized, cfg.Alpha = true, 0.7
		r := filledReplay(n, cfg)
		rng := rand.New(envs.NewPCG(1))
		index, delta, probs := errorsOf(rng, n, 0.7)
		r.Prioritize(index, delta)
		b := r.NewBatch(16)
		for range 50 {
			r.Sample(b, beta, rng)
			largest := 0.0
			for _, row := range b.Index {
				largest = max(largest, math.Pow(n*probs[row], -beta))
			}
			for i, row := range b.Index {
				if want := math.Pow(n*probs[row], -beta) / largest; math.Abs(b.Weight[i]-want) > 1e-12 {
					t.Fatalf("β = %v: weight %v, want %v", beta, b.Weight[i], want)
				}
			}
			if slices.Max(b.Weight) != 1 {
				t.Fatalf("the largest weight is %v", slices.Max(b.Weight))
			}
		}
	}
}

// A transition that was never drawn has the largest priority so far, also in the place of an old one.
func TestReplayPrioritizesNewTransitions(t *testing.T) {
	cfg := replayConfig(4, 1, 1)
	cfg.Prioritized, cfg.Alpha = true, 1
	r := filledReplay(4, cfg)
	r.Prioritize([]int{0, 1, 2, 3}, []float64{0, 6, -3, 1})
	r.Prioritize([]int{1}, []float64{2}) // 6 stays the largest so far

	// In place 0:
	r.Add(0, algos.Step{Obs: []float32{7, 7}, Next: []float32{0, 0}, Legal: []bool{true, true, true}})
	b := r.NewBatch(12)
	r.Sample(b, 0, rand.New(envs.NewPCG(1)))
	counts := make([]int, 4)
	for _, row := range b.Index {
		counts[row]++
	}
	if !slices.Equal(counts, []int{6, 2, 3, 1}) && !slices.Equal(counts, []int{6, 2, 2, 2}) { // by 1e-6 in the last part
		t.Errorf("drawn %v times, want 6, 2, 3, 1", counts)
	}
}

// Whatever errors are, drawing goes on.
func TestReplayOfBadErrors(t *testing.T) {
	cfg := replayConfig(5, 1, 1)
	cfg.Prioritized, cfg.Alpha = true, 1
	r := filledReplay(5, cfg)
	b := r.NewBatch(8)
	rng := rand.New(envs.NewPCG(1))
	for range 100 {
		r.Prioritize([]int{0, 1, 2, 3}, []float64{math.NaN(), math.Inf(1), 1e300, 0})
		r.Sample(b, 1, rng)
		for i, row := range b.Index {
			if row > 4 || !(0 <= b.Weight[i] && b.Weight[i] <= 1) {
				t.Fatalf("row %d with weight %v", row, b.Weight[i])
			}
		}
	}
}

func TestReplayDoesNotAllocate(t *testing.T) {
	for _, prioritized := range []bool{false, true} {
		cfg := replayConfig(50, 2, 3)
		cfg.Prioritized, cfg.Alpha = prioritized, 0.6
		r := algos.NewReplay(cfg)
		rng := rand.New(envs.NewPCG(1))
		var tp tape
		for range 100 {
			r.Add(0, tp.randomStep(rng))
		}
		b := r.NewBatch(16)
		delta := make([]float64, 16)
		k := 0
		if n := testing.AllocsPerRun(200, func() {
			r.Add(1, tp.steps[k%100])
			k++
			r.Sample(b, 0.5, rng)
			r.Prioritize(b.Index, delta)
		}); n != 0 {
			t.Errorf("prioritized %v: %v allocations", prioritized, n)
		}
	}
}

func encodedReplay(r *algos.Replay) []byte {
	var e algos.Encoder
	r.Encode(&e)
	return e.Data
}

// A memory that was saved and restored goes on to the same bits: incomplete transitions, priorities, all of it.
func TestReplayRestore(t *testing.T) {
	for _, prioritized := range []bool{false, true} {
		for _, size := range []int{1000, 20} {
			cfg := replayConfig(size, 2, 4)
			cfg.Prioritized, cfg.Alpha = prioritized, 0.6
			r := algos.NewReplay(cfg)
			rng := rand.New(envs.NewPCG(uint64(size)))
			draw, drawAgain := rand.New(envs.NewPCG(2)), rand.New(envs.NewPCG(2))
			var tapes [2]tape
			other := algos.NewReplay(cfg)
			for k := range 60 {
				data := encodedReplay(r)
				d := algos.NewDecoder(data)
				other = other.Decode(d)
				if err := d.Close(); err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(encodedReplay(other), data) {
					t.Fatalf("after %d steps, what is restored is not what was saved", k)
				}
				for i := range tapes {
					s := tapes[i].randomStep(rng)
					r.Add(i, s)
					other.Add(i, s)
				}
				if r.Len() == 0 {
					continue
				}
				x, y := r.NewBatch(8), other.NewBatch(8)
				r.Sample(x, 0.3, draw)
				other.Sample(y, 0.3, drawAgain)
				if !slices.Equal(x.Index, y.Index) || !slices.Equal(x.Weight, y.Weight) || !slices.Equal(x.Return, y.Return) ||
					!slices.Equal(x.Obs, y.Obs) || !slices.Equal(x.Next, y.Next) || !slices.Equal(x.Legal, y.Legal) {
					t.Fatalf("after %d steps, the restored memory draws otherwise", k)
				}
				r.Prioritize(x.Index, x.Return)
				other.Prioritize(y.Index, y.Return)
			}
		}
	}
}

func TestReplayStateErrors(t *testing.T) {
	cfg := replayConfig(30, 2, 3)
	cfg.Prioritized, cfg.Alpha = true, 0.6
	r := algos.NewReplay(cfg)
	rng := rand.New(envs.NewPCG(1))
	var tapes [2]tape
	for range 8 {
		for i := range tapes {
			r.Add(i, tapes[i].randomStep(rng))
		}
	}
	data := encodedReplay(r)
	for n := range data {
		d := algos.NewDecoder(data[:n])
		r.Decode(d)
		if d.Close() == nil {
			t.Fatalf("the first %d of %d bytes are no error", n, len(data))
		}
	}
	for _, c := range []struct {
		name   string
		change func(c *algos.ReplayConfig)
		want   string
	}{
		{"too small", func(c *algos.ReplayConfig) { c.Size = 3 }, "in a memory of 3"},
		{"other environments", func(c *algos.ReplayConfig) { c.Envs = 3 }, "entries"},
		{"other observations", func(c *algos.ReplayConfig) { c.ObsLen = 1 }, "entries"},
		{"other actions", func(c *algos.ReplayConfig) { c.Actions = 2 }, "entries"},
		{"fewer steps", func(c *algos.ReplayConfig) { c.Steps = 1 }, "steps of a transition of 1"},
		{"no priorities", func(c *algos.ReplayConfig) { c.Prioritized = false }, "too many"},
	} {
		other := cfg
		c.change(&other)
		d := algos.NewDecoder(data)
		algos.NewReplay(other).Decode(d)
		if err := d.Close(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
}

func FuzzReplayDecode(f *testing.F) {
	cfg := replayConfig(6, 2, 3)
	cfg.Prioritized, cfg.Alpha = true, 0.6
	var tp tape
	r := algos.NewReplay(cfg)
	rng := rand.New(envs.NewPCG(1))
	for k := range 12 {
		f.Add(encodedReplay(r))
		r.Add(k%2, tp.randomStep(rng))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d := algos.NewDecoder(data)
		r := algos.NewReplay(cfg).Decode(d)
		if d.Close() != nil {
			return
		}
		rng := rand.New(envs.NewPCG(1))
		b := r.NewBatch(4)
		for k := range 20 {
			r.Add(k%2, tp.steps[k%len(tp.steps)])
			if r.Len() > 0 {
				r.Sample(b, 0.5, rng)
				r.Prioritize(b.Index, b.Return)
			}
		}
	})
}

func TestReplayPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a memory without room")
		}
	}()
	algos.NewReplay(replayConfig(0, 1, 1))
}

func BenchmarkReplay(b *testing.B) {
	for _, prioritized := range []bool{false, true} {
		name := "uniform"
		if prioritized {
			name = "prioritized"
		}
		b.Run(name, func(b *testing.B) {
			r := algos.NewReplay(algos.ReplayConfig{
				Size: 50_000, Envs: 1, ObsLen: 33, Actions: 30, Steps: 3, Gamma: 0.99, Prioritized: prioritized, Alpha: 0.6,
			})
			s := algos.Step{Obs: make([]float32, 33), Next: make([]float32, 33), Legal: make([]bool, 30)}
			for range 50_000 {
				r.Add(0, s)
			}
			batch := r.NewBatch(64)
			rng := rand.New(envs.NewPCG(1))
			b.ReportAllocs()
			for b.Loop() {
				r.Add(0, s)
				r.Sample(batch, 0.5, rng)
				r.Prioritize(batch.Index, batch.Return)
			}
		})
	}
}
