// SPDX-License-Identifier: LGPL-2.1-or-later
// The page over TLS. SHOWS=nothing: the browser has no certificate, a token is typed in. SHOWS=certificate: it shows one of ClientAuthority=, which has
// role operate. SHOWS=stranger: one that stands in no line of Tokens=. PROFILE has what it trusts and shows. Run by test-tls.sh.
import {execFile} from 'node:child_process';
import {promisify} from 'node:util';
import {accessible, base, defaultContext, end, expect, is, newPage, noDialog, ok, part, pushButton, text, until, visible} from './kit.mjs';

const {SHOWS: shows, TOKEN: token, CTL: ctl, CONF: conf, SOCKET: socket} = process.env;
const run = promisify(execFile);
const context = defaultContext(); // the one that has certificates
const sent = [];
const watch = (page) => page.on('request', (r) => sent.push({url: r.url(), authorization: r.headers().authorization, accept: r.headers().accept}));
const daemon = async (...args) => (await run(ctl, [`--socket=${socket}`, ...args])).stdout;

if (shows === 'nothing') {
	const page = await newPage({context});

	watch(page);
	await part('a token is typed in', async () => {
		expect(/401/);
		const answer = await page.goto(`${base}/`);
		ok(answer.ok() && answer.securityDetails()?.protocol().startsWith('TLS 1.'), 'the page comes over TLS, by a certificate that the browser trusts', answer.securityDetails()?.protocol());
		const h = answer.headers();
		is(h['content-security-policy'], "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'", 'with a policy that lets nothing in but its own files');
		ok(/max-age=\d{5,}/.test(h['strict-transport-security']) && h['x-frame-options'] === 'DENY' && h['referrer-policy'] === 'no-referrer', 'and is asked for over TLS from now on', h);
		await page.waitForSelector('#token');
		ok(!await visible(page, '#all'), 'nobody sees anything without showing who he is');
		is(await text(page, '#signin .said'), '', 'and nobody is blamed who has not tried');
		await accessible(page, 'the sign-in form over TLS');
		await page.type('#token', `${token.slice(0, -2)}xx`);
		await page.keyboard.press('Enter');
		ok(await until(10, async () => /not \(or no longer\) in the file/.test(await text(page, '#signin .said'))), 'a wrong token is refused in the daemon\'s words', await text(page, '#signin .said'));
		await page.type('#token', token);
		await page.keyboard.press('Enter');
		await page.waitForSelector('.guests tbody tr');
		ok(await until(10, async () => (await text(page, '#live-text')) === 'live'), 'the right one opens the page, and it is live', await text(page, '#live-text'));
	});
	await part('where the token is', async () => {
		const kept = await page.evaluate(async () => ({address: location.href, cookies: document.cookie, local: JSON.stringify({...localStorage}), session: Object.keys(sessionStorage).join(),
			markup: document.documentElement.outerHTML, caches: (await caches.keys()).length, databases: (await indexedDB.databases()).length, inputs: [...document.querySelectorAll('input')].map((i) => i.value).join()}));

		is(kept.session, 'ballast-token', 'it is kept for this tab');
		ok(![kept.address, kept.cookies, kept.local, kept.markup, kept.inputs].some((t) => t.includes(token)) && !kept.caches && !kept.databases, 'and nowhere else', kept.address, kept.cookies, kept.local);
		const asked = sent.filter((r) => new URL(r.url).pathname.startsWith('/v1/')), files = sent.filter((r) => !new URL(r.url).pathname.startsWith('/v1/'));
		ok(sent.every((r) => r.url.startsWith(base) && !r.url.includes(token)), 'it is in no address', sent.map((r) => r.url));
		ok(asked.some((r) => r.authorization === `Bearer ${token}`) && files.every((r) => !r.authorization), 'what is asked of the API has it in its header, what is not for the API has not', sent);
		ok(asked.some((r) => r.accept === 'text/event-stream' && r.authorization === `Bearer ${token}`), 'the stream of events, too', asked);
	});
	await part('commands', async () => {
		await pushButton(page, '.bar', 'Pause');
		await page.type('#pause-message', 'over TLS');
		await pushButton(page, 'dialog', 'Pause');
		ok(await until(10, async () => (await text(page, '#banners')).includes('over TLS') && (await text(page, '#banners')).includes('by token chief')), 'one can command over TLS, and it is said who', await text(page, '#banners'));
		await noDialog(page);
		await daemon('pause', '--clear');
		ok(await until(10, async () => !(await text(page, '#banners')).includes('over TLS')), 'what others do is shown as it happens', await text(page, '#banners'));
	});
	await part('tabs', async () => {
		await page.reload();
		await page.waitForSelector('.guests tbody tr');
		ok(true, 'loaded again, the tab is signed in');
		const other = await newPage({context});
		expect(/401/);
		await other.goto(`${base}/`);
		await other.waitForSelector('#token');
		ok(!await visible(other, '#all'), 'another tab is not');
		await other.close();
	});
	await part('the token is taken away', async () => {
		expect(/401|ERR_/);
		await run(ctl, ['token', 'revoke', 'chief', '--yes', '--config', conf]);
		ok(await until(20, async () => /no longer/.test(await text(page, '#signin .said'))), 'a token that is revoked ends the session, and it is said why', await text(page, '#signin .said'));
		ok(!await visible(page, '#all') && !await visible(page, '#banners'), 'what it had shown is gone');
		ok(!await visible(page, '.bar .tool:not(#theme-button)'), 'and nothing can be commanded');
	});
} else if (shows === 'certificate') {
	const part_of = (page, label) => page.$$eval('button', (all, l) => all.some((b) => b.textContent === l && !b.hidden), label);
	await part('a certificate', async () => {
		const page = await newPage({context});

		watch(page);
		await page.goto(`${base}/`);
		await page.waitForSelector('.guests tbody tr');
		ok(!await visible(page, '#signin'), 'who shows a certificate with a role is not asked for a token');
		ok(await until(10, async () => (await text(page, '#live-text')) === 'live'), 'and the page is live', await text(page, '#live-text'));
		ok(sent.every((r) => !r.authorization) && await page.evaluate(() => sessionStorage.length === 0), 'without any token');
		is(await text(page, '#who-button'), 'operate', 'his role is shown');
		await page.click('#who-button');
		ok(/cert CN=ops/.test(await text(page, 'dialog')) && /by the certificate that this browser shows/.test(await text(page, 'dialog')) && !/Sign out/.test(await text(page, 'dialog')), 'and his name; only the browser can take it back', await text(page, 'dialog'));
		await accessible(page, 'who is signed in');
		await pushButton(page, 'dialog', 'Close');
		await noDialog(page);
		await pushButton(page, '.bar', 'Pause');
		await page.type('#pause-message', 'by certificate');
		await pushButton(page, 'dialog', 'Pause');
		ok(await until(10, async () => (await text(page, '#banners')).includes('by cert CN=ops')), 'he can do what his role allows', await text(page, '#banners'));
		ok(!await page.$eval('#mode-button', (b) => b.disabled) && await part_of(page, 'New policy'), 'mode and policies too');
		ok(!await part_of(page, 'Read again'), 'and no more');
		await daemon('pause', '--clear');
	});
} else {
	await part('a stranger', async () => {
		const page = await newPage({context});

		expect(/403/);
		await page.goto(`${base}/`);
		await page.waitForSelector('#token');
		ok(/cert:stranger read/.test(await text(page, '#signin .said')) && !await visible(page, '#all'), 'a certificate without a role shows nothing, and it is said how it gets one', await text(page, '#signin'));
		await accessible(page, 'a certificate without a role');
		await page.type('#token', token);
		await page.keyboard.press('Enter');
		await page.waitForSelector('.guests tbody tr');
		ok(true, 'a token opens the page all the same');
	});
}
await end();
