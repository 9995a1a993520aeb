// Package viewertest runs pages in a real browser for tests: a headless Chromium, which is skipped, loudly, where it is
// not installed.
package viewertest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// ScreenshotsVariable names a folder in the environment where Screenshot puts pictures; without it they are not kept.
const ScreenshotsVariable = "IDSRL_SCREENSHOTS"

// patience is how long a browser may take for all of a test. It only ends tests that hang.
const patience = 2 * time.Minute

// names are what Chromium is called.
var names = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "headless-shell"}

// Find is the path of the browser; "" if there is none.
func Find() string {
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// Page is a page in a browser.
type Page struct {
	t   *testing.T
	ctx context.Context
}

// Open starts a browser with a window of this size and goes to a page. Whatever the page logs as an error, such as a
// violation of its security policy, fails the test.
func Open(t *testing.T, url string, width, height int) *Page {
	t.Helper()
	if testing.Short() {
		t.Skip("a browser takes a while")
	}
	path := Find()
	if path == "" {
		fmt.Fprintf(os.Stderr, "\n*** %s SKIPPED: NO CHROMIUM IS INSTALLED, so nobody has tried the page ***\n\n", t.Name())
		t.Skip("no Chromium; looked for " + strings.Join(names, ", "))
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.WindowSize(width, height))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // which root may not use
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	p := &Page{t, ctx}
	p.watch()
	p.do(chromedp.EmulateViewport(int64(width), int64(height)))
	p.do(chromedp.Navigate(url))
	return p
}

// watch notes what goes wrong in the page, and tells it at the end of the test.
func (p *Page) watch() {
	p.t.Helper()
	var mu sync.Mutex
	var problems []string
	err := chromedp.Listen(p.ctx, func(event any) {
		mu.Lock()
		defer mu.Unlock()
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			text := e.ExceptionDetails.Text
			if e.ExceptionDetails.Exception != nil {
				text += " " + e.ExceptionDetails.Exception.Description
			}
			problems = append(problems, text)
		case *log.EventEntryAdded:
			if e.Entry.Level == log.EntryLevelError {
				problems = append(problems, e.Entry.Text+" "+e.Entry.URL)
			}
		}
	})
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() {
		mu.Lock()
		defer mu.Unlock()
		for _, problem := range problems {
			p.t.Error("the page: " + problem)
		}
	})
}

// do does something in the browser; what cannot be done fails the test.
func (p *Page) do(action chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, action); err != nil {
		p.t.Fatal(err)
	}
}

// Click clicks on the first element that a CSS selector finds, once it is visible.
func (p *Page) Click(selector string) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible)); err != nil {
		p.t.Fatalf("a click on %s: %v", selector, err)
	}
}

// Press presses keys one after the other: characters, and those of package kb.
func (p *Page) Press(keys string) {
	p.t.Helper()
	p.do(chromedp.KeyEvent(keys))
}

// Wait waits until an expression is true in the page.
func (p *Page) Wait(expression string) {
	p.t.Helper()
	_, err := chromedp.Run(p.ctx, chromedp.Poll[bool]("Boolean("+expression+")", chromedp.WithPollingTimeout(patience/4)))
	if err != nil {
		p.t.Fatalf("%s is not true: %v", expression, err)
	}
}

// Eval is the value of an expression in the page.
func Eval[T any](p *Page, expression string) T {
	p.t.Helper()
	value, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		p.t.Fatalf("%s: %v", expression, err)
	}
	return value
}

// Prefer makes the browser say that its user prefers something, such as "prefers-color-scheme", "dark".
func (p *Page) Prefer(features ...[2]string) {
	p.t.Helper()
	var params emulation.SetEmulatedMediaParams
	for _, f := range features {
		params.Features = append(params.Features, &emulation.MediaFeature{Name: f[0], Value: f[1]})
	}
	if _, err := chromedp.Call(p.ctx, emulation.SetEmulatedMedia, params); err != nil {
		p.t.Fatal(err)
	}
}

// Screenshot keeps a picture of the page, if somebody wants it.
func (p *Page) Screenshot(name string) {
	p.t.Helper()
	dir := os.Getenv(ScreenshotsVariable)
	if dir == "" {
		return
	}
	picture, err := chromedp.Run(p.ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o644)
	}
	if err != nil {
		p.t.Fatal(err)
	}
}
