// What all pages share: building the document, talking to the server, the head of the page. No string ever becomes HTML.

const namespace = 'http://www.w3.org/2000/svg';

// h makes an HTML element: h('p', {class: 'muted', onclick: f}, 'text', child, ...).
export function h(name, attributes, ...children) {
  return fill(document.createElement(name), attributes, children);
}

// svg makes an SVG element in the same way.
export function svg(name, attributes, ...children) {
  return fill(document.createElementNS(namespace, name), attributes, children);
}

// fill gives an element attributes and children. Functions become listeners; false, null and undefined are left out.
function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === false || value === null || value === undefined) continue;
    if (typeof value === 'function') element.addEventListener(name.replace(/^on/, ''), value);
    else if (name in {value: 1, checked: 1, selected: 1, disabled: 1}) element[name] = value;
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  element.append(...children.flat(Infinity).filter((c) => c !== false && c !== null && c !== undefined));
  return element;
}

// show replaces what an element contains. What had the focus gets it back, by its id or its data-key, with its caret.
export function show(element, ...children) {
  const active = element.contains(document.activeElement) ? document.activeElement : null;
  const key = active && (active.id ? '#' + CSS.escape(active.id) : active.dataset.key && `[data-key="${CSS.escape(active.dataset.key)}"]`);
  const caret = active && active.matches('input[type="search"], input[type="text"]') ? active.selectionStart : null;
  element.replaceChildren(...children.flat(Infinity).filter((c) => c !== false && c !== null && c !== undefined));
  const again = key && element.querySelector(key);
  if (!again || again === document.activeElement) return;
  again.focus({preventScroll: true});
  if (caret !== null) again.setSelectionRange(caret, caret);
}

// request asks the server and returns its JSON answer; an answer that is an error throws its text.
async function request(url, options) {
  const response = await fetch(url, {cache: 'no-store', ...options});
  const text = await response.text();
  let answer;
  try {
    answer = JSON.parse(text);
  } catch {
    throw new Error(text.trim() || response.statusText);
  }
  if (!response.ok) throw new Error(answer.error || response.statusText);
  return answer;
}

// get asks for JSON; headers are optional.
export const get = (url, headers) => request(url, {headers});

// post sends JSON and returns the JSON answer.
export function post(url, body, headers) {
  return request(url, {method: 'POST', headers: {'Content-Type': 'application/json', ...headers}, body: JSON.stringify(body)});
}

// follow calls news with each server-sent event of a URL, and state with whether the connection is up. It reconnects by
// itself; the function that it returns ends it.
export function follow(url, news, state = () => {}) {
  const source = new EventSource(url);
  source.onopen = () => state(true);
  source.onerror = () => state(false);
  source.onmessage = (event) => news(JSON.parse(event.data));
  return () => source.close();
}

// tell says something in the status line, which screen readers read out. It goes after some seconds.
let quiet;
export function tell(text) {
  clearTimeout(quiet);
  show(document.getElementById('status'), h('div', {}, text));
  quiet = setTimeout(() => show(document.getElementById('status')), 6000);
}

// say says something to screen readers alone, which the page shows anyway.
export const say = (text) => show(document.getElementById('news'), text);

// attempt runs an asynchronous function and tells the error that it throws.
export async function attempt(f) {
  try {
    return await f();
  } catch (error) {
    tell(error.message);
  }
}

// Themes: the system's, light or dark. The choice is kept in this browser.
const themes = ['system', 'light', 'dark'];

function stored() {
  try {
    return localStorage.getItem('theme');
  } catch {
    return null; // pages from files may have no storage
  }
}

function setTheme(theme) {
  if (theme === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem('theme', theme);
  } catch {
    // it holds for this page
  }
}

// head fills the head of the page: its title, and controls beside the choice of the theme.
export function head(title, ...tools) {
  const theme = h('select', {id: 'theme', 'aria-label': 'Colours', onchange: () => setTheme(theme.value)},
    themes.map((name) => h('option', {value: name, selected: name === (stored() || 'system')}, `${name} colours`)));
  show(document.getElementById('head'),
    h('span', {class: 'brand'}, h('img', {src: 'assets/icon.svg', alt: ''}), 'idsrl'),
    h('h1', {}, title),
    h('div', {class: 'tools push'}, tools, theme));
}

setTheme(themes.includes(stored()) ? stored() : 'system');

// format writes a number with up to digits places, and a minus that is as wide as a plus.
export function format(value, digits = 2) {
  return Number(value).toLocaleString('en', {maximumFractionDigits: digits}).replace('-', '−');
}
