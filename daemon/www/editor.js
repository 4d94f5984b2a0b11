// SPDX-License-Identifier: LGPL-2.1-or-later
// A policy file in an editor: what is wrong in it, line by line, and what it would change, before it is saved.

import {announce, h, keyed, setAttr, setText} from './dom.js';
import {problemText} from './commands.js';
import {count} from './format.js';
import {Problem} from './transport.js';

const CHECK_MS = 350; // after the last key
const SHOWN = 60; // changes
const TEMPLATE = '[Policy]\nDescription=\n\n[Match]\nGuest=*\n\n[Memory]\nMin=\n';

let texts = 0;

// A text area with numbered lines; findings mark theirs.
class Text {
	constructor(label, readOnly) {
		this.id = `text-${++texts}`;
		this.gutter = h('div', {class: 'gutter', 'aria-hidden': 'true'});
		this.area = h('textarea', {id: this.id, class: 'code', rows: '18', wrap: 'off', spellcheck: 'false', autocomplete: 'off', autocapitalize: 'off', 'aria-label': label, readonly: readOnly});
		this.node = h('div', {class: 'editor'}, this.gutter, this.area);
		this.bad = new Set();
		this.area.addEventListener('input', () => this.number());
		this.area.addEventListener('scroll', () => {
			this.gutter.scrollTop = this.area.scrollTop;
		});
		// A tab indents only with Ctrl: alone it goes on to the next element, for who has no mouse.
	}

	get value() {
		return this.area.value;
	}

	set value(text) {
		this.area.value = text;
		this.number();
	}

	number() {
		const lines = this.area.value.split('\n').length;

		keyed(this.gutter, Array.from({length: lines}, (_, i) => i + 1), (n) => n, (n) => h('div', {}, String(n)), (node, n) => node.classList.toggle('bad', this.bad.has(n)));
		this.gutter.scrollTop = this.area.scrollTop;
	}

	mark(lines) {
		this.bad = new Set(lines);
		this.number();
		setAttr(this.area, 'aria-invalid', lines.length ? 'true' : null);
	}

	go(line, column) {
		const lines = this.area.value.split('\n');
		const at = lines.slice(0, line - 1).reduce((n, l) => n + l.length + 1, 0) + Math.max(0, (column || 1) - 1);

		this.area.focus();
		this.area.setSelectionRange(at, at + Math.max(1, (lines[line - 1] ?? '').length - (column || 1) + 1));
		this.area.scrollTop = Math.max(0, (line - 5) * parseFloat(getComputedStyle(this.area).lineHeight));
	}
}

export class PolicyEditor {
	constructor(api, commands) {
		this.api = api;
		this.commands = commands;
	}

	// name: null begins a new file.
	async open(name) {
		let text = TEMPLATE, etag = null, policy = null;

		if (name) {
			try {
				const answer = await this.api.get(`/v1/policies/${encodeURIComponent(name)}`);
				policy = answer.body;
				etag = answer.etag;
				text = policy.text ?? '';
			} catch (error) {
				this.commands.ask({title: `Policy ${name} cannot be read`, text: problemText(error), readOnly: true});
				return;
			}
		}
		this.show(name, policy, text, etag);
	}

