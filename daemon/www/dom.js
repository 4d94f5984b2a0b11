// SPDX-License-Identifier: LGPL-2.1-or-later
// Elements by hand. All text goes in as text: guests choose their names, and nothing they say is ever markup.

const SVG = 'http://www.w3.org/2000/svg';

// What would turn text around, begin a line, or not be seen at all is shown as an escape, as the daemon's lines and ballastctl do: a name must not look
// like another one. Line breaks and tabs stay.
const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

export function visible(text) {
	return String(text).replace(HIDDEN, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

// Attributes that are read to people; others are for programs, and stay what they are.
const READ_OUT = new Set(['title', 'alt', 'placeholder', 'aria-label', 'aria-valuetext', 'aria-description']);
const attribute = (name, value) => READ_OUT.has(name) ? visible(value) : String(value);

function fill(node, props, children) {
	for (const [key, value] of Object.entries(props || {})) {
		if (value === undefined || value === null || value === false)
			continue;
		if (key === 'on')
			for (const [type, f] of Object.entries(value))
				node.addEventListener(type, f);
		else if (key === 'text')
			node.textContent = visible(value);
		else if (key === 'vars')
			setVars(node, value);
		else
			node.setAttribute(key, value === true ? '' : attribute(key, value));
	}
	node.append(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false)
		.map((c) => c instanceof Node ? c : visible(c)));
	return node;
}

// h('button', {type: 'button', on: {click}}, 'Text', node...): an element.
export function h(tag, props, ...children) {
	return fill(document.createElement(tag), props, children);
}

export function svg(tag, props, ...children) {
	return fill(document.createElementNS(SVG, tag), props, children);
}

export const byId = (id) => document.getElementById(id);

// Sets text only where it differs: what did not change is not touched, so that selections and live regions stay quiet.
export function setText(node, text) {
	text = visible(text ?? '');
	if (node.textContent !== text)
		node.textContent = text;
}

export function setAttr(node, name, value) {
	if (value === null || value === undefined || value === false)
		node.removeAttribute(name);
	else if (node.getAttribute(name) !== attribute(name, value))
		node.setAttribute(name, attribute(name, value));
}

// Custom properties (--p-NAME) by the style object, which the page's policy allows where style attributes are not.
export function setVars(node, vars) {
	for (const [name, value] of Object.entries(vars))
		node.style.setProperty(`--p-${name}`, value);
}

// Children of parent become one node for each item, kept by key: make(item) once, update(node, item) each time.
export function keyed(parent, items, key, make, update) {
	const old = parent.keyedNodes || new Map();
	const now = new Map();
	let before = null;

	for (const item of items) {
		const k = key(item);
		const node = old.get(k) || make(item);

		old.delete(k);
		now.set(k, node);
		if (update)
			update(node, item);
		const at = before ? before.nextSibling : parent.firstChild;
		if (at !== node)
			parent.insertBefore(node, at);
		before = node;
	}
	for (const node of old.values())
		node.remove();
	parent.keyedNodes = now;
}

let spoken = 0;
// Says something to who cannot see it change. Not more than one thing in three seconds: the last one waits.
export function announce(text) {
	const region = byId('announce');

	clearTimeout(announce.timer);
	announce.timer = setTimeout(() => {
		spoken = Date.now();
		region.textContent = visible(text);
	}, Math.max(50, spoken + 3000 - Date.now()));
}
