/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/ganeti-names.h"

int names_add(struct names *n, const char *text, size_t value)
{
	struct name *e;
	size_t known;

	if (names_find(n, text, &known))
		return -EEXIST;
	e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->text = text;
	e->value = value;
	HASH_ADD_KEYPTR(hh, n->first, e->text, strlen(e->text), e);
	n->n++;
	return 0;
}

bool names_find(const struct names *n, const char *text, size_t *ret)
{
	struct name *e;

	HASH_FIND(hh, n->first, text, strlen(text), e);
	if (e)
		*ret = e->value;
	return e;
}

void names_clear(struct names *n)
{
	struct name *e, *next;

	HASH_ITER (hh, n->first, e, next) {
		HASH_DEL(n->first, e);
		free(e);
	}
	n->n = 0;
}
