// SPDX-License-Identifier: LGPL-2.1-or-later
// One guest, beside the page: why it has what it has, its past, its settings.

import {h, keyed, setText} from './dom.js';
import {count, percent, size} from './format.js';
import {eventLine} from './feed.js';
import {makeBullet, showBullet, showChips} from './guests.js';

export class GuestPanel {
	constructor(root, api, model, feed, commands, changed) {
		Object.assign(this, {root, api, model, feed, commands, changed});
		this.title = h('h2', {id: 'guest-panel-title', tabindex: '-1'});
		this.chips = h('span', {class: 'chips'});
		this.bullet = makeBullet();
		this.facts = h('dl', {class: 'facts'});
		this.text = h('div', {class: 'explain'});
		this.events = h('ol', {class: 'feed'});
		root.append(h('div', {class: 'drawer-head'}, h('div', {}, this.title, this.chips),
			h('button', {type: 'button', class: 'tool tool-icon', 'aria-label': 'Close', title: 'Close (Esc)', on: {click: () => this.close()}}, '✕')),
		h('div', {class: 'drawer-body'}, this.bullet, this.facts,
			h('h3', {}, 'Why'), this.text,
			h('h3', {}, 'What happened to it'), this.events));
		root.addEventListener('keydown', (e) => {
			if (e.key === 'Escape') {
				e.stopPropagation();
				this.close();
			}
		});
	}

	get guest() {
		return this.model.guests.find((g) => g.uuid === this.model.selected);
	}

	open(uuid) {
		this.before = document.activeElement;
		this.model.selected = uuid;
		this.root.hidden = false;
		this.text.replaceChildren();
		this.update();
		this.load();
		this.title.focus();
		this.changed();
	}

	close() {
		this.root.hidden = true;
		this.model.selected = null;
		this.before?.focus?.();
		this.changed();
	}

	event(event) {
		if (event.uuid === this.model.selected)
			this.load();
	}

	async load() {
		const uuid = this.model.selected;

		try {
			const {body} = await this.api.get(`/v1/guests/${encodeURIComponent(uuid)}/explain`);
			if (uuid === this.model.selected)
				keyed(this.text, body.text.map((t, i) => ({t, i})), (x) => x.i, () => h('p'), (p, x) => setText(p, x.t));
		} catch (error) {
			if (uuid === this.model.selected)
				this.text.replaceChildren(h('p', {class: 'said'}, error.message));
		}
	}

	update() {
		const g = this.guest;

		if (this.root.hidden)
			return;
		if (!g) {
			this.text.replaceChildren(h('p', {}, 'This guest does not run here any more.'));
			return;
		}
		const m = g.memory;
		setText(this.title, g.name);
		showChips(this.chips, g);
		showBullet(this.bullet, g);
		const facts = [['Has', size(m.actual)], ['Uses', size(m.used)], ['Wants', size(m.want)], ['Floor', size(m.floor)], ['At most', size(m.limit ?? m.max)], ['Stall', percent(m.stall_permyriad)],
			['CPU', `${count(g.cpu.vcpus, 'vCPU')}, weight ${g.cpu.weight}`], ['Net', g.net ?? 'not known'], ['System', g.agent.os ?? 'no agent']];
		keyed(this.facts, facts, (f) => f[0], (f) => h('div', {}, h('dt', {}, f[0]), h('dd')), (node, f) => setText(node.lastChild, f[1]));
		keyed(this.events, this.feed.of(g.uuid).slice(0, 30), (e) => e.id, (e) => eventLine(e, null));
	}
}
