// SPDX-License-Identifier: LGPL-2.1-or-later
// Every operation of the document, called at a real daemon: so that it succeeds, and in each way in which it must be refused. Each
// answer is held against the document.
import { Document, end, request, result, skipped } from './api.mjs';
import { randomUUID } from 'node:crypto';
import { unlinkSync, writeFileSync } from 'node:fs';
import { prepared, send, unknown, words } from './prepare.mjs';
import { streamMistakes } from './stream.mjs';

const doc = await Document.load();
const json = { 'Content-Type': 'application/json' };

// The declaration of {words} and of what is asked.
const params = (op, where) => (op.parameters ?? []).map((p) => doc.deref(p)).filter((p) => p.in === where);
function bodySchema(op) {
	return op.requestBody && doc.deref(doc.deref(op.requestBody).content['application/json'].schema);
}
const url = (op, path) => op.path.replace(/{(\w+)}/g, (_, w) => encodeURIComponent(path?.[w] ?? words[w] ?? 'word'));

// Runs what makes the operation possible. Returns its arguments: path, headers, body, query.
async function ready(op) {
	const how = prepared[op.operationId] ?? {};
	const given = (await how.before?.()) ?? {};
	const schema = bodySchema(op);
	let body;
	if (schema) {
		const value = typeof how.body === 'function' ? how.body(given) : how.body ?? doc.sample(schema);
		body = JSON.stringify(value);
	}
	return { path: url(op, { ...how.path, ...given.path }), query: how.query ?? '',
		headers: { ...(schema && json), ...how.headers, ...given.headers }, body };
}

const mistakes = (op, res, ...wanted) => {
	const m = doc.mistake(op, res);
	const where = `${res.method} ${res.path}`;
	if (m)
		return `${where}: ${res.status}: ${m}`;
	const codes = wanted.filter((w) => typeof w === 'string');
	const statuses = wanted.filter((w) => typeof w === 'number');
	if (statuses.length && !statuses.includes(res.status))
		return `${where}: ${res.status}, expected ${statuses}: ${res.text.slice(0, 300)}`;
	if (codes.length && !codes.includes(JSON.parse(res.text).code))
		return `${where}: expected ${codes}: ${res.text.slice(0, 300)}`;
	return null;
};
const ask = (op, a, more = {}) =>
	request(more.method ?? op.method, a.path + (more.query ?? a.query), {
		...more, headers: more.headers ?? a.headers, body: 'body' in more ? more.body : a.body });

const successes = (op) => Object.keys(op.responses).map(Number).filter((s) => s >= 200 && s < 300);

async function succeeds(op) {
	const found = [];
	const dry = params(op, 'query').some((p) => p.name === 'dry_run');
	const wanted = [...successes(op), ...(prepared[op.operationId]?.orElse ?? [])];
	let a = await ready(op);
	if (dry) {
		const res = await ask(op, a, { query: (a.query ? `${a.query}&` : '?') + 'dry_run=true' });
		found.push(mistakes(op, res, ...wanted));
	}
	const res = await ask(op, a);
	found.push(mistakes(op, res, ...wanted));
	if (op.method === 'GET') {
		a = await ready(op);
		found.push(mistakes(op, await ask(op, a, { method: 'HEAD' }), ...successes(op)));
	}
	if (op.responses[304]) {
		// What changes all the time may have changed in between.
		let again;
		for (let i = 0; i < 20 && again?.status !== 304; i++) {
			const { headers } = await ask(op, a);
			again = await ask(op, a, { headers: { ...a.headers, 'If-None-Match': headers.etag ?? 'none' } });
		}
		found.push(mistakes(op, again, 304));
	}
	result(found, `${op.operationId} succeeds and answers as declared`);
}

// ---- how it must be refused ----

async function refusesParameters(op) {
	const found = [];
	const a = await ready(op);
	const bad = [['no_such_parameter', 'x']];
	for (const p of params(op, 'query')) {
		const s = doc.deref(p.schema);
		if (s.type === 'integer') {
			for (const v of ['-1', 'x', '1e3', '', '99999999999999999999999', '18446744073709551616', '0x10'])
				bad.push([p.name, v]);
			if (s.minimum > 0)
				bad.push([p.name, String(s.minimum - 1)]);
			if (s.maximum)
				bad.push([p.name, String(s.maximum + 1)]);
		} else if (s.type === 'boolean') {
			bad.push([p.name, 'perhaps'], [p.name, '2']);
		} else if (s.enum) {
			bad.push([p.name, 'no-such-word']);
		} else {
			bad.push([p.name, '']);
			bad.push([p.name, 'x'.repeat((s.maxLength ?? 256) + 1)]);
		}
	}
	for (const [name, value] of bad) {
		const res = await ask(op, a, { query: `?${name}=${encodeURIComponent(value)}` });
		found.push(mistakes(op, res, 400, 'query-invalid'));
		if (res.status === 400 && JSON.parse(res.text).parameter !== name)
			found.push(`${res.path}: the parameter is not named: ${res.text}`);
	}
	for (const p of params(op, 'query')) {
		const s = doc.deref(p.schema);
		const ok = s.type === 'boolean' ? 'true' : encodeURIComponent(String(s.maximum ?? doc.sample(s)));
		found.push(mistakes(op, await ask(op, a, { query: `?${p.name}=${ok}&${p.name}=${ok}` }), 400, 'query-invalid'));
		if (p.name !== 'dry_run' && op.method === 'GET') // whatever it does, as declared
			found.push(mistakes(op, await ask(op, a, { query: `?${p.name}=${ok}` })));
	}
	result(found, `${op.operationId} refuses bad parameters and names them`);
}

