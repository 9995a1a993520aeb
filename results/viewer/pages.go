package viewer

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"html/template"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed assets
var embedded embed.FS

// Assets are the scripts, styles and pictures of the pages.
func Assets() fs.FS {
	files, err := fs.Sub(embedded, "assets")
	if err != nil {
		panic(err) // the folder is embedded
	}
	return files
}

// assets serves Assets under /assets/.
func assets() http.Handler {
	tags := map[string]string{}
	err := fs.WalkDir(Assets(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := fs.ReadFile(Assets(), name)
		sum := sha256.Sum256(data)
		tags[name] = `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
		return err
	})
	if err != nil {
		panic(err) // all of it is embedded
	}
	return http.StripPrefix("/assets/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := r.URL.Path
		tag, ok := tags[name]
		if !ok {
			http.NotFound(w, r)
			return
		}
		data, err := fs.ReadFile(Assets(), name)
		if err != nil {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", typeOf(name))
		w.Header().Set("Cache-Control", "no-cache") // ask whether the tag still holds
		w.Header().Set("ETag", tag)
		http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(data))
	}))
}

// typeOf is the media type of a file, whatever this machine believes.
func typeOf(name string) string {
	switch ext := path.Ext(name); ext {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	default:
		return mime.TypeByExtension(ext)
	}
}

// Page is a page of the viewer.
type Page struct {
	Name  string // of its script and its style sheet
	Title string

	files bool // it is shown from files
}

// Files reports whether the page is shown from files; see Export.
func (p Page) Files() bool { return p.files }

// Policy is the Content-Security-Policy of the page in files, where no server says one.
func (p Page) Policy() string {
	return "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'"
}

var page = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
{{- if .Files}}
<meta http-equiv="Content-Security-Policy" content="{{.Policy}}">
{{- end}}
<title>{{.Title}} · idsrl</title>
<link rel="icon" href="assets/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="assets/page.css">
<link rel="stylesheet" href="assets/{{.Name}}.css">
{{- if .Files}}
<script defer src="data/index.js"></script>
<script defer src="assets/{{.Name}}.js"></script>
{{- else}}
<script type="module" src="assets/{{.Name}}.js"></script>
{{- end}}
</head>
<body>
<a class="skip" href="#main">Skip to content</a>
<header id="head"></header>
<main id="main" tabindex="-1"><noscript>This page needs JavaScript.</noscript></main>
<div id="status" role="status"></div>
<div id="news" class="hidden" aria-live="polite"></div>
</body>
</html>
`))

// HTML is the document of a page. Its links are relative: it must lie beside the folder assets.
func (p Page) HTML() ([]byte, error) {
	var b bytes.Buffer
	err := page.Execute(&b, p)
	return b.Bytes(), err
}

// Page shows a page at a path.
func (s *Server) Page(at string, p Page) {
	html, err := p.HTML()
	if err != nil {
		panic(err) // a template of constants and two texts
	}
	if at == "/" {
		at = "/{$}"
	}
	s.Handle("GET "+at, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(html) // a client that has gone needs no error
	}))
}

// A Refusal is an error that a client is told, with its status.
type Refusal struct {
	Status int
	Why    string
}

func (e *Refusal) Error() string { return e.Why }

// JSON answers with what f returns. Of errors, only a Refusal is told to the client as it is.
func JSON(f func(r *http.Request) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, err := f(r)
		var text []byte
		if err == nil {
			text, err = json.Marshal(answer)
		}
		if err != nil {
			Fail(w, err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		if len(text) < minCompressed || !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			_, _ = w.Write(text) // a client that has gone needs no error
			return
		}
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		_, _ = z.Write(text) // as above
		_ = z.Close()        // as above
	})
}

// minCompressed is from how many bytes on an answer is compressed.
const minCompressed = 4 << 10

// Fail answers with an error, as JSON: {"error": "..."}.
func Fail(w http.ResponseWriter, err error) {
	status, why := http.StatusInternalServerError, "an error on the server: "+err.Error()
	var refusal *Refusal
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &refusal):
		status, why = refusal.Status, refusal.Why
	case errors.As(err, &tooLarge):
		status, why = http.StatusRequestEntityTooLarge, "the request is too large"
	}
	text, _ := json.Marshal(map[string]string{"error": why}) // a map of strings has a text
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(text) // as above
}

// Read decodes the body of a request, one JSON value without unknown fields. Only application/json is read: another
// site's form cannot send it.
func Read(r *http.Request, into any) error {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return &Refusal{http.StatusUnsupportedMediaType, "the body must be application/json"}
	}
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	err := d.Decode(into)
	var tooLarge *http.MaxBytesError
	if err == nil || errors.As(err, &tooLarge) {
		return err
	}
	return &Refusal{http.StatusBadRequest, "bad JSON: " + err.Error()}
}

// Stream sends what next returns as server-sent events, until it fails or the client goes. next waits for news.
func Stream(w http.ResponseWriter, r *http.Request, next func() (any, error)) {
	w.Header().Set("Content-Type", "text/event-stream")
	control := http.NewResponseController(w)
	if control.Flush() != nil { // the page hears that the connection is up
		return
	}
	for {
		news, err := next()
		if err != nil || r.Context().Err() != nil {
			return
		}
		text, err := json.Marshal(news)
		if err != nil {
			return
		}
		for _, part := range [][]byte{[]byte("data: "), text, []byte("\n\n")} {
			if _, err := w.Write(part); err != nil {
				return
			}
		}
		if control.Flush() != nil {
			return
		}
	}
}
