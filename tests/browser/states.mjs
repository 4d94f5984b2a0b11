// SPDX-License-Identifier: LGPL-2.1-or-later
// What the page shows as things go on, and what can be done from it: a pause across a change of policy, room that is given up, a guest that is
// enrolled, policies that are read again; a network that falls silent, breaks, or lets no stream through. Run by test-states.sh.
import {randomUUID} from 'node:crypto';
import {accessible, admin, api, base, end, expect, guest, is, newPage, noDialog, ok, openGuest, part, picture, pushButton, reader, rowText, signedIn, text, tidyBefore, until, visible} from './kit.mjs';
import {cable} from './cable.mjs';

const SILENCE_MS = 20000; // as docs/API.md and transport.js have it: a heartbeat comes every 15 s
const feedText = async (page) => {
	await page.evaluate(() => [...document.querySelectorAll('#feed-choice button')].find((b) => b.textContent === 'Everything').click());
	return text(page, '#feed-list');
};
const figure = (page, title) => page.evaluate((t) => [...document.querySelectorAll('.figure')].find((f) => f.querySelector('dt').textContent === t)?.innerText.split('\n').slice(1).join(' / '), title);
const policyState = (page, name) => page.evaluate((n) => [...document.querySelectorAll('.policy')].find((p) => p.querySelector('.policy-name').textContent === n)?.innerText.replaceAll('\n', ' / ') ?? '', name);
// Notes each word that stands for the connection, with its time.
const watched = (page) => page.evaluate(() => {
	const live = document.getElementById('live-text'), banners = document.getElementById('banners');
	const note = () => window.seen.push([Date.now(), live.textContent, banners.innerText]);

	window.seen = [];
	note();
	for (const node of [live, banners])
		new MutationObserver(note).observe(node, {childList: true, characterData: true, subtree: true, attributes: true});
});
const seen = (page) => page.evaluate(() => window.seen);

await api('PUT', '/v1/mode', {mode: 'enforce'});
const page = await signedIn();
tidyBefore(page);
await watched(page);

// ---- a network that falls silent: it takes its 20 s while the rest goes on ----
const silent = await cable(base), silentPage = await signedIn({own: silent.base, expects: [/ERR_/]});
await until(10, async () => (await text(silentPage, '#live-text')) === 'live');
await watched(silentPage);
const frozenAt = Date.now();
silent.freeze();

// ---- no stream is left: 64 of one user who is no admin ----
const streams = new AbortController();
const opened = await Promise.all(Array.from({length: 64}, () => fetch(`${base}/v1/events`, {headers: {Authorization: `Bearer ${reader}`, Accept: 'text/event-stream'}, signal: streams.signal}).then((r) => r.status)));
const polled = await newPage();
expect(/503/);
await polled.goto(`${base}/#token=${reader}`);
await polled.waitForSelector('#all:not([hidden])');
await part('no stream can be had', async () => {
	ok(opened.every((s) => s === 200), 'a user who is no admin has 64 streams', opened);
	ok(await until(10, async () => (await text(polled, '#live-text')) === 'live, by asking'), 'where no stream is left the page asks, and says so', await text(polled, '#live-text'));
	is(await visible(polled, '#banners'), false, 'the connection is not said to be lost');
	await api('PUT', '/v1/pause', {for_s: 60, message: 'seen without a stream'});
	ok(await until(5, async () => (await text(polled, '#banners')).includes('seen without a stream')), 'what changes is shown all the same', await text(polled, '#banners'));
	ok(await until(5, async () => (await feedText(polled)).includes('seen without a stream')), 'and the events come', await text(polled, '#feed-list'));
	const asked = [];
	const count = (r) => asked.push(new URL(r.url()).pathname + new URL(r.url()).search);
	polled.on('request', count);
	await until(3, () => null);
	polled.off('request', count);
	ok(asked.length > 3 && asked.length < 30 && !asked.some((u) => u.includes('limit=200')), 'it asks for what came after what it has, a few times a second at most', asked);
	await api('DELETE', '/v1/pause');
	ok(await until(5, async () => !(await visible(polled, '#banners'))), 'and what ends, ends');
	await accessible(polled, 'no stream can be had');
});
streams.abort(); // from now on there are streams again: looked at below
const freeAt = Date.now();

