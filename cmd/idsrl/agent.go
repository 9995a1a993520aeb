package main

import (
	"log/slog"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"idsrl/envs"
	"idsrl/envs/netsecgame/agent"
	"idsrl/results"
)

func agentCommand() *cli.Command {
	return &cli.Command{
		Name:  "agent",
		Usage: "play NetSecGame over TCP",
		Description: `Joins the game of a server, of idsrl serve or of the original's, and plays. Policies know what the server tells agents:

` + policyList() + `
An episode ends for all agents together, and the next one begins when all wish it. Connections are not encrypted.

   idsrl agent --connect 127.0.0.1:9000 --role attacker --policy bfs --episodes 10
   idsrl agent --connect 127.0.0.1:9000 --role defender --policy blocking`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "connect", Value: "127.0.0.1:9000", Usage: "the server's `ADDRESS`"},
			&cli.StringFlag{Name: "role", Value: envs.Attacker.String(), Usage: "attacker, defender or benign"},
			&cli.StringFlag{Name: "policy", Value: "random", Usage: "who plays; see above"},
			&cli.IntFlag{Name: "episodes", Value: 1, Usage: "episodes to play"},
			&cli.StringFlag{Name: "name", Usage: "of the agent", DefaultText: "idsrl-POLICY"},
			&cli.StringFlag{Name: "token", Usage: "that the server asks of the role"},
			&cli.Uint64Flag{Name: "seed", Usage: "of what the policy draws"},
			formatFlag(),
		},
		Action: playAgent,
	}
}

// agentRoles are those that agents can have.
var agentRoles = []envs.Role{envs.Attacker, envs.Defender, envs.Benign}

// policyList is the roles and their policies for help.
func policyList() string {
	var b strings.Builder
	for _, role := range agentRoles {
		for _, bot := range agent.Bots(role) {
			b.WriteString("   " + role.String() + " " + bot.Name + ": " + bot.About + "\n")
		}
	}
	return b.String()
}

// agentOf is what the flags ask for.
func agentOf(c *cli.Context) (cfg agent.Config, err error) {
	if c.NArg() > 0 {
		return cfg, usagef("idsrl agent takes no arguments, but has %q", c.Args().First())
	}
	cfg = agent.Config{
		Address: c.String("connect"), Name: c.String("name"), Token: c.String("token"),
		Episodes: c.Int("episodes"), Seed: c.Uint64("seed"),
	}
	if _, _, err := net.SplitHostPort(cfg.Address); err != nil {
		return cfg, usagef("--connect %s: must be HOST:PORT", cfg.Address)
	}
	if cfg.Episodes < 1 {
		return cfg, usagef("--episodes %d: must be at least 1", cfg.Episodes)
	}
	role := slices.IndexFunc(agentRoles, func(r envs.Role) bool { return r.String() == c.String("role") })
	if role < 0 {
		return cfg, usagef("--role %s: must be attacker, defender or benign", c.String("role"))
	}
	cfg.Role = agentRoles[role]
	policy := c.String("policy")
	if cfg.Name == "" {
		cfg.Name = "idsrl-" + policy
	}
	var known []string
	for _, bot := range agent.Bots(cfg.Role) {
		if bot.Name == policy {
			cfg.Policy = bot.New()
			return cfg, nil
		}
		known = append(known, bot.Name)
	}
	return cfg, &envs.UnknownError{Kind: cfg.Role.String() + " policy", Name: policy, Known: known}
}

func playAgent(c *cli.Context) error {
	cfg, err := agentOf(c)
	if err != nil {
		return err
	}
	var wins, returns, steps []float64
	logged := time.Now()
	failed := agent.Play(c.Context, cfg, func(e agent.Episode) {
		win := 0.0
		if e.Won {
			win = 1
		}
		wins, returns, steps = append(wins, win), append(returns, e.Return), append(steps, float64(e.Steps))
		if time.Since(logged) >= logEvery {
			logged = time.Now()
			slog.Info("playing", "episodes", len(wins), "of", cfg.Episodes, "win_rate", results.Mean(wins))
		}
	})
	if len(wins) == 0 {
		return failed
	}
	grid := results.NewGrid("role", "policy", "episodes", "win_rate", "return", "steps")
	grid.Add(results.Text(cfg.Role.String()), results.Text(c.String("policy")), results.Int(len(wins)),
		results.Fixed(results.Mean(wins), 3), results.Fixed(results.Mean(returns), 2), results.Fixed(results.Mean(steps), 1))
	if err := grid.Render(c.App.Writer, c.String("format")); err != nil {
		return err
	}
	return failed
}
