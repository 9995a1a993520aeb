package browse

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"

	"idsrl/results"
)

// An Index is all that a library holds, with the table of its groups.
type Index struct {
	Version  uint64     `json:"version"`
	Titles   []string   `json:"titles"` // of the table, as idsrl results shows it
	Groups   []GroupRow `json:"groups"`
	Runs     []RunRow   `json:"runs"`
	Leagues  []FileRow  `json:"leagues"`
	Games    []FileRow  `json:"games"`
	Problems []string   `json:"problems"`
}

// A GroupRow is a group of runs that differ in nothing but their seed.
type GroupRow struct {
	ID      string   `json:"id"`
	Env     string   `json:"env"`
	Algo    string   `json:"algo"`
	Budget  string   `json:"budget"`
	Cells   []string `json:"cells"` // by Index.Titles
	Curve   []Number `json:"curve"` // greedy hack probability over training
	Runs    []string `json:"runs"`  // ids
	Running int      `json:"running"`
}

// A RunRow is a run.
type RunRow struct {
	ID        string         `json:"id"`
	Name      string         `json:"name"`
	Group     string         `json:"group"`
	Env       string         `json:"env"`
	Algo      string         `json:"algo"`
	Learners  []string       `json:"learners"`
	Seed      string         `json:"seed"` // as text: it may be too large for a number
	Status    results.Status `json:"status"`
	Steps     int64          `json:"steps"`
	Episodes  int64          `json:"episodes"`
	Progress  Number         `json:"progress"` // share of the budget
	Speed     Number         `json:"speed"`    // steps a second
	Seconds   Number         `json:"seconds"`
	StartedAt string         `json:"started"`
	Hacked    Number         `json:"hacked"` // in the latest greedy evaluation
}

// A FileRow is a league or a file of recorded games.
type FileRow struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Size int64  `json:"size"`
}

// A group is runs that differ in nothing but their seed, or a single one, as they were when it was made.
type group struct {
	id      string
	version uint64 // of the library when one of the runs changed last
	runs    []*run
	data    []*results.Run // of runs
}

func (g *group) add(r *run, data *results.Run) {
	g.version = max(g.version, r.version)
	g.runs, g.data = append(g.runs, r), append(g.data, data)
}

// groups are those of results.Groups.
func (l *Library) groups() (groups []group) {
	all, of := l.readable()
	for _, members := range results.Groups(all) {
		g := group{id: hash(fmt.Sprint(members[0].Identity()))}
		for _, data := range members {
			g.add(of[data], data)
		}
		groups = append(groups, g)
	}
	return groups
}

// copies are the names of the runs that no group has.
func (l *Library) copies() (names []string) {
	all, of := l.readable()
	for _, data := range results.Copies(all) {
		names = append(names, of[data].name)
	}
	return names
}

// readable are the runs that could be read, and which each is.
func (l *Library) readable() (all []*results.Run, of map[*results.Run]*run) {
	of = map[*results.Run]*run{}
	for _, r := range l.sortedRuns() {
		all, of[r.data] = append(all, r.data), r
	}
	return all, of
}

// members are the runs of a group or the run that an id is of.
func (l *Library) members(id string) (group, error) {
	if r := l.runs[id]; r != nil && r.data != nil {
		g := group{id: id}
		g.add(r, r.data)
		return g, nil
	}
	for _, g := range l.groups() {
		if g.id == id {
			return g, nil
		}
	}
	return group{}, ErrUnknown
}

