// Package review shows runs as pages: tables and curves of package browse, the games that a run's policies play with what
// they make of every state, and recorded games.
//
// An [API] has answers, each by an id and what is asked about it; [Mount] gives them on a web server, [Export] writes them into a
// folder, and the same page shows both. All answers but the events and the edited states are in an export.
//
//	GET  /api/index                      all that there is
//	GET  /api/ID/metrics                 of a run or group: what can be drawn
//	GET  /api/ID/curve?metric=M&axis=A&stat=S    of a run or group
//	GET  /api/ID/lines?metric=M&axis=A   of each of its runs
//	GET  /api/ID/run                     a run's manifest and configuration
//	GET  /api/ID/episode?n=N&mode=M&view=V    game N of a run
//	POST /api/ID/state                   what the run's policies make of an edited state: an Edit
//	GET  /api/ID/league                  a league's matches and ratings
//	GET  /api/ID/games                   the games in a file
//	GET  /api/ID/game?n=N                one of them
//	GET  /api/events?since=VERSION       browse.News, as server-sent events
//
// A run's folder is only read, and by this process: training does not wait for it.
package review
