package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// module is the path of this module.
const module = "idsrl"

// An arrow says what the packages of a tree may import of ours, besides the package itself. A tree "a/..." is a and all
// below it; "a/*/..." stands for each package below a, with all below that.
type arrow struct {
	from string
	to   []string
}

// arrows say who imports whom. The first that fits a package decides.
var arrows = []arrow{
	{"envs/...", []string{"envs/..."}},
	{"nets/...", []string{"nets/..."}},
	{"results/...", []string{"results/..."}},
	{"algos", []string{"envs/...", "nets/..."}},
	{"algos/*/...", []string{"algos", "envs/...", "nets/..."}}, // and its own tree, but no sibling
	{"experiments/...", []string{"experiments/...", "algos/...", "envs/...", "nets/...", "results/..."}},
	{"cmd/*/...", []string{"experiments/...", "algos/...", "envs/...", "nets/...", "results/..."}},
}

// forbidden are packages that nobody imports, not even a test.
var forbidden = map[string]string{
	"math/rand": "math/rand/v2, whose generators are specified",
	"log":       "log/slog",
	"io/ioutil": "io or os",
}

// within reports whether the package pkg is in a tree.
func within(pkg, tree string) bool {
	base, deep := strings.CutSuffix(tree, "/...")
	return pkg == base || deep && strings.HasPrefix(pkg, base+"/")
}

// allowed reports whether the package from may import the package to, both of ours, and whether there is a rule for it.
func allowed(from, to string) (ok, known bool) {
	for _, a := range arrows {
		trees := a.to
		if parent, _, each := strings.Cut(a.from, "/*/"); each {
			rest, below := strings.CutPrefix(from, parent+"/")
			if !below {
				continue
			}
			name, _, _ := strings.Cut(rest, "/")
			trees = append(slices.Clone(trees), parent+"/"+name+"/...")
		} else if !within(from, a.from) {
			continue
		}
		return slices.ContainsFunc(trees, func(tree string) bool { return within(to, tree) }), true
	}
	return false, false
}

// violations are what is wrong with a file of the package pkg, "" for the module's root.
func violations(pkg, name string, file *ast.File) (problems []string) {
	at := path.Join(pkg, name)
	if _, known := allowed(pkg, pkg); !known {
		problems = append(problems, at+": there is no rule for what "+module+"/"+pkg+" may import")
	}
	for _, spec := range file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return append(problems, at+": "+err.Error())
		}
		if instead, ok := forbidden[imported]; ok {
			problems = append(problems, at+" imports "+imported+": use "+instead)
		}
		// A test may need more than what it tests.
		ours, ok := strings.CutPrefix(imported, module+"/")
		if !ok || strings.HasSuffix(name, "_test.go") {
			continue
		}
		if ok, _ := allowed(pkg, ours); !ok {
			problems = append(problems, at+" imports "+imported)
		}
	}
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
			problems = append(problems, at+" has an init function: main names all there is")
		}
	}
	return problems
}

// Imports go one way: games, networks and results know nobody, algorithms know games and networks, experiments know
// these and results, and only the command knows all. Nothing registers itself.
func TestImports(t *testing.T) {
	root := filepath.Join("..", "..")
	packages, files := map[string]bool{}, token.NewFileSet()
	err := filepath.WalkDir(root, func(at string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			_, otherModule := os.Stat(filepath.Join(at, "go.mod"))
			hidden := strings.HasPrefix(entry.Name(), ".") || strings.HasPrefix(entry.Name(), "_")
			if at != root && (hidden || entry.Name() == "testdata" || otherModule == nil) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(at, ".go") {
			return nil
		}
		file, err := parser.ParseFile(files, at, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		dir, err := filepath.Rel(root, filepath.Dir(at))
		pkg := filepath.ToSlash(dir)
		packages[pkg] = true
		for _, problem := range violations(pkg, entry.Name(), file) {
			t.Error(problem)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, pkg := range []string{
		"cmd/idsrl", "envs", "envs/settings", "envs/idsgame", "envs/idsgame/recording", "envs/toy", "envs/exact", "envs/speed",
		"algos", "algos/qlearning", "experiments", "results",
	} {
		if !packages[pkg] {
			t.Errorf("%s was not looked at", pkg)
		}
	}
}

// The checker finds what it is there for.
func TestImportsChecker(t *testing.T) {
	for _, test := range []struct {
		pkg, name, imports string
		problems           int
	}{
		{"envs/idsgame", "game.go", "fmt idsrl/envs idsrl/envs/settings golang.org/x/term", 0},
		{"envs/idsgame/recording", "record.go", "idsrl/envs/idsgame", 0},
		{"envs/idsgame/recording", "record.go", "idsrl/algos", 1},
		{"envs/speed", "speed.go", "idsrl/results", 1},
		{"envs", "env.go", "idsrl/nets idsrl/experiments idsrl/cmd/idsrl", 3},
		{"results", "run.go", "idsrl/envs", 1},
		{"results/viewer", "viewer.go", "idsrl/results", 0},
		{"resultsandmore", "x.go", "", 1}, // no rule
		{".", "x.go", "", 1},
		{"tools/gen", "x.go", "fmt", 1},
		{"nets", "nets.go", "idsrl/envs", 1},
		{"nets", "nets.go", "fmt", 0},
		{"algos", "algo.go", "idsrl/envs idsrl/envs/settings idsrl/nets", 0},
		{"algos", "algo.go", "idsrl/results idsrl/algos/ppo", 2},
		{"algos/ppo", "ppo.go", "idsrl/algos idsrl/algos/ppo/internal/x idsrl/envs idsrl/nets", 0},
		{"algos/ppo", "ppo.go", "idsrl/algos/dqn", 1},
		{"algos/ppo", "ppo.go", "idsrl/algos/ppox", 1},
		{"algos/ppo", "ppo.go", "idsrl/experiments", 1},
		{"experiments", "run.go", "idsrl/algos idsrl/algos/ppo idsrl/envs idsrl/results", 0},
		{"experiments", "run.go", "idsrl/cmd/idsrl", 1},
		{"cmd/idsrl", "main.go", "idsrl/algos/ppo idsrl/experiments idsrl/results idsrl/nets", 0},
		{"cmd/idsrl", "main.go", "idsrl/cmd/other", 1},
		{"cmd/idsrl", "main.go", "log math/rand io/ioutil", 3},
		{"cmd/idsrl", "main.go", "log/slog math/rand/v2", 0},
		{"results", "run_test.go", "idsrl/envs", 0},
		{"results", "run_test.go", "math/rand", 1},
	} {
		source := "package x\n"
		for imported := range strings.FieldsSeq(test.imports) {
			source += "import _ \"" + imported + "\"\n"
		}
		for _, withInit := range []bool{false, true} {
			want := test.problems
			if withInit {
				source += "type t struct{}\nfunc (t) init() {}\nfunc init() {}\n"
				want++
			}
			file, err := parser.ParseFile(token.NewFileSet(), test.name, source, 0)
			if err != nil {
				t.Fatal(err)
			}
			if got := violations(test.pkg, test.name, file); len(got) != want {
				t.Errorf("%s/%s imports %s, init %v: %d problems, want %d: %v", test.pkg, test.name, test.imports, withInit, len(got), want, got)
			}
		}
	}
}
