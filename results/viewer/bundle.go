package viewer

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// Pages from files cannot load modules: browsers take them for scripts of another origin. So the modules of a page in files
// are bundled into one script. They keep to one form of import and export.
var (
	importLine = regexp.MustCompile(`(?m)^import \{([^}]*)\} from '\./([^']+)';$`)
	exportLine = regexp.MustCompile(`(?m)^export ((?:async )?function|const|class) (\w+)`)
	otherLine  = regexp.MustCompile(`(?m)^(?:import|export)\b.*`)
)

// bundle is the module at entry with all that it imports, as one script.
func bundle(files fs.FS, entry string) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("'use strict';\nconst modules = {};\n")
	done := map[string]bool{}
	var add func(name string) error
	add = func(name string) error {
		if done[name] {
			return nil
		}
		done[name] = true
		data, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		text := string(data)
		for _, m := range importLine.FindAllStringSubmatch(text, -1) {
			if err := add(m[2]); err != nil {
				return err
			}
		}
		text = importLine.ReplaceAllString(text, "const {$1} = modules['$2'];")
		var names []string
		for _, m := range exportLine.FindAllStringSubmatch(text, -1) {
			names = append(names, m[2])
		}
		text = exportLine.ReplaceAllString(text, "$1 $2")
		if rest := otherLine.FindString(text); rest != "" {
			return fmt.Errorf("viewer: %s cannot be bundled: %s", name, rest)
		}
		fmt.Fprintf(&b, "modules['%s'] = (() => {\n%s\nreturn {%s};\n})();\n", name, text, strings.Join(names, ", "))
		return nil
	}
	err := add(entry)
	return b.Bytes(), err
}

// Export writes a page as files that need no server: index.html, assets, and what it asks for as scripts in data, of which
// data/index.js is loaded first. The folder is new or empty, or holds an export, which is replaced.
func (p Page) Export(dir string, data func(write func(name string, script []byte) error) error) error {
	old, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	index := filepath.Join(dir, "data", "index.js")
	if _, err := os.Stat(index); len(old) > 0 && err != nil {
		return fmt.Errorf("%s is not empty and holds no export: name another folder", dir)
	}
	for _, name := range []string{"assets", "data"} {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			return err
		}
	}
	write := func(name string, data []byte) error {
		return os.WriteFile(filepath.Join(dir, filepath.FromSlash(name)), data, 0o644)
	}
	script, err := bundle(Assets(), p.Name+".js")
	if err != nil {
		return err
	}
	p.files = true
	html, err := p.HTML()
	if err != nil {
		return err
	}
	if err := errors.Join(write("assets/"+p.Name+".js", script), write("index.html", html)); err != nil {
		return err
	}
	err = fs.WalkDir(Assets(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || path.Ext(name) == ".js" {
			return err
		}
		data, err := fs.ReadFile(Assets(), name)
		return errors.Join(err, write("assets/"+name, data))
	})
	if err != nil {
		return err
	}
	return data(func(name string, script []byte) error { return write("data/"+name+".js", script) })
}
