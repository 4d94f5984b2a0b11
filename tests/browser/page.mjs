// SPDX-License-Identifier: LGPL-2.1-or-later
// A person at the page: real Chromium, the real daemon, real guests. Run by tests/lab/test-page.sh, which says where all is by environment:
// PAGE_URL, TOKEN_ADMIN, TOKEN_READ, LAB_TOOL; SCREENS=DIR also writes the pictures of docs/screens. Prints TAP.

import {execFile} from 'node:child_process';
import {promisify} from 'node:util';
import {MIB, accessible, admin, api, base, end, expect, guest, is, newPage, noDialog, ok, openGuest, part, picture, pushButton, reader, row, rowText, screens, signedIn, text, tidyBefore, until, visible} from './kit.mjs';

const HOSTILE = '<img src=x onerror=document.title=666>';
const run = promisify(execFile);
const lab = async (...args) => (await run(process.env.LAB_TOOL, args, {timeout: 120000})).stdout;

// ---- who asks ----
await part('signing in', async () => {
	const page = await newPage();

	expect(/401/);
	await page.goto(`${base}/`);
	await page.waitForSelector('#token');
	ok(!await visible(page, '#all'), 'without a token nothing is shown but the sign-in form');
	await accessible(page, 'the sign-in form');
	await page.type('#token', 'bst_wrong');
	await page.keyboard.press('Enter');
	await until(10, async () => (await text(page, '#signin .said'))?.length > 10);
	ok(/credential|token/i.test(await text(page, '#signin .said')), 'a wrong token is refused in the daemon\'s own words', await text(page, '#signin .said'));
	await page.type('#token', admin);
	await page.keyboard.press('Enter');
	await page.waitForSelector('.guests tbody tr');
	ok(!await visible(page, '#signin'), 'a good token opens the page');
	expect();
	await page.browserContext().close();
});

const page = await signedIn();
tidyBefore(page);
await part('the token in the address', async () => {
	is(page.url(), `${base}/`, 'a token in the address is taken out of it');
	is(await page.evaluate(() => history.length <= 2 && sessionStorage.length === 1), true, 'and kept in this tab alone');
});

// ---- what is shown ----
await part('guests', async () => {
	const host = (await api('GET', '/v1/hosts/self')).body;
	const shown = await page.$$eval('.guest-name', (all) => all.map((b) => b.textContent).sort());

	ok(['files1', 'backup1', HOSTILE].every((g) => shown.includes(g)), 'all guests are listed', shown);
	ok(await until(20, async () => (await text(page, '#state-word')).toLowerCase() === (await api('GET', '/v1/hosts/self')).body.state), 'the host\'s state is in words', host.state);
	ok(await until(15, async () => {
		const mib = Math.round((await guest('backup1')).memory.actual / MIB);
		return (await rowText(page, 'backup1')).includes(`${mib} MiB`);
	}), 'a guest has on the page what the daemon says', await rowText(page, 'backup1'));
	const cells = await page.$$eval('.cell', (all) => all.map((c) => ({id: c.guestId, width: c.getBoundingClientRect().width, height: c.getBoundingClientRect().height})));
	const sizes = new Map((await api('GET', '/v1/guests')).body.guests.map((g) => [g.uuid, g.memory.actual]));
	const density = cells.map((c) => c.width * c.height / sizes.get(c.id));
	ok(cells.length >= 3 && Math.max(...density) / Math.min(...density) < 1.1, 'in the vessel equal areas are equal memory', cells, [...sizes]);
	is(await page.evaluate(() => document.querySelectorAll('img[src="x"], [onerror]').length), 0, 'a guest named like markup makes no element');
	ok(!(await page.title()).includes('666'), 'and runs nothing');
	ok((await text(page, '#guest-table')).includes(HOSTILE), 'its name is shown as it is');
	const next = await page.$eval('.figure:last-child', (f) => f.innerText.replaceAll('\n', ' '));
	ok(/60-night opens, in /.test(next), 'the next change by schedule is named', next);
});

// ---- a guest without a channel, of a real libvirt ----
await part('enrolling', async () => {
	await openGuest(page, HOSTILE);
	await pushButton(page, '.enroll', 'Enroll');
	ok(await until(10, async () => /channel org\.ballast\.agent\.0/.test(await text(page, 'dialog .preview'))), 'what enrolling would do is said before', await text(page, 'dialog'));
	await pushButton(page, 'dialog', 'Enroll');
	ok(await until(20, async () => (await guest(encodeURIComponent(HOSTILE))).agent.enrolled), 'then it is done', await text(page, 'dialog'));
	await noDialog(page);
	ok(await until(10, async () => !(await visible(page, '.enroll'))), 'and said no more');
	await page.keyboard.press('Escape');
	ok(!await visible(page, '.drawer'), 'Escape closes the guest, though the button that was pressed is gone');
	if (screens)
		await lab('in', 'h1', 'virsh', 'destroy', HOSTILE);
});

