package review_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"idsrl/experiments/review"
	"idsrl/results"
	"idsrl/results/viewer/viewertest"
)

// drawn is an expression for the number of charts that are drawn.
const drawn = `document.querySelectorAll('.chart[data-state=drawn] svg').length`

// do runs a script in the page.
func do(p *viewertest.Page, script string) { viewertest.Eval[any](p, script+"; null") }

// demo has two seeds of one algorithm and one of another.
func demo(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for seed := range 2 {
		train(t, filepath.Join(root, fmt.Sprint("table-", seed)), "idsgame-minimal_defense-v2", "tabular-q", fmt.Sprint("seed=", seed))
	}
	train(t, filepath.Join(root, "network"), "idsgame-minimal_defense-v2", "ppo", "envs=4")
	return root
}

// Two groups are compared by clicks, and read by keyboard.
func TestBrowserCompare(t *testing.T) {
	s := show(t, demo(t))
	p := viewertest.Open(t, s.url, 1400, 900)
	p.Wait(`document.querySelectorAll('.groups tbody tr').length === 2`)
	p.Screenshot("view-overview")
	wide := viewertest.Eval[float64](p, `performance.getEntriesByType('resource').concat(performance.getEntriesByType('navigation')).reduce((sum, e) => sum + e.transferSize, 0)`)
	if wide < 10_000 || wide > 300_000 {
		t.Errorf("the page has %v bytes in all", wide)
	}
	p.Click(`[data-key="choose-` + s.group(t, "table-0") + `"]`)
	p.Click(`[data-key="choose-` + s.group(t, "network") + `"]`)
	p.Wait(`document.querySelector('#compare')?.textContent === 'Compare 2'`)
	p.Click("#compare")
	p.Wait(drawn + ` >= 5 && document.querySelectorAll('.legend .entry').length === 2`)
	if lines := viewertest.Eval[int](p, `document.querySelector('.chart svg').querySelectorAll('path.line').length`); lines != 2 {
		t.Errorf("%d lines", lines)
	}
	if bands := viewertest.Eval[int](p, `document.querySelector('.chart svg').querySelectorAll('path.band').length`); bands != 1 { // one seed has none
		t.Errorf("%d bands", bands)
	}
	p.Click("#option-lines")
	p.Wait(`document.querySelector('.chart svg').querySelectorAll('path.line.one').length === 3`)
	p.Wait(`document.querySelector('.chart svg').focus() || document.activeElement === document.querySelector('.chart svg')`)
	p.Press(kb.Home + kb.ArrowRight)
	p.Wait(`/steps: tabular-q .*ppo/.test(document.querySelector('.chart .readout').textContent)`)
	p.Screenshot("view-compare")
	do(p, `document.querySelector('.chart details summary').click()`)
	p.Wait(`document.querySelectorAll('.chart details tbody tr').length > 1`)
	p.Click(`.legend a`)
	p.Wait(`document.querySelectorAll('.legend .entry').length === 1`)
}

// A game is replayed: played, paused, by steps, at the decisive one, by keys; and a state is edited.
func TestBrowserReplay(t *testing.T) {
	s := show(t, demo(t))
	p := viewertest.Open(t, s.url+"#/run/"+s.run(t, "table-0"), 1400, 1200)
	at := `document.querySelector('[data-step]')?.dataset.step`
	p.Wait(at + ` === '0' && document.querySelector('.scene') && document.querySelector('.policy')`)
	p.Click(`[data-key="replay-next"]`)
	p.Wait(at + ` === '1'`)
	p.Press(kb.ArrowLeft)
	p.Wait(at + ` === '0'`)
	p.Press("d")
	p.Wait(`document.querySelector('[data-key=replay-decisive]').getAttribute('aria-pressed') === 'true'`)
	p.Press(kb.Home)
	p.Wait(at + ` === '0'`)
	do(p, `document.querySelector('[data-key=replay-speed]').value = 8; document.querySelector('[data-key=replay-speed]').dispatchEvent(new Event('change'))`)
	p.Click(`[data-key="replay-play"]`)
	p.Wait(`document.querySelector('.outcome') && document.querySelector('[data-key=replay-play]').getAttribute('aria-label').startsWith('Play')`)
	p.Press(kb.Home)
	p.Wait(at + ` === '0'`)
	p.Screenshot("view-run")
	do(p, `document.querySelector('[data-key=edit]').click()`)
	do(p, `document.querySelector('#edit-node').value = '1'; document.querySelector('#edit-field').value = 4; document.querySelector('#edit-value').value = 3`)
	p.Click(`[data-key="edit-apply"]`)
	p.Wait(`document.querySelector('.scene [data-key="1"]').getAttribute('aria-label').includes('References 3')`)
	p.Screenshot("view-edit")
	p.Click(`[data-key="edit-reset"]`)
	p.Wait(`!document.querySelector('.scene [data-key="1"]').getAttribute('aria-label').includes('References 3')`)
	p.Click("#game-next")
	p.Wait(`document.querySelector('#game-n').value === '1'`)
}

