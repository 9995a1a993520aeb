package review

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"

	"idsrl/algos"
	"idsrl/results"
	"idsrl/results/browse"
)

// maxExported is how many games of a file of recorded games an export holds.
const maxExported = 100

// exportedRun is a run in an export.
type exportedRun struct {
	*browse.Run
	Games int `json:"games"` // that the export holds
}

// Export writes the page with all answers into a folder, with so many games of each run, played greedily. Of a run that cannot
// be opened, such as one of another version, there are none; warn hears why.
func Export(ctx context.Context, a *API, dir string, games int, warn func(error)) error {
	return page.Export(dir, func(write func(name string, script []byte) error) error {
		x := a.Index()
		save := func(id, before string, all answers) error {
			text, err := json.Marshal(all)
			if err != nil {
				return err
			}
			return write(id, append([]byte(before), append(text, ");\n"...)...))
		}
		if err := save("index", "globalThis.idsrlExport = Object.assign({}, ", answers{"index": x}); err != nil {
			return err
		}
		for _, g := range x.Groups {
			all, err := a.exportGroup(ctx, g.ID)
			if err == nil {
				err = save(g.ID, assign, all)
			}
			if err != nil {
				return err
			}
		}
		for _, r := range x.Runs {
			all, err := a.exportRun(ctx, r.ID, games, warn)
			if err == nil {
				err = save(r.ID, assign, all)
			}
			if err != nil {
				return err
			}
		}
		for _, l := range x.Leagues {
			league, err := a.library.League(l.ID)
			if err == nil {
				err = save(l.ID, assign, answers{l.ID + "/league": league})
			}
			if err != nil {
				return err
			}
		}
		for _, f := range x.Games {
			all, err := a.exportGames(ctx, f.ID)
			if err != nil {
				warn(fmt.Errorf("%s: %w", f.Name, err))
				continue
			}
			if err := save(f.ID, assign, all); err != nil {
				return err
			}
		}
		return nil
	})
}

// assign begins a script that adds answers.
const assign = "Object.assign(globalThis.idsrlExport, "

// answers collects answers to questions about an id, by what a page asks.
type answers map[string]any

func (a *API) collect(ctx context.Context, into answers, id, what string, q url.Values) error {
	answer, err := a.Answer(ctx, id, what, q)
	if err != nil {
		return err
	}
	key := id + "/" + what
	if len(q) > 0 {
		key += "?" + q.Encode()
	}
	into[key] = answer
	return nil
}

// exportGroup is all that can be drawn of a group.
func (a *API) exportGroup(ctx context.Context, id string) (answers, error) {
	all := answers{}
	if err := a.collect(ctx, all, id, "metrics", nil); err != nil {
		return nil, err
	}
	for _, m := range all[id+"/metrics"].([]browse.Metric) {
		for _, axis := range results.Axes {
			q := url.Values{"metric": {m.ID}, "axis": {axis.Name}}
			if err := a.collect(ctx, all, id, "lines", q); err != nil {
				return nil, err
			}
			for _, stat := range results.Statistics {
				q := url.Values{"metric": {m.ID}, "axis": {axis.Name}, "stat": {stat.Name}}
				if err := a.collect(ctx, all, id, "curve", q); err != nil {
					return nil, err
				}
			}
		}
	}
	return all, ctx.Err()
}

// exportRun is a run with its games.
func (a *API) exportRun(ctx context.Context, id string, games int, warn func(error)) (answers, error) {
	run, err := a.library.Run(id)
	if err != nil {
		return nil, err
	}
	all, held := answers{}, 0
	for n := range games {
		q := url.Values{"n": {strconv.Itoa(n)}, "mode": {algos.Greedy.String()}, "view": {everything}}
		if err := a.collect(ctx, all, id, "episode", q); err != nil {
			warn(fmt.Errorf("%s: no games: %w", run.Name, err))
			break
		}
		held++
	}
	all[id+"/run"] = exportedRun{run, held}
	return all, ctx.Err()
}

// exportGames is a file of recorded games.
func (a *API) exportGames(ctx context.Context, id string) (answers, error) {
	all := answers{}
	f, err := a.file(id)
	if err != nil {
		return nil, err
	}
	list, err := f.list()
	if err != nil {
		return nil, err
	}
	list = list[:min(len(list), maxExported)]
	all[id+"/games"] = list
	for n := range list {
		if err := a.collect(ctx, all, id, "game", url.Values{"n": {strconv.Itoa(n)}}); err != nil {
			return nil, err
		}
	}
	return all, ctx.Err()
}
