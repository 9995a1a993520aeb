package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"idsrl/experiments/manual"
)

// walkCommands visits all commands with the words that lead to them.
func walkCommands(commands []*cli.Command, path []string, visit func(path []string, c *cli.Command)) {
	for _, c := range commands {
		at := append(slices.Clone(path), c.Name)
		visit(at, c)
		walkCommands(c.Subcommands, at, visit)
	}
}

// comment is what may follow a command line: an explanation, or where its output goes.
var comment = regexp.MustCompile(`(\s{2,}|\s#|\s>\s).*`)

// examples are the command lines in a description, without what explains them, and the file that takes the output.
func examples(description string) (lines [][]string, redirects []string) {
	for line := range strings.Lines(description) {
		line = strings.TrimSpace(line)
		if _, after, ok := strings.Cut(line, "./bin/idsrl "); ok {
			line = "idsrl " + after
		}
		if !strings.HasPrefix(line, "idsrl ") {
			continue
		}
		redirect := ""
		if _, after, ok := strings.Cut(line, " > "); ok {
			redirect = strings.Fields(after)[0]
		}
		lines = append(lines, strings.Fields(comment.ReplaceAllString(line, "")))
		redirects = append(redirects, redirect)
	}
	return lines, redirects
}

// Every command says what it is for, with examples that its help shows.
func TestHelp(t *testing.T) {
	app := newApp(io.Discard, io.Discard)
	root := must(t, "--help")
	if out := must(t); out != root {
		t.Errorf("without arguments: %q, with --help: %q", out, root)
	}
	if lines, _ := examples(root); len(lines) == 0 {
		t.Error("the program's help shows no example")
	}
	walkCommands(app.Commands, nil, func(path []string, c *cli.Command) {
		name := strings.Join(path, " ")
		if c.Usage == "" || c.Description == "" {
			t.Errorf("%s has no usage or no description", name)
		}
		if len(path) == 1 && !strings.Contains(root, "   "+c.Name+" ") {
			t.Errorf("the program's help does not name %s", name)
		}
		for _, f := range c.Flags {
			if d, ok := f.(cli.DocGenerationFlag); !ok || d.GetUsage() == "" {
				t.Errorf("%s --%s has no usage", name, f.Names()[0])
			}
		}
		for _, flag := range []string{"--help", "-h"} {
			help := must(t, append(slices.Clone(path), flag)...)
			lines, _ := examples(help)
			if !slices.ContainsFunc(lines, func(line []string) bool { return slices.Equal(line[1:len(path)+1], path) }) {
				t.Errorf("%s %s shows no example of it:\n%s", name, flag, help)
			}
			for _, sub := range c.Subcommands {
				if !strings.Contains(help, sub.Name) {
					t.Errorf("%s %s does not name %s", name, flag, sub.Name)
				}
			}
			for line := range strings.Lines(help) {
				if len([]rune(line)) > 132 {
					t.Errorf("%s %s: a line is longer than 132 columns: %s", name, flag, line)
				}
			}
		}
	})
}

// allExamples are the examples of the whole program.
func allExamples(t *testing.T) (lines [][]string, redirects []string) {
	t.Helper()
	app := newApp(io.Discard, io.Discard)
	descriptions := []string{app.Description}
	walkCommands(app.Commands, nil, func(_ []string, c *cli.Command) { descriptions = append(descriptions, c.Description) })
	for _, d := range descriptions {
		found, to := examples(d)
		lines, redirects = append(lines, found...), append(redirects, to...)
	}
	if len(lines) < 20 {
		t.Fatalf("%d examples only: are they still found?", len(lines))
	}
	return lines, redirects
}

// parsed is the command that args name; its flags and their values have been read, its action has not run.
func parsed(args []string) (command string, err error) {
	app := newApp(io.Discard, io.Discard)
	walkCommands(app.Commands, nil, func(path []string, c *cli.Command) {
		if len(c.Subcommands) == 0 {
			c.Action = func(*cli.Context) error {
				command = strings.Join(path, " ")
				return nil
			}
		}
	})
	return command, app.Run(args)
}

// Every example names a command and flags that exist.
func TestExamplesParse(t *testing.T) {
	lines, _ := allExamples(t)
	// And those of every page.
	pages, err := filepath.Glob("../../*/README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range append(pages, "../../README.md") {
		inCode := false
		for line := range strings.Lines(readFile(t, page)) {
			if strings.HasPrefix(line, "```") {
				inCode = !inCode
			}
			if found, _ := examples(line); inCode {
				lines = append(lines, found...)
			}
		}
	}
	for _, args := range lines {
		command, err := parsed(args)
		if err != nil || command == "" || !strings.HasPrefix(strings.Join(args[1:], " "), command) {
			t.Errorf("%v: command %q, %v", args, command, err)
		}
	}

	// What this test is for would be found.
	for _, wrong := range []string{
		"idsrl train --environment x", "idsrl envs", "idsrl envs look", "idsrl results --format yaml", "idsrl train --seeds x",
	} {
		if command, err := parsed(strings.Fields(wrong)); err == nil && command != "" {
			t.Errorf("%s passes", wrong)
		}
	}
}

