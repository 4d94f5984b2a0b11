// SPDX-License-Identifier: LGPL-2.1-or-later
// The host as a vessel. Areas are memory: the keel is what is not for guests, above it lies what each guest has, filled as far as it
// is used; what a guest wants beyond that stands over the rim. On a narrow screen the same lies on its side (style.css turns it).

import {h, svg, keyed, setAttr, setText, setVars} from './dom.js';
import {percent, signed, size} from './format.js';
import {CONDITIONS, conditionsOf, toneOf} from './words.js';

const MOVE_MS = 6000; // a move is shown so long
const PAIR_MS = 4000; // who gave and who took within this time is joined by an arc
const MIN_CELL_PX = 46; // narrower than this on the average, and guests lie in several decks
const pct = (x) => `${(100 * x).toFixed(3)}%`;

export class Vessel {
	constructor(root, open) {
		this.open = open;
		this.moves = [];
		this.hold = h('div', {class: 'hold'});
		this.keel = h('div', {class: 'keel'});
		this.arcs = svg('svg', {class: 'arcs', 'aria-hidden': 'true'});
		this.scale = h('div', {class: 'scale', 'aria-hidden': 'true'});
		this.root = h('div', {class: 'vessel'}, this.arcs, h('div', {class: 'hull'}, this.hold, this.keel), this.scale);
		root.append(this.root);
		new ResizeObserver(() => {
			if (this.last)
				this.show(...this.last);
		}).observe(this.root);
	}

	clear() {
		this.last = null;
		keyed(this.hold, [], (c) => c.key);
	}

	update(host, guests) {
		if (this.last?.[0] !== host || this.last[1] !== guests)
			this.show(host, guests);
	}

	show(host, guests) {
		const m = host.memory;
		const tall = getComputedStyle(this.root).getPropertyValue('--tall').trim() === '1';
		const box = this.hold.getBoundingClientRect();
		const main = tall ? box.height : box.width, cross = tall ? box.width : box.height;
		const floating = guests.filter((g) => g.memory.actual > 0);
		const had = floating.reduce((sum, g) => sum + g.memory.actual, 0);
		const beyond = Math.max(0, m.charged - had);
		const room = had + beyond + m.reserved + m.free || 1;
		const below = m.other + m.overhead + m.reserve;
		const share = below / (below + room);

		this.last = [host, guests];
		// The hull is no rounder than its keel is high.
		setVars(this.root, {keel: pct(share), round: `${Math.min(tall ? 30 : 44, Math.max(22, share * (this.hold.parentNode.clientHeight || 236)))}px`});
		this.drawGuests(floating, had, room, main, cross, tall);
		this.drawKeel(m, below);
		setText(this.scale, `${size(m.managed)} in all`);
	}

