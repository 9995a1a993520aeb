package nets

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"idsrl/nets/onnxtest"
)

var speedFile = flag.String("speed", "", "measure beside PyTorch, and write the times to this CSV file")

// A contest is work that PyTorch can do as well: an update, or a forward pass.
type contest struct {
	work    string
	budget  float64 // µs
	kind    string  // in testdata/pytorch.py
	tensors []Tensor[float32]
	direct  func()
	graph   func()                // nil: no graph is needed
	check   func() (x, y float64) // as check in testdata/pytorch.py
}

// contests are all with 33 inputs, two layers of 64, tanh, and 30 actions.
func contests() (all []contest) {
	forward := must(NewMLP[float32](MLPConfig{[]int{33, 64, 64, 30}, Tanh, 1}, newRand(71)))
	obs := normal[float32](newRand(72), 33)
	all = append(all, contest{
		work: "forward, 1 observation", budget: 0.5, kind: "forward",
		tensors: append(forward.Tensors(), tensorOf("obs", 1, obs)),
		direct:  func() { forward.Forward(obs, 1) },
		check: func() (sum, norm float64) {
			for _, y := range forward.Forward(obs, 1) {
				sum += float64(y)
				norm += float64(y) * float64(y)
			}
			return sum, math.Sqrt(norm)
		},
	})

	policy := must(NewActorCritic[float32](ActorCriticConfig{
		Obs: 33, Actions: 30, Hidden: []int{64, 64}, Activation: Tanh, NoValue: true,
	}, newRand(71)))
	rng := newRand(73)
	legal, action := randomLegal(rng, 3, 30)
	legal, action = legal[2*30:], action[2:]
	all = append(all, contest{
		work: "sample, 1 observation", budget: 0.8, kind: "sample",
		tensors: append(policy.Tensors(), tensorOf("obs", 1, obs), tensorOf("legal", 1, numbers(legal))),
		direct:  func() { policy.Sample(action, obs, legal, rng) },
		check: func() (logp, entropy float64) {
			out := policy.Greedy(action, obs, legal)
			return out.LogProb[0], out.Entropy[0]
		},
	})

	for _, size := range []struct {
		n      int
		budget float64
	}{{64, 100}, {256, 400}, {2048, 3300}} {
		n := size.n
		c, byGraph := newPPOCase(actorCritic64(), n), newPPOCase(actorCritic64(), n)
		graph := must(NewPolicyGraph(byGraph.net, byGraph.adam, byGraph.loss))
		for i, x := range normal[float64](newRand(74), n) { // so that some ratios are clipped
			c.old.OldLogProb[i] += 0.3 * x
		}
		byGraph.old = c.old
		all = append(all, contest{
			work: fmt.Sprintf("PPO update, %d rows", n), budget: size.budget, kind: "ppo",
			tensors: append(c.net.Tensors(), tensorOf("obs", n, c.obs), tensorOf("legal", n, numbers(c.legal)),
				tensorOf("action", n, floats(c.action)), tensorOf("old_logp", n, floats(c.old.OldLogProb)),
				tensorOf("advantage", n, floats(c.old.Advantage)), tensorOf("return", n, floats(c.old.Return))),
			direct: func() { c.update() },
			graph:  func() { byGraph.updateBy(graph) },
			check:  c.update,
		})
	}

	q, byGraph := newQCase(64), newQCase(64)
	graph := NewMLPGraph(byGraph.net, byGraph.adam, byGraph.loss)
	return append(all, contest{
		work: "DQN update, 64 rows", budget: 60, kind: "q",
		tensors: append(q.net.Tensors(), tensorOf("obs", 64, q.obs), tensorOf("action", 64, floats(q.b.Action)),
			tensorOf("target", 64, floats(q.b.Target))),
		direct: func() { q.update() },
		graph:  func() { graph.Update(byGraph.obs, 64, 1e-3, 10) },
		check:  q.update,
	})
}

func numbers(legal []bool) []float32 {
	x := make([]float32, len(legal))
	for i, ok := range legal {
		if ok {
			x[i] = 1
		}
	}
	return x
}

func floats[T int | float64](xs []T) []float32 {
	y := make([]float32, len(xs))
	for i, x := range xs {
		y[i] = float32(x)
	}
	return y
}

// tensorOf is a vector, or a matrix of n rows.
func tensorOf(name string, n int, data []float32) Tensor[float32] {
	shape := []int{n}
	if len(data) > n {
		shape = append(shape, len(data)/n)
	}
	return Tensor[float32]{name, shape, data}
}

