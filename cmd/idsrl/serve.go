package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"github.com/urfave/cli/v2"

	"idsrl/envs"
	"idsrl/envs/netsecgame"
	"idsrl/envs/netsecgame/coordinator"
	"idsrl/envs/netsecgame/server"
	"idsrl/envs/settings"
)

func serveCommand() *cli.Command {
	limits := server.DefaultLimits()
	return &cli.Command{
		Name:  "serve",
		Usage: "run NetSecGame for agents that join over TCP",
		Description: `Plays the tasks of NetSecGame with agents that were written for it. Each task is a room, a game of its own, with a
port of its own: the first has --port, the next ones the ports after it. Interrupt it once to stop: agents that wait for
a reply are told, connections are closed, trajectories are saved.

Who can reach the server can play. At a --host that other machines reach, it therefore needs --tls-cert with --tls-key,
and --tokens or --tls-client-ca, or else --insecure. A token stands in JoinGame, beside its parameters:
{"action_type": "ActionType.JoinGame", "parameters": {...}, "token": "..."}.

   idsrl serve --task netsecenv_conf.yaml                        in place of the original's server
   idsrl serve --task one.yaml --task two.yaml --port 9000       two games, on ports 9000 and 9001
   idsrl serve --task one.yaml --rooms 10 --metrics :9100        ten games of one task, counted for Prometheus`,
		Flags: []cli.Flag{
			&cli.GenericFlag{
				Name: "task", Value: new(assignments), Usage: "`FILE` with the configuration of a task; may be repeated",
			},
			countFlag("rooms", 1, "games of each task"),
			&cli.StringFlag{Name: "host", Value: "127.0.0.1", Usage: "address to listen at"},
			&cli.IntFlag{Name: "port", Value: 9000, Usage: "of the first room; 0: any that is free, for every room"},
			&cli.Uint64Flag{Name: "seed", Value: 42, Usage: "of the random numbers, the same for every room"},
			&cli.StringFlag{
				Name: "randomness", Usage: "`FILE` with random events, the array of a recording's header: they happen in that order",
			},
			&cli.StringFlag{
				Name: "world", Value: "netsecgame", Usage: "netsecgame, or whitebox: agents are given a list of all actions",
			},
			compatFlag("default"),
			&cli.IntFlag{Name: "max-connections", Usage: "of a room", DefaultText: "no limit; required_players with --compat strict"},
			&cli.StringFlag{
				Name: "save-trajectories", Usage: "append each agent's episodes to files in `DIR`",
				DefaultText: "logs/trajectories, if the task says so",
			},
			&cli.StringFlag{Name: "metrics", Usage: "serve metrics for Prometheus at `ADDRESS`/metrics"},
			&cli.StringFlag{Name: "tokens", Usage: "`FILE` with the tokens that roles need: attacker, defender, benign"},
			&cli.StringFlag{Name: "tls-cert", Usage: "`FILE` with the server's certificate, as PEM"},
			&cli.StringFlag{Name: "tls-key", Usage: "`FILE` with the key of --tls-cert"},
			&cli.StringFlag{Name: "tls-client-ca", Usage: "`FILE` with who must have signed the certificates of clients"},
			&cli.BoolFlag{Name: "insecure", Usage: "let other machines play without encryption and tokens"},
			&cli.IntFlag{Name: "max-message", Value: limits.Message, Usage: "bytes of a message"},
			&cli.IntFlag{Name: "max-clients", Value: limits.Connections, Usage: "connections to all rooms"},
			&cli.Float64Flag{Name: "max-rate", Usage: "messages a second of a connection, which is slowed down to it; 0: no limit"},
			&cli.DurationFlag{Name: "pause", Value: limits.Pause, Usage: "how long a client may stop in the middle of a message"},
			&cli.DurationFlag{Name: "idle", Value: limits.Idle, Usage: "how long agents may say nothing when it is their turn"},
			&cli.DurationFlag{Name: "greeting", Value: limits.Greeting, Usage: "how long clients may take to join"},
		},
		Action: serve,
	}
}

func serve(c *cli.Context) error {
	if c.NArg() > 0 {
		return usagef("idsrl serve takes no arguments, but has %q", c.Args().First())
	}
	limits := server.DefaultLimits()
	limits.Message, limits.Connections = c.Int("max-message"), c.Int("max-clients")
	limits.Rate, limits.Pause = c.Float64("max-rate"), c.Duration("pause")
	limits.Idle, limits.Greeting = c.Duration("idle"), c.Duration("greeting")
	cfg := server.Config{
		Limits: limits, Metrics: c.String("metrics"), Insecure: c.Bool("insecure"), Log: slog.Default(),
	}
	if min(limits.Message, limits.Connections) < 1 || min(limits.Pause, limits.Idle, limits.Greeting) <= 0 || limits.Rate < 0 {
		return usagef("--max-message, --max-clients, --pause, --idle and --greeting must be positive, --max-rate not negative")
	}
	var err error
	if cfg.TLS, err = tlsOf(c); err != nil {
		return err
	}
	if cfg.Rooms, err = roomsOf(c); err != nil {
		return err
	}
	s, err := server.Listen(cfg)
	if err != nil {
		return err
	}
	for i, r := range cfg.Rooms {
		fmt.Fprintf(c.App.Writer, "%s: %s\n", r.Name, s.Address(i))
	}
	s.Serve(c.Context)
	return nil
}

