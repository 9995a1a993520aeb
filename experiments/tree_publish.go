package experiments

import (
	"bytes"
	"cmp"
	"context"
	_ "embed" // readme.tmpl is a part of the program
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"

	"idsrl/envs"
	"idsrl/results"
	"idsrl/results/plots"
)

// The files of a tree besides configurations.
const (
	outcomesFile  = "../results/experiments.json" // []Outcome, by name
	originalsFile = "originals.csv"               // an Original a line, by name
	makeFile      = "Makefile"                    // of an experiment: includes sharedMakeFile
	readmeFile    = "README.md"                   // of an experiment
	curveFile     = "curve.svg"                   // of an experiment
	spaceFile     = "space.yaml"                  // of an experiment: where its tuned settings were searched, see Search
)

// OriginalFile is a configuration beside the usual one: the hyperparameters that the original has.
const OriginalFile = "original.yaml"

// An Original is what is known of an experiment of the Python original.
type Original struct {
	Hacked, HackedIs string // its hack probability, and whence that is known
	SameAs           string // the experiment that it repeats under another name
	Note             string // what is wrong with it
}

// Originals are the experiments of the original, by name.
func (t *Tree) Originals() (map[string]Original, error) {
	path := filepath.Join(t.Dir, originalsFile)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	lines, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	originals := map[string]Original{}
	for _, line := range lines[1:] {
		if len(line) != 5 {
			return nil, fmt.Errorf("%s: %.40q has not 5 columns", path, line)
		}
		originals[line[0]] = Original{Hacked: line[1], HackedIs: line[2], SameAs: line[3], Note: line[4]}
	}
	return originals, nil
}

// Published are the outcomes that the tree publishes.
func (t *Tree) Published() (outcomes []Outcome, err error) {
	path := filepath.Join(t.Dir, filepath.FromSlash(outcomesFile))
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &outcomes)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return outcomes, nil
}

// Publish writes what the experiments came to: into the outcomes, the learning curves and the README files of the tree. It
// also writes the README and the Makefile of an experiment that has none. What has no finished runs, or fewer of the same
// than were published, keeps what was published of it.
func (t *Tree) Publish(ctx context.Context, list []Experiment) error {
	published, err := t.Published()
	if err != nil {
		return err
	}
	for _, e := range list {
		outcome, err := e.Measure(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", e.Name, err)
		}
		if outcome == nil || slices.ContainsFunc(published, outcome.isPartOf) {
			continue
		}
		published = slices.DeleteFunc(published, func(o Outcome) bool { return o.Experiment == e.Name && o.File == t.File })
		published = append(published, *outcome)
		if err := e.plot(); err != nil {
			return fmt.Errorf("%s: %w", e.Name, err)
		}
	}
	slices.SortFunc(published, func(a, b Outcome) int {
		return cmp.Or(results.ByName(a.Experiment, b.Experiment), strings.Compare(a.File, b.File))
	})
	data, err := json.MarshalIndent(published, "", " ")
	if err != nil {
		return err
	}
	if err := results.WriteFile(filepath.Join(t.Dir, filepath.FromSlash(outcomesFile)), append(data, '\n')); err != nil {
		return err
	}
	files, err := t.Files(list)
	for path, text := range files {
		err = errors.Join(err, results.WriteFile(path, text))
	}
	return err
}

// isPartOf reports whether all is the outcome of the same configuration with more seeds, those of o among them: the same
// scores, from the same checkpoints.
func (o *Outcome) isPartOf(all Outcome) bool {
	if o.Experiment != all.Experiment || o.File != all.File || o.Config != all.Config || len(o.Scores) >= len(all.Scores) {
		return false
	}
	for _, score := range o.Scores {
		if !slices.ContainsFunc(all.Scores, score.equal) {
			return false
		}
	}
	return true
}

func (s Score) equal(other Score) bool {
	return s.Seed == other.Seed && s.Hacked == other.Hacked && slices.Equal(s.Checkpoints, other.Checkpoints)
}

