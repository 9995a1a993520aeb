package manual_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"idsrl/experiments/manual"
	"idsrl/results/viewer"
	"idsrl/results/viewer/viewertest"
)

// serve shows a session on a server until the test ends, and returns the links of the seats that people play.
func serve(t *testing.T, s *manual.Session) (links map[int]string, pages *manual.Pages) {
	t.Helper()
	server, err := viewer.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	pages = manual.Mount(server, s)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- server.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	links = map[int]string{}
	for _, seat := range s.People() {
		links[seat] = server.URL() + "#" + pages.Token(seat)
	}
	return links, pages
}

// A client is what the page of a seat does over HTTP.
type client struct {
	t           *testing.T
	base, token string
}

func newClient(t *testing.T, link string) *client {
	base, token, _ := strings.Cut(link, "#")
	return &client{t, base, token}
}

// do sends a request and returns its status and answer.
func (c *client) do(method, path, body string) (int, string) {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.base+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idsrl-Seat", c.token)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer response.Body.Close()
	line, _ := bufio.NewReader(response.Body).ReadString('\n') // of a stream, the first event
	return response.StatusCode, line
}

// view is the first event of the stream.
func (c *client) view() *manual.View {
	c.t.Helper()
	status, line := c.do("GET", "game/events?seat="+c.token, "")
	v := new(manual.View)
	if err := json.Unmarshal([]byte(strings.TrimPrefix(line, "data: ")), v); err != nil || status != 200 {
		c.t.Fatalf("%d: %s: %v", status, line, err)
	}
	return v
}

// A whole game goes over HTTP, from each seat, between two people.
func TestPages(t *testing.T) {
	links, _ := serve(t, newSession(t, "idsgame-v2", "", manual.Person, manual.Person))
	people := []*client{newClient(t, links[0]), newClient(t, links[1])}
	for {
		v := people[0].view()
		now := v.Frames[len(v.Frames)-1]
		if now.Over {
			break
		}
		if status, _ := people[0].do("GET", "game/reveal", ""); status != http.StatusConflict {
			t.Errorf("the truth before the end: %d", status)
		}
		for seat, person := range people {
			action := person.view().Legal[0].ID
			if status, answer := person.do("POST", "game/act", fmt.Sprintf(`{"step": %d, "action": %d}`, now.Step, action)); status != 200 {
				t.Fatalf("seat %d: %d %s", seat, status, answer)
			}
		}
	}
	if status, answer := people[1].do("GET", "game/reveal", ""); status != 200 || !strings.Contains(answer, `"attacker":true`) {
		t.Errorf("the truth: %d %.100s", status, answer)
	}
	if status, answer := people[0].do("POST", "game/seats", "{}"); status != 200 {
		t.Fatal(answer)
	}
	if a, b := people[0].view(), people[1].view(); a.Seat != 1 || b.Seat != 0 || a.Episode != 2 {
		t.Errorf("after a change: seats %d and %d, episode %d", a.Seat, b.Seat, a.Episode)
	}
}

// Without the token of a seat nobody sees or does anything; with it, only what the rules allow.
func TestPagesRefuse(t *testing.T) {
	links, _ := serve(t, newSession(t, "idsgame-v2", "", manual.Person, "bot:minimal"))
	mine := newClient(t, links[0])
	stranger := &client{t, mine.base, strings.Repeat("A", len(mine.token))}
	nobody := &client{t, mine.base, ""}
	legal := mine.view().Legal[0].ID
	for name, test := range map[string]struct {
		who          *client
		method, path string
		body         string
		want         int
	}{
		"a stranger looks":    {stranger, "GET", "game/events?seat=" + stranger.token, "", 403},
		"nobody looks":        {nobody, "GET", "game/events", "", 403},
		"a stranger plays":    {stranger, "POST", "game/act", fmt.Sprintf(`{"step": 0, "action": %d}`, legal), 403},
		"nobody begins":       {nobody, "POST", "game/new", "{}", 403},
		"a stranger's truth":  {stranger, "GET", "game/reveal", "", 403},
		"an illegal action":   {mine, "POST", "game/act", `{"step": 0, "action": 0}`, 409},
		"no action":           {mine, "POST", "game/act", `{"step": 0, "action": 4000000}`, 409},
		"a late step":         {mine, "POST", "game/act", fmt.Sprintf(`{"step": 3, "action": %d}`, legal), 409},
		"another field":       {mine, "POST", "game/act", `{"step": 0, "action": 1, "seat": 1}`, 400},
		"a file as opponent":  {mine, "POST", "game/player", `{"seat": 1, "player": "checkpoint:/etc/passwd"}`, 409},
		"no such seat":        {mine, "POST", "game/player", `{"seat": -1, "player": "random"}`, 400},
		"too large an action": {mine, "POST", "game/act", `{"step": "` + strings.Repeat("a", 1<<17) + `"}`, 413},
	} {
		if status, answer := test.who.do(test.method, test.path, test.body); status != test.want {
			t.Errorf("%s: %d, want %d: %s", name, status, test.want, answer)
		}
	}
	if v := mine.view(); len(v.Frames) != 1 {
		t.Errorf("the game is at frame %d", len(v.Frames))
	}
}

