// SPDX-License-Identifier: LGPL-2.1-or-later
// The table of guests: a line each, what is wrong first.

import {h, keyed, setAttr, setText, setVars} from './dom.js';
import {byName, percent, size, count} from './format.js';
import {CONDITIONS, FIXED, conditionsOf, toneOf} from './words.js';

const PAGE = 60; // lines shown before somebody asks for more
const RANK = {bad: 0, note: 1, quiet: 2, calm: 3};
const BY_HAND = 'by hand';
const COLUMNS = [
	{key: 'name', text: 'Guest', value: (g) => g.name},
	{key: 'memory', text: 'Memory', value: null},
	{key: 'has', text: 'Has', number: true, value: (g) => g.memory.actual},
	{key: 'wants', text: 'Wants', number: true, value: (g) => g.memory.want ?? 0},
	{key: 'max', text: 'Of', number: true, value: (g) => g.memory.limit ?? g.memory.max},
	{key: 'stall', text: 'Stall', number: true, value: (g) => g.memory.stall_permyriad ?? 0},
	{key: 'weight', text: 'CPU weight', number: true, value: (g) => g.cpu.weight ?? 0},
	{key: 'why', text: 'Why', value: null},
];

export class GuestTable {
	constructor(root, filter, open) {
		this.open = open;
		this.sort = {key: null, down: true};
		this.limit = PAGE;
		this.heads = new Map();
		this.body = h('tbody');
		this.more = h('button', {type: 'button', class: 'button more', hidden: true, on: {click: () => {
			this.limit += 4 * PAGE;
			this.draw();
		}}});
		this.none = h('p', {class: 'plain', hidden: true});
		this.table = h('table', {class: 'guests'},
			h('caption', {class: 'unseen'}, 'Guests with their memory; what is wrong comes first'),
			h('thead', {}, h('tr', {}, COLUMNS.map((c) => this.head(c)))), this.body);
		root.append(this.table, this.none, this.more);
		this.filter = filter;
		filter.addEventListener('input', () => this.draw());
	}

	head(c) {
		const cell = h('th', {scope: 'col', class: `c-${c.key}${c.number ? ' n' : ''}`},
			c.value ? h('button', {type: 'button', class: 'sort', on: {click: () => this.sortBy(c)}}, c.text) : c.text);

		this.heads.set(c.key, cell);
		return cell;
	}

	// Once, again the other way round, then as at first.
	sortBy(c) {
		const first = Boolean(c.number);

		if (this.sort.key !== c.key)
			this.sort = {key: c.key, down: first};
		else if (this.sort.down === first)
			this.sort = {key: c.key, down: !first};
		else
			this.sort = {key: null, down: true};
		for (const [key, cell] of this.heads)
			setAttr(cell, 'aria-sort', key === this.sort.key ? (this.sort.down ? 'descending' : 'ascending') : null);
		this.draw();
	}

	update(guests, selected) {
		this.guests = guests;
		this.selected = selected;
		this.draw();
	}

	draw() {
		const guests = this.guests || [];
		const word = this.filter.value.trim().toLowerCase();
		const fits = (g) => !word || [g.name, ...(g.tags || []), ...conditionsOf(g), ...conditionsOf(g).map((c) => CONDITIONS[c]?.[0] ?? ''), g.overrides ? BY_HAND : '', g.fixed ? 'cannot be moved' : ''].some((t) => t.toLowerCase().includes(word));
		const shown = guests.filter(fits);
		const column = COLUMNS.find((c) => c.key === this.sort.key);

		if (column) {
			const way = this.sort.down ? -1 : 1;
			shown.sort((a, b) => way * (column.number ? column.value(a) - column.value(b) : byName.compare(column.value(a), column.value(b))));
		} else {
			shown.sort((a, b) => RANK[toneOf(a)] - RANK[toneOf(b)]); // by name otherwise, as they come
		}
		keyed(this.body, shown.slice(0, this.limit), (g) => g.uuid, (g) => this.row(g), (row, g) => this.show(row, g));
		this.more.hidden = shown.length <= this.limit;
		setText(this.more, `Show more: ${shown.length - this.limit} are left`);
		this.table.hidden = !shown.length;
		this.none.hidden = shown.length > 0;
		setText(this.none, guests.length ? `None of ${count(guests.length, 'guest')} has “${this.filter.value.trim()}”.` : 'No guest runs on this host.');
	}

