// SPDX-License-Identifier: LGPL-2.1-or-later
// Everything that goes over the network, and nothing else does: requests with their tags, and the stream of events.

// No byte for so long is a dead stream: heartbeats come every 15 s (docs/API.md), and a page that says "live" over old figures misleads.
const SILENCE_MS = 20000;
const REQUEST_MS = 15000;
const POLL_MS = 1000;
const STREAM_AGAIN_MS = 30000; // where the daemon had no stream left, it is asked for one again after so long
const BACKOFF_MS = [500, 1000, 2000, 4000, 8000];
const KEY = 'ballast-token';

export class Problem extends Error {
	constructor(status, body) {
		super(body?.detail || body?.title || `the daemon answered ${status}`);
		this.status = status;
		this.body = body || {};
		this.code = this.body.code || '';
	}
}

// No answer in time: nobody knows what became of it.
export class Late extends Error {
}

// The token: from #token=... once, which is then gone from the address bar and the history, else of this tab.
export function takeToken() {
	const given = new URLSearchParams(location.hash.slice(1)).get('token');

	if (given) {
		history.replaceState(null, '', location.pathname + location.search);
		keepToken(given);
	}
	return storedToken();
}

// Storage can be forbidden; then the token lives as long as the page.
let remembered = null;
function storedToken() {
	try {
		return sessionStorage.getItem(KEY) ?? remembered;
	} catch {
		return remembered;
	}
}

export function keepToken(token) {
	remembered = token;
	try {
		if (token)
			sessionStorage.setItem(KEY, token);
		else
			sessionStorage.removeItem(KEY);
	} catch {
		// as said above
	}
}

export class Api {
	constructor() {
		this.token = null;
		this.cache = new Map(); // path: {etag, body}
	}

	headers(more) {
		return {...(this.token ? {Authorization: `Bearer ${this.token}`} : {}), ...more};
	}

	async request(method, path, {headers = {}, body, signal} = {}) {
		const timeout = AbortSignal.timeout(REQUEST_MS);

		try {
			return await this.fetch(method, path, headers, body, signal ? AbortSignal.any([signal, timeout]) : timeout);
		} catch (error) {
			if (signal?.aborted)
				throw error;
			throw timeout.aborted ? new Late(`The daemon has not answered in ${REQUEST_MS / 1000} s${method === 'GET' ? '' : '. It may still be doing it: see what happens'}`) :
				new Error('the daemon cannot be reached', {cause: error});
		}
	}

	fetch(method, path, headers, body, signal) {
		return fetch(path, {
			method,
			headers: this.headers({Accept: 'application/json', ...(body === undefined ? {} : {'Content-Type': 'application/json'}), ...headers}),
			body: body === undefined ? undefined : JSON.stringify(body),
			cache: 'no-store',
			// No cookies are set. But with "omit" a browser may leave out the certificate that the user has chosen.
			credentials: 'same-origin',
			redirect: 'error',
			signal,
		});
	}

	// The object at path; `changed` tells whether it is another one than last time.
	async get(path, {keep = false, signal} = {}) {
		const known = keep ? this.cache.get(path) : null;
		const answer = await this.request('GET', path, {headers: known ? {'If-None-Match': known.etag} : {}, signal});
		const age = Number(answer.headers.get('Ballast-View-Age') || 0);

		if (answer.status === 304 && known) {
			await answer.arrayBuffer(); // read to its end, or the browser takes it for broken off
			return {body: known.body, etag: known.etag, changed: false, age};
		}
		const body = await readJson(answer);
		if (!answer.ok)
			throw new Problem(answer.status, body);
		const etag = answer.headers.get('ETag');
		if (keep && etag)
			this.cache.set(path, {etag, body});
		return {body, etag, changed: true, age};
	}

	// Commands: PUT, POST, DELETE. The answer's object, or a Problem with the daemon's own words.
	async send(method, path, body, {etag, create, dryRun} = {}) {
		const headers = {};

		if (etag)
			headers['If-Match'] = etag;
		if (create)
			headers['If-None-Match'] = '*';
		if (method === 'POST' && !dryRun)
			headers['Idempotency-Key'] = crypto.randomUUID?.() ?? String(Math.random()).slice(2);
		const answer = await this.request(method, path + (dryRun ? '?dry_run=true' : ''), {headers, body});
		const result = await readJson(answer);
		if (!answer.ok)
			throw new Problem(answer.status, result);
		return {body: result, etag: answer.headers.get('ETag'), status: answer.status};
	}
}

async function readJson(answer) {
	const text = await answer.text();

	if (!text)
		return null;
	try {
		return JSON.parse(text);
	} catch {
		return null;
	}
}

// Server-sent events, as the HTML standard says that they are read.
export class StreamReader {
	constructor(take) {
		this.take = take;
		this.rest = '';
		this.clear();
	}

	clear() {
		this.data = [];
		this.event = 'message';
	}

	push(text) {
		const lines = (this.rest + text).split(/\r\n|\n|\r/);

		this.rest = lines.pop();
		for (const line of lines)
			this.line(line);
	}