// ---- what comes next ----
await part('the next change', async () => {
	ok(await until(10, async () => /^.*\d\d:\d\d \/ 60-night (opens|closes), in /.test(await figure(page, 'Next change'))), 'the next change is named: which policy, and whether it opens', await figure(page, 'Next change'));
	ok(/Mon\.\.Fri 20:00 · (opens|closes) .*\d\d:\d\d/.test(await policyState(page, '60-night')), 'and stands at its policy', await policyState(page, '60-night'));
});

// ---- a schedule opens in a pause ----
await part('a pause across a change of policy', async () => {
	const at = new Date(Date.now() + 12000), clock = at.toISOString().slice(11, 19);
	const before = await until(20, async () => {
		const g = await guest('web0');
		return g.memory.target === g.memory.actual && g.memory.actual;
	});
	await api('PUT', '/v1/policies/70-soon', {text: `[Policy]\nDescription=Soon\n[Match]\nGuest=web0\n[Schedule]\nOnCalendar=*-*-* ${clock}\nDuration=1h\nTimeZone=UTC\n[Memory]\nMin=224M\n`});
	ok(await until(8, async () => /70-soon opens, in \d+ s/.test(await figure(page, 'Next change'))), 'a schedule that opens soon is the next change', await figure(page, 'Next change'));
	await pushButton(page, '.bar', 'Pause');
	await page.type('#pause-message', 'not now, please');
	await pushButton(page, 'dialog', 'Pause');
	ok(await until(10, async () => (await text(page, '#banners')).includes('not now, please')), 'a pause is shown', await text(page, '#banners'));
	ok(Date.now() < at - 500, 'it began before the schedule opens', new Date(), at);
	ok(await until(25, async () => (await policyState(page, '70-soon')).startsWith('in force')), 'when the schedule opens in the pause, the policy is shown as in force', await policyState(page, '70-soon'));
	ok(await until(5, async () => /closes/.test(await policyState(page, '70-soon'))), 'and when it closes', await policyState(page, '70-soon'));
	ok((await text(page, '#banners')).includes('No guest is touched until'), 'the pause stays on the page', await text(page, '#banners'));
	await until(3, () => null); // time enough for a move, were there one
	is((await guest('web0')).memory.actual, before, 'and the guest is not touched');
	ok((await rowText(page, 'web0')).includes(`${Math.round(before / 1048576)} MiB`), 'which the page shows', await rowText(page, 'web0'));
	await accessible(page, 'a pause');
	await picture(page, 'paused');
	await pushButton(page, '#banners', 'Resume');
	await pushButton(page, 'dialog', 'Resume');
	ok(await until(10, async () => !(await text(page, '#banners')).includes('Paused')), 'ended, the notice is gone', await text(page, '#banners'));
	const moved = await until(30, async () => (await guest('web0')).memory.actual >= 224 * 1048576);
	ok(moved, 'and the guest gets what the policy gives it', (await guest('web0')).memory);
	ok(await until(10, async () => /2[2-5]\d MiB/.test(await rowText(page, 'web0'))), 'the table has it', await rowText(page, 'web0'));
	ok(await until(10, () => page.evaluate(() => {
		[...document.querySelectorAll('#feed-choice button')].find((b) => b.textContent === 'Moves').click();
		return [...document.querySelectorAll('#feed-list .move[data-way="up"]')].some((l) => l.innerText.includes('web0') && /Min=/.test(l.innerText));
	})), 'and the list of moves says why', await text(page, '#feed-list'));
});
await part('a pause that ends by itself', async () => {
	await api('PUT', '/v1/pause', {for_s: 3, message: 'a short one'});
	ok(await until(3, async () => (await text(page, '#banners')).includes('a short one')), 'a short pause is shown', await text(page, '#banners'));
	ok(await until(10, async () => !(await text(page, '#banners')).includes('a short one')), 'and gone when its time is over');
	ok(/resumed/.test(await feedText(page)), 'the end is among the events', await text(page, '#feed-list'));
});

