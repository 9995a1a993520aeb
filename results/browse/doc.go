// Package browse reads for pages what lies below folders: runs, the groups that they form, learning curves, leagues and
// recorded games, also while runs are still going on. A [Library] looks only; it never writes.
//
// # Names
//
// Whatever a page may ask for has an id, a hash of its name. Requests hold ids and no paths, and files are opened below the
// given folders only, so that neither ".." nor a symbolic link leads elsewhere.
//
// # How many points
//
// A curve of a group has one point for each of Parts equal parts of training: of each run the mean of the rows in that part,
// of these the statistic over runs and its 95 % percentile bootstrap interval from Resamples resamples. Evaluations, which
// are few, are not averaged but thinned. The lines of single runs are thinned to LinePoints points, which keep the shape
// (largest triangle, three buckets; Steinarsson 2013, hdl.handle.net/1946/15343).
//
// # Runs that go on
//
// A Library looks at the files of unfinished runs when it is asked, at most every Glance, and for new folders at most every
// Scan, less often where that takes long; of train.csv it reads what was added. It takes no locks on files, and trainers do
// not know of it.
package browse
