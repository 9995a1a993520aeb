// Plays episodes: frames with pictures of the game and, for games of a run, what its policies make of every state.

import {ask, live} from './ask.js';
import {heat} from './heat.js';
import {short} from './chart.js';
import {attempt, format, h, post, show, svg} from './page.js';
import {draw} from './scene.js';

const speeds = [0.5, 1, 2, 4, 8];

const shapes = {
  first: 'M3 2v12M14 2 6 8l8 6z', back: 'M13 2 4 8l9 6z', play: 'M4 2l9 6-9 6z', pause: 'M4 2v12M11 2v12', next: 'M3 2l7 6-7 6zM13 2v12',
  last: 'M2 2l8 6-8 6zM13 2v12',
};

const icon = (name) => svg('svg', {class: 'shape', viewBox: '0 0 16 16', 'aria-hidden': 'true'}, svg('path', {d: shapes[name]}));

// Replay shows an episode in element. run is {id, query} if states of it can be edited.
export class Replay {
  constructor(element, episode, run) {
    Object.assign(this, {element, episode, run, at: 0, speed: 1, learner: 0, changes: [], edited: undefined});
    this.board = h('div', {class: 'board'});
    this.controls = h('div', {class: 'controls', role: 'group', 'aria-label': 'Playback'});
    this.below = h('div', {class: 'stack'});
    this.side = h('div', {class: 'stack'});
    show(element, h('div', {class: 'replay', onkeydown: (e) => this.key(e)},
      h('div', {class: 'stack'}, h('div', {class: 'panel'}, this.board, this.controls), this.below), this.side));
    this.render();
  }

  get end() { return this.episode.frames.length - 1; }

  // go shows a frame.
  go(at) {
    this.at = Math.max(0, Math.min(this.end, at));
    this.changes = [];
    this.edited = undefined;
    if (this.at === this.end) this.pause();
    this.render();
  }

  toggle() {
    if (this.timer) this.pause();
    else {
      if (this.at === this.end) this.at = 0;
      this.tick();
    }
    this.render();
  }

  tick() {
    this.timer = setTimeout(() => {
      if (!this.element.isConnected) return this.pause();
      this.tick();
      this.go(this.at + 1);
    }, 1000 / this.speed);
  }

