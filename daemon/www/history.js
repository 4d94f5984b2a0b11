// SPDX-License-Identifier: LGPL-2.1-or-later
// The past of a guest: memory and pressure over a range that is chosen.

import {h, setAttr, setText} from './dom.js';
import {percent, size} from './format.js';
import {Plot} from './plot.js';
import {Problem} from './transport.js';

const RANGES = [[900, '15 min'], [3600, '1 h'], [6 * 3600, '6 h'], [24 * 3600, '1 d'], [7 * 24 * 3600, '7 d'], [30 * 24 * 3600, '30 d']];
const POINTS = 300; // at most so many are answered
const AGAIN_MS = 10000;

// The next of four steps between two powers of two: 491 MiB to 512 MiB.
function roundSize(bytes) {
	const step = 2 ** (Math.floor(Math.log2(bytes)) - 2);

	return Math.ceil(bytes / step) * step;
}

export class History {
	constructor(root, api) {
		this.api = api;
		this.range = RANGES[0][0];
		this.choice = h('div', {class: 'choice', role: 'group', 'aria-label': 'How far back'}, RANGES.map(([s, text]) =>
			h('button', {type: 'button', 'aria-pressed': String(s === this.range), on: {click: () => this.choose(s)}}, text)));
		this.said = h('p', {class: 'plain', hidden: true});
		this.plots = h('div', {class: 'plots'});
		root.append(h('div', {class: 'section-head'}, h('h3', {}, 'History'), this.choice), this.said, this.plots);
		this.memory = new Plot(this.plots);
		this.pressure = new Plot(this.plots);
	}

	choose(seconds) {
		this.range = seconds;
		[...this.choice.children].forEach((b, i) => setAttr(b, 'aria-pressed', String(RANGES[i][0] === seconds)));
		this.load(this.path, this.max);
	}

	// path: /v1/history/guests/UUID. Loads again by itself as long as `stop` was not called.
	async load(path, max) {
		const asked = this.asked = {};

		clearTimeout(this.timer);
		this.path = path;
		this.max = max;
		try {
			const {body} = await this.api.get(`${path}?since=${this.range}s`);
			if (asked !== this.asked)
				return;
			this.said.hidden = true;
			this.plots.hidden = false;
			this.draw(body);
		} catch (error) {
			if (asked !== this.asked)
				return;
			// What was drawn stays when the connection is lost: the notice at the top says so.
			if (error instanceof Problem) {
				this.said.hidden = false;
				this.plots.hidden = true;
				setText(this.said, error.message);
			}
		}
		this.timer = setTimeout(() => this.load(path, max), Math.max(AGAIN_MS, this.range * 1000 / POINTS));
	}

	stop() {
		this.asked = null;
		clearTimeout(this.timer);
	}

	draw(body) {
		const points = body.points, from = new Date(body.from).getTime(), to = new Date(body.until).getTime();
		const times = points.map((p) => new Date(p.time).getTime());
		const of = (key) => points.map((p) => p[key]);

		this.memory.draw({label: 'Memory', times, from, to, height: 170, format: size, round: (m) => roundSize(Math.max(m, this.max * 0.1)),
			series: [{name: 'has', key: 'had', kind: 'area', values: of('actual')}, {name: 'uses', key: 'used', kind: 'area', values: of('used')}, {name: 'wants', key: 'want', kind: 'line', values: of('want')}]});
		this.pressure.draw({label: 'Stall on memory, at most', times, from, to, height: 84, lines: [0, 1], format: percent, round: (m) => Math.max(m, 1000),
			series: [{name: 'stalls', key: 'stall', kind: 'area', values: of('stall_max_permyriad')}]});
	}
}
