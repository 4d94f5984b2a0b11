// SPDX-License-Identifier: LGPL-2.1-or-later
// The document, held against the specification by two public tools.
import { Validator } from '@seriousme/openapi-schema-validator';
import { createConfig, lintFromString } from '@redocly/openapi-core';
import { Document, end, request, result } from './api.mjs';

const { status, text, headers } = await request('GET', '/v1/openapi.json');
result(status === 200 && headers['content-type'] === 'application/json' ? null : `${status} ${headers['content-type']}`,
	'the daemon answers with its document');
const strict = await new Validator().validate(JSON.parse(text));
result(strict.valid ? null : JSON.stringify(strict.errors), 'it is OpenAPI 3.1 (openapi-schema-validator)');

// What no operation refers to is there for readers: answers to paths and methods that there are not.
const config = await createConfig({ extends: ['recommended-strict'], rules: { 'no-unused-components': 'off' } });
const problems = await lintFromString({ source: text, absoluteRef: 'openapi.json', config });
result(problems.map((p) => `${p.severity} ${p.ruleId}: ${p.message} ${p.location[0]?.pointer}`), 'Redocly finds nothing to say');

// Examples are values of their schemas, as they stand and with nothing beside.
const doc = new Document(JSON.parse(text));
const mistakes = (pointer) => {
	const media = doc.at(pointer);
	if (media.example === undefined)
		return 'has none';
	const check = doc.validator(`${pointer}/schema`);
	return check(media.example) ? null : check.errors.slice(0, 4).map((e) => `${e.instancePath} ${e.message} ${JSON.stringify(e.params)}`).join('; ');
};
const escape = (s) => s.replaceAll('~', '~0').replaceAll('/', '~1');
const places = doc.operations.flatMap((op) => {
	const here = `/paths/${escape(op.path)}/${op.method.toLowerCase()}`;
	const media = (at, content) => Object.keys(content ?? {}).map((m) => `${at}/content/${escape(m)}`);
	return [...media(`${here}/requestBody`, op.requestBody?.content),
		...Object.keys(op.responses).filter((s) => s < 300).flatMap((s) => media(`${here}/responses/${s}`, op.responses[s].content))];
});
result([places.length > doc.operations.length ? null : `only ${places.length} places`, ...places.map((p) => {
	const m = mistakes(p);
	return m && `${p}: ${m}`;
})], `each of ${places.length} requests and answers has an example that fits its schema`);
const guest = '/paths/~1v1~1guests~1{guest}/get/responses/200/content/application~1json';
delete doc.at(guest).example.memory.target;
doc.at(guest).example.running = 'yes';
const found = mistakes(guest) ?? '';
result(found.includes('target') && found.includes('boolean') ? null : `found: ${found}`, 'one that does not fit is found');

const broken = JSON.parse(text);
broken.paths['/v1/guests'].get.responses = 'none';
result((await new Validator().validate(broken)).valid && 'it passes all the same', 'a broken one does not pass');
end();