// ---- room for a guest that is to start ----
await part('a reservation', async () => {
	const evil = await api('POST', '/v1/reservations', {uuid: randomUUID(), name: 'evil\u202elmx\u009b', bytes: 1 << 20, wait_s: 5});
	ok(await until(10, async () => (await text(page, '#operation-list')).includes('Room for evil\\u202elmx\\u009b')), 'what would turn a name around is shown as an escape', await text(page, '#operation-list'));
	await api('DELETE', `/v1/reservations/${evil.body.id}`);
	ok(await until(10, async () => !(await visible(page, '#operations'))), 'and it goes');
	const made = await api('POST', '/v1/reservations', {uuid: randomUUID(), name: 'new1', bytes: 32 << 20, wait_s: 5});
	is(made.status, 201, 'room is reserved');
	ok(await until(10, async () => /Room for new1/.test(await text(page, '#operation-list')) && /32 MiB, granted/.test(await text(page, '#operation-list'))), 'it is shown with its size', await text(page, '#operation-list'));
	ok(await until(10, () => visible(page, '.space-reserved')), 'and has its place in the vessel');
	ok(await until(10, async () => /Room for new1/.test(await text(polled, '#operation-list'))) && !await visible(polled, '#operation-list button'), 'who may only read sees it, and cannot cancel it');
	await accessible(page, 'room is reserved');
	await pushButton(page, '#operation-list', 'Cancel');
	ok(/Give up the room for new1\?/.test(await text(page, 'dialog')), 'cancelling asks first', await text(page, 'dialog'));
	await accessible(page, 'room is to be given up');
	await pushButton(page, 'dialog', 'Cancel');
	await noDialog(page);
	is((await api('GET', '/v1/reservations')).body.reservations.length, 1, 'and does nothing when one thinks better of it');
	await pushButton(page, '#operation-list', 'Cancel');
	await pushButton(page, 'dialog', 'Give it up');
	ok(await until(10, async () => (await api('GET', '/v1/reservations')).body.reservations.length === 0), 'then it is given up');
	ok(await until(10, async () => !/new1/.test((await visible(page, '#operations')) ? await text(page, '#operation-list') : '')), 'and gone from the page', await text(page, '#operation-list'));
});

// ---- a guest without a channel ----
await part('enrolling', async () => {
	await api('PUT', '/v1/mode', {mode: 'observe'});
	await openGuest(page, 'web2');
	ok(await until(10, () => visible(page, '.enroll')), 'a guest without a channel says so');
	expect(/409/);
	await pushButton(page, '.enroll', 'Enroll');
	ok(await until(10, async () => /channel/.test(await text(page, 'dialog .preview'))), 'what would be done is said before', await text(page, 'dialog'));
	await accessible(page, 'a guest is to be enrolled');
	await pushButton(page, 'dialog', 'Enroll');
	ok(await until(10, async () => /observe/.test(await text(page, '.dialog-said'))), 'in mode observe it is refused in the daemon\'s words', await text(page, '.dialog-said'));
	await api('PUT', '/v1/mode', {mode: 'enforce'});
	await pushButton(page, 'dialog', 'Enroll');
	ok(await until(10, async () => /web2 cannot be enrolled: .*not supported by the connection driver/.test(await text(page, '.dialog-said'))), 'in mode enforce it is asked of libvirt (whose test driver has no channels)', await text(page, '.dialog-said'));
	is((await guest('web2')).agent.enrolled, false, 'and what was not done is not shown as done');
	await pushButton(page, 'dialog', 'Cancel');
	await page.keyboard.press('Escape');
});

