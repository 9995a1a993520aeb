// The page of one seat of a game that people play: it shows views of the seat (package experiments/manual) and sends what
// its person chooses. All that it knows is in the last view.

import {attempt, follow, format, get, h, head, post, say, show} from './page.js';
import {draw, keys, neighbour} from './scene.js';

const token = location.hash.slice(1);
const seated = {'Idsrl-Seat': token};

let view; // the last one
let selected; // id of a node
let search = '';
let reveal; // frames of what really happened, with the one that is shown
let connected = true;

const send = (path, body = {}) => attempt(() => post(`game/${path}`, body, seated));
const last = () => view.frames[view.frames.length - 1];
const mine = () => view.seats[view.seat];

// receive takes a new view.
function receive(next) {
  const fresh = !view || view.episode !== next.episode || view.seat !== next.seat;
  const before = fresh ? undefined : last();
  view = next;
  if (fresh) {
    reveal = undefined;
    selected = undefined;
  }
  if (fresh || before.step !== last().step) {
    search = '';
    if (!types()) selected = undefined;
  }
  const reachable = targets();
  if (!selected || !last().scene.nodes.some((n) => n.id === selected) || (types() && reachable.size && !reachable.has(selected))) {
    selected = types() ? [...reachable.keys()][0] || here() : undefined;
  }
  const played = document.activeElement.closest('.scene, #actions');
  render(before && before.step !== last().step ? before.scene : undefined);
  if (played && last().over) document.getElementById('again').focus({preventScroll: true});
  if (before && before.step !== last().step) announce();
}

// types reports whether actions are a node and a type.
const types = () => Boolean(last().scene.types && last().scene.types.length);

// here is where the attacker stands, or the first node.
function here() {
  const nodes = last().scene.nodes;
  return (nodes.find((n) => n.attacker) || nodes[0] || {}).id;
}

// targets are the nodes at which something can be done, with what.
function targets() {
  const counts = new Map();
  for (const action of view.legal) {
    for (const id of types() ? [action.to] : new Set([action.to, action.from])) {
      if (id) counts.set(id, (counts.get(id) || 0) + 1);
    }
  }
  return new Map([...counts].map(([id, n]) => [id, `${n} ${n === 1 ? 'action' : 'actions'} possible`]));
}

const play = (action) => action && send('act', {step: last().step, action: action.id});

// render builds the page from the view.
function render(before) {
  head(view.env, tools());
  document.title = `${mine().role} · ${view.env} · idsrl`;
  const frame = reveal ? reveal.frames[reveal.at] : last();
  const shown = reveal && reveal.at > 0 ? reveal.frames[reveal.at - 1].scene : before;
  const picture = draw(frame.scene, {
    moves: frame.moves, before: shown, selected: frame.over || reveal ? undefined : selected, targets: !reveal && types() ? targets() : undefined,
    choose: frame.over || reveal ? undefined : choose, label: reveal ? 'The network as it really was' : 'The network as you know it',
  });
  picture.classList.add(reveal ? 'everybody' : mine().role);
  picture.style.maxWidth = `${picture.dataset.width / 16 * 1.25}rem`;
  picture.style.minWidth = `${picture.dataset.width / 16 * .55}rem`;
  show(document.getElementById('main'),
    h('section', {class: 'stack'},
      h('div', {class: 'panel board', 'aria-label': 'Board'}, picture),
      reveal ? truth() : null),
    h('section', {class: 'stack'}, status(), last().over ? null : actions(), log(), help()));
}

// tools are the controls in the head of the page.
function tools() {
  const others = view.seats.map((seat, i) => [seat, i]).filter(([seat, i]) => i !== view.seat && seat.player !== 'person');
  return [
    others.map(([seat, i]) => h('select', {
      id: `player-${i}`, 'aria-label': `Player of the ${seat.role}`,
      onchange: (event) => send('player', {seat: i, player: event.target.value}),
    }, seat.others.map((name) => h('option', {value: name, selected: name === seat.player}, `${seat.role}: ${name}`)))),
    view.seats.length > 1 && h('button', {id: 'seats', onclick: () => send('seats')}, 'Change seats'),
    h('button', {id: 'new', onclick: () => send('new')}, 'New game'),
  ];
}

