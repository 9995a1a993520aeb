// Draws learning curves: a line a series, in a band that is its interval.

import {h, show, svg} from './page.js';

// unit is how many pixels there are for one at the usual size of type.
const unit = () => parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;

// colours is how many series have a colour of their own, --series-N; then dashes tell them apart.
const colours = 8;

// paint is the class of a series.
export const paint = (i) => `series s${i % colours} d${Math.floor(i / colours) % 3}`;

// short writes a number in few digits: 1.5 M.
export function short(x) {
  if (x === null || x === undefined || Number.isNaN(x)) return '—';
  const size = Math.abs(x);
  if (size >= 999.5) {
    const [unit, name] = size >= 999.5e6 ? [1e9, 'G'] : size >= 999.5e3 ? [1e6, 'M'] : [1e3, 'k'];
    return `${Number((x / unit).toPrecision(3))} ${name}`.replace('-', '−');
  }
  if (size > 0 && size < 1e-3) return x.toExponential(1).replace('-', '−').replace('e−', 'e−');
  return String(Number(x.toPrecision(3))).replace('-', '−');
}

// ticks are three to nine round numbers in [low, high].
function ticks(low, high) {
  let step = 10 ** Math.floor(Math.log10((high - low) / 3));
  for (const factor of [5, 2]) {
    if ((high - low) / (factor * step) >= 3) {
      step *= factor;
      break;
    }
  }
  const list = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) list.push(Number((k * step).toPrecision(12)));
  return list;
}

// Chart is a panel with a chart, which follows its width. data:
//   title, xLabel, probability, bound, series: [{name, at, x, y, low, high, lines: [{name, x, y}]}], where at is its colour
export class Chart {
  constructor(title) {
    this.readout = h('p', {class: 'readout muted', 'aria-live': 'polite'}, '\u00a0');
    this.plot = h('div', {class: 'plot'}, h('p', {class: 'muted'}, 'Loading …'));
    this.values = h('details', {class: 'values', ontoggle: () => this.table()}, h('summary', {}, 'Values'), h('div', {class: 'scroll'}));
    this.element = h('figure', {class: 'panel chart'}, h('figcaption', {}, title), this.plot, this.readout, this.values);
    new ResizeObserver(() => this.draw()).observe(this.plot);
  }

  // set shows data.
  set(data) {
    this.data = data;
    this.width = 0;
    this.draw();
    this.table();
  }

  fail(error) {
    show(this.plot, h('p', {class: 'muted'}, error.message));
  }