// Index lists everything.
func (l *Library) Index() *Index {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refresh()
	x := &Index{Version: l.version, Groups: []GroupRow{}, Runs: []RunRow{}, Problems: []string{}}
	var summaries []results.Summary
	for _, g := range l.groups() {
		s := l.summary(g)
		summaries = append(summaries, s)
		row := GroupRow{ID: g.id, Env: s.Env, Algo: s.Algo, Budget: s.Budget.String(), Curve: numbers(s.Curve)}
		for _, r := range g.runs {
			row.Runs = append(row.Runs, r.id)
			if r.data.Status == results.Running {
				row.Running++
			}
			x.Runs = append(x.Runs, r.row(row.ID))
		}
		x.Groups = append(x.Groups, row)
	}
	grid := results.SummaryGrid(summaries)
	for i, column := range grid.Columns {
		if column.Title == "" || column.Names == nil { // for machines; the curve, which pages draw
			continue
		}
		x.Titles = append(x.Titles, column.Title)
		for row := range grid.Rows {
			x.Groups[row].Cells = append(x.Groups[row].Cells, grid.Rows[row][i].Text)
		}
	}
	x.Leagues, x.Games = rows(l.leagues), rows(l.games)
	for _, name := range l.copies() {
		x.Problems = append(x.Problems, name+": not shown, as another run has the same configuration and seed")
	}
	for _, name := range slices.Sorted(maps.Keys(l.problems)) {
		x.Problems = append(x.Problems, name+": "+l.problems[name])
	}
	return x
}

// rows lists files by name.
func rows(files map[string]*file) []FileRow {
	list := []FileRow{}
	for _, f := range files {
		list = append(list, FileRow{f.id, f.name, f.stamp.size})
	}
	slices.SortFunc(list, func(a, b FileRow) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

// summary is what a group came to.
func (l *Library) summary(g group) results.Summary {
	key := "summary " + g.id
	if s, ok := l.recall(key, g.version); ok {
		return s.(results.Summary)
	}
	s := results.Summarize(g.data, results.Statistics[0])[0]
	l.remember(key, g.version, s)
	return s
}

// cacheSize is how many answers are kept.
const cacheSize = 2000

// recall returns an answer that was worked out from the same version.
func (l *Library) recall(key string, version uint64) (value any, ok bool) {
	a, ok := l.cache[key]
	return a.value, ok && a.version == version
}

func (l *Library) remember(key string, version uint64, value any) {
	if len(l.cache) >= cacheSize {
		clear(l.cache)
	}
	l.cache[key] = answer{version, value}
}

func (r *run) row(group string) RunRow {
	d := r.data
	last, _ := d.Last(results.Greedy)
	steps, episodes := d.Steps, d.Episodes
	if d.Status == results.Running { // train.csv is ahead of the manifest
		if table, err := r.table(); err == nil {
			if x := table.Last(results.Axes[0].Column); x > float64(steps) {
				steps, episodes = int64(x), int64(table.Last(results.Axes[1].Column))
			}
		}
	}
	return RunRow{
		ID: r.id, Name: r.name, Group: group, Env: d.Env, Algo: d.Algo, Learners: d.Learners,
		Seed: strconv.FormatUint(d.Seed, 10), Status: d.Status,
		Steps: steps, Episodes: episodes, Progress: progress(d, steps, episodes),
		Speed: Number(d.StepsPerSecond()), Seconds: Number(d.WallSeconds),
		StartedAt: d.StartedAt.UTC().Format("2006-01-02 15:04:05Z"), Hacked: Number(last.HackProbability),
	}
}

// progress is the share of its budget that a run has spent.
func progress(d *results.Run, steps, episodes int64) Number {
	share := 0.0
	if d.Budget.Steps > 0 {
		share = float64(steps) / float64(d.Budget.Steps)
	}
	if d.Budget.Episodes > 0 {
		share = max(share, float64(episodes)/float64(d.Budget.Episodes))
	}
	if d.Status == results.Finished {
		share = 1
	}
	return Number(min(share, 1))
}

// A Run is what a run's folder says of it.
type Run struct {
	RunRow
	Config   string           `json:"config"`
	Manifest results.Manifest `json:"manifest"`
}

// Run returns a run.
func (l *Library) Run(id string) (*Run, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refresh()
	r := l.runs[id]
	if r == nil || r.data == nil {
		return nil, ErrUnknown
	}
	out := &Run{Manifest: r.data.Manifest}
	for _, g := range l.groups() {
		if slices.Contains(g.runs, r) {
			out.RunRow = r.row(g.id)
		}
	}
	f, err := r.open(results.ConfigFile)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 1<<20))
	out.Config = string(text)
	return out, err
}