  pause() {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  key(e) {
    if (e.target.matches('select, input') || e.ctrlKey || e.metaKey || e.altKey) return;
    const act = {
      ' ': () => this.toggle(), ArrowLeft: () => this.go(this.at - 1), ArrowRight: () => this.go(this.at + 1),
      Home: () => this.go(0), End: () => this.go(this.end), d: () => this.go(this.episode.decisive),
    }[e.key];
    if (!act || (e.key === ' ' && e.target.matches('button, summary'))) return;
    act();
    e.preventDefault();
  }

  render() {
    const {episode, at} = this;
    const frame = episode.frames[at];
    const scene = this.edited ? this.edited.scene : frame.scene;
    if (scene) {
      const before = at > 0 && !this.edited ? episode.frames[at - 1].scene : undefined;
      const picture = draw(scene, {moves: this.edited ? [] : frame.moves, before, label: `The network after ${frame.step} steps`});
      picture.classList.add('everybody');
      picture.style.maxWidth = `${picture.dataset.width / 16 * 1.25}rem`;
      picture.style.minWidth = `${Math.min(picture.dataset.width, 5000) / 16 * .62}rem`;
      show(this.board, picture);
    } else {
      show(this.board, h('p', {class: 'muted'}, 'There is no picture of this game.'));
    }
    this.renderControls();
    show(this.side, this.happened(frame), this.thoughts());
    show(this.below, this.editor(scene), this.log());
  }

  renderControls() {
    const button = (key, label, text, action, attributes = {}) => h('button', {'data-key': `replay-${key}`, 'aria-label': label, title: label, onclick: action, ...attributes}, text);
    const {episode, at, end} = this;
    show(this.controls,
      button('first', 'First step (Home)', icon('first'), () => this.go(0)),
      button('back', 'One step back (←)', icon('back'), () => this.go(at - 1)),
      button('play', this.timer ? 'Pause (space)' : 'Play (space)', icon(this.timer ? 'pause' : 'play'), () => this.toggle(), {class: 'primary'}),
      button('next', 'One step on (→)', icon('next'), () => this.go(at + 1)),
      button('last', 'Last step (End)', icon('last'), () => this.go(end)),
      button('decisive', `Decisive step (d): ${episode.why}`, `Decisive step ${episode.frames[episode.decisive].step}`, () => this.go(episode.decisive), {'aria-pressed': String(at === episode.decisive)}),
      h('input', {
        type: 'range', min: 0, max: end, value: at, 'data-key': 'replay-at', 'aria-label': 'Step', 'aria-valuetext': `step ${at} of ${end}`,
        oninput: (e) => this.go(Number(e.target.value)),
      }),
      h('span', {class: 'number', 'data-step': at}, `${at} / ${end}`),
      h('label', {}, 'Speed ', h('select', {'data-key': 'replay-speed', onchange: (e) => { this.speed = Number(e.target.value); }},
        speeds.map((s) => h('option', {value: s, selected: s === this.speed}, `${s}×`)))));
  }

  // happened tells what the last step brought.
  happened(frame) {
    const {roles, players} = this.episode;
    return h('div', {class: 'panel'}, h('h2', {}, this.edited ? 'Edited state' : frame.step ? `Step ${frame.step}` : 'Start'),
      !this.edited && (frame.moves || []).map((m) => h('p', {class: `move ${m.role}`}, h('b', {}, m.role), ` ${m.action.text}`, m.result.text && `: ${m.result.text}`)),
      frame.over && h('p', {class: 'outcome'}, h('b', {}, frame.outcome)),
      h('table', {}, h('thead', {}, h('tr', {}, h('th', {scope: 'col'}, ''), h('th', {scope: 'col'}, 'reward'), h('th', {scope: 'col'}, 'return'))),
        h('tbody', {}, roles.map((role, seat) => h('tr', {}, h('th', {scope: 'row'}, role, players && players[seat] && h('small', {class: 'muted'}, ` ${players[seat]}`)),
          h('td', {}, frame.rewards ? format(frame.rewards[seat]) : '—'), h('td', {}, format(frame.returns[seat])))))));
  }

  // thoughts shows what a learner makes of the state.
  thoughts() {
    const {episode, at} = this;
    if (!episode.thoughts) return null;
    const thoughts = this.edited ? this.edited.thoughts : episode.thoughts[at];
    if (!thoughts || !thoughts.length) {
      return h('div', {class: 'panel'}, h('h2', {}, 'Policy'), h('p', {class: 'muted'}, episode.frames[at].over ? 'The game is over.' : 'This policy does not explain itself.'));
    }
    const t = thoughts[Math.min(this.learner, thoughts.length - 1)];
    const counted = t.choices.some((c) => c.n !== undefined);
    const valued = t.choices.some((c) => c.q !== undefined);
    return h('div', {class: 'panel policy'},
      h('h2', {}, `What the ${t.role}'s policy makes of it`),
      thoughts.length > 1 && h('div', {class: 'row learners', role: 'group', 'aria-label': 'Learner'}, thoughts.map((other, i) => h('button', {
        'data-key': `learner-${i}`, 'aria-pressed': String(other === t), onclick: () => {
          this.learner = i;
          this.render();
        },
      }, other.role))),
      h('p', {}, 'Expected return ', h('b', {class: 'number'}, short(t.value)), ` · ${t.legal} of ${t.actions} actions are legal`),
      this.grid(t),
      h('div', {class: 'scroll choices', tabindex: 0, role: 'region', 'aria-label': 'Actions by probability'}, h('table', {},
        h('thead', {}, h('tr', {}, h('th', {scope: 'col'}, 'action'), h('th', {scope: 'col'}, 'probability'), valued && h('th', {scope: 'col'}, 'value'), counted && h('th', {scope: 'col', title: 'how often the value was updated'}, 'updates'))),
        h('tbody', {}, t.choices.map((c) => h('tr', {}, h('td', {}, c.text), h('td', {class: 'bar'}, meter(c.p), ` ${percent(c.p)}`),
          valued && h('td', {}, short(c.q)), counted && h('td', {}, short(c.n))))))));
  }

  // grid shows the probabilities by node and type; what is illegal is crossed out.
  grid(t) {
    const scene = this.edited ? this.edited.scene : this.episode.frames[this.at].scene;
    if (!scene || !scene.types || !scene.types.length) return null;
    const verbs = [...new Set(t.choices.map((c) => c.verb))].filter((v) => v === 'scan' || v === 'detect');
    const columns = [...scene.types, ...verbs.map((v) => ({scan: 'Reconnaissance', detect: 'Detection'}[v]))];
    const top = Math.max(...t.choices.map((c) => c.p));
    return heat({
      label: 'Probabilities in per cent, by node and type; crosses are illegal', corner: '%', rows: scene.nodes.map((n) => n.name), columns, narrow: true,
      cell: (r, k) => {
        const type = k < scene.types.length ? k : -1;
        const c = t.choices.find((x) => x.to === scene.nodes[r].id && (type >= 0 ? x.type === type : x.verb === verbs[k - scene.types.length]));
        if (!c) return {share: 0, text: '×', title: 'illegal', off: true};
        return {share: top > 0 ? c.p / top : 0, text: c.p >= .005 ? String(Math.round(100 * c.p)) : '·', title: `${c.text}: ${percent(c.p)}`};
      },
    });
  }

  // editor is a form that changes the state.
  editor(scene) {
    const {episode, at, run} = this;
    if (!live || !run || !episode.editable || !scene || episode.frames[at].over) return null;
    const node = h('select', {id: 'edit-node'}, scene.nodes.map((n) => h('option', {value: n.id}, n.name)));
    const fields = [
      ['attacker', -1, 'the attacker is here'], ...scene.types.map((name, type) => ['attack', type, `attack: ${name}`]),
      ...scene.types.map((name, type) => ['defence', type, `defence: ${name}`]), ['detection', -1, 'detection'],
    ];
    const field = h('select', {id: 'edit-field'}, fields.map(([, , text], i) => h('option', {value: i, selected: i === this.field}, text)));
    const value = h('input', {id: 'edit-value', type: 'number', min: 0, max: scene.max, value: 0});
    if (this.node) node.value = this.node;
    const apply = () => this.change([...this.changes, {
      node: node.value, field: fields[field.value][0], type: fields[field.value][1], value: Number(value.value),
    }], node.value, Number(field.value));
    return h('details', {class: 'panel', open: this.changes.length > 0 || this.editing, ontoggle: (e) => { this.editing = e.target.open; }},
      h('summary', {'data-key': 'edit'}, 'Edit this state'),
      h('div', {class: 'edit'}, h('label', {for: 'edit-node'}, 'Node'), node, h('label', {for: 'edit-field'}, 'What'), field, h('label', {for: 'edit-value'}, 'New value'), value,
        h('button', {class: 'primary', 'data-key': 'edit-apply', onclick: apply}, 'Change')),
      this.changes.length > 0 && h('div', {class: 'row'}, this.changes.map((c) => h('span', {class: 'badge'},
        `${scene.nodes.find((n) => n.id === c.node).name}: ${c.field}${c.type >= 0 ? ` ${scene.types[c.type]}` : ''}${c.field === 'attacker' ? '' : ` = ${c.value}`}`)),
      h('button', {'data-key': 'edit-reset', onclick: () => this.go(at)}, 'Undo')));
  }

  async change(changes, node, field) {
    const edited = await attempt(() => post(`api/${this.run.id}/state`, {n: this.run.n, mode: this.run.mode, step: this.at, changes}));
    if (!edited) return;
    Object.assign(this, {changes, edited, node, field});
    this.pause();
    this.render();
  }

  // log lists the steps.
  log() {
    const {episode, at} = this;
    return h('div', {class: 'panel'}, h('h2', {}, 'Steps'), h('ol', {class: 'steps'}, episode.frames.map((f, i) => h('li', {},
      h('button', {class: 'plain', 'data-key': `step-${i}`, 'aria-current': i === at && 'step', onclick: () => this.go(i)},
        h('span', {class: 'number muted'}, f.step), h('span', {}, f.step ? (f.moves || []).map((m) => h('span', {class: `move ${m.role}`}, m.action.text)) : 'Start'),
        i === episode.decisive && h('span', {class: 'badge'}, 'decisive'))))));
  }
}

const percent = (p) => `${p >= .0995 ? Math.round(100 * p) : Number((100 * p).toPrecision(2))} %`;

function meter(p) {
  const bar = h('span', {class: 'meter', 'aria-hidden': 'true'}, h('span', {}));
  bar.firstChild.style.width = `${100 * p}%`;
  return bar;
}

// games is the panel that chooses games of a run.
export function games(run, place) {
  const n = h('input', {id: 'game-n', type: 'number', min: 0, value: 0});
  const mode = h('select', {id: 'game-mode'}, ['greedy', 'sampled'].map((m) => h('option', {value: m}, m)));
  const view = h('select', {id: 'game-view'}, ['everything', 'attacker', 'defender'].map((v) => h('option', {value: v}, v === 'everything' ? v : `what the ${v} sees`)));
  const load = () => attempt(async () => {
    const query = {n: Number(n.value), mode: mode.value, view: view.value};
    const episode = await ask(run.id, 'episode', query);
    place.replay = new Replay(place, episode, {id: run.id, n: query.n, mode: query.mode});
  });
  for (const input of [n, mode, view]) input.addEventListener('change', load);
  load();
  return h('div', {class: 'row'}, h('label', {for: 'game-n'}, 'Game'), n, h('label', {for: 'game-mode'}, 'played'), mode, h('label', {for: 'game-view'}, 'showing'), view,
    h('button', {id: 'game-next', onclick: () => {
      n.value = Number(n.value) + 1;
      load();
    }}, 'Next game'));
}