// Two runs are followed while they grow.
func TestBrowserLive(t *testing.T) {
	root := t.TempDir()
	grow := func(name string, status results.Status, rows int) {
		t.Helper()
		dir := filepath.Join(root, name)
		m := results.Manifest{Status: status, Env: "idsgame-v2", Algo: name, Budget: results.Budget{Steps: 1000}, StartedAt: time.Unix(1, 0)}
		train, eval := results.TrainHeader()+"\n", results.EvalHeader()+"\n"
		for step := range int64(rows) {
			train += results.TrainRow{Step: 100 * (step + 1), HackProbability: 0.5}.Line() + "\n"
			eval += results.EvalRow{Step: 100 * step, Mode: results.Greedy, HackProbability: 0.1 * float64(step)}.Line() + "\n"
		}
		write(t, filepath.Join(dir, results.ConfigFile), "")
		write(t, filepath.Join(dir, results.TrainFile), train)
		write(t, filepath.Join(dir, results.EvalFile), eval)
		if err := m.Save(dir); err != nil {
			t.Fatal(err)
		}
	}
	grow("a", results.Running, 2)
	s := show(t, root)
	p := viewertest.Open(t, s.url, 1400, 900)
	p.Wait(`document.querySelector('#live')?.textContent === 'live: 1 running' && document.body.textContent.includes('20 %')`)
	grow("a", results.Running, 5)
	p.Wait(`document.body.textContent.includes('50 %')`)
	grow("b", results.Running, 3)
	p.Wait(`document.querySelector('#live')?.textContent === 'live: 2 running' && document.querySelectorAll('progress').length === 2`)
	p.Screenshot("view-live")
	do(p, `document.querySelectorAll('.groups input').forEach((box) => box.click())`)
	p.Click("#compare")
	p.Wait(drawn + ` >= 5`)
	value := func(series int) string {
		return fmt.Sprintf(`(document.querySelector('.chart svg')?.getAttribute('aria-label').match(/to [0-9.]+/g) ?? [])[%d]`, series)
	}
	p.Wait(value(0) + ` === 'to 0.4' && ` + value(1) + ` === 'to 0.2'`)
	grow("a", results.Running, 8)
	grow("b", results.Finished, 10)
	p.Wait(value(0) + ` === 'to 0.7' && ` + value(1) + ` === 'to 0.9'`)
	p.Wait(`document.querySelector('#live')?.textContent === 'live: 1 running'`)
}

// An export shows the same from files.
func TestBrowserExport(t *testing.T) {
	s := show(t, demo(t))
	dir := filepath.Join(t.TempDir(), "site")
	if err := review.Export(t.Context(), s.api, dir, 1, func(err error) { t.Error(err) }); err != nil {
		t.Fatal(err)
	}
	p := viewertest.Open(t, "file://"+filepath.ToSlash(dir)+"/index.html", 1400, 900)
	p.Wait(`document.querySelectorAll('.groups tbody tr').length === 2`)
	do(p, `location.hash = '#/compare/`+s.group(t, "table-0")+`,`+s.group(t, "network")+`'`)
	p.Wait(drawn + ` >= 5`)
	p.Click("#option-lines")
	p.Wait(`document.querySelector('.chart svg').querySelectorAll('path.line.one').length === 3`)
	do(p, `location.hash = '#/run/`+s.run(t, "network")+`'`)
	p.Wait(`document.querySelector('.scene') && document.querySelector('.policy') && ` + drawn + ` >= 1`)
	p.Click(`[data-key="replay-next"]`)
	p.Wait(`document.querySelector('[data-step]')?.dataset.step === '1'`)
	p.Screenshot("view-export")
}

