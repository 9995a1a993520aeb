package browse

import (
	"bufio"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"idsrl/results"
)

// How often a Library looks, at most: where it takes long, a fiftieth of the time.
const (
	Glance = 500 * time.Millisecond // at unfinished runs
	Scan   = 3 * time.Second        // at all folders
	share  = 50
)

// LeagueFile is what makes a folder that of a league.
const LeagueFile = "payoff.csv"

// A Library is what lies below some folders. Several goroutines may use it.
type Library struct {
	roots []root

	mu              sync.Mutex
	runs            map[string]*run // by id, as the other maps
	leagues         map[string]*file
	games           map[string]*file
	problems        map[string]string // by path: what could not be read
	version         uint64            // of what the library knows
	glanced, looked visit
	cache           map[string]answer // of Curve and groups
}

// A visit is when the library has looked last, and how long that took.
type visit struct {
	at   time.Time
	cost time.Duration
}

// due reports whether it is time to look again.
func (v visit) due(every time.Duration) bool { return time.Since(v.at) >= max(every, share*v.cost) }

// visited is a visit that began at a time and is over.
func visited(since time.Time) visit { return visit{time.Now(), time.Since(since)} }

// A root is a folder that was named.
type root struct {
	name string
	abs  string
	dir  *os.Root
}

// A file is where something is kept.
type file struct {
	id      string
	name    string // for people
	root    root
	path    string // below the root
	stamp   stamp
	version uint64 // of the library when it changed last
}

// A stamp tells whether a file has changed.
type stamp struct {
	size int64
	time time.Time
}

// A run is a run's folder.
type run struct {
	file
	stamps [3]stamp // of its files
	data   *results.Run

	reading sync.Mutex // of train.csv, which may take a while
	train   results.Table
	read    int64 // bytes of train.csv
}

// answer is something that was worked out.
type answer struct {
	version uint64
	value   any
}

// Open opens folders. Runs need not be there yet.
func Open(dirs ...string) (*Library, error) {
	l := &Library{
		runs: map[string]*run{}, leagues: map[string]*file{}, games: map[string]*file{}, problems: map[string]string{},
		cache: map[string]answer{},
	}
	for _, name := range dirs {
		abs, err := filepath.Abs(name)
		if err != nil {
			return nil, err
		}
		dir, err := os.OpenRoot(name)
		if err != nil {
			return nil, fmt.Errorf("no folder %s to look for runs in: %w", name, err)
		}
		l.roots = append(l.roots, root{filepath.ToSlash(filepath.Clean(name)), abs, dir})
	}
	l.Look()
	return l, nil
}

// Close releases the folders.
func (l *Library) Close() (err error) {
	for _, r := range l.roots {
		err = errors.Join(err, r.dir.Close())
	}
	return err
}

// hash is an id.
func hash(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:5])
}

// Look brings the library up to date with everything.
func (l *Library) Look() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.scan()
	l.glance(func(*run) bool { return true })
}

// refresh looks if it is time to.
func (l *Library) refresh() {
	all := l.looked.due(Scan)
	if all {
		l.scan()
	}
	if all || l.glanced.due(Glance) {
		l.glance(func(r *run) bool { return all || r.data == nil || r.data.Status == results.Running })
	}
}

// scan finds what is new and what is gone.
func (l *Library) scan() {
	began := time.Now()
	found := map[string]bool{}
	seen := map[string]bool{} // absolute paths, since folders may overlap
	for _, r := range l.roots {
		err := fs.WalkDir(r.dir.FS(), ".", func(at string, entry fs.DirEntry, err error) error {
			if err != nil {
				l.problem(path.Join(r.name, at), err)
				return nil
			}
			abs := filepath.Join(r.abs, filepath.FromSlash(at))
			if !entry.Type().IsRegular() || seen[abs] {
				return nil
			}
			seen[abs] = true
			if id := l.found(r, at, entry.Name()); id != "" {
				found[id] = true
			}
			return nil
		})
		if err != nil {
			l.problem(r.name, err)
		}
	}
	gone := func(id string) bool { return !found[id] }
	before := len(l.runs) + len(l.leagues) + len(l.games)
	maps.DeleteFunc(l.runs, func(id string, _ *run) bool { return gone(id) })
	maps.DeleteFunc(l.leagues, func(id string, _ *file) bool { return gone(id) })
	maps.DeleteFunc(l.games, func(id string, _ *file) bool { return gone(id) })
	if len(l.runs)+len(l.leagues)+len(l.games) < before {
		l.version++
	}
	l.looked = visited(began)
}

