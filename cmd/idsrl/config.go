package main

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"idsrl/algos"
	"idsrl/envs/netsecgame"
	"idsrl/envs/settings"
	"idsrl/experiments"
	"idsrl/experiments/league"
)

func configCommand() *cli.Command {
	names := netsecgame.Scenarios()
	half := len(names) / 2
	return &cli.Command{
		Name:      "config",
		Usage:     "print every setting with its default and meaning, as YAML to edit and give back",
		ArgsUsage: "ALGO | env [ID] | league | scenario [NAME] | task",
		Description: `   idsrl config tabular-q > q.yaml         a run's settings; edit, then: idsrl train --config q.yaml --env ID
   idsrl config env > my.yaml              an environment's settings; edit, then: idsrl train --env-config my.yaml ...
   idsrl config env idsgame-v19            the same, with the values of that id
   idsrl config league > league.yaml       a league's settings; edit, then: idsrl league run league.yaml
   idsrl config task > task.yaml           a task of NetSecGame; edit, then: idsrl serve --task task.yaml
   idsrl config scenario > my_net.yaml     the topology ` + exampleScenario + `; edit, then in task.yaml: scenario: my_net.yaml
   idsrl config scenario one_network       another one of those below

Scenarios of NetSecGame are ` + strings.Join(names[:half], ", ") + `,
` + strings.Join(names[half:], ", ") + `.

What a file of settings does not mention keeps its default, so it may be cut down to what it changes. Where attacker or
defender names an algorithm of its own, its settings stand under attacker_settings or defender_settings. A task is also for
training: idsrl train --env-set task=task.yaml.`,
		Action: func(c *cli.Context) error {
			name, which := c.Args().First(), c.Args().Get(1)
			if name == "" || c.NArg() > 1 && name != "env" && name != "scenario" || c.NArg() > 2 {
				return usagef("idsrl config needs the name of an algorithm (%s), env and perhaps an ID, league, scenario and perhaps a NAME, or task",
					strings.Join(algorithmNames(), ", "))
			}
			switch name {
			case "env":
				return printEnvConfig(c, cmp.Or(which, exampleEnv))
			case "scenario":
				data, err := netsecgame.ScenarioFile(cmp.Or(which, exampleScenario))
				if err != nil {
					return usageError{err}
				}
				_, err = c.App.Writer.Write(data)
				return err
			case "league":
				_, err := c.App.Writer.Write(league.Template())
				return err
			case "task":
				_, err := c.App.Writer.Write(netsecgame.TaskTemplate())
				return err
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

// What examples are about.
const (
	exampleEnv      = "idsgame-minimal_defense-v2"
	exampleScenario = "two_networks_small"
)

func algorithmNames() []string {
	var names []string
	for _, a := range algorithms() {
		names = append(names, a.Name)
	}
	return names
}

func printEnvConfig(c *cli.Context, id string) error {
	entry, err := environments().Lookup(id)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.App.Writer, "# Settings of %s: %s.\n%s", entry.ID, entry.About, settings.Encode(entry.Game()))
	return err
}
