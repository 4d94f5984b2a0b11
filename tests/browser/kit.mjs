// SPDX-License-Identifier: LGPL-2.1-or-later
// What the tests of the page share: TAP, the daemon past the page, Chromium, and axe-core. By environment: PAGE_URL, TOKEN_ADMIN; SCREENS=DIR
// also writes pictures; CHROMIUM and PROFILE (a directory) say which browser.

import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import puppeteer from 'puppeteer-core';

export const {PAGE_URL: base, TOKEN_ADMIN: admin, TOKEN_READ: reader, SCREENS: screens} = process.env;
const {CHROMIUM: chromium = '/usr/bin/chromium', PROFILE: profile} = process.env;
export const MIB = 1048576;
const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

// ---- TAP ----
let n = 0, failed = 0;
export function ok(good, text, ...seen) {
	n++;
	if (!good)
		failed++;
	console.log(`${good ? 'ok' : 'not ok'} ${n} - ${text}`);
	if (!good)
		for (const s of seen)
			console.log(String(typeof s === 'string' ? s : JSON.stringify(s, null, 1)).replace(/^/gm, '# '));
}
export const is = (got, wanted, text) => ok(got === wanted, text, `got:    ${got}`, `wanted: ${wanted}`);
// One part of a test; what one that failed left open on `page` is closed before the next.
let page = null;
export const tidyBefore = (p) => {
	page = p;
};
export async function part(text, f) {
	try {
		await page?.evaluate(() => {
			document.querySelectorAll('dialog').forEach((d) => d.close());
			document.querySelector('.drawer:not([hidden]) .drawer-head button')?.click();
		});
		await f();
	} catch (error) {
		ok(false, text, error.stack ?? error);
	}
	expect();
}

// ---- the daemon, past the page ----
export async function api(method, path, body, token = admin) {
	const answer = await fetch(base + path, {method, headers: {Authorization: `Bearer ${token}`, ...(body ? {'Content-Type': 'application/json'} : {})}, body: body && JSON.stringify(body)});
	const text = await answer.text();

	return {status: answer.status, body: text ? JSON.parse(text) : null};
}
export const guest = async (name) => (await api('GET', `/v1/guests/${name}`)).body;
export async function until(seconds, f) {
	const end = Date.now() + 1000 * seconds;

	for (;;) {
		const r = await Promise.resolve().then(f).catch(() => null);
		if (r || Date.now() > end)
			return r;
		await new Promise((resolve) => setTimeout(resolve, 150));
	}
}

// ---- the browser ----
const browser = await puppeteer.launch({executablePath: chromium, headless: true, userDataDir: profile, args: ['--no-sandbox', '--font-render-hinting=none', '--disable-background-networking', '--disable-component-update']});
process.on('exit', () => browser.process()?.kill());
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'])
	process.on(signal, () => process.exit(1));

