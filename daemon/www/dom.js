// SPDX-License-Identifier: LGPL-2.1-or-later
// Elements by hand. All text goes in as text: guests choose their names, and nothing they say is ever markup.

const SVG = 'http://www.w3.org/2000/svg';

function fill(node, props, children) {
	for (const [key, value] of Object.entries(props || {})) {
		if (value === undefined || value === null || value === false)
			continue;
		if (key === 'on')
			for (const [type, f] of Object.entries(value))
				node.addEventListener(type, f);
		else if (key === 'text')
			node.textContent = value;
		else if (key === 'vars')
			setVars(node, value);
		else
			node.setAttribute(key, value === true ? '' : String(value));
	}
	node.append(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false));
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
	text = String(text ?? '');
	if (node.textContent !== text)
		node.textContent = text;
}

export function setAttr(node, name, value) {
	if (value === null || value === undefined || value === false)
		node.removeAttribute(name);
	else if (node.getAttribute(name) !== String(value))
		node.setAttribute(name, String(value));
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
		region.textContent = text;
	}, Math.max(50, spoken + 3000 - Date.now()));
}
