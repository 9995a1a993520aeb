package plots

import (
	"bytes"
	"encoding/xml"
	"errors"
	"image/png"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"idsrl/results"
)

// runs are three seeds of ppo with a budget, one with another, and two of dqn, in two environments.
func runs() (list []*results.Run) {
	add := func(env, algo string, seed uint64, steps int64, final float64) {
		run := &results.Run{Manifest: results.Manifest{
			Env: env, Algo: algo, Seed: seed, Status: results.Finished, Budget: results.Budget{Steps: steps},
		}}
		for i := range 5 {
			run.Evals = append(run.Evals, results.EvalRow{
				Step: steps * int64(i) / 4, Mode: results.Greedy, HackProbability: final * float64(i) / 4, EpisodeLength: math.NaN(),
			})
		}
		list = append(list, run)
	}
	for seed, final := range []float64{0.5, 0.6, 0.7} {
		add("idsgame-minimal_defense-v2", "ppo", uint64(seed), 100_000, final)
	}
	add("idsgame-minimal_defense-v2", "ppo", 0, 20_000, 0.4)
	for _, env := range []string{"idsgame-minimal_defense-v2", "toy-corridor-v0"} {
		add(env, "dqn<1>", 0, 100_000, 0.2)
		add(env, "dqn<1>", 1, 100_000, 0.3)
	}
	return list
}

func figure() Figure {
	return Figure{Metrics[0], results.Greedy, results.Axes[0], results.Statistics[0]}
}

func drawn(t *testing.T, f Figure, format string) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := f.Write(&b, runs(), format); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// The texts of a figure, in the order of drawing: legend, caption, then panels.
func TestTexts(t *testing.T) {
	var texts []string
	decoder, inText := xml.NewDecoder(bytes.NewReader(drawn(t, figure(), "svg"))), false
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		switch x := token.(type) {
		case xml.StartElement:
			inText = x.Name.Local == "text"
		case xml.EndElement:
			inText = false
		case xml.CharData:
			if inText {
				texts = append(texts, string(x))
			}
		}
	}
	for _, want := range []string{
		"dqn<1> (2 seeds)", "ppo, 20 k steps (1 seed)", "ppo, 100 k steps (3 seeds)", "best possible",
		"mean over seeds of the greedy policy; shaded: 95 % bootstrap interval",
		"idsgame-minimal_defense-v2", "toy-corridor-v0", "steps of training", "hack probability", "0.2", "100 k",
	} {
		if !slices.Contains(texts, want) {
			t.Errorf("no text is %q: %q", want, texts)
		}
	}
	for _, text := range texts {
		if text == "-0" {
			t.Errorf("a tick is called -0")
		}
	}
}

// A curve is a line for each point of the runs, a band goes there and back, and the best possible is dashed.
func TestLines(t *testing.T) {
	svg := string(drawn(t, figure(), "svg"))
	bands := regexp.MustCompile(`<path d="M([^"]*)Z" style="fill:#[0-9A-F]{6};fill-opacity`).FindAllStringSubmatch(svg, -1)
	if len(bands) != 3 { // none for one seed
		t.Fatalf("%d bands", len(bands))
	}
	for _, band := range bands {
		var xs []float64
		for point := range strings.SplitSeq(band[1], "L") {
			x, _, _ := strings.Cut(point, ",")
			number, err := strconv.ParseFloat(x, 64)
			if err != nil {
				t.Fatal(err)
			}
			xs = append(xs, number)
		}
		there, back := xs[:len(xs)/2], xs[len(xs)/2:]
		slices.Reverse(back)
		if len(there) != 5 || !slices.IsSorted(there) || !slices.Equal(there, back) {
			t.Errorf("a band over %v and back over %v", there, back)
		}
	}
	for colour, curves := range map[string]int{"#0072B2": 2, "#D55E00": 1, "#009E73": 1} { // dqn in both panels
		line := regexp.MustCompile(`d="M[^"]*(L[^"L]*){4}" style="fill:none;stroke:` + colour)
		if got := len(line.FindAllString(svg, -1)); got != curves {
			t.Errorf("%d curves have the colour %s, want %d", got, colour, curves)
		}
	}
	if n := strings.Count(svg, "stroke:#505050;stroke-dasharray"); n != 2 { // in the legend and one panel
		t.Errorf("%d lines for the best possible, want 2", n)
	}
}

