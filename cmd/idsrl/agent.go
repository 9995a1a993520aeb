package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"idsrl/envs"
	"idsrl/envs/netsecgame/agent"
	"idsrl/envs/netsecgame/play"
	"idsrl/results"
)

func agentCommand() *cli.Command {
	return &cli.Command{
		Name:  "agent",
		Usage: "play NetSecGame over TCP",
		Description: `Joins the game of a server, of idsrl serve or of the original's, and plays. Scripted policies know what the server tells
agents:

` + policyList() + `
What a run has learnt on an environment netsecgame-... plays as well: checkpoint:RUN draws its actions as at the end of its
training, greedy:RUN takes the best. The game must have the scenario of the training. Its addresses may be others.

An episode ends for all agents together, and the next one begins when all wish it.

   idsrl agent --role attacker --policy bfs --episodes 10
   idsrl agent --role defender --policy blocking --delay 100ms
   idsrl agent --policy greedy:RUN --episodes 250
   idsrl agent --connect game.example.org:9000 --ca ca.pem --token secret`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "connect", Value: "127.0.0.1:9000", Usage: "the server's `ADDRESS`"},
			&cli.StringFlag{Name: "role", Usage: "attacker, defender or benign", DefaultText: "what the run has learnt, or attacker"},
			&cli.StringFlag{Name: "policy", Value: "random", Usage: "who plays; see above"},
			countFlag("episodes", 1, "episodes to play"),
			&cli.DurationFlag{Name: "delay", Usage: "how long to wait before each action"},
			&cli.BoolFlag{Name: "new-addresses", Usage: "wish new addresses for each further episode, with seeds that follow from --seed"},
			&cli.StringFlag{Name: "name", Usage: "of the agent", DefaultText: "idsrl-POLICY"},
			&cli.Uint64Flag{Name: "seed", Usage: "of what the policy draws"},
			&cli.StringFlag{Name: "token", Usage: "that the server asks of the role"},
			&cli.BoolFlag{Name: "tls", Usage: "encrypt; the system knows who may have signed the server's certificate"},
			&cli.StringFlag{Name: "ca", Usage: "encrypt; `FILE` has who must have signed the server's certificate, as PEM"},
			&cli.StringFlag{Name: "cert", Usage: "`FILE` with the agent's certificate, if the server asks for one"},
			&cli.StringFlag{Name: "key", Usage: "`FILE` with the key of --cert"},
			&cli.BoolFlag{Name: "insecure", Usage: "send the token to another machine without encryption"},
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
	policy := c.String("policy")
	kind, _, learnt := strings.Cut(policy, ":")
	cfg = agent.Config{
		Address: c.String("connect"), Name: c.String("name"), Token: c.String("token"), Insecure: c.Bool("insecure"),
		Episodes: c.Int("episodes"), Seed: c.Uint64("seed"), NewAddresses: c.Bool("new-addresses"), Delay: c.Duration("delay"),
	}
	if cfg.Name == "" {
		cfg.Name = "idsrl-" + kind
	}
	if _, _, err := net.SplitHostPort(cfg.Address); err != nil {
		return cfg, usagef("--connect %s: must be HOST:PORT", cfg.Address)
	}
	if cfg.Delay < 0 {
		return cfg, usagef("--delay %s: must not be negative", cfg.Delay)
	}
	if cfg.TLS, err = agentTLS(c); err != nil {
		return cfg, err
	}
	if name := c.String("role"); name != "" {
		role := slices.IndexFunc(agentRoles, func(r envs.Role) bool { return r.String() == name })
		if role < 0 {
			return cfg, usagef("--role %s: must be attacker, defender or benign", name)
		}
		cfg.Role = agentRoles[role]
	}
	if learnt {
		err = learntAgent(&cfg, policy)
		return cfg, err
	}
	if cfg.Role == envs.Nobody {
		cfg.Role = envs.Attacker
	}
	known := []string{"checkpoint:RUN", "greedy:RUN"}
	for _, bot := range agent.Bots(cfg.Role) {
		if bot.Name == policy {
			cfg.Policy = bot.New()
			return cfg, nil
		}
		known = append(known, bot.Name)
	}
	return cfg, &envs.UnknownError{Kind: cfg.Role.String() + " policy", Name: policy, Known: known}
}