  draw() {
    const pixels = Math.floor(this.plot.clientWidth);
    if (!this.data || pixels < 40 || pixels === this.width) return;
    this.width = pixels;
    const u = unit();
    const margin = {left: 52 * u, right: 12 * u, top: 10 * u, bottom: 34 * u};
    const [width, height] = [pixels, 230 * u];
    const {series, probability, bound, xLabel} = this.data;
    const all = (of) => series.flatMap((s) => [of(s), ...(s.lines || []).map(of)]).flat().filter((v) => v !== null && v !== undefined);
    const xs = all((s) => s.x);
    const ys = probability ? [0, 1] : [...all((s) => s.y), ...series.flatMap((s) => [...(s.low || []), ...(s.high || [])]).filter((v) => v !== null)];
    if (!xs.length || !ys.length) {
      show(this.plot, h('p', {class: 'muted'}, 'No values yet.'));
      return;
    }
    const min = (list) => list.reduce((a, b) => Math.min(a, b));
    const max = (list) => list.reduce((a, b) => Math.max(a, b));
    const end = max(xs) || 1;
    let [low, high] = [min(ys), max(ys)];
    if (low === high) [low, high] = [low - (Math.abs(low) || 1) / 2, high + (Math.abs(high) || 1) / 2];
    const air = .03 * (high - low);
    [low, high] = [low - air, high + air];
    const X = (x) => margin.left + x / end * (width - margin.left - margin.right);
    const Y = (y) => margin.top + (high - y) / (high - low) * (height - margin.top - margin.bottom);
    this.scale = {X, Y, end, top: margin.top, bottom: height - margin.bottom};
    const picture = svg('svg', {
      width, height, viewBox: `0 0 ${width} ${height}`, role: 'img', tabindex: 0, 'aria-label': this.summary(),
      onpointermove: (e) => this.point((e.offsetX - margin.left) / (width - margin.left - margin.right) * end),
      onpointerleave: () => this.point(), onblur: () => this.point(),
      onkeydown: (e) => {
        const to = {ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity}[e.key];
        if (!to) return;
        const at = (this.at === undefined ? end : this.at) + to * end / 50;
        this.point(Math.max(0, Math.min(end, at)));
        e.preventDefault();
      },
    });
    for (const y of ticks(low, high)) {
      picture.append(svg('line', {class: 'grid', x1: margin.left, x2: width - margin.right, y1: Y(y), y2: Y(y)}),
        svg('text', {class: 'tick y', x: margin.left - 6 * u, y: Y(y) + 4 * u}, short(y)));
    }
    const marks = ticks(0, end);
    for (const x of marks.length > width / u / 70 ? marks.filter((_, i) => i % 2 === 0) : marks) {
      picture.append(svg('text', {class: 'tick x', x: Math.min(X(x), width - 16 * u), y: height - margin.bottom + 16 * u}, short(x)));
    }
    picture.append(svg('text', {class: 'tick x label', x: (margin.left + width - margin.right) / 2, y: height - 3 * u}, xLabel),
      svg('line', {class: 'axis', x1: margin.left, x2: width - margin.right, y1: height - margin.bottom, y2: height - margin.bottom}));
    if (bound !== undefined) {
      picture.append(svg('line', {class: 'bound', x1: margin.left, x2: width - margin.right, y1: Y(bound), y2: Y(bound)}),
        svg('text', {class: 'tick bound', x: width - margin.right, y: Y(bound) - 4 * u}, 'best possible'));
    }
    const path = (x, y) => {
      let d = '';
      x.forEach((v, i) => {
        if (y[i] !== null) d += `${d ? 'L' : 'M'}${X(v).toFixed(1)} ${Y(y[i]).toFixed(1)}`;
      });
      return d;
    };
    for (const s of series) {
      const inside = (s.x || []).map((_, i) => i).filter((i) => s.low && s.low[i] !== null);
      if (inside.length > 1) {
        const edge = [...inside.map((i) => [s.x[i], s.high[i]]), ...inside.reverse().map((i) => [s.x[i], s.low[i]])];
        picture.append(svg('path', {class: `band ${paint(s.at)}`, d: `M${edge.map(([x, y]) => `${X(x).toFixed(1)} ${Y(y).toFixed(1)}`).join('L')}Z`}));
      }
    }
    for (const s of series) {
      for (const line of s.lines || []) picture.append(svg('path', {class: `line one ${paint(s.at)}`, d: path(line.x, line.y)}));
    }
    for (const s of series) {
      if (s.x.length === 1) picture.append(svg('circle', {class: `dot ${paint(s.at)}`, cx: X(s.x[0]), cy: Y(s.y[0]), r: 4 * u}));
      else picture.append(svg('path', {class: `line ${paint(s.at)}`, d: path(s.x, s.y)}));
    }
    this.cross = svg('g', {class: 'cross'});
    picture.append(this.cross);
    const focused = this.plot.contains(document.activeElement);
    show(this.plot, picture);
    if (focused) picture.focus({preventScroll: true});
  }

  // summary is the chart in a sentence.
  summary() {
    const {title, series} = this.data;
    return `${title}. ` + series.map((s) => {
      const i = s.y.length - 1;
      return i < 0 ? `${s.name}: none` : `${s.name}: from ${short(s.y[0])} to ${short(s.y[i])}`;
    }).join('; ');
  }

