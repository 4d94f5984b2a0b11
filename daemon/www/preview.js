// SPDX-License-Identifier: LGPL-2.1-or-later
// What the daemon would do if something were otherwise: POST /v1/plan/preview, as a list.

import {h} from './dom.js';
import {MIB, signed, size} from './format.js';

const SHOWN = 12;

// The nodes that say it.
export function planNodes(plan) {
	const rows = plan.guests.map((g) => ({guest: g.guest, from: g.now.target, to: g.then.target, anyway: g.without.target, why: g.reason?.text ?? g.standing?.text ?? ''}))
		.filter((r) => Math.abs(r.to - r.from) >= MIB).sort((a, b) => Math.abs(b.to - b.from) - Math.abs(a.to - a.from));
	const {now, then} = plan.host;
	const state = now.state !== then.state ? `The host would be ${then.state}, and is ${now.state} now.` : '';

	return [h('p', {class: 'preview-title'}, rows.length ? 'Then guests would go to' : 'No guest would be moved.'),
		h('ul', {}, rows.slice(0, SHOWN).map((r) => h('li', {class: 'move', 'data-way': r.to > r.from ? 'up' : 'down'},
			h('strong', {}, r.guest), h('span', {class: 'delta'}, signed(r.to - r.from)), h('span', {class: 'fromto'}, `${size(r.from)} → ${size(r.to)}${Math.abs(r.anyway - r.from) >= MIB ? ` (without this ${size(r.anyway)})` : ''}`),
			h('span', {class: 'line-why'}, r.why)))),
		rows.length > SHOWN ? h('p', {}, `and ${rows.length - SHOWN} more`) : null,
		state ? h('p', {}, state) : null,
		plan.enforce ? null : h('p', {}, 'In this mode, or while Ballast is paused, it would only be shown.')].filter(Boolean);
}