const foreign = new Set(), said = [], policy = [];
let expected = []; // what the console may say at this moment
export function expect(...patterns) {
	expected = patterns;
}
// own: where requests may go. expects: what the console of this page may say at any time. context: of the browser; without one a new one.
export async function newPage({width = 1440, height = 1000, scheme = 'light', own = base, expects = [], context} = {}) {
	context ??= await browser.createBrowserContext();
	const page = await context.newPage();

	page.setDefaultTimeout(20000);
	await page.setViewport({width, height, deviceScaleFactor: width < 500 ? 2 : 1});
	await page.emulateMediaFeatures([{name: 'prefers-color-scheme', value: scheme}]);
	page.scheme = scheme;
	page.on('request', (r) => {
		if (!r.url().startsWith(`${own}/`) && !r.url().startsWith('data:'))
			foreign.add(r.url());
	});
	page.on('console', (m) => {
		if (/Content Security Policy|violates/i.test(m.text()))
			policy.push(m.text());
		else if (m.type() === 'error' && ![...expected, ...expects].some((e) => e.test(m.text())))
			said.push(`${m.text()} ${m.location()?.url ?? ''}`);
	});
	page.on('pageerror', (e) => said.push(e.stack ?? String(e)));
	page.on('dialog', (d) => {
		said.push(`a dialog: ${d.message()}`);
		d.dismiss();
	});
	await page.evaluateOnNewDocument(() => {
		addEventListener('securitypolicyviolation', (e) => console.error(`violates ${e.violatedDirective}: ${e.blockedURI}`));
	});
	return page;
}
export const defaultContext = () => browser.defaultBrowserContext();
export const text = (page, selector) => page.$eval(selector, (e) => e.innerText).catch(() => null);
export const visible = (page, selector) => page.$eval(selector, (e) => e.checkVisibility()).catch(() => false);
export const row = (page, name) => page.evaluateHandle((wanted) => [...document.querySelectorAll('.guests tbody tr')].find((r) => r.querySelector('.guest-name').textContent === wanted), name);
export const rowText = (page, name) => page.evaluate((wanted) => [...document.querySelectorAll('.guests tbody tr')].find((r) => r.querySelector('.guest-name').textContent === wanted)?.innerText, name);
export const pushButton = async (page, scope, word) => {
	const found = await until(10, async () => {
		const b = await page.evaluateHandle((s, w) => [...document.querySelectorAll(`${s} button`)].find((x) => x.textContent.trim().startsWith(w) && !x.disabled && x.checkVisibility()) ?? null, scope, word);
		return b.asElement();
	});
	if (!found)
		throw new Error(`there is no button "${word}" in ${scope} that can be pressed`);
	await found.click();
};
export const noDialog = (page) => until(10, () => page.evaluate(() => document.querySelector('dialog') === null));
export const openGuest = (page, name) => page.evaluate((wanted) => [...document.querySelectorAll('.guest-name')].find((b) => b.textContent === wanted).click(), name);
export async function signedIn(options = {}, token = admin) {
	const page = await newPage(options);

	await page.goto(`${options.own ?? base}/#token=${token}`);
	await page.waitForSelector('#all:not([hidden])');
	return page;
}
export async function picture(page, name) {
	if (screens)
		await page.screenshot({path: `${screens}/${name}.png`});
}
// axe-core finds nothing wrong, in light and in dark. scrolls: what is drawn is the whole page.
export async function accessible(page, what) {
	const client = await page.createCDPSession(), violations = [];

	// The page's policy lets no script in but its own; the checker comes by the debugger, past it.
	await client.send('Runtime.evaluate', {expression: axeSource});
	for (const scheme of ['light', 'dark']) {
		await page.emulateMediaFeatures([{name: 'prefers-color-scheme', value: scheme}]);
		await page.evaluate(() => Promise.all(document.getAnimations().filter((a) => a.effect.getTiming().iterations !== Infinity).map((a) => a.finished.catch(() => null))));
		const {result} = await client.send('Runtime.evaluate', {expression: 'axe.run(document, {resultTypes: ["violations"]}).then((r) => JSON.stringify(r.violations.map((v) => ({id: v.id, help: v.help, nodes: v.nodes.slice(0, 4).map((n) => n.html.slice(0, 160) + " | " + n.failureSummary.slice(0, 200))}))))', awaitPromise: true, returnByValue: true});
		violations.push(...JSON.parse(result.value ?? '[{"id": "axe did not run"}]').map((v) => ({scheme, ...v})));
	}
	await page.emulateMediaFeatures([{name: 'prefers-color-scheme', value: page.scheme}]);
	ok(violations.length === 0, `axe finds nothing, in light and dark: ${what}`, violations);
	await client.detach();
}

export async function end() {
	ok(foreign.size === 0, 'nothing was ever asked of anybody else', [...foreign]);
	ok(policy.length === 0, 'the page never broke its own policy', policy);
	ok(said.length === 0, 'the console was silent', said);
	console.log(`1..${n}`);
	await browser.close();
	process.exit(failed ? 1 : 0);
}
