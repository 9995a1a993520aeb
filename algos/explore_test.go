package algos_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"idsrl/algos"
	"idsrl/algos/algotest"
	"idsrl/envs"
)

// best stands for the best action, which in play is some legal one.
const best = 3

// walk lets an explorer of three actions act in n environments, of which the first is observed: what it does there.
type walk struct {
	*algos.Explorer
	envs.Batch
	actions []int
	entered bool
}

func newWalk(e algos.Exploration, n int) *walk {
	w := &walk{Explorer: algos.NewExplorer(e, 3, n, 1), actions: make([]int, n), Batch: envs.Batch{
		N: n, Actions: 3, Legal: make([]bool, 3*n), Terminated: make([]bool, n), Truncated: make([]bool, n),
	}}
	for i := range w.Legal {
		w.Legal[i] = true
	}
	w.Anneal(0)
	return w
}

// step is the action in the first environment.
func (w *walk) step() int {
	w.Act(&w.Batch, w.actions, func(int, []bool) int { return best })
	w.Learn(&w.Batch, func(int) bool { return w.entered })
	return w.actions[0]
}

// The tests below and CheckExploration in two packages take 50 frequencies, of which one fails by chance with 5e-4.

// What follows an exploring action is the same with probability ρ, and else as without: uniform with probability ε. Other
// environments take nothing away from it.
func TestExplorerRepeats(t *testing.T) {
	const epsilon, each = 0.3, 0.1
	for _, n := range []int{1, 3} {
		for _, rho := range []float64{0, 0.5, 0.9} {
			w := newWalk(algos.Exploration{Epsilon: algos.Constant(epsilon), ExploreAt: "step", Repeat: rho}, n)
			var after [4][4]int // by what came before
			before := best
			for range 60_000 {
				now := w.step()
				after[before][now]++
				before = now
			}
			algotest.CheckFrequencies(t, "after the best action", after[best][:], []float64{each, each, each, 1 - epsilon})
			for a := range 3 {
				probs := []float64{(1 - rho) * each, (1 - rho) * each, (1 - rho) * each, (1 - rho) * (1 - epsilon)}
				probs[a] += rho
				algotest.CheckFrequencies(t, "after an exploring action", after[a][:], probs)
			}
		}
	}
}

// Where exploration begins at entries only, what was chosen as the best action stays so until another state is entered or
// the episode ends. After an exploring action, another may begin.
func TestExplorerEntries(t *testing.T) {
	const epsilon, each, rho = 0.3, 0.1, 0.5
	for name, event := range map[string]func(w *walk, happens bool){
		"entry":       func(w *walk, happens bool) { w.entered = happens },
		"termination": func(w *walk, happens bool) { w.Terminated[0] = happens },
		"truncation":  func(w *walk, happens bool) { w.Truncated[0] = happens },
	} {
		w := newWalk(algos.Exploration{Epsilon: algos.Constant(epsilon), ExploreAt: "entry", Repeat: rho}, 1)
		rng := rand.New(envs.NewPCG(1))
		var fresh, on [4]int // after the best action: where something happened; after action 0: where nothing did
		before, happened := best, true
		for range 60_000 {
			happens := rng.IntN(3) == 0
			event(w, happens)
			now := w.step()
			switch {
			case before == best && happened:
				fresh[now]++
			case before == best && now != best:
				t.Fatalf("%s: begins with action %d in the same state", name, now)
			case before == 0 && !happened:
				on[now]++
			}
			before, happened = now, happens
		}
		algotest.CheckFrequencies(t, name, fresh[:], []float64{each, each, each, 1 - epsilon})
		others := (1 - rho) * each
		algotest.CheckFrequencies(t, name, on[:], []float64{rho + others, others, others, (1 - rho) * (1 - epsilon)})
	}
}

