// Command idsrl trains and tests attackers and defenders in network-intrusion games.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"

	"idsrl/algos"
	"idsrl/algos/actorcritic"
	"idsrl/algos/dqn"
	"idsrl/algos/ppo"
	"idsrl/algos/qlearning"
	"idsrl/algos/reinforce"
	"idsrl/envs"
	"idsrl/envs/idsgame"
	"idsrl/envs/netsecgame/play"
	"idsrl/envs/settings"
	"idsrl/envs/toy"
	"idsrl/experiments"
	"idsrl/results"
)

// version and commit are set by the Makefile.
var version, commit = "unknown", "unknown"

// Exit codes, as documented in help.
const (
	exitOK          = 0
	exitFailure     = 1
	exitUsage       = 2
	exitInterrupted = 130
)

// environments are all that can be trained on.
func environments() *envs.Registry {
	r := new(envs.Registry)
	r.Add(idsgame.Entries()...)
	r.Add(play.Entries()...)
	r.Add(toy.Entries()...)
	return r
}

// algorithms are all that can learn.
func algorithms() []algos.Algorithm {
	return []algos.Algorithm{
		qlearning.Algorithm(), dqn.Algorithm(), reinforce.Algorithm(), actorcritic.Algorithm(), ppo.Algorithm(),
	}
}

func catalog() experiments.Catalog {
	return experiments.Catalog{Envs: environments(), Algorithms: algorithms()}
}

func program() results.Program {
	return results.Program{
		Version: version, Commit: commit, Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH,
	}
}

func main() { os.Exit(run(os.Args, os.Stdout, os.Stderr)) }

// run is the program: arguments in, exit code out.
func run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := interruptible(stderr)
	defer stop()
	slog.SetDefault(slog.New(slog.NewTextHandler(stderr, nil)))
	err := newApp(stdout, stderr).RunContext(ctx, args)
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, experiments.ErrInterrupted), errors.Is(err, context.Canceled):
		fmt.Fprintln(stderr, "idsrl:", err)
		return exitInterrupted
	}
	fmt.Fprintln(stderr, "idsrl:", strings.ReplaceAll(err.Error(), "\n", "\nidsrl: "))
	if isUsage(err) {
		return exitUsage
	}
	return exitFailure
}

// interruptible is done at the first interrupt; the second one ends the program at once.
func interruptible(stderr io.Writer) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case <-signals:
		case <-ctx.Done():
			return
		}
		fmt.Fprintln(stderr, "\nidsrl: stopping; everything is kept. Once more to stop at once.")
		cancel()
		<-signals
		os.Exit(exitInterrupted)
	}()
	return ctx, func() {
		signal.Stop(signals)
		cancel()
	}
}

// usageError is an error of the command line: what was asked for does not exist or does not fit.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func isUsage(err error) bool {
	var usage usageError
	var setting *settings.Error
	return errors.As(err, &usage) || errors.As(err, &setting) || errors.Is(err, envs.ErrUnknown)
}

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

func newApp(stdout, stderr io.Writer) *cli.App {
	cli.VersionPrinter = func(c *cli.Context) {
		p := program()
		fmt.Fprintf(c.App.Writer, "idsrl %s (commit %s, %s, %s/%s)\n", p.Version, p.Commit, p.Go, p.OS, p.Arch)
	}
	return &cli.App{
		Name:    "idsrl",
		Usage:   "reinforcement learning for network-intrusion games",
		Version: version,
		Description: `Trains attackers and defenders, tests them against each other, and keeps every number reproducible:
the same configuration and seed give the same bytes.

   idsrl envs list                                                 what can be played
   idsrl train --env idsgame-minimal_defense-v2 --algo tabular-q   train an attacker
   idsrl results                                                   tables over all runs
   idsrl eval RUN                                                  test what a run has learnt

Flags stand before other arguments. Results go to standard output, messages to standard error.

Exit codes: 0 success; 1 failure, or a difference found by replay or verify; 2 wrong usage, such as a name
that does not exist or a setting out of range; 130 interrupted.`,
		Writer: stdout, ErrWriter: stderr,
		Suggest: true, EnableBashCompletion: true,
		HideHelpCommand: true,
		ExitErrHandler:  func(*cli.Context, error) {}, // run decides
		OnUsageError:    onUsageError,
		CommandNotFound: func(*cli.Context, string) {},
		Action: func(c *cli.Context) error {
			if name := c.Args().First(); name != "" {
				return unknownCommand(c, name)
			}
			return cli.ShowAppHelp(c)
		},
		Commands: withUsageErrors([]*cli.Command{
			trainCommand(), experimentsCommand(), tuneCommand(), evalCommand(), simulateCommand(), leagueCommand(), verifyCommand(), exportCommand(),
			resultsCommand(), plotCommand(), trackCommand(), envsCommand(), configCommand(), replayCommand(), playCommand(), viewCommand(), recordCommand(), serveCommand(),
			agentCommand(), baselinesCommand(), solveCommand(), exploitCommand(), benchCommand(),
		}),
	}
}

// withUsageErrors makes commands report wrong flags as errors instead of printing their help.
func withUsageErrors(commands []*cli.Command) []*cli.Command {
	for _, c := range commands {
		c.OnUsageError = onUsageError
		c.HideHelpCommand = true
		withUsageErrors(c.Subcommands)
		if len(c.Subcommands) > 0 && c.Action == nil {
			c.Action = func(c *cli.Context) error {
				if name := c.Args().First(); name != "" {
					return unknownCommand(c, name)
				}
				return cli.ShowSubcommandHelp(c)
			}
		}
	}
	return commands
}

func onUsageError(c *cli.Context, err error, _ bool) error {
	flag := strings.TrimLeft(strings.TrimPrefix(err.Error(), "flag provided but not defined: "), "-")
	var known []string
	if c.Command != nil {
		for _, f := range c.Command.Flags {
			known = append(known, f.Names()...)
		}
	}
	if near := settings.Suggest(flag, known); near != "" && flag != err.Error() {
		return usagef("%w; did you mean --%s?", err, near)
	}
	return usagef("%w; see --help", err)
}

func unknownCommand(c *cli.Context, name string) error {
	var known []string
	for _, sub := range c.Command.Subcommands {
		known = append(known, sub.Name)
	}
	if len(known) == 0 {
		for _, sub := range c.App.Commands {
			known = append(known, sub.Name)
		}
	}
	return &envs.UnknownError{Kind: "command", Name: name, Known: known}
}
