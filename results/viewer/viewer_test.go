package viewer_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"idsrl/results/viewer"
)

// newServer is a server that echoes what is posted to it. Requests go to its handler, not over the network.
func newServer(t *testing.T, address string) *viewer.Server {
	t.Helper()
	s, err := viewer.Listen(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		done, cancel := context.WithCancel(context.Background())
		cancel()
		if err := s.Serve(done); err != nil { // closes the port
			t.Error(err)
		}
	})
	s.Page("/", viewer.Page{Name: "play", Title: "A <title>"})
	s.Handle("POST /echo", viewer.JSON(func(r *http.Request) (any, error) {
		var message struct{ Text string }
		err := viewer.Read(r, &message)
		return message, err
	}))
	return s
}

// hostOf is where a server listens, as its link has it.
func hostOf(s *viewer.Server) string {
	link, err := url.Parse(s.URL())
	if err != nil {
		panic(err)
	}
	return link.Host
}

// ask sends a request, of which each header is "Name: value".
func ask(s *viewer.Server, method, target, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Host = hostOf(s)
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		if r.Header.Set(name, value); name == "Host" {
			r.Host = value
		}
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w
}

// Who may not ask is refused, whatever the request; and whoever may, is not.
func TestGuard(t *testing.T) {
	s := newServer(t, "127.0.0.1:0")
	own := "http://" + hostOf(s)
	const asJSON = "Content-Type: application/json"
	for name, test := range map[string]struct {
		method, target, body string
		headers              []string
		want                 int
	}{
		"the page":                    {"GET", "/", "", nil, 200},
		"by localhost":                {"GET", "/", "", []string{"Host: localhost:80"}, 200},
		"by an IPv6 address":          {"GET", "/", "", []string{"Host: [::1]:80"}, 200},
		"a name bound to the address": {"GET", "/", "", []string{"Host: evil.example:80"}, 421},
		"no name":                     {"GET", "/", "", []string{"Host: "}, 421},
		"a name like an address":      {"GET", "/", "", []string{"Host: 127.0.0.1.evil.example"}, 421},
		"from our page":               {"POST", "/echo", `{"Text": "a"}`, []string{asJSON, "Origin: " + own}, 200},
		"from another page":           {"POST", "/echo", `{"Text": "a"}`, []string{asJSON, "Origin: https://evil.example"}, 403},
		"from a page in a file":       {"POST", "/echo", `{"Text": "a"}`, []string{asJSON, "Origin: null"}, 403},
		"from another port":           {"POST", "/echo", `{"Text": "a"}`, []string{asJSON, "Origin: http://127.0.0.1:1"}, 403},
		"another site reads":          {"GET", "/assets/page.js", "", []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors"}, 403},
		"another port reads":          {"GET", "/", "", []string{"Sec-Fetch-Site: same-site", "Sec-Fetch-Mode: cors"}, 403},
		"another site frames":         {"GET", "/", "", []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe"}, 403},
		"a link elsewhere":            {"GET", "/", "", []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"}, 200},
		"a form elsewhere":            {"POST", "/echo", "", []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"}, 403},
		"a form's type":               {"POST", "/echo", `{"Text": "a"}`, []string{"Content-Type: text/plain"}, 415},
		"no JSON":                     {"POST", "/echo", `{"Text": `, []string{asJSON}, 400},
		"an unknown field":            {"POST", "/echo", `{"Other": 1}`, []string{asJSON}, 400},
		"too large":                   {"POST", "/echo", `{"Text": "` + strings.Repeat("a", 1<<17) + `"}`, []string{asJSON}, 413},
		"no such asset":               {"GET", "/assets/none.js", "", nil, 404},
		"outside the assets":          {"GET", "/assets/..%2fserver.go", "", nil, 404},
		"no such page":                {"GET", "/none", "", nil, 404},
		"another method":              {"DELETE", "/echo", "", nil, 405},
	} {
		w := ask(s, test.method, test.target, test.body, test.headers...)
		if w.Code != test.want {
			t.Errorf("%s: %d, want %d: %s", name, w.Code, test.want, w.Body)
		}
		h := w.Result().Header
		if !strings.Contains(h.Get("Content-Security-Policy"), "default-src 'none'; script-src 'self'") ||
			h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: headers %v", name, h)
		}
	}
}

// The policy lets nothing in that is not of this server.
func TestPolicy(t *testing.T) {
	policy := ask(newServer(t, "127.0.0.1:0"), "GET", "/", "").Header().Get("Content-Security-Policy")
	for directive := range strings.SplitSeq(policy, ";") {
		name, sources, _ := strings.Cut(strings.TrimSpace(directive), " ")
		for source := range strings.FieldsSeq(sources) {
			if source != "'self'" && source != "'none'" && (name != "img-src" || source != "data:") &&
				name != "require-trusted-types-for" {
				t.Errorf("%s allows %s", name, source)
			}
		}
	}
	for _, name := range []string{"default-src", "base-uri", "form-action", "frame-ancestors"} {
		if !strings.Contains(policy, name+" 'none'") {
			t.Errorf("%s is not 'none': %s", name, policy)
		}
	}
}

// A server that other machines reach wants the token of its link, which the first request turns into a cookie.
func TestToken(t *testing.T) {
	s := newServer(t, "0.0.0.0:0")
	link, err := url.Parse(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	token := link.Query().Get("token")
	if len(token) < 26 || link.Hostname() != "127.0.0.1" {
		t.Fatalf("the link is %s", link)
	}
	for name, test := range map[string]struct {
		target, cookie string
		want           int
	}{
		"none":         {"/", "", 401},
		"a wrong one":  {"/?token=" + strings.Repeat("A", len(token)), "", 401},
		"a part of it": {"/?token=" + token[:len(token)-1], "", 401},
		"in the link":  {"/?a=1&token=" + token, "", 303},
		"by cookie":    {"/", token, 200},
		"wrong cookie": {"/", "A" + token, 401},
		"assets, too":  {"/assets/page.js", "", 401},
	} {
		w := ask(s, "GET", test.target, "", "Host: 192.168.1.7:80", "Cookie: token="+test.cookie)
		if w.Code != test.want {
			t.Errorf("%s: %d, want %d", name, w.Code, test.want)
		}
		if w.Code != 303 {
			continue
		}
		cookie := w.Result().Cookies()[0]
		if w.Header().Get("Location") != "/?a=1" || cookie.Value != token || !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode {
			t.Errorf("%s: to %s with %s", name, w.Header().Get("Location"), cookie)
		}
	}
	if w := ask(s, "GET", "//evil.example/?token="+token, ""); strings.HasPrefix(w.Header().Get("Location"), "//") {
		t.Errorf("leads to %s", w.Header().Get("Location"))
	}
	if w := ask(s, "POST", "/echo?token="+token, `{}`, "Content-Type: application/json"); w.Code != 401 {
		t.Errorf("a token in the address of a POST: %d", w.Code)
	}
}

// Loopback addresses need no token.
func TestLoopback(t *testing.T) {
	if s := newServer(t, "127.0.0.1:0"); strings.Contains(s.URL(), "token") {
		t.Error(s.URL())
	}
}

// A burst of requests is too many at some point.
func TestRate(t *testing.T) {
	s := newServer(t, "127.0.0.1:0")
	for range 100000 {
		if w := ask(s, "GET", "/none", ""); w.Code == http.StatusTooManyRequests {
			if w.Header().Get("Retry-After") == "" {
				t.Error("when to try again is not said")
			}
			return
		}
	}
	t.Error("no request was too many")
}

// Pages escape their titles, have no inline script or style, and name nothing elsewhere. All they name is there.
func TestPage(t *testing.T) {
	s := newServer(t, "127.0.0.1:0")
	html := ask(s, "GET", "/", "").Body.String()
	if !strings.Contains(html, "A &lt;title&gt;") || strings.Contains(html, "://") || strings.Contains(html, "<style") ||
		strings.Count(html, "<script") != 1 || !strings.Contains(html, `lang="en"`) {
		t.Error(html)
	}
	for _, part := range strings.Split(html, `"assets/`)[1:] {
		name, _, _ := strings.Cut(part, `"`)
		w := ask(s, "GET", "/assets/"+name, "")
		if w.Code != 200 {
			t.Errorf("%s: %d", name, w.Code)
		}
		if again := ask(s, "GET", "/assets/"+name, "", "If-None-Match: "+w.Header().Get("ETag")); again.Code != http.StatusNotModified {
			t.Errorf("%s: %d, though it is the same", name, again.Code)
		}
	}
}

// All that a page can load is small.
func TestSize(t *testing.T) {
	total := 0
	for _, name := range []string{"page.js", "page.css", "scene.js", "scene.css", "play.js", "play.css", "icon.svg"} {
		f, err := viewer.Assets().Open(name)
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(f)
		if err != nil {
			t.Fatal(err)
		}
		total += len(data)
	}
	if total > 300_000 {
		t.Errorf("%d bytes", total)
	}
}

// A stream ends with its client.
func TestStream(t *testing.T) {
	s := newServer(t, "127.0.0.1:0")
	s.Handle("GET /count", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := 0
		viewer.Stream(w, r, func() (any, error) {
			if n++; n == 4 {
				return nil, io.EOF
			}
			return n, nil
		})
	}))
	w := ask(s, "GET", "/count", "")
	if got := w.Body.String(); got != "data: 1\n\ndata: 2\n\ndata: 3\n\n" || w.Header().Get("Content-Type") != "text/event-stream" {
		t.Errorf("%q", got)
	}
}