// An exploring action goes on through entries, is not repeated where it is illegal, and ends with the episode.
func TestExplorerEnds(t *testing.T) {
	for _, at := range []string{"entry", "step"} {
		for name, end := range map[string]func(w *walk){
			"goes on":    func(*walk) {},
			"illegal":    func(w *walk) { copy(w.Legal, []bool{false, true, true}) },
			"terminated": func(w *walk) { w.Terminated[0] = true },
			"truncated":  func(w *walk) { w.Truncated[0] = true },
		} {
			once := algos.Schedule{Start: 1, Over: 1}
			w := newWalk(algos.Exploration{Epsilon: once, ExploreAt: at, Repeat: 1}, 1)
			copy(w.Legal, []bool{true, false, false})
			w.step()
			copy(w.Legal, []bool{true, true, true})
			w.entered = true
			for range 50 {
				if w.step() != 0 {
					t.Fatalf("%s: not repeated", at)
				}
			}
			w.Anneal(1) // so that what is not repeated is the best action
			end(w)
			if name != "illegal" {
				w.step() // the last one of the episode
			}
			if got, want := w.step() == best, name != "goes on"; got != want {
				t.Errorf("%s, %s: plays %d", at, name, w.actions[0])
			}
		}
	}
}

// A saved explorer goes on as it would have; what is not one of the same kind is an error, and leaves the other as it was.
func TestExplorerRestore(t *testing.T) {
	e := algos.Exploration{Epsilon: algos.Schedule{Start: 0.6, End: 0.2, Over: 1}, ExploreAt: "entry", Repeat: 0.5}
	w := newWalk(e, 3)
	w.Anneal(0.5)
	for range 10 {
		w.step()
	}
	var saved algos.Encoder
	w.Encode(&saved)
	other := newWalk(e, 3)
	d := algos.NewDecoder(saved.Data)
	restored := other.Decode(d)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if other.Explorer, other.entered = restored, w.entered; other.Epsilon() != w.Epsilon() {
		t.Errorf("ε = %v, want %v", other.Epsilon(), w.Epsilon())
	}
	for k := range 100 {
		w.entered = k%3 == 0
		other.entered = w.entered
		if w.step(); other.step() != w.actions[0] || other.actions[2] != w.actions[2] {
			t.Fatalf("plays %v, restored %v", w.actions, other.actions)
		}
	}
	encode := func(x *algos.Explorer) string {
		var e algos.Encoder
		x.Encode(&e)
		return string(e.Data)
	}
	altered := func(change func(words []byte)) []byte {
		data := []byte(encode(w.Explorer))
		change(data)
		return data
	}
	const epsilonAt, firstAt = 8 + 20, 8 + 20 + 8 + 8 // behind the random stream of 20 bytes, and a length
	for name, c := range map[string]struct {
		n    int
		data []byte
		want string
	}{
		"fewer environments": {2, saved.Data, "a state of 3 environments, not 2"},
		"cut":                {3, saved.Data[:len(saved.Data)-1], "too early"},
		"another stream":     {3, altered(func(data []byte) { data[8] = 'x' }), "random stream: "},
		"ε of 2^513":         {3, altered(func(data []byte) { data[epsilonAt+7] = 0x60 }), "epsilon = "},
		"ε below 0":          {3, altered(func(data []byte) { data[epsilonAt+7] |= 0x80 }), "epsilon = "},
		"a fourth action":    {3, altered(func(data []byte) { copy(data[firstAt:], "\x03\x00\x00\x00\x00\x00\x00\x00") }), "exploring action 3 of 3"},
		"less than none":     {3, altered(func(data []byte) { copy(data[firstAt:], "\xfd\xff\xff\xff\xff\xff\xff\xff") }), "exploring action -3 of 3"},
	} {
		x := newWalk(e, c.n).Explorer
		before, d := encode(x), algos.NewDecoder(c.data)
		x.Decode(d)
		if err := d.Close(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
		if encode(x) != before {
			t.Errorf("%s: the error leaves something behind", name)
		}
	}
}

func TestExplorationSettings(t *testing.T) {
	e := algos.Exploration{Epsilon: algos.Schedule{Start: 1.5, End: 2}}
	const want = "epsilon.start = 1.5: must be at most 1\nepsilon.end = 2: must be at most 1"
	if err := e.Validate(); err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	e.Epsilon = algos.Schedule{Start: 1, End: 0}
	if err := e.Validate(); err != nil {
		t.Error(err)
	}
}
