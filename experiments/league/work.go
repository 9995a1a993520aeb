package league

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"idsrl/algos"
	"idsrl/envs"
	"idsrl/experiments"
	"idsrl/results"
)

// each does work for 0 to n-1 with some workers at the same time. After the first error nothing else begins. done hears
// after each, one at a time.
func each(ctx context.Context, n, workers int, work func(ctx context.Context, i int) error, done func(i, finished int) error) error {
	var (
		group          sync.WaitGroup
		lock           sync.Mutex
		next, finished int
		problems       = make([]error, n)
	)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for range min(max(workers, 1), n) {
		group.Go(func() {
			for {
				lock.Lock()
				i := next
				next++
				lock.Unlock()
				if i >= n || ctx.Err() != nil {
					return
				}
				err := work(ctx, i)
				lock.Lock()
				if err == nil {
					finished++
					err = done(i, finished)
				}
				lock.Unlock()
				if problems[i] = err; err != nil {
					cancel()
				}
			}
		})
	}
	group.Wait()
	for _, err := range problems {
		// What was only interrupted because of another's failure is not the story to tell.
		if err != nil && !errors.Is(err, experiments.ErrInterrupted) && !errors.Is(err, context.Canceled) {
			return err
		}
	}
	if finished < n {
		return experiments.ErrInterrupted
	}
	return nil
}

func (l *League) report(round int, doing string, done, all int) {
	if l.options.Progress == nil {
		return
	}
	p := Progress{Round: round, Rounds: l.Config.Rounds, Doing: doing, Done: done, All: all, Value: l.Value()}
	l.options.Progress(p)
}

// train trains the agents of a round and adds their members. A run that is there already goes on.
func (l *League) train(ctx context.Context, round int) error {
	var agents []agent
	for seat, members := range l.state.Members {
		if len(members) > 0 && members[len(members)-1].Round == round {
			return nil // trained before an interruption: members of both sides join at once
		}
		agents = append(agents, l.Config.agents(seat)...)
	}
	if len(agents) == 0 {
		return nil
	}
	l.report(round, "training", 0, len(agents))
	err := each(ctx, len(agents), l.options.Workers, func(ctx context.Context, i int) error {
		a := agents[i]
		cfg, err := l.Config.training(l.catalog, a, round, l.mixture(1-a.seat, l.opponents(a)))
		if err != nil {
			return err
		}
		run, err := l.begin(cfg, l.runDir(a, round))
		if err != nil {
			return err
		}
		return run.Train(ctx)
	}, func(_, finished int) error {
		l.report(round, "training", finished, len(agents))
		return nil
	})
	if err != nil {
		return err
	}
	for _, a := range agents {
		data, err := os.ReadFile(filepath.Join(l.runDir(a, round), results.FinalCheckpoint))
		if err != nil {
			return err
		}
		hash := experiments.Hash(data)
		if err := results.WriteFile(l.checkpoint(hash), data); err != nil {
			return err
		}
		l.state.Members[a.seat] = append(l.state.Members[a.seat], Member{
			Name: fmt.Sprintf("%s.%d", a.name, round), Agent: a.name, Round: round, Player: l.Config.player(a.algorithm, hash),
		})
	}
	l.grow()
	return l.save()
}

// runDir is the folder of an agent's run in a round.
func (l *League) runDir(a agent, round int) string {
	return filepath.Join(l.Dir, runsDir, fmt.Sprintf("round-%03d", round), experiments.Roles[a.seat].String()+"-"+a.name)
}

// begin starts a run, or goes on with it.
func (l *League) begin(cfg *experiments.Config, dir string) (*experiments.Run, error) {
	o := experiments.Options{Command: l.options.Command, Program: l.options.Program}
	return l.catalog.Reach(cfg, dir, true, o) // over what a kill left before the run had a manifest
}

// play plays the matches that are missing.
func (l *League) play(ctx context.Context, round int) error {
	missing := l.pairs(func(t *algos.Tally) bool { return t == nil })
	l.report(round, "matches", 0, len(missing))
	tallies := make([]algos.Tally, len(missing))
	return each(ctx, len(missing), l.options.Workers, func(ctx context.Context, i int) (err error) {
		tallies[i], err = l.match(ctx, missing[i][0], missing[i][1])
		return err
	}, func(i, finished int) error {
		l.state.Matches[missing[i][0]][missing[i][1]] = &tallies[i]
		l.report(round, "matches", finished, len(missing))
		if time.Now().Before(l.saveAt) {
			return nil
		}
		return l.save()
	})
}

// pairs are the attackers and defenders whose match is as asked for.
func (l *League) pairs(ask func(*algos.Tally) bool) (list [][2]int) {
	for a, row := range l.state.Matches {
		for d, tally := range row {
			if ask(tally) {
				list = append(list, [2]int{a, d})
			}
		}
	}
	return list
}

