package viewer

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

// A bundle has every module once, those that others need first, and refuses what it does not understand.
func TestBundle(t *testing.T) {
	module := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	files := fstest.MapFS{
		"main.js": module("import {f, C} from './f.js';\nimport {g} from './g.js';\nf(g, C);\n"),
		"f.js":    module("import {g} from './g.js';\nexport async function f() { return g; }\nexport class C {}\nconst own = 1;\n"),
		"g.js":    module("export const g = 1;\n"),
		"star.js": module("export * from './g.js';\n"),
		"lost.js": module("import {x} from './none.js';\n"),
	}
	got, err := bundle(files, "main.js")
	if err != nil {
		t.Fatal(err)
	}
	const want = `'use strict';
const modules = {};
modules['g.js'] = (() => {
const g = 1;

return {g};
})();
modules['f.js'] = (() => {
const {g} = modules['g.js'];
async function f() { return g; }
class C {}
const own = 1;

return {f, C};
})();
modules['main.js'] = (() => {
const {f, C} = modules['f.js'];
const {g} = modules['g.js'];
f(g, C);

return {};
})();
`
	if string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for _, name := range []string{"star.js", "lost.js"} {
		if text, err := bundle(files, name); err == nil {
			t.Errorf("%s: %s", name, text)
		}
	}
}

// A long answer is compressed for those who can read that.
func TestCompressed(t *testing.T) {
	text := strings.Repeat("a", 2*minCompressed)
	handler := JSON(func(r *http.Request) (any, error) { return text[:len(text)/(1+len(r.URL.RawQuery))], nil })
	for _, test := range []struct {
		target, accept string
		want           bool
	}{{"/", "gzip, br", true}, {"/", "", false}, {"/?xyz", "gzip", false}} {
		r := httptest.NewRequest(http.MethodGet, test.target, http.NoBody)
		r.Header.Set("Accept-Encoding", test.accept)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		var body io.Reader = w.Body
		if compressed := w.Header().Get("Content-Encoding") == "gzip"; compressed != test.want {
			t.Errorf("%+v: compressed %v", test, compressed)
			continue
		} else if compressed {
			z, err := gzip.NewReader(body)
			if err != nil {
				t.Fatal(err)
			}
			body = z
		}
		var got string
		if err := json.NewDecoder(body).Decode(&got); err != nil || !strings.HasPrefix(text, got) || got == "" {
			t.Errorf("%+v: %d bytes, %v", test, len(got), err)
		}
	}
}
