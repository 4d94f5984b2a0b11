/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/api/names.h"

#include <stdio.h>

/* Longer ones are cut. */
#define NAME_MAX_BYTES 41

struct name {
	uint32_t id;
	char text[NAME_MAX_BYTES];
};
struct list {
	struct name *names; /* in the order of the file: the first of an id counts */
	size_t n;
};
struct names {
	struct list users, groups;
};

static void close_file(FILE **f)
{
	if (*f)
		fclose(*f);
}

/* "anna:x:1000:...": the number is the third field in both files. */
static bool parse(char *line, struct name *ret)
{
	char *password = strchr(line, ':'), *number = password ? strchr(password + 1, ':') : NULL,
	     *end;
	unsigned long id;

	if (!number || password == line || number[1] < '0' || number[1] > '9')
		return false;
	errno = 0;
	id = strtoul(number + 1, &end, 10);
	if (errno || (*end != ':' && *end != '\n' && *end) || id > UINT32_MAX)
		return false;
	*password = '\0';
	ret->id = (uint32_t)id;
	snprintf(ret->text, sizeof(ret->text), "%s", line);
	return true;
}

static int read_list(const char *path, struct list *l)
{
	_cleanup_(close_file) FILE *f = fopen(path, "re");
	_cleanup_free_ char *line = NULL;
	size_t allocated = 0;

	while (f && l->n < NAMES_MAX && getline(&line, &allocated, f) > 0) {
		struct name name, *names;

		if (!parse(line, &name))
			continue;
		if (l->n % 64 == 0) {
			names = reallocarray(l->names, l->n + 64, sizeof(*names));
			if (!names)
				return -ENOMEM;
			l->names = names;
		}
		l->names[l->n++] = name;
	}
	return 0;
}

struct names *names_load_from(const char *passwd, const char *group)
{
	struct names *n = calloc(1, sizeof(*n));

	if (n && (read_list(passwd, &n->users) < 0 || read_list(group, &n->groups) < 0))
		return names_free(n);
	return n;
}

struct names *names_load(void)
{
	return names_load_from("/etc/passwd", "/etc/group");
}

struct names *names_free(struct names *n)
{
	if (!n)
		return NULL;
	free(n->users.names);
	free(n->groups.names);
	free(n);
	return NULL;
}

static const char *find(const struct list *l, uint32_t id)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->names[i].id == id)
			return l->names[i].text;
	return NULL;
}

const char *names_user(const struct names *n, uid_t uid)
{
	return n ? find(&n->users, uid) : NULL;
}

const char *names_group(const struct names *n, gid_t gid)
{
	return n ? find(&n->groups, gid) : NULL;
}
