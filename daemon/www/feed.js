// SPDX-License-Identifier: LGPL-2.1-or-later
// What happens, newest first: moves with their reason, or everything.

import {h, keyed, setAttr, setText} from './dom.js';
import {clock, signed, size} from './format.js';
import {isMove} from './words.js';

const KEPT = 600; // events remembered
const SHOWN = 60;
const TOGETHER_MS = 3000; // steps of one guest in one direction that are not further apart are one move
export const MOVES = ['command', 'cpu', 'command-failed', 'pressed', 'host-state', 'oom-kill'];

export class Feed {
	constructor(list, choice, open) {
		this.list = h('ol', {class: 'feed'});
		this.none = h('p', {class: 'plain'}, 'Nothing has happened yet.');
		list.append(this.list, this.none);
		this.open = open;
		this.events = []; // newest first
		this.ids = new Set();
		this.all = false;
		this.buttons = [['Moves', false], ['Everything', true]].map(([text, all]) =>
			h('button', {type: 'button', 'aria-pressed': String(all === this.all), on: {click: () => this.choose(all)}}, text));
		choice.append(...this.buttons);
	}

	choose(all) {
		this.all = all;
		this.buttons.forEach((b, i) => setAttr(b, 'aria-pressed', String(Boolean(i) === all)));
		this.draw();
	}

	// Returns whether it is a new one.
	add(event) {
		if (this.ids.has(event.id))
			return false;
		this.ids.add(event.id);
		this.events.unshift(event);
		for (const old of this.events.splice(KEPT))
			this.ids.delete(old.id);
		return true;
	}

	clear() {
		this.events = [];
		this.ids.clear();
	}

	of(uuid) {
		return this.events.filter((e) => e.uuid === uuid);
	}

	draw() {
		const shown = this.all ? this.events.slice(0, SHOWN) : together(this.events.filter((e) => MOVES.includes(e.kind))).slice(0, SHOWN);

		keyed(this.list, shown, (e) => `${e.id} ${e.steps ?? 1}`, (e) => eventLine(e, this.open));
		this.none.hidden = shown.length > 0;
	}
}

// Moves come in steps: a guest that gets 200 MiB gets them as others let go of them. events: newest first.
export function together(events) {
	const open = new Map(); // guest and direction: the line that it may be part of
	let state = null; // of the host: while memory moves it may change to and fro
	const lines = [];

	for (const e of events) {
		if (e.kind === 'host-state') {
			const time = new Date(e.time).getTime();

			if (!state || state.oldest - time > TOGETHER_MS)
				lines.push(state = {...e});
			state.oldest = time;
			continue;
		}
		if (!isMove(e)) {
			lines.push(e);
			continue;
		}
		const key = `${e.uuid} ${Math.sign(e.numbers.to - e.numbers.from)}`, time = new Date(e.time).getTime();
		const line = open.get(key);
		if (line && line.oldest - time <= TOGETHER_MS && line.numbers.from === e.numbers.to) {
			Object.assign(line, {oldest: time, steps: line.steps + 1, numbers: {...line.numbers, from: e.numbers.from}});
		} else {
			const first = {...e, oldest: time, steps: 1};
			open.set(key, first);
			lines.push(first);
		}
	}
	return lines;
}

// One event as a line. open: what a click on the guest's name does; null: no name is needed.
export function eventLine(e, open) {
	const name = e.guest && open ? h('button', {type: 'button', class: 'link', on: {click: () => open(e.uuid)}}, e.guest) : null;
	const time = h('time', {datetime: e.time}, clock(e.time));
	const fresh = Date.now() - new Date(e.time) < 10000;

	if (isMove(e)) {
		const {from, to} = e.numbers, up = to > from;
		return h('li', {class: `line move${fresh ? ' fresh' : ''}`, 'data-way': up ? 'up' : to < from ? 'down' : 'same'},
			time, h('div', {class: 'line-body'}, h('div', {class: 'line-head'}, name,
				h('span', {class: 'delta'}, to === from ? '±0' : signed(to - from)),
				h('span', {class: 'fromto'}, `${size(from)} → ${size(to)}${e.steps > 1 ? `, in ${e.steps} steps` : ''}`)),
			h('div', {class: 'line-why'}, e.reason?.text ?? e.text)));
	}
	return h('li', {class: `line${fresh ? ' fresh' : ''}`, 'data-severity': e.severity},
		time, h('div', {class: 'line-body'}, h('div', {class: 'line-head'}, name, h('span', {class: 'kind'}, e.kind.replaceAll('-', ' ')), e.by ? h('span', {class: 'fromto'}, `by ${e.by}`) : null),
			h('div', {class: 'line-why'}, e.text || e.reason?.text || '')));
}
