package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The page is at the address that is printed, until the command is interrupted.
func TestView(t *testing.T) {
	run := quickRun(t, "idsgame-minimal_defense-v2")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out, in := io.Pipe()
	done := make(chan error)
	go func() { done <- newApp(in, io.Discard).RunContext(ctx, []string{"idsrl", "view", filepath.Dir(run)}) }()
	link, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSpace(link)+"api/index", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || !strings.Contains(string(text), `"idsgame-minimal_defense-v2"`) {
		t.Errorf("%s, %v", text, err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestViewExport(t *testing.T) {
	run, dir := quickRun(t, "idsgame-minimal_defense-v2"), filepath.Join(t.TempDir(), "site")
	if got, want := must(t, "view", "--export", dir, "--games", "1", run), filepath.Join(dir, "index.html")+"\n"; got != want {
		t.Errorf("it prints %q, not %q", got, want)
	}
	for _, name := range []string{"index.html", "assets/view.js", "assets/page.css", "data/index.js"} {
		if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(name))); err != nil {
			t.Error(err)
		}
	}
}

func TestViewRefuses(t *testing.T) {
	run := quickRun(t, "idsgame-minimal_defense-v2")
	for name, test := range map[string]struct {
		args []string
		code int
		want string
	}{
		"no folder":      {[]string{filepath.Join(run, "none")}, exitUsage, "no folder"},
		"negative games": {[]string{"--games", "-1", run}, exitUsage, "--games -1"},
		"no port":        {[]string{"--port", "70000", run}, exitUsage, "--port 70000"},
		"a full folder":  {[]string{"--export", run, run}, exitFailure, "is not empty"},
	} {
		o := idsrl(append([]string{"view"}, test.args...)...)
		if o.code != test.code || !strings.Contains(o.stderr, test.want) {
			t.Errorf("%s: exit code %d, %q; want %d, %q", name, o.code, o.stderr, test.code, test.want)
		}
	}
}
