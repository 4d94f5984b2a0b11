// SPDX-License-Identifier: LGPL-2.1-or-later
// What an operator can do: each says first what it will do, and shows the daemon's own words when it is refused.

import {announce, byId, h, setText} from './dom.js';
import {count, size, until, when} from './format.js';
import {planNodes} from './preview.js';
import {Late} from './transport.js';

const ROLES = ['none', 'read', 'operate', 'admin'];
export const SPANS = [[900, '15 minutes'], [3600, '1 hour'], [4 * 3600, '4 hours'], [12 * 3600, '12 hours'], [24 * 3600, '1 day'], [7 * 24 * 3600, '7 days']];

let dialogs = 0;

export class Commands {
	constructor(api, model, refresh) {
		this.api = api;
		this.model = model;
		this.refresh = refresh;
		byId('mode-button').addEventListener('click', () => this.mode());
		byId('pause-button').addEventListener('click', () => (this.model.host.pause?.paused ? this.resume() : this.pause()));
	}

	may(role) {
		return ROLES.indexOf(this.model.who?.role ?? 'read') >= ROLES.indexOf(role);
	}

	update() {
		const {host, who} = this.model;
		const mode = byId('mode-button'), pauseButton = byId('pause-button'), whoButton = byId('who-button');

		mode.hidden = false;
		mode.disabled = !this.may('operate');
		mode.dataset.mode = host.mode;
		setText(mode, host.mode === 'enforce' ? 'Enforcing' : 'Observing');
		mode.title = this.may('operate') ? 'Change the mode' : 'The mode; role operate can change it';
		pauseButton.hidden = !this.may('operate');
		setText(pauseButton, host.pause?.paused ? 'Resume' : 'Pause');
		whoButton.hidden = !who;
		if (who)
			setText(whoButton, who.role);
	}

	// A dialog with a form. fields: nodes; apply(): does it, throws Problem. Returns the dialog.
	ask({title, text, fields = [], button, danger, wide, readOnly, apply}) {
		const id = `dialog-${++dialogs}`;
		const said = h('p', {class: 'said dialog-said', role: 'alert'});
		const ok = h('button', {type: 'submit', class: `button primary${danger ? ' danger' : ''}`}, button);
		const dialog = h('dialog', {class: wide ? 'dialog wide' : 'dialog', 'aria-labelledby': id},
			h('form', {on: {submit: async (e) => {
				e.preventDefault();
				ok.disabled = true;
				setText(said, '');
				try {
					const done = await apply();
					if (done !== false)
						dialog.close();
				} catch (error) {
					setText(said, problemText(error));
				} finally {
					ok.disabled = false;
					this.refresh();
				}
			}}}, h('h2', {id}, title), ...(text ? [].concat(text).map((t) => h('p', {}, t)) : []), ...fields, said,
			h('div', {class: 'dialog-buttons'}, h('button', {type: 'button', class: 'button', on: {click: () => dialog.close()}}, readOnly ? 'Close' : 'Cancel'), readOnly ? null : ok)));

		const before = document.activeElement;
		dialog.addEventListener('close', () => {
			dialog.remove();
			// What was pressed may be gone: then the focus goes to what is beside it, not to the beginning.
			(before?.checkVisibility() ? before : document.querySelector('.drawer:not([hidden]) h2') ?? byId('main')).focus();
		});
		document.body.append(dialog);
		dialog.showModal();
		return dialog;
	}

	mode() {
		const enforce = this.model.host.mode !== 'enforce';
		const release = h('input', {type: 'checkbox', id: 'mode-release'});

		this.ask(enforce ? {
			title: 'Go live?',
			text: 'From now on Ballast moves memory and CPU weight between the guests of this host, as policies say. Every move is shown with its reason.',
			fields: [this.preview({mode: 'enforce'})],
			button: 'Enforce',
			apply: () => this.api.send('PUT', '/v1/mode', {mode: 'enforce'}).then(told('Mode is enforce.')),
		} : {
			title: 'Stop moving memory?',
			text: 'Guests stay at what they have. Everything goes on being shown, nothing is touched.',
			fields: [h('label', {class: 'check'}, release, 'First give every guest back what it had before Ballast touched it')],
			button: 'Observe',
			danger: true,
			apply: () => this.api.send('PUT', '/v1/mode', {mode: 'observe', release: release.checked}).then(told('Mode is observe.')),
		});
	}

	// A place where it is said what this would do, as soon as the daemon has answered.
	preview(change) {
		const node = h('div', {class: 'preview', role: 'status'});

		this.api.send('POST', '/v1/plan/preview', change).then(({body}) => node.replaceChildren(...planNodes(body)), (error) => setText(node, problemText(error)));
		return node;
	}

