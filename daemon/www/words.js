// SPDX-License-Identifier: LGPL-2.1-or-later
// What the daemon's words mean to who looks at the page.

import {percent, size, count} from './format.js';

export const STATES = {
	ample: {means: 'There is room to spare.', tone: 'good'},
	tight: {means: 'Everybody has what it wants; little is left.', tone: 'good'},
	short: {means: 'Not all wants fit: memory is divided by weight.', tone: 'note'},
	critical: {means: 'Not even what guests must have fits.', tone: 'bad'},
};

// condition: [short word, tone, the whole sentence]. The first of a guest's that is in this list colours it.
export const CONDITIONS = {
	quarantined: ['no answer', 'bad', 'It does not answer libvirt: no command until it does; others are served.'],
	breaker: ['holds too much', 'bad', 'It holds more on the host than it has: counted at its maximum.'],
	stuck: ['stuck', 'bad', 'Its balloon does not move: left out of the division, tried again.'],
	pressed: ['pressed', 'note', 'It is short of memory: first to get what comes free.'],
	'not-credible': ['not believed', 'note', 'It asks for memory and does not use what it was given: its pressure counts less.'],
	stale: ['silent', 'note', 'Its agent is silent: it is not shrunk below what it used last and its headroom.'],
	refused: ['refused', 'note', 'libvirt refused its last memory command: the next one comes after a pause; its events say why.'],
	job: ['job', 'quiet', 'A libvirt job runs on it: no command until it ends.'],
	paused: ['paused', 'quiet', 'It is paused: no command until it is resumed.'],
	booting: ['starting', 'quiet', 'It is starting: counted at its maximum until its driver and its agent have answered.'],
	unknown: ['not heard', 'quiet', 'Nothing was heard of its use of memory: it is left as it is. It needs the agent: ballastctl guest enroll.'],
};

export const FIXED = {
	'no-balloon': 'it has no balloon device',
	'passed-through-device': 'a device is passed through to it',
	'locked-memory': 'its memory is locked',
	'huge-pages': 'it uses huge pages',
};

export function conditionsOf(guest) {
	const words = guest.conditions || [];
	const known = Object.keys(CONDITIONS).filter((c) => words.includes(c));

	return known.concat(words.filter((c) => !(c in CONDITIONS)));
}

export function toneOf(guest) {
	const first = conditionsOf(guest)[0];

	return first ? CONDITIONS[first]?.[1] ?? 'quiet' : 'calm';
}

export function howPressed(guest) {
	const m = guest.memory;

	if (m.stall_permyriad)
		return `stalls on memory (${percent(m.stall_permyriad)} of its time)`;
	if (m.refaults_per_sec)
		return `reads ${m.refaults_per_sec} pages a second back too soon`;
	return guest.report ? `has only ${size(guest.report.available)} available` : 'is short of memory';
}

// Why the host is in its state: the figures, then who is short.
export function why(host, guests) {
	const m = host.memory;
	const room = m.budget - m.reserved;
	const fits = (sum) => (sum > room ? `, and there are ${size(room)} for them.` : ` of ${size(room)}: that barely fits.`);
	const all = (field) => guests.reduce((sum, g) => sum + (g.memory[field] || 0), 0);
	const parts = [];

	if (host.state === 'critical')
		parts.push(`Guests must have ${size(all('floor'))}${fits(all('floor'))}`);
	else if (host.state === 'short')
		parts.push(`Guests want ${size(all('want'))}${fits(all('want'))}`);
	else if (host.state)
		parts.push(m.charged > m.budget ? `Guests hold ${size(m.charged - m.budget)} more than there is for them.` :
			`${size(m.charged)} of ${size(m.budget)} are given to guests.`);
	const pressed = guests.filter((g) => g.conditions.includes('pressed')).sort((a, b) => b.memory.stall_permyriad - a.memory.stall_permyriad);
	if (pressed.length) {
		const g = pressed[0];
		const grows = g.memory.target > g.memory.actual ? `and grows to ${size(g.memory.target)}` : host.mode === 'enforce' ? 'and is first to get what comes free' : '';
		parts.push(`${g.name} ${howPressed(g)}${grows ? ' ' + grows : ''}${pressed.length > 1 ? `; ${count(pressed.length - 1, 'other guest is', 'other guests are')} short too` : ''}.`);
	}
	return parts.join(' ');
}

// What an event tells, without the guest's name.
export function isMove(event) {
	return event.kind === 'command' && event.numbers?.from !== undefined && event.numbers?.to !== undefined;
}
