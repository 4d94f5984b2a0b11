// SPDX-License-Identifier: LGPL-2.1-or-later
// Input that is bad on purpose, byte by byte, over the daemon's socket; each answered as docs/API.md says, while another client is
// served without a pause.
import { Document, end, request, result } from './api.mjs';
import { raw } from './raw.mjs';
import { send } from './prepare.mjs';

const doc = await Document.load();
const WITNESS_MS = 3000; // on a machine that builds and tests other things beside

// The other client: one request after the other, as long as all of this lasts.
const witness = { running: true, answers: 0, slowest: 0, wrong: [] };
witness.ended = (async () => {
	while (witness.running) {
		const begin = performance.now();
		const res = await request('GET', '/v1/guests/web0').catch((e) => ({ status: e.message }));
		witness.slowest = Math.max(witness.slowest, performance.now() - begin);
		witness.answers++;
		if (res.status !== 200)
			witness.wrong.push(`${res.status}`);
		await new Promise((r) => setTimeout(r, 2));
	}
})();

const bytes = (...parts) => Buffer.concat(parts.map((p) => (typeof p === 'string' ? Buffer.from(p) : Buffer.from(p))));
function message(method, path, body, headers = 'Content-Type: application/json\r\n') {
	const b = bytes(body ?? '');
	return bytes(`${method} ${path} HTTP/1.1\r\nHost: x\r\n${headers}Content-Length: ${b.length}\r\n\r\n`, b);
}
const put = (body) => message('PUT', '/v1/guests/web0/overrides', body);
const deep = (n, open, close) => open.repeat(n) + '1' + close.repeat(n);
const object = (n) => deep(n, '{"a":', '}');

async function check(text, operation, cases) {
	const found = [];
	const op = operation && doc.operation(operation);
	for (const [what, sent, wanted, more] of cases) {
		try {
			const a = await raw(sent);
			const code = a?.text && a.headers['content-type'] === 'application/problem+json' ? JSON.parse(a.text).code : a?.status ?? 'hung up';
			if (code !== wanted)
				found.push(`${what}: ${code}, not ${wanted}: ${a?.text?.slice(0, 200)}`);
			else if (typeof code === 'string' && a)
				found.push(doc.mistake(op, { ...a, method: op?.method, path: what }) ?? more?.(JSON.parse(a.text)));
		} catch (e) {
			found.push(`${what}: ${e.message}`);
		}
	}
	result(found, text);
}
const at = (pointer) => (p) => (p.pointer === pointer ? null : `pointer ${p.pointer}, not ${pointer}`);
const place = (line, column) => (p) => (p.line === line && p.column === column ? null : `${p.line}:${p.column}, not ${line}:${column}`);

