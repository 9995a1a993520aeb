package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"idsrl/envs"
	"idsrl/envs/settings"
	"idsrl/experiments"
	"idsrl/experiments/manual"
)

func playCommand() *cli.Command {
	return &cli.Command{
		Name:  "play",
		Usage: "play a seat yourself, in the browser or in the terminal",
		Description: `Shows a page in which you play a seat of a game: attacker or defender of idsgame or NetSecGame. You see what the rules
let this seat see; when a game is over, you may look at the truth. The other seat plays the environment's bot or, by
--opponent: bot:NAME, random, checkpoint:RUN, greedy:RUN, or person, who gets a page with another link.

   idsrl play --env idsgame-v2                              as attacker, against a bot
   idsrl play --env idsgame-v2 --as defender --open
   idsrl play --env idsgame-v2 --opponent person            two people, a link each
   idsrl play --env idsgame-v2 --as defender --opponent checkpoint:RUN   against what a run has learnt
   idsrl play --env netsecgame-two_networks_small-attacker-v0
   idsrl play --env idsgame-v2 --tty                        in the terminal
   idsrl play --config play.yaml                            env, as, opponent and seed from a file

Every game is saved in a file in the folder of --save: of idsgame as a recording for idsrl replay.`,
		Flags: append([]cli.Flag{
			envFlag("environment, `ID` as in idsrl envs list"),
			&cli.StringFlag{Name: "as", Usage: "`ROLE` that you play: attacker, defender", DefaultText: "the seat that is open"},
			&cli.StringFlag{
				Name: "opponent", Usage: "`PLAYER` of the other seats, or person",
				DefaultText: "the environment's bot, or the game's first",
			},
			&cli.Uint64Flag{Name: "seed", Value: 1, Usage: "root of all random numbers"},
			&cli.StringFlag{Name: "config", Usage: "`FILE` with env, as, opponent and seed; flags win"},
			envFileFlag(), envSetFlag(),
			instanceFlag("decides the layout: where the weak spots are", "that of the run that plays, or from the seed"),
			&cli.StringFlag{Name: "save", Value: filepath.Join("results", "play"), Usage: "`DIR` for the games; empty: keep none"},
			&cli.BoolFlag{Name: "tty", Usage: "play in the terminal; lines of text where it is none"},
		}, webFlags()...),
		Action: playGame,
	}
}

// playConfigOf reads the file, over which the flags win. Runs in the file are found from its folder.
func playConfigOf(c *cli.Context) (*experiments.PlayConfig, error) {
	cfg := &experiments.PlayConfig{Seed: c.Uint64("seed")}
	source, err := sourceOf(c, "config")
	if err != nil {
		return nil, err
	}
	if err := settings.Load(cfg, source); err != nil {
		return nil, err
	}
	cfg.Root(filepath.Dir(c.String("config")))
	for flag, value := range map[string]*string{"env": &cfg.Env, "as": &cfg.As, "opponent": &cfg.Opponent} {
		if c.IsSet(flag) {
			*value = c.String(flag)
		}
	}
	if c.IsSet("seed") {
		cfg.Seed = c.Uint64("seed")
	}
	if cfg.Env == "" {
		return nil, usagef("which environment? name one with --env; idsrl envs list shows all")
	}
	return cfg, nil
}

func playGame(c *cli.Context) (err error) {
	if c.NArg() > 0 {
		return usagef("idsrl play takes no arguments, but has %q", c.Args().First())
	}
	session, seat, err := sessionOf(c)
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, session.Close())
		if file := session.File(); file != "" {
			fmt.Fprintln(c.App.ErrWriter, "idsrl: the games are in", file)
		}
	}()
	if c.Bool("tty") {
		return playTerminal(c, session, seat)
	}
	return playPages(c, session, seat)
}

// sessionOf begins the session that the flags ask for. seat is that of whoever started it.
func sessionOf(c *cli.Context) (session *manual.Session, seat int, err error) {
	cfg, err := playConfigOf(c)
	if err != nil {
		return nil, 0, err
	}
	envFile, err := sourceOf(c, "env-config")
	if err != nil {
		return nil, 0, err
	}
	sim := experiments.Simulation{
		Env: cfg.Env, EnvFile: envFile, EnvSet: assignmentsOf(c, "env-set"), InstanceSeed: c.Uint64("instance-seed"), Seed: cfg.Seed,
	}
	if cfg.Opponent != "" && cfg.Opponent != manual.Person {
		sim.Players = map[envs.Role]string{envs.Attacker: cfg.Opponent} // whichever it plays: a run knows its layout
	}
	cast, err := catalog().Cast(sim)
	if err != nil {
		return nil, 0, err
	}
	seat, players, err := seatsOf(cast, cfg)
	if err != nil {
		return nil, 0, err
	}
	session, err = manual.New(cast, manual.Options{Players: players, Seed: cfg.Seed, Save: c.String("save")})
	return session, seat, err
}

// seatsOf says which seat the person takes, and who plays each.
func seatsOf(cast *experiments.Cast, cfg *experiments.PlayConfig) (seat int, players []string, err error) {
	seats := cast.Game.Spec().Seats
	seat = slices.IndexFunc(seats, func(s envs.Seat) bool { return s.Role.String() == cfg.As })
	for i := range seats {
		if cfg.As == "" && seat < 0 && cast.Open(i) {
			seat = i
		}
		players = append(players, cmp.Or(cfg.Opponent, cast.Players(i)[0]))
	}
	if seat < 0 {
		var roles []string
		for _, s := range seats {
			roles = append(roles, s.Role.String())
		}
		return 0, nil, usagef("--as %s: %s has %s", cfg.As, cast.Env, strings.Join(roles, ", "))
	}
	players[seat] = manual.Person
	return seat, players, nil
}

// playPages shows a page for each person.
func playPages(c *cli.Context, session *manual.Session, seat int) error {
	server, err := listenWeb(c)
	if err != nil {
		return err
	}
	pages := manual.Mount(server, session)
	for _, person := range session.People() {
		link := server.URL() + "#" + pages.Token(person)
		fmt.Fprintf(c.App.Writer, "%s: %s\n", session.Seats()[person].Role, link)
		if person == seat && c.Bool("open") {
			openBrowser(c, link)
		}
	}
	ctx, cancel := context.WithCancelCause(c.Context)
	defer cancel(nil)
	go func() {
		select {
		case err := <-pages.Failed():
			cancel(err)
		case <-ctx.Done():
		}
	}()
	err = server.Serve(ctx)
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		err = errors.Join(err, cause)
	}
	return err
}