async function refusesUnknown(op) {
	const found = [];
	const names = params(op, 'path').map((p) => p.name);
	if (!names.length)
		return;
	const a = await ready(op);
	for (const name of names) {
		for (const value of [unknown[name] ?? 'nothing', 'x'.repeat(200), '..', '%', 'a b', '\u00e9', '"<>&\'']) {
			const res = await ask(op, { ...a, path: url(op, { [name]: value }) });
			// Bad names may also be refused for what they are; the document lists how.
			found.push(mistakes(op, res));
			if (res.status < 400 && op.method !== 'PUT')
				found.push(`${res.method} ${res.path}: ${res.status}`);
		}
		if (Object.keys(op.responses).includes('404') && op.method !== 'PUT')
			found.push(mistakes(op, await ask(op, { ...a, path: url(op, { [name]: unknown[name] ?? 'nothing' }) }), 404));
	}
	result(found, `${op.operationId} refuses what is not there`);
}

const wrongValues = (s) => {
	const all = ['x', -1, 1.5, true, null, [], {}, 1e300];
	const types = [s.type].flat();
	return all.filter((v) => {
		if (types.includes('null') && v === null)
			return false;
		if (types.includes('string') && typeof v === 'string')
			return Boolean(s.enum || s.format);
		if (types.includes('boolean') && typeof v === 'boolean')
			return false;
		if (types.includes('array') && Array.isArray(v))
			return false;
		if (types.includes('object') && v && typeof v === 'object' && !Array.isArray(v))
			return false;
		return true;
	});
};

// Bodies that each have one thing wrong, with the place that the answer must name.
function* wrongBodies(schema, good) {
	yield ['/no_such_field', { ...good, no_such_field: 1 }];
	for (const name of schema.required ?? []) {
		const { [name]: _, ...rest } = good;
		yield [`/${name}`, rest];
	}
	for (const [name, raw] of Object.entries(schema.properties ?? {})) {
		const s = doc.deref(raw);
		for (const v of wrongValues(s))
			yield [`/${name}`, { ...good, [name]: v }];
		if (s.type === 'integer' && s.minimum > 0)
			yield [`/${name}`, { ...good, [name]: s.minimum - 1 }];
		if (s.type === 'integer' && s.maximum)
			yield [`/${name}`, { ...good, [name]: s.maximum + 1 }];
		if (s.type === 'string' && s.maxLength && !s.enum)
			yield [`/${name}`, { ...good, [name]: 'x'.repeat(s.maxLength + 1) }];
		if (s.type === 'object' && s.properties)
			for (const [place, v] of wrongBodies(s, good[name] ?? {}))
				yield [`/${name}${place}`, { ...good, [name]: v }];
	}
}

async function refusesBodies(op) {
	const found = [];
	const schema = bodySchema(op);
	const a = await ready(op);
	const malformed = ['{', '[1,]', '{"a":1,"a":2}', '{"a":"\\ud800"}', '{"a":1}x', 'nul', '{"a":\u0000}', '{"a":1e999}',
		'['.repeat(17) + ']'.repeat(17), Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])];
	if (!schema) {
		found.push(mistakes(op, await ask(op, a, { body: '{}', headers: json }), 400, 'body-malformed'));
		found.push(mistakes(op, await ask(op, a, { body: 'x'.repeat((64 << 10) + 1), headers: json }), 413, 'body-too-large'));
		result(found, `${op.operationId} takes no body`);
		return;
	}
	for (const body of malformed)
		found.push(mistakes(op, await ask(op, a, { body }), 400, 'body-malformed'));
	found.push(mistakes(op, await ask(op, a, { body: '' }), 400, 'body-malformed'));
	for (const type of [undefined, 'text/plain', 'application/x-www-form-urlencoded', 'application/jsonx'])
		found.push(mistakes(op, await ask(op, a, { headers: type ? { 'Content-Type': type } : {} }), 415, 'media-type'));
	const large = JSON.stringify({ x: 'y'.repeat(1 << 22) });
	found.push(mistakes(op, await ask(op, a, { body: large }), 413, 'body-too-large'));
	for (const [place, value] of wrongBodies(schema, JSON.parse(a.body))) {
		const res = await ask(op, a, { body: JSON.stringify(value) });
		found.push(mistakes(op, res, 422, 'body-invalid'));
		if (res.status === 422 && JSON.parse(res.text).pointer !== place)
			found.push(`${res.path}: ${JSON.stringify(value).slice(0, 200)}: expected ${place}: ${res.text}`);
	}
	for (const value of [[], 'x', 1, null, true])
		found.push(mistakes(op, await ask(op, a, { body: JSON.stringify(value) }), 422, 'body-invalid'));
	result(found, `${op.operationId} refuses bad bodies and names the place`);
}

