package viewer

import (
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// Limits of what a client may ask for.
const (
	maxHeader = 16 << 10 // bytes
	maxBody   = 64 << 10 // bytes
	maxBusy   = 128      // requests at a time, open streams among them
	maxRate   = 100      // requests a second, in the long run
	maxBurst  = 400      // requests at once, after a rest
)

// tokenName is what the parameter and the cookie with the token are called.
const tokenName = "token"

// policy is the Content-Security-Policy of every answer.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"

// guard decides which requests reach the handlers.
type guard struct {
	next      http.Handler
	token     string // "" if none is needed
	allowance *allowance
	busy      chan struct{} // a place for each request
}

func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	h.Set("Cache-Control", "no-store")
	refuse := func(status int, why string) { http.Error(w, why, status) }
	switch {
	case !ownHost(r.Host):
		refuse(http.StatusMisdirectedRequest, "this server answers to IP addresses and localhost only")
		return
	case !ownOrigin(r):
		refuse(http.StatusForbidden, "pages of other origins may not ask")
		return
	case !g.allowance.take():
		h.Set("Retry-After", "1")
		refuse(http.StatusTooManyRequests, "too many requests; wait a second")
		return
	}
	if g.token != "" {
		switch given, byLink := g.given(r); {
		case subtle.ConstantTimeCompare([]byte(given), []byte(g.token)) != 1:
			refuse(http.StatusUnauthorized, "this page needs the token of the link that idsrl has printed")
			return
		case byLink:
			g.remember(w, r)
			return
		}
	}
	select {
	case g.busy <- struct{}{}:
		defer func() { <-g.busy }()
	default:
		refuse(http.StatusServiceUnavailable, "too many requests at a time")
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	g.next.ServeHTTP(w, r)
}

// given is the token of a request, and whether it stands in the link.
func (g *guard) given(r *http.Request) (token string, byLink bool) {
	if token := r.URL.Query().Get(tokenName); token != "" && r.Method == http.MethodGet {
		return token, true
	}
	if c, err := r.Cookie(tokenName); err == nil {
		return c.Value, false
	}
	return "", false
}

// remember keeps the token in a cookie and leads to the same page without it in its address.
func (g *guard) remember(w http.ResponseWriter, r *http.Request) {
	http.SetCookie(w, &http.Cookie{
		Name: tokenName, Value: g.token, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode,
	})
	query := r.URL.Query()
	query.Del(tokenName)
	to := *r.URL
	to.Scheme, to.Host, to.RawQuery = "", "", query.Encode()
	to.Path = "/" + strings.TrimLeft(to.Path, "/") // "//host" would lead elsewhere
	http.Redirect(w, r, to.String(), http.StatusSeeOther)
}

// ownHost reports whether a Host is an IP address or localhost. A page whose own name was bound to this address has
// another one.
func ownHost(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	_, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil || strings.EqualFold(host, "localhost")
}

// ownOrigin reports whether a request comes from this server's pages, or from no page.
func ownOrigin(r *http.Request) bool {
	if origin := r.Header.Get("Origin"); origin != "" && origin != "http://"+r.Host {
		return false
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin":
		return true
	default: // a link elsewhere may lead here, no more
		return r.Method == http.MethodGet && r.Header.Get("Sec-Fetch-Mode") == "navigate" &&
			r.Header.Get("Sec-Fetch-Dest") == "document"
	}
}

// allowance is a bucket of requests, filled at maxRate a second up to maxBurst.
type allowance struct {
	now  func() time.Time
	mu   sync.Mutex
	left float64
	at   time.Time
}

func newAllowance(now func() time.Time) *allowance {
	return &allowance{now: now, left: maxBurst, at: now()}
}

// take takes a request out, if there is one.
func (a *allowance) take() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	a.left = min(maxBurst, a.left+maxRate*now.Sub(a.at).Seconds())
	a.at = now
	if a.left < 1 {
		return false
	}
	a.left--
	return true
}