await check('bodies that are not JSON', 'override-set', [
	['nothing', put(''), 'body-malformed'],
	['blanks', put(' \n\t'), 'body-malformed'],
	['cut off', put('{"memory":{"min":'), 'body-malformed'],
	['cut off in a string', put('{"reason":"a'), 'body-malformed'],
	['second line, just behind what is wrong', put('{"reason":\n"a",}'), 'body-malformed', place(2, 6)],
	['two values', put('{"memory":{"min":1}} {}'), 'body-malformed'],
	['a comment', put('{"memory":{"min":1}} // x'), 'body-malformed'],
	['single quotes', put("{'memory':{}}"), 'body-malformed'],
	['NaN', put('{"memory":{"min":NaN}}'), 'body-malformed'],
	['leading zero', put('{"memory":{"min":01}}'), 'body-malformed'],
	['a number beyond all', put('{"memory":{"min":1e999}}'), 'body-malformed'],
	['an integer beyond 64 bits', put('{"memory":{"min":99999999999999999999}}'), 'body-malformed'],
]);
await check('deep nesting', 'override-set', [
	['17 arrays', put(deep(17, '[', ']')), 'body-malformed'],
	['17 objects', put(object(17)), 'body-malformed'],
	['30000 arrays', put('['.repeat(30000)), 'body-malformed'],
	['12000 objects', put('{"a":'.repeat(12000)), 'body-malformed'],
	['16 objects are read, and refused for what they are', put(object(16)), 'body-invalid', at('/a')],
]);
await check('keys that are there twice', 'override-set', [
	['at the top', put('{"for_s":1,"for_s":2}'), 'body-malformed'],
	['further down', put('{"memory":{"min":1,"min":2}}'), 'body-malformed'],
	['written otherwise', put('{"for_s":1,"f\\u006fr_s":2}'), 'body-malformed'],
]);
await check('text that is not UTF-8', 'override-set', [
	['a stray byte', put(bytes('{"reason":"', [0xff], '"}')), 'body-malformed'],
	['overlong', put(bytes('{"reason":"', [0xc0, 0x80], '"}')), 'body-malformed'],
	['a surrogate', put(bytes('{"reason":"', [0xed, 0xa0, 0x80], '"}')), 'body-malformed'],
	['beyond Unicode', put(bytes('{"reason":"', [0xf5, 0x80, 0x80, 0x80], '"}')), 'body-malformed'],
	['cut off', put(bytes('{"reason":"', [0xe2, 0x82], '"}')), 'body-malformed'],
	['in a key', put(bytes('{"', [0x80], '":1}')), 'body-malformed'],
	['half a surrogate pair', put('{"reason":"\\ud83d"}'), 'body-malformed'],
	['NUL', put('{"reason":"\\u0000"}'), 'body-malformed'],
	['UTF-16', put(Buffer.from('{"reason":"a"}', 'utf16le')), 'body-malformed'],
	['a byte order mark', put(bytes([0xef, 0xbb, 0xbf], '{"reason":"a"}')), 'body-malformed'],
]);
await check('fields that are unknown or of the wrong type', 'override-set', [
	['unknown', put('{"memory":{"min":1},"colour":1}'), 'body-invalid', at('/colour')],
	['unknown further down', put('{"memory":{"mim":1}}'), 'body-invalid', at('/memory/mim')],
	['a name with ~ and /', put('{"a~/b":1}'), 'body-invalid', at('/a~0~1b')],
	['the empty name', put('{"":1}'), 'body-invalid', at('/')],
	['a size in text', put('{"memory":{"min":"1G"}}'), 'body-invalid', at('/memory/min')],
	['a fraction', put('{"memory":{"min":1.5}}'), 'body-invalid', at('/memory/min')],
	['negative', put('{"memory":{"min":-1}}'), 'body-invalid', at('/memory/min')],
	['null', put('{"memory":null}'), 'body-invalid', at('/memory')],
	['an array', put('{"memory":[]}'), 'body-invalid', at('/memory')],
	['not a time', put('{"cpu":{"weight":1},"until":"tomorrow"}'), 'body-invalid', at('/until')],
	['a time that is not', put('{"cpu":{"weight":1},"until":"2099-02-30T00:00:00Z"}'), 'body-invalid', at('/until')],
	['text too long', put(JSON.stringify({ cpu: { weight: 1 }, reason: 'é'.repeat(200) })), 'body-invalid', at('/reason')],
	['a list', put('[]'), 'body-invalid', at('')],
	['4000 unknown fields', put(`{${Array.from({ length: 4000 }, (_, i) => `"k${i}":1`)}}`), 'body-invalid'],
]);
await check('sizes of bodies', 'override-set', [
	['64 KiB', put(`{"reason":"${'x'.repeat(65536 - 13)}"}`), 'body-invalid', at('/reason')],
	['a byte more', put(`{"reason":"${'x'.repeat(65536 - 12)}"}`), 'body-too-large'],
	['200 KiB', put(' '.repeat(200 << 10)), 'body-too-large'],
	['16 MiB, of which most is never read', put(' '.repeat(16 << 20)), 'body-too-large'],
	['1 GiB that is only announced, by one who waits to be asked', bytes('PUT /v1/guests/web0/overrides HTTP/1.1\r\nHost: x\r\n',
		'Content-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: 1073741824\r\n\r\n'), 'body-too-large'],
	['chunks without end', bytes('PUT /v1/guests/web0/overrides HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n',
		'Transfer-Encoding: chunked\r\n\r\n', `1000\r\n${' '.repeat(4096)}\r\n`.repeat(40), '0\r\n\r\n'), 'body-too-large'],
	['other media', message('PUT', '/v1/guests/web0/overrides', '{}', 'Content-Type: text/plain\r\n'), 'media-type'],
]);
const list = (query) => message('GET', `/v1/events?${query}`, '', '');
const parameter = (name) => (p) => (p.parameter === name ? null : `parameter ${p.parameter}`);
await check('huge paging and other parameters', 'events', [
	['limit=0', list('limit=0'), 'query-invalid', parameter('limit')],
	['limit=1001', list('limit=1001'), 'query-invalid', parameter('limit')],
	['limit beyond 64 bits', list('limit=18446744073709551617'), 'query-invalid', parameter('limit')],
	['a limit of 200 digits', list(`limit=${'9'.repeat(200)}`), 'query-invalid', parameter('limit')],
	['limit=-1', list('limit=-1'), 'query-invalid', parameter('limit')],
	['limit=+1', list('limit=%2b1'), 'query-invalid', parameter('limit')],
	['twice', list('limit=1&limit=1'), 'query-invalid', parameter('limit')],
	['after nothing', list('after='), 'query-invalid', parameter('after')],
	['after a text', list('after=yesterday'), 'query-invalid', parameter('after')],
	['after what is yet to come', list('after=9007199254740991'), 200],
	['text that is not UTF-8', list('kind=%ff%fe'), 'query-invalid', parameter('kind')],
	['after beyond what counts', list('after=18446744073709551615'), 'query-invalid', parameter('after')],
	['a hundred parameters', list(Array.from({ length: 100 }, (_, i) => `p${i}=`).join('&')), 'query-invalid'],
]);
await check('paths', null, [
	['a segment of 300 bytes', message('GET', `/v1/guests/${'x'.repeat(300)}`, '', ''), 'route-unknown'],
	['8 KiB', message('GET', `/v1/${'x'.repeat(8000)}`, '', ''), 'route-unknown'],
	['not UTF-8', bytes('GET /v1/', [0xff, 0xfe], ' HTTP/1.1\r\nHost: x\r\n\r\n'), 'route-unknown'],
	['a NUL', message('GET', '/v1/mode%00', '', ''), 'route-unknown'],
	['a method of its own', message('FROBNICATE', '/v1/mode', '', ''), 'method-not-allowed'],
]);
await check('names', 'guest', [
	['not UTF-8', message('GET', '/v1/guests/%ff%c0', '', ''), 'guest-unknown'],
	['quotes', message('GET', '/v1/guests/%22%5c%0a', '', ''), 'guest-unknown'],
	['255 bytes', message('GET', `/v1/guests/${'x'.repeat(255)}`, '', ''), 'guest-unknown'],
	['a UUID that nobody has', message('GET', '/v1/guests/ffffffff-ffff-4fff-bfff-ffffffffffff', '', ''), 'guest-unknown'],
]);

