// SPDX-License-Identifier: LGPL-2.1-or-later
// Limits of a guest by hand: sliders, what the next decision would do with them, and then for a while.

import {announce, h, setAttr, setText} from './dom.js';
import {field, problemText, spanSelect, SPANS} from './commands.js';
import {MIB, size} from './format.js';
import {planNodes} from './preview.js';

const PREVIEW_MS = 250; // after the last movement of a slider

// 512M, 1.5G, infinity, 20%, 150%: as settings are written.
export function parseSize(text) {
	const m = /^([0-9.]+)\s*([KMGTP]?)(i?B)?$/.exec(text || '');

	return m ? Math.round(Number(m[1]) * 1024 ** ' KMGTP'.indexOf(m[2] || ' ')) : null;
}
const parsePermyriad = (text) => {
	const m = /^([0-9.]+)%$/.exec(text || '');

	return m ? Math.round(Number(m[1]) * 100) : null;
};

export class Limits {
	constructor(root, api, model, commands) {
		Object.assign(this, {root, api, model, commands});
		this.min = this.slider('limit-min', 'At least (Min=)', {step: 16});
		this.max = this.slider('limit-max', 'At most (Max=)', {step: 16});
		this.weight = this.slider('limit-weight', 'Weight when memory is short', {least: 1, most: 1000, step: 1});
		this.span = spanSelect('limit-span', 3600);
		this.reason = h('input', {type: 'text', id: 'limit-reason', maxlength: '200', autocomplete: 'off'});
		this.said = h('p', {class: 'said', role: 'alert'});
		this.preview = h('div', {class: 'preview', 'aria-live': 'polite'});
		this.apply = h('button', {type: 'submit', class: 'button primary', disabled: true}, 'Apply for a while');
		this.clear = h('button', {type: 'button', class: 'button', on: {click: () => this.dropAll()}}, 'Drop what was set by hand');
		this.form = h('form', {class: 'limits', on: {submit: (e) => {
			e.preventDefault();
			this.confirm();
		}}}, this.min.node, this.max.node, this.weight.node,
		h('div', {class: 'limits-row'}, field('For', this.span), field('Reason, for others to read', this.reason)),
		this.preview, this.said, h('div', {class: 'limits-buttons'}, this.clear, this.apply));
		root.append(this.form);
	}

	slider(id, label, {least = 0, most = 1, step}) {
		const range = h('input', {type: 'range', id, min: least, max: most, step});
		const number = h('input', {type: 'number', id: `${id}-number`, min: least, max: most, step: 'any', 'aria-label': `${label}, as a number`});
		const was = h('span', {class: 'hint'});
		const says = () => setAttr(range, 'aria-valuetext', id === 'limit-weight' ? `weight ${range.value}` : size(range.value * MIB));
		const take = (from, to) => () => {
			to.value = from.value;
			says();
			this.changed();
		};

		range.addEventListener('input', take(range, number));
		number.addEventListener('input', take(number, range));
		return {range, number, was, node: h('div', {class: 'slider'}, h('label', {for: id}, label), was, range, h('span', {class: 'slider-number'}, number, id === 'limit-weight' ? '' : ' MiB')),
			get value() {
				return Number(number.value);
			},
			set(value, max) {
				setAttr(range, 'max', max);
				setAttr(number, 'max', max);
				range.value = number.value = value;
				says();
			}};
	}

	// A guest, its settings with their origins (GET .../policy), what is set by hand (GET .../overrides) and that answer's ETag.
	load(guest, settings, overrides, etag) {
		const of = (section, key) => settings.find((s) => s.section === section && s.key === key);
		const from = (s) => (!s || s.origin.kind === 'default' ? 'default' : s.origin.kind === 'override' ? 'by hand' : s.origin.policy.replace(/\.policy$/, ''));
		const min = of('Memory', 'Min'), max = of('Memory', 'Max'), weight = of('Memory', 'Weight');
		const most = Math.floor(guest.memory.max / MIB);

		this.guest = guest;
		this.overrides = overrides;
		this.etag = etag;
		this.min.set(Math.min(most, Math.round((parseSize(min?.value) ?? 0) / MIB)), most);
		this.max.set(Math.min(most, Math.round((parseSize(max?.value) ?? guest.memory.max) / MIB)), most);
		this.weight.set(Number(weight?.value ?? 100), Math.max(1000, Number(weight?.value ?? 100)));
		setText(this.min.was, `now ${size(this.min.value * MIB)}, ${from(min)}`);
		setText(this.max.was, `now ${size(this.max.value * MIB)}, ${from(max)}`);
		setText(this.weight.was, `now ${this.weight.value}, ${from(weight)}`);
		this.first = {min: this.min.value, max: this.max.value, weight: this.weight.value};
		this.clear.hidden = !overrides.length;
		setText(this.said, '');
		this.preview.replaceChildren();
		this.apply.disabled = true;
	}

