// Tables whose cells are coloured by their value.

import {h} from './page.js';

// heat is a table: rows and columns are names, cell(r, c) is {share, text, title, off} or null; share in [0, 1] colours it,
// off crosses it out.
export function heat({label, corner, rows, columns, cell, narrow}) {
  return h('div', {class: 'scroll'}, h('table', {class: narrow ? 'heat narrow' : 'heat', 'aria-label': label},
    h('thead', {}, h('tr', {}, h('th', {scope: 'col'}, corner), columns.map((c) => h('th', {scope: 'col', title: c}, h('span', {}, c))))),
    h('tbody', {}, rows.map((name, r) => h('tr', {}, h('th', {scope: 'row', title: name}, name), columns.map((_, c) => {
      const value = cell(r, c);
      if (!value) return h('td', {class: 'none'}, '');
      const td = h('td', {title: value.title, class: value.off && 'off'}, value.text);
      td.style.setProperty('--share', `${(100 * Math.max(0, Math.min(1, value.share))).toFixed(1)}%`);
      return td;
    }))))));
}