// problems is a script that lists what is wrong with a page for some people: controls without a name, text with too little
// contrast, a page wider than the window.
const problems = `(() => {
  const list = [];
  for (const e of document.querySelectorAll('button, a, input, select, summary, [role=button], svg[role=img]')) {
    const name = e.getAttribute('aria-label') || e.textContent.trim() || (e.labels && e.labels.length && e.labels[0].textContent.trim());
    if (!name) list.push('no name: ' + e.outerHTML.slice(0, 120));
  }
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgba = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255).map((v) => (v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)).reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const seen = new Set();
  for (const e of document.querySelectorAll('body *:not(svg, svg *, script, noscript, option)')) {
    if (![...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()) || !e.checkVisibility() || e.matches(':disabled')) continue;
    const text = getComputedStyle(e);
    let ground = [255, 255, 255, 0];
    for (let up = e; up && ground[3] < 255; up = up.parentElement) ground = rgba(getComputedStyle(up).backgroundColor);
    const [a, b] = [light(rgba(text.color)), light(ground)].sort((x, y) => y - x);
    const contrast = (a + .05) / (b + .05);
    const what = e.tagName + '.' + e.className + ' ' + text.color + ' on ' + ground + ': ' + contrast.toFixed(2);
    if (contrast < 4.5 && !seen.has(what)) list.push(what);
    seen.add(what);
  }
  if (document.documentElement.scrollWidth > innerWidth) list.push('wider than the window: ' + document.documentElement.scrollWidth);
  return list;
})()`

// Everybody can use the pages: in light and dark colours, on a phone and on a large screen.
func TestBrowserAccessible(t *testing.T) {
	root := demo(t)
	league(t, filepath.Join(root, "league"))
	s := show(t, root)
	for _, size := range [][2]int{{360, 740}, {1400, 900}, {3840, 2160}} {
		p := viewertest.Open(t, s.url, size[0], size[1])
		for name, hash := range map[string]string{
			"overview": "#/", "compare": "#/compare/" + s.group(t, "table-0"), "run": "#/run/" + s.run(t, "table-0"),
			"league": "#/league/" + s.index.Leagues[0].ID,
		} {
			do(p, `location.hash = '`+hash+`'`)
			p.Wait(map[string]string{
				"overview": `document.querySelectorAll('.groups tbody tr').length === 2`, "compare": drawn + ` >= 1`,
				"run": `document.querySelector('.policy')`, "league": `document.querySelectorAll('.heat').length === 3`,
			}[name])
			for _, colours := range []string{"light", "dark"} {
				p.Prefer([2]string{"prefers-color-scheme", colours}, [2]string{"prefers-reduced-motion", "reduce"})
				for _, problem := range viewertest.Eval[[]string](p, problems) {
					t.Errorf("%s, %s, %d wide: %s", name, colours, size[0], problem)
				}
				p.Screenshot(strings.Join([]string{"view", name, colours, fmt.Sprint(size[0])}, "-"))
			}
		}
	}
}

// league makes the tables of a league.
func league(t *testing.T, dir string) {
	t.Helper()
	payoff := "attacker,defender,games,hack_probability,hack_low,hack_high,attacker_return\n"
	ratings := "side,#,member,elo,elo_low,elo_high,win_rate,games,meta_weight,player\n"
	meta := "round,value,side,member,weight\n"
	for i := range 11 {
		for j := range 11 {
			payoff += fmt.Sprintf("a%d,d%d,100,%g,0,1,0\n", i, j, float64(i*10+j)/110)
		}
		ratings += fmt.Sprintf("attacker,%d,a%d,%d,0,1,0.5,100,0.1,random\ndefender,%d,d%d,0,-1,1,0.5,100,0.1,random\n", i+1, i, 10*i, i+1, i)
		meta += fmt.Sprintf("%d,0.5,attacker,a%d,%g\n%d,0.5,defender,d%d,1\n", i, i, float64(i)/10, i, i)
	}
	write(t, filepath.Join(dir, "payoff.csv"), payoff)
	write(t, filepath.Join(dir, "ratings.csv"), ratings)
	write(t, filepath.Join(dir, "meta.csv"), meta)
}