	get dirty() {
		return this.first && (this.min.value !== this.first.min || this.max.value !== this.first.max || this.weight.value !== this.first.weight);
	}

	// What is sent: what was moved here, and what was set by hand before, for PUT replaces all.
	body() {
		const memory = {}, cpu = {};

		for (const o of this.overrides) {
			if (o.section === 'Memory' && o.key === 'Min')
				memory.min = parseSize(o.value);
			else if (o.section === 'Memory' && o.key === 'Max')
				memory.max = parseSize(o.value) ?? undefined;
			else if (o.section === 'Memory' && o.key === 'Weight')
				memory.weight = Number(o.value);
			else if (o.section === 'Memory' && o.key === 'Headroom')
				memory.headroom_permyriad = parsePermyriad(o.value) ?? undefined;
			else if (o.section === 'CPU' && o.key === 'Weight')
				cpu.weight = Number(o.value);
			else if (o.section === 'CPU' && o.key === 'Quota')
				cpu.quota_permyriad = parsePermyriad(o.value) ?? undefined;
		}
		if (this.min.value !== this.first.min)
			memory.min = Math.round(this.min.value * MIB);
		if (this.max.value !== this.first.max)
			memory.max = Math.round(this.max.value * MIB);
		if (this.weight.value !== this.first.weight)
			memory.weight = Math.round(this.weight.value);
		return {...(Object.keys(memory).length ? {memory} : {}), ...(Object.keys(cpu).length ? {cpu} : {})};
	}

	changed() {
		clearTimeout(this.timer);
		this.apply.disabled = true;
		setText(this.said, '');
		if (!this.dirty) {
			this.preview.replaceChildren();
			return;
		}
		if (this.min.value > this.max.value) {
			setText(this.said, 'At least is more than at most.');
			return;
		}
		this.timer = setTimeout(() => this.look(), PREVIEW_MS);
	}

	// Asks the daemon what it would do. Only the answer to the last question counts.
	async look() {
		const asked = this.asked = {};
		const body = this.body();

		try {
			await this.api.send('PUT', this.path(), {...body, for_s: Number(this.span.value)}, {dryRun: true});
			const {body: plan} = await this.api.send('POST', '/v1/plan/preview', {guest: this.guest.uuid, overrides: body});
			if (asked !== this.asked)
				return;
			this.preview.replaceChildren(...planNodes(plan));
			this.apply.disabled = false;
		} catch (error) {
			if (asked === this.asked)
				setText(this.said, problemText(error));
		}
	}

	path() {
		return `/v1/guests/${encodeURIComponent(this.guest.uuid)}/overrides`;
	}

	confirm() {
		const g = this.guest;
		const span = SPANS.find(([s]) => s === Number(this.span.value))[1];
		const says = [
			this.min.value !== this.first.min ? `at least ${size(this.min.value * MIB)} instead of ${size(this.first.min * MIB)}` : '',
			this.max.value !== this.first.max ? `at most ${size(this.max.value * MIB)} instead of ${size(this.first.max * MIB)}` : '',
			this.weight.value !== this.first.weight ? `weight ${this.weight.value} instead of ${this.first.weight}` : ''].filter(Boolean);
		const body = {...this.body(), for_s: Number(this.span.value)};

		if (this.reason.value.trim())
			body.reason = this.reason.value.trim();
		this.commands.ask({
			title: `Set limits of ${g.name}?`,
			text: [`${g.name} gets ${says.join(', ')}, for ${span}. Then policies hold again.`,
				this.overrides.length ? 'What was set by hand before stays, and ends at the same time.' : ''].filter(Boolean),
			fields: [h('div', {class: 'preview'}, ...[...this.preview.childNodes].map((n) => n.cloneNode(true)))],
			button: `Apply for ${span}`,
			apply: async () => {
				await this.api.send('PUT', this.path(), body, {etag: this.etag});
				announce(`Limits of ${g.name} are set for ${span}.`);
				this.done?.();
			},
		});
	}

	dropAll() {
		const g = this.guest;

		this.commands.ask({
			title: `Drop what was set by hand for ${g.name}?`,
			text: this.overrides.map((o) => `${o.section} ${o.key}=${o.value}${o.by ? `, by ${o.by}` : ''}${o.reason ? `: ${o.reason}` : ''}`),
			button: 'Drop',
			apply: async () => {
				await this.api.send('DELETE', this.path(), undefined, {etag: this.etag});
				announce(`Policies hold for ${g.name} again.`);
				this.done?.();
			},
		});
	}
}
