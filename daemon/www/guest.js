// SPDX-License-Identifier: LGPL-2.1-or-later
// One guest, beside the page: why it has what it has, its past, limits by hand, its settings, its events.

import {h, keyed, setText} from './dom.js';
import {count, percent, size, upper, when} from './format.js';
import {eventLine, together} from './feed.js';
import {makeBullet, showBullet, showChips} from './guests.js';
import {History} from './history.js';
import {Limits} from './limits.js';

const NETS = {autodeflate: 'autodeflate', swap: 'swap', 'swap-short': 'swap, too little free', none: 'none'};

export class GuestPanel {
	constructor(root, api, model, feed, commands, changed) {
		Object.assign(this, {root, api, model, feed, commands, changed});
		this.title = h('h2', {id: 'guest-panel-title', tabindex: '-1'});
		this.chips = h('span', {class: 'chips'});
		this.bullet = makeBullet();
		this.facts = h('dl', {class: 'facts'});
		this.text = h('div', {class: 'explain'});
		this.events = h('ol', {class: 'feed'});
		this.byHand = h('section', {class: 'by-hand'}, h('h3', {}, 'Limits by hand'));
		this.settings = h('tbody');
		const past = h('section', {});
		this.enroll = h('p', {class: 'enroll', hidden: true}, h('span', {}, 'Ballast has no channel to an agent in it. '),
			h('button', {type: 'button', class: 'button', on: {click: () => this.commands.enroll(this.guest, () => this.load())}}, 'Enroll'));

		this.history = new History(past, api);
		this.limits = new Limits(this.byHand, api, model, commands);
		this.limits.done = () => this.loadSettings();
		root.append(h('div', {class: 'drawer-head'}, h('div', {}, this.title, this.chips),
			h('button', {type: 'button', class: 'tool tool-icon', 'aria-label': 'Close', title: 'Close (Esc)', on: {click: () => this.close()}}, '✕')),
		h('div', {class: 'drawer-body', tabindex: '0', role: 'region', 'aria-label': 'About this guest'}, this.bullet, this.facts,
			h('section', {}, h('h3', {}, 'Why'), this.text, this.enroll), past, this.byHand,
			h('details', {}, h('summary', {}, 'Settings and where they come from'),
				h('table', {class: 'settings'}, h('thead', {}, h('tr', {}, ['Setting', 'Value', 'From'].map((t) => h('th', {scope: 'col'}, t)))), this.settings)),
			h('section', {}, h('h3', {}, 'What happened to it'), this.events)));
		// From wherever the focus is, but for a field that Escape empties.
		document.addEventListener('keydown', (e) => {
			if (e.key === 'Escape' && !root.hidden && !document.querySelector('dialog[open]') && e.target.type !== 'search')
				this.close();
		});
	}

	get guest() {
		return this.model.guests.find((g) => g.uuid === this.model.selected);
	}

	open(uuid) {
		if (this.root.hidden)
			this.before = document.activeElement;
		this.model.selected = uuid;
		this.root.hidden = false;
		this.text.replaceChildren();
		this.text.keyedNodes = null;
		this.byHand.hidden = true; // until it shows this guest's
		this.update();
		this.load();
		this.loadSettings();
		if (this.guest)
			this.history.load(`/v1/history/guests/${encodeURIComponent(uuid)}`, this.guest.memory.max);
		this.root.querySelector('.drawer-body').scrollTop = 0;
		this.title.focus();
		this.changed();
	}

	close() {
		this.root.hidden = true;
		this.model.selected = null;
		this.history.stop();
		this.before?.focus?.();
		this.changed();
	}

	event(event) {
		if (event.uuid !== this.model.selected || this.root.hidden || event.kind === 'guest-stopped')
			return;
		this.load();
		if (event.kind.startsWith('override'))
			this.loadSettings();
	}

	async load() {
		const uuid = this.model.selected;

		if (!this.guest)
			return; // closed, or gone, meanwhile
		try {
			const {body} = await this.api.get(`/v1/guests/${encodeURIComponent(uuid)}/explain`);
			if (uuid !== this.model.selected)
				return;
			keyed(this.text, body.text.map((t, i) => ({t, i})), (x) => x.i, () => h('p'), (p, x) => {
				p.classList.toggle('because', x.t.startsWith('why: '));
				setText(p, x.t.startsWith(this.guest?.name) ? x.t : upper(x.t)); // names stay as they are
			});
		} catch (error) {
			if (uuid === this.model.selected)
				keyed(this.text, [error.message], (x) => x, (x) => h('p', {class: 'said'}, x));
		}
	}

	// Effective settings, and the sliders that begin at them: not while somebody moves them.
	async loadSettings() {
		const uuid = this.model.selected;
		const path = `/v1/guests/${encodeURIComponent(uuid)}`;

		if (!this.guest)
			return;
		try {
			const [{body: effective}, {body: {overrides}, etag}] = await Promise.all([this.api.get(`${path}/policy`), this.api.get(`${path}/overrides`)]);
			const guest = this.guest;
			if (uuid !== this.model.selected || !guest)
				return;
			this.limits.load(guest, effective.settings, overrides, etag);
			this.byHand.hidden = !this.commands.may('operate');
			keyed(this.settings, effective.settings, (s) => `${s.section} ${s.key}`, (s) => h('tr', {}, h('th', {scope: 'row'}, `${s.section} ${s.key}=`), h('td'), h('td')), (row, s) => {
				const o = s.origin, hand = overrides.find((x) => x.section === s.section && x.key === s.key);
				setText(row.children[1], s.value);
				setText(row.children[2], o.kind === 'default' ? 'default' : o.kind === 'override' ? `by hand${hand?.by ? `, ${hand.by}` : ''}${hand?.until ? `, until ${when(hand.until)}` : ''}` : `${o.policy.replace(/\.policy$/, '')}, line ${o.line}`);
				row.dataset.kind = o.kind;
			});
		} catch {
			// why is said where the explanation stands
		}
	}

	update() {
		const g = this.guest;

		if (this.root.hidden)
			return;
		if (!g) {
			keyed(this.text, ['This guest does not run here any more.'], (x) => x, (x) => h('p', {}, x));
			return;
		}
		const m = g.memory;
		this.enroll.hidden = g.agent.enrolled || Boolean(g.fixed) || !this.commands.may('admin');
		setText(this.title, g.name);
		showChips(this.chips, g);
		showBullet(this.bullet, g);
		const facts = [['Has', size(m.actual)], ['Uses', size(m.used)], ['Wants', size(m.want)], ['Floor', size(m.floor)], ['At most', size(m.limit ?? m.max)], ['Stall', percent(m.stall_permyriad)],
			['CPU', `${count(g.cpu.vcpus, 'vCPU')}${g.cpu.weight ? `, weight ${g.cpu.weight}` : ''}`], ['Net below it', NETS[g.net] ?? 'not known'], ['System', g.agent.os ?? (g.agent.connected ? 'not told' : 'no agent')]];
		keyed(this.facts, facts, (f) => f[0], (f) => h('div', {}, h('dt', {}, f[0]), h('dd')), (node, f) => setText(node.lastChild, f[1]));
		keyed(this.events, together(this.feed.of(g.uuid)).slice(0, 30), (e) => `${e.id} ${e.steps ?? 1}`, (e) => eventLine(e, null));
	}
}