// plot draws the learning curve of an experiment that trains.
func (e Experiment) plot() error {
	if e.Kind != Training || e.tree.File != results.ConfigFile {
		return nil
	}
	runs, err := e.Finished()
	if err != nil {
		return err
	}
	var b bytes.Buffer
	figure := plots.Figure{
		Metric: plots.Metrics[0], Mode: results.Greedy, Axis: results.Axes[0], Stat: results.Statistics[0],
	}
	if err := figure.Write(&b, runs, "svg"); err != nil {
		return err
	}
	return results.WriteFile(filepath.Join(e.Dir(), curveFile), b.Bytes())
}

// Readme is the README of an experiment as Publish writes it.
func (t *Tree) Readme(e Experiment) ([]byte, error) {
	files, err := t.Files([]Experiment{e})
	return files[filepath.Join(e.Dir(), readmeFile)], err
}

// Files are the README and the Makefile of each experiment as they follow from its configuration and from what is
// published, by path.
func (t *Tree) Files(list []Experiment) (map[string][]byte, error) {
	published, err := t.Published()
	if err != nil {
		return nil, err
	}
	originals, err := t.Originals()
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for _, e := range list {
		readme, err := e.readme(published, originals)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.Name, err)
		}
		up := strings.Repeat("../", strings.Count(e.Name, "/")+1)
		files[filepath.Join(e.Dir(), readmeFile)] = readme
		files[filepath.Join(e.Dir(), makeFile)] = []byte("include " + up + "experiment.mk\n")
	}
	return files, nil
}

//go:embed readme.tmpl
var readmeText string

// noResult stands in a README where nothing is published.
const noResult = "—"

var readmeTemplate = template.Must(template.New("readme").Parse(readmeText))

// A page is what the README of an experiment says.
type page struct {
	Name, Kind, About, Env, Player, Seat, Attacker, Defender, Seeds string
	Published                                                       int // seeds, if they are not as many as is usual
	Original                                                        Original
	Results                                                         []pageResult
	HasOriginal, SelfPlay, Searched, Curve                          bool
}

// A pageResult is a row of the table in a README.
type pageResult struct{ What, Hacked, Is string }

// readme is the README of the experiment.
func (e Experiment) readme(published []Outcome, originals map[string]Original) ([]byte, error) {
	fill := map[Kind]func(*page, []Outcome) error{
		Training: e.trainingPage, Simulating: e.simulationPage, Playing: e.playingPage,
	}[e.Kind]
	p := &page{Name: e.Name, Kind: string(e.Kind), Original: originals[e.Name]}
	if err := fill(p, published); err != nil {
		return nil, err
	}
	if p.Original.Hacked != "" {
		p.Results = append(p.Results, pageResult{"the original", p.Original.Hacked, p.Original.HackedIs})
	}
	var b bytes.Buffer
	err := readmeTemplate.Execute(&b, p)
	return b.Bytes(), err
}

// trainingPage fills in what is said of training.
func (e Experiment) trainingPage(p *page, published []Outcome) error {
	cfg, err := e.Config()
	if err != nil {
		return err
	}
	entry, err := e.tree.Catalog.Envs.Lookup(cfg.Env)
	if err != nil {
		return err
	}
	p.Env, p.About, p.Player, p.Seeds = cfg.Env, entry.About, cfg.Algo, fmt.Sprint(e.Seeds(cfg))
	if p.Player == "" {
		p.Player = cfg.Attacker + "` against `" + cfg.Defender
	}
	if o := FindOutcome(published, e.Name, results.ConfigFile); o != nil && o.Seeds != e.Seeds(cfg) {
		p.Published = o.Seeds
	}
	p.Results = append(p.Results, e.result(published, results.ConfigFile))
	if p.HasOriginal = e.has(OriginalFile); p.HasOriginal {
		p.Results = append(p.Results, e.result(published, OriginalFile))
	}
	if bound, ok := results.FindBound(cfg.Env); ok {
		p.Results = append(p.Results, pageResult{"best possible", bound.String(), bound.Is})
	}
	p.SelfPlay, p.Searched, p.Curve = strings.HasPrefix(e.Name, "selfplay/"), e.has(spaceFile), e.has(curveFile)
	return nil
}

