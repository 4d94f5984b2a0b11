// SPDX-License-Identifier: LGPL-2.1-or-later
// The page: keeps what is known in one object, and draws it when it changes.

import {announce, byId, h, keyed, setText} from './dom.js';
import {clock, count, percent, since, size, until, upper, when} from './format.js';
import {Api, Live, Problem, keepToken, takeToken} from './transport.js';
import {LEGEND, Vessel} from './vessel.js';
import {GuestTable} from './guests.js';
import {Feed} from './feed.js';
import {GuestPanel} from './guest.js';
import {PolicyList} from './policies.js';
import {Commands} from './commands.js';
import {STATES, isMove, why} from './words.js';
import {startTheme} from './theme.js';

const SLOW_VIEW_SEC = 2;
const ENDED_MS = 60000; // an operation that has ended is shown so long
const OPERATIONS = {'mode-set': 'Change of the mode', 'guest-enroll': 'Enrolling a guest', reload: 'Reload', 'policy-put': 'Saving a policy', 'policy-delete': 'Removing a policy'};
// What is asked for again whenever the view changed. `optional`: a daemon may not have it.
const PATHS = {
	host: '/v1/hosts/self',
	guests: '/v1/guests',
	policies: '/v1/policies',
	operations: '/v1/operations',
};
const OPTIONAL = new Set(['operations']);

const api = new Api();
const model = {host: null, guests: [], policies: null, operations: null, who: null, selected: null, lostSince: null, viewAge: 0, missing: new Set()};

const openGuest = (uuid) => panel.open(uuid);
const vessel = new Vessel(byId('vessel'), openGuest);
const table = new GuestTable(byId('guest-table'), byId('guest-filter'), openGuest);
const feed = new Feed(byId('feed-list'), byId('feed-choice'), openGuest);
const commands = new Commands(api, model, refresh);
const policies = new PolicyList(byId('policy-list'), byId('policy-tools'), commands, model);
const panel = new GuestPanel(byId('guest-panel'), api, model, feed, commands, () => schedule());
const live = new Live(api, {
	up() {
		if (model.lostSince)
			announce('The connection is back.');
		model.lostSince = null;
		catchUp();
	},
	down(error) {
		if (!model.lostSince) {
			model.lostSince = live.heardAt ?? Date.now(); // the figures are that old
			announce('The connection to the daemon is lost. Figures are from before.');
		}
		model.lostWhy = error.message;
		schedule();
	},
	state: () => refresh(),
	event: takeEvent,
	reset: () => catchUp(),
	denied: (problem) => signIn(problem),
});

// ---- what comes in ----

let refreshing = null, again = false, caughtUp = false;

// Asks for all that changed; while it does, further wishes become one more round.
function refresh() {
	if (document.hidden)
		return refreshing;
	if (refreshing) {
		again = true;
		return refreshing;
	}
	refreshing = (async () => {
		do {
			const began = performance.now();

			again = false;
			await refreshOnce();
			// A host with thousands of guests: not all the time is spent on asking.
			const rest = 3 * (performance.now() - began);
			if (again && rest > 300)
				await new Promise((resolve) => setTimeout(resolve, rest));
		} while (again);
	})().catch((error) => {
		if (error instanceof Problem && (error.status === 401 || error.status === 403))
			signIn(error);
	}).finally(() => {
		refreshing = null;
	});
	return refreshing;
}

async function refreshOnce() {
	const names = Object.keys(PATHS).filter((n) => !model.missing.has(n));
	let changed = false;

	model.viewAge = 0;
	await Promise.all(names.map(async (name) => {
		try {
			const {body, changed: other, age} = await api.get(PATHS[name], {keep: true});

			model.viewAge = Math.max(model.viewAge, age);
			if (other || !model[name]) {
				model[name] = name === 'guests' ? body.guests : body;
				changed = true;
			}
		} catch (error) {
			if (OPTIONAL.has(name) && error.status === 404 && error.code === 'route-unknown')
				model.missing.add(name);
			else if (!(OPTIONAL.has(name) && error instanceof Problem))
				throw error;
		}
	}));
	if (changed || model.viewAge)
		schedule();
}

// The last events, and all figures: after a start, and after an interruption.
async function catchUp() {
	try {
		const {body} = await api.get('/v1/events?newest=true&limit=200');

		body.events.forEach((e) => feed.add(e));
		feed.events.sort((a, b) => (a.time < b.time ? 1 : a.time > b.time ? -1 : b.seq - a.seq));
		await refresh();
		caughtUp = true;
	} catch {
		// the stream says what is wrong
	}
	schedule();
}