	show(name, policy, text, etag) {
		const may = this.commands.may('operate') && (!policy || policy.layer === 'api' || policy.layer === 'below');
		const editor = new Text('The policy file', !may);
		const findings = h('ol', {class: 'findings'});
		const verdict = h('p', {class: 'verdict', role: 'status'});
		const changes = h('div', {class: 'changes'});
		const input = name ? null : h('input', {type: 'text', id: 'policy-name', required: true, pattern: '[A-Za-z0-9_\\-][A-Za-z0-9_.\\-]*', maxlength: '120', autocomplete: 'off', spellcheck: 'false'});
		const nameNow = () => name ?? (input.value.trim() || 'new');
		let timer = null, asked = null;
		const saved = name ? text : null;

		const check = async () => {
			const mine = asked = {};

			if (!this.commands.may('operate'))
				return;
			try {
				const {body} = await this.api.send('POST', '/v1/policies/validate', {name: nameNow(), text: editor.value});
				if (mine === asked)
					showVerdict(body);
			} catch (error) {
				if (mine === asked)
					showVerdict({findings: error.body?.findings ?? [], error});
			}
		};
		const showVerdict = (v) => {
			const list = v.findings ?? [];
			const bad = list.length > 0 || v.error || v.ok === false;

			editor.mark(list.map((f) => f.line).filter(Boolean));
			verdict.dataset.tone = bad ? 'bad' : 'good';
			setText(verdict, v.error && !list.length ? problemText(v.error) : bad ? `${list.length === 1 ? 'One mistake' : `${list.length} mistakes`}: it cannot be saved like this.` : editor.value === saved ? 'No mistake. This is what is saved.' : 'No mistake.');
			keyed(findings, list.map((f, i) => ({...f, i})), (f) => `${f.i} ${f.line} ${f.column} ${f.text}`, (f) => h('li', {},
				f.line ? h('button', {type: 'button', class: 'link', on: {click: () => editor.go(f.line, f.column)}}, `line ${f.line}, column ${f.column ?? 1}`) : null, ' ', h('span', {}, f.text)));
			showChanges(changes, bad ? null : v, editor.value === saved);
			if (!bad && editor.value !== saved && v.changes?.length)
				changes.append(this.commands.preview({policy: {name: nameNow(), text: editor.value}}));
		};
		editor.area.addEventListener('input', () => {
			setText(dialog.querySelector('.dialog-said'), '');
			clearTimeout(timer);
			timer = setTimeout(check, CHECK_MS);
		});

		const dialog = this.commands.ask({
			title: name ? `Policy ${name.replace(/\.policy$/, '')}` : 'New policy',
			text: policy ? [policy.path, LAYERS[policy.layer] ?? (policy.layer ? null : 'PolicyPath= does not name the folder that the daemon writes to: it can only be read here.'), policy.drop_ins.length ? `Also: ${policy.drop_ins.join(', ')}` : null].filter(Boolean) : null,
			wide: true,
			button: 'Save and put in force',
			readOnly: !may,
			fields: [input ? h('div', {class: 'field'}, h('label', {for: 'policy-name'}, 'Name; files are read in the order of their names'), input) : null,
				h('div', {class: 'editor-columns'}, h('div', {}, editor.node), h('div', {class: 'editor-side'}, verdict, findings, changes)),
				policy?.layer === 'api' && may ? h('button', {type: 'button', class: 'link remove', on: {click: () => this.remove(name, etag, dialog)}}, 'Remove this policy') : null].filter(Boolean),
			apply: async () => {
				try {
					await this.api.send('PUT', `/v1/policies/${encodeURIComponent(nameNow())}`, {text: editor.value}, {etag, create: !name});
				} catch (error) {
					if (error instanceof Problem && error.body.findings)
						showVerdict({findings: error.body.findings, error});
					throw error;
				}
				announce(`Policy ${nameNow()} is saved and in force.`);
			},
		});
		editor.value = text;
		if (name || text)
			check();
		(input ?? editor.area).focus();
		editor.area.setSelectionRange(0, 0);
	}

	remove(name, etag, dialog) {
		this.commands.ask({
			title: `Remove policy ${name.replace(/\.policy$/, '')}?`,
			text: 'Its file is deleted, and what it set holds no more.',
			button: 'Remove',
			danger: true,
			apply: async () => {
				await this.api.send('DELETE', `/v1/policies/${encodeURIComponent(name)}`, undefined, {etag});
				announce(`Policy ${name} is removed.`);
				dialog.close();
			},
		});
	}
}

// What would be other for each guest now: settings before and after.
function showChanges(root, v, same) {
	if (!v || same) {
		root.replaceChildren();
		return;
	}
	const rows = v.changes, active = v.matches.filter((m) => m.verdict === 'active').length;
	const says = [
		v.shadowed_by ? `${v.shadowed_by} has the same name and wins: this text would not be in force.` : '',
		...v.notes.map((n) => `${n.line ? `line ${n.line}: ` : ''}${n.text}`),
		`It matches ${count(v.matches.length, 'guest')} of ${v.guests}, and is for ${active} of them now.`,
		v.conditions_unknown.length ? `Left out, since their condition cannot be known here: ${v.conditions_unknown.join(', ')}.` : ''].filter(Boolean);

	root.replaceChildren(...says.map((t) => h('p', {}, t)), h('h3', {}, rows.length ? 'What it changes now' : 'It changes no setting of any guest now.'),
		h('ul', {}, rows.slice(0, SHOWN).map((r) => h('li', {}, h('strong', {}, r.guest), ' ', h('span', {class: 'mono'}, `${r.section} ${r.key}=`), ' ', h('span', {class: 'was'}, r.from), ' → ', h('span', {}, r.to)))),
		...(rows.length > SHOWN || v.truncated ? [h('p', {}, `and ${v.truncated ? 'more' : rows.length - SHOWN} beyond these`)] : []));
}

// Where a file lies decides what can be done with it here.
const LAYERS = {
	above: 'This is the administrator\'s file, which wins over what is written here: it is shown to be read.',
	below: 'This file came with the system. What you save takes its place; removing yours brings it back.',
};
