// SPDX-License-Identifier: LGPL-2.1-or-later
// HTTP by the byte: for requests that no client would send.
import net from 'node:net';
import { socketPath } from './api.mjs';

// Takes one answer off the front of a buffer: {status, headers, text, rest}, or null when it is not whole yet. Throws where it is not
// HTTP.
export function parseAnswer(buffer, { head = false } = {}) {
	const end = buffer.indexOf('\r\n\r\n');
	if (end < 0)
		return null;
	const [first, ...lines] = buffer.subarray(0, end).toString('latin1').split('\r\n');
	const m = first.match(/^HTTP\/1\.[01] (\d{3}) /);
	if (!m)
		throw new Error(`not HTTP: ${first.slice(0, 100)}`);
	const headers = {};
	for (const line of lines) {
		const at = line.indexOf(':');
		headers[line.slice(0, at).toLowerCase()] = line.slice(at + 1).trim();
	}
	const status = Number(m[1]);
	if (status === 100)
		return parseAnswer(buffer.subarray(end + 4), { head });
	const endless = headers['transfer-encoding'] === 'chunked' || (!('content-length' in headers) && status !== 204 && status !== 304);
	const length = head || status === 204 || status === 304 || endless ? 0 : Number(headers['content-length']);
	if (buffer.length < end + 4 + length)
		return null;
	return { status, headers, text: buffer.subarray(end + 4, end + 4 + length).toString(), rest: buffer.subarray(end + 4 + length), endless };
}

// Sends bytes and takes the answer: null where the daemon hangs up without one. pieces: written one after the other. hangUp: closes
// its side after them.
export function raw(pieces, { hangUp = false, timeout = 5000, head = false } = {}) {
	return new Promise((resolve, reject) => {
		let got = Buffer.alloc(0);
		const socket = net.connect(socketPath);
		const done = (value) => {
			clearTimeout(timer);
			socket.destroy();
			resolve(value);
		};
		const timer = setTimeout(() => {
			socket.destroy();
			reject(new Error('neither answer nor end'));
		}, timeout);
		socket.on('data', (d) => {
			got = Buffer.concat([got, d]);
			try {
				const a = parseAnswer(got, { head });
				if (a)
					done(a);
			} catch (e) {
				socket.destroy();
				reject(e);
			}
		});
		socket.on('error', () => done(null));
		socket.on('close', () => done(null));
		for (const p of [pieces].flat())
			socket.write(p);
		if (hangUp)
			socket.end();
	});
}
