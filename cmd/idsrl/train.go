package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/urfave/cli/v2"

	"idsrl/envs"
	"idsrl/experiments"
	"idsrl/results"
	"idsrl/results/track"
)

func trainCommand() *cli.Command {
	return &cli.Command{
		Name:  "train",
		Usage: "train the open seats of an environment",
		Description: `Trains, tests every now and then, and ends with a table. All of a run is in its folder: config.yaml,
manifest.json, train.csv, eval.csv and the checkpoint. The same configuration and seed give the same bytes.

   idsrl train --env idsgame-minimal_defense-v2 --algo tabular-q
   idsrl train --env idsgame-random_attack-v0 --algo tabular-q --set state=observation --seeds 10
   idsrl train --env idsgame-v2 --algo tabular-q --env-set num_layers=2 --episodes 500000
   idsrl train --config q.yaml --set alpha.end=0.01       settings from a file (see: idsrl config tabular-q)
   idsrl train --resume results/idsgame-minimal_defense-v2/tabular-q/seed-0

--algo plays every seat that the environment leaves open. --attacker and --defender put another player into a seat, also
in the place of a bot: an algorithm with settings of its own, or one that does not learn, bot:NAME, random,
constant:ACTION, checkpoint:RUN or greedy:RUN. The last two play what RUN has learnt: checkpoint draws its actions as at
the end of its training, greedy takes the best. They are copied, so RUN may go.

   idsrl train --env idsgame-v2 --attacker ppo --defender reinforce
   idsrl train --env idsgame-v2 --attacker ppo --defender dqn --set attacker.learning_rate.start=3e-4 --set gamma=0.99
   idsrl train --env idsgame-minimal_defense-v2 --algo ppo --defender bot:random
   idsrl train --env idsgame-v2 --algo ppo --defender checkpoint:results/idsgame-v2/ppo-vs-reinforce/seed-0

Different algorithms train together with the larger default of environments and of budgets, in steps if one counts steps.

Where both seats learn, they do so in the same games, or in turn, each against a pool of the other's past policies; the
settings are those of self_play in idsrl config ALGO.

   idsrl train --env idsgame-v2 --algo ppo --set self_play.schedule=alternating
   idsrl train --env idsgame-v2 --algo dqn --set self_play.schedule=best-response --set self_play.pool.sampling=pfsp

Interrupt once to stop and keep everything, twice to stop at once. After a kill at any moment, --resume goes on
from the last checkpoint and ends with the same files as an uninterrupted run.`,
		Flags: append(runFlags(),
			&cli.StringFlag{
				Name: "out", Usage: "folder of the run, with --seeds the one above the seeds'", DefaultText: resultsDir + "/ENV/ALGO/seed-N",
			},
			&cli.StringFlag{Name: "resume", Usage: "go on with the run in `DIR`; other flags are not needed"},
			&cli.BoolFlag{Name: "force", Usage: "replace a run that the folder holds"},
			trackFlag("track"),
		),
		Action: train,
	}
}

// runFlags describe runs.
func runFlags() []cli.Flag {
	return slices.Concat([]cli.Flag{
		envFlag("environment to train on, `ID` as in idsrl envs list"),
		&cli.StringFlag{Name: "algo", Usage: "`ALGORITHM` of the open seats: " + strings.Join(algorithmNames(), ", ")},
	}, playerFlags("`PLAYER` of this seat: an algorithm, or one that does not learn", "the environment's bot, or --algo"), []cli.Flag{
		&cli.StringFlag{Name: "config", Usage: "`FILE` with settings of the run and the algorithm"},
		&cli.GenericFlag{
			Name: "set", Value: new(assignments),
			Usage: "one setting of the run or its algorithms, as `KEY=VALUE` or, of one, attacker.KEY=VALUE; may be repeated",
		},
		envFileFlag(), envSetFlag(),
		&cli.Uint64Flag{Name: "seed", Usage: "root of all random numbers"},
		countFlag("seeds", 1, "train `K` runs, with the seeds from --seed on"),
		&cli.IntFlag{Name: "parallel", Value: runtime.NumCPU(), Usage: "runs at the same time; their bytes do not depend on it"},
		instanceFlag("decides the layout: where the weak spots are", "each seed has its own"),
		&cli.Int64Flag{Name: "episodes", Usage: "train for so many episodes", DefaultText: "the algorithm's budget"},
		&cli.Int64Flag{Name: "steps", Usage: "train for so many steps", DefaultText: "no limit"},
	})
}

func train(c *cli.Context) error {
	if c.NArg() > 0 {
		return usagef("idsrl train takes flags only, not %q", c.Args().First())
	}
	starts, err := startsOf(c)
	if err != nil {
		return err
	}
	trackers, err := trackersOf(c, "track")
	if err != nil {
		return err
	}
	p := newProgress(c.App.ErrWriter, len(starts))
	runs, failed := trainAll(c.Context, starts, max(1, c.Int("parallel")), p, trackers)
	p.finish()
	switch {
	case errors.Is(failed, experiments.ErrInterrupted) && len(runs) > 0:
		return fmt.Errorf("%w; go on with: idsrl train --resume %s", failed, strings.Join(runs, " or "))
	case len(runs) == 0:
		return failed
	}
	var read []*results.Run
	for _, dir := range runs {
		run, err := results.ReadRun(dir)
		if err != nil {
			return err
		}
		read = append(read, run)
	}
	if err := results.SummaryGrid(results.Summarize(read, results.Statistics[0])).Render(c.App.Writer, results.Formats[0]); err != nil {
		return err
	}
	where := runs[0]
	if len(runs) > 1 {
		where = filepath.Dir(where)
	}
	fmt.Fprintf(c.App.ErrWriter, "Kept in %s\n", where)
	return failed
}