// Every example runs, one after the other, with small budgets.
func TestExamplesRun(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute")
	}
	recorded, err := os.ReadFile(filepath.Join(recordings, "v00.jsonl.gz"))
	if err != nil {
		t.Fatal(err)
	}
	conversation, err := os.ReadFile(filepath.Join(conversations, "walk_small_1.jsonl.gz"))
	if err != nil {
		t.Fatal(err)
	}
	tree, err := filepath.Abs("../../experiments")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	for _, part := range []string{"training/v0", "training/v16/minimal_defense/ppo_openai", "simulations/v0"} {
		if err := os.CopyFS(filepath.Join("experiments", part), os.DirFS(filepath.Join(tree, part))); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll("recordings", 0o755); err != nil {
		t.Fatal(err)
	}
	writeFile(t, "recordings/v00.jsonl.gz", string(recorded))
	writeFile(t, "conversation.jsonl.gz", string(conversation))
	const trained = "results/idsgame-minimal_defense-v2/tabular-q/seed-0"

	lines, redirects := allExamples(t)
	writeFile(t, "play.yaml", "env: idsgame-v0\nas: defender\nopponent: bot:random\n")
	writeFile(t, "FILE", "env: idsgame-v0\nattacker: random\ndefender: random\n")
	writeFile(t, "space.yaml", "gamma: {uniform: [0.9, 1]}\n")
	order := []string{"config", "tune", "train"} // the others need what these leave
	for _, args := range lines {
		if !slices.Contains(order, args[1]) {
			order = append(order, args[1])
		}
	}
	for _, command := range order {
		for i, args := range lines {
			if args[1] != command || slices.Contains([]string{"serve", "agent"}, command) || command == "view" && !slices.Contains(args, "--export") || slices.Contains(args, "--connect") { // TestServe and TestAgent do that
				continue
			}
			if command == "experiments" && slices.Contains(args, "verify") { // TestExperimentsRun does that
				continue
			}
			words := slices.Clone(args[1:])
			for j, word := range words {
				words[j] = strings.Trim(word, "'") // as a shell does
				switch word {
				case "RUN":
					words[j] = trained
					if command == "export" {
						words[j] = "neural"
					}
				case "greedy:RUN", "checkpoint:RUN":
					words[j] = strings.TrimSuffix(word, "RUN") + trained
				case "greedy:OTHER_RUN":
					words[j] = "greedy:other"
				case "recordings/*.jsonl.gz":
					words[j] = "recordings/v00.jsonl.gz"
				case strings.TrimSuffix(trained, "0") + "*":
					words[j] = trained
				}
			}
			words = shortened(words)
			switch {
			case slices.Contains(words, "--mp4") && !hasFFmpeg(), command == "play" && slices.Contains(words, manual.Person):
				continue // two people play by pages only
			case command == "play": // by lines, of which there are none
				words = append(words, "--tty")
			}
			if slices.Contains(words, "greedy:other") {
				// One who plays the other seat.
				must(t, append([]string{"train", "--env", "idsgame-random_attack-v2", "--algo", "tabular-q", "--set",
					"state=observation", "--out", "other"}, small...)...)
			}
			if slices.Contains(words, "neural") { // a network, and of the seat that one of the examples names
				if _, err := os.Stat("neural"); err != nil {
					must(t, append([]string{"train", "--env", "idsgame-random_attack-v0", "--algo", "ppo", "--out", "neural"}, small...)...)
				}
			}
			o := idsrl(words...)
			if o.code != exitOK || o.stdout == "" {
				t.Errorf("idsrl %s: exit code %d, %q and %q", strings.Join(words, " "), o.code, o.stdout, o.stderr)
			}
			if redirects[i] == "league.yaml" {
				o.stdout = "env: idsgame-v13\nrounds: 1\ngames: 20\nset: [episodes=400]\n" // edited
			}
			if redirects[i] != "" {
				writeFile(t, redirects[i], o.stdout)
			}
		}
	}
}

// shortened is a command with a small budget.
func shortened(words []string) []string {
	replace := func(at int, flags ...string) []string { // in the place of what the example gives
		for i := 0; i < len(flags); i += 2 {
			words = withoutFlag(words, flags[i])
		}
		return slices.Insert(words, at, flags...)
	}
	switch command := words[0]; {
	case command == "train" && !slices.Contains(words, "--resume"):
		return append(withoutFlag(words, "--episodes"), small...)
	case command == "tune":
		words = withoutFlag(withoutFlag(words, "--episodes"), "--seeds")
		return append(replace(1, "--trials", "2"), small...)
	case command == "simulate":
		words = withoutFlag(words, "--window")
		return replace(1, "--episodes", "20")
	case command == "eval":
		return replace(1, "--episodes", "20")
	case command == "exploit": // where it has to be learnt
		return replace(1, "--max-states", "1000", "--set", "steps=2000")
	case command == "baselines":
		return replace(1, "--seeds", "2", "--games", "10")
	case command == "league" && words[1] == "measure":
		return replace(2, "--games", "10")
	case command == "experiments" && words[1] == "run" && !slices.Contains(words, "--quick"):
		return slices.Insert(withoutFlag(words, "--seeds"), 2, "--quick")
	case slices.Equal(words, []string{"bench", "envs"}):
		return append(words, "--time", "1ms", "idsgame-v0") // all the telling ids take long
	case command == "bench":
		return replace(2, "--time", "1ms")
	}
	return words
}

// withoutFlag is words without a flag and its value.
func withoutFlag(words []string, flag string) []string {
	if i := slices.Index(words, flag); i >= 0 {
		return slices.Delete(slices.Clone(words), i, i+2)
	}
	return words
}

// Standard output is for results: help asked for is one, and nothing of an error is.
func TestHelpStream(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if code := run([]string{"idsrl", "train", "--help"}, &stdout, &stderr); code != exitOK || stderr.Len() > 0 || stdout.Len() == 0 {
		t.Errorf("exit code %d, %d and %d bytes", code, stdout.Len(), stderr.Len())
	}
}
