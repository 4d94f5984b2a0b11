// SPDX-License-Identifier: LGPL-2.1-or-later
// What operations need to succeed beyond what their declaration tells. An operation that is not here is called with the words below
// in its path and a sample of its body. A new route comes here only when that is not enough.
import { randomUUID } from 'node:crypto';
import { request } from './api.mjs';

// What {words} of paths are, in the world of lib.sh.
export const words = { host: 'self', guest: 'web0', policy: '10-all', file: 'app.js' };

const json = { 'Content-Type': 'application/json' };
export async function send(method, path, value) {
	const res = await request(method, path, value === undefined ? {} : { headers: json, body: JSON.stringify(value) });
	if (res.status >= 300)
		throw new Error(`to prepare: ${method} ${path}: ${res.status} ${res.text}`);
	return res.text && JSON.parse(res.text);
}
const reservation = () => ({ uuid: randomUUID(), name: 'new1', bytes: 1 << 20, wait_s: 1 });

const text = '[Memory]\nWeight=150\n';
// The policy that tests write: what is there is replaced by who has seen it.
async function seen(make) {
	const path = '/v1/policies/75-written';
	let res = await request('GET', path);
	if (res.status === 404 && make) {
		await send('PUT', path, { text });
		res = await request('GET', path);
	}
	return { path: { policy: '75-written' }, headers: res.status === 200 ? { 'If-Match': res.headers.etag } : {} };
}

// A command that goes on without its asker: what is done at once is none, so that a few may be needed.
async function begun() {
	for (let i = 0; i < 50; i++) {
		const { headers } = await seen(false);
		const res = await request('PUT', '/v1/policies/75-written', { headers: { ...json, ...headers, Prefer: 'respond-async' },
			body: JSON.stringify({ text }) });
		if (res.status === 202)
			return { path: { id: JSON.parse(res.text).id } };
	}
	throw new Error('to prepare: no command goes on by itself');
}

// By operationId. orElse: what may be answered instead, where it is a matter of time. before: makes it possible, and may return {path: {word: value}}. body: what is sent.
export const prepared = {
	'override-set': { body: { memory: { min: 64 << 20, weight: 300 }, cpu: { weight: 200 }, for_s: 3600, reason: 'a test' } },
	'override-clear': { before: () => send('PUT', '/v1/guests/web0/overrides', { memory: { weight: 200 } }) },
	'guest-enroll': { before: () => send('PUT', '/v1/mode', { mode: 'enforce' }) },
	'guest-explain': { before: () => send('PUT', '/v1/guests/web0/overrides', { memory: { weight: 200 } }) },
	'mode-set': { body: { mode: 'observe', release: true } },
	'pause-clear': { before: () => send('PUT', '/v1/pause', { for_s: 60 }) },
	'policy-put': { before: () => seen(false), body: { text } },
	'policy-delete': { before: () => seen(true) },
	'policy-validate': { body: { text: '[Memory]\nMin=48M\n', name: '75-tried.policy' } },
	'plan-preview': { body: { guest: 'web0', overrides: { memory: { min: 96 << 20 } } } },
	operation: { before: begun },
	'operation-cancel': { before: begun, orElse: [409] }, // what has begun goes on
	'pause-set': { body: { for_s: 60, message: 'a test' } },
	reserve: { body: reservation },
	unreserve: { before: async () => ({ path: { id: (await send('POST', '/v1/reservations', reservation())).id } }) },
};

// One more word: names that are not there, for each {word}.
export const unknown = { host: 'nohost', guest: 'noguest', policy: 'nopolicy', id: '999999' };