// simulationPage fills in what is said of a simulation.
func (e Experiment) simulationPage(p *page, published []Outcome) error {
	p.Results = append(p.Results, e.result(published, results.ConfigFile))
	_, err := e.matchPage(p)
	return err
}

// playingPage fills in what is said of manual play.
func (e Experiment) playingPage(p *page, _ []Outcome) error {
	sim, err := e.matchPage(p)
	if err != nil {
		return err
	}
	p.Seat, p.Player = envs.Attacker.String(), p.Defender
	if sim.Players[envs.Attacker] != person {
		p.Seat, p.Player = envs.Defender.String(), p.Attacker
	}
	return nil
}

// matchPage fills in who plays the match that it returns.
func (e Experiment) matchPage(p *page) (Simulation, error) {
	sim, err := e.match()
	p.Env, p.Attacker, p.Defender = sim.Env, e.link(sim.Players[envs.Attacker]), e.link(sim.Players[envs.Defender])
	return sim, err
}

// result is what is published of the configuration in a file.
func (e Experiment) result(published []Outcome, file string) pageResult {
	if o := FindOutcome(published, e.Name, file); o != nil {
		return pageResult{"`" + file + "`", results.Interval(o.Estimate(), 3).Text, o.describe()}
	}
	return pageResult{"`" + file + "`", noResult, "not published"}
}

// has reports whether there is a file in the folder of the experiment.
func (e Experiment) has(file string) bool {
	_, err := os.Stat(filepath.Join(e.Dir(), file))
	return err == nil
}

// link shows a player, with the experiment that makes it instead of the folder of its run.
func (e Experiment) link(player string) string {
	for _, run := range runsOf(player) {
		if made, ok := e.made(run, 0); ok {
			up := strings.Repeat("../", strings.Count(e.Name, "/")+1)
			return fmt.Sprintf("what [%s](%s) has learnt", made.Experiment.Name, up+made.Experiment.Name)
		}
	}
	return "`" + player + "`"
}

// describe says what an outcome is a mean of.
func (o *Outcome) describe() string {
	text := fmt.Sprintf("%d games of one seed", o.Games)
	if o.Interval != nil {
		text = fmt.Sprintf("mean of %d seeds of %d games, 95 %% bootstrap interval", o.Seeds, o.Games)
	}
	if o.Budget != (results.Budget{}) {
		text += "; greedy after " + o.Budget.String()
	}
	return text
}

// OutcomeGrid shows outcomes, a row each, beside what is known.
func (t *Tree) OutcomeGrid(outcomes []Outcome) (*results.Grid, error) {
	originals, err := t.Originals()
	if err != nil {
		return nil, err
	}
	g := results.NewGrid("experiment", "seeds")
	g.Columns = append(g.Columns,
		results.Column{Title: "", Names: []string{"config", "env", "players", "games"}},
		results.IntervalColumn("hacked,\ngreedy", "hack_probability"),
		results.Column{Title: "best\npossible", Names: []string{"bound"}},
		results.Column{Title: "original", Names: []string{"original"}},
		results.Column{Title: "steps", Names: []string{"steps"}},
		results.Column{Title: "time", Names: []string{"wall_seconds"}},
		results.Column{Title: "curve"},
	)
	g.Spare = 3
	for _, o := range outcomes {
		bound := results.Cell{Values: []any{""}}
		if b, ok := results.FindBound(o.Env); ok {
			bound = results.Cell{Text: b.String(), Values: []any{b.Value}}
		}
		steps, seconds := results.Scaled(o.Steps), results.Seconds(o.Seconds)
		if o.Steps == 0 {
			steps.Text, seconds.Text = "", ""
		}
		curve := results.Cell{}
		if o.Curve != nil {
			curve.Text = results.Sparkline(o.Curve, 0, 1, 8)
		}
		g.Add(results.Text(o.Experiment), results.Int(o.Seeds),
			results.Cell{Values: []any{o.File, o.Env, o.Players, o.Games}}, results.Interval(o.Estimate(), 3), bound,
			results.Text(originals[o.Experiment].Hacked), steps, seconds, curve)
	}
	return g, nil
}