// TestTorch holds losses and norms of gradients equal to PyTorch's. With -speed it measures both, in turns.
func TestTorch(t *testing.T) {
	if testing.Short() {
		t.Skip("NOT COMPARED with PyTorch, which takes seconds to start")
	}
	torch := startTorch(t)
	var rows [][]string
	for _, c := range contests() {
		torch.load(c)
		var theirs [2]float64
		torch.ask(&theirs, "check")
		x, y := c.check()
		closeTo(t, c.work, []float64{x, y}, theirs[:], 1e-5)
		if *speedFile != "" {
			rows = append(rows, append([]string{c.work, "µs", decimal(c.budget)}, c.measure(torch)...))
			t.Log(rows[len(rows)-1])
		}
	}
	if *speedFile != "" {
		if err := publish(*speedFile, rows); err != nil {
			t.Fatal(err)
		}
	}
}

// measure takes the times of the direct path, PyTorch and the graph, in turns, in µs: minima, as others may use the machine.
func (c *contest) measure(torch *torch) []string {
	const rounds, window = 40, 20e6 // ns
	repeat := func(work func()) func(n int) float64 {
		return func(n int) float64 {
			work() // the other side may have had the caches
			start := time.Now()
			for range n {
				work()
			}
			return float64(time.Since(start)) / float64(n)
		}
	}
	sides := []func(n int) (ns float64){repeat(c.direct), func(n int) (ns float64) {
		torch.ask(&ns, "time %d", n)
		return ns
	}}
	if c.graph != nil {
		sides = append(sides, repeat(c.graph))
	}
	best, repeats, times := make([]float64, len(sides)), make([]int, len(sides)), make([]string, 3)
	for i, side := range sides {
		best[i] = side(10)
		repeats[i] = max(1, int(window/best[i]))
	}
	for range rounds {
		for i, side := range sides {
			best[i] = min(best[i], side(repeats[i]))
		}
	}
	for i, ns := range best {
		times[i] = decimal(ns / 1000)
	}
	return times
}

// decimal writes three digits.
func decimal(x float64) string {
	scale := math.Pow(10, 2-math.Floor(math.Log10(x)))
	return strconv.FormatFloat(math.Round(x*scale)/scale, 'f', -1, 64)
}

// publish puts rows into a CSV file in place of those with the same first column.
func publish(path string, rows [][]string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	all, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
	if err != nil {
		return err
	}
	for _, row := range rows {
		at := slices.IndexFunc(all, func(r []string) bool { return r[0] == row[0] })
		if at < 0 {
			at = len(all)
			all = append(all, nil)
		}
		all[at] = row
	}
	var text bytes.Buffer
	if err := csv.NewWriter(&text).WriteAll(all); err != nil {
		return err
	}
	return os.WriteFile(path, text.Bytes(), 0o644)
}

// torch is testdata/pytorch.py, running.
type torch struct {
	t        *testing.T
	requests io.Writer
	answers  *bufio.Scanner
}

// startTorch skips the test where there is no PyTorch.
func startTorch(t *testing.T) *torch {
	t.Helper()
	python, err := onnxtest.Python("torch")
	if err != nil {
		t.Skipf("NOT COMPARED with PyTorch: %v; Debian's package is python3-torch", err)
	}
	cmd := exec.Command(python, "testdata/pytorch.py")
	// OpenBLAS 0.3.21 takes processors that are newer than itself for very old ones, unless this is set.
	cmd.Env = append([]string{"OPENBLAS_CORETYPE=", "OMP_NUM_THREADS=1"}, os.Environ()...)
	cmd.Stderr = os.Stderr
	requests := must(cmd.StdinPipe())
	answers := must(cmd.StdoutPipe())
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = requests.Close() // the script ends with its input
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
	return &torch{t, requests, bufio.NewScanner(answers)}
}

func (p *torch) ask(answer any, format string, args ...any) {
	p.t.Helper()
	if _, err := fmt.Fprintf(p.requests, format+"\n", args...); err != nil {
		p.t.Fatal(err)
	}
	if !p.answers.Scan() {
		p.t.Fatalf("no answer: %v", p.answers.Err())
	}
	if err := json.Unmarshal(p.answers.Bytes(), answer); err != nil {
		p.t.Fatal(err)
	}
}

func (p *torch) load(c contest) {
	p.t.Helper()
	path := filepath.Join(p.t.TempDir(), "batch")
	f := must(os.Create(path))
	if err := errors.Join(WriteTensors(f, c.tensors, nil), f.Close()); err != nil {
		p.t.Fatal(err)
	}
	var about struct {
		Torch string
		BLAS  []string
	}
	p.ask(&about, "load %s %s", c.kind, path)
	if libraries := fmt.Sprint(about.BLAS); *speedFile != "" && !strings.Contains(libraries, "openblas") && !strings.Contains(libraries, "mkl") {
		p.t.Fatalf("PyTorch %s multiplies matrices with %s, which is too slow to compare with; Debian's package libopenblas0 has a better one",
			about.Torch, libraries)
	}
}