	row(g) {
		const name = h('button', {type: 'button', class: 'link guest-name', on: {click: (e) => {
			e.stopPropagation();
			this.open(g.uuid);
		}}});
		const row = h('tr', {on: {click: () => this.open(g.uuid)}},
			h('th', {scope: 'row', class: 'c-name'}, name, h('span', {class: 'chips'})),
			h('td', {class: 'c-memory'}, makeBullet()),
			h('td', {class: 'n c-has'}, h('span'), h('span', {class: 'goes'})),
			h('td', {class: 'n c-wants'}), h('td', {class: 'n c-max'}), h('td', {class: 'n c-stall'}), h('td', {class: 'n c-weight'}), h('td', {class: 'c-why'}));

		row.parts = {name, chips: name.nextSibling, bullet: row.querySelector('.bullet'), has: row.querySelector('.c-has')};
		return row;
	}

	show(row, g) {
		const m = g.memory, p = row.parts;
		const going = m.target !== m.actual && Math.abs(m.target - m.actual) >= 2 ** 20;

		setText(p.name, g.name);
		showChips(p.chips, g);
		showBullet(p.bullet, g);
		setText(p.has.firstChild, size(m.actual));
		setText(p.has.lastChild, going ? `→ ${size(m.target)}` : '');
		setText(row.querySelector('.c-wants'), size(m.want));
		setText(row.querySelector('.c-max'), size(m.limit ?? m.max));
		setText(row.querySelector('.c-stall'), m.stall_permyriad === null ? '–' : percent(m.stall_permyriad));
		setText(row.querySelector('.c-weight'), g.cpu.weight || '–');
		setText(row.querySelector('.c-why'), whyOf(g));
		row.dataset.tone = toneOf(g);
		row.classList.toggle('selected', g.uuid === this.selected);
	}
}

// In one line: what was done to it a moment ago, else how it stands.
function whyOf(g) {
	const change = g.last_change, m = g.memory;

	if (g.fixed)
		return `cannot be moved: ${FIXED[g.fixed] ?? g.fixed}`;
	if (change && Date.now() - new Date(change.time) < 15000)
		return change.reason.text;
	if (g.conditions.includes('unknown'))
		return 'nothing is known of its use of memory: it is left as it is';
	return g.standing?.text ?? (m.want === null ? '' : m.want <= m.actual * 1.005 ? 'has what it wants' : `wants ${size(m.want - m.actual)} more`);
}

export function showChips(node, g) {
	const words = conditionsOf(g).map((c) => [c, ...(CONDITIONS[c] ?? [c, 'quiet', ''])]);

	if (g.overrides)
		words.push(['override', BY_HAND, 'hand', `${count(g.overrides, 'setting is', 'settings are')} set by hand`]);
	keyed(node, words, (w) => w[0], (w) => h('span', {class: 'chip', 'data-tone': w[2], title: w[3]}), (chip, w) => setText(chip, w[1]));
}

// Nothing to its maximum, in one line: has, uses, wants, floor, Max=.
export function makeBullet() {
	return h('div', {class: 'bullet', role: 'img'}, h('span', {class: 'b-had'}), h('span', {class: 'b-used'}), h('span', {class: 'b-floor'}), h('span', {class: 'b-want'}), h('span', {class: 'b-limit'}));
}

export function showBullet(node, g) {
	const m = g.memory, max = m.max || 1;
	const at = (x) => `${Math.max(0, Math.min(100, 100 * (x ?? 0) / max)).toFixed(2)}%`;

	setVars(node, {had: at(m.actual), used: at(Math.min(m.used ?? 0, m.actual)), floor: at(m.floor), want: at(m.want ?? m.actual), limit: at(m.limit ?? max)});
	node.classList.toggle('no-floor', !m.floor);
	node.classList.toggle('no-limit', m.limit === null || m.limit >= max);
	node.dataset.tone = toneOf(g);
	const text = `has ${size(m.actual)} of ${size(max)}, uses ${size(m.used)}, wants ${size(m.want)}, floor ${size(m.floor)}${m.limit === null ? '' : `, Max= ${size(m.limit)}`}`;
	setAttr(node, 'aria-label', text);
	setAttr(node, 'title', text);
}
