// The page over runs: a table of all, curves of some beside each other, a run with its games, leagues, recorded games. The
// part of the address behind # says which: #/compare/ID,ID, #/run/ID, #/league/ID, #/games/ID/N.

import {ask, index, live, news} from './ask.js';
import {Chart, paint, short, sparkline, strip} from './chart.js';
import {heat} from './heat.js';
import {attempt, h, head, show} from './page.js';
import {Replay, games} from './replay.js';

let all; // the index
let page = {}; // what is shown: {update(changed), close()}
const chosen = new Set(); // ids of groups to compare
const options = {axis: 'steps', mode: 'greedy', stat: 'mean', lines: false, filter: ''};

const main = document.getElementById('main');
const place = () => location.hash.replace(/^#\/?/, '').split('/').map(decodeURIComponent);
const link = (to, ...text) => h('a', {href: `#/${to}`}, ...text);
const group = (id) => all.groups.find((g) => g.id === id);
const run = (id) => all.runs.find((r) => r.id === id);

// nameOf is what a series is called: no longer than needed beside the others.
function nameOf(id, others) {
  const r = run(id);
  const g = group(r ? r.group : id);
  const groups = others.map((o) => group(run(o) ? run(o).group : o));
  const parts = [];
  if (groups.some((o) => o.env !== g.env)) parts.push(g.env);
  parts.push(g.algo);
  if (groups.some((o) => o.env === g.env && o.algo === g.algo && o.budget !== g.budget)) parts.push(g.budget);
  if (r) parts.push(`seed ${r.seed}`);
  return parts.join(', ');
}

// renderHead shows the title, the way back, and whether runs go on.
function renderHead(title) {
  const running = all.runs.filter((r) => r.status === 'running').length;
  head(title,
    place()[0] && h('a', {href: '#/', class: 'back'}, 'All runs'),
    live && h('span', {class: `badge ${running ? 'good' : ''}`, id: 'live'}, running ? `live: ${running} running` : 'live'),
    !live && h('span', {class: 'badge'}, 'export'));
  document.title = `${title} · idsrl`;
}

// overview is the table of all groups, and what else there is.
function overview() {
  const filter = h('input', {
    type: 'search', id: 'filter', placeholder: 'Filter by environment or algorithm', 'aria-label': 'Filter', value: options.filter, oninput: () => {
      options.filter = filter.value;
      table();
    },
  });
  const compare = h('button', {id: 'compare', class: 'primary', onclick: () => { location.hash = `#/compare/${[...chosen].join(',')}`; }});
  const body = h('div', {class: 'scroll'});
  const rest = h('div', {class: 'stack'});
  const count = () => {
    compare.textContent = chosen.size ? `Compare ${chosen.size}` : 'Compare';
    compare.disabled = chosen.size === 0;
  };
  const table = () => {
    const words = options.filter.toLowerCase().split(/\s+/).filter(Boolean);
    const groups = all.groups.filter((g) => words.every((w) => `${g.env} ${g.algo} ${g.budget}`.toLowerCase().includes(w)));
    show(body, groups.length ? h('table', {class: 'groups'},
      h('thead', {}, h('tr', {}, h('th', {scope: 'col'}, h('span', {class: 'hidden'}, 'Compare')), all.titles.map((t) => h('th', {scope: 'col'}, t)), h('th', {scope: 'col'}, 'hacked over training'))),
      h('tbody', {}, groups.map((g) => h('tr', {},
        h('td', {}, h('input', {
          type: 'checkbox', 'data-key': `choose-${g.id}`, 'aria-label': `Compare ${g.env} ${g.algo}`, checked: chosen.has(g.id), onchange: (e) => {
            if (e.target.checked) chosen.add(g.id);
            else chosen.delete(g.id);
            count();
          },
        })),
        g.cells.map((cell, i) => h(i ? 'td' : 'th', i ? {} : {scope: 'row'}, i < 2 ? link(`compare/${g.id}`, cell) : cell)),
        h('td', {}, h('div', {class: 'row'}, sparkline(g.curve, `greedy hack probability of ${g.algo}`), g.running > 0 && h('span', {class: 'badge good'}, `${g.running} running`)))))))
      : h('p', {class: 'muted'}, all.groups.length ? 'Nothing fits.' : 'There are no runs yet. idsrl train makes some; this page shows them as they grow.'));
    count();
  };
  const others = () => {
    const running = all.runs.filter((r) => r.status === 'running');
    show(rest,
      running.length > 0 && h('section', {class: 'panel'}, h('h2', {}, 'Running'), h('div', {class: 'scroll'}, h('table', {}, h('tbody', {}, running.map((r) => h('tr', {},
        h('th', {scope: 'row'}, link(`run/${r.id}`, r.name)), h('td', {}, h('progress', {max: 1, value: r.progress, 'aria-label': `${r.name}: share of the budget`})),
        h('td', {}, `${Math.round(100 * r.progress)} %`), h('td', {}, `${short(r.steps)} steps`), h('td', {}, `${short(r.speed)} steps/s`), h('td', {}, `hacked ${short(r.hacked)}`))))))),
      all.leagues.length > 0 && h('section', {class: 'panel'}, h('h2', {}, 'Leagues'), h('ul', {}, all.leagues.map((l) => h('li', {}, link(`league/${l.id}`, l.name))))),
      all.games.length > 0 && h('section', {class: 'panel'}, h('h2', {}, 'Recorded games'), h('ul', {}, all.games.map((g) => h('li', {}, link(`games/${g.id}`, g.name), h('span', {class: 'muted'}, ` ${short(g.size)}B`))))),
      all.problems.length > 0 && h('section', {class: 'panel'}, h('h2', {}, 'Not readable'), h('ul', {}, all.problems.map((p) => h('li', {}, p)))));
  };
  const update = () => {
    renderHead('Runs');
    table();
    others();
  };
  show(main, h('div', {class: 'stack'}, h('section', {class: 'panel'}, h('div', {class: 'row bar'}, filter, compare), body,
    h('p', {class: 'muted note'}, 'Means over seeds of the last evaluation, with 95 % bootstrap intervals. Choose rows to compare their curves.')), rest));
  update();
  return {update};
}

// Curves are charts of all metrics of some series, each loaded when it comes into view.
class Curves {
  constructor(ids, element) {
    Object.assign(this, {ids, element, charts: new Map(), visible: new Set()});
    this.watch = new IntersectionObserver((entries) => entries.forEach((e) => {
      const chart = this.charts.get(e.target.dataset.metric);
      if (!chart) return;
      if (e.isIntersecting) {
        this.visible.add(chart);
        if (!chart.fresh) this.load(chart);
      } else this.visible.delete(chart);
    }), {rootMargin: '200px'});
  }

  // start finds out what there is to show.
  async start() {
    const lists = await Promise.all(this.ids.map((id) => ask(run(id) ? run(id).group : id, 'metrics')));
    this.known = lists.map((list) => new Set(list.map((m) => m.id)));
    const metrics = new Map(lists.flat().map((m) => [m.id, m]));
    const plain = /^train\/[^/]*$/;
    const sections = [
      [`Evaluation, ${options.mode}`, (m) => m.id.startsWith(`${options.mode}/`)],
      ['Training, exploration included', (m) => plain.test(m.id)],
      ['Opponent pools', (m) => /\/pool\//.test(m.id)],
      ['Learners', (m) => m.id.startsWith('train/') && !plain.test(m.id) && !/\/pool\//.test(m.id)],
    ];
    this.watch.disconnect();
    this.charts.clear();
    this.visible.clear();
    show(this.element, sections.map(([title, fits]) => {
      const those = [...metrics.values()].filter(fits);
      if (!those.length) return null;
      return h('section', {class: 'stack'}, h('h2', {}, title), h('div', {class: 'charts'}, those.map((m) => this.add(m).element),
        title.startsWith('Evaluation') && !this.ids.every(run) && this.speeds()));
    }));
    for (const chart of this.charts.values()) this.watch.observe(chart.element);
  }

  add(metric) {
    const chart = new Chart(metric.label);
    Object.assign(chart, {metric, fresh: false});
    chart.element.dataset.metric = metric.id;
    this.charts.set(metric.id, chart);
    return chart;
  }

  // speeds shows how fast the runs were.
  speeds() {
    return strip('steps per second', this.ids.map((id, at) => ({
      name: nameOf(id, this.ids), at, values: run(id) ? [run(id).speed] : group(id).runs.map((r) => run(r).speed),
    })));
  }

  // load asks for the values of a chart.
  async load(chart) {
    chart.fresh = true;
    const {metric} = chart;
    const {axis, stat, lines} = options;
    try {
      const series = await Promise.all(this.ids.map((id, at) => this.series(id, at, metric.id, axis, stat, lines)));
      const bound = series.map((s) => s.bound).find((b) => b !== undefined);
      chart.set({
        title: metric.label, probability: metric.probability, bound, series: series.filter((s) => s.x),
        xLabel: `${axis} of training`, unit: axis,
      });
      chart.element.dataset.state = 'drawn';
    } catch (error) {
      chart.fail(error);
    }
  }

  async series(id, at, metric, axis, stat, lines) {
    const of = run(id) ? run(id).group : id;
    const base = {at, name: nameOf(id, this.ids)};
    if (!this.known[at].has(metric)) return base;
    if (run(id)) {
      const line = (await ask(of, 'lines', {metric, axis})).find((l) => l.run === id);
      return {...base, x: line.x, y: line.y};
    }
    const curve = await ask(of, 'curve', {metric, axis, stat});
    return {...base, ...curve, lines: lines ? (await ask(of, 'lines', {metric, axis})).map((l) => ({...l, name: `seed ${l.seed}`})) : []};
  }

  // stale loads again what is in view, and the rest when it is.
  stale() {
    for (const chart of this.charts.values()) chart.fresh = false;
    for (const chart of this.visible) this.load(chart);
  }

  close() { this.watch.disconnect(); }
}

// select is a labelled choice of an option.
function select(key, label, values, changed) {
  const input = h('select', {id: `option-${key}`, onchange: () => {
    options[key] = input.value;
    changed();
  }}, values.map((v) => h('option', {value: v, selected: v === options[key]}, v)));
  return h('span', {class: 'row'}, h('label', {for: input.id}, label), input);
}

// settings are the controls of curves.
function settings(curves, single) {
  return h('div', {class: 'row bar'},
    select('mode', 'Evaluations', ['greedy', 'sampled'], () => curves.start()),
    select('axis', 'by', ['steps', 'episodes'], () => curves.stale()),
    !single && select('stat', 'over seeds', ['mean', 'iqm', 'median'], () => curves.stale()),
    !single && h('label', {class: 'row'}, h('input', {type: 'checkbox', id: 'option-lines', checked: options.lines, onchange: (e) => {
      options.lines = e.target.checked;
      curves.stale();
    }}), 'single runs'));
}

// compare shows series beside each other.
function compare(list) {
  const ids = list.split(',').filter((id) => group(id) || run(id));
  if (!ids.length) return missing();
  const legend = h('div', {class: 'legend'});
  const body = h('div', {class: 'stack'});
  const runs = h('section', {class: 'panel'});
  const curves = new Curves(ids, body);
  const environments = new Set(ids.map((id) => (run(id) || group(id)).env));
  const others = all.groups.filter((g) => !ids.includes(g.id)).sort((a, b) => environments.has(b.env) - environments.has(a.env));
  const update = (changed) => {
    renderHead(`${ids.map((id) => nameOf(id, ids)).join(' and ')}${environments.size > 1 ? '' : ` in ${[...environments][0]}`}`);
    show(legend, ids.map((id, at) => h('span', {class: 'entry'}, h('span', {class: `swatch ${paint(at)}`}), nameOf(id, ids),
      ids.length > 1 && h('a', {href: `#/compare/${ids.filter((o) => o !== id).join(',')}`, 'aria-label': `Remove ${nameOf(id, ids)}`}, '✕'))),
    others.length > 0 && h('select', {'aria-label': 'Compare with', 'data-key': 'add', onchange: (e) => { location.hash = `#/compare/${[...ids, e.target.value].join(',')}`; }},
      h('option', {value: ''}, 'Compare with …'), others.map((g) => h('option', {value: g.id}, `${g.env} · ${g.algo} · ${g.budget}`))));
    show(runs, runTable(ids.flatMap((id) => (run(id) ? [run(id)] : group(id).runs.map(run)))));
    if (changed && ids.some((id) => changed.includes(id))) curves.stale();
  };
  show(main, h('div', {class: 'stack'}, h('section', {class: 'panel stack'}, legend, settings(curves)), body, runs,
    h('p', {class: 'muted note'}, 'Bands: 95 % bootstrap intervals over seeds at each point, from 1,000 resamples. Training: means over 200 equal parts of the axis; single runs: 300 points that keep the shape.')));
  update();
  attempt(() => curves.start());
  return {update, close: () => curves.close()};
}

function runTable(list) {
  return [h('h2', {}, 'Runs'), h('div', {class: 'scroll'}, h('table', {},
    h('thead', {}, h('tr', {}, ['run', 'seed', 'status', 'hacked, greedy', 'steps', 'episodes', 'steps/s', 'seconds', 'started'].map((t) => h('th', {scope: 'col'}, t)))),
    h('tbody', {}, list.map((r) => h('tr', {}, h('th', {scope: 'row'}, link(`run/${r.id}`, r.name)), h('td', {}, r.seed),
      h('td', {}, h('span', {class: `badge ${{running: 'good', failed: 'attack'}[r.status] || ''}`}, r.status)),
      h('td', {}, short(r.hacked)), h('td', {}, short(r.steps)), h('td', {}, short(r.episodes)), h('td', {}, short(r.speed)), h('td', {}, short(r.seconds)), h('td', {}, r.started))))))];
}

// single shows a run: what it is, its games, its curves.
function single(id) {
  if (!run(id)) return missing();
  const facts = h('section', {class: 'panel'});
  const replay = h('div', {});
  const body = h('div', {class: 'stack'});
  const more = h('section', {class: 'panel'});
  const curves = new Curves([id], body);
  const update = (changed) => {
    const r = run(id);
    if (!r) return;
    renderHead(r.name);
    show(facts, h('dl', {class: 'facts'}, [
      ['environment', r.env], ['algorithm', link(`compare/${r.group}`, r.algo)], ['learns', (r.learners || []).join(', ') || '—'], ['seed', r.seed],
      ['status', r.status], ['budget', `${Math.round(100 * r.progress)} % spent`], ['steps', short(r.steps)], ['episodes', short(r.episodes)], ['steps/s', short(r.speed)], ['hacked, greedy', short(r.hacked)],
    ].map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value)))));
    if (changed && changed.includes(id)) curves.stale();
  };
  show(main, h('div', {class: 'stack'}, facts,
    h('section', {class: 'stack', id: 'games'}, h('div', {class: 'row bar'}, h('h2', {}, 'Games of its policy'), live ? games(run(id), replay) : exportedGames(id, replay)), replay),
    h('h2', {}, 'Curves'), h('section', {class: 'panel'}, settings(curves, true)), body, more));
  update();
  attempt(() => curves.start());
  attempt(async () => {
    const r = await ask(id, 'run');
    show(more, h('details', {}, h('summary', {}, 'config.yaml'), h('pre', {}, r.config)),
      h('details', {}, h('summary', {}, 'manifest.json'), h('pre', {}, JSON.stringify(r.manifest, null, 2))));
  });
  return {update, close: () => {
    curves.close();
    if (replay.replay) replay.replay.pause();
  }};
}

