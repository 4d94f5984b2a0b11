// SPDX-License-Identifier: LGPL-2.1-or-later
// Mutated requests by the ten thousand. They begin as good requests of every operation in the document and are changed in path, query,
// headers, and body, by structure and by byte; a few also in their framing. No answer is 5xx, each is as declared, the daemon goes on.
//
// MUTATIONS how many (100000), SEED of all (1), ONLY one number of them. Request number n of a seed is always the same.
import { readdirSync } from 'node:fs';
import net from 'node:net';
import { Document, end, request, result, socketPath } from './api.mjs';
import { parseAnswer } from './raw.mjs';
import { prepared, send, words } from './prepare.mjs';

const total = Number(process.env.MUTATIONS ?? 100000);
const seed = Number(process.env.SEED ?? 1);
const only = process.env.ONLY && Number(process.env.ONLY);
const WORKERS = 12; // fewer than the commands that may wait, and than connections
const PATIENCE_MS = 10000;
const RESERVATION_PATIENCE_MS = 300; // may wait for room; a client may leave
const DAMAGED_PATIENCE_MS = 30; // half a request is answered by nothing
const CLEAN_EVERY = 300; // rooms that were granted are given back

// xorshift32 over a number's own state, so that each request can be made again by itself.
class Random {
	constructor(n) {
		this.s = (Math.imul(seed, 0x9e3779b1) ^ Math.imul(n + 1, 0x85ebca6b)) >>> 0 || 1;
		for (let i = 0; i < 4; i++)
			this.next();
	}
	next() {
		this.s ^= this.s << 13;
		this.s ^= this.s >>> 17;
		this.s ^= this.s << 5;
		return (this.s >>>= 0);
	}
	below(n) { return this.next() % n; }
	one(list) { return list[this.below(list.length)]; }
	chance(percent) { return this.below(100) < percent; }
}

const doc = await Document.load();
const UUIDS = ['aaaaaaaa-0000-4000-8000-000000000001', 'aaaaaaaa-0000-4000-8000-000000000002'];
const seeds = doc.operations.map((op) => {
	const schema = op.requestBody && doc.deref(doc.deref(op.requestBody).content['application/json'].schema);
	const how = prepared[op.operationId] ?? {};
	let body = schema && (typeof how.body === 'function' ? how.body({}) : how.body ?? doc.sample(schema));
	if (body?.uuid)
		body = { ...body, uuid: UUIDS[0], wait_s: 0 };
	return {
		op, method: op.method, body,
		path: op.path.replace(/{(\w+)}/g, (_, w) => encodeURIComponent(words[w] ?? '1')),
		query: [], schema,
		params: (op.parameters ?? []).map((p) => doc.deref(p)).filter((p) => p.in === 'query'),
		headers: [['Host', 'x'], ...(body === undefined ? [] : [['Content-Type', 'application/json']])],
	};
});

// ---- mutations ----

const strings = ['', 'x', '0', '-1', '1', 'true', 'null', '..', '/', '%', '%00', '%2f', '%ff', '%c3%28', "'", '"', '\\', '<b>', '{}', '[]', '$(id)',
	'web0', 'web2', 'WEB0', 'self', '*', '10-all.policy', '../../etc/passwd', 'x'.repeat(255), 'x'.repeat(257), 'é', '\u202e', '\ud83d\ude00', '\u0001',
	'18446744073709551615', '9223372036854775808', '1e9', '1G', '512M', UUIDS[1], '00000000-0000-4000-8000-000000000000', '2099-01-01T00:00:00Z',
	'1970-01-01T00:00:00Z', '2099-13-01T00:00:00Z', 'enforce', 'observe', 'command', '%s%n'];