// In a browser, a person clicks through a game in each seat, and looks at the truth.
func TestBrowserClicks(t *testing.T) {
	for seat, role := range []string{"attacker", "defender"} {
		players := []string{"bot:random", "bot:random"}
		players[seat] = manual.Person
		links, _ := serve(t, newSession(t, "idsgame-v2", "", players...))
		page := viewertest.Open(t, links[seat], 1280, 800)
		page.Wait(`document.querySelector('#actions .choice')`)
		page.Screenshot("play-" + role)
		if text := viewertest.Eval[string](page, `document.querySelector('#state').innerText`); !strings.Contains(text, role) {
			t.Errorf("the page says %q", text)
		}
		page.Click(`.scene .target:not(.selected)`)
		for step := 1; !viewertest.Eval[bool](page, `Boolean(document.querySelector('#outcome'))`); step++ {
			page.Click(fmt.Sprintf(`#actions .choice:nth-of-type(%d)`, 1+step%3))
			page.Wait(fmt.Sprintf(`document.querySelector('#step').innerText.startsWith('%d')`, step))
			if step == 2 {
				page.Screenshot("play-" + role + "-step")
			}
			// Where the attacker has moved, what was selected may be out of reach.
			page.Wait(`document.querySelector('#actions .choice, #outcome')`)
		}
		page.Click(`#reveal`)
		page.Click(`#first`)
		page.Click(`#forward`)
		if values := viewertest.Eval[int](page, `document.querySelectorAll('.scene .value:not(.unknown)').length`); values != 80 {
			t.Errorf("the truth shows %d values of 4 nodes x 10 types x 2", values)
		}
		page.Screenshot("play-" + role + "-truth")
		page.Click(`#again`)
		page.Wait(`document.querySelector('#step').innerText.startsWith('0')`)
		page.Click(`#seats`)
		page.Wait(fmt.Sprintf(`!document.querySelector('#state').innerText.includes('You are the %s')`, role))
	}
}

// In a browser, the keyboard is enough: arrows choose a node, digits what to do there; the focus stays where it is.
func TestBrowserKeys(t *testing.T) {
	links, _ := serve(t, newSession(t, "idsgame-v19", "", "bot:random", manual.Person))
	page := viewertest.Open(t, links[1], 390, 844)
	page.Wait(`document.querySelector('#actions .choice')`)
	selected := `document.querySelector('.scene .selected').dataset.key`
	page.Press(kb.ArrowDown)
	if node := viewertest.Eval[string](page, selected); node != "1" && node != "2" {
		t.Errorf("the arrow leads to node %s", node)
	}
	if focused := viewertest.Eval[bool](page, `document.activeElement.dataset.key === `+selected); !focused {
		t.Error("the focus is not on the node")
	}
	page.Screenshot("play-phone")
	for step, k := range []string{"d", "2"} {
		page.Press(k)
		page.Wait(fmt.Sprintf(`document.querySelector('#outcome') || document.querySelector('#step').innerText.startsWith('%d')`, step+1))
	}
	if focused := viewertest.Eval[bool](page, `document.activeElement.closest('.scene, #state') !== null`); !focused {
		t.Error("the focus is lost")
	}
	page.Press("n")
	page.Wait(`document.querySelector('#step').innerText.startsWith('0')`)
	if wide := viewertest.Eval[float64](page, `document.documentElement.scrollWidth`); wide > 390 {
		t.Errorf("the page is %g pixels wide on a phone of 390", wide)
	}
}

// In a browser, NetSecGame is played by searching the list; the graph grows. Dark colours and still pictures are honoured.
func TestBrowserNetSecGame(t *testing.T) {
	links, _ := serve(t, newSession(t, "netsecgame-two_networks_small-attacker-v0", "", manual.Person))
	page := viewertest.Open(t, links[0], 1280, 900)
	page.Prefer([2]string{"prefers-color-scheme", "dark"}, [2]string{"prefers-reduced-motion", "reduce"})
	page.Wait(`document.querySelector('#search')`)
	count := `document.querySelectorAll('.scene .host').length`
	before := viewertest.Eval[int](page, count)
	page.Press("/scan 192.168.1.0")
	if found := viewertest.Eval[int](page, `document.querySelectorAll('#actions .choice').length`); found != 2 {
		t.Errorf("%d actions are found", found)
	}
	page.Press(kb.Enter)
	page.Wait(`document.querySelector('#step').innerText.startsWith('1')`)
	if after := viewertest.Eval[int](page, count); after <= before {
		t.Errorf("%d hosts after a scan, %d before", after, before)
	}
	page.Click(`.scene .host.new`)
	page.Wait(`document.querySelector('#clear')`)
	page.Screenshot("play-netsecgame-dark")
	if ground := viewertest.Eval[string](page, `getComputedStyle(document.documentElement).backgroundColor`); ground != "rgb(16, 21, 29)" {
		t.Errorf("the ground is %s, not dark", ground)
	}
	if motion := viewertest.Eval[string](page, `getComputedStyle(document.querySelector('.scene .new .card') || document.querySelector('.scene .card')).animationName`); motion != "none" {
		t.Errorf("the page moves: %s", motion)
	}
}