async function refusesStrangers(op) {
	const a = await ready(op);
	const res = await ask(op, a, { asNobody: true });
	if (op['x-ballast-role'] === 'none')
		result(mistakes(op, res, ...successes(op)), `${op.operationId} is for everybody`);
	else
		result(mistakes(op, res, 403, 'denied'), `${op.operationId} is not for who has no role`);
}

async function refusesMethods(path) {
	const found = [];
	// One path may be another's {word}.
	const takes = (op) => new RegExp(`^${op.path.replaceAll('.', '\\.').replace(/{\w+}/g, '[^/]+')}$`).test(url({ path }));
	const taken = [...new Set(doc.operations.filter(takes).map((op) => op.method))];
	for (const method of ['GET', 'PUT', 'POST', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'BREW']) {
		if (taken.includes(method))
			continue;
		const res = await request(method, url({ path }));
		found.push(mistakes(null, res, 405, 'method-not-allowed'));
		if (res.status === 405 && res.headers.allow.split(', ').sort().join() !== taken.sort().join())
			found.push(`${method} ${path}: Allow: ${res.headers.allow}, not ${taken}`);
	}
	result(found, `${path} takes ${taken.join(', ')} only`);
}

for (const op of doc.operations) {
	await succeeds(op);
	await refusesParameters(op);
	await refusesUnknown(op);
	await refusesBodies(op);
	if (process.getuid() === 0)
		await refusesStrangers(op);
	else
		skipped(`${op.operationId} looks at who asks`, 'takes root');
	for (const media of Object.keys(op.responses[successes(op)[0]].content ?? {}))
		if (media === 'text/event-stream')
			result(await streamMistakes(doc, op, await ready(op)), `${op.operationId} is a stream of what is declared`);
}
for (const path of new Set(doc.operations.map((op) => op.path)))
	await refusesMethods(path);

const wrong = [];
for (const path of ['/v1', '/v1/', '/v2/guests', '/v1/guests/', '/v1/guests//policy', '/v1/guest', '/index.php', '//', '/v1/%2e%2e/x'])
	wrong.push(mistakes(null, await request('GET', path), 404, 'route-unknown'));
result(wrong, 'paths that there are not');

// ---- answers about a host on which something happens ----

