package manual

import (
	"crypto/rand"
	"errors"
	"net/http"
	"sync"

	"idsrl/results/viewer"
)

// seatHeader is the header with the token of a seat.
const seatHeader = "Idsrl-Seat"

// Pages are a session on a web server: a page a seat, each with a token of its own, without which nobody sees or does
// anything in it.
//
//	GET  /             the page; the token stands behind the # of its link
//	GET  /game/events  views of the seat, as server-sent events; ?seat=TOKEN
//	GET  /game/reveal  what really happened, once the episode is over
//	POST /game/act     {"step": 3, "action": 17}
//	POST /game/new     {}
//	POST /game/seats   {}: change seats
//	POST /game/player  {"seat": 1, "player": "bot:random"}
//
// The others than GET / and the events have the token in the header Idsrl-Seat.
type Pages struct {
	session *Session
	failed  chan error // the error that ended the session

	mu     sync.Mutex
	tokens map[string]int // seat by token, for those that people play
}

// Mount puts the pages of a session on a server.
func Mount(server *viewer.Server, session *Session) *Pages {
	p := &Pages{session: session, tokens: map[string]int{}, failed: make(chan error, 1)}
	for _, seat := range session.People() {
		p.tokens[rand.Text()] = seat
	}
	server.Page("/", viewer.Page{Name: "play", Title: "Play"})
	server.Handle("GET /game/events", http.HandlerFunc(p.events))
	server.Handle("GET /game/reveal", p.seated(func(_ int, _ string, _ *http.Request) (any, error) { return session.Reveal() }))
	server.Handle("POST /game/act", p.seated(func(seat int, _ string, r *http.Request) (any, error) {
		var move struct{ Step, Action int }
		if err := viewer.Read(r, &move); err != nil {
			return nil, err
		}
		return ok{}, session.Play(seat, move.Step, move.Action)
	}))
	server.Handle("POST /game/new", p.seated(func(int, string, *http.Request) (any, error) { return ok{}, session.Again() }))
	server.Handle("POST /game/seats", p.seated(p.changeSeats))
	server.Handle("POST /game/player", p.seated(func(_ int, _ string, r *http.Request) (any, error) {
		var change struct {
			Seat   int
			Player string
		}
		if err := viewer.Read(r, &change); err != nil {
			return nil, err
		}
		if change.Seat < 0 || change.Seat >= len(session.Seats()) {
			return nil, &viewer.Refusal{Status: http.StatusBadRequest, Why: "there is no such seat"}
		}
		return ok{}, session.Against(change.Seat, change.Player)
	}))
	return p
}

// ok is the answer to what has worked.
type ok struct{}

// Failed tells of an error that ended the session.
func (p *Pages) Failed() <-chan error { return p.failed }

// Token is the token of a seat; "" if no person plays it.
func (p *Pages) Token(seat int) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	for token, s := range p.tokens {
		if s == seat {
			return token
		}
	}
	return ""
}

// seat is the seat of a token.
func (p *Pages) seat(token string) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if seat, ok := p.tokens[token]; ok {
		return seat, nil
	}
	return 0, &viewer.Refusal{Status: http.StatusForbidden, Why: "this is not the link of a seat; open the one that idsrl has printed"}
}

// seated answers to requests with the token of a seat.
func (p *Pages) seated(f func(seat int, token string, r *http.Request) (any, error)) http.Handler {
	return viewer.JSON(func(r *http.Request) (any, error) {
		token := r.Header.Get(seatHeader)
		seat, err := p.seat(token)
		if err != nil {
			return nil, err
		}
		answer, err := f(seat, token, r)
		return answer, p.judge(err)
	})
}

// judge tells the client of a choice that does not count; any other error of the session ends it.
func (p *Pages) judge(err error) error {
	var move *MoveError
	var refusal *viewer.Refusal
	var tooLarge *http.MaxBytesError
	switch {
	case err == nil, errors.As(err, &refusal), errors.As(err, &tooLarge):
	case errors.As(err, &move):
		return &viewer.Refusal{Status: http.StatusConflict, Why: move.Why}
	default:
		select {
		case p.failed <- err:
		default: // one is enough
		}
	}
	return err
}

// changeSeats lets the token move to the next seat; where two people play, they change places.
func (p *Pages) changeSeats(seat int, _ string, _ *http.Request) (any, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	to, err := p.session.ChangeSeats(seat)
	if err != nil {
		return nil, err
	}
	for token, s := range p.tokens {
		switch s {
		case seat:
			p.tokens[token] = to
		case to:
			p.tokens[token] = seat
		}
	}
	return ok{}, nil
}

// events sends the view of the seat whenever there is a new one.
func (p *Pages) events(w http.ResponseWriter, r *http.Request) {
	token, shown := r.URL.Query().Get("seat"), -1
	if _, err := p.seat(token); err != nil {
		viewer.Fail(w, err)
		return
	}
	viewer.Stream(w, r, func() (any, error) {
		for {
			version, news := p.session.Changed()
			if version != shown {
				shown = version
				seat, err := p.seat(token)
				return p.session.View(seat), err
			}
			select {
			case <-news:
			case <-r.Context().Done():
				return nil, r.Context().Err()
			}
		}
	})
}
