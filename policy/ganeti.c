/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/ganeti.h"

#include <stdarg.h>
#include <stdio.h>

#include "policy/ganeti-names.h"

/* 64 TiB: the sum of as many as there may be stays below 64 bits. */
#define MIB_MAX  (UINT64_C(1) << 26)
#define CPUS_MAX 65536
/* Virtual CPUs of one CPU: hundredths. */
#define RATIO_MAX 100000

#define FIELDS_MAX 24

struct field {
	const char *at; /* its first byte; it ends by '\0' */
};

struct reading {
	const char *file;
	char *line;
	unsigned number;
	struct field fields[FIELDS_MAX];
	size_t n_fields;
	struct names groups, nodes;
	uint64_t cpu_ratio; /* hundredths; 0: no limit */
	struct ganeti_cluster *c;
	struct diag *d;
};

_printf_(3, 4) static int bad(const struct reading *rd, size_t field, const char *fmt, ...)
{
	unsigned col = field < rd->n_fields ? (unsigned)(rd->fields[field].at - rd->line) + 1 : 1;
	char text[320];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return diag_set(rd->d, EBADMSG, rd->file, rd->number, col, "%s", text);
}

static void split(struct reading *rd)
{
	char *p = rd->line;

	rd->n_fields = 0;
	while (p && rd->n_fields < FIELDS_MAX) {
		rd->fields[rd->n_fields++].at = p;
		p = strchr(p, '|');
		if (p)
			*p++ = '\0';
	}
}

static const char *field_at(const struct reading *rd, size_t i)
{
	return i < rd->n_fields ? rd->fields[i].at : "";
}

static int number(const struct reading *rd, size_t field, const char *what, uint64_t least,
	uint64_t most, uint64_t *ret)
{
	const char *text = field_at(rd, field);
	char shown[EXCERPT_MAX];
	uint64_t n = 0;

	for (const char *p = text; *p; p++) {
		if (*p < '0' || *p > '9' || n > most)
			n = UINT64_MAX / 16;
		else
			n = n * 10 + (uint64_t)(*p - '0');
	}
	if (!*text || n < least || n > most)
		return bad(rd, field, "%s is \"%s\", expected a whole number from %llu to %llu",
			what, excerpt(text, shown), (unsigned long long)least,
			(unsigned long long)most);
	*ret = n;
	return 0;
}

static int name(struct reading *rd, struct names *names, const char *what, size_t value)
{
	const char *text = field_at(rd, 0);
	char shown[EXCERPT_MAX];
	int r;

	if (!*text)
		return bad(rd, 0, "a %s without a name", what);
	r = names_add(names, text, value);
	if (r == -EEXIST)
		return bad(rd, 0, "there is a %s \"%s\" already", what, excerpt(text, shown));
	return r;
}

static int group_parse(struct reading *rd)
{
	if (rd->n_fields < 2)
		return bad(rd, 0, "expected a group: name|uuid|...");
	/* Nodes name their group by its uuid. */
	rd->fields[0].at = rd->fields[1].at;
	return name(rd, &rd->groups, "group", rd->groups.n);
}

