package algos_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	"idsrl/algos"
	"idsrl/algos/algotest"
	"idsrl/envs"
	"idsrl/envs/envtest"
)

func TestTally(t *testing.T) {
	var tally algos.Tally
	for _, x := range []float64{tally.HackProbability(), tally.DetectionProbability(), tally.MeanLength(), tally.MeanReturn(0)} {
		if !math.IsNaN(x) {
			t.Errorf("%v as the mean of nothing", x)
		}
	}
	tally.Add(envs.Episode{Length: 3, Returns: []float64{1, -1}, Winner: envs.Attacker})
	tally.Add(envs.Episode{Length: 4, Returns: []float64{-1, 1}, Winner: envs.Defender})
	tally.Add(envs.Episode{Length: 5, Returns: []float64{-5, 2}, Truncated: true})
	tally.Add(envs.Episode{Length: 8, Returns: []float64{1, -1}, Winner: envs.Attacker})
	want := algos.Tally{
		Episodes: 4, Hacks: 2, Detected: 1, Truncated: 1,
		Steps: 20, StepsSq: 114, Returns: []float64{-4, 1}, ReturnsSq: []float64{28, 7},
	}
	if !same(tally, want) {
		t.Errorf("%+v, want %+v", tally, want)
	}
	for _, c := range []struct {
		name      string
		got, want float64
	}{
		{"hack probability", tally.HackProbability(), 0.5},
		{"detection probability", tally.DetectionProbability(), 0.25},
		{"length", tally.MeanLength(), 5},
		{"attacker's return", tally.MeanReturn(0), -1},
		{"defender's return", tally.MeanReturn(1), 0.25},
		// Deviations from the means: of the lengths -2, -1, 0, 3, of the attacker's returns 2, 0, -4, 2.
		{"error of the length", tally.LengthError(), math.Sqrt(14.0 / 3 / 4)},
		{"error of the attacker's return", tally.ReturnError(0), math.Sqrt(24.0 / 3 / 4)},
		{"error of a return that nobody has", tally.ReturnError(2), 0},
	} {
		if c.got != c.want {
			t.Errorf("%s %v, want %v", c.name, c.got, c.want)
		}
	}
}

// ledger writes down what a Watcher sees.
type ledger struct {
	keys    []string // first state of each episode
	actions [][]int  // of all steps
	returns [][]float64
	lengths []int
	winners []envs.Role
	fail    error // of the second Start
	failAt  int   // Step that fails
}

func (l *ledger) Start(game envs.Env) error {
	if l.fail != nil && len(l.keys) == 1 && l.failAt == 0 {
		return l.fail
	}
	l.keys = append(l.keys, string(game.AppendKey(nil, 0))+"|"+string(game.AppendKey(nil, 1)))
	l.returns = append(l.returns, make([]float64, len(game.Spec().Seats)))
	l.lengths = append(l.lengths, 0)
	return nil
}

func (l *ledger) Step(game envs.Env, actions []int, out *envs.Outcome) error {
	if _, ok := game.(*envs.Match); ok {
		return errors.New("shown the match, not the game")
	}
	l.actions = append(l.actions, slices.Clone(actions))
	if l.fail != nil && len(l.actions) == l.failAt {
		return l.fail
	}
	k := len(l.keys) - 1
	for i, r := range out.Rewards {
		l.returns[k][i] += r
	}
	l.lengths[k]++
	if out.Over() {
		l.winners = append(l.winners, out.Winner)
	}
	return nil
}

func (l *ledger) tally() algos.Tally {
	var tally algos.Tally
	for k, winner := range l.winners {
		e := envs.Episode{Length: l.lengths[k], Returns: l.returns[k], Winner: winner, Truncated: winner == envs.Nobody}
		tally.Add(e)
	}
	return tally
}

func same(a, b algos.Tally) bool {
	return a.Episodes == b.Episodes && a.Hacks == b.Hacks && a.Detected == b.Detected && a.Truncated == b.Truncated &&
		a.Steps == b.Steps && a.StepsSq == b.StepsSq && slices.Equal(a.Returns, b.Returns) && slices.Equal(a.ReturnsSq, b.ReturnsSq)
}

