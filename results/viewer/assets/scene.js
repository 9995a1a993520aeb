// Draws a scene (package envs/scene) as SVG: nodes as cards, links behind them, the moves of the last step on top. Colours
// come from scene.css.

import {svg} from './page.js';

const gap = {x: 34, y: 58};
const margin = 18;

// keys are the keys of the attack types, in their order.
export const keys = '1234567890';

// draw makes the picture of a scene. Options, all optional:
//   moves     of the step that led here
//   before    the scene before it, to tell what is new
//   targets   a Map from the ids of nodes that can be chosen to a text that says what can be done there
//   selected  id of a node
//   choose    called with the id of a node that is clicked
//   label     of the picture
export function draw(scene, options = {}) {
  const plan = layout(scene);
  const {moves = [], before, targets = new Map(), selected, choose, label = 'The network'} = options;
  const picture = svg('svg', {
    class: 'scene', viewBox: `0 0 ${plan.width} ${plan.height}`, role: 'group', 'aria-label': label,
    'data-width': plan.width,
  });
  const defs = svg('defs', {}, ['done', 'failed', 'detected', 'scan'].map((effect) => svg('marker', {
    id: `head-${effect}`, viewBox: '0 0 10 10', refX: 8, refY: 5, markerWidth: 5, markerHeight: 5, orient: 'auto',
    class: `arrowhead ${effect}`,
  }, svg('path', {d: 'M0 0 10 5 0 10z'}))));
  picture.append(defs, svg('g', {'aria-hidden': 'true'}, scene.links.map((link) => drawLink(plan, link))));
  for (const node of scene.nodes) {
    const reach = targets.get(node.id);
    const isNew = before && !before.nodes.some((old) => old.id === node.id);
    const group = svg('g', {
      class: ['node', node.kind, node.attacker && 'here', node.controlled && 'controlled', reach && 'target',
        node.id === selected && 'selected', isNew && 'new'].filter(Boolean).join(' '),
      'data-key': node.id, transform: `translate(${plan.at(node).left} ${plan.at(node).top})`,
      role: choose && 'button', 'aria-label': speak(scene, node, reach), 'aria-pressed': choose && String(node.id === selected),
      tabindex: choose && (node.id === selected || (!selected && node === scene.nodes[0]) ? 0 : -1),
      onclick: choose && (() => choose(node.id)),
    });
    group.append(...card(scene, plan, node, moves));
    picture.append(group);
  }
  picture.append(svg('g', {'aria-hidden': 'true'}, moves.map((move) => drawMove(plan, move))));
  return picture;
}

// layout says where everything is, in pixels.
function layout(scene) {
  const values = Boolean(scene.types && scene.types.length);
  const cell = scene.width > 3 ? 20 : 24; // of a value
  const rows = values ? {
    attack: scene.nodes.some((n) => n.attack), defence: scene.nodes.some((n) => n.defence),
    detection: scene.nodes.some((n) => n.detection >= 0),
  } : {};
  const width = values ? Math.max(176, scene.types.length * cell + 34) : 186;
  const heightOf = (node) => {
    if (values) return 34 + 16 + cell * (Number(rows.attack) + Number(rows.defence)) + 8;
    return node.kind === 'network' ? 34 : 36 + 17 * (node.lines || []).length + ((node.lines || []).length ? 6 : 0);
  };
  // Rows of cards are as high as their highest; of a network, hosts stand close below each other.
  const tops = new Map();
  const space = values ? gap.y : 16;
  const stack = (nodes, top) => {
    for (const y of [...new Set(nodes.map((n) => n.y))].sort((a, b) => a - b)) {
      const row = nodes.filter((n) => n.y === y);
      row.forEach((n) => tops.set(n.id, top));
      top += Math.max(...row.map(heightOf)) + space;
    }
    return top;
  };
  let bottom = margin;
  if (values) bottom = stack(scene.nodes, margin);
  else {
    const networks = scene.nodes.filter((n) => n.kind === 'network');
    const below = stack(networks, margin);
    for (const x of new Set(scene.nodes.map((n) => n.x))) {
      bottom = Math.max(bottom, below, stack(scene.nodes.filter((n) => n.x === x && n.kind !== 'network'), networks.length ? below : margin));
    }
  }
  const at = (node) => ({left: margin + node.x * (width + gap.x), top: tops.get(node.id), width, height: heightOf(node)});
  const byID = new Map(scene.nodes.map((n) => [n.id, n]));
  return {
    values, rows, cell, at, find: (id) => byID.get(id),
    width: 2 * margin + scene.width * (width + gap.x) + width, height: bottom - space + margin,
    centre: (node) => {
      const box = at(node);
      return [box.left + box.width / 2, box.top + box.height / 2];
    },
  };
}

