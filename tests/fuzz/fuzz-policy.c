/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A policy file: a bad one is told with places inside it, a good one has effective settings that,
 * written down as a policy, read back as themselves.
 */
#include "policy/policy-set.h"

#include <stdio.h>

#include "policy/setting-list.h"
#include "policy/what-if.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* No file is read: only UTC is known. */
static const struct policy_dirs dirs = {.zoneinfo = "/nonexistent", .localtime = "/nonexistent"};
static const char *const tags[] = {"db", "night", NULL};

static unsigned lines_of(const char *text, size_t len)
{
	unsigned lines = 1;

	for (size_t i = 0; i < len; i++)
		lines += text[i] == '\n';
	return lines;
}

static void check_findings(const struct diag_list *l, const char *text, size_t len)
{
	unsigned lines = lines_of(text, len);

	if (!l->n)
		abort();
	for (size_t i = 0; i < l->n; i++) {
		const struct diag *d = &l->items[i];

		if (!d->file || !streq(d->file, "input") || !d->text || d->line > lines)
			abort();
		/* What is said may be printed on a terminal. */
		for (const char *p = d->text; *p; p++)
			if ((unsigned char)*p < 0x20 || *p == 0x7f)
				abort();
	}
}

static void settings_of(const struct policy_set *set, const char *guest, uint64_t now_usec,
	struct setting_list *ret)
{
	const struct what_if q = {.id = {.name = guest, .tags = tags, .host = "host1"},
		.now_real_usec = now_usec,
		.conditions_hold = true};
	_cleanup_what_if_answer_ struct what_if_answer *a = NULL;

	if (what_if(set, &q, &a, NULL) < 0 || what_if_visit(a, setting_list_record, ret) < 0)
		abort();
}

static void check_reads_back(const struct setting_list *l)
{
	_cleanup_policy_set_ struct policy_set *set = NULL;
	_cleanup_setting_list_ struct setting_list again = {0};
	_cleanup_free_ char *text = NULL;
	struct policy_text t = {.name = "again"};
	FILE *f = open_memstream(&text, &t.len);

	for (size_t i = 0; i < l->n; i++)
		fprintf(f, "[%s]\n%s=%s\n", l->lines[i].section, l->lines[i].key,
			l->lines[i].value);
	fclose(f);
	t.text = text;
	if (policy_set_from_texts(&t, 1, &dirs, &set, NULL) < 0)
		abort();
	settings_of(set, "any", 0, &again);
	for (size_t i = 0; i < l->n; i++)
		if (!streq(l->lines[i].value, again.lines[i].value))
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct policy_text t = {.name = "input", .text = (const char *)data, .len = size};
	_cleanup_policy_set_ struct policy_set *set = NULL;
	_cleanup_diag_list_ struct diag_list findings = {0};
	static const char *const guests[] = {"web1", "db1", "", "é["};

	if (policy_set_from_texts(&t, 1, &dirs, &set, &findings) < 0) {
		check_findings(&findings, t.text, size);
		return 0;
	}
	if (findings.n)
		abort();
	for (size_t i = 0; i < ARRAY_SIZE(guests); i++) {
		_cleanup_setting_list_ struct setting_list l = {0};

		settings_of(set, guests[i], i * 300 * USEC_PER_DAY, &l);
		check_reads_back(&l);
	}
	return 0;
}