const numbers = [0, 1, -1, 2, 100, 101, 4096, 10000, 10001, 65536, 2 ** 31, 2 ** 32, 2 ** 53, 2 ** 63, 1e19, 1.5, 1e300, -0];
const anything = (r) => r.one([() => r.one(strings), () => r.one(numbers), () => null, () => true, () => false, () => [], () => ({}),
	() => [r.one(strings)], () => ({ [r.one(strings)]: r.one(numbers) })])();

function mutateValue(r, value, schema, depth = 0) {
	if (value && typeof value === 'object' && !Array.isArray(value) && depth < 4 && r.chance(85)) {
		const out = { ...value };
		const known = Object.keys(schema?.properties ?? {});
		const key = r.chance(70) && known.length ? r.one(known) : r.one([...Object.keys(out), ...strings, 'x']);
		const s = doc.deref(schema?.properties?.[key]);
		const kind = r.below(10);
		if (kind < 2)
			delete out[key];
		else if (kind < 6 && s)
			out[key] = mutateValue(r, out[key] ?? doc.sample(s), s, depth + 1);
		else
			out[key] = anything(r);
		return out;
	}
	if (typeof value === 'number' && r.chance(60))
		return r.one([value + 1, value - 1, -value, value * 2, value / 2, schema?.minimum ?? 0, schema?.maximum ?? 1, (schema?.maximum ?? 0) + 1]);
	if (schema?.enum && r.chance(60))
		return r.one(schema.enum);
	return anything(r);
}

function mutateBytes(r, bytes) {
	let b = Buffer.from(bytes);
	for (let i = 1 + r.below(4); i > 0; i--) {
		const at = r.below(b.length + 1), n = 1 + r.below(8);
		switch (r.below(6)) {
		case 0:
			if (at < b.length)
				b[at] ^= 1 << r.below(8);
			break;
		case 1:
			b = Buffer.concat([b.subarray(0, at), b.subarray(at + n)]);
			break;
		case 2:
			b = Buffer.concat([b.subarray(0, at), Buffer.from(Array.from({ length: n }, () => r.below(256))), b.subarray(at)]);
			break;
		case 3:
			b = Buffer.concat([b.subarray(0, at), Buffer.from(r.one(['{', '}', '[', ']', '"', ':', ',', '\\u', '\\', '0', '-', '.', 'e', '\n', '\0', ...strings])),
				b.subarray(at)]);
			break;
		case 4:
			b = b.subarray(0, at);
			break;
		case 5: // a piece of itself once more
			b = Buffer.concat([b.subarray(0, at), b.subarray(r.below(b.length + 1), at), b.subarray(at)]);
			break;
		}
	}
	return b;
}

// No blank and no control character: the line stays one, and what is in it is free.
const inLine = (s) => Buffer.from(s).toString('latin1').replace(/[\0-\x20\x7f]/g, (c) => `%${c.charCodeAt(0).toString(16).padStart(2, '0')}`);