	pause() {
		const message = h('input', {type: 'text', id: 'pause-message', maxlength: '200', autocomplete: 'off', required: true});
		const span = spanSelect('pause-span', 3600);

		this.ask({
			title: 'Pause Ballast?',
			text: 'No guest is touched until the pause ends by itself or somebody resumes. Others see your message.',
			fields: [field('Message', message), field('For', span)],
			button: 'Pause',
			apply: () => this.api.send('PUT', '/v1/pause', {message: message.value.trim(), for_s: Number(span.value)}).then(() => announce('Ballast is paused.')),
		});
	}

	resume() {
		this.ask({
			title: 'Resume?',
			text: `${pausedText(this.model.host.pause)}. Ballast moves memory again at once.`,
			button: 'Resume',
			apply: () => this.api.send('DELETE', '/v1/pause').then(() => announce('Ballast goes on.')),
		});
	}

	cancelReservation(r) {
		this.ask({
			title: `Give up the room for ${r.guest}?`,
			text: `${size(r.bytes)} ${r.granted ? 'are kept free for it' : 'are being made free for it'}. Without that, its start may be refused when memory is short.`,
			button: 'Give it up',
			danger: true,
			apply: () => this.api.send('DELETE', `/v1/reservations/${r.id}`).then(() => announce(`The room for ${r.guest} is given up.`)),
		});
	}

	cancelOperation(o) {
		this.ask({
			title: 'Cancel it?',
			text: 'A change of a policy that waits for another one is not made then. One that has begun goes on.',
			button: 'Cancel the change',
			danger: true,
			apply: () => this.api.send('DELETE', `/v1/operations/${o.id}`).then(() => announce('It is cancelled.')),
		});
	}

	// The files of policies and ballast.conf. What is wrong in them stands in the dialog.
	reload() {
		this.ask({
			title: 'Read policies again?',
			text: 'The files of policies and ballast.conf are read anew. What is bad in them does not take effect and is said here.',
			button: 'Read again',
			apply: () => this.api.send('POST', '/v1/reload').then(({status, body}) => {
				const restart = body?.restart_needed ?? [];

				announce(status === 202 ? 'It takes a while and goes on: see “Under way”.' : `${count(body.policies, 'policy is', 'policies are')} read.`);
				if (restart.length)
					this.ask({title: 'It is read', text: `These keys of ballast.conf take effect when ballastd is restarted: ${restart.join(', ')}.`, readOnly: true});
			}),
		});
	}

	// The channel for its agent and its statistics. What would be done is asked for first.
	enroll(g, done) {
		const node = h('div', {class: 'preview', role: 'status'});
		const path = `/v1/guests/${encodeURIComponent(g.uuid)}/enroll`;
		const list = (body) => [h('p', {class: 'preview-title'}, body.changes.length ? 'What is done' : 'Nothing has to be done.'), h('ul', {}, body.changes.map((c) => h('li', {}, c))),
			body.restart_needed ? h('p', {}, 'It takes effect when the guest is shut down and started again.') : null].filter(Boolean);

		this.api.send('POST', path, undefined, {dryRun: true}).then(({body}) => node.replaceChildren(...list(body)), (error) => setText(node, problemText(error)));
		this.ask({
			title: `Enroll ${g.name}?`,
			text: 'It gets the channel on which the agent in it reports, and libvirt is told to ask its balloon for figures. The agent itself is installed inside the guest: package ballast-agent.',
			fields: [node],
			button: 'Enroll',
			apply: () => this.api.send('POST', path).then(({status, body}) => {
				told(`${g.name} is enrolled.`)({status});
				done?.();
				if (body?.restart_needed)
					this.ask({title: `${g.name} is enrolled`, text: 'The channel is in its definition: shut it down and start it again.', readOnly: true});
			}),
		});
	}

	pauseBanner() {
		const p = this.model.host.pause;

		return {title: pausedText(p), text: `No guest is touched until ${when(p.until)}, in ${until(p.until)}.`,
			actions: this.may('operate') ? [['Resume', () => this.resume()]] : null};
	}

	who(signOut) {
		const who = this.model.who;

		// A certificate is the browser's: only that can stop showing it.
		this.ask({title: who.name, text: `Role ${who.role}${HOW[who.how] ?? ''}.`, button: 'Sign out', readOnly: !this.api.token, apply: signOut});
	}
}

const HOW = {token: ', by a token', certificate: ', by the certificate that this browser shows', socket: ', by the socket'};

const pausedText = (p) => `Paused since ${when(p.since)}${p.by ? ` by ${p.by}` : ''}${p.message ? `: ${p.message}` : ''}`;

// What takes longer than the daemon lets an asker wait goes on as an operation.
const told = (text) => ({status}) => announce(status === 202 ? 'It takes a while and goes on: see “Under way”.' : text);

export function problemText(error) {
	return error.body?.code || error instanceof Late ? error.message : `It was not done: ${error.message}`;
}

export function field(label, input, more) {
	return h('div', {class: 'field'}, h('label', {for: input.id}, label), input, more ? h('span', {class: 'hint'}, more) : null);
}

export function spanSelect(id, chosen) {
	return h('select', {id}, SPANS.map(([s, text]) => h('option', {value: s, selected: s === chosen}, text)));
}