// status says how the game stands.
function status() {
  const frame = last();
  const role = mine().role;
  const reward = frame.rewards ? frame.rewards[0] : 0;
  const waiting = view.seats.filter((seat) => !seat.ready).map((seat) => seat.role);
  let hint = types() ? 'Choose a node, then what to do there.' : 'Choose an action from the list.';
  if (view.chosen) hint = `You play: ${view.chosen.text}. Waiting for the ${waiting.join(' and the ')} …`;
  if (!connected) hint = 'The connection is lost. Is idsrl still running?';
  const result = frame.winner === role ? 'won' : frame.winner === 'nobody' ? '' : 'lost';
  return h('div', {class: `panel ${frame.over ? `outcome ${result}` : ''}`, id: 'state'},
    h('div', {class: 'row'},
      h('span', {class: `badge ${role === 'attacker' ? 'attack' : 'defence'}`}, `You are the ${role}`),
      frame.over && h('span', {class: `badge ${result === 'won' ? 'good' : result ? 'bad' : ''}`},
        {won: 'You win', lost: 'You lose'}[result] || 'Draw')),
    frame.over
      ? [h('p', {class: 'hint', id: 'outcome'}, frame.outcome), h('div', {class: 'row hint'},
          h('button', {class: 'primary', id: 'again', onclick: () => send('new')}, 'New game'),
          h('button', {id: 'reveal', 'aria-pressed': String(Boolean(reveal)), onclick: toggleReveal},
            reveal ? 'Hide the truth' : 'Show the truth'))]
      : h('p', {class: 'hint', id: 'hint'}, hint),
    (frame.scene.facts || []).map((fact) => h('p', {class: 'goal hint'}, fact)),
    h('dl', {class: 'facts'},
      h('dt', {}, 'Step'), h('dd', {id: 'step'}, frame.step, h('small', {class: 'muted'}, view.max_steps ? ` / ${view.max_steps - (types() ? 1 : 0)}` : '')),
      h('dt', {}, 'Last reward'), h('dd', {id: 'reward'}, format(reward)),
      h('dt', {}, 'Return'), h('dd', {id: 'return'}, format(view.return))));
}

// actions are what can be chosen now.
function actions() {
  if (!types()) return list();
  const scene = last().scene;
  const node = scene.nodes.find((n) => n.id === selected);
  const here = node ? view.legal.filter((a) => a.to === node.id) : [];
  const shown = (values, type) => (values && values[type] >= 0 ? values[type] : '?');
  const rows = [scene.nodes.some((n) => n.attack) && 'attack', scene.nodes.some((n) => n.defence) && 'defence'].filter(Boolean);
  return h('div', {class: 'panel', id: 'actions'},
    h('h2', {}, node ? node.name : 'Actions'),
    here.length
      ? h('div', {class: scene.types.length > 4 ? 'types' : 'types one', role: 'group', 'aria-label': `Actions on ${node.name}`},
          here.map((action) => h('button', {
            class: 'choice', 'data-key': `act-${action.id}`, 'data-action': action.id, onclick: () => play(action), title: action.text,
          }, h('kbd', {}, keyOf(action)), h('span', {}, nameOf(scene, action)),
          h('span', {class: 'values'}, action.type < 0
            ? action.verb === 'detect' && h('b', {}, node.detection)
            : rows.map((row, i) => [i > 0 && ' / ', h('b', {title: row}, `${row[0].toUpperCase()}\u2009${shown(node[row], action.type)}`)])))))
      : h('p', {class: 'muted'}, view.chosen ? 'You have chosen.' : 'Nothing can be done here. Choose a highlighted node.'));
}

const nameOf = (scene, action) => ({scan: 'Reconnaissance', detect: 'Detection'}[action.verb] || scene.types[action.type]);
const keyOf = (action) => ({scan: 'r', detect: 'd'}[action.verb] || keys[action.type] || '');