function drawLink(plan, link) {
  const [from, to] = [plan.find(link.from), plan.find(link.to)];
  if (!from || !to) return null;
  const [[x1, y1], [x2, y2]] = [plan.centre(from), plan.centre(to)];
  if (!link.blocked) return svg('line', {class: 'link', x1, y1, x2, y2});
  return svg('path', {class: 'link blocked', d: `M${x1} ${y1}Q${(x1 + x2) / 2} ${Math.min(y1, y2) - 40} ${x2} ${y2}`});
}

// card is what stands in a node.
function card(scene, plan, node, moves) {
  const cell = plan.cell;
  const {width, height} = plan.at(node);
  const parts = [svg('title', {}, node.name), svg('rect', {class: 'card', width, height, rx: node.kind === 'network' ? 17 : 8})];
  parts.push(icon(node), svg('text', {class: 'name', x: 34, y: 22}, node.name));
  if (!plan.values) {
    (node.lines || []).forEach((line, i) => parts.push(svg('text', {class: 'line', x: 14, y: 50 + 17 * i}, clip(line, 24))));
    return parts;
  }
  if (plan.rows.detection) {
    parts.push(svg('g', {class: ['detection', touched(moves, node, -1, 'detect') && 'touched'].filter(Boolean).join(' ')},
      svg('rect', {x: width - 62, y: 8, width: 52, height: 19, rx: 9.5}), eye(width - 54, 17.5),
      svg('text', {x: width - 22, y: 22}, node.detection >= 0 ? node.detection : '?')));
  }
  scene.types.forEach((_, type) => parts.push(
    svg('text', {class: 'key', x: 29 + cell * type + cell / 2, y: 45}, keys[type] || '·')));
  let y = 50;
  for (const [row, verb] of [['attack', 'attack'], ['defence', 'defend']]) {
    if (!plan.rows[row]) continue;
    parts.push(svg('text', {class: 'side', x: 14, y: y + cell - 7}, row === 'attack' ? 'A' : 'D'));
    scene.types.forEach((_, type) => parts.push(value(
      scene, cell, node[row] ? node[row][type] : -1, row, 29 + cell * type, y, touched(moves, node, type, verb))));
    y += cell;
  }
  return parts;
}

// value is one attack or defence value.
function value(scene, cell, number, row, x, y, isTouched) {
  const shade = svg('rect', {class: 'shade', x: x + 1, y: y + 1, width: cell - 2, height: cell - 2, rx: 4});
  shade.style.fillOpacity = number > 0 ? .12 + .5 * number / scene.max : 0;
  return svg('g', {class: ['value', row, number < 0 && 'unknown', isTouched && 'touched'].filter(Boolean).join(' ')},
    svg('rect', {class: 'frame', x: x + 1, y: y + 1, width: cell - 2, height: cell - 2, rx: 4}), shade,
    svg('text', {x: x + cell / 2, y: y + cell - 7}, number < 0 ? '?' : number));
}