// players are a bot in the defender's seat and a random attacker, made anew.
func players(tb testing.TB, id string) []envs.Policy {
	entry := algotest.Lookup(id)
	list := algotest.Must(entry.Players(entry.Game(), 2))
	for i := range list {
		if list[i] == nil {
			list[i] = envs.Uniform()
		}
	}
	return list
}

func game(tb testing.TB, id string) envs.Env {
	entry := algotest.Lookup(id)
	return algotest.Must(entry.Game().New(3))
}

func TestEvaluate(t *testing.T) {
	ctx := context.Background()
	for _, id := range []string{"idsgame-minimal_defense-v2", "idsgame-maximal_attack-v17", "idsgame-v6", "toy-pursuit-attack-v0"} {
		t.Run(id, func(t *testing.T) {
			var long, short ledger
			tally := algotest.Must(algos.Evaluate(ctx, game(t, id), players(t, id), 50, 5, &long))
			if tally.Episodes != 50 || !same(tally, long.tally()) {
				t.Errorf("%+v, the watcher counts %+v", tally, long.tally())
			}
			if len(long.keys) != 50 || int64(len(long.actions)) != tally.Steps {
				t.Errorf("the watcher hears of %d episodes and %d steps", len(long.keys), len(long.actions))
			}
			if unwatched := algotest.Must(algos.Evaluate(ctx, game(t, id), players(t, id), 50, 5, nil)); !same(unwatched, tally) {
				t.Errorf("unwatched %+v, watched %+v", unwatched, tally)
			}
			// The first episodes of a long evaluation are those of a short one, also in a game that was used before.
			used := game(t, id)
			algotest.Must(algos.Evaluate(ctx, used, players(t, id), 7, 99, nil))
			algotest.Must(algos.Evaluate(ctx, used, players(t, id), 10, 5, &short))
			if !slices.Equal(short.keys, long.keys[:10]) || !slices.Equal(short.lengths, long.lengths[:10]) ||
				!slices.EqualFunc(short.actions, long.actions[:len(short.actions)], slices.Equal) {
				t.Error("the first episodes depend on how many there are")
			}
			var other ledger
			algotest.Must(algos.Evaluate(ctx, game(t, id), players(t, id), 50, 6, &other))
			if slices.EqualFunc(other.actions, long.actions, slices.Equal) {
				t.Error("another root, the same games")
			}
		})
	}
}

// Episode k alone, from its documented seed, is the k-th of the evaluation.
func TestEvaluateSeeds(t *testing.T) {
	const id, root = "idsgame-random_defense-v12", 8
	var l ledger
	algotest.Must(algos.Evaluate(context.Background(), game(t, id), players(t, id), 20, root, &l))
	env := algotest.Must(envs.Versus(game(t, id), players(t, id)...))
	match, _ := envs.As[*envs.Match](env)
	out := env.Spec().NewOutcome()
	first := 0
	for k, length := range l.lengths {
		if k%3 == 0 {
			if err := env.Reset(envs.Derive(root, "evaluation", uint64(k))); err != nil {
				t.Fatal(err)
			}
			for i := range length {
				if err := env.Step(nil, out); err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(match.Actions(), l.actions[first+i]) {
					t.Fatalf("episode %d, step %d: alone %v, in the evaluation %v", k, i, match.Actions(), l.actions[first+i])
				}
			}
			if !match.Joint().Over() {
				t.Errorf("episode %d is not over", k)
			}
		}
		first += length
	}
}