// list is the searchable list of actions.
function list() {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = view.legal.filter((action) => words.every((w) => action.text.toLowerCase().includes(w)) &&
    (!selected || action.to === selected || action.from === selected));
  const field = h('input', {
    id: 'search', class: 'search', type: 'search', placeholder: 'Search actions', 'aria-label': 'Search actions', value: search,
    oninput: (event) => {
      search = event.target.value.replace(/^\//, ''); // the key that leads here
      render();
    },
    onkeydown: (event) => {
      if (event.key === 'Enter') play(fits[0]);
      else if (event.key === 'ArrowDown') focusChoice(0);
      else return;
      event.preventDefault();
    },
  });
  return h('div', {class: 'panel', id: 'actions'},
    h('h2', {}, view.chosen ? 'You have chosen' : `${fits.length} of ${view.legal.length} actions`), field,
    selected && h('div', {class: 'row hint'}, h('button', {id: 'clear', onclick: () => choose(selected)}, `${nodeName(selected)} ✕`)),
    h('div', {class: 'list', role: 'group', 'aria-label': 'Actions'}, fits.slice(0, 300).map((action, i) => h('button', {
      class: 'choice', 'data-key': `act-${action.id}`, 'data-action': action.id, onclick: () => play(action),
      onkeydown: (event) => {
        if (event.key === 'ArrowDown') focusChoice(i + 1);
        else if (event.key === 'ArrowUp' && i > 0) focusChoice(i - 1);
        else if (event.key === 'ArrowUp') field.focus();
        else return;
        event.preventDefault();
        event.stopPropagation();
      },
    }, action.text))));
}

const nodeName = (id) => (last().scene.nodes.find((n) => n.id === id) || {}).name;

function focusChoice(i) {
  const buttons = document.querySelectorAll('#actions .choice');
  if (buttons[i]) buttons[i].focus();
}

// choose selects a node; in lists of actions, choosing it again lets go of it.
function choose(id) {
  selected = !types() && selected === id ? undefined : id;
  render();
  const node = document.querySelector(`.scene [data-key="${CSS.escape(id)}"]`);
  if (!node) return;
  node.focus({preventScroll: true});
  node.scrollIntoView({block: 'nearest', inline: 'nearest'});
}

// log is what the seat has heard, the newest first.
function log() {
  const frames = reveal ? reveal.frames.slice(0, reveal.at + 1) : view.frames;
  const seat = reveal ? view.seat : 0;
  return h('div', {class: 'panel'}, h('h2', {}, reveal ? 'What really happened' : 'What you have seen'),
    frames.length > 1
      ? h('ol', {class: 'log', tabindex: 0, 'aria-label': 'Steps, the newest first'}, frames.slice(1).reverse().map((frame) => h('li', {},
          h('span', {class: 'number'}, frame.step),
          h('div', {}, (frame.moves || []).map((m) => h('p', {class: m.role}, m.action.text, m.result.text && `: ${m.result.text}`))),
          h('span', {class: 'pay', title: 'your reward'}, format(frame.rewards[seat])))))
      : h('p', {class: 'muted'}, 'Nothing yet.'));
}

// announce says the news to screen readers.
function announce() {
  const frame = last();
  const texts = (frame.moves || []).map((m) => (m.seat === view.seat ? '' : `${m.role}: `) + m.action.text +
    (m.result.text ? `: ${m.result.text}` : ''));
  say(frame.over ? frame.outcome : texts.join('. '));
}

// toggleReveal shows or hides what really happened.
async function toggleReveal() {
  if (reveal) reveal = undefined;
  else {
    const frames = await attempt(() => get('game/reveal', seated));
    if (frames) reveal = {frames, at: frames.length - 1};
  }
  render();
}

// truth is the control that goes through what really happened.
function truth() {
  const end = reveal.frames.length - 1;
  const go = (at) => {
    reveal.at = Math.max(0, Math.min(end, at));
    render();
  };
  return h('div', {class: 'panel'}, h('h2', {}, 'The truth, step by step'),
    h('div', {class: 'player'},
      h('button', {id: 'first', onclick: () => go(0)}, 'First'),
      h('button', {id: 'back', 'aria-label': 'One step back', onclick: () => go(reveal.at - 1)}, '◀'),
      h('button', {id: 'forward', 'aria-label': 'One step forward', onclick: () => go(reveal.at + 1)}, '▶'),
      h('input', {id: 'at', type: 'range', min: 0, max: end, value: reveal.at, 'aria-label': 'Step', oninput: (e) => go(Number(e.target.value))}),
      h('span', {class: 'number'}, `${reveal.at} / ${end}`)));
}

// help lists the keys.
function help() {
  const entries = types()
    ? [['← ↑ → ↓', 'choose a node'], ['1 … 9, 0', 'attack or defence of this type on it'],
      [mine().role === 'attacker' ? 'r' : 'd', mine().role === 'attacker' ? 'reconnaissance, where the game has it' : 'detection value']]
    : [['/', 'search the actions'], ['Enter', 'play the first one found'], ['↑ ↓', 'go through the list'], ['Esc', 'show all actions']];
  return h('details', {class: 'panel help', id: 'help', open: helpOpen, ontoggle: (event) => { helpOpen = event.target.open; }},
    h('summary', {}, 'Keys'),
    h('dl', {}, [...entries, ['n', 'new game'], ['t', 'the truth, after the end']].map(([key, what]) => [h('dt', {}, h('kbd', {}, key)), h('dd', {}, what)])));
}
let helpOpen = false;

document.addEventListener('keydown', (event) => {
  if (!view || event.ctrlKey || event.metaKey || event.altKey || event.target.matches('input, select, textarea')) {
    if (event.key === 'Escape' && event.target.id === 'search') {
      search = '';
      selected = undefined;
      render();
    }
    return;
  }
  const scene = last().scene;
  if (event.key.startsWith('Arrow') && event.target.closest('.scene, body') && !event.target.matches('.log')) {
    choose(neighbour(scene, selected || here(), event.key));
  } else if ((event.key === 'Enter' || event.key === ' ') && event.target.matches('.scene .node')) {
    choose(event.target.dataset.key);
  } else if (event.key === '/') {
    const field = document.getElementById('search');
    if (field) field.focus();
  } else if (event.key === 'n') send('new');
  else if (event.key === 't' && last().over) toggleReveal();
  else {
    const action = types() && view.legal.find((a) => a.to === selected && keyOf(a) === event.key.toLowerCase());
    if (!action) return;
    play(action);
  }
  event.preventDefault();
});

head('Play');
if (token) {
  follow(`game/events?seat=${encodeURIComponent(token)}`, receive, (up) => {
    if (connected === up) return;
    connected = up;
    if (view) render();
  });
} else {
  show(document.getElementById('main'), h('p', {class: 'panel'}, 'This is not the link of a seat. Open the one that idsrl has printed.'));
}