// exportedGames chooses one of the games that an export holds.
function exportedGames(id, replay) {
  const n = h('select', {id: 'game-n'});
  const load = () => attempt(async () => { replay.replay = new Replay(replay, await ask(id, 'episode', {n: n.value, mode: 'greedy', view: 'everything'})); });
  attempt(async () => {
    const r = await ask(id, 'run');
    show(n, Array.from({length: r.games || 0}, (_, i) => h('option', {value: i}, i)));
    if (r.games) await load();
    else show(replay, h('p', {class: 'muted'}, 'The export holds no games of this run.'));
  });
  n.addEventListener('change', load);
  return h('span', {class: 'row'}, h('label', {for: 'game-n'}, 'Game'), n, h('span', {class: 'muted'}, 'played greedily'));
}

// league shows who wins against whom.
function league(id) {
  const body = h('div', {class: 'stack'});
  const title = (all.leagues.find((l) => l.id === id) || {}).name;
  if (!title) return missing();
  const load = () => attempt(async () => {
    const l = await ask(id, 'league');
    const [attackers, defenders] = l.members;
    const names = (list) => list.map((m, i) => `${i + 1} ${m.name}`);
    const weights = (side) => l.rounds.length > 0 && h('section', {class: 'panel'}, h('h2', {}, `Meta-strategy of the ${['attackers', 'defenders'][side]}, by round`),
      heat({
        label: 'weights in per cent', corner: 'round', narrow: true, rows: l.rounds.map((_, i) => String(i)), columns: names(l.members[side]),
        cell: (r, c) => {
          const w = l.rounds[r].weights[side][l.members[side][c].name] || 0;
          return {share: w, text: w >= .005 ? String(Math.round(100 * w)) : '', title: `round ${r}, ${l.members[side][c].name}: ${short(w)}`};
        },
      }));
    const ratings = (side) => h('section', {class: 'panel'}, h('h2', {}, ['Attackers', 'Defenders'][side]), h('div', {class: 'scroll'}, h('table', {},
      h('thead', {}, h('tr', {}, ['#', 'member', 'Elo', '95 % interval', 'wins', 'weight'].map((t) => h('th', {scope: 'col'}, t)))),
      h('tbody', {}, l.members[side].map((m, i) => [m, i]).sort((a, b) => b[0].elo - a[0].elo).map(([m, i]) => h('tr', {}, h('td', {}, i + 1), h('th', {scope: 'row'}, m.name, m.player !== m.name && h('small', {class: 'muted mono player'}, m.player)),
        h('td', {}, Math.round(m.elo)), h('td', {}, `${Math.round(m.low)} to ${Math.round(m.high)}`), h('td', {}, short(m.wins)), h('td', {}, m.weight ? short(m.weight) : '—')))))));
    const chart = new Chart('Value of the equilibrium, by round');
    show(body,
      h('div', {class: 'two'}, h('section', {class: 'panel'}, h('h2', {}, 'Payoff matrix: how often the attacker wins, per cent'), heat({
        label: 'Hack probability in per cent: a row an attacker, a column a defender', corner: 'attacker \\ defender', rows: names(attackers), columns: names(defenders),
        cell: (a, d) => {
          const m = l.matches[a][d];
          return m && {share: m.hacked, text: String(Math.round(100 * m.hacked)), title: `${attackers[a].name} against ${defenders[d].name}: hacked ${short(m.hacked)} [${short(m.low)}, ${short(m.high)}] of ${short(m.games)} games, attacker's return ${short(m.return)}`};
        },
      })), chart.element),
      h('div', {class: 'two'}, ratings(0), ratings(1)), h('div', {class: 'two'}, weights(0), weights(1)));
    chart.set({title: 'Value of the equilibrium', series: [{name: 'value', at: 0, x: l.rounds.map((_, i) => i), y: l.rounds.map((r) => r.value)}], xLabel: 'round', unit: 'round'});
  });
  const update = (changed) => {
    renderHead(title);
    if (!changed || changed.includes(id)) load();
  };
  show(main, body);
  update();
  return {update};
}

