/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The text of one file of a policy. */
#include "policy/policy-file.h"

struct policy_source {
	atomic_uint refs;
	char *path;
	char *text;
	size_t len;
};

struct policy_source *policy_source_new(const char *path, const char *text, size_t len)
{
	struct policy_source *src = calloc(1, sizeof(*src));

	if (!src)
		return NULL;
	src->refs = 1;
	src->path = strdup(path);
	src->text = malloc(len + 1);
	if (!src->path || !src->text)
		return policy_source_unref(src);
	memcpy(src->text, text, len);
	src->text[len] = '\0';
	src->len = len;
	return src;
}

struct policy_source *policy_source_ref(struct policy_source *src)
{
	if (src)
		atomic_fetch_add(&src->refs, 1);
	return src;
}

struct policy_source *policy_source_unref(struct policy_source *src)
{
	if (src && atomic_fetch_sub(&src->refs, 1) == 1) {
		free(src->path);
		free(src->text);
		free(src);
	}
	return NULL;
}

const char *policy_source_path(const struct policy_source *src)
{
	return src->path;
}

const char *policy_source_text(const struct policy_source *src, size_t *ret_len)
{
	*ret_len = src->len;
	return src->text;
}