function takeEvent(event) {
	if (!feed.add(event))
		return;
	if (isMove(event) && caughtUp && !document.hidden && Date.now() - new Date(event.time) < 8000)
		vessel.move(event.uuid, event.numbers.from, event.numbers.to);
	panel.event(event);
	schedule();
}

// ---- what is shown ----

let due = false;
function schedule() {
	if (due)
		return;
	due = true;
	requestAnimationFrame(() => {
		due = false;
		draw();
	});
}

function draw() {
	drawBar();
	drawBanners();
	if (!model.host || !model.policies)
		return;
	byId('all').hidden = false;
	document.body.classList.toggle('stale', Boolean(model.lostSince) || model.viewAge >= SLOW_VIEW_SEC);
	drawState();
	vessel.update(model.host, model.guests);
	table.update(model.guests, model.selected);
	policies.update();
	commands.update();
	drawOperations();
	feed.draw();
	panel.update();
}

function drawBar() {
	const host = model.host;
	const text = model.lostSince ? `lost since ${clock(model.lostSince)}` : host ? 'live' : 'connecting';

	byId('live').dataset.live = model.lostSince ? 'lost' : host ? 'live' : 'wait';
	setText(byId('live-text'), text);
	if (host) {
		setText(byId('bar-host'), host.name);
		document.title = `${host.name} ${model.lostSince ? 'connection lost' : host.state ?? 'starting'} – Ballast`;
	}
}

function drawBanners() {
	const items = [];

	if (model.lostSince)
		items.push({key: 'lost', tone: 'bad', title: `Connection lost since ${clock(model.lostSince)}`,
			text: 'The figures below are from before. Trying again by itself; is ballastd running? (systemctl status ballastd)', again: true});
	else if (model.viewAge >= SLOW_VIEW_SEC)
		items.push({key: 'age', tone: 'bad', title: 'The daemon does not keep up', text: `The figures are ${model.viewAge} s old. See the journal of ballastd.`});
	if (model.host?.pause?.paused)
		items.push({key: 'pause', tone: 'note', ...commands.pauseBanner()});
	if (model.host?.mode === 'observe')
		items.push({key: 'observe', tone: 'info', title: 'Mode is observe', text: 'Everything is shown, nothing is touched.'});
	for (const p of model.host?.problems ?? [])
		items.push({key: `${p.code} ${p.text}`, tone: 'bad', title: upper(p.text), text: p.remedy ? `→ ${p.remedy}` : '', since: p.since, code: p.code});

	const root = byId('banners');
	root.hidden = !items.length;
	keyed(root, items, (i) => i.key, (i) => h('div', {class: 'banner', 'data-tone': i.tone},
		h('div', {class: 'banner-text'}, h('strong'), h('span')),
		i.again ? h('button', {type: 'button', class: 'button', on: {click: () => live.hurry()}}, 'Try now') : null,
		i.actions ? i.actions.map(([label, click]) => h('button', {type: 'button', class: 'button', on: {click}}, label)) : null),
	(node, i) => {
		setText(node.querySelector('strong'), i.title);
		setText(node.querySelector('span'), `${i.text}${i.since ? `  (for ${since(i.since)})` : ''}`);
	});
}

let saidState = null;
function drawState() {
	const host = model.host, m = host.memory;
	const state = STATES[host.state] ?? {means: 'Guests are read for the first time.', tone: 'quiet'};

	byId('state-word').dataset.tone = state.tone;
	setText(byId('state-word'), host.state ? upper(host.state) : 'Starting');
	setText(byId('state-why'), `${state.means} ${why(host, model.guests)}`);
	if (saidState && saidState !== host.state)
		announce(`The host is ${host.state}. ${state.means}`);
	saidState = host.state;

	const next = model.policies.next_change;
	const g = host.guests;
	const wrong = [[g.pressed, 'pressed'], [g.stale, 'silent'], [g.stuck, 'stuck'], [g.breaker, 'hold too much'], [g.quarantined, 'no answer'],
		[model.guests.filter((one) => one.fixed).length, 'cannot be moved'], [model.guests.filter((one) => !one.fixed && one.conditions.includes('unknown')).length, 'not heard']].filter((w) => w[0]);
	const figures = [
		['given', 'For guests', size(m.charged), `of ${size(m.budget)}`],
		['free', m.charged > m.budget ? 'Too much' : 'Free', m.charged > m.budget ? size(m.charged - m.budget) : size(m.free), m.reserved ? `${size(m.reserved)} reserved` : `of ${size(m.managed)} in all`],
		['cpu', 'CPU busy', host.cpu ? percent(host.cpu.busy_permyriad) : '–', host.cpu?.steal_permyriad >= 50 ? `${percent(host.cpu.steal_permyriad)} stolen below` : count(host.cpus, 'CPU')],
		['guests', 'Guests', String(g.count), wrong.length ? wrong.map((w) => `${w[0]} ${w[1]}`).join(', ') : 'all well'],
		['next', 'Next change', next ? when(next) : 'none', next ? `of policy, in ${until(next)}` : 'no schedule opens or closes'],
	];
	keyed(byId('figures'), figures, (f) => f[0], () => h('div', {class: 'figure'}, h('dt'), h('dd'), h('dd', {class: 'figure-more'})), (node, f) => {
		setText(node.children[0], f[1]);
		setText(node.children[1], f[2]);
		setText(node.children[2], f[3]);
	});
}

