// SPDX-License-Identifier: LGPL-2.1-or-later
// The page with 1000 guests: all are there, can be found, and follow what changes. Run by test-crowd.sh.
import {accessible, api, end, guest, is, noDialog, ok, openGuest, part, picture, pushButton, rowText, signedIn, text, tidyBefore, until} from './kit.mjs';

const GUESTS = 1000;
const rows = (page) => page.$$eval('.guest-name', (all) => all.map((b) => b.textContent));
const filter = async (page, word) => {
	await page.$eval('#guest-filter', (f) => f.focus());
	await page.$eval('#guest-filter', (f) => f.select());
	await (word ? page.keyboard.type(word) : page.keyboard.press('Backspace'));
};

await api('PUT', '/v1/mode', {mode: 'enforce'});
const page = await signedIn();
tidyBefore(page);

await part('a thousand guests', async () => {
	const wanted = (await api('GET', '/v1/guests')).body.guests.map((g) => g.name).sort();

	is(wanted.length, GUESTS, 'the daemon has a thousand guests');
	ok(await until(20, async () => /^1000/.test(await page.evaluate(() => [...document.querySelectorAll('.figure')].find((f) => f.innerText.startsWith('Guests')).innerText.split('\n')[1]))), 'the page counts them', await text(page, '#figures'));
	ok(await until(20, () => page.$$eval('.cell', (all) => all.length === 1000)), 'each has its place in the vessel');
	const outside = await page.evaluate(() => {
		const hold = document.querySelector('.hold').getBoundingClientRect();
		return [...document.querySelectorAll('.cell')].filter((c) => {
			const r = c.getBoundingClientRect();
			return r.width < 1 || r.height < 1 || r.left < hold.left - 1 || r.right > hold.right + 1 || r.top < hold.top - 1 || r.bottom > hold.bottom + 1;
		}).length;
	});
	is(outside, 0, 'inside it, and large enough to be seen');
	is((await rows(page)).length, 60, 'the table begins with a screenful');
	is(await text(page, '.more'), 'Show more: 940 are left', 'and says how many are left');
	await accessible(page, 'a thousand guests');
	await picture(page, 'crowd');
	for (let i = 0; i < 10 && await page.$eval('.more', (b) => !b.hidden); i++)
		await page.$eval('.more', (b) => b.click());
	const all = await rows(page);
	ok(all.length === GUESTS && [...all].sort().every((n, i) => n === wanted[i]), 'one can go on until each of them is there, once', all.length);
});

await part('one is looked for', async () => {
	await filter(page, 'GUEST77');
	ok(await until(5, async () => (await rows(page)).length === 11), 'a part of a name finds those that have it', await rows(page));
	ok((await rows(page)).every((n) => n.startsWith('guest77')), 'and nobody else', await rows(page));
	await filter(page, 'guest777');
	ok(await until(5, async () => (await rows(page)).join() === 'guest777'), 'a whole name finds one', await rows(page));
	await filter(page, 'guest0');
	await until(5, async () => (await rows(page)).join() === 'guest0');
	await page.evaluate(() => document.querySelector('.guests tbody tr').marker = 1);
	await api('PUT', '/v1/guests/guest0/overrides', {memory: {min: 200 << 20}});
	ok(await until(20, async () => (await guest('guest0')).memory.actual >= 200 << 20 && /20\d MiB/.test(await rowText(page, 'guest0'))), 'what changes is shown while one looks', await rowText(page, 'guest0'), (await guest('guest0')).memory);
	ok(/by hand/.test(await rowText(page, 'guest0')), 'all of it', await rowText(page, 'guest0'));
	is(await page.$eval('#guest-filter', (f) => `${f.value} ${document.activeElement === f}`), 'guest0 true', 'and the word and the focus stay');
	ok(await page.evaluate(() => document.querySelector('.guests tbody tr').marker === 1), 'in the same line: nothing is drawn anew that did not change');
	await openGuest(page, 'guest0');
	ok(await until(15, async () => (await text(page, '.explain'))?.includes('guest0 has')), 'it can be opened', await text(page, '.explain'));
	await page.keyboard.press('Escape');
	await filter(page, 'by hand');
	ok(await until(5, async () => (await rows(page)).join() === 'guest0'), 'those that somebody set by hand can be found, too', await rows(page));
	await filter(page, 'nobody');
	ok(await until(5, async () => /None of 1000 guests has “nobody”/.test(await text(page, '#guest-table'))), 'and nobody is nobody', await text(page, '#guest-table'));
	await filter(page, '');
	ok(await until(5, async () => (await rows(page)).length > 60), 'without a word all are back');
});

await part('many policies at once', async () => {
	const list = (await api('GET', '/v1/policies')).body, host = (await api('GET', '/v1/hosts/self')).body;

	ok(list.policies.length === 20 && list.next_changes.length === 16 && host.policies.next_changes.length === 16, 'of twenty policies that open at once the API names 16', list.next_changes);
	ok(list.next_changes.every((c, i) => c.policy === list.policies[i].name && c.opens === !list.policies[i].open), 'as they come', list.next_changes);
	const figure = await page.$eval('.figure:last-child', (f) => ({text: f.innerText, width: f.getBoundingClientRect().width}));
	ok(/^Next change\n.*\n50-somebody-chose-a-rather-long-name-for-this-one-00 (opens|closes), and 19 others, in /.test(figure.text) && figure.width <= 250, 'the page names one and counts the others, and keeps its shape', figure);
});

await part('in order', async () => {
	await page.evaluate(() => [...document.querySelectorAll('.sort')].find((b) => b.textContent === 'Has').click());
	ok(await until(5, async () => (await rows(page))[0] === 'guest0'), 'the one that has most comes first', (await rows(page)).slice(0, 3));
	await page.evaluate(() => [...document.querySelectorAll('.sort')].find((b) => b.textContent === 'Guest').click());
	ok(await until(5, async () => (await rows(page)).slice(0, 3).join() === 'guest0,guest1,guest2'), 'by name is as people count', (await rows(page)).slice(0, 5));
});

await part('a command', async () => {
	await pushButton(page, '.bar', 'Pause');
	await page.type('#pause-message', 'all of them');
	await pushButton(page, 'dialog', 'Pause');
	await noDialog(page);
	ok(await until(10, async () => (await text(page, '#banners')).includes('all of them')), 'commands work as with few', await text(page, '#banners'));
	await api('DELETE', '/v1/pause');
});
await part('a phone', async () => {
	const other = await signedIn({width: 360, height: 780});

	ok(await until(20, () => other.$$eval('.cell', (all) => all.length === 1000)), 'on a phone, too');
	is(await other.evaluate(() => document.documentElement.scrollWidth), 360, 'and nothing is wider than the screen');
	await accessible(other, 'a thousand guests on a phone');
	await picture(other, 'crowd-phone');
	await other.browserContext().close();
});
await end();