// ---- the mode ----
await part('the mode', async () => {
	await pushButton(page, '.bar', 'Enforcing');
	ok(/Guests stay at what they have/.test(await text(page, 'dialog')), 'before nothing is moved any more it is said what that means', await text(page, 'dialog'));
	await accessible(page, 'mode observe is asked for');
	await pushButton(page, 'dialog', 'Observe');
	ok(await until(10, async () => (await text(page, '#mode-button')) === 'Observing' && /Mode is observe/.test(await text(page, '#banners'))), 'observe is shown', await text(page, '#banners'));
	is((await api('GET', '/v1/mode')).body.mode, 'observe', 'and is the mode');
	await accessible(page, 'mode observe');
	await pushButton(page, '.bar', 'Observing');
	ok(await until(10, async () => /guests would go to|No guest would be moved/.test(await text(page, 'dialog .preview'))), 'before Ballast goes live it is said what would be moved', await text(page, 'dialog'));
	await accessible(page, 'mode enforce is asked for');
	await pushButton(page, 'dialog', 'Enforce');
	ok(await until(10, async () => (await api('GET', '/v1/mode')).body.mode === 'enforce' && (await text(page, '#mode-button')) === 'Enforcing' && !await visible(page, '#banners')), 'then it does', await text(page, '#banners'));
	await noDialog(page);
	ok(await page.evaluate(() => document.activeElement.id === 'mode-button'), 'and the focus is where it was');
});

// ---- limits by hand ----
await part('limits', async () => {
	await openGuest(page, 'web1');
	await until(10, () => visible(page, '.by-hand'));
	await page.$eval('#limit-min', (r) => {
		r.value = 96;
		r.dispatchEvent(new Event('input', {bubbles: true}));
	});
	ok(/^96(\.0)? MiB$/.test(await page.$eval('#limit-min', (r) => r.getAttribute('aria-valuetext'))) && /^[0-9.]+ [MG]iB$/.test(await page.$eval('#limit-max', (r) => r.getAttribute('aria-valuetext'))),
		'a slider says its size with the unit', await page.$eval('#limit-min', (r) => r.getAttribute('aria-valuetext')));
	ok(await until(10, async () => /web1/.test(await text(page, '.drawer .preview'))), 'a slider shows what would be', await text(page, '.drawer .preview'));
	await page.$eval('.drawer summary', (s) => s.click());
	await accessible(page, 'limits by hand, and settings');
	await pushButton(page, '.drawer', 'Apply');
	await accessible(page, 'limits are to be set');
	await pushButton(page, 'dialog', 'Apply');
	ok(await until(10, async () => (await guest('web1')).overrides === 1), 'limits are set');
	await noDialog(page);
	ok(await until(10, async () => /by hand/.test(await rowText(page, 'web1'))), 'which the table says', await rowText(page, 'web1'));
	await pushButton(page, '.drawer', 'Drop what');
	await pushButton(page, 'dialog', 'Drop');
	ok(await until(10, async () => (await guest('web1')).overrides === 0), 'and can be dropped');
	await noDialog(page);
	await page.keyboard.press('Escape');
	ok(!await visible(page, '.drawer'), 'Escape closes the guest, though the button that was pressed is gone');
});

// ---- what goes on by itself ----
await part('policies are read again', async () => {
	await pushButton(page, '#policies', 'Read again');
	await accessible(page, 'policies are to be read again');
	await pushButton(page, 'dialog', 'Read again');
	ok(await noDialog(page), 'policies can be read again', await text(page, 'dialog'));
	ok(await until(10, async () => /\d policies are read/.test(await text(page, '#announce'))), 'it is said how many there are', await text(page, '#announce'));
	const answers = [];
	for (let i = 0; i < 20 && !answers.includes(202); i++)
		answers.push((await fetch(`${base}/v1/policies/80-later`, {method: 'PUT', headers: {Authorization: `Bearer ${admin}`, 'Content-Type': 'application/json', Prefer: 'respond-async',
			...(i ? {'If-Match': (await fetch(`${base}/v1/policies/80-later`, {headers: {Authorization: `Bearer ${admin}`}})).headers.get('ETag')} : {})}, body: JSON.stringify({text: `[Memory]\nWeight=${100 + i}\n`})})).status);
	ok(answers.includes(202), 'a command goes on without its asker', answers);
	ok(await until(10, async () => /Saving a policy/.test(await text(page, '#operation-list')) && /done at .*, by token chief/.test(await text(page, '#operation-list'))), 'it is shown, with its end and who asked', await text(page, '#operation-list'));
	await accessible(page, 'something is under way');
});