// ---- a move under real pressure ----
await part('a move', async () => {
	const before = (await guest('files1')).memory.actual;
	const pill = () => page.evaluate(() => Boolean(document.querySelector('.pill.show')));
	let moved = false;

	await lab('run', '-d', 'files1', 'load', 'mem', screens ? '340M' : '200M', '--hold', '60', '--touch');
	if (screens) { // two at once, so that somebody is short for long enough to be seen
		await lab('run', '-d', 'backup1', 'load', 'mem', '260M', '--hold', '15', '--touch');
		await until(30, async () => (moved = await pill()) && page.evaluate(() => document.querySelector('.arc') && document.querySelector('.cell.wants-more[data-tone=note]') && true));
		await until(0.6, () => null);
		await picture(page, 'pressure');
	}
	const line = await until(45, () => page.evaluate((mib) => [...document.querySelectorAll('#feed-list .move[data-way="up"]')].map((l) => l.innerText).find((t) => t.includes('files1') && t.includes(mib)) ?? null, 'MiB'));
	ok(line && /stalled|available|wants|read back/.test(line), 'a guest that suddenly needs memory gets it, and the page says why', line);
	ok(moved || await pill(), 'and shows it in the vessel');
	const after = await until(60, async () => {
		const g = await guest('files1');
		return g.memory.actual > before + 24 * MIB && (await rowText(page, 'files1')).includes(`${Math.round(g.memory.actual / MIB)} MiB`) && g.memory.actual;
	});
	ok(after, 'the figures follow', before, (await guest('files1')).memory, await rowText(page, 'files1'));
});

// ---- one guest ----
await part('one guest', async () => {
	await (await row(page, 'files1')).asElement().$eval('.guest-name', (b) => b.focus());
	await page.keyboard.press('Enter');
	await until(10, async () => (await text(page, '.explain'))?.length > 40);
	ok(/files1 has .* of at most 512 MiB/i.test(await text(page, '.explain')), 'why a guest has what it has is said beside it', await text(page, '.explain'));
	is(await page.evaluate(() => document.activeElement.id), 'guest-panel-title', 'the focus is there');
	ok(await until(30, () => page.evaluate(() => document.querySelectorAll('.plot path').length >= 2)), 'its past is drawn', await text(page, '.plots'));
	const label = await page.$eval('.plot', (p) => p.getAttribute('aria-label'));
	ok(/^Memory: has from .* to .*MiB/.test(label), 'and said in words', label);
	await page.$eval('.plot', (p) => p.focus());
	await page.keyboard.press('ArrowLeft');
	ok(/: has .* · uses .* · wants/.test(await text(page, '.plot-read')), 'a time in it can be read by keyboard', await text(page, '.plot-read'));
	await accessible(page, 'one guest beside the page');
	await picture(page, 'guest');
	await page.keyboard.press('Escape');
	is(await page.evaluate(() => document.activeElement.textContent), 'files1', 'Escape closes it, and the focus is back');
});

// ---- pause ----
await part('pause', async () => {
	await pushButton(page, '.bar', 'Pause');
	await page.type('#pause-message', 'the storage is being moved');
	await accessible(page, 'a dialog');
	await pushButton(page, 'dialog', 'Pause');
	ok(await until(10, async () => (await text(page, '#banners')).includes('the storage is being moved')), 'a pause is shown with its message', await text(page, '#banners'));
	const paused = (await api('GET', '/v1/pause')).body;
	ok(paused.paused && paused.message === 'the storage is being moved' && /token/.test(paused.by), 'the daemon is paused, and says by whom', paused);
	ok(await until(5, () => page.evaluate(() => document.querySelector('dialog') === null)), 'the dialog is gone');
	await pushButton(page, '#banners', 'Resume');
	await pushButton(page, 'dialog', 'Resume');
	ok(await until(10, async () => !(await api('GET', '/v1/pause')).body.paused), 'and resumed from the notice');
});

