package main

import (
	"encoding/csv"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"idsrl/experiments"
	"idsrl/results"
)

// maxStates is how many states a game may have by default: a minute and half a gigabyte.
const maxStates = 1_000_000

func solveCommand() *cli.Command {
	return &cli.Command{
		Name:      "solve",
		Usage:     "the exact value of games of two, and how to play them",
		ArgsUsage: "[ID ...]",
		Description: `Finds the equilibrium of "the attacker hacks or does not" between two players who both see everything, the
other side's values and the attacker's node included, by backward induction with a matrix game for each state. Policies
that see less may get less against one that sees all; against each other they may get more or less than this value.

   idsrl solve --env idsgame-v11
   idsrl solve idsgame-v11 idsgame-v12 idsgame-v13
   idsrl solve --env idsgame-v1 --env-set num_attack_types=4 --env-set max_value=5
   idsrl solve --env idsgame-v11 --policies policies.csv       how to play in each state

The table has the states that need solving (0 where the defender can hold a row from the beginning, so that the value
is 0), the value, and what the two policies guarantee against best responses, which holds the value from both sides. To
play against such a policy, name the player "optimal", as in

   idsrl simulate --env idsgame-v11 --attacker bot:random --defender optimal`,
		Flags: []cli.Flag{
			envFlag("solve this environment, `ID` as in idsrl envs list"), envFileFlag(), envSetFlag(),
			instanceFlag("solve this instance: other weak spots", "0"),
			countFlag("max-states", maxStates, "give up when a game has more than `N` states"),
			&cli.StringFlag{Name: "policies", Usage: "write the policies of both seats to `FILE` (.csv); for one game"},
			formatFlag(),
		},
		Action: solve,
	}
}

func solve(c *cli.Context) error {
	ids := c.Args().Slice()
	if id := c.String("env"); id != "" {
		ids = append([]string{id}, ids...)
	}
	switch {
	case len(ids) == 0:
		return usagef("idsrl solve needs --env ID or IDs; idsrl envs list shows all")
	case c.String("policies") != "" && len(ids) > 1:
		return usagef("--policies is for one game, not for %d", len(ids))
	}
	envFile, err := sourceOf(c, "env-config")
	if err != nil {
		return err
	}
	grid := results.NewGrid("env", "states", "value")
	grid.Columns = append(grid.Columns, []results.Column{
		{Title: "guaranteed", Names: []string{"low", "high"}},
		{Title: "gap", Names: []string{"gap"}},
		{Title: "time", Names: []string{"seconds"}},
		{Title: "allocated", Names: []string{"bytes"}},
		{Title: "stopped by", Names: []string{"stopped_by"}},
	}...)
	for _, id := range ids {
		solved, err := catalog().Solve(c.Context, experiments.Problem{
			Env: id, EnvFile: envFile, EnvSet: assignmentsOf(c, "env-set"), InstanceSeed: c.Uint64("instance-seed"),
			Limit: c.Int("max-states"), Watch: watchStates(id),
		})
		if err != nil {
			return err
		}
		grid.Add(solvedRow(solved)...)
		if path := c.String("policies"); path != "" && solved.Stopped == nil {
			if err := writePolicies(path, solved); err != nil {
				return err
			}
		}
	}
	return grid.Render(c.App.Writer, c.String("format"))
}

// solvedRow is a line of the table.
func solvedRow(s *experiments.Solved) []results.Cell {
	states, stopped := results.Int(s.States), ""
	guaranteed, gap := fmt.Sprintf("%.6f to %.6f", s.Low, s.High), fmt.Sprintf("%.0e", s.High-s.Low)
	if s.Stopped != nil {
		states, guaranteed, gap, stopped = results.Fixed(math.NaN(), 0), "—", "—", s.Stopped.Error()
	}
	return []results.Cell{
		results.Text(s.Env), states, results.Fixed(s.Value, 6), {Text: guaranteed, Values: []any{s.Low, s.High}},
		{Text: gap, Values: []any{s.High - s.Low}}, results.Seconds(s.Time.Seconds()),
		{Text: results.Scaled(float64(s.Bytes)).Text + "B", Values: []any{float64(s.Bytes)}}, results.Text(stopped),
	}
}

// watchStates logs how far the work on a game is.
func watchStates(id string) func(string, int) {
	logged := time.Now()
	return func(phase string, count int) {
		if time.Since(logged) >= logEvery {
			logged = time.Now()
			slog.Info("solving", "env", id, "phase", phase, "states", count)
		}
	}
}

// writePolicies writes a line for each state, seat and action.
func writePolicies(path string, s *experiments.Solved) error {
	var b strings.Builder
	out := csv.NewWriter(&b)
	out.Write([]string{"state", "attacker_sees", "defender_sees", "value", "seat", "action", "probability"}) //nolint:errcheck // Error tells
	s.EachAction(func(a experiments.SolvedAction) {
		out.Write([]string{ //nolint:errcheck // Error tells
			fmt.Sprint(a.State), join(a.Sees[0]), join(a.Sees[1]), fmt.Sprint(a.Value), a.Role.String(), a.Name,
			fmt.Sprint(a.Probability),
		})
	})
	out.Flush()
	if err := out.Error(); err != nil {
		return err
	}
	return results.WriteFile(path, []byte(b.String()))
}

// join writes numbers with spaces between.
func join(xs []float32) string {
	return strings.Trim(fmt.Sprint(xs), "[]")
}