// recorded shows games of a file.
function recorded(id, n) {
  const file = all.games.find((g) => g.id === id);
  if (!file) return missing();
  const list = h('section', {class: 'panel'});
  const replay = h('div', {});
  renderHead(file.name);
  show(main, h('div', {class: 'stack'}, replay, list));
  attempt(async () => {
    const rows = await ask(id, 'games');
    show(list, h('h2', {}, 'Games'), h('div', {class: 'scroll games'}, h('table', {}, h('thead', {}, h('tr', {}, ['game', 'steps', 'winner'].map((t) => h('th', {scope: 'col'}, t)))),
      h('tbody', {}, rows.map((g, i) => h('tr', {}, h('th', {scope: 'row'}, h('a', {href: `#/games/${id}/${i}`, 'aria-current': String(i) === (n || '0') && 'page'}, g.title)), h('td', {}, g.steps), h('td', {}, g.outcome || '—')))))));
    if (rows.length) replay.replay = new Replay(replay, await ask(id, 'game', {n: n || 0}));
  });
  return {update: () => renderHead(file.name), close: () => replay.replay && replay.replay.pause()};
}

function missing() {
  renderHead('Not here');
  show(main, h('p', {class: 'panel'}, 'There is nothing at this address any more. ', link('', 'All runs')));
  return {update() {}};
}

// route shows what the address says.
function route() {
  if (page.close) page.close();
  const [what, id, n] = place();
  page = {compare, run: single, league, games: recorded}[what] ? {compare, run: single, league, games: recorded}[what](id || '', n) : overview();
  document.documentElement.dataset.page = what || 'overview';
}

let waiting;
let took = 0; // milliseconds that the last index took
// hear takes news: at most two a second are shown, and fewer where the index is long.
function hear(item) {
  const changed = waiting || [];
  changed.push(...item.changed);
  if (waiting) return;
  waiting = changed;
  setTimeout(async () => {
    waiting = undefined;
    await attempt(async () => {
      const began = performance.now();
      all = await index();
      took = performance.now() - began;
      page.update(changed);
    });
  }, 500 + 10 * took);
}

head('Runs');
attempt(async () => {
  all = await index();
  route();
  addEventListener('hashchange', () => {
    route();
    main.focus({preventScroll: true});
    scrollTo(0, 0);
  });
  news(all.version, hear);
});