// ---- a policy ----
await part('a policy', async () => {
	await pushButton(page, '#policies', 'New policy');
	await page.type('#policy-name', '70-page');
	const write = (t) => page.$eval('.code', (area, value) => {
		area.value = value;
		area.dispatchEvent(new Event('input', {bubbles: true}));
	}, t);
	await write('[Match]\nGuest=backup1\n\n[Memory]\nMin=64M\nWieght=200\n');
	const finding = await until(10, async () => (await text(page, '.findings')) || null);
	ok(/line 6, column 1/.test(finding) && /Weight/.test(finding), 'a mistake is told at its line, with the word that was meant', finding);
	is(await page.$$eval('.gutter .bad', (all) => all.map((x) => x.textContent).join()), '6', 'the line is marked');
	await pushButton(page, '.findings', 'line 6');
	is(await page.$eval('.code', (a) => a.value.slice(a.selectionStart, a.selectionEnd)), 'Wieght=200', 'and found by a click');
	await accessible(page, 'the editor of policies');
	expect(/422/);
	await pushButton(page, 'dialog', 'Save');
	ok(await until(10, async () => (await text(page, 'dialog .dialog-said'))?.length > 0), 'saving it is refused in the daemon\'s words', await text(page, 'dialog .dialog-said'));
	expect();
	is((await api('GET', '/v1/policies/70-page')).status, 404, 'and nothing was saved');
	await write('[Match]\nGuest=backup1\n\n[Memory]\nMin=64M\nWeight=200\n');
	const diff = await until(10, async () => {
		const t = await text(page, '.changes');
		return t?.includes('Weight') && t;
	});
	ok(/backup1/.test(diff) && /200/.test(diff), 'mended, it is said what it changes for whom', diff, await text(page, '.editor-side'));
	await picture(page, 'policy');
	await pushButton(page, 'dialog', 'Save');
	ok(await until(10, async () => (await api('GET', '/v1/policies/70-page')).status === 200), 'and saved');
	ok(await until(10, async () => (await text(page, '#policy-list')).includes('70-page')), 'it is in the list');
	await page.evaluate(() => [...document.querySelectorAll('.policy-name')].find((b) => b.textContent === '70-page').click());
	ok(await until(10, () => page.$eval('.code', (a) => a.value.includes('Weight=200'))), 'and can be opened again');
	await pushButton(page, 'dialog', 'Remove this');
	await page.evaluate(() => [...document.querySelectorAll('dialog button')].find((b) => b.textContent === 'Remove').click());
	ok(await until(10, async () => (await api('GET', '/v1/policies/70-page')).status === 404), 'and removed');
	await until(10, () => page.evaluate(() => document.querySelector('dialog') === null));
});

// ---- limits by hand ----
await part('limits by hand', async () => {
	await openGuest(page, 'backup1');
	await page.waitForSelector('#limit-min');
	await until(10, () => visible(page, '.by-hand'));
	// While the other guest still holds what its load used, nothing can be moved: asked again until it has let go.
	const moves = await until(60, async () => {
		await page.$eval('#limit-min', (r) => {
			r.value = 448;
			r.dispatchEvent(new Event('input', {bubbles: true}));
		});
		return until(5, async () => {
			const t = await text(page, '.drawer .preview');
			return /guests would go to/i.test(t) && t;
		});
	});
	const preview = moves || (await text(page, '.drawer .preview'));
	ok(/guests would go to/i.test(preview) && /backup1/.test(preview), 'moving a slider shows what the next decision would do', preview, await text(page, '.drawer .said'));
	const held = (await guest('backup1')).overrides;
	is(held, 0, 'and has set nothing yet');
	await page.type('#limit-reason', 'a long night');
	await pushButton(page, '.drawer', 'Apply');
	ok(/at least 448 MiB/.test(await text(page, 'dialog')), 'before it is applied it is said what it is', await text(page, 'dialog'));
	await picture(page, 'limits');
	await pushButton(page, 'dialog', 'Apply');
	const o = await until(10, async () => {
		const e = (await api('GET', '/v1/guests/backup1/explain')).body.overrides;
		return e.length && e;
	});
	ok(o?.[0].key === 'Min' && o[0].reason === 'a long night' && o[0].until, 'it is set, expires, and has its reason', o);
	ok(await until(10, async () => (await rowText(page, 'backup1')).includes('by hand')), 'the table says that something is set by hand', await rowText(page, 'backup1'));
	await pushButton(page, '.drawer', 'Drop what');
	await pushButton(page, 'dialog', 'Drop');
	ok(await until(10, async () => (await guest('backup1')).overrides === 0), 'and dropped again');
	await page.keyboard.press('Escape');
});

// ---- who may not ----
await part('role read', async () => {
	const other = await signedIn({}, reader);

	await until(10, () => visible(other, '#who-button'));
	ok(!await visible(other, '#pause-button') && await other.$eval('#mode-button', (b) => b.disabled), 'with role read nothing can be commanded');
	await openGuest(other, 'files1');
	await until(10, async () => (await text(other, '.explain'))?.length > 40);
	ok(!await visible(other, '.by-hand'), 'nor limits set');
	await other.browserContext().close();
});

