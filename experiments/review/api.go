package review

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"idsrl/algos"
	"idsrl/experiments"
	"idsrl/results"
	"idsrl/results/browse"
	"idsrl/results/viewer"
)

// An API answers what pages ask. Several goroutines may use it.
type API struct {
	catalog experiments.Catalog
	library *browse.Library

	mu     sync.Mutex // one game at a time: policies are for one goroutine
	opened map[string]opened
}

// opened is a run whose policies are at hand.
type opened struct {
	saved *experiments.Saved
	at    time.Time // of the checkpoint
}

// maxOpened is how many runs are kept open.
const maxOpened = 4

// New makes an API of what a library holds.
func New(catalog experiments.Catalog, library *browse.Library) *API {
	return &API{catalog: catalog, library: library, opened: map[string]opened{}}
}

// The things that can be asked of an id.
var questions = map[string]func(a *API, ctx context.Context, id string, q url.Values) (any, error){
	"metrics": func(a *API, _ context.Context, id string, _ url.Values) (any, error) { return a.library.Metrics(id) },
	"curve":   (*API).curve,
	"lines":   (*API).lines,
	"run":     func(a *API, _ context.Context, id string, _ url.Values) (any, error) { return a.library.Run(id) },
	"league":  func(a *API, _ context.Context, id string, _ url.Values) (any, error) { return a.library.League(id) },
	"episode": (*API).episode,
	"games":   (*API).games,
	"game":    (*API).game,
}

// Index is all that there is.
func (a *API) Index() *browse.Index { return a.library.Index() }

// Answer says what is asked of an id.
func (a *API) Answer(ctx context.Context, id, what string, q url.Values) (any, error) {
	f, ok := questions[what]
	if !ok {
		return nil, browse.ErrUnknown
	}
	return f(a, ctx, id, q)
}

// choice is the value that a parameter names; the first if it is not there.
func choice[T interface{ String() string }](q url.Values, key string, choices []T) (T, error) {
	name := q.Get(key)
	at := slices.IndexFunc(choices, func(c T) bool { return c.String() == name })
	switch {
	case name == "":
		return choices[0], nil
	case at < 0:
		return choices[0], &viewer.Refusal{Status: http.StatusBadRequest, Why: key + " " + strconv.Quote(name) + " is unknown"}
	}
	return choices[at], nil
}

func (a *API) curve(_ context.Context, id string, q url.Values) (any, error) {
	axis, err := choice(q, "axis", results.Axes)
	if err != nil {
		return nil, err
	}
	stat, err := choice(q, "stat", results.Statistics)
	if err != nil {
		return nil, err
	}
	return a.library.Curve(id, q.Get("metric"), axis, stat)
}

func (a *API) lines(_ context.Context, id string, q url.Values) (any, error) {
	axis, err := choice(q, "axis", results.Axes)
	if err != nil {
		return nil, err
	}
	return a.library.Lines(id, q.Get("metric"), axis)
}

// run opens the checkpoint of a run.
func (a *API) run(id string) (*experiments.Saved, error) {
	dir, err := a.library.Folder(id)
	if err != nil {
		return nil, err
	}
	var at time.Time
	for _, name := range []string{results.LastCheckpoint, results.FinalCheckpoint} {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil && info.ModTime().After(at) {
			at = info.ModTime()
		}
	}
	if o, ok := a.opened[id]; ok && o.at.Equal(at) {
		return o.saved, nil
	}
	saved, err := a.catalog.Open(dir)
	if err != nil {
		return nil, err
	}
	if len(a.opened) >= maxOpened {
		clear(a.opened)
	}
	a.opened[id] = opened{saved, at}
	return saved, nil
}

func (a *API) episode(ctx context.Context, id string, q url.Values) (any, error) {
	n, err := strconv.ParseUint(q.Get("n"), 10, 64)
	if err != nil {
		return nil, &viewer.Refusal{Status: http.StatusBadRequest, Why: "n must be the number of a game"}
	}
	mode, err := choice(q, "mode", algos.Modes)
	if err != nil {
		return nil, err
	}
	view := q.Get("view")
	if view == "" {
		view = everything
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	saved, err := a.run(id)
	if err != nil {
		return nil, err
	}
	return Play(ctx, saved, Game{n, mode, view})
}

// Edit is what a run's policies make of an edited state.
func (a *API) Edit(ctx context.Context, id string, e Edit) (*Edited, error) {
	mode, err := choice(url.Values{"mode": {e.Mode}}, "mode", algos.Modes)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	saved, err := a.run(id)
	if err != nil {
		return nil, err
	}
	return Change(ctx, saved, Game{e.N, mode, everything}, e)
}

// file opens a file of games.
func (a *API) file(id string) (*gameFile, error) {
	f, err := a.library.OpenGames(id)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return openGames(a.catalog, f)
}

func (a *API) games(_ context.Context, id string, _ url.Values) (any, error) {
	f, err := a.file(id)
	if err != nil {
		return nil, err
	}
	return f.list()
}

func (a *API) game(_ context.Context, id string, q url.Values) (any, error) {
	n, err := strconv.Atoi(q.Get("n"))
	if err != nil {
		return nil, &viewer.Refusal{Status: http.StatusBadRequest, Why: "n must be the number of a game"}
	}
	f, err := a.file(id)
	if err != nil {
		return nil, err
	}
	return f.play(n)
}

// refuse tells a page what it has asked for in vain; other errors are the server's.
func refuse(err error) error {
	switch {
	case errors.Is(err, browse.ErrUnknown), errors.Is(err, fs.ErrNotExist), errors.Is(err, errNoGame):
		return &viewer.Refusal{Status: http.StatusNotFound, Why: err.Error()}
	}
	return err
}

// Mount shows the page of an API on a server, and answers it.
func Mount(s *viewer.Server, a *API) {
	s.Page("/", page)
	s.Handle("GET /api/index", viewer.JSON(func(*http.Request) (any, error) { return a.Index(), nil }))
	s.Handle("GET /api/{id}/{what}", viewer.JSON(func(r *http.Request) (any, error) {
		answer, err := a.Answer(r.Context(), r.PathValue("id"), r.PathValue("what"), r.URL.Query())
		return answer, refuse(err)
	}))
	s.Handle("POST /api/{id}/state", viewer.JSON(func(r *http.Request) (any, error) {
		var e Edit
		if err := viewer.Read(r, &e); err != nil {
			return nil, err
		}
		answer, err := a.Edit(r.Context(), r.PathValue("id"), e)
		if err = refuse(err); err != nil && !errors.As(err, new(*viewer.Refusal)) {
			err = &viewer.Refusal{Status: http.StatusBadRequest, Why: err.Error()}
		}
		return answer, err
	}))
	s.Handle("GET /api/events", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		since, err := strconv.ParseUint(r.URL.Query().Get("since"), 10, 64)
		if err != nil {
			http.Error(w, "since must be the version of an index", http.StatusBadRequest)
			return
		}
		viewer.Stream(w, r, func() (any, error) {
			news, err := a.library.Wait(r.Context(), since)
			since = news.Version
			return news, err
		})
	}))
}

// page is the page of an API.
var page = viewer.Page{Name: "view", Title: "Runs"}
