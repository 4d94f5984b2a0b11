# SPDX-License-Identifier: LGPL-2.1-or-later
# A real daemon, held against its own OpenAPI document with public tools; these come from npm.
api_doc_tests = \
	tests/api/test-bad-input.sh \
	tests/api/test-document.sh \
	tests/api/test-mutate.sh \
	tests/api/test-routes.sh \
	$(NULL)
dist_check_SCRIPTS += $(api_doc_tests)
TESTS += $(api_doc_tests)
EXTRA_DIST += \
	tests/api/api.mjs \
	tests/api/bad-input.mjs \
	tests/api/lib.sh \
	tests/api/mutate.mjs \
	tests/api/package-lock.json \
	tests/api/package.json \
	tests/api/prepare.mjs \
	tests/api/raw.mjs \
	tests/api/routes.mjs \
	tests/api/stream.mjs \
	tests/api/validate.mjs \
	$(NULL)
