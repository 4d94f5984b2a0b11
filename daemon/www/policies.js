// SPDX-License-Identifier: LGPL-2.1-or-later
// The policies: which are in force now, and what comes next.

import {h, keyed, setText} from './dom.js';
import {count, when} from './format.js';
import {PolicyEditor} from './editor.js';

const plain = (name) => name.replace(/\.policy$/, '');

// What the next change is: "60-night opens". of: the answer of GET /v1/policies, whose next_changes are not all where they are many.
export function nextText(of) {
	const list = of.policies.filter((p) => p.next_change && p.next_change === of.next_change);
	const says = list.slice(0, 2).map((p) => `${plain(p.name)} ${p.open ? 'closes' : 'opens'}`);

	return !list.length ? 'of policy' : list.length > 2 ? `${says[0]}, and ${count(list.length - 1, 'other', 'others')}` : says.join(', ');
}

export class PolicyList {
	constructor(root, tools, commands, model) {
		this.commands = commands;
		this.model = model;
		this.editor = new PolicyEditor(commands.api, commands);
		this.add = h('button', {type: 'button', class: 'button', hidden: true, on: {click: () => this.editor.open(null)}}, 'New policy');
		this.again = h('button', {type: 'button', class: 'button', hidden: true, title: 'Reads the files of policies and ballast.conf anew', on: {click: () => commands.reload()}}, 'Read again');
		tools.append(this.again, this.add);
		this.list = h('ul', {class: 'policies'});
		this.none = h('p', {class: 'plain'}, 'No policy file is there: defaults hold for every guest.');
		root.append(this.list, this.none);
	}

	update() {
		const {policies, bad} = this.model.policies;
		const rank = (p) => (p.stale ? 0 : p.active ? 1 : p.open ? 2 : 3);
		const items = [...bad.map((b) => ({key: b.path, bad: b})), ...policies.map((p, i) => ({key: p.path, policy: p, i})).sort((a, b) => rank(a.policy) - rank(b.policy) || a.i - b.i)];

		this.add.hidden = !this.commands.may('operate');
		this.again.hidden = !this.commands.may('admin');
		this.none.hidden = items.length > 0;
		keyed(this.list, items, (i) => i.key, (i) => h('li', {class: 'policy'},
			h('span', {class: 'policy-state'}), h('div', {class: 'policy-body'}, h('div', {class: 'line-head'}, h('button', {type: 'button', class: 'link policy-name', on: {click: () => this.editor.open(i.policy?.name ?? i.key.split('/').pop())}}), h('span', {class: 'fromto'})), h('div', {class: 'line-why'}))),
		(node, i) => {
			const [name, sub] = node.querySelector('.line-head').children;
			const text = node.querySelector('.line-why');

			name.disabled = Boolean(i.bad); // nothing of it is in force, or could be shown

			if (i.bad) {
				node.dataset.state = 'bad';
				setText(node.firstChild, 'bad');
				setText(name, i.bad.path.split('/').pop());
				setText(sub, i.bad.line ? `line ${i.bad.line}, column ${i.bad.column}` : '');
				setText(text, i.bad.text);
				return;
			}
			const p = i.policy;
			const state = p.stale ? 'stale' : p.active ? 'active' : p.open ? 'open' : 'closed';
			node.dataset.state = state;
			setText(node.firstChild, {stale: 'old', active: 'in force', open: 'open', closed: 'closed'}[state]);
			setText(name, plain(p.name));
			setText(sub, [p.active ? `for ${count(p.active, 'guest')}` : p.matching ? `matches ${count(p.matching, 'guest')}` : '', p.on_calendar, p.next_change ? `${p.open ? 'closes' : 'opens'} ${when(p.next_change)}` : '', p.condition].filter(Boolean).join(' · '));
			setText(text, p.stale ? 'Its file is bad now: this is its last good version.' : p.description || '');
		});
	}
}
