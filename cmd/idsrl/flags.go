package main

import (
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"idsrl/envs"
	"idsrl/envs/settings"
	"idsrl/experiments"
	"idsrl/results"
)

// Flags that several commands have.

func formatFlag() cli.Flag {
	formats := strings.Join(results.Formats, ", ")
	return &cli.StringFlag{
		Name: "format", Value: results.Formats[0], Usage: formats,
		Action: func(_ *cli.Context, format string) error { // before the work, not after it
			if !slices.Contains(results.Formats, format) {
				return usagef("--format %s: must be one of %s", format, formats)
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
func playerFlags() (flags []cli.Flag) {
	for _, role := range experiments.Roles {
		flags = append(flags, &cli.StringFlag{
			Name: role.String(), Usage: "`PLAYER` of this seat: an algorithm, or one that does not learn",
			DefaultText: "the environment's bot, or --algo",
		})
	}
	return flags
}

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
