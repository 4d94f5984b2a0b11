// SPDX-License-Identifier: LGPL-2.1-or-later
// A client of the API that believes nothing: every answer it gets is held against the daemon's own OpenAPI document.
import { randomUUID } from 'node:crypto';
import http from 'node:http';
import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

export const socketPath = process.env.SOCKET;
const NOBODY = 65534;

// One request; resolves to {status, headers, text}. As nobody: with the identity of a user who is in no group.
export function request(method, path, { headers = {}, body, asNobody = false, timeout = 30000, signal } = {}) {
	return new Promise((resolve, reject) => {
		const options = { socketPath, method, path, headers: { ...headers }, agent: false, signal };
		if (body !== undefined)
			options.headers['Content-Length'] = Buffer.byteLength(body);
		const send = () => {
			const req = http.request(options, (res) => {
				const parts = [];
				res.on('data', (d) => parts.push(d));
				res.on('error', reject);
				res.on('end', () => resolve({
					method, path, status: res.statusCode, headers: res.headers, text: Buffer.concat(parts).toString(),
				}));
			});
			req.setTimeout(timeout, () => req.destroy(new Error(`no answer in ${timeout} ms: ${method} ${path}`)));
			req.on('error', reject);
			req.end(body);
		};
		if (!asNobody)
			return send();
		// The kernel notes who connects when it does; node connects before this returns.
		const groups = process.getgroups();
		process.setgroups([]);
		process.setegid(NOBODY);
		process.seteuid(NOBODY);
		try {
			send();
		} finally {
			process.seteuid(0);
			process.setegid(0);
			process.setgroups(groups);
		}
	});
}

// An answer may have more than is declared, for clients. Here it may not: what is not declared is forgotten.
function close(schema) {
	if (!schema || typeof schema !== 'object')
		return schema;
	if (Array.isArray(schema))
		return schema.map(close);
	const out = {};
	for (const [k, v] of Object.entries(schema))
		out[k] = close(v);
	if (out.type === 'object' && out.properties && !('additionalProperties' in out))
		out.additionalProperties = false;
	return out;
}

export class Document {
	constructor(doc) {
		this.doc = doc;
		this.ajv = new Ajv2020({ strict: false, allErrors: true, discriminator: false });
		addFormats(this.ajv);
		this.ajv.addSchema({ ...close(doc), $id: 'doc' });
		this.compiled = new Map();
		this.operations = [];
		for (const [path, item] of Object.entries(doc.paths))
			for (const [method, op] of Object.entries(item))
				this.operations.push({ path, method: method.toUpperCase(), ...op });
	}
	static async load() {
		const r = await request('GET', '/v1/openapi.json');
		return new Document(JSON.parse(r.text));
	}
	deref(value) {
		while (value?.$ref)
			value = value.$ref.slice(2).split('/').reduce((v, k) => v?.[k], this.doc);
		return value;
	}
	operation(id) {
		return this.operations.find((op) => op.operationId === id);
	}
	// By the place of a schema in the document.
	validator(pointer) {
		if (!this.compiled.has(pointer))
			this.compiled.set(pointer, this.ajv.compile({ $ref: `doc#${pointer}` }));
		return this.compiled.get(pointer);
	}
	at(pointer) {
		return pointer.split('/').slice(1).reduce((v, k) => v?.[k.replaceAll('~1', '/').replaceAll('~0', '~')], this.doc);
	}
	// What is wrong with an answer, or null. pointer: of its response object.
	mistakeAt(pointer, res) {
		const response = this.at(pointer);
		const head = res.method === 'HEAD';
		if (res.headers['ballast-api'] !== '1')
			return 'the header Ballast-Api is missing';
		if (!response.content)
			return res.text === '' ? null : 'has a body, and none is declared';
		const type = res.headers['content-type'];
		const media = Object.keys(response.content).find((m) => m === type || m === type?.split(';')[0] || m === '*/*');
		if (!media)
			return `Content-Type ${type} is not declared`;
		for (const header of ['Retry-After', 'Allow', 'ETag', 'WWW-Authenticate']) {
			const declared = this.deref(response.headers?.[header]);
			const there = header.toLowerCase() in res.headers;
			if (there && !declared)
				return `header ${header} is not declared`;
			if (declared?.required && !there)
				return `header ${header} is missing`;
		}
		if (head)
			return res.text === '' ? null : 'HEAD has a body';
		if (!media.endsWith('json'))
			return null;
		let value;
		try {
			value = JSON.parse(res.text);
		} catch (e) {
			return `not JSON: ${e.message}`;
		}
		const schema = response.content[media].schema;
		if (schema.type === 'string')
			return null;
		const escaped = media.replaceAll('/', '~1');
		const check = this.validator(`${pointer}/content/${escaped}/schema`);
		if (!check(value))
			return check.errors.slice(0, 6).map((e) => `${e.instancePath} ${e.message} ${JSON.stringify(e.params)}`).join('; ');
		if (res.status >= 400 && (value.status !== res.status || value.type !== `urn:ballast:problem:${value.code}`))
			return 'status or type do not fit';
		return null;
	}
	// What is wrong with an answer of an operation (null: of a path or method that there is not).
	mistake(op, res) {
		if (!op) {
			const name = { 404: 'RouteUnknown', 405: 'MethodNotAllowed' }[res.status];
			return name ? this.mistakeAt(`/components/responses/${name}`, res) : `status ${res.status}`;
		}
		let response = op.responses[res.status];
		if (!response)
			return `status ${res.status} is not declared: ${res.text.slice(0, 300)}`;
		if (response.$ref)
			return this.mistakeAt(response.$ref.slice(1), res);
		const path = op.path.replaceAll('~', '~0').replaceAll('/', '~1');
		return this.mistakeAt(`/paths/${path}/${op.method.toLowerCase()}/responses/${res.status}`, res);
	}
	// A value that a schema takes.
	sample(schema) {
		schema = this.deref(schema);
		if (schema.enum)
			return schema.enum[0];
		if (schema.const !== undefined)
			return schema.const;
		switch (Array.isArray(schema.type) ? schema.type[0] : schema.type) {
		case 'object':
			return Object.fromEntries((schema.required ?? []).map((k) => [k, this.sample(schema.properties[k])]));
		case 'array':
			return [];
		case 'integer':
			return Math.max(schema.minimum ?? 0, Math.min(2, schema.maximum ?? 2));
		case 'boolean':
			return true;
		}
		if (schema.format === 'uuid')
			return randomUUID();
		if (schema.format === 'date-time')
			return new Date(Date.now() + 3600e3).toISOString();
		return 'sample';
	}
}

// TAP.
let count = 0, failed = 0;
export function result(mistakes, text) {
	const list = [mistakes].flat().filter(Boolean);
	count++;
	if (list.length)
		failed++;
	console.log(`${list.length ? 'not ok' : 'ok'} ${count} - ${text}`);
	for (const m of list.slice(0, 10))
		console.log(`#   ${m}`);
}
export function skipped(text, why) {
	console.log(`ok ${++count} - ${text} # SKIP ${why}`);
}
export function end() {
	console.log(`1..${count}`);
	process.exit(failed ? 1 : 0);
}