// touched reports whether a move was about this value.
function touched(moves, node, type, verb) {
  return moves.some((m) => m.action.to === node.id && m.action.verb === verb && (type < 0 || m.action.type === type));
}

// drawMove is the arrow of an attack or a scan.
function drawMove(plan, move) {
  const [from, to] = [plan.find(move.action.from), plan.find(move.action.to)];
  if (!from || !to || from === to || move.result.effect === 'nothing') return null;
  const [a, b] = [plan.at(from), plan.at(to)];
  let [x1, y1] = plan.centre(from);
  let [x2, y2] = plan.centre(to);
  if (a.top > b.top) [y1, y2] = [a.top + 2, b.top + b.height - 2];
  else if (a.top < b.top) [y1, y2] = [a.top + a.height - 2, b.top + 2];
  else if (a.left < b.left) [x1, x2] = [a.left + a.width, b.left];
  else [x1, x2] = [a.left, b.left + b.width];
  const head = move.action.verb === 'scan' && move.result.effect === 'done' ? 'scan' : move.result.effect;
  return svg('path', {
    class: `move ${move.action.verb} ${move.result.effect}`, d: `M${x1} ${y1}L${x2} ${y2}`,
    'marker-end': `url(#head-${head})`,
  });
}

// icon is the picture of a kind of node; where the attacker is, its mark.
function icon(node) {
  const shapes = {
    data: 'M9 9c0-3 14-3 14 0v12c0 3-14 3-14 0zM9 9c0 3 14 3 14 0M9 15c0 3 14 3 14 0',
    server: 'M8 7h16v7H8zM8 16h16v7H8zM11 10.5h2M11 19.5h2',
    start: 'M7 8h18v11H7zM4 23h24M13 19v4M19 19v4',
    network: 'M16 6v20M6 16h20M9 9l14 14M23 9 9 23',
    host: 'M8 7h16v12H8zM12 24h8M16 19v5',
  };
  const mark = node.attacker ? 'M16 6a5 5 0 1 1-.01 0zM6 26c0-7 4-10 10-10s10 3 10 10z' : shapes[node.kind];
  return svg('path', {class: node.attacker ? 'icon attacker' : 'icon', d: mark, transform: 'translate(8 7) scale(.66)'});
}

function eye(x, y) {
  return svg('path', {class: 'eye', d: `M${x} ${y}q8-9 16 0q-8 9-16 0M${x + 5.5} ${y}a2.5 2.5 0 1 0 5 0a2.5 2.5 0 1 0-5 0`});
}

function clip(text, length) {
  return text.length > length ? text.slice(0, length - 1) + '…' : text;
}

// speak says what a card shows.
function speak(scene, node, reach) {
  const parts = [node.name];
  if (node.attacker) parts.push('the attacker is here');
  if (node.controlled) parts.push('controlled');
  const list = (name, values) => values && parts.push(
    `${name} ${values.map((v, type) => `${scene.types[type]} ${v < 0 ? 'unknown' : v}`).join(', ')}`);
  list('attack:', node.attack);
  list('defence:', node.defence);
  if (node.detection >= 0) parts.push(`detection ${node.detection}`);
  if (node.lines) parts.push(node.lines.join(', '));
  if (reach) parts.push(reach);
  return parts.join('; ');
}

// neighbour is the node that lies next to one in a direction of the arrow keys.
export function neighbour(scene, id, key) {
  const [dx, dy] = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]}[key];
  const from = scene.nodes.find((n) => n.id === id);
  if (!from) return scene.nodes[0] && scene.nodes[0].id;
  let best;
  for (const node of scene.nodes) {
    const [x, y] = [node.x - from.x, node.y - from.y];
    const along = x * dx + y * dy;
    const across = Math.abs(x * dy) + Math.abs(y * dx);
    if (along <= 0) continue;
    const distance = along + 2 * across;
    if (!best || distance < best.distance) best = {id: node.id, distance};
  }
  return best ? best.id : id;
}
