/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a dry run would come to: the trial that the page makes, too. */
#include "cli/preview.h"

#include <unistd.h>

#include "cli/client.h"
#include "cli/get.h"

static bool differs(const json_t *guest, const char *field)
{
	const json_t *then = get_at(get_at(guest, "/then"), field);

	return !json_equal(then, get_at(get_at(guest, "/now"), field)) ||
	       !json_equal(then, get_at(get_at(guest, "/without"), field));
}

static void print_memory(const json_t *guest)
{
	uint64_t now = get_number(guest, "/now/target", UINT64_MAX),
		 without = get_number(guest, "/without/target", UINT64_MAX);
	const char *why = get_shown(guest, "/reason/text", "");
	char a[SIZE_TEXT_MAX], b[SIZE_TEXT_MAX];

	printf("  %s: memory %s -> %s", get_shown(guest, "/guest", "?"), show_size(now, a),
		show_size(get_number(guest, "/then/target", UINT64_MAX), b));
	if (without != now)
		printf(" (otherwise %s)", show_size(without, a));
	printf("%s%s\n", *why ? ": " : "", why);
}

static unsigned print_guest(const json_t *guest)
{
	unsigned n = 0;

	if (differs(guest, "/target")) {
		print_memory(guest);
		n++;
	}
	if (differs(guest, "/cpu_weight")) {
		printf("  %s: CPU weight %llu -> %llu\n", get_shown(guest, "/guest", "?"),
			(unsigned long long)get_number(guest, "/now/cpu_weight", 0),
			(unsigned long long)get_number(guest, "/then/cpu_weight", 0));
		n++;
	}
	if (differs(guest, "/cpu_quota_permyriad")) {
		char a[RATIO_TEXT_MAX], b[RATIO_TEXT_MAX];
		uint64_t now = get_number(guest, "/now/cpu_quota_permyriad", 0),
			 then = get_number(guest, "/then/cpu_quota_permyriad", 0);

		printf("  %s: CPU quota %s -> %s\n", get_shown(guest, "/guest", "?"),
			now ? show_permyriad(now, a) : "none",
			then ? show_permyriad(then, b) : "none");
		n++;
	}
	return n;
}

static void print(const json_t *answer)
{
	const char *state = get_string(answer, "/host/then/state", "?");
	char free_text[SIZE_TEXT_MAX];
	unsigned n = 0;
	const json_t *g;
	size_t i;

	printf("What that would come to%s:\n",
		get_bool(answer, "/enforce") ? "" : ", were the mode enforce and nothing paused");
	json_array_foreach (get_at(answer, "/guests"), i, g)
		n += print_guest(g);
	if (!n)
		printf("  no guest's memory or CPU weight would move\n");
	printf("  the host would be %s, with %s free\n", state,
		show_size(get_number(answer, "/host/then/free", UINT64_MAX), free_text));
}

int preview_ask(struct cli *c, const struct client_ask *trial, struct client_answer *ret)
{
	struct client_ask first = *trial;
	int r;

	first.quiet = true;
	r = client_ask(c, &first, ret);
	if (r == CLI_OK || (trial->quiet && !streq(ret->problem, "too-many-requests")))
		return r;
	if (streq(ret->problem, "too-many-requests"))
		sleep(1);
	client_answer_clear(ret);
	return client_ask(c, trial, ret); /* with its message */
}

void preview_print(struct cli *c, json_t *body)
{
	_cleanup_answer_ struct client_answer answer = {0};
	_cleanup_free_ char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;

	json_decref(body);
	if (text && preview_ask(c,
			    &(struct client_ask){.method = "POST",
				    .path = "/v1/plan/preview",
				    .body = text,
				    .type = "application/json",
				    .quiet = true,
				    .asks = true},
			    &answer) == CLI_OK)
		print(answer.body);
	else
		fprintf(stderr, "note: what that would come to is not known: %s\n",
			get_string(answer.body, "/detail",
				*answer.problem ? answer.problem : "out of memory"));
}