// ---- by keyboard ----
await part('by keyboard', async () => {
	const seen = [], bad = [];
	const other = await signedIn();

	await other.keyboard.press('Tab');
	is(await other.evaluate(() => document.activeElement.className), 'skip', 'the first thing that Tab reaches leads to the guests');
	for (let i = 0; i < 60; i++) {
		await other.keyboard.press('Tab');
		const at = await other.evaluate(() => {
			const e = document.activeElement, style = getComputedStyle(e), inside = e.closest('.editor');
			return {what: `${e.tagName} ${e.id || e.className} ${e.textContent.slice(0, 20)}`, outline: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0, shown: e.checkVisibility(), name: e.getAttribute('aria-label') || e.textContent.trim() || e.labels?.[0]?.textContent || '', body: e === document.body, inside: Boolean(inside)};
		});
		if (at.body)
			break;
		seen.push(at.what);
		if (!at.outline || !at.shown || !at.name)
			bad.push(at);
	}
	ok(bad.length === 0, 'each thing that Tab reaches is visible, has a name, and shows the focus', bad);
	const all = seen.join('\n');
	ok(/theme-button/.test(all) && /cell/.test(all) && /guest-name/.test(all) && /policy-name/.test(all) && /guest-filter/.test(all), 'and all that can be done is among them', seen);
	await other.focus('#guest-filter');
	await other.keyboard.type('backup');
	ok(await until(5, () => other.$$eval('.guest-name', (x) => x.length === 1 && x[0].textContent === 'backup1')), 'guests can be looked for');
	await other.browserContext().close();
});

// ---- how it looks ----
for (const scheme of ['light', 'dark'])
	await part(scheme, async () => {
		const other = await signedIn({scheme});

		await until(5, async () => (await text(other, '#live-text')) === 'live');
		if (scheme === 'light')
			await accessible(other, 'the page');
		await picture(other, scheme);
		if (scheme === 'dark') {
			await openGuest(other, 'files1');
			await until(15, () => other.evaluate(() => document.querySelectorAll('.plot path').length >= 2));
			await picture(other, 'guest-dark');
			await other.keyboard.press('Escape');
			const dark = await other.evaluate(() => getComputedStyle(document.body).backgroundColor);
			await other.click('#theme-button');
			ok(await other.evaluate((d) => getComputedStyle(document.body).backgroundColor !== d, dark), 'a dark system can be overruled by the switch');
		}
		await other.browserContext().close();
	});
await part('a phone', async () => {
	const other = await signedIn({width: 360, height: 780});

	is(await other.evaluate(() => document.documentElement.scrollWidth), 360, 'on a phone nothing is wider than the screen');
	await accessible(other, 'the page on a phone');
	await picture(other, 'phone');
	await openGuest(other, 'files1');
	await until(15, async () => (await text(other, '.explain'))?.length > 40);
	ok(await other.$eval('.drawer', (d) => d.scrollWidth <= 360), 'nor in one guest\'s view');
	await picture(other, 'phone-guest');
	await other.browserContext().close();
});

// ---- the connection ----
await part('the connection', async () => {
	const events = await page.$$eval('#feed-list li', (l) => l.length);

	expect(/ERR_|Failed to load|5\d\d/);
	await lab('in', 'h1', 'systemctl', 'stop', 'ballastd');
	ok(await until(15, async () => /Connection lost since/.test(await text(page, '#banners'))), 'when the daemon is gone the page says so, and since when', await text(page, '#banners'));
	ok(await page.evaluate(() => document.body.classList.contains('stale') && getComputedStyle(document.querySelector('.vessel-panel')).filter !== 'none'), 'and its figures are greyed');
	ok((await text(page, '#live-text')).startsWith('lost'), 'also at the top');
	await until(2, () => null);
	await accessible(page, 'the connection is lost');
	await picture(page, 'lost');
	await lab('in', 'h1', 'systemctl', 'start', 'ballastd');
	ok(await until(40, async () => (await text(page, '#live-text')) === 'live' && !/Connection lost/.test(await text(page, '#banners'))), 'it comes back by itself', await text(page, '#banners'));
	expect();
	ok(await until(20, async () => {
		await page.evaluate(() => [...document.querySelectorAll('#feed-choice button')].find((b) => b.textContent === 'Everything').click());
		return /started/.test(await text(page, '#feed-list'));
	}), 'and catches up with what happened meanwhile', events, await text(page, '#feed-list'));
	ok(!await page.evaluate(() => document.body.classList.contains('stale')), 'the figures are of now again');
});

await end();
