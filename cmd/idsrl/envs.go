package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"idsrl/envs"
	"idsrl/envs/settings"
	"idsrl/results"
)

func envsCommand() *cli.Command {
	return &cli.Command{
		Name:  "envs",
		Usage: "list and explain environments",
		Description: `   idsrl envs list                              what there is
   idsrl envs show idsgame-minimal_defense-v2   one of them, explained`,
		Subcommands: []*cli.Command{
			{
				Name:      "list",
				Usage:     "list environments",
				ArgsUsage: "[TEXT ...]",
				Description: `Lists the environments whose id or description contains every TEXT.

   idsrl envs list                              all
   idsrl envs list --role defender --version 2  ids in which version 2's defender learns
   idsrl envs list minimal                      those against the minimal defence`,
				Flags: []cli.Flag{
					&cli.StringFlag{Name: "role", Usage: "only with a learner in the seat of this `ROLE`: attacker, defender"},
					&cli.StringFlag{Name: "version", Usage: "only `VERSION` such as 2 or v2"},
					formatFlag(),
				},
				Action: listEnvs,
			},
			{
				Name:      "show",
				Usage:     "explain an environment: network, rules, spaces, opponents, settings",
				ArgsUsage: "ID",
				Description: `Draws the network and says how the game is won and paid, what each seat sees and does, who plays, and
every setting.

   idsrl envs show idsgame-minimal_defense-v2
   idsrl envs show --env-set num_layers=3 idsgame-v2`,
				Flags:  []cli.Flag{envFileFlag(), envSetFlag()},
				Action: showEnv,
			},
		},
	}
}

func listEnvs(c *cli.Context) error {
	role := c.String("role")
	if role != "" && role != envs.Attacker.String() && role != envs.Defender.String() {
		return usagef("--role %s: there are attacker and defender", role)
	}
	suffix := ""
	if v := c.String("version"); v != "" {
		suffix = "-v" + strings.TrimPrefix(v, "v")
	}
	grid := results.NewGrid("id", "learners", "actions", "observation", "about")
	for _, e := range environments().Entries() {
		if !strings.HasSuffix(e.ID, suffix) || !contains(e.ID+" "+e.About, c.Args().Slice()) {
			continue
		}
		env, err := e.New(0)
		if err != nil {
			return err
		}
		seats := env.Spec().Seats
		var roles, actions, shapes []string
		for _, s := range seats {
			roles = append(roles, s.Role.String())
			actions = append(actions, fmt.Sprint(s.Actions.N))
			shapes = append(shapes, shape(s.Obs))
		}
		if role != "" && !contains(strings.Join(roles, " "), []string{role}) {
			continue
		}
		grid.Add(results.Text(e.ID), results.Text(strings.Join(roles, ", ")), results.Text(strings.Join(actions, ", ")),
			results.Text(strings.Join(shapes, ", ")), results.Text(e.About))
	}
	if len(grid.Rows) == 0 {
		return usagef("no environment is like that; idsrl envs list shows all")
	}
	return grid.Render(c.App.Writer, c.String("format"))
}

// contains reports whether text contains every part.
func contains(text string, parts []string) bool {
	for _, part := range parts {
		if !strings.Contains(text, part) {
			return false
		}
	}
	return true
}

func shape(b envs.Box) string {
	var sizes []string
	for _, n := range b.Shape {
		sizes = append(sizes, fmt.Sprint(n))
	}
	return strings.Join(sizes, "x")
}

func showEnv(c *cli.Context) error {
	if c.NArg() != 1 {
		return usagef("idsrl envs show needs one ID; idsrl envs list shows all")
	}
	entry, err := environments().Lookup(c.Args().First())
	if err != nil {
		return err
	}
	game := entry.Game()
	file, err := sourceOf(c, "env-config")
	if err != nil {
		return err
	}
	if err := settings.Load(game, file, settings.Assign("--env-set", assignmentsOf(c, "env-set"))); err != nil {
		return err
	}
	env, err := game.New(0)
	if err != nil {
		return err
	}
	w := c.App.Writer
	fmt.Fprintf(w, "%s: %s\n\n", entry.ID, entry.About)
	if d, ok := game.(envs.Describer); ok {
		fmt.Fprintln(w, d.Describe())
	}
	for i, seat := range env.Spec().Seats {
		showSeat(c, entry, game, i, seat)
	}
	if n := env.Spec().MaxSteps; n > 0 {
		fmt.Fprintf(w, "Episodes end after at most %d steps.\n", n)
	}
	fmt.Fprintf(w, "\nSettings (change them with --env-set KEY=VALUE or --env-config FILE):\n\n%s", settings.Encode(game))
	return nil
}

func showSeat(c *cli.Context, entry envs.Entry, game envs.Game, i int, seat envs.Seat) {
	w := c.App.Writer
	player := "a learner"
	if !entry.Open(i) {
		player = "bot:" + entry.Cast[i]
	}
	fmt.Fprintf(w, "%s, played by %s\n", strings.ToUpper(seat.Role.String()[:1])+seat.Role.String()[1:], player)
	low, high := seat.Obs.Low[0], seat.Obs.High[0]
	for j := range seat.Obs.Low {
		low, high = min(low, seat.Obs.Low[j]), max(high, seat.Obs.High[j])
	}
	fmt.Fprintf(w, "  observation  %s, values from %g to %g\n", shape(seat.Obs), low, high)
	last := seat.Actions.N - 1
	fmt.Fprintf(w, "  actions      %d: 0 is %s, 1 is %s, ..., %d is %s\n", seat.Actions.N, seat.Actions.Name(0),
		seat.Actions.Name(min(1, last)), last, seat.Actions.Name(last))
	for _, e := range seat.Encodings {
		fmt.Fprintf(w, "  states       %s: %d, %s\n", e.Name, e.States, e.About)
	}
	for _, b := range game.Bots(i) {
		fmt.Fprintf(w, "  bot:%-8s %s\n", b.Name, b.About)
	}
	fmt.Fprintln(w)
}
