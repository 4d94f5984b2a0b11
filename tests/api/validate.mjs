// SPDX-License-Identifier: LGPL-2.1-or-later
// The document, held against the specification by two public tools.
import { Validator } from '@seriousme/openapi-schema-validator';
import { createConfig, lintFromString } from '@redocly/openapi-core';
import { end, request, result } from './api.mjs';

const { status, text, headers } = await request('GET', '/v1/openapi.json');
result(status === 200 && headers['content-type'] === 'application/json' ? null : `${status} ${headers['content-type']}`,
	'the daemon answers with its document');
const strict = await new Validator().validate(JSON.parse(text));
result(strict.valid ? null : JSON.stringify(strict.errors), 'it is OpenAPI 3.1 (openapi-schema-validator)');

// What no operation refers to is there for readers: answers to paths and methods that there are not.
const config = await createConfig({ extends: ['recommended-strict'], rules: { 'no-unused-components': 'off' } });
const problems = await lintFromString({ source: text, absoluteRef: 'openapi.json', config });
result(problems.map((p) => `${p.severity} ${p.ruleId}: ${p.message} ${p.location[0]?.pointer}`), 'Redocly finds nothing to say');

const broken = JSON.parse(text);
broken.paths['/v1/guests'].get.responses = 'none';
result((await new Validator().validate(broken)).valid && 'it passes all the same', 'a broken one does not pass');
end();