// start begins or resumes a run.
type start func(o experiments.Options) (*experiments.Run, error)

// startsOf are the runs that the flags ask for.
func startsOf(c *cli.Context) ([]start, error) {
	catalog := catalog()
	if dir := c.String("resume"); dir != "" {
		for _, name := range c.LocalFlagNames() {
			if name != "resume" && name != "parallel" && name != "track" {
				return nil, usagef("--resume goes on with a run as it was begun; --%s has no place beside it", name)
			}
		}
		return []start{func(o experiments.Options) (*experiments.Run, error) { return catalog.Resume(dir, o) }}, nil
	}
	cfg, err := configOf(c, catalog)
	if err != nil {
		return nil, err
	}
	seeds := c.Int("seeds")
	var starts []start
	for i := range seeds {
		one := cfg.WithSeed(cfg.Seed + uint64(i))
		dir := catalog.Dir(resultsDir, one)
		if out := c.String("out"); out != "" {
			dir = out
			if seeds > 1 {
				dir = filepath.Join(out, fmt.Sprintf("seed-%d", one.Seed))
			}
		}
		starts = append(starts, func(o experiments.Options) (*experiments.Run, error) {
			return catalog.Start(one, dir, c.Bool("force"), o)
		})
	}
	return starts, nil
}

// configOf is the configuration that the flags describe.
func configOf(c *cli.Context, catalog experiments.Catalog) (*experiments.Config, error) {
	sources, err := sourcesOf(c)
	if err != nil {
		return nil, err
	}
	cfg, err := catalog.Load(sources)
	if err != nil {
		return nil, usageError{err}
	}
	warnOf(cfg.EnvSettings.Bound().(envs.Game))
	return cfg, nil
}

// sourcesOf are where runFlags take settings from.
func sourcesOf(c *cli.Context) (sources experiments.Sources, err error) {
	file, err := sourceOf(c, "config")
	if err != nil {
		return sources, err
	}
	envFile, err := sourceOf(c, "env-config")
	if err != nil {
		return sources, err
	}
	set := assignmentsOf(c, "set")
	for _, flag := range []string{"seed", "episodes", "steps"} {
		if c.IsSet(flag) {
			set = append(set, flag+"="+fmt.Sprint(c.Value(flag)))
		}
	}
	if c.IsSet("instance-seed") {
		set = append(set, fmt.Sprintf("instance_seed=%d", c.Uint64("instance-seed")))
	}
	// A budget on the command line takes the place of the file's.
	if c.IsSet("episodes") && !c.IsSet("steps") {
		set = append(set, "steps=0")
	} else if c.IsSet("steps") && !c.IsSet("episodes") {
		set = append(set, "episodes=0")
	}
	return experiments.Sources{
		File: file, Dir: filepath.Dir(c.String("config")), Env: c.String("env"), Algo: c.String("algo"), Players: playersOf(c),
		EnvFile: envFile, EnvSet: assignmentsOf(c, "env-set"), Set: set,
	}, nil
}

// trainAll trains the runs, some at a time, tracks them, and returns the folders of those that finished; after an
// interrupt, of those that can be resumed. A run that fails does not stop the others.
func trainAll(ctx context.Context, starts []start, parallel int, p *progress, trackers []track.Tracker) (dirs []string, err error) {
	var (
		group    sync.WaitGroup
		lock     sync.Mutex
		problems = make([]error, len(starts))
		found    = make([]string, len(starts))
		next     int
	)
	worker := func() {
		for {
			lock.Lock()
			i := next
			next++
			lock.Unlock()
			if i >= len(starts) {
				return
			}
			problems[i] = experiments.ErrInterrupted
			if ctx.Err() == nil {
				found[i], problems[i] = trainOne(ctx, starts[i], func(now experiments.Progress) { p.update(i, now) }, trackers)
			}
		}
	}
	for range min(parallel, len(starts)) {
		group.Go(worker)
	}
	group.Wait()
	interrupted := ctx.Err() != nil
	for i, problem := range problems {
		stopped := errors.Is(problem, experiments.ErrInterrupted)
		if found[i] != "" && (stopped || problem == nil && !interrupted) {
			dirs = append(dirs, found[i])
		}
		if !stopped {
			err = errors.Join(err, problem)
		}
	}
	if slices.ContainsFunc(problems, func(problem error) bool { return errors.Is(problem, experiments.ErrInterrupted) }) {
		err = errors.Join(experiments.ErrInterrupted, err)
	}
	return dirs, err
}

// trainOne trains a run and returns its folder, "" if there is none. It tracks it at each evaluation and at its end.
func trainOne(ctx context.Context, begin start, report func(experiments.Progress), trackers []track.Tracker) (string, error) {
	var (
		dir     string
		tracked *results.EvalRow
	)
	run, err := begin(experiments.Options{
		Command: os.Args, Program: program(), Progress: func(now experiments.Progress) {
			report(now)
			if len(trackers) > 0 && now.Evaluation != tracked {
				tracked = now.Evaluation
				if err := catalog().Track(dir, trackers); err != nil {
					slog.Warn("cannot track the run", "run", dir, "error", err)
				}
			}
		},
	})
	if err != nil {
		return "", err
	}
	dir = run.Dir
	err = run.Train(ctx)
	if len(trackers) > 0 {
		err = errors.Join(err, catalog().Track(dir, trackers))
	}
	return dir, err
}
