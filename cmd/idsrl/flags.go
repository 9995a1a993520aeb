package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"idsrl/algos"
	"idsrl/envs"
	"idsrl/envs/idsgame/recording"
	"idsrl/envs/settings"
	"idsrl/experiments"
	"idsrl/results"
)

// Flags that several commands have.

func formatFlag() cli.Flag { return choiceFlag("format", "of the table", results.Formats) }

func statFlag() cli.Flag { return choiceFlag("stat", "statistic over seeds", results.Statistics) }

// choiceFlag is a flag that chooses by name; the first is the default.
func choiceFlag[T any](flag, usage string, choices []T) cli.Flag {
	var names []string
	for _, choice := range choices {
		names = append(names, fmt.Sprint(choice))
	}
	list := strings.Join(names, ", ")
	return &cli.StringFlag{
		Name: flag, Value: names[0], Usage: usage + ": " + list, DefaultText: "first",
		Action: func(_ *cli.Context, name string) error { // before the work, not after it
			if !slices.Contains(names, name) {
				return usagef("--%s %s: must be one of %s", flag, name, list)
			}
			return nil
		},
	}
}

// choiceOf is what a choiceFlag has chosen.
func choiceOf[T any](c *cli.Context, flag string, choices []T) T {
	return choices[slices.IndexFunc(choices, func(choice T) bool { return fmt.Sprint(choice) == c.String(flag) })]
}

// countFlag is a flag for a number of at least 1.
func countFlag(flag string, value int, usage string) cli.Flag {
	return &cli.IntFlag{
		Name: flag, Value: value, Usage: usage,
		Action: func(_ *cli.Context, n int) error { // before the work, not after it
			if n < 1 {
				return usagef("--%s %d: must be at least 1", flag, n)
			}
			return nil
		},
	}
}

func envFlag(usage string) cli.Flag { return &cli.StringFlag{Name: "env", Usage: usage} }

func envFileFlag() cli.Flag {
	return &cli.StringFlag{
		Name: "env-config", Usage: "`FILE` with settings of the environment, over those of its id (see: idsrl config env)",
	}
}

func envSetFlag() cli.Flag {
	return &cli.GenericFlag{
		Name: "env-set", Value: new(assignments), Usage: "one setting of the environment, as `KEY=VALUE`; may be repeated",
	}
}

func instanceFlag(usage, otherwise string) cli.Flag {
	return &cli.Uint64Flag{Name: "instance-seed", Usage: usage, DefaultText: otherwise}
}

// playerFlags name the players of seats.
func playerFlags(usage, otherwise string) (flags []cli.Flag) {
	for _, role := range experiments.Roles {
		flags = append(flags, &cli.StringFlag{Name: role.String(), Usage: usage, DefaultText: otherwise})
	}
	return flags
}

// seatFlags name the players of seats in which nobody learns.
func seatFlags() []cli.Flag { return playerFlags("`PLAYER` of this seat", "the environment's bot") }

// playersOf are the players that the flags name.
func playersOf(c *cli.Context) map[envs.Role]string {
	players := map[envs.Role]string{}
	for _, role := range experiments.Roles {
		if c.IsSet(role.String()) {
			players[role] = c.String(role.String())
		}
	}
	return players
}

// assignments collects repeated flags as they are. (A cli.StringSlice would cut lists such as hidden=[64, 64] at the
// comma.)
type assignments []string

// Set appends.
func (a *assignments) Set(value string) error {
	*a = append(*a, value)
	return nil
}

// String is empty: there is no default to show.
func (a *assignments) String() string { return "" }

func assignmentsOf(c *cli.Context, flag string) []string {
	if a, ok := c.Generic(flag).(*assignments); ok {
		return *a
	}
	return nil
}

func workersFlag() cli.Flag {
	return &cli.IntFlag{Name: "workers", Value: runtime.NumCPU(), Usage: "goroutines that play; no number depends on it"}
}

func recordFlag(games string) cli.Flag {
	return &cli.StringFlag{Name: "record", Usage: "write the " + games + " to `FILE` (.jsonl or .jsonl.gz)"}
}

func attackStatsFlag(games string) cli.Flag {
	return &cli.StringFlag{
		Name:  "attack-stats",
		Usage: "write what each attack of the " + games + " came to, into " + recording.AttacksFile + " in `DIR`",
	}
}

// watchersOf keep of games what recordFlag and attackStatsFlag ask for; nil if that is nothing. closeAll ends their files.
func watchersOf(c *cli.Context) (watch algos.Watcher, closeAll func() error, err error) {
	type file interface {
		algos.Watcher
		io.Closer
	}
	var files []file
	closeAll = func() (err error) {
		for _, f := range files {
			err = errors.Join(err, f.Close())
		}
		return err
	}
	if path := c.String("record"); path != "" {
		f, err := recording.Create(path)
		if err != nil {
			return nil, nil, err
		}
		files = append(files, f)
	}
	if dir := c.String("attack-stats"); dir != "" {
		f, err := recording.CreateAttackLog(dir)
		if err != nil {
			return nil, nil, errors.Join(err, closeAll())
		}
		files = append(files, f)
	}
	if len(files) == 0 {
		return nil, closeAll, nil
	}
	var watchers algos.Watchers
	for _, f := range files {
		watchers = append(watchers, f)
	}
	return watchers, closeAll, nil
}

// sourceOf reads the file that a flag names; nil if the flag was not given.
func sourceOf(c *cli.Context, flag string) (*settings.Source, error) {
	path := c.String(flag)
	if path == "" {
		return nil, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, usagef("--%s: %w", flag, err)
	}
	return settings.File(path, data), nil
}