// found takes note of a file and returns the id of what it belongs to, "" for nothing.
func (l *Library) found(r root, at, name string) string {
	dir := path.Dir(at)
	add := func(to map[string]*file, at string) string {
		f := file{id: hash(path.Join(r.name, at)), name: path.Join(r.name, at), root: r, path: at}
		if to[f.id] == nil {
			l.version++
			f.version = l.version
			to[f.id] = &f
		}
		to[f.id].touch(l)
		return f.id
	}
	switch {
	case name == LeagueFile:
		return add(l.leagues, dir)
	case strings.HasSuffix(name, ".jsonl"), strings.HasSuffix(name, ".jsonl.gz"):
		return add(l.games, at)
	case name == results.ManifestFile && !l.exists(r, path.Join(dir, LeagueFile)) && l.exists(r, path.Join(dir, results.ConfigFile)):
		f := file{id: hash(path.Join(r.name, dir)), name: path.Join(r.name, dir), root: r, path: dir}
		if l.runs[f.id] == nil {
			l.runs[f.id] = &run{file: f}
		}
		return f.id
	}
	return ""
}

func (l *Library) exists(r root, at string) bool {
	_, err := r.dir.Stat(filepath.FromSlash(at))
	return err == nil
}

// touch notes whether a league or recording has changed.
func (f *file) touch(l *Library) {
	at := f.path
	if l.leagues[f.id] == f {
		at = path.Join(at, LeagueFile)
	}
	if now := f.root.stamp(at); now != f.stamp {
		f.stamp = now
		l.version++
		f.version = l.version
	}
}

// stamp is that of a file below the root; zero if there is none.
func (r root) stamp(at string) stamp {
	info, err := r.dir.Stat(filepath.FromSlash(at))
	if err != nil {
		return stamp{}
	}
	return stamp{info.Size(), info.ModTime()}
}

// glance reads anew the runs whose files have changed.
func (l *Library) glance(due func(*run) bool) {
	began := time.Now()
	for _, r := range l.runs {
		if !due(r) {
			continue
		}
		var now [3]stamp
		for i, name := range []string{results.ManifestFile, results.EvalFile, results.TrainFile} {
			now[i] = r.root.stamp(path.Join(r.path, name))
		}
		if now == r.stamps {
			continue
		}
		l.version++
		r.stamps, r.version = now, l.version
		data, err := results.ReadRunFS(r.root.dir.FS(), r.path)
		if err != nil { // perhaps it is being replaced
			l.problem(r.name, err)
			continue
		}
		delete(l.problems, r.name)
		if r.data == nil || !data.StartedAt.Equal(r.data.StartedAt) {
			r.reset()
		}
		data.Dir, r.data = r.name, data
	}
	l.glanced = visited(began)
}

func (l *Library) problem(name string, err error) {
	if l.problems[name] != err.Error() {
		l.problems[name] = err.Error()
		l.version++
	}
}

// open opens a file in the run's folder.
func (r *run) open(name string) (*os.File, error) {
	return r.root.dir.Open(filepath.FromSlash(path.Join(r.path, name)))
}

// reset forgets what was read of train.csv.
func (r *run) reset() {
	r.reading.Lock()
	defer r.reading.Unlock()
	r.train, r.read = results.Table{}, 0
}

