// SPDX-License-Identifier: LGPL-2.1-or-later
// An answer that goes on (server-sent events): what comes in the first moments, each event's data held against its schema.
import http from 'node:http';
import { socketPath } from './api.mjs';
import { send } from './prepare.mjs';

// The events of a stream's beginning: until `enough` says so, or for 5 s.
export function readStream(path, headers, enough) {
	return new Promise((resolve, reject) => {
		const events = [];
		let text = '', res;
		const req = http.request({ socketPath, path, headers: { Accept: 'text/event-stream', ...headers }, agent: false }, (r) => {
			res = r;
			r.on('data', (d) => {
				text += d;
				for (let at; (at = text.indexOf('\n\n')) >= 0; text = text.slice(at + 2)) {
					const event = { data: '' };
					for (const line of text.slice(0, at).split('\n')) {
						const [, field, value] = line.match(/^([^:]*):? ?(.*)$/);
						if (field === 'data')
							event.data += value;
						else if (field)
							event[field] = value;
					}
					if (event.event)
						events.push(event);
				}
				if (enough(events))
					done();
			});
			r.on('end', () => done());
			r.on('error', () => {});
		});
		const timer = setTimeout(() => done(), 5000);
		const done = () => {
			clearTimeout(timer);
			req.destroy();
			resolve({ status: res?.statusCode, headers: res?.headers, events });
		};
		req.on('error', (e) => (res ? done() : reject(e)));
		req.end();
	});
}

export async function streamMistakes(doc, op, a) {
	const found = [];
	const kinds = op.responses[200].content['text/event-stream']['x-ballast-events'];
	const check = (e) => {
		const name = kinds[e.event] ? e.event : '*';
		const schema = kinds[name]?.$ref;
		if (!schema)
			return `an event "${e.event}" is not declared`;
		const valid = doc.validator(schema.slice(1));
		return valid(JSON.parse(e.data)) ? null : `${e.event}: ${JSON.stringify(valid.errors[0])}: ${e.data}`;
	};
	await send('PUT', '/v1/guests/web1/overrides', { memory: { weight: 123 } });
	const all = await readStream(`${a.path}?after=0`, {}, (e) => e.some((x) => x.event === 'override-set') && e.some((x) => x.event === 'state'));
	if (all.status !== 200 || all.headers['content-type'] !== 'text/event-stream')
		found.push(`${all.status} ${all.headers?.['content-type']}`);
	for (const e of all.events)
		found.push(check(e));
	if (!all.events.some((e) => e.event === 'override-set'))
		found.push(`the override is not among: ${all.events.map((e) => e.event)}`);
	const foreign = await readStream(a.path, { 'Last-Event-ID': 'elsewhere:00000000:77' }, (e) => e.some((x) => x.event === 'reset'));
	for (const e of foreign.events)
		found.push(check(e));
	if (!foreign.events.some((e) => e.event === 'reset'))
		found.push(`a foreign id is not answered with reset: ${JSON.stringify(foreign.events)}`);
	return found;
}