static int node_parse(struct reading *rd)
{
	struct ganeti_cluster *c = rd->c;
	struct placement_host *h = &c->hosts[c->n_hosts];
	uint64_t memory, free_mib, cpus, own = 1;
	const char *state = field_at(rd, 7);
	char shown[EXCERPT_MAX];
	size_t group = 0;
	int r;

	if (rd->n_fields < 9)
		return bad(rd, 0, "a node of %zu fields, expected at least 9: name|t_mem|n_mem|f_mem|t_dsk|f_dsk|t_cpu|offline|group",
			rd->n_fields);
	if (c->n_hosts == GANETI_HOSTS_MAX)
		return bad(rd, 0, "more than %d nodes", GANETI_HOSTS_MAX);
	r = name(rd, &rd->nodes, "node", c->n_hosts);
	r = r ?: number(rd, 1, "its memory", 1, MIB_MAX, &memory);
	r = r ?: number(rd, 3, "its free memory", 0, MIB_MAX, &free_mib);
	r = r ?: number(rd, 6, "its number of CPUs", 1, CPUS_MAX, &cpus);
	if (r == 0 && *field_at(rd, 13))
		r = number(rd, 13, "the number of CPUs that it takes itself", 0, CPUS_MAX, &own);
	if (r < 0)
		return r;
	if (free_mib > memory)
		return bad(rd, 3, "more memory is free than there is");
	if (!streq(state, "Y") && !streq(state, "N") && !streq(state, "M"))
		return bad(rd, 7, "whether it is offline is \"%s\", expected Y, N or M",
			excerpt(state, shown));
	if (!names_find(&rd->groups, field_at(rd, 8), &group))
		return bad(rd, 8, "there is no group \"%s\"", excerpt(field_at(rd, 8), shown));
	*h = (struct placement_host){
		.name = field_at(rd, 0),
		.memory_bytes = memory * MIB,
		.room_bytes = free_mib * MIB, /* and what its instances have */
		.cpus = (uint32_t)cpus,
		.vcpus_own = (uint32_t)own,
		.group = (uint32_t)group,
		.accepts = !streq(state, "Y"),
		.leaves = streq(state, "Y"),
	};
	c->n_hosts++;
	return 0;
}

/* Disks that all hosts of a group reach. */
static const char *const shared[] = {"ext", "sharedfile", "gluster", "rbd", "blockdev", "diskless",
	NULL};
static const char *const local[] = {"plain", "file", NULL};

static bool one_of(const char *const *words, const char *word)
{
	while (*words && !streq(*words, word))
		words++;
	return *words;
}

static int instance_parse(struct reading *rd)
{
	struct ganeti_cluster *c = rd->c;
	struct placement_guest *g = &c->guests[c->n_guests];
	const char *disks = field_at(rd, 8), *state = field_at(rd, 4);
	bool runs = streq(state, "running");
	uint64_t memory, vcpus;
	char shown[EXCERPT_MAX];
	size_t host = 0;
	int r;

	if (rd->n_fields < 9)
		return bad(rd, 0, "an instance of %zu fields, expected at least 9: name|mem|disk|vcpus|status|auto_balance|pnode|snode|disk_template",
			rd->n_fields);
	if (c->n_guests == GANETI_GUESTS_MAX)
		return bad(rd, 0, "more than %d instances", GANETI_GUESTS_MAX);
	if (!*field_at(rd, 0))
		return bad(rd, 0, "an instance without a name");
	r = number(rd, 1, "its memory", 0, MIB_MAX, &memory);
	r = r ?: number(rd, 3, "its number of virtual CPUs", 0, CPUS_MAX, &vcpus);
	if (r < 0)
		return r;
	if (!names_find(&rd->nodes, field_at(rd, 6), &host))
		return bad(rd, 6, "there is no node \"%s\"", excerpt(field_at(rd, 6), shown));
	if (streq(disks, "drbd"))
		return bad(rd, 8, "its disks are a local pair (drbd) on \"%s\" and \"%s\": to move it means to copy disks, which is not done here",
			field_at(rd, 6), excerpt(field_at(rd, 7), shown));
	if (!one_of(shared, disks) && !one_of(local, disks))
		return bad(rd, 8, "its disks are \"%s\", expected ext, sharedfile, gluster, rbd, blockdev, diskless, plain or file",
			excerpt(disks, shown));
	*g = (struct placement_guest){
		.name = field_at(rd, 0),
		.host = host,
		.bytes = runs ? memory * MIB : 0,
		.vcpus = (uint32_t)vcpus,
		.fixed = !runs || one_of(local, disks) || streq(field_at(rd, 5), "N"),
	};
	c->hosts[host].room_bytes += g->bytes;
	c->n_guests++;
	return 0;
}