// What is not HTTP, or too much of it, is for the library: a plain 4xx, or the line goes dead. Never 5xx, never silence for long.
{
	const found = [];
	const cases = [
		['16 KiB in one line', `GET /${'x'.repeat(16384)} HTTP/1.1\r\nHost: x\r\n\r\n`],
		['64 KiB of headers', `GET /v1/mode HTTP/1.1\r\nHost: x\r\n${`X-A: ${'y'.repeat(1000)}\r\n`.repeat(64)}\r\n`],
		['a thousand headers', `GET /v1/mode HTTP/1.1\r\nHost: x\r\n${'A: b\r\n'.repeat(4000)}\r\n`],
		['a thousand parameters', `GET /v1/events?${Array.from({ length: 1000 }, (_, i) => `p${i}=`).join('&')} HTTP/1.1\r\nHost: x\r\n\r\n`],
		['no HTTP at all', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n'],
		['JSON', '{"jsonrpc":"2.0"}\r\n\r\n'],
		['a length that is none', 'PUT /v1/mode HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: x\r\n\r\n{}'],
		['a negative length', 'PUT /v1/mode HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: -1\r\n\r\n{}'],
		['a chunk that is none', 'PUT /v1/mode HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'],
		['no host', 'GET /v1/mode HTTP/1.1\r\n\r\n'],
	];
	for (const [what, text] of cases) {
		const a = await raw(text).catch((e) => ({ status: e.message }));
		if (a && !(a.status >= 200 && a.status < 500))
			found.push(`${what}: ${a.status}`);
	}
	result(found, 'what is no whole HTTP request ends the connection or gets 4xx');
	// As docs/API.md says of the library's own answers.
	const versions = [];
	for (const [version, wanted] of [['HTTP/2.0', 505], ['HTTP/0.9', 505], ['FOO', 400]]) {
		const a = await raw(`GET /v1/mode ${version}\r\nHost: x\r\n\r\n`).catch((e) => ({ status: e.message, headers: {} }));
		if (a?.status !== wanted || 'ballast-api' in a.headers)
			versions.push(`${version}: ${a?.status}`);
	}
	result(versions, 'another version of HTTP is 505, a first line that is none 400: the library says so, without Ballast-Api');
}
{
	// Many at once, each with half a request (tests/unit/test-api-clients has the deadline that ends them); others are served.
	const { default: net } = await import('node:net');
	const idle = Array.from({ length: 20 }, () => {
		const s = net.connect(process.env.SOCKET);
		s.on('error', () => {});
		s.write('PUT /v1/mode HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 65536\r\n\r\n{"mode":"');
		return s;
	});
	// Well within the deadline that ends them, however slow the machine is.
	const before = witness.answers, late = performance.now() + 8000;
	while (witness.answers - before < 20 && performance.now() < late)
		await new Promise((r) => setTimeout(r, 10));
	result(witness.answers - before < 20 && `${witness.answers - before} answers`, 'others are served while 20 requests do not end');
	for (const s of idle)
		s.destroy();
}

// However slow the machine is: its deadline is generous, its count is not.
for (const late = performance.now() + 30000; witness.answers < 100 && performance.now() < late;)
	await new Promise((r) => setTimeout(r, 10));
witness.running = false;
await witness.ended;
result([...witness.wrong, witness.answers < 100 && `${witness.answers} answers only`,
	witness.slowest > WITNESS_MS && `one answer took ${witness.slowest} ms`],
'another client was served all the while');
console.log(`# ${witness.answers} answers, the slowest in ${witness.slowest.toFixed(1)} ms`);
await send('PUT', '/v1/guests/web0/overrides', { memory: { weight: 200 } });
result(null, 'a good request works as before');
end();