	// One deck, or as many as make cells about square.
	drawGuests(guests, had, room, main, cross, tall) {
		const m = this.last[0].memory;
		const length = (main || 1000) * had / room;
		const least = tall ? 24 : MIN_CELL_PX;
		const decks = guests.length && length / guests.length < least ? Math.max(1, Math.round(Math.sqrt(guests.length * (cross || 200) / length))) : 1;
		const cells = [];
		let deckAt = 0;

		this.hold.classList.toggle('decks', decks > 1);
		for (const row of splitRows(guests, had, decks)) {
			const sum = row.reduce((s, g) => s + g.memory.actual, 0);
			let at = 0;

			for (const g of row) {
				const part = g.memory.actual / sum * had / room;

				cells.push({key: g.uuid, guest: g, at, size: part, deckAt: deckAt / had, deck: sum / had, px: part * main,
					label: decks > 1 && (tall || sum / had * cross < 34) ? 0 : part * main});
				at += part;
			}
			deckAt += sum;
		}
		let at = had / room;
		for (const [kind, bytes, text, title] of [
			['beyond', Math.max(0, m.charged - had), 'promised', 'promised to guests beyond what they have: it is on its way to them, or they may take it'],
			['reserved', m.reserved, 'reserved', 'reserved for guests that are to start'],
			['free', m.free, 'free', 'free for guests']]) {
			if (bytes > 0)
				cells.push({key: kind, kind, at, size: bytes / room, deckAt: 0, deck: 1, text, title: `${size(bytes)} ${title}`, bytes, px: bytes / room * main, label: bytes / room * main});
			at += bytes / room;
		}
		keyed(this.hold, cells, (c) => c.key, (c) => (c.guest ? this.makeGuest(c) : makeSpace(c)), (node, c) => {
			setVars(node, {at: pct(c.at), size: pct(c.size), deckat: pct(c.deckAt), deck: pct(c.deck)});
			setAttr(node, 'data-room', tall ? (c.px >= 21 ? 'full' : 'none') : c.label >= (c.guest ? 62 : 84) ? 'full' : c.label >= 34 ? 'name' : 'none');
			setAttr(node, 'tabindex', decks > 1 ? -1 : c.guest ? null : 0); // hundreds are walked through in the table
			if (c.guest)
				this.showGuest(node, c.guest, (cross || 200) * c.deck);
			else
				showSpace(node, c);
		});
	}

	makeGuest({guest}) {
		const node = h('button', {type: 'button', class: 'cell', on: {click: () => this.open(node.guestId)}},
			h('span', {class: 'over'}), h('span', {class: 'used'}), h('span', {class: 'mark mark-floor'}), h('span', {class: 'mark mark-want'}),
			h('span', {class: 'cell-label'}, h('span', {class: 'cell-name'}), h('span', {class: 'cell-size'}), h('span', {class: 'cell-max'}), h('span', {class: 'unseen'})),
			h('span', {class: 'pill', 'aria-hidden': 'true'}));

		node.guestId = guest.uuid;
		return node;
	}

	showGuest(node, g, height) {
		const m = g.memory, has = m.actual;
		const want = m.want ?? has, used = Math.min(m.used ?? has, has), most = m.limit ?? m.max;
		const words = conditionsOf(g).map((c) => CONDITIONS[c]?.[0] ?? c);

		setVars(node, {used: pct(used / has), want: pct(Math.min(1, want / has)), over: pct(Math.max(0, want / has - 1)), floor: pct(Math.min(1, (m.floor ?? 0) / has))});
		node.dataset.tone = toneOf(g);
		node.classList.toggle('wants-more', want > has * 1.005);
		node.classList.toggle('unsure', m.used === null);
		const [name, sizes, max, more] = node.querySelector('.cell-label').children;
		const text = `uses ${size(m.used)}, wants ${size(m.want)}, floor ${size(m.floor)}` +
			`${m.stall_permyriad ? `, stalls ${percent(m.stall_permyriad)} of its time` : ''}${words.length ? `; ${words.join(', ')}` : ''}`;
		setText(name, g.name);
		setText(sizes, ` ${size(has)}`);
		setText(max, ` of ${size(most)}`);
		setText(more, `: ${text}`);
		setAttr(node, 'data-label', freePlace(height, [used, want, m.floor ?? 0].map((x) => x / has)));
		setAttr(node, 'title', `${g.name}: ${size(has)} of ${size(most)}, ${text}`);
	}

	drawKeel(m, below) {
		const parts = [['host', m.other, 'Host', 'used by the host itself'], ['qemu', m.overhead, 'QEMU', "QEMU's own, beside its guests"], ['reserve', m.reserve, 'Reserve', 'kept free, always']];
		let at = 0;

		keyed(this.keel, parts.filter((p) => p[1] > 0).map(([key, bytes, name, title]) => {
			const part = {key, bytes, name, title, at, size: bytes / below};

			at += part.size;
			return part;
		}), (p) => p.key, (p) => h('div', {class: `keel-part keel-${p.key}`, tabindex: '0', role: 'img'}, h('span', {class: 'keel-label'})), (node, p) => {
			setVars(node, {at: pct(p.at), size: pct(p.size)});
			setText(node.firstChild, `${p.name} ${size(p.bytes)}`);
			setAttr(node, 'title', `${size(p.bytes)} ${p.title}`);
			setAttr(node, 'aria-label', `${p.name}: ${size(p.bytes)}, ${p.title}`);
		});
	}