function drawOperations() {
	const now = Date.now();
	const list = (model.operations?.operations ?? []).filter((o) => o.state === 'running' || now - new Date(o.ended) < ENDED_MS);
	const items = [
		...list.map((o) => ({id: String(o.id), text: OPERATIONS[o.kind] ?? upper(o.kind.replaceAll('-', ' ')), part: o.state === 'running' ? o.progress_permyriad ?? -1 : null,
			more: `${o.state === 'running' ? `since ${clock(o.started)}` : `${o.state} at ${clock(o.ended)}`}, by ${o.by}`})),
		...model.host.reservations.map((r) => ({id: `r${r.id}`, text: `Room for ${r.guest}`, part: null, more: `${size(r.bytes)}, ${r.granted ? 'granted' : 'being made'}, until ${when(r.deadline)}`}))];

	byId('operations').hidden = !items.length;
	keyed(byId('operation-list'), items, (o) => o.id, () => h('div', {class: 'operation'}, h('strong'), h('span'), h('progress', {max: '10000'})), (node, o) => {
		setText(node.children[0], o.text);
		setText(node.children[1], o.more);
		const bar = node.children[2];

		bar.hidden = o.part === null;
		bar.setAttribute('aria-label', o.text);
		if (o.part >= 0)
			bar.value = o.part;
		else
			bar.removeAttribute('value'); // it is not known how far it is
	});
}

// ---- who asks ----

function signIn(problem) {
	const root = byId('signin');

	live.stop();
	byId('all').hidden = true;
	byId('live').dataset.live = 'lost';
	setText(byId('live-text'), 'not signed in');
	root.hidden = false;
	const input = h('input', {type: 'password', id: 'token', autocomplete: 'current-password', spellcheck: 'false', required: true});
	const said = h('p', {class: 'said', role: 'alert'}, problem && api.token ? problem.message : '');
	root.replaceChildren(h('h1', {id: 'signin-title'}, 'Sign in'),
		h('p', {}, 'This daemon wants to know who asks. Paste a token (ballastctl token new NAME makes one); it stays in this tab and goes nowhere else.'),
		h('form', {on: {submit: (e) => {
			e.preventDefault();
			const token = input.value.trim();
			if (!/^[\x21-\x7e]+$/.test(token)) {
				setText(said, 'A token has no spaces and no letters beyond ASCII.');
				return;
			}
			keepToken(token);
			root.hidden = true;
			start();
		}}}, h('label', {for: 'token'}, 'Token'), input, h('button', {type: 'submit', class: 'button primary'}, 'Sign in'), said));
	input.focus();
}

async function whoAmI() {
	try {
		model.who = (await api.get('/v1/whoami')).body;
	} catch (error) {
		if (error instanceof Problem && (error.status === 401 || error.status === 403))
			throw error;
		model.who = null; // the daemon says no to what is not allowed
	}
}

async function start() {
	api.token = takeToken();
	api.cache.clear();
	model.host = null;
	try {
		await whoAmI();
	} catch (error) {
		if (error instanceof Problem) {
			signIn(error);
			return;
		}
	}
	live.start();
}

// ---- begin ----

byId('legend').append(...LEGEND.map(([key, text]) => h('li', {}, h('span', {class: `swatch swatch-${key}`, 'aria-hidden': 'true'}), text)));
byId('who-button').addEventListener('click', () => commands.who(() => {
	keepToken(null);
	location.reload();
}));
startTheme(byId('theme-button'));
document.addEventListener('visibilitychange', () => {
	if (!document.hidden)
		refresh();
});
addEventListener('online', () => live.hurry());
setInterval(schedule, 5000); // "in 3 min" goes on by itself
start();
