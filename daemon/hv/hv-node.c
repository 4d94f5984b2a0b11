/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/hv/hv-node.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/units.h"

bool node_is(const xmlNode *n, const char *name)
{
	return n->type == XML_ELEMENT_NODE && streq((const char *)n->name, name);
}

xmlNode *node_seek(xmlNode *n, const char *name)
{
	while (n && !node_is(n, name))
		n = n->next;
	return n;
}

xmlNode *node_child(const xmlNode *n, const char *name)
{
	return n ? node_seek(n->children, name) : NULL;
}

bool prop_is(xmlNode *n, const char *name, const char *want)
{
	_cleanup_xml_string_ xmlChar *v = n ? xmlGetProp(n, BAD_CAST name) : NULL;

	return v && streq((const char *)v, want);
}

int number_of(const char *s, uint64_t *ret)
{
	char *end;
	unsigned long long v;

	s += strspn(s, " \t\n");
	if (*s < '0' || *s > '9')
		return -EBADMSG;
	errno = 0;
	v = strtoull(s, &end, 10);
	if (errno || end[strspn(end, " \t\n")])
		return -EBADMSG;
	*ret = v;
	return 0;
}

/* libvirt's scaled integers: "b", "KB" = 1000, "k" or "KiB" = 1024, and so on; without a unit
 * KiB. */
static uint64_t unit_bytes(const char *unit)
{
	static const char letters[] = "kmgtp";
	const char *letter;
	uint64_t base, factor = 1;

	if (streq(unit, "b") || streq(unit, "bytes"))
		return 1;
	letter = strchr(letters, *unit | 0x20);
	if (!*unit || !letter)
		return 0;
	if (unit[1] == '\0' || streq(unit + 1, "iB"))
		base = 1024;
	else if (streq(unit + 1, "B"))
		base = 1000;
	else
		return 0;
	for (const char *l = letters; l <= letter; l++)
		factor *= base;
	return factor;
}

int node_number(xmlNode *n, uint64_t *ret, struct diag *d)
{
	_cleanup_xml_string_ xmlChar *text = xmlNodeGetContent(n);

	if (!text)
		return -ENOMEM;
	if (number_of((const char *)text, ret) < 0)
		return diag_set(d, EBADMSG, "domain", (unsigned)xmlGetLineNo(n), 0,
			"<%s> holds \"%s\", expected a number", n->name, text);
	return 0;
}

int node_size(xmlNode *n, uint64_t *ret_bytes, struct diag *d)
{
	_cleanup_xml_string_ xmlChar *unit = xmlGetProp(n, BAD_CAST "unit");
	uint64_t v, factor = unit ? unit_bytes((const char *)unit) : KIB;
	int r;

	r = node_number(n, &v, d);
	if (r < 0)
		return r;
	if (factor == 0 || v > UINT64_MAX / factor)
		return diag_set(d, EBADMSG, "domain", (unsigned)xmlGetLineNo(n), 0,
			"<%s> has the unit \"%s\", expected one like KiB, or the size is too large",
			n->name, unit ? (const char *)unit : "KiB");
	*ret_bytes = v * factor;
	return 0;
}

int node_text(xmlNode *n, char **slot)
{
	_cleanup_xml_string_ xmlChar *text = n ? xmlNodeGetContent(n) : NULL;
	char *copy;

	if (!text)
		return n ? -ENOMEM : 0;
	copy = strdup((const char *)text);
	if (!copy)
		return -ENOMEM;
	free(*slot);
	*slot = copy;
	return 0;
}