// roomsOf are the games that the flags ask for.
func roomsOf(c *cli.Context) ([]server.Room, error) {
	files, copies, port := assignmentsOf(c, "task"), c.Int("rooms"), c.Int("port")
	games := len(files) * copies
	switch last := port + games - 1; {
	case len(files) == 0:
		return nil, usagef("idsrl serve needs --task FILE")
	case port < 0 || port > 0 && last > 65535:
		return nil, usagef("--port %d: ports must be in [0, 65535], and the last of %d rooms has %d", port, games, last)
	case c.IsSet("randomness") && games > 1:
		return nil, usagef("--randomness is for one room, not %d", games)
	}
	options, err := gameOptions(c)
	if err != nil {
		return nil, err
	}
	var rooms []server.Room
	var failed []error
	for _, file := range files {
		task, err := taskOf(file)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		for range copies {
			number := len(rooms)
			room := server.Room{
				Name: fmt.Sprintf("%s-%d", task.Scenario.Name, number), Task: task, Options: options,
				Address: net.JoinHostPort(c.String("host"), strconv.Itoa(port+number*min(port, 1))),
			}
			if room.Options.Randomness, err = randomnessOf(c); err != nil {
				return nil, err
			}
			if dir := c.String("save-trajectories"); dir != "" || task.SaveTrajectories {
				if dir == "" {
					dir = filepath.Join("logs", "trajectories")
				}
				if games > 1 {
					dir = filepath.Join(dir, room.Name)
				}
				room.Options.Save = server.SaveTo(dir, slog.Default())
			}
			rooms = append(rooms, room)
		}
	}
	return rooms, errors.Join(failed...)
}

// taskOf reads a task, and prints what is odd about it.
func taskOf(file string) (*netsecgame.Task, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, usagef("--task: %w", err)
	}
	task, warnings, err := netsecgame.LoadTask(file, data)
	warn(warnings)
	return task, err
}

// gameOptions are those that every room has.
func gameOptions(c *cli.Context) (o coordinator.Options, err error) {
	if o.MaxConnections = c.Int("max-connections"); o.MaxConnections < 0 {
		return o, usagef("--max-connections %d: must not be negative", o.MaxConnections)
	}
	switch world := c.String("world"); world {
	case "netsecgame":
	case "whitebox":
		o.Whitebox = true
	default:
		return o, usagef("--world %s: must be netsecgame or whitebox", world)
	}
	if o.Compat, err = compatOf(c); err != nil {
		return o, err
	}
	tokens, err := sourceOf(c, "tokens")
	if err != nil || tokens == nil {
		return o, err
	}
	var t struct {
		Attacker string `yaml:"attacker" usage:"token of attackers"`
		Defender string `yaml:"defender" usage:"token of defenders"`
		Benign   string `yaml:"benign" usage:"token of benign agents"`
	}
	if err := settings.Load(&t, tokens); err != nil {
		return o, err
	}
	o.Tokens[envs.Attacker], o.Tokens[envs.Defender], o.Tokens[envs.Benign] = t.Attacker, t.Defender, t.Benign
	return o, nil
}

func compatFlag(value string) cli.Flag {
	return &cli.StringFlag{
		Name: "compat", Value: value,
		Usage: "odd rules of NetSecGame that hold: strict, all; default, those that do no harm",
	}
}

func compatOf(c *cli.Context) (netsecgame.Compat, error) {
	switch compat := c.String("compat"); compat {
	case "default":
		return netsecgame.Compat{}, nil
	case "strict":
		return netsecgame.Strict(), nil
	default:
		return netsecgame.Compat{}, usagef("--compat %s: must be default or strict", compat)
	}
}

// randomnessOf is where a room's random events come from.
func randomnessOf(c *cli.Context) (netsecgame.Randomness, error) {
	file := c.String("randomness")
	if file == "" {
		r := netsecgame.NewTwister()
		r.Seed(c.Uint64("seed"))
		return r, nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, usagef("--randomness: %w", err)
	}
	script, err := netsecgame.NewScript(data)
	if err != nil {
		return nil, usagef("%s: %w", file, err)
	}
	return script, nil
}

// tlsOf is how connections are encrypted, nil if they are not.
func tlsOf(c *cli.Context) (*tls.Config, error) {
	cert, key, ca := c.String("tls-cert"), c.String("tls-key"), c.String("tls-client-ca")
	switch {
	case cert == "" && key == "" && ca == "":
		return nil, nil
	case cert == "" || key == "":
		return nil, usagef("--tls-cert and --tls-key go together, and --tls-client-ca needs both")
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, usagef("--tls-cert, --tls-key: %w", err)
	}
	cfg := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	if ca == "" {
		return cfg, nil
	}
	cfg.ClientAuth = tls.RequireAndVerifyClientCert
	cfg.ClientCAs, err = authorities("tls-client-ca", ca)
	return cfg, err
}