// ---- figures that cannot be read ----
await part('figures that cannot be read', async () => {
	const other = await signedIn();

	await other.setRequestInterception(true);
	const refuse = (r) => (r.url().endsWith('/v1/guests') ? r.abort() : r.continue());
	other.on('request', refuse);
	expect(/ERR_FAILED/);
	await api('PUT', '/v1/guests/web1/overrides', {memory: {weight: 200}}); // a change: it asks again
	ok(await until(20, async () => /^The figures are of \d\d:\d\d:\d\d/.test(await text(other, '#banners'))), 'figures that cannot be read are said to be old, though the stream stands', await text(other, '#banners'));
	ok(await other.evaluate(() => document.body.classList.contains('stale')), 'and are greyed');
	await accessible(other, 'figures cannot be read');
	other.off('request', refuse);
	other.on('request', (r) => r.continue());
	ok(await until(10, async () => !(await visible(other, '#banners'))), 'it recovers by itself', await text(other, '#banners'));
	expect();
	await other.browserContext().close();
});

// ---- a connection that breaks and is back at once ----
await part('a connection that breaks', async () => {
	const broken = await cable(base), other = await signedIn({own: broken.base});

	await until(10, async () => (await text(other, '#live-text')) === 'live');
	await watched(other);
	expect(/ERR_/);
	broken.cut();
	ok(await until(10, async () => (await seen(other)).some((s) => s[1] === 'connecting again') && (await text(other, '#live-text')) === 'live'), 'a connection that breaks is made anew', await seen(other));
	ok((await seen(other)).every((s) => !s[1].startsWith('lost') && s[2] === ''), 'and when it is back at once, no notice jumps in between', await seen(other));
	await api('PUT', '/v1/guests/web1/overrides', {memory: {weight: 210}});
	ok(await until(10, async () => /Weight=210/.test(await feedText(other))), 'the events go on', await text(other, '#feed-list'));
	expect();
	await other.browserContext().close();
	broken.close();
});

// ---- the two that were let go on ----
await part('a network that is silent', async () => {
	ok(await until(30, async () => (await text(silentPage, '#live-text')).startsWith('lost since')), 'when nothing is heard any more the page says that the connection is lost', await text(silentPage, '#live-text'));
	const lost = (await seen(silentPage)).find((s) => s[1].startsWith('lost since'));
	const after = lost[0] - frozenAt;
	ok(after > SILENCE_MS - 16000 && after < SILENCE_MS + 3000, 'at most 20 s after the last byte', after, await seen(silentPage));
	ok((await seen(silentPage)).every((s) => s[0] >= lost[0] || s[1] === 'live'), 'and not before: it was live until then', await seen(silentPage));
	ok(await until(5, async () => /Connection lost since/.test(await text(silentPage, '#banners'))) && await silentPage.evaluate(() => document.body.classList.contains('stale')), 'its figures are marked as old', await text(silentPage, '#banners'));
	await accessible(silentPage, 'the network is silent');
	await api('PUT', '/v1/guests/web1/overrides', {memory: {weight: 220}});
	silent.thaw();
	silent.cut();
	ok(await until(30, async () => (await text(silentPage, '#live-text')).startsWith('live')), 'heard again, it is live again', await text(silentPage, '#live-text'));
	ok(await until(10, async () => /Weight=220/.test(await feedText(silentPage))), 'and knows what happened meanwhile', await text(silentPage, '#feed-list'));
	expect();
});
await part('a stream can be had again', async () => {
	ok(await until(45, async () => (await text(polled, '#live-text')) === 'live'), 'when there are streams again the page takes one', await text(polled, '#live-text'), Date.now() - freeAt);
});
await part('heartbeats', async () => {
	await until(25 - (Date.now() - frozenAt) / 1000, () => null);
	ok((await seen(page)).every((s) => s[1] === 'live'), 'a page whose stream has heartbeats was live all the time', await seen(page));
});
await silentPage.browserContext().close();
silent.close();
await end();