/* "4.0" is 400; 0 for what is no such number. Digits beyond the second count nothing. */
static uint64_t hundredths(const char *text)
{
	uint64_t n = 0;
	int decimals = -1; /* -1: no point yet */

	for (; *text; text++) {
		if (*text == '.' && decimals < 0) {
			decimals = 0;
			continue;
		}
		if (*text < '0' || *text > '9' || n > RATIO_MAX)
			return 0;
		if (decimals == 2)
			continue;
		n = n * 10 + (uint64_t)(*text - '0');
		decimals += decimals >= 0;
	}
	for (decimals = MAX(decimals, 0); decimals < 2; decimals++)
		n *= 10;
	return n;
}

/* owner|standard|limits|disk templates|ratio of virtual CPUs|... The cluster's own has no owner. */
static int limits_parse(struct reading *rd)
{
	const char *text = field_at(rd, 4);
	char shown[EXCERPT_MAX];
	uint64_t ratio = hundredths(text);

	if (*field_at(rd, 0) || !*text)
		return 0;
	if (!ratio || ratio > RATIO_MAX)
		return bad(rd, 4, "the ratio of virtual CPUs is \"%s\", expected a number from 0.01 to %d",
			excerpt(text, shown), RATIO_MAX / 100);
	rd->cpu_ratio = ratio;
	return 0;
}

static int tag_parse(struct reading *rd _unused_)
{
	return 0;
}

static int (*const sections[])(struct reading *rd) = {
	group_parse, node_parse, instance_parse, tag_parse, limits_parse};

static size_t lines_of(const char *text)
{
	size_t n = 1;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static int parse(struct reading *rd)
{
	size_t section = 0, lines = lines_of(rd->c->text);
	char *next = rd->c->text;

	rd->c->hosts = calloc(MIN(lines, (size_t)GANETI_HOSTS_MAX), sizeof(*rd->c->hosts));
	rd->c->guests = calloc(MIN(lines, (size_t)GANETI_GUESTS_MAX), sizeof(*rd->c->guests));
	if (!rd->c->hosts || !rd->c->guests)
		return -ENOMEM;
	while (next && *next && section < ARRAY_SIZE(sections)) {
		int r;

		rd->line = next;
		rd->number++;
		next = strchr(next, '\n');
		if (next)
			*next++ = '\0';
		if (!*rd->line) {
			section++;
			continue;
		}
		split(rd);
		r = sections[section](rd);
		if (r < 0)
			return r;
	}
	if (!rd->groups.n)
		return diag_set(rd->d, EBADMSG, rd->file, 1, 1,
			"there is no group: expected a cluster in the text format of ganeti-htools");
	for (size_t i = 0; i < rd->c->n_hosts; i++)
		rd->c->hosts[i].vcpus_max =
			(uint32_t)(rd->cpu_ratio * rd->c->hosts[i].cpus / 100);
	return 0;
}

int ganeti_parse(const char *file, const char *text, size_t len, struct ganeti_cluster **ret,
	struct diag *d)
{
	_cleanup_ganeti_cluster_ struct ganeti_cluster *c = calloc(1, sizeof(*c));
	struct reading rd = {.file = file, .c = c, .d = d};
	int r;

	if (!c)
		return -ENOMEM;
	if (memchr(text, '\0', len))
		return diag_set(d, EBADMSG, file, 1, 1, "it has a byte 0 in it: this is no text");
	c->text = strndup(text, len);
	if (!c->text)
		return -ENOMEM;
	r = parse(&rd);
	names_clear(&rd.groups);
	names_clear(&rd.nodes);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(c);
	return 0;
}

struct ganeti_cluster *ganeti_cluster_free(struct ganeti_cluster *c)
{
	if (!c)
		return NULL;
	free(c->hosts);
	free(c->guests);
	free(c->text);
	free(c);
	return NULL;
}