func TestSameBytes(t *testing.T) {
	for _, format := range Formats {
		if !bytes.Equal(drawn(t, figure(), format), drawn(t, figure(), format)) {
			t.Errorf("two drawings as %s differ", format)
		}
	}
	image, err := png.Decode(bytes.NewReader(drawn(t, figure(), "png")))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := image.Bounds().Dx(), int(2*panelWidth.Dots(pngDPI)); got != want {
		t.Errorf("the image is %d pixels wide, want %d", got, want)
	}
}

// The curve is that of the statistic: of five runs that end at 0, 0.1, 0.1, 0.1 and 1, means and interquartile means differ.
func TestStatistic(t *testing.T) {
	var list []*results.Run
	for seed, final := range []float64{0, 0.1, 0.1, 0.1, 1} {
		run := &results.Run{Manifest: results.Manifest{Env: "v2", Algo: "ppo", Seed: uint64(seed), Status: results.Finished}}
		for i := range int64(3) {
			run.Evals = append(run.Evals, results.EvalRow{Step: 100 * i, Mode: results.Greedy, HackProbability: final})
		}
		list = append(list, run)
	}
	line := regexp.MustCompile(`d="(M[^"]*)" style="fill:none;stroke:#0072B2`) // in the legend, then the curve
	curves := map[string]string{}
	for _, stat := range results.Statistics {
		f := figure()
		f.Stat = stat
		var b bytes.Buffer
		if err := f.Write(&b, list, "svg"); err != nil {
			t.Fatal(err)
		}
		found := line.FindAllStringSubmatch(b.String(), -1)
		if len(found) != 2 {
			t.Fatalf("%d lines", len(found))
		}
		curves[stat.Name] = found[1][1]
	}
	if curves["mean"] == curves["iqm"] || curves["iqm"] != curves["median"] { // 0.26, 0.1 and 0.1
		t.Errorf("%v", curves)
	}
}

func TestErrors(t *testing.T) {
	f := figure()
	for _, test := range []struct {
		mode   results.Mode
		metric Metric
		format string
		says   string
	}{
		{results.Greedy, Metrics[0], "gif", `no format is called "gif": choose one of svg, png`},
		{results.Sampled, Metrics[0], "svg", "no run has evaluations in mode sampled"},
		{results.Greedy, Metrics[4], "svg", "no run has evaluations in mode greedy"}, // all NaN
	} {
		f.Mode, f.Metric = test.mode, test.metric
		if err := f.Write(io.Discard, runs(), test.format); err == nil || err.Error() != test.says {
			t.Errorf("%v, want %s", err, test.says)
		}
	}
}

func TestTicks(t *testing.T) {
	for _, test := range []struct {
		low, high float64
		want      string
	}{
		{-0.02, 1.02, "0 0.2 0.4 0.6 0.8 1"}, {0, 710_000, "0 200 k 400 k 600 k"}, {0, 60_000, "0 20 k 40 k 60 k"},
		{-0.5, 0.9, "-0.4 -0.2 0 0.2 0.4 0.6 0.8"}, {0, 30, "0 10 20 30"}, {2, 17, "5 10 15"},
	} {
		var labels []string
		for _, tick := range (roundTicks{}).Ticks(test.low, test.high) {
			labels = append(labels, tick.Label)
		}
		if got := strings.Join(labels, " "); got != test.want {
			t.Errorf("[%v, %v]: %s, want %s", test.low, test.high, got, test.want)
		}
	}
}