  // point shows the values at x; without x, none.
  point(x) {
    this.at = x;
    this.cross.replaceChildren();
    if (x === undefined) {
      this.readout.textContent = '\u00a0';
      return;
    }
    const {X, Y, top, bottom} = this.scale;
    const texts = [];
    this.cross.append(svg('line', {x1: X(x), x2: X(x), y1: top, y2: bottom}));
    for (const s of this.data.series) {
      const i = nearest(s.x, x);
      if (i < 0 || s.y[i] === null) continue;
      this.cross.append(svg('circle', {class: paint(s.at), cx: X(s.x[i]), cy: Y(s.y[i]), r: 4 * unit()}));
      const interval = s.low && s.low[i] !== null ? ` [${short(s.low[i])}, ${short(s.high[i])}]` : '';
      texts.push(`${this.data.series.length > 1 ? `${s.name} ` : ''}${short(s.y[i])}${interval}`);
    }
    this.readout.textContent = `${short(x)} ${this.data.unit}: ${texts.join(' · ')}`;
  }

  // table shows some of the values as a table.
  table() {
    if (!this.values.open || !this.data) return;
    const {series, unit} = this.data;
    const xs = [...new Set(series.flatMap((s) => s.x))].sort((a, b) => a - b);
    const some = xs.filter((_, i) => i % Math.ceil(xs.length / 20) === 0 || i === xs.length - 1);
    show(this.values.lastElementChild, h('table', {},
      h('thead', {}, h('tr', {}, h('th', {scope: 'col'}, unit), series.map((s) => h('th', {scope: 'col'}, s.name)))),
      h('tbody', {}, some.map((x) => h('tr', {}, h('td', {}, short(x)), series.map((s) => {
        const i = s.x.indexOf(x);
        return h('td', {}, i < 0 ? '' : short(s.y[i]) + (s.low && s.low[i] !== null ? ` [${short(s.low[i])}, ${short(s.high[i])}]` : ''));
      }))))));
  }
}

// nearest is the index of the number in a sorted list that is closest to x.
function nearest(list, x) {
  let best = -1;
  list.forEach((v, i) => {
    if (best < 0 || Math.abs(v - x) < Math.abs(list[best] - x)) best = i;
  });
  return best;
}

// sparkline is a small curve of probabilities.
export function sparkline(values, label) {
  const [w, top] = [96, 22];
  const points = values.map((v, i) => (v === null ? null : `${(2 + i / Math.max(values.length - 1, 1) * (w - 4)).toFixed(1)} ${(top - v * (top - 4) + 1).toFixed(1)}`));
  return svg('svg', {class: 'spark', viewBox: `0 0 ${w} ${top + 4}`, role: 'img', 'aria-label': label},
    svg('path', {d: `M${points.filter(Boolean).join('L')}`}));
}

// strip shows the values of each series as dots, with their mean: a row a series.
export function strip(title, rows) {
  const u = unit();
  const top = Math.max(...rows.flatMap((r) => r.values).filter((v) => v !== null), 0);
  const body = rows.map((r) => {
    const values = r.values.filter((v) => v !== null);
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    const at = (v) => `${(2 + v / top * 96).toFixed(2)}%`;
    return h('tr', {}, h('th', {scope: 'row'}, r.name), h('td', {}, values.length ? short(mean) : '—'), h('td', {class: 'strip'},
      svg('svg', {width: '100%', height: 26 * u, role: 'img', 'aria-label': values.map(short).join(', ')},
        svg('line', {class: 'axis', x1: '2%', x2: '98%', y1: 13 * u, y2: 13 * u}),
        values.map((v) => svg('circle', {class: `dot ${paint(r.at)}`, cx: at(v), cy: 13 * u, r: 5 * u})),
        values.length && svg('line', {class: `mean ${paint(r.at)}`, x1: at(mean), x2: at(mean), y1: 3 * u, y2: 23 * u}))));
  });
  return h('figure', {class: 'panel chart'}, h('figcaption', {}, title), h('div', {class: 'scroll'}, h('table', {},
    h('thead', {}, h('tr', {}, h('th', {scope: 'col'}, ''), h('th', {scope: 'col'}, 'mean'), h('th', {scope: 'col', class: 'strip'}, `each run, 0 to ${short(top)}`))),
    h('tbody', {}, body))));
}
