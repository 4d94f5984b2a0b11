// SPDX-License-Identifier: LGPL-2.1-or-later
// The page: keeps what is known in one object, and draws it when it changes.

import {announce, byId, h, keyed, setAttr, setText, visible} from './dom.js';
import {byName, clock, count, percent, since, size, until, upper, when} from './format.js';
import {Api, Live, Problem, Silence, keepToken, takeToken} from './transport.js';
import {LEGEND, Vessel} from './vessel.js';
import {GuestTable} from './guests.js';
import {Feed} from './feed.js';
import {GuestPanel} from './guest.js';
import {PolicyList, nextText} from './policies.js';
import {Commands} from './commands.js';
import {STATES, isMove, why} from './words.js';
import {startTheme} from './theme.js';

const SLOW_VIEW_SEC = 2;
const GRACE_MS = 1500; // a connection that ended and is back within this time was not lost: nothing jumps
const AGAIN_MS = 2000; // figures that could not be read are asked for again
const FAILING_MS = 5000; // figures that cannot be read for so long are said to be old
const ENDED_MS = 60000; // an operation that has ended is shown so long
const OPERATIONS = {'mode-set': 'Change of the mode', 'guest-enroll': 'Enrolling a guest', reload: 'Reload', 'policy-put': 'Saving a policy', 'policy-delete': 'Removing a policy'};
const CANCELLED = new Set(['policy-put', 'policy-delete']); // those that may still wait for another one
// What is asked for again whenever the view changed. `optional`: a daemon may not have it.
const PATHS = {
	host: '/v1/hosts/self',
	guests: '/v1/guests',
	policies: '/v1/policies',
	operations: '/v1/operations',
};
const OPTIONAL = new Set(['operations']);

const api = new Api();
const model = {host: null, guests: [], policies: null, operations: null, who: null, selected: null, lostSince: null, downSince: null, polls: false, failing: null, viewAge: 0, missing: new Set()};

const openGuest = (uuid) => panel.open(uuid);
const vessel = new Vessel(byId('vessel'), openGuest);
const table = new GuestTable(byId('guest-table'), byId('guest-filter'), openGuest);
const feed = new Feed(byId('feed-list'), byId('feed-choice'), openGuest);
const commands = new Commands(api, model, refresh);
const policies = new PolicyList(byId('policy-list'), byId('policy-tools'), commands, model);
const panel = new GuestPanel(byId('guest-panel'), api, model, feed, commands, () => schedule());
const live = new Live(api, {
	up(polls) {
		if (model.lostSince)
			announce('The connection is back.');
		clearTimeout(model.grace);
		model.lostSince = model.downSince = null;
		model.polls = polls;
		catchUp();
	},
	down(error) {
		if (!model.downSince) {
			model.downSince = Date.now();
			if (error instanceof Silence)
				lost(); // it was silent for long enough
			else
				model.grace = setTimeout(lost, GRACE_MS);
		}
		schedule();
	},
	state: () => refresh(),
	event: takeEvent,
	reset: () => catchUp(),
	denied: (problem) => signIn(problem),
});

function lost() {
	model.lostSince = live.heardAt ?? model.downSince; // the figures are that old
	announce('The connection to the daemon is lost. Figures are from before.');
	schedule();
}

// ---- what comes in ----

let session = 0; // grows with each sign-out
let refreshing = null, again = false, caughtUp = false;

// Asks for all that changed; while it does, further wishes become one more round.
function refresh() {
	if (document.hidden || model.signedOut)
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
		model.failing = null;
	})().catch((error) => {
		if (error instanceof Problem && (error.status === 401 || error.status === 403)) {
			signIn(error);
			return;
		}
		model.failing = {since: model.failing?.since ?? Date.now(), text: error.message};
		clearTimeout(model.again);
		model.again = setTimeout(refresh, AGAIN_MS); // the stream may have nothing to tell for a long time
		schedule();
	}).finally(() => {
		refreshing = null;
	});
	return refreshing;
}

