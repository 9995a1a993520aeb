// Package track writes runs in the formats of experiment trackers: TensorBoard, JSON lines and MLflow.
//
// Everything is made from the files in a run's folder, so that a run can be tracked while it trains and after it, with the
// same outcome. Tracking again adds only what is new: nothing doubles, also after a run was interrupted and resumed. A
// run's files have no times but its beginning, which is therefore the time of every point.
package track

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"idsrl/results"
)

// A Setting is one of the configuration of a run.
type Setting struct {
	Key   string
	Value any // bool, integer, float, string or a list of those
	Text  string
}

// A Record is what trackers see of a run.
type Record struct {
	Run      *results.Run
	Train    *results.Table
	Settings []Setting
}

// A Tracker writes the record of a run.
type Tracker func(*Record) error

// Help says what Parse reads.
const Help = "tensorboard and jsonl, in the run's folder, and mlflow=DIR"

// Parse reads a list like "tensorboard,jsonl,mlflow=DIR".
func Parse(list string) ([]Tracker, error) {
	var trackers []Tracker
	for item := range strings.SplitSeq(list, ",") {
		kind, dir, _ := strings.Cut(item, "=")
		switch {
		case kind == "tensorboard" && dir == "":
			trackers = append(trackers, TensorBoard)
		case kind == "jsonl" && dir == "":
			trackers = append(trackers, JSONLines)
		case kind == "mlflow" && dir != "":
			trackers = append(trackers, MLflow(dir))
		default:
			return nil, fmt.Errorf("no tracker is called %q: there are %s", item, Help)
		}
	}
	return trackers, nil
}

// The phases of a run.
const (
	trainPhase   = "train"
	evalPhase    = "eval"         // greedy
	sampledPhase = "eval_sampled" // as in training
)

// A row is a line of train.csv or eval.csv.
type row struct {
	phase          string
	step, episodes int64
	games          float64 // that the metrics are means of
	metrics        []metric
}

// A metric has the name of its column.
type metric struct {
	name  string
	value float64 // never NaN
}

// rows are the lines of both files in the order of training, without empty cells.
func (r *Record) rows() []row {
	var rows []row
	before := 0.0
	for _, cells := range r.Train.Rows {
		this := row{phase: trainPhase}
		for i, name := range r.Train.Columns {
			x := cells[i]
			switch name {
			case "step":
				this.step = int64(x)
			case "episodes":
				this.episodes, this.games, before = int64(x), x-before, x
			default:
				this.add(name, x)
			}
		}
		rows = append(rows, this)
	}
	for i, e := range r.Run.Evals {
		this := row{phase: evalPhase, step: e.Step, episodes: e.Episodes, games: float64(e.Games)}
		if e.Mode == results.Sampled {
			this.phase = sampledPhase
		}
		this.add("hack_probability", e.HackProbability)
		this.add("detection_probability", e.DetectionProbability)
		this.add("attacker_return", e.AttackerReturn)
		this.add("defender_return", e.DefenderReturn)
		this.add("episode_length", e.EpisodeLength)
		for j, name := range r.Run.Extra.Columns {
			this.add(name, r.Run.Extra.Rows[i][j])
		}
		rows = append(rows, this)
	}
	slices.SortStableFunc(rows, func(a, b row) int { return cmp.Compare(a.step, b.step) })
	return rows
}

func (r *row) add(name string, value float64) {
	if !math.IsNaN(value) {
		r.metrics = append(r.metrics, metric{name, value})
	}
}

// scalars are the rows under the names of the original program (gym-idsgame), which calls the means of a training window
// hack_probability/train and those of greedy evaluations hack_probability/eval. They include its running totals over all
// games of a phase. What it has no name for keeps that of its column, with the phase or the role behind it.
func (r *Record) scalars() []row {
	type total struct{ hacks, games, attacker, defender float64 }
	totals := map[string]*total{}
	rows := r.rows()
	for i, this := range rows {
		t := totals[this.phase]
		if t == nil {
			t = new(total)
			totals[this.phase] = t
		}
		named := row{phase: this.phase, step: this.step, episodes: this.episodes, games: this.games}
		named.add("episodes/"+this.phase, float64(this.episodes))
		for _, m := range this.metrics {
			named.add(r.name(m.name, this.phase), m.value)
			switch m.name {
			case "hack_probability":
				t.hacks += m.value * this.games
				t.games += this.games
				named.add("cumulative_hack_probability/"+this.phase, t.hacks/t.games)
			case "attacker_return":
				t.attacker += m.value * this.games
				named.add("cumulative_reward/attacker/"+this.phase, t.attacker)
			case "defender_return":
				t.defender += m.value * this.games
				named.add("cumulative_reward/defender/"+this.phase, t.defender)
			}
		}
		rows[i] = named
	}
	return rows
}

// name translates the name of a column.
func (r *Record) name(column, phase string) string {
	role, own, ok := strings.Cut(column, "/")
	switch {
	case column == "attacker_return":
		return "avg_episode_rewards/" + phase + "/attacker"
	case column == "defender_return":
		return "avg_episode_rewards/" + phase + "/defender"
	case column == "episode_length":
		return "episode_steps/" + phase
	case !ok:
		return column + "/" + phase
	case own == "loss/q", own == "loss/policy":
		return "episode_avg_loss/" + phase + "/" + role
	case own == "pool/size":
		return "opponent_pool_size/" + role
	case own == "learning_rate", own == "alpha":
		own = "lr"
	}
	// A Q-learner that learns alone has ε and a learning rate without its role.
	if (own == "epsilon" || own == "lr") && len(r.Run.Learners) == 1 && slices.Contains(r.Train.Columns, role+"/epsilon") {
		return own
	}
	return own + "/" + role
}

// extend makes the file at path hold data and what may follow it. A file that is a beginning of data grows, and one that is
// ahead of it stays: a run that was killed goes back to its checkpoint, from where it comes to the same lines again. Viewers
// that hold a file open rely on both. Any other file gives way to a new one. Nothing waits for the disk, since what a crash
// takes comes back when the run is tracked again.
func extend(path string, data []byte) error {
	old, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = os.MkdirAll(filepath.Dir(path), 0o755)
	case err == nil && bytes.HasPrefix(old, data):
		return nil
	case err == nil && !bytes.HasPrefix(data, old):
		old, err = nil, os.Remove(path)
	}
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o666)
	if err != nil {
		return err
	}
	_, err = f.Write(data[len(old):])
	return errors.Join(err, f.Close())
}