	line(line) {
		if (line === '') {
			if (this.data.length)
				this.take({event: this.event, id: this.id, data: this.data.join('\n')});
			this.clear();
			return;
		}
		const colon = line.indexOf(':');
		if (colon === 0)
			return; // a comment: a heartbeat
		const field = colon < 0 ? line : line.slice(0, colon);
		const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
		if (field === 'data')
			this.data.push(value);
		else if (field === 'event')
			this.event = value;
		else if (field === 'id')
			this.id = value;
	}
}

export class Silence extends Error {
	constructor() {
		super('nothing was heard for a while');
	}
}

// Keeps up with the daemon for as long as the page lives. `on` has
//   up(polls), down(error): the connection, and whether it is polled; state(): the view changed; event(object): one event; reset(): events were missed;
//   denied(problem): the daemon wants another token.
export class Live {
	constructor(api, on) {
		this.api = api;
		this.on = on;
		this.last = null; // id of the last event seen
		this.heardAt = null; // when the last byte of the stream came
		this.attempt = 0;
		this.pollUntil = 0; // by the clock of performance.now()
		this.stopper = null;
	}

	start() {
		this.stop();
		this.attempt = 0;
		this.stopper = new AbortController();
		this.run(this.stopper.signal);
	}

	stop() {
		this.stopper?.abort();
	}

	// Tries at once, instead of at the end of the pause.
	hurry() {
		this.wake?.();
	}

	async run(signal) {
		while (!signal.aborted) {
			try {
				if (performance.now() < this.pollUntil)
					await this.polls(signal);
				else
					await this.stream(signal);
				continue;
			} catch (error) {
				if (signal.aborted)
					return;
				if (error instanceof Problem && (error.status === 401 || error.status === 403)) {
					this.on.denied(error);
					return;
				}
				this.on.down(error);
			}
			if (!signal.aborted)
				await this.pause(BACKOFF_MS[Math.min(this.attempt++, BACKOFF_MS.length - 1)]);
		}
	}

	pause(ms) {
		const jitter = ms * (0.75 + Math.random() / 2);

		return new Promise((resolve) => {
			this.wake = resolve;
			setTimeout(resolve, jitter);
		});
	}

	async stream(signal) {
		const stopper = new AbortController();
		let watchdog = null, begun = false;
		const heard = () => {
			clearTimeout(watchdog);
			watchdog = setTimeout(() => {
				if (!begun)
					this.pollUntil = performance.now() + STREAM_AGAIN_MS; // something on the way may gather streams
				stopper.abort(new Silence());
			}, SILENCE_MS);
		};

		try {
			heard();
			const answer = await fetch('/v1/events', {
				headers: this.api.headers({Accept: 'text/event-stream', ...(this.last ? {'Last-Event-ID': this.last} : {})}),
				cache: 'no-store',
				credentials: 'same-origin',
				redirect: 'error',
				signal: AbortSignal.any([signal, stopper.signal]),
			});
			const problem = answer.ok ? null : new Problem(answer.status, await readJson(answer));
			const streams = (answer.headers.get('Content-Type') || '').startsWith('text/event-stream');
			if (problem?.code === 'busy' || (!problem && !streams)) {
				// As many streams as there may be, or something between here and the daemon that lets none through.
				this.pollUntil = performance.now() + STREAM_AGAIN_MS;
				return;
			}
			if (problem)
				throw problem;
			const reader = new StreamReader((m) => this.message(m));
			const decoder = new TextDecoder();
			this.attempt = 0;
			this.heardAt = Date.now();
			this.on.up(false);
			for await (const chunk of chunks(answer.body)) {
				begun = true;
				heard();
				this.heardAt = Date.now();
				reader.push(decoder.decode(chunk, {stream: true}));
			}
			throw new Error('the daemon ended the connection');
		} catch (error) {
			// What a reader is told of an abort is not always its reason: that is ours.
			throw stopper.signal.aborted ? stopper.signal.reason : error;
		} finally {
			clearTimeout(watchdog);
		}
	}

	message({event, id, data}) {
		if (id)
			this.last = id;
		if (event === 'state') {
			this.on.state();
		} else if (event === 'reset') {
			this.on.reset();
		} else if (event === 'end') {
			this.attempt = 0; // the connection ends now, and is made anew
		} else {
			try {
				this.on.event(JSON.parse(data));
			} catch {
				// a line of a later version: nothing to show
			}
		}
	}

	async polls(signal) {
		let up = false;

		while (performance.now() < this.pollUntil) {
			const after = this.last ? `after=${encodeURIComponent(this.last)}&limit=1000` : 'newest=true&limit=1';
			const {body} = await this.api.get(`/v1/events?${after}`, {signal});
			this.attempt = 0;
			this.heardAt = Date.now();
			if (!up)
				this.on.up(true);
			up = true;
			if (this.last && body.lost)
				this.on.reset();
			if (this.last)
				body.events.forEach((e) => this.on.event(e));
			this.last = body.last || this.last;
			this.on.state();
			if (!body.more)
				await new Promise((resolve) => setTimeout(resolve, POLL_MS));
		}
	}
}

// Not every browser can loop over a body.
async function* chunks(body) {
	const reader = body.getReader();

	for (;;) {
		const {done, value} = await reader.read();
		if (done)
			return;
		yield value;
	}
}
