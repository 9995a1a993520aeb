// Where answers come from: the server or, in an export, scripts that lie beside the page.

import {follow, get} from './page.js';

const exported = globalThis.idsrlExport;

// live tells whether there is a server.
export const live = !exported;

// ask asks something of an id; the query's order does not matter.
export function ask(id, what, query = {}) {
  const sorted = new URLSearchParams(Object.entries(query).map(([k, v]) => [k, String(v)]).sort());
  const path = `${id}/${what}${sorted.size ? `?${sorted}` : ''}`;
  return live ? get(`api/${path}`) : stored(id, path);
}

// index asks for all that there is.
export const index = () => (live ? get('api/index') : stored('index', 'index'));

// news calls changed with what has changed since a version, for as long as there is a server.
export function news(since, changed, state) {
  if (live) follow(`api/events?since=${since}`, changed, state);
}

const scripts = new Map(); // by id, promises

// stored is an answer in the script of an id.
async function stored(id, path) {
  if (!(path in exported)) {
    if (!scripts.has(id)) {
      scripts.set(id, new Promise((done) => {
        const script = document.createElement('script');
        script.onload = script.onerror = done;
        script.src = `data/${id}.js`;
        document.head.append(script);
      }));
    }
    await scripts.get(id);
  }
  if (!(path in exported)) throw new Error('This is not part of the export; idsrl view shows it.');
  return exported[path];
}
