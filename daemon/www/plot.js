// SPDX-License-Identifier: LGPL-2.1-or-later
// Lines and areas over time, as SVG. A gap is a gap: what was not measured is not drawn.

import {h, setAttr, svg, setText} from './dom.js';

const PAD = {left: 58, right: 8, top: 8, bottom: 20};
const TICK_SPANS = [60, 120, 300, 600, 900, 1800, 3600, 2 * 3600, 6 * 3600, 12 * 3600, 86400, 2 * 86400, 7 * 86400];
const hourFormat = new Intl.DateTimeFormat(undefined, {hour: '2-digit', minute: '2-digit', hourCycle: 'h23'});
const dateFormat = new Intl.DateTimeFormat(undefined, {day: 'numeric', month: 'short'});
const bothFormat = new Intl.DateTimeFormat(undefined, {day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23'});

// spec: label, times (ms, rising), from, to (ms), height, format(value), round(max): a rounder maximum,
// series: [{name, kind: 'area' | 'line' | 'step', key, values}], the first drawn first.
export class Plot {
	constructor(root) {
		this.svg = svg('svg', {class: 'plot', role: 'img', tabindex: '0', preserveAspectRatio: 'none'});
		this.read = h('p', {class: 'plot-read', 'aria-live': 'off'});
		root.append(this.svg, this.read);
		this.svg.addEventListener('pointermove', (e) => this.point(e.clientX - this.svg.getBoundingClientRect().left));
		this.svg.addEventListener('pointerleave', () => this.show(null));
		this.svg.addEventListener('keydown', (e) => this.key(e));
		this.svg.addEventListener('blur', () => this.show(null));
		new ResizeObserver(() => this.spec && this.draw(this.spec)).observe(this.svg);
	}

	draw(spec) {
		const width = Math.max(200, this.svg.clientWidth || 540), height = spec.height;
		const top = spec.max ?? Math.max(1, ...spec.series.flatMap((s) => s.values.filter((v) => v !== null && v !== undefined)));
		const max = spec.round ? spec.round(top) : top;
		const x = (t) => PAD.left + (t - spec.from) / (spec.to - spec.from) * (width - PAD.left - PAD.right);
		const y = (v) => height - PAD.bottom - v / max * (height - PAD.top - PAD.bottom);
		const nodes = [];

		this.spec = spec;
		this.x = x;
		this.svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
		this.svg.setAttribute('height', height);
		setAttr(this.svg, 'aria-label', this.describe(spec));
		for (const part of spec.lines ?? [0, 0.5, 1]) {
			nodes.push(svg('line', {class: 'plot-grid', x1: PAD.left, x2: width - PAD.right, y1: y(part * max), y2: y(part * max)}),
				svg('text', {class: 'plot-text', x: PAD.left - 8, y: y(part * max) + 4, 'text-anchor': 'end'}, spec.format(part * max)));
		}
		for (const t of ticks(spec.from, spec.to, Math.max(2, Math.floor(width / 110))))
			nodes.push(svg('text', {class: 'plot-text', x: x(t.at), y: height - 5, 'text-anchor': 'middle'}, t.text));
		for (const s of spec.series)
			for (const run of runs(spec.times, s.values))
				nodes.push(path(s, run, x, y, height - PAD.bottom));
		this.cursor = svg('line', {class: 'plot-cursor', y1: PAD.top, y2: height - PAD.bottom, visibility: 'hidden'});
		this.svg.replaceChildren(...nodes, this.cursor);
		this.show(null);
	}

	describe(spec) {
		const parts = spec.series.map((s) => {
			const values = s.values.filter((v) => v !== null && v !== undefined);
			return values.length ? `${s.name} from ${spec.format(Math.min(...values))} to ${spec.format(Math.max(...values))}, last ${spec.format(values[values.length - 1])}` : '';
		}).filter(Boolean);

		return `${spec.label}: ${parts.join('; ') || 'nothing was recorded'}`;
	}

	point(px) {
		if (!this.spec?.times.length)
			return;
		let best = 0;
		this.spec.times.forEach((t, i) => {
			if (Math.abs(this.x(t) - px) < Math.abs(this.x(this.spec.times[best]) - px))
				best = i;
		});
		this.show(best);
	}

	key(e) {
		const n = this.spec?.times.length ?? 0;
		const steps = {ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -n, End: n};

		if (!n || !(e.key in steps))
			return;
		e.preventDefault();
		this.read.setAttribute('aria-live', 'polite');
		this.show(Math.max(0, Math.min(n - 1, (this.at ?? n) + steps[e.key])));
	}

	show(i) {
		const spec = this.spec;

		this.at = i;
		if (!spec)
			return;
		if (i === null) {
			this.cursor.setAttribute('visibility', 'hidden');
			this.read.setAttribute('aria-live', 'off');
			setText(this.read, spec.times.length ? spec.series.map((s) => `${s.name} ${last(s.values, spec)}`).join(' · ') : 'Nothing was recorded in this time.');
			return;
		}
		const px = this.x(spec.times[i]);
		this.cursor.setAttribute('x1', px);
		this.cursor.setAttribute('x2', px);
		this.cursor.setAttribute('visibility', 'visible');
		setText(this.read, `${bothFormat.format(spec.times[i])}: ${spec.series.map((s) => `${s.name} ${one(s.values[i], spec)}`).join(' · ')}`);
	}
}

const one = (v, spec) => (v === null || v === undefined ? '–' : spec.format(v));
const last = (values, spec) => one([...values].reverse().find((v) => v !== null && v !== undefined), spec);

// Unbroken stretches. Samples that are further apart than three usual steps are a gap too.
function runs(times, values) {
	const steps = times.slice(1).map((t, i) => t - times[i]).sort((a, b) => a - b);
	const usual = steps[Math.floor(steps.length / 2)] || 1;
	const all = [];
	let run = [];

	times.forEach((t, i) => {
		const v = values[i];
		if (run.length && (v === null || v === undefined || t - run[run.length - 1][0] > 3.5 * usual)) {
			all.push(run);
			run = [];
		}
		if (v !== null && v !== undefined)
			run.push([t, v]);
	});
	if (run.length)
		all.push(run);
	return all;
}

function path(s, run, x, y, base) {
	const points = run.map(([t, v], i) => {
		const step = s.kind === 'step' && i ? `H${x(t).toFixed(1)}V` : `${i ? 'L' : 'M'}${x(t).toFixed(1)} `;
		return step + y(v).toFixed(1);
	});
	const line = run.length === 1 ? `M${x(run[0][0]) - 1} ${y(run[0][1])}h2` : points.join('');
	const closed = s.kind === 'area' ? `${line}L${x(run[run.length - 1][0]).toFixed(1)} ${base}L${x(run[0][0]).toFixed(1)} ${base}Z` : line;

	return svg('path', {class: `plot-${s.kind === 'area' ? 'area' : 'line'} plot-${s.key}`, d: closed});
}

function ticks(from, to, most) {
	const span = TICK_SPANS.find((s) => (to - from) / 1000 / s <= most) ?? TICK_SPANS[TICK_SPANS.length - 1];
	const offset = new Date(from).getTimezoneOffset() * 60000;
	const list = [];

	for (let t = Math.ceil((from - offset) / (span * 1000)) * span * 1000 + offset; t <= to; t += span * 1000)
		if (t - from > (to - from) * 0.03 && to - t > (to - from) * 0.03)
			list.push({at: t, text: span >= 86400 ? dateFormat.format(t) : hourFormat.format(t)});
	return list;
}