// However many rooms there are, the tally is the same, and so is that of each window.
func TestEvaluateAll(t *testing.T) {
	const id, episodes, window, root = "idsgame-random_attack-v2", 200, 7, 5 // with whole rewards, whose sums are exact
	rooms := func(n int) (list []algos.Room) {
		for range n {
			list = append(list, algos.Room{Game: game(t, id), Players: players(t, id)})
		}
		return list
	}
	var seen ledger
	want := algotest.Must(algos.Evaluate(t.Context(), game(t, id), players(t, id), episodes, root, &seen))
	for n := 1; n <= 4; n++ {
		if got := algotest.Must(algos.EvaluateAll(t.Context(), rooms(n), episodes, root, nil)); !same(got, want) {
			t.Errorf("%d rooms: %+v, want %+v", n, got, want)
		}
		windows := algotest.Must(algos.EvaluateWindows(t.Context(), rooms(n), episodes, window, root, nil))
		var total algos.Tally
		for w, tally := range windows {
			var naive algos.Tally
			for k := w * window; k < min((w+1)*window, episodes); k++ {
				naive.Add(envs.Episode{
					Length: seen.lengths[k], Returns: seen.returns[k], Winner: seen.winners[k], Truncated: seen.winners[k] == envs.Nobody,
				})
			}
			if !same(tally, naive) {
				t.Errorf("%d rooms, window %d: %+v, want %+v", n, w, tally, naive)
			}
			total.Merge(tally)
		}
		if len(windows) != 29 || !same(total, want) {
			t.Errorf("%d rooms: %d windows with %+v in all, want 29 with %+v", n, len(windows), total, want)
		}
	}
	// One who watches sees the episodes in order.
	var watched ledger
	algotest.Must(algos.EvaluateAll(t.Context(), rooms(3), episodes, root, &watched))
	if !slices.Equal(watched.keys, seen.keys) || !slices.Equal(watched.lengths, seen.lengths) {
		t.Error("with several rooms, the watcher sees other episodes, or in another order")
	}
	// What fails in one room ends the others, and is what is told.
	failing := rooms(3)
	failing[1].Players = failing[1].Players[:1]
	if _, err := algos.EvaluateAll(t.Context(), failing, 1<<40, root, nil); err == nil {
		t.Error("no error with a player missing in one room")
	}
}

func TestEvaluateEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	boom := errors.New("boom")
	const id = "idsgame-v2"
	if _, err := algos.Evaluate(ctx, game(t, id), players(t, id), 5, 1, &ledger{fail: boom}); !errors.Is(err, boom) {
		t.Errorf("error %v when Start fails", err)
	}
	if _, err := algos.Evaluate(ctx, game(t, id), players(t, id), 5, 1, &ledger{fail: boom, failAt: 3}); !errors.Is(err, boom) {
		t.Errorf("error %v when Step fails", err)
	}
	if _, err := algos.Evaluate(ctx, game(t, id), players(t, id)[:1], 5, 1, nil); err == nil {
		t.Error("no error with a player missing")
	}
	cancel()
	if _, err := algos.Evaluate(ctx, game(t, id), players(t, id), 5, 1, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v with a context that is done", err)
	}
}

// The mean return is the exact value of the policies, for every seat and also where bots play.
func TestEvaluateIsUnbiased(t *testing.T) {
	// Heads with 2/5 is the attacker's equilibrium strategy: it gets 1/5 against whatever the defender plays. Payments
	// are in [-1, 2]; by Hoeffding the mean of 20000 is off by 0.045 with probability 2 exp(-2·20000·0.045²/9) = 2e-4.
	half := [][]float64{{0.4, 0.6}}
	for _, bot := range []string{"heads", "tails", "uniform"} {
		entry := algotest.Lookup("toy-pennies-v0")
		against := algotest.Must(envs.NewBot(entry.Game(), 1, bot))
		tally := algotest.Must(algos.Evaluate(context.Background(), game(t, "toy-pennies-v0"),
			[]envs.Policy{envtest.Mixed(half), against}, 20_000, 1, nil))
		if math.Abs(tally.MeanReturn(0)-0.2) > 0.045 || tally.MeanReturn(1) != -tally.MeanReturn(0) {
			t.Errorf("against %s: returns %v and %v, want 0.2 and -0.2", bot, tally.MeanReturn(0), tally.MeanReturn(1))
		}
	}
}
