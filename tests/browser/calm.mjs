// SPDX-License-Identifier: LGPL-2.1-or-later
// What the page says where nothing is wrong: on a host without a guest, policy or event of interest (WORLD=empty), and on one whose guests are well
// (WORLD=well). Run by test-calm.sh.
import {accessible, api, end, is, ok, part, picture, signedIn, text, until, visible} from './kit.mjs';

const {WORLD: world} = process.env;
const figure = (page, title) => page.evaluate((t) => [...document.querySelectorAll('.figure')].find((f) => f.querySelector('dt').textContent === t)?.innerText.split('\n').slice(1).join(' / '), title);

await api('PUT', '/v1/mode', {mode: 'enforce'});
const page = await signedIn();
await until(20, async () => (await text(page, '#state-word')) !== 'Starting' && (await text(page, '#mode-button')) === 'Enforcing');

await part('nothing is wrong', async () => {
	is(await text(page, '#state-word'), 'Ample', 'the state is one word');
	ok((await text(page, '#state-why')).startsWith('There is room to spare. '), 'and what it means', await text(page, '#state-why'));
	is(await text(page, '#live-text'), 'live', 'the page is live');
	is(await visible(page, '#banners'), false, 'where nothing is wrong no notice is shown');
	is(await visible(page, '#operations'), false, 'where nothing is under way there is no list of it');
	is(await figure(page, 'Next change'), 'none / no schedule opens or closes', 'no change is due');
	is(await figure(page, 'Guests'), world === 'empty' ? '0 / none runs' : '2 / all well', 'guests are counted, and how they are');
	is(await page.evaluate(() => document.querySelectorAll('.policy').length), 0, 'no policy is listed');
	is(await text(page, '#policy-list'), 'No policy file is there: defaults hold for every guest.', 'and it is said what holds then');
});
if (world === 'empty')
	await part('nobody is there', async () => {
		is(await text(page, '#guest-table .plain'), 'No guest runs on this host.', 'no guest is said in words');
		is(await visible(page, '#guest-table table'), false, 'instead of a table without lines');
		is(await text(page, '#feed-list'), 'Nothing has happened yet.', 'and no move');
		is(await page.evaluate(() => document.querySelectorAll('.cell').length), 0, 'the vessel is empty');
		ok(await visible(page, '.space-free'), 'and all of it is free');
	});
else
	await part('all are well', async () => {
		const why = await page.$$eval('.guests tbody tr', (rows) => rows.map((r) => r.querySelector('.c-why').textContent));

		is(why.length, 2, 'each guest has a line');
		ok(why.every((w) => w.length > 5), 'that says how it stands', why);
		is(await page.evaluate(() => document.querySelectorAll('.guests .chip').length), 0, 'and no word of warning');
		await page.type('#guest-filter', 'zzz');
		is(await text(page, '#guest-table .plain'), 'None of 2 guests has “zzz”.', 'a filter that fits nobody says so');
		await page.$eval('#guest-filter', (f) => {
			f.value = '';
			f.dispatchEvent(new Event('input'));
		});
	});
await accessible(page, `${world === 'empty' ? 'a host without guests' : 'a host whose guests are well'}`);
await picture(page, `calm-${world}`);
await end();
