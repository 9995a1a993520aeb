package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"idsrl/algos"
	"idsrl/envs/settings"
	"idsrl/experiments"
)

func configCommand() *cli.Command {
	return &cli.Command{
		Name:      "config",
		Usage:     "print every setting with its default and meaning, as YAML to edit and give back",
		ArgsUsage: "ALGO | env [ID]",
		Description: `   idsrl config tabular-q > q.yaml         a run's settings; edit, then: idsrl train --config q.yaml --env ID
   idsrl config env > my.yaml              an environment's settings; edit, then: idsrl train --env-config my.yaml ...
   idsrl config env idsgame-v19            the same, with the values of that id

What a file does not mention keeps its default, so a file may be cut down to what it changes. Where attacker or defender
names an algorithm of its own, its settings stand under attacker_settings or defender_settings.`,
		Action: func(c *cli.Context) error {
			name := c.Args().First()
			if name == "" || name != "env" && c.NArg() > 1 || c.NArg() > 2 {
				return usagef("idsrl config needs the name of an algorithm (%s), or env and perhaps an ID",
					strings.Join(algorithmNames(), ", "))
			}
			if name == "env" {
				return printEnvConfig(c)
			}
			algorithm, err := algos.Find(algorithms(), name)
			if err != nil {
				return err
			}
			cfg := experiments.Defaults()
			cfg.Env, cfg.Algo = exampleEnv, algorithm.Name
			cfg.Episodes, cfg.Steps, cfg.Envs = algorithm.Budget.Episodes, algorithm.Budget.Steps, algorithm.Envs
			if err := cfg.EnvSettings.Bind(&struct{}{}); err != nil {
				return err
			}
			if err := cfg.Settings.Bind(algorithm.Config()); err != nil {
				return err
			}
			_, err = c.App.Writer.Write(settings.Encode(cfg)) // also what a saved configuration leaves out
			return err
		},
	}
}

// exampleEnv is the environment of examples.
const exampleEnv = "idsgame-minimal_defense-v2"

func algorithmNames() []string {
	var names []string
	for _, a := range algorithms() {
		names = append(names, a.Name)
	}
	return names
}

func printEnvConfig(c *cli.Context) error {
	id := c.Args().Get(1)
	if id == "" {
		id = exampleEnv
	}
	entry, err := environments().Lookup(id)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.App.Writer, "# Settings of %s: %s.\n%s", entry.ID, entry.About, settings.Encode(entry.Game()))
	return err
}
