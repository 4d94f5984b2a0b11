/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/policy-next.h"

#include <stdio.h>

#define NAMED 2	  /* the others are counted: it is one line */
#define LISTED 16 /* of more the daemon names these */

/* A name without its ending, which all have. */
static int name_len(const char *name)
{
	size_t n = strlen(name);

	if (n > 7 && streq(name + n - 7, ".policy"))
		n -= 7;
	return (int)MIN(n, (size_t)128);
}

const char *policy_next_text(
	const json_t *of, uint64_t now_real_usec, char buf[static NEXT_TEXT_MAX])
{
	const json_t *changes = get_at(of, "/next_changes"), *p;
	size_t n = json_array_size(changes), i, len = 0;
	uint64_t next = get_time(of, "/next_change");
	char when[SHOW_TIME_MAX];

	if (!next)
		return NULL;
	json_array_foreach (changes, i, p) {
		const char *name = get_string(p, "/policy", "?");

		if (i < NAMED)
			len += (size_t)snprintf(buf + len, NEXT_TEXT_MAX - len, "%s%.*s %s",
				!i	     ? ""
				: i + 1 == n ? " and "
					     : ", ",
				name_len(name), name, get_bool(p, "/opens") ? "opens" : "closes");
	}
	if (n > NAMED)
		len += (size_t)snprintf(buf + len, NEXT_TEXT_MAX - len, " and %s%zu more change",
			n >= LISTED ? "at least " : "", n - NAMED);
	if (!n) /* of an earlier version, or not known yet */
		len += (size_t)snprintf(buf, NEXT_TEXT_MAX, "the next schedule opens or closes");
	snprintf(buf + len, NEXT_TEXT_MAX - len, " at %s", show_time(next, now_real_usec, when));
	return buf;
}