	// A command went out: its guest says how much, and who gave is joined with who took.
	move(uuid, from, to) {
		const cell = this.hold.keyedNodes?.get(uuid);
		const now = Date.now();

		if (!cell || from === to)
			return;
		const pill = cell.querySelector('.pill');
		const known = this.moves.find((m) => m.uuid === uuid && m.up === to > from && now - m.time < PAIR_MS);
		const delta = to - (known ? known.from : from);
		this.moves = this.moves.filter((m) => now - m.time < PAIR_MS && m.uuid !== uuid);
		this.moves.push({uuid, from: known ? known.from : from, time: now, up: to > from});
		setText(pill, signed(delta));
		pill.dataset.way = delta > 0 ? 'up' : 'down';
		pill.classList.remove('show');
		void pill.offsetWidth; // begins its animation anew
		pill.classList.add('show');
		clearTimeout(cell.pillTimer);
		cell.pillTimer = setTimeout(() => pill.classList.remove('show'), MOVE_MS);
		for (const other of this.moves)
			if (other.up !== to > from)
				this.arc(...(to > from ? [other.uuid, uuid] : [uuid, other.uuid]));
	}

	arc(giver, taker) {
		const key = giver + taker;
		const a = this.hold.keyedNodes.get(giver)?.getBoundingClientRect(), b = this.hold.keyedNodes.get(taker)?.getBoundingClientRect();
		const frame = this.arcs.getBoundingClientRect();

		if (!a || !b || [...this.arcs.children].some((p) => p.arcKey === key) || this.arcs.children.length > 12)
			return;
		const x1 = a.left + a.width / 2 - frame.left, x2 = b.left + b.width / 2 - frame.left, y = frame.height - 2;
		const path = svg('path', {class: 'arc', d: `M${x1} ${y} C${x1} ${-frame.height * 0.25} ${x2} ${-frame.height * 0.25} ${x2} ${y}`, pathLength: '100'});
		path.arcKey = key;
		this.arcs.append(path);
		setTimeout(() => path.remove(), MOVE_MS);
	}
}

// Where a label of three lines crosses the fewest of the lines at these parts of the height.
function freePlace(height, parts) {
	const need = 62 / height;
	const places = [['bottom', 0.02, need], ['top', 1 - need, 0.985], ['middle', 0.5 - need / 2, 0.5 + need / 2]];
	const crossed = ([, low, high]) => parts.filter((x) => x > low && x < high).length;

	return places.sort((a, b) => crossed(a) - crossed(b))[0][0];
}

function splitRows(guests, had, decks) {
	const rows = [[]];
	let sum = 0;

	for (const g of guests) {
		if (rows.length < decks && sum >= had / decks * rows.length)
			rows.push([]);
		rows[rows.length - 1].push(g);
		sum += g.memory.actual;
	}
	return rows.filter((r) => r.length);
}

function makeSpace(c) {
	return h('div', {class: `space space-${c.kind}`, role: 'img', tabindex: '0'}, h('span', {class: 'space-label'}, h('span', {class: 'cell-name'}), h('span', {class: 'cell-size'})));
}

function showSpace(node, c) {
	const [name, sizes] = node.firstChild.children;

	setText(name, c.text);
	setText(sizes, size(c.bytes));
	setAttr(node, 'aria-label', c.title);
	setAttr(node, 'title', c.title);
}

export const LEGEND = [['used', 'used'], ['had', 'had, not used'], ['want', 'wanted'], ['floor', 'floor'], ['free', 'free'], ['keel', 'host, QEMU, reserve']];
