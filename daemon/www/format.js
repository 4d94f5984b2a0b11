// SPDX-License-Identifier: LGPL-2.1-or-later
// Figures for people: the same words as ballastctl's.

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
export const MIB = 1048576;

// Three digits and a unit: 36.3 MiB.
export function size(bytes) {
	let unit = 0, n = Math.abs(bytes ?? NaN);

	if (Number.isNaN(n))
		return '–';
	while (n >= 999.5 && unit < UNITS.length - 1) {
		n /= 1024;
		unit++;
	}
	const text = unit === 0 || n >= 99.95 ? String(Math.round(n)) : n >= 9.995 ? n.toFixed(1) : n.toFixed(2);
	return `${bytes < 0 ? '−' : ''}${text.includes('.') ? text.replace(/\.?0+$/, '') : text} ${UNITS[unit]}`;
}

export const signed = (bytes) => (bytes > 0 ? '+' : '') + size(bytes);

export function percent(permyriad) {
	const p = (permyriad ?? NaN) / 100;

	return Number.isNaN(p) ? '–' : `${p >= 9.95 || p === 0 ? Math.round(p) : p.toFixed(1)} %`;
}

export const count = (n, one, many = one + 's') => `${n} ${n === 1 ? one : many}`;

const clockFormat = new Intl.DateTimeFormat(undefined, {hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23'});
const shortFormat = new Intl.DateTimeFormat(undefined, {hour: '2-digit', minute: '2-digit', hourCycle: 'h23'});
const dayFormat = new Intl.DateTimeFormat(undefined, {weekday: 'short', day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23'});

const sameDay = (a, b) => a.toDateString() === b.toDateString();

export function clock(time) {
	return clockFormat.format(new Date(time));
}

// 20:00, or with its day where that is not today.
export function when(time) {
	const d = new Date(time);

	return sameDay(d, new Date()) ? shortFormat.format(d) : dayFormat.format(d);
}

// Two units at most: 3 h 10 min.
export function span(seconds) {
	const s = Math.max(0, Math.round(seconds));

	if (s < 60)
		return `${s} s`;
	if (s < 3600)
		return s < 600 && s % 60 ? `${Math.floor(s / 60)} min ${s % 60} s` : `${Math.floor(s / 60)} min`;
	if (s < 86400)
		return `${Math.floor(s / 3600)} h${s % 3600 >= 60 ? ` ${Math.floor((s % 3600) / 60)} min` : ''}`;
	return `${Math.floor(s / 86400)} d${s % 86400 >= 3600 ? ` ${Math.floor((s % 86400) / 3600)} h` : ''}`;
}

export const since = (time) => span((Date.now() - new Date(time)) / 1000);
export const until = (time) => span((new Date(time) - Date.now()) / 1000);

export const byName = new Intl.Collator(undefined, {numeric: true}); // web2 before web10

export const upper = (text) => text.charAt(0).toUpperCase() + text.slice(1);
