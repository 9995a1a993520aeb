package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"idsrl/experiments"
	"idsrl/results"
)

// logEvery is the least time between log lines of a run where there is no terminal.
const logEvery = 5 * time.Second

// barEvery is the least time between two drawings of a bar.
const barEvery = 100 * time.Millisecond

// progress shows how far runs are: a bar on a terminal, log lines elsewhere. Runs report from several goroutines.
type progress struct {
	lock   sync.Mutex
	bar    *progressbar.ProgressBar // nil where there is no terminal
	runs   []experiments.Progress
	logged []time.Time
	began  time.Time
	first  float64 // fraction that was done when the first report came: what a resumed run had before
	steps  int64   // likewise
}

// barUnits is the length of the bar.
const barUnits = 1000

// newBar draws on a terminal; elsewhere it is nil.
func newBar(w io.Writer) *progressbar.ProgressBar {
	if f, ok := w.(*os.File); !ok || !term.IsTerminal(int(f.Fd())) {
		return nil
	}
	return progressbar.NewOptions(barUnits,
		progressbar.OptionSetWriter(w), progressbar.OptionSetWidth(24), progressbar.OptionClearOnFinish(),
		progressbar.OptionSetPredictTime(false), progressbar.OptionSetElapsedTime(false),
		progressbar.OptionThrottle(barEvery))
}

func newProgress(w io.Writer, runs int) *progress {
	return &progress{
		bar: newBar(w), runs: make([]experiments.Progress, runs), logged: make([]time.Time, runs), began: time.Now(), first: -1,
	}
}

// update hears from run i.
func (p *progress) update(i int, now experiments.Progress) {
	p.lock.Lock()
	defer p.lock.Unlock()
	changed := now.Evaluation != p.runs[i].Evaluation
	p.runs[i] = now
	spent, steps, done := 0.0, int64(0), 0
	for _, r := range p.runs {
		spent += r.Spent / float64(len(p.runs))
		steps += r.Steps
		if r.Spent == 1 {
			done++
		}
	}
	if p.first < 0 {
		p.first, p.steps, p.began = spent, steps, time.Now()
	}
	elapsed := time.Since(p.began).Seconds()
	rate := results.Scaled(float64(steps-p.steps) / elapsed).Text
	left := "?"
	if spent > p.first {
		seconds := elapsed * (1 - spent) / (spent - p.first)
		left = time.Duration(seconds * float64(time.Second)).Round(time.Second).String()
	}
	hacked := "none yet"
	if now.Evaluation != nil {
		hacked = fmt.Sprintf("%.3f", now.Evaluation.HackProbability)
	}
	if p.bar != nil {
		text := fmt.Sprintf("%s steps/s, %s left", rate, left)
		if len(p.runs) == 1 {
			text += ", hacked " + hacked
		} else {
			text = fmt.Sprintf("%d of %d runs, %s", done, len(p.runs), text)
		}
		p.bar.Describe(text)
		p.bar.Set(int(spent * barUnits)) //nolint:errcheck // a bar that cannot be drawn is no reason to stop
		return
	}
	if time.Since(p.logged[i]) < logEvery && !(changed && now.Spent == 1) {
		return
	}
	p.logged[i] = time.Now()
	slog.Info("training", "seed", now.Seed, "run", now.Dir, "done", fmt.Sprintf("%.0f%%", 100*now.Spent), "episodes", now.Episodes,
		"steps", now.Steps, "steps_per_second", rate, "left", left, "hack_probability", hacked,
		"runs_done", fmt.Sprintf("%d/%d", done, len(p.runs)))
}

// finish removes the bar.
func (p *progress) finish() {
	p.lock.Lock()
	defer p.lock.Unlock()
	if p.bar != nil {
		p.bar.Finish() //nolint:errcheck // as above
	}
}

// showGames shows how many of so many games have begun, until the function that it returns is called: a bar on a terminal,
// log lines elsewhere.
func showGames(w io.Writer, begun *atomic.Int64, games int64) (finish func()) {
	bar, every := newBar(w), logEvery
	if bar != nil {
		every = barEvery
	}
	ctx, stop := context.WithCancel(context.Background())
	var group sync.WaitGroup
	group.Go(func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if bar == nil {
				slog.Info("playing", "games", begun.Load(), "of", games)
				continue
			}
			n := begun.Load()
			bar.Set(int(barUnits * n / max(games, 1))) //nolint:errcheck // as above
			bar.Describe(fmt.Sprintf("%s of %s games", results.Scaled(float64(n)).Text, results.Scaled(float64(games)).Text))
		}
	})
	return func() {
		stop()
		group.Wait()
		if bar != nil {
			bar.Finish() //nolint:errcheck // as above
		}
	}
}