// match plays an attacker against a defender. Its random numbers depend on who they are, not on when they meet.
func (l *League) match(ctx context.Context, attacker, defender int) (algos.Tally, error) {
	seed := envs.Derive(l.Config.Seed, "match", 0)
	for seat, member := range []int{attacker, defender} {
		seed = envs.Derive(seed, l.state.Members[seat][member].Name, 0)
	}
	s, err := l.catalog.Simulate(ctx, l.simulation(l.thawed(0, attacker), l.thawed(1, defender), l.Config.Games, seed))
	if err != nil {
		return algos.Tally{}, err
	}
	return s.Total, nil
}

// Verify plays all matches again from the members' checkpoints and returns those that came out otherwise, if any, as texts.
func (l *League) Verify(ctx context.Context) (differences []string, err error) {
	for seat, members := range l.state.Members {
		for _, m := range members {
			if err := l.checkHash(m); err != nil {
				differences = append(differences, fmt.Sprintf("%s %s: %v", experiments.Roles[seat], m.Name, err))
			}
		}
	}
	if len(differences) > 0 {
		return differences, nil
	}
	played := l.pairs(func(t *algos.Tally) bool { return t != nil })
	found := make([]string, len(played))
	l.report(len(l.state.Metas)-1, "matches again", 0, len(played))
	err = each(ctx, len(played), l.options.Workers, func(ctx context.Context, i int) error {
		a, d := played[i][0], played[i][1]
		got, err := l.match(ctx, a, d)
		if want := *l.state.Matches[a][d]; err == nil && !reflect.DeepEqual(got, want) {
			found[i] = fmt.Sprintf("%s against %s: %+v, was %+v", l.state.Members[0][a].Name, l.state.Members[1][d].Name, got, want)
		}
		return err
	}, func(_, finished int) error {
		l.report(len(l.state.Metas)-1, "matches again", finished, len(played))
		return nil
	})
	for _, text := range found {
		if text != "" {
			differences = append(differences, text)
		}
	}
	return differences, err
}

// checkHash reports a checkpoint that is not the one that the member's name tells.
func (l *League) checkHash(m Member) error {
	kind, want, _ := strings.Cut(m.Player, ":")
	if kind != "checkpoint" && kind != "greedy" {
		return nil
	}
	_, err := experiments.ReadHashed(l.checkpoint(want), want)
	return err
}

// Measurement is how a side's meta-strategy does against one player.
type Measurement struct {
	Seat     int     // of the meta-strategy
	Opponent string  // a member, or a bot of the environment
	Weight   float64 // of the opponent in its side's meta-strategy
	algos.Tally
}

// Measure plays the last meta-strategies, drawn for each game, against all members of the other side and all bots of the
// environment, in other games than those that the payoff matrix is of.
func (l *League) Measure(ctx context.Context, games int) ([]Measurement, error) {
	if len(l.state.Metas) == 0 {
		return nil, errors.New("the league has no meta-strategy yet; go on with it")
	}
	meta := l.state.Metas[len(l.state.Metas)-1]
	var list []Measurement
	var players [][2]string // by seat
	for seat, weights := range meta.Weights {
		own := l.mixture(seat, weights)
		against := func(name, player string, weight float64) {
			list = append(list, Measurement{Seat: seat, Opponent: name, Weight: weight})
			pair := [2]string{player, player}
			pair[seat] = own
			players = append(players, pair)
		}
		var known []string
		for i, m := range l.state.Members[1-seat] {
			w := 0.0
			if i < len(meta.Weights[1-seat]) {
				w = meta.Weights[1-seat][i]
			}
			against(m.Name, l.thawed(1-seat, i), w)
			known = append(known, m.Player)
		}
		for _, bot := range l.Config.EnvSettings.Bound().(envs.Game).Bots(1 - seat) {
			if name := "bot:" + bot.Name; !slices.Contains(known, name) {
				against(name, name, 0)
			}
		}
	}
	l.report(len(l.state.Metas)-1, "measurements", 0, len(list))
	err := each(ctx, len(list), l.options.Workers, func(ctx context.Context, i int) error {
		seed := envs.Derive(l.Config.Seed, "measurement", uint64(i))
		s, err := l.catalog.Simulate(ctx, l.simulation(players[i][0], players[i][1], games, seed))
		if err == nil {
			list[i].Tally = s.Total
		}
		return err
	}, func(_, finished int) error {
		l.report(len(l.state.Metas)-1, "measurements", finished, len(list))
		return nil
	})
	return list, err
}

// Exploitations are how far the best response to each side's last meta-strategy gets, by seat, and the value of the game. All
// are hack probabilities, and exact; the game must have at most so many states.
func (l *League) Exploitations(ctx context.Context, limit int) (worst [2]float64, value float64, err error) {
	cast, err := l.catalog.Cast(l.simulation(l.MetaStrategy(0), l.MetaStrategy(1), 1, 1))
	if err != nil {
		return worst, 0, err
	}
	exploiter, err := experiments.NewExploiter(ctx, cast.Game, limit)
	if err != nil {
		return worst, 0, fmt.Errorf("%s does not fit: %w", l.Config.Env, err)
	}
	for seat := range worst {
		player, problem := cast.Player(seat, l.MetaStrategy(seat))
		if problem == nil {
			worst[seat], problem = exploiter.Response(player, seat)
		}
		err = errors.Join(err, problem)
	}
	return worst, exploiter.Value, err
}