// learntAgent gives an agent the policy that a run has learnt.
func learntAgent(cfg *agent.Config, player string) error {
	learnt, err := catalog().Learnt(player, cfg.Role)
	if err != nil {
		return err
	}
	game, ok := envs.As[*play.Game](learnt.Game)
	if !ok {
		return usagef("--policy %s: has learnt on %s, which is not NetSecGame", player, learnt.Game.Spec().ID)
	}
	cfg.Role = game.Spec().Seats[learnt.Seat].Role
	cfg.Policy = play.NewRemote(game, learnt.Seat, learnt.Policy)
	return nil
}

// agentTLS is how the connection is encrypted, nil if it is not.
func agentTLS(c *cli.Context) (*tls.Config, error) {
	ca, cert, key := c.String("ca"), c.String("cert"), c.String("key")
	if !c.Bool("tls") && ca == "" {
		if cert != "" || key != "" {
			return nil, usagef("--cert and --key need --ca or --tls")
		}
		return nil, nil
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if cert != "" || key != "" {
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return nil, usagef("--cert, --key: %w", err)
		}
		cfg.Certificates = []tls.Certificate{pair}
	}
	if ca != "" {
		var err error
		if cfg.RootCAs, err = authorities("ca", ca); err != nil {
			return nil, err
		}
	}
	return cfg, nil
}

// authorities reads the certificates in the file that a flag names.
func authorities(flag, file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, usagef("--%s: %w", flag, err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, usagef("--%s: %s has no certificate", flag, file)
	}
	return pool, nil
}

func playAgent(c *cli.Context) error {
	cfg, err := agentOf(c)
	if err != nil {
		return err
	}
	wins := 0
	var returns, steps []float64
	logged := time.Now()
	failed := agent.Play(c.Context, cfg, func(e agent.Episode) {
		if e.Won {
			wins++
		}
		returns, steps = append(returns, e.Return), append(steps, float64(e.Steps))
		if time.Since(logged) >= logEvery {
			logged = time.Now()
			slog.Info("playing", "episodes", len(steps), "of", cfg.Episodes, "wins", wins)
		}
	})
	switch {
	case errors.Is(failed, syscall.ECONNREFUSED):
		failed = fmt.Errorf("%w; no server is there; start one with: idsrl serve --task FILE", failed)
	case errors.Is(failed, agent.ErrExposed):
		failed = usagef("--token: %w; encrypt with --tls or --ca, or take the risk with --insecure", failed)
	}
	if len(steps) == 0 {
		return failed
	}
	grid := agentGrid(cfg.Role, c.String("policy"), wins, returns, steps)
	return errors.Join(failed, grid.Render(c.App.Writer, c.String("format")))
}

// agentGrid is the table of an agent's episodes. Benign agents do not win.
func agentGrid(role envs.Role, policy string, wins int, returns, steps []float64) *results.Grid {
	won := results.Proportion(int64(wins), int64(len(steps)))
	if role == envs.Benign {
		won = results.Interval(results.Estimate{Value: math.NaN(), Low: math.NaN(), High: math.NaN()}, 3)
	}
	grid := results.NewGrid("role", "policy", "episodes")
	grid.Columns = append(grid.Columns, []results.Column{
		{Title: "won", Names: []string{"win_rate", "win_low", "win_high"}},
		{Title: "return", Names: []string{"return"}},
		{Title: "steps", Names: []string{"steps"}},
	}...)
	grid.Add(results.Text(role.String()), results.Text(policy), results.Int(len(steps)), won,
		results.Fixed(results.Mean(returns), 2), results.Fixed(results.Mean(steps), 1))
	return grid
}
