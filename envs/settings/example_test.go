package settings_test

import (
	"fmt"

	"idsrl/envs/settings"
)

type Config struct {
	Alpha  float64 `yaml:"alpha" usage:"step size α" range:"(0, 1]"`
	State  string  `yaml:"state" usage:"what the table is keyed by" choice:"auto|node|full"`
	Hidden []int   `yaml:"hidden" usage:"units of each layer" range:"[1, inf)"`
	Replay Replay  `yaml:"replay" usage:"memory of past steps"`
}

type Replay struct {
	Size  int `yaml:"size" usage:"steps that it holds" range:"[1, inf)"`
	Batch int `yaml:"batch" usage:"steps in an update, at most size" range:"[1, inf)"`
}

func (r *Replay) Validate() error {
	var ck settings.Checks
	ck.Require(r.Batch <= r.Size, "batch", r.Batch, "must be at most size")
	return ck.Err()
}

func defaults() Config {
	return Config{Alpha: 0.1, State: "auto", Hidden: []int{64, 64}, Replay: Replay{Size: 10000, Batch: 32}}
}

// The defaults, over them a file, over both what the command line says.
func ExampleLoad() {
	cfg := defaults()
	file := settings.File("runs.yaml", []byte("alpha: 0.5\nreplay:\n  size: 500\n"))
	flags := settings.Assign("--set", []string{"alpha=0.25", "hidden=[32]"})
	err := settings.Load(&cfg, file, flags)
	fmt.Println(err, cfg)
	// Output:
	// <nil> {0.25 auto [32] {500 32}}
}

// Every problem is reported, not only the first.
func ExampleDecode() {
	cfg := defaults()
	err := settings.Decode(&cfg, "runs.yaml", []byte(`# my run
alpha: 2
state: edge
replay:
  sise: 100
  batch: many
`))
	fmt.Println(err)
	// Output:
	// runs.yaml:2: alpha = 2: must be in (0, 1]
	// runs.yaml:3: state = edge: must be one of auto, node, full
	// runs.yaml:5: replay.sise = 100: unknown setting; did you mean replay.size?
	// runs.yaml:6: replay.batch = many: must be an integer
}

func ExampleChecks() {
	cfg := defaults()
	fmt.Println(settings.Load(&cfg, settings.Assign("--set", []string{"replay.size=16"})))
	// Output:
	// replay.batch = 32: must be at most size
}

func ExampleFields() {
	cfg := defaults()
	for _, f := range settings.Fields(&cfg) {
		fmt.Printf("%-12s  %-8s  %-32s  %s\n", f.Key, f, f.Usage, f.Allowed())
	}
	// Output:
	// alpha         0.1       step size α                       in (0, 1]
	// state         auto      what the table is keyed by        one of auto, node, full
	// hidden        [64, 64]  units of each layer               in [1, inf)
	// replay.size   10000     steps that it holds               in [1, inf)
	// replay.batch  32        steps in an update, at most size  in [1, inf)
}

func ExampleEncode() {
	cfg := defaults()
	fmt.Printf("%s", settings.Encode(&cfg))
	// Output:
	// # step size α; in (0, 1]
	// alpha: 0.1
	// # what the table is keyed by; one of auto, node, full
	// state: auto
	// # units of each layer; in [1, inf)
	// hidden: [64, 64]
	// # memory of past steps
	// replay:
	//   # steps that it holds; in [1, inf)
	//   size: 10000
	//   # steps in an update, at most size; in [1, inf)
	//   batch: 32
}

// The algorithm decides which settings there are.
func ExampleSection() {
	var run struct {
		Algo     string           `yaml:"algo" usage:"which algorithm learns" choice:"tabular-q|dqn"`
		Settings settings.Section `yaml:"settings" usage:"hyperparameters of the algorithm"`
	}
	err := settings.Decode(&run, "config.yaml", []byte(`algo: tabular-q
settings:
  alpha: 0.5
  gama: 1
`))
	fmt.Println(run.Algo, err)

	var q struct {
		Alpha float64 `yaml:"alpha" usage:"step size α" range:"(0, 1]"`
		Gamma float64 `yaml:"gamma" usage:"discount factor γ" range:"[0, 1]"`
	}
	err = run.Settings.Bind(&q)
	fmt.Println(q.Alpha, err)
	fmt.Printf("%s", settings.Encode(&run))
	// Output:
	// tabular-q <nil>
	// 0.5 config.yaml:4: settings.gama = 1: unknown setting; did you mean settings.gamma?
	// # which algorithm learns; one of tabular-q, dqn
	// algo: tabular-q
	// # hyperparameters of the algorithm
	// settings:
	//   # step size α; in (0, 1]
	//   alpha: 0.5
	//   # discount factor γ; in [0, 1]
	//   gamma: 0
}

func ExampleSuggest() {
	fmt.Println(settings.Suggest("tabular_q", []string{"dqn", "ppo", "tabular-q"}))
	// Output: tabular-q
}