const mutations = {
	body(r, q) {
		if (q.body === undefined)
			q.raw = r.chance(20) ? Buffer.from(r.one(strings)) : undefined;
		else
			q.body = mutateValue(r, q.body, q.schema);
	},
	bodyBytes(r, q) {
		if (q.body !== undefined)
			q.raw = mutateBytes(r, Buffer.from(JSON.stringify(q.body)));
	},
	bodyNest(r, q) {
		const n = 1 + r.below(40);
		const [a, z] = r.one([['[', ']'], ['{"a":', '}'], ['{"memory":', '}']]);
		q.raw = Buffer.from(a.repeat(n) + JSON.stringify(q.body ?? 1) + z.repeat(n));
	},
	bodyTwice(r, q) {
		const text = JSON.stringify(q.body ?? {});
		q.raw = Buffer.from(text.length > 2 ? `${text.slice(0, -1)},${text.slice(1)}` : '{"a":1,"a":2}');
	},
	bodyLarge(r, q) {
		q.raw = Buffer.alloc(r.one([65535, 65536, 65537, 100000]), r.one([' ', 'x', '[', '{"a":']));
	},
	path(r, q) {
		const parts = q.path.split('/');
		const at = 1 + r.below(parts.length);
		switch (r.below(5)) {
		case 0: parts[at] = encodeURIComponent(r.one(strings).toWellFormed?.() ?? ''); break;
		case 1: parts[at] = r.one(strings); break;
		case 2: parts.splice(at, 1); break;
		case 3: parts.splice(at, 0, r.one(['guests', 'v1', 'x', '', '.', '..'])); break;
		case 4: parts[at] = mutateBytes(r, Buffer.from(parts[at] ?? 'x')).toString('latin1'); break;
		}
		q.path = `/${parts.filter((p) => p !== undefined).join('/').replace(/^\/+/, '')}`;
	},
	query(r, q) {
		const p = q.params.length && r.chance(80) ? r.one(q.params) : null;
		const name = p && r.chance(90) ? p.name : r.one([...strings, 'limit', 'dry_run', 'after', 'newest', 'kind', 'guest']);
		let value;
		if (p && r.chance(50)) {
			const s = doc.deref(p.schema);
			value = s.type === 'integer' ? r.one([s.minimum ?? 0, s.maximum ?? 1, (s.maximum ?? 0) + 1, r.below(1000)]) : doc.sample(s);
		} else {
			value = r.one([...strings, ...numbers]);
		}
		q.query.push(r.chance(5) ? `${name}` : `${name}=${r.chance(70) ? encodeURIComponent(String(value).toWellFormed?.() ?? value) : value}`);
	},
	method(r, q) {
		q.method = r.one(['GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'CONNECT', 'get', 'X', 'PROPFIND']);
	},
	header(r, q) {
		q.headers.push(r.one([
			['Content-Type', r.one(['text/plain', 'application/json; charset=utf-8', 'application/jsonp', 'multipart/form-data; boundary=x', ''])],
			['If-None-Match', r.one(['*', '""', 'W/"x"', '"0000000000000000"', '"', ',,,', '"x","y"'])],
			['If-Match', r.one(['*', '""', '"0000000000000000"', 'x'])],
			['Accept', r.one(['*/*', 'text/html', 'text/event-stream', 'application/openmetrics-text', 'x', ''])],
			['Accept-Encoding', r.one(['gzip', 'br, *;q=0', 'x'])],
			['Last-Event-ID', r.one(['0', 'x:y:1', 'vm:00000000:18446744073709551615', '-1', ''])],
			['Idempotency-Key', r.one(['a', 'b', '"quoted"', 'x'.repeat(300), ''])],
			['Authorization', r.one(['Bearer x', 'Bearer', 'Basic eDp4', 'Negotiate', `Bearer ${'x'.repeat(900)}`])],
			['Origin', r.one(['null', 'https://elsewhere.example', 'http://localhost'])],
			['Range', 'bytes=0-0'], ['Cookie', 'a=b; c="d'], ['Upgrade', 'websocket'], ['TE', 'trailers'], ['X-HTTP-Method-Override', 'DELETE'],
			['Connection', r.one(['close', 'keep-alive', 'upgrade'])], ['X-Forwarded-For', '::1'], ['Host', 'y'],
		]));
	},
	other(r, q) { // the body of one to the path of another
		const o = r.one(seeds);
		q.path = o.path;
		q.method = o.method;
	},
};
const kinds = ['body', 'body', 'body', 'bodyBytes', 'bodyBytes', 'bodyNest', 'bodyTwice', 'path', 'path', 'query', 'query', 'query', 'method', 'header', 'header', 'other'];

// Request number n: what goes over the line, and what may be expected of it.
function make(n) {
	const r = new Random(n);
	const from = r.one(seeds);
	const q = { ...from, query: [...from.query], headers: [...from.headers] };
	for (let i = 1 + r.below(4); i > 0; i--)
		mutations[r.chance(1) ? 'bodyLarge' : r.one(kinds)](r, q);
	// Waiting is bounded: it is the clock of this test.
	if (q.body && typeof q.body === 'object' && 'bytes' in q.body && !(q.body.wait_s <= 1 || typeof q.body.wait_s !== 'number'))
		q.body.wait_s = 0;
	const body = q.raw ?? (q.body === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(q.body)));
	const headers = q.headers.map(([k, v]) => `${k}: ${v}\r\n`).join('');
	const length = body.length || r.chance(50) ? `Content-Length: ${body.length}\r\n` : '';
	const target = inLine(q.path) + (q.query.length ? `?${inLine(q.query.join('&'))}` : '');
	let bytes = Buffer.concat([Buffer.from(`${q.method} ${target} HTTP/1.1\r\n${headers}${length}\r\n`, 'latin1'), body]);
	const damaged = r.chance(3);
	if (damaged)
		bytes = mutateBytes(r, bytes);
	const close = headers.includes('Connection: close') || headers.includes('Connection: upgrade');
	return { n, bytes, damaged, close, method: q.method, path: inLine(q.path) };
}

// ---- judging ----

const matchers = doc.operations.map((op) => ({
	op, pattern: new RegExp(`^${op.path.replace(/[.*+?^$()|[\]\\]/g, '\\$&').replace(/{\w+}/g, '[^/]{1,255}')}$`),
}));
// A path that is not plain is read by the daemon in its own way.
const findOperation = (m, path) => /^[\x21-\x24\x26-\x3e\x40-\x7e]*$/.test(path) && matchers.find((x) => x.op.method === (m === 'HEAD' ? 'GET' : m) && x.pattern.test(path))?.op;
const tally = {}, wrong = [];
const declared = new Map();
function codes(op) {
	if (!declared.has(op))
		declared.set(op, new Set([...JSON.stringify(op.responses).matchAll(/schemas\/Problem\.([a-z-]+)/g)].map((m) => m[1])));
	return declared.get(op);
}

function complain(q, text) {
	if (wrong.length < 20)
		wrong.push(`number ${q.n}: ${text}: ${JSON.stringify(q.bytes.toString('latin1').slice(0, 600))}`);
}

function judge(q, a) {
	tally[a.status] = (tally[a.status] ?? 0) + 1;
	// HTTP/0.9 or 3.0 is refused by the library, as RFC 9110 says.
	if (a.status >= 500 && !(a.status === 505 && q.damaged && !/^[^\n]* HTTP\/1\./.test(q.bytes.toString('latin1'))))
		complain(q, `${a.status} ${a.text.slice(0, 300)}`);
	if (q.damaged || q.method === 'HEAD')
		return;
	if (a.headers['content-type'] === 'application/problem+json') {
		const value = JSON.parse(a.text);
		const check = doc.validator(`/components/schemas/Problem.${value.code}`);
		if (!check(value))
			complain(q, JSON.stringify(check.errors));
		else if (value.status !== a.status)
			complain(q, `status ${a.status}: ${a.text}`);
		const op = findOperation(q.method, q.path);
		if (op && !codes(op).has(value.code))
			complain(q, `${value.code} is not declared for ${op.operationId}`);
	} else if (a.status < 400 && !a.endless) {
		const op = findOperation(q.method, q.path);
		const mistake = op && doc.mistake(op, { ...a, method: q.method });
		if (mistake)
			complain(q, `${op.operationId}: ${a.status}: ${mistake}`);
	}
}

// ---- sending ----

class Line {
	constructor() {
		this.got = Buffer.alloc(0);
	}
	open() {
		const socket = (this.socket = net.connect(socketPath));
		const mine = (f) => (x) => { // a line that was dropped says nothing any more
			if (socket !== this.socket)
				return;
			f(x);
			this.wake?.();
		};
		this.got = Buffer.alloc(0);
		socket.on('error', () => {});
		socket.on('data', mine((d) => { this.got = Buffer.concat([this.got, d]); }));
		socket.on('error', mine((e) => { this.error = e; }));
		socket.on('close', mine(() => { this.closed = true; }));
		this.closed = false;
		this.error = null;
	}
	drop() {
		this.socket?.destroy();
		this.socket = null;
	}
	// The answer; null where the daemon hung up; undefined where nothing comes in time.
	async ask(q) {
		if (!this.socket || this.closed || q.damaged)
			this.drop(), this.open();
		const patience = q.damaged ? DAMAGED_PATIENCE_MS
			: q.path.startsWith('/v1/reservations') && q.method === 'POST' ? RESERVATION_PATIENCE_MS : PATIENCE_MS;
		const deadline = performance.now() + patience;
		this.socket.write(q.bytes);
		for (;;) {
			let a;
			try {
				a = parseAnswer(this.got, { head: q.method === 'HEAD' });
			} catch (e) {
				complain(q, e.message);
				this.drop();
				return null;
			}
			if (a) {
				this.got = a.rest;
				if (q.damaged || q.close || a.endless || a.headers.connection === 'close' || a.rest.length)
					this.drop();
				return a;
			}
			if (this.closed)
				return this.drop(), null;
			const left = deadline - performance.now();
			if (left <= 0)
				return this.drop(), undefined;
			await new Promise((resolve) => {
				const t = setTimeout(resolve, left);
				this.wake = () => {
					clearTimeout(t);
					resolve();
				};
			});
		}
	}
}

let number = 0, alive = true, unanswered = 0;
async function clean() {
	const res = await request('GET', '/v1/hosts/self');
	for (const r of JSON.parse(res.text).reservations)
		await request('DELETE', `/v1/reservations/${r.id}`);
}
async function worker() {
	const line = new Line();
	for (;;) {
		const n = number++;
		if (n >= total || !alive)
			break;
		if (n % CLEAN_EVERY === CLEAN_EVERY - 1)
			await clean();
		const q = make(n);
		let a = await line.ask(q);
		if (a === null && !q.damaged && !line.error) // hung up between requests, as it may: once more
			a = await line.ask(q);
		if (line.error && ['ECONNREFUSED', 'ENOENT'].includes(line.error.code)) {
			alive = false;
			complain(q, 'the daemon is gone');
		} else if (a) {
			judge(q, a);
		} else {
			unanswered++;
			if (a === undefined && !q.damaged && !q.path.startsWith('/v1/reservations'))
				complain(q, `no answer in ${PATIENCE_MS} ms`);
		}
	}
	line.drop();
}

if (only !== undefined) {
	number = only;
	const q = make(only);
	console.log(`# ${JSON.stringify(q.bytes.toString('latin1'))}`);
	const a = await new Line().ask(q);
	console.log(`# ${JSON.stringify(a)}`);
	if (a)
		judge(q, a);
} else {
	const open = () => readdirSync(`/proc/${process.env.DAEMON_PID}/fd`).length;
	await send('PUT', '/v1/mode', { mode: 'observe' });
	const before = open(), begin = performance.now();
	await Promise.all(Array.from({ length: WORKERS }, worker));
	const seconds = (performance.now() - begin) / 1000;
	if (alive)
		await clean();
	console.log(`# ${total} requests in ${seconds.toFixed(1)} s, ${unanswered} without an answer; by status: ${JSON.stringify(tally)}`);
	let after;
	for (let i = 0; alive && i < 100 && (after = open()) > before + 2; i++)
		await new Promise((r) => setTimeout(r, 100));
	result(after > before + 2 && `${before} descriptors before, ${after} after`, 'no descriptor is left behind');
	result(!(tally[200] > total / 50) && `only ${tally[200]} succeeded: these are no real requests`, 'many of them succeed');
}
result(wrong, `${total} mutated requests of seed ${seed}: none gets 5xx, each answer is as declared`);
end();