// columns are those of train.csv; none if it is not there yet.
func (r *run) columns() ([]string, error) {
	f, err := r.open(results.TrainFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	defer f.Close()
	line, err := bufio.NewReader(io.LimitReader(f, 1<<20)).ReadBytes('\n')
	if errors.Is(err, io.EOF) { // not written yet
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	var head results.Table
	_, err = head.Append(line)
	return head.Columns, err
}

// table is train.csv, as far as it has come.
func (r *run) table() (results.Table, error) {
	r.reading.Lock()
	defer r.reading.Unlock()
	f, err := r.open(results.TrainFile)
	if errors.Is(err, fs.ErrNotExist) {
		return results.Table{}, nil
	} else if err != nil {
		return results.Table{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return results.Table{}, err
	}
	if info.Size() < r.read { // a resumed run has cut it
		r.train, r.read = results.Table{}, 0
	}
	if info.Size() > r.read {
		data, err := io.ReadAll(io.NewSectionReader(f, r.read, info.Size()-r.read))
		if err != nil {
			return results.Table{}, err
		}
		n, err := r.train.Append(data)
		r.read += int64(n)
		if err != nil {
			return results.Table{}, err
		}
	}
	return r.train, nil // later rows are appended behind those of this copy
}

// sortedRuns are those that could be read.
func (l *Library) sortedRuns() []*run {
	var list []*run
	for _, r := range l.runs {
		if r.data != nil {
			list = append(list, r)
		}
	}
	slices.SortFunc(list, func(a, b *run) int { return cmp.Compare(a.name, b.name) })
	return list
}

// ErrUnknown is the error of an id that is of nothing here.
var ErrUnknown = errors.New("there is nothing of this id; perhaps it has been removed")

// Folder is the path of a run's folder, for those who read its checkpoints. It is an error if something in the folder is a
// symbolic link, which might lead elsewhere.
func (l *Library) Folder(id string) (string, error) {
	l.mu.Lock()
	r := l.runs[id]
	l.mu.Unlock()
	if r == nil {
		return "", ErrUnknown
	}
	entries, err := fs.ReadDir(r.root.dir.FS(), r.path)
	if err != nil {
		return "", err
	}
	for _, entry := range entries {
		if entry.Type()&fs.ModeSymlink != 0 {
			return "", fmt.Errorf("%s/%s is a symbolic link: it is not followed", r.name, entry.Name())
		}
	}
	return filepath.Join(r.root.abs, filepath.FromSlash(r.path)), nil
}

// OpenGames opens a file of recorded games.
func (l *Library) OpenGames(id string) (io.ReadCloser, error) {
	l.mu.Lock()
	f := l.games[id]
	l.mu.Unlock()
	if f == nil {
		return nil, ErrUnknown
	}
	return f.root.dir.Open(filepath.FromSlash(f.path))
}

// News are what has changed.
type News struct {
	Version uint64   `json:"version"` // to ask for what follows
	Changed []string `json:"changed"` // ids of runs, groups, leagues and recordings
}

// Wait returns what is newer than a version, once there is something.
func (l *Library) Wait(ctx context.Context, since uint64) (News, error) {
	ticker := time.NewTicker(Glance)
	defer ticker.Stop()
	for {
		if news := l.since(since); news.Version > since {
			return news, nil
		}
		select {
		case <-ctx.Done():
			return News{}, ctx.Err()
		case <-ticker.C:
		}
	}
}

// since is what is newer than a version.
func (l *Library) since(version uint64) News {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refresh()
	news := News{Version: l.version, Changed: []string{}}
	add := func(f *file) {
		if f.version > version {
			news.Changed = append(news.Changed, f.id)
		}
	}
	for _, r := range l.runs {
		add(&r.file)
	}
	for _, files := range []map[string]*file{l.leagues, l.games} {
		for _, f := range files {
			add(f)
		}
	}
	for _, g := range l.groups() {
		if g.version > version {
			news.Changed = append(news.Changed, g.id)
		}
	}
	slices.Sort(news.Changed)
	return news
}
