/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/history/tick.h"

struct tick *tick_new(size_t n, size_t names_len)
{
	struct tick *t = malloc(sizeof(*t) + n * sizeof(t->guests[0]) + names_len);

	if (!t)
		return NULL;
	t->at_sec = 0;
	t->n_guests = n;
	t->names = (char *)&t->guests[n];
	memset(t->host, 0xff, sizeof(t->host));
	for (size_t i = 0; i < n; i++) {
		t->guests[i] = (struct tick_guest){.name = ""};
		memset(t->guests[i].values, 0xff, sizeof(t->guests[i].values));
	}
	return t;
}

struct tick *tick_free(struct tick *t)
{
	free(t);
	return NULL;
}