const get = async (id, path, found) => {
	const op = doc.operation(id);
	const res = await request('GET', path);
	found.push(mistakes(op, res, 200));
	return JSON.parse(res.text);
};
async function until(what, seconds = 15) {
	for (let end = Date.now() + seconds * 1000; Date.now() < end; await new Promise((r) => setTimeout(r, 50)))
		if (await what())
			return null;
	return `never came: ${what}`;
}
{
	const found = [];
	await request('DELETE', '/v1/pause');
	await send('PUT', '/v1/mode', { mode: 'enforce' });
	await send('PUT', '/v1/guests/web0/overrides', { memory: { min: 200 << 20 }, until: new Date(Date.now() + 60e3).toISOString(), reason: 'a "test" \u00e9' });
	await send('POST', '/v1/reservations', { uuid: randomUUID(), name: 'new2', bytes: 1 << 20, wait_s: 5 });
	let guest, actions = 0;
	found.push(await until(async () => {
		actions += (await get('plan', '/v1/plan', found)).actions.length;
		guest = await get('guest', '/v1/guests/web0', found);
		return guest.last_change && guest.report?.counters && guest.memory.actual >= 200 << 20;
	}));
	for (const [id, path] of [['guests', '/v1/guests'], ['hosts', '/v1/hosts'], ['host', '/v1/hosts/self'], ['guest-policy', '/v1/guests/web0/policy'],
		['guest-explain', '/v1/guests/web0/explain'], ['events', '/v1/events?limit=1000'], ['policies', '/v1/policies']])
		await get(id, path, found);
	const explain = await get('guest-explain', '/v1/guests/web0/explain', found);
	found.push(!explain.changes.length && 'the explanation shows no change', !explain.overrides.length && 'and no override');
	result(found, 'a guest that was changed is shown as declared, and so are its host and why');
}
{
	const found = [];
	const file = `${process.env.POLICY_PATH}/70-bad.policy`;
	writeFileSync(file, '[Memory]\nMim=1G\n');
	const op = doc.operation('reload');
	for (const path of ['/v1/reload?dry_run=true', '/v1/reload'])
		found.push(mistakes(op, await request('POST', path), 422, 'configuration-bad'));
	const list = await get('policies', '/v1/policies', found);
	found.push(list.bad.length !== 1 && `bad: ${JSON.stringify(list.bad)}`);
	const host = await get('host', '/v1/hosts/self', found);
	found.push(!host.problems.length && 'the host has no problem');
	unlinkSync(file);
	found.push(mistakes(op, await request('POST', '/v1/reload'), 200));
	result(found, 'bad policies are told of as declared');
}
{
	const found = [];
	await send('PUT', '/v1/mode', { mode: 'observe' });
	const at = (id, method, path, value, ...wanted) => request(method, path, value ? { headers: json, body: JSON.stringify(value) } : {})
		.then((res) => found.push(mistakes(doc.operation(id), res, ...wanted)));
	await at('guest-enroll', 'POST', '/v1/guests/web2/enroll', null, 409, 'conflict');
	await at('guest', 'GET', '/v1/guests/wbe1', null, 404, 'guest-unknown');
	await at('events', 'GET', '/v1/events?guest=nobody', null, 404, 'guest-unknown');
	await at('events', 'GET', '/v1/events?kind=comand', null, 400, 'query-invalid');
	await at('override-clear', 'DELETE', '/v1/guests/web2/overrides', null, 404, 'override-unknown');
	await at('unreserve', 'DELETE', '/v1/reservations/4711', null, 404, 'reservation-unknown');
	await at('override-set', 'PUT', '/v1/guests/web2/overrides', { memory: { min: 1 << 30 } }, 422, 'body-invalid');
	await at('reserve', 'POST', '/v1/reservations', { uuid: '00000000-0000-4000-8000-000000000000', name: 'web0', bytes: 1 }, 409, 'conflict');
	await at('reserve', 'POST', '/v1/reservations', { uuid: randomUUID(), name: 'vast', bytes: 2 ** 62 }, 422, 'body-invalid');
	await at('reserve', 'POST', '/v1/reservations', { uuid: randomUUID(), name: 'vast', bytes: 1, qemu: 2 ** 62 }, 422, 'body-invalid');
	await at('reserve', 'POST', '/v1/reservations', { uuid: randomUUID(), name: 'huge', bytes: 2 ** 50 }, 409, 'no-room');
	await send('PUT', '/v1/mode', { mode: 'enforce' });
	await at('reserve', 'POST', '/v1/reservations', { uuid: randomUUID(), name: 'huge', bytes: Number.MAX_SAFE_INTEGER, wait_s: 1 }, 409, 'no-room');
	await send('PUT', '/v1/mode', { mode: 'observe' });
	const plan = doc.operation('plan');
	const with_ = (headers) => request('GET', '/v1/plan', { headers });
	found.push(mistakes(plan, await with_({ Authorization: 'Bearer bst_none' }), 401, 'unauthenticated'));
	found.push(mistakes(plan, await with_({ Origin: 'https://elsewhere.example' }), 403, 'foreign-origin'));
	const override = doc.operation('override-set');
	found.push(mistakes(override, await request('PUT', '/v1/guests/web0/overrides',
		{ headers: { ...json, 'If-Match': '"0000000000000000"' }, body: '{"memory":{"weight":100}}' }), 412, 'precondition-failed'));
	const put = doc.operation('policy-put');
	found.push(mistakes(put, await request('PUT', '/v1/policies/75-written', { headers: json, body: '{"text":"[Memory]\\nMin=1M\\n"}' }), 201, 200, 428));
	found.push(mistakes(put, await request('PUT', '/v1/policies/75-written', { headers: json, body: '{"text":"[Memory]\\nMin=2M\\n"}' }), 428));
	found.push(mistakes(put, await request('PUT', '/v1/policies/76-bad', { headers: json, body: '{"text":"[Memory]\\nMim=2M\\n"}' }), 422, 'configuration-bad'));
	result(found, 'what cannot be done is refused as declared');
}

// A schema that takes everything would make all of the above worthless.
const guests = JSON.parse((await request('GET', '/v1/guests')).text);
const check = doc.validator('/components/schemas/Guests');
const tampered = structuredClone(guests);
tampered.guests[0].memory.colour = 'red';
const lacking = structuredClone(guests);
delete lacking.guests[0].memory.actual;
result([!check(guests) && 'refused as it is', check(tampered) && 'an undeclared field is taken', check(lacking) && 'a missing field is taken'],
	'a field too many or too few is noticed');
end();