async function refreshOnce() {
	const names = Object.keys(PATHS).filter((n) => !model.missing.has(n));
	const mine = session;
	let changed = false;

	model.viewAge = 0;
	await Promise.all(names.map(async (name) => {
		try {
			const {body, changed: other, age} = await api.get(PATHS[name], {keep: true});

			if (mine !== session)
				return; // asked by who is gone
			model.viewAge = Math.max(model.viewAge, age);
			if (other || !model[name]) {
				model[name] = name === 'guests' ? body.guests.sort((a, b) => byName.compare(a.name, b.name)) : body;
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
		const mine = session, {body} = await api.get('/v1/events?newest=true&limit=200');

		if (mine !== session)
			return;
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
	if (model.signedOut)
		return;
	drawBar();
	drawBanners();
	if (!model.host || !model.policies)
		return;
	byId('all').hidden = false;
	document.body.classList.toggle('stale', Boolean(model.lostSince || isFailing()) || model.viewAge >= SLOW_VIEW_SEC);
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
	const [state, text, title] = model.lostSince ? ['lost', `lost since ${clock(model.lostSince)}`, 'Figures are from before'] :
		model.downSince ? ['wait', 'connecting again', 'The connection ended a moment ago'] :
			!host ? ['wait', 'connecting', ''] :
				model.polls ? ['live', 'live, by asking', 'No stream of events can be had now: the daemon is asked every second'] :
					['live', 'live', 'Changes come as they happen'];

	byId('live').dataset.live = state;
	setAttr(byId('live'), 'title', title);
	setText(byId('live-text'), text);
	if (host) {
		setText(byId('bar-host'), host.name);
		document.title = visible(`${host.name} ${model.lostSince ? 'connection lost' : host.state ?? 'starting'} – Ballast`);
	}
}

const isFailing = () => model.failing && Date.now() - model.failing.since >= FAILING_MS;

function drawBanners() {
	const items = [];

	if (model.lostSince)
		items.push({key: 'lost', tone: 'bad', title: `Connection lost since ${clock(model.lostSince)}`,
			text: 'The figures below are from before. Trying again by itself; is ballastd running? (systemctl status ballastd)', again: true});
	else if (isFailing())
		items.push({key: 'failing', tone: 'bad', title: `The figures are of ${clock(model.failing.since)}`, text: `${upper(model.failing.text)}. Trying again by itself.`});
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
		['guests', 'Guests', String(g.count), wrong.length ? wrong.map((w) => `${w[0]} ${w[1]}`).join(', ') : g.count ? 'all well' : 'none runs'],
		['next', 'Next change', next ? when(next) : 'none', next ? `${nextText(model.policies)}, in ${until(next)}` : 'no schedule opens or closes'],
	];
	keyed(byId('figures'), figures, (f) => f[0], () => h('div', {class: 'figure'}, h('dt'), h('dd'), h('dd', {class: 'figure-more'})), (node, f) => {
		setText(node.children[0], f[1]);
		setText(node.children[1], f[2]);
		setText(node.children[2], f[3]);
		setAttr(node.children[2], 'title', f[3]); // where it is cut
	});
}

function drawOperations() {
	const now = Date.now(), may = commands.may('operate');
	const list = (model.operations?.operations ?? []).filter((o) => o.state === 'running' || now - new Date(o.ended) < ENDED_MS);
	const items = [
		...list.map((o) => ({id: String(o.id), text: OPERATIONS[o.kind] ?? upper(o.kind.replaceAll('-', ' ')), part: o.state === 'running' ? o.progress_permyriad ?? -1 : null, state: o.state,
			more: `${o.state === 'running' ? `since ${clock(o.started)}` : `${o.state} at ${clock(o.ended)}`}, by ${o.by}`,
			cancel: may && o.state === 'running' && CANCELLED.has(o.kind) ? () => commands.cancelOperation(o) : null})),
		...model.host.reservations.map((r) => ({id: `r${r.id}`, text: `Room for ${r.guest}`, part: null,
			more: `${size(r.bytes)}, ${r.granted ? 'granted' : 'being made'}; given up at ${clock(r.deadline)} unless it starts`,
			cancel: may ? () => commands.cancelReservation(r) : null}))];

	byId('operations').hidden = !items.length;
	keyed(byId('operation-list'), items, (o) => o.id, () => {
		const bar = h('progress', {max: '10000'}), name = h('strong'), more = h('span');
		const button = h('button', {type: 'button', class: 'button', on: {click: () => button.cancel?.()}}, 'Cancel');

		return Object.assign(h('div', {class: 'operation'}, h('div', {}, name, more), button, bar), {parts: {name, more, bar, button}});
	}, (node, o) => {
		const {name, more, bar, button} = node.parts;

		node.dataset.state = o.state ?? '';
		setText(name, o.text);
		setText(more, o.more);
		button.hidden = !o.cancel;
		button.cancel = o.cancel;
		setAttr(button, 'aria-label', `Cancel: ${o.text}`);
		bar.hidden = o.part === null;
		setAttr(bar, 'aria-label', o.text);
		if (o.part >= 0)
			bar.value = o.part;
		else
			bar.removeAttribute('value'); // it is not known how far it is
	});
}

// ---- who asks ----

// Who asks next must see nothing of what was shown to the one before.
function forget() {
	session++;
	live.stop();
	live.last = live.heardAt = null;
	clearTimeout(model.grace);
	Object.assign(model, {host: null, guests: [], policies: null, operations: null, who: null, lostSince: null, downSince: null, polls: false, failing: null, viewAge: 0});
	api.cache.clear();
	feed.clear();
	vessel.clear();
	document.querySelectorAll('dialog').forEach((d) => d.close());
	if (model.selected)
		panel.close();
	saidState = null;
	caughtUp = false;
	document.title = 'Ballast';
}

function signIn(problem) {
	const root = byId('signin');

	if (model.signedOut)
		return; // somebody is typing
	forget();
	model.signedOut = true;
	for (const id of ['all', 'banners', 'pause-button', 'mode-button', 'who-button'])
		byId(id).hidden = true;
	setText(byId('bar-host'), '');
	byId('live').dataset.live = 'lost';
	setText(byId('live-text'), 'not signed in');
	root.hidden = false;
	const input = h('input', {type: 'password', id: 'token', autocomplete: 'off', spellcheck: 'false', required: true});
	const said = h('p', {class: 'said', role: 'alert'}, problem && (api.token || !problem.message.startsWith('show who you are')) ? problem.message : '');
	root.replaceChildren(h('h1', {id: 'signin-title'}, 'Sign in'),
		h('p', {}, 'This daemon wants to know who asks. Paste a token (ballastctl token new NAME makes one); it is kept for this tab until it is closed, and goes to this daemon alone.'),
		h('form', {on: {submit: (e) => {
			e.preventDefault();
			const token = input.value.trim();
			if (!/^[\x21-\x7e]+$/.test(token)) {
				setText(said, 'A token has no spaces and no letters beyond ASCII.');
				return;
			}
			keepToken(token);
			root.hidden = true;
			root.replaceChildren(); // the token stays in no field
			model.signedOut = false;
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
