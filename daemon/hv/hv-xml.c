/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/hv/hv-guest-priv.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/units.h"
#include "daemon/hv/hv-node.h"

/* libvirt itself refuses definitions beyond 10 MiB over its wire (VIR_NET_MESSAGE_STRING_MAX is 4
 * MiB). */
#define XML_BYTES_MAX (4 * MIB)

static inline void xml_doc_freep(xmlDoc **doc)
{
	if (*doc)
		xmlFreeDoc(*doc);
}

static bool tags_have(char *const *tags, const char *word, size_t len)
{
	for (; *tags; tags++)
		if (strlen(*tags) == len && memcmp(*tags, word, len) == 0)
			return true;
	return false;
}

/* Appends the words of a text to the guest's tags, each once. */
static int tags_add_words(struct hv_guest *g, size_t *n, const char *text)
{
	static const char separators[] = " \t\r\n,";

	for (;;) {
		size_t len;
		char **grown;

		text += strspn(text, separators);
		len = strcspn(text, separators);
		if (len == 0)
			return 0;
		if (len <= HV_TAG_LEN_MAX && *n < HV_TAGS_MAX && !tags_have(g->tags, text, len)) {
			grown = reallocarray(g->tags, *n + 2, sizeof(char *));
			if (!grown)
				return -ENOMEM;
			g->tags = grown;
			grown[*n + 1] = NULL;
			grown[*n] = strndup(text, len);
			if (!grown[*n])
				return -ENOMEM;
			(*n)++;
		}
		text += len;
	}
}

/* Text nodes one by one: "<tag>web</tag><tag>gold</tag>" are two words though no blank stands
 * between them. */
static int tags_walk(struct hv_guest *g, size_t *n, const xmlNode *node, unsigned depth)
{
	for (const xmlNode *c = node->children; c; c = c->next) {
		int r = 0;

		if ((c->type == XML_TEXT_NODE || c->type == XML_CDATA_SECTION_NODE) && c->content)
			r = tags_add_words(g, n, (const char *)c->content);
		else if (c->type == XML_ELEMENT_NODE && depth < 4)
			r = tags_walk(g, n, c, depth + 1);
		if (r < 0)
			return r;
	}
	return 0;
}

static int parse_tags(struct hv_guest *g, xmlNode *domain)
{
	size_t n = 0;

	NODE_FOREACH(tags, node_child(domain, "metadata"), "tags")
	{
		int r;

		if (!tags->ns || !tags->ns->href ||
			!streq((const char *)tags->ns->href, HV_TAGS_NAMESPACE))
			continue;
		r = tags_walk(g, &n, tags, 0);
		if (r < 0)
			return r;
	}
	return 0;
}

static int parse_identity(struct hv_guest *g, xmlNode *domain, struct diag *d)
{
	_cleanup_xml_string_ xmlChar *id = xmlGetProp(domain, BAD_CAST "id");
	xmlNode *node = node_child(domain, "uuid");
	_cleanup_xml_string_ xmlChar *uuid = node ? xmlNodeGetContent(node) : NULL;
	int r;

	g->id = id ? atoi((const char *)id) : -1;
	if (!uuid || uuid_parse((const char *)uuid, &g->uuid) < 0)
		return diag_set(d, EBADMSG, "domain", (unsigned)xmlGetLineNo(domain), 0,
			"<uuid> is \"%s\", expected 32 hexadecimal digits with dashes",
			uuid ? (const char *)uuid : "");
	r = node_text(node_child(domain, "name"), &g->name);
	if (r < 0)
		return r;
	if (!*g->name)
		return diag_set(d, EBADMSG, "domain", (unsigned)xmlGetLineNo(domain), 0,
			"<name> is missing or empty");
	r = node_text(node_child(domain, "title"), &g->title);
	return r < 0 ? r : parse_tags(g, domain);
}

static int parse_sizes(struct hv_guest *g, xmlNode *domain, struct diag *d)
{
	xmlNode *memory = node_child(domain, "memory");
	xmlNode *current = node_child(domain, "currentMemory");
	xmlNode *vcpu = node_child(domain, "vcpu");
	xmlNode *shares = node_child(node_child(domain, "cputune"), "shares");
	_cleanup_xml_string_ xmlChar *online = vcpu ? xmlGetProp(vcpu, BAD_CAST "current") : NULL;
	uint64_t n = 1;
	int r;

	if (!memory)
		return diag_set(d, EBADMSG, "domain", (unsigned)xmlGetLineNo(domain), 0,
			"<memory> is missing");
	r = node_size(memory, &g->max_bytes, d);
	if (r < 0)
		return r;
	g->actual_bytes = g->max_bytes;
	if (current && (r = node_size(current, &g->actual_bytes, d)) < 0)
		return r;
	if (vcpu && (r = node_number(vcpu, &n, d)) < 0)
		return r;
	if (online && number_of((const char *)online, &n) < 0)
		return diag_set(d, EBADMSG, "domain", (unsigned)xmlGetLineNo(vcpu), 0,
			"<vcpu current=> is \"%s\", expected a number", online);
	g->vcpus = (uint32_t)MIN(n, UINT64_C(65536));
	if (shares && (r = node_number(shares, &g->cpu_shares, d)) < 0)
		return r;
	return 0;
}

/* A device that reads or writes guest memory by itself has all of it pinned: the balloon's pages
 * would stay. */
static bool has_pinning_device(xmlNode *devices)
{
	NODE_FOREACH(hostdev, devices, "hostdev")
	if (prop_is(hostdev, "type", "pci") || prop_is(hostdev, "type", "mdev"))
		return true;
	NODE_FOREACH(iface, devices, "interface")
	if (prop_is(iface, "type", "hostdev") || prop_is(iface, "type", "vdpa"))
		return true;
	NODE_FOREACH(disk, devices, "disk")
	if (prop_is(disk, "type", "nvme") || prop_is(disk, "type", "vhostvdpa"))
		return true;
	return false;
}

static enum fixed_reason fixed_reason_of(const struct hv_guest *g, xmlNode *domain)
{
	xmlNode *backing = node_child(domain, "memoryBacking");
	xmlNode *launch = node_child(domain, "launchSecurity");

	if (g->balloon != HV_BALLOON_VIRTIO)
		return FIXED_NO_BALLOON;
	if (has_pinning_device(node_child(domain, "devices")))
		return FIXED_VFIO;
	if (node_child(backing, "hugepages"))
		return FIXED_HUGEPAGES;
	/* SEV pins the encrypted pages just like <locked/>. */
	if (node_child(backing, "locked") || prop_is(launch, "type", "sev") ||
		prop_is(launch, "type", "sev-snp"))
		return FIXED_LOCKED;
	return FIXED_NOT;
}

static void parse_balloon(struct hv_guest *g, xmlNode *devices)
{
	xmlNode *balloon = node_child(devices, "memballoon");
	_cleanup_xml_string_ xmlChar *model =
		balloon ? xmlGetProp(balloon, BAD_CAST "model") : NULL;
	xmlNode *stats = node_child(balloon, "stats");
	_cleanup_xml_string_ xmlChar *period = stats ? xmlGetProp(stats, BAD_CAST "period") : NULL;

	if (!model || streq((const char *)model, "none"))
		g->balloon = HV_BALLOON_NONE;
	else if (strncmp((const char *)model, "virtio", strlen("virtio")) == 0)
		g->balloon = HV_BALLOON_VIRTIO;
	else
		g->balloon = HV_BALLOON_OTHER;
	g->autodeflate = prop_is(balloon, "autodeflate", "on");
	g->free_page_reporting = prop_is(balloon, "freePageReporting", "on");
	if (!period || number_of((const char *)period, &g->stats_period_sec) < 0)
		g->stats_period_sec = 0;
}

static int parse_channel(struct hv_guest *g, xmlNode *devices, const char *channel_name)
{
	NODE_FOREACH(controller, devices, "controller")
	g->has_virtio_serial |= prop_is(controller, "type", "virtio-serial");

	NODE_FOREACH(channel, devices, "channel")
	{
		xmlNode *target = node_child(channel, "target");
		_cleanup_xml_string_ xmlChar *path = NULL;

		if (!prop_is(target, "type", "virtio") || !prop_is(target, "name", channel_name))
			continue;
		if (prop_is(target, "state", "connected"))
			g->channel = HV_CHANNEL_CONNECTED;
		else if (prop_is(target, "state", "disconnected"))
			g->channel = HV_CHANNEL_DISCONNECTED;
		else
			g->channel = HV_CHANNEL_UNKNOWN;
		if (!prop_is(channel, "type", "unix") || !node_child(channel, "source"))
			return 0;
		path = xmlGetProp(node_child(channel, "source"), BAD_CAST "path");
		if (path && *path && !(g->channel_path = strdup((const char *)path)))
			return -ENOMEM;
		return 0;
	}
	return 0;
}

/* The user of <seclabel model='dac'><label>USER:GROUP</label>: libvirt writes it into the
 * definition of each guest that runs. */
static int parse_user(struct hv_guest *g, xmlNode *domain)
{
	NODE_FOREACH(label, domain, "seclabel")
	{
		xmlNode *node = prop_is(label, "model", "dac") ? node_child(label, "label") : NULL;
		_cleanup_xml_string_ xmlChar *text = node ? xmlNodeGetContent(node) : NULL;
		size_t len = text ? strcspn((const char *)text, ":") : 0;

		if (len == 0)
			continue;
		g->user = strndup((const char *)text, len);
		return g->user ? 0 : -ENOMEM;
	}
	return 0;
}

int hv_guest_parse(const char *xml, size_t len, const char *channel_name, struct hv_guest **ret,
	struct diag *d)
{
	_cleanup_(xml_doc_freep) xmlDoc *doc = NULL;
	_cleanup_hv_guest_new_ struct hv_guest *g = NULL;
	xmlNode *domain, *devices;
	int r;

	if (len > XML_BYTES_MAX)
		return diag_set(d, EBADMSG, "domain", 0, 0,
			"the definition has %zu bytes, expected at most %" PRIu64, len,
			XML_BYTES_MAX);
	doc = xmlReadMemory(xml, (int)len, "domain.xml", NULL,
		XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	domain = doc ? xmlDocGetRootElement(doc) : NULL;
	if (!domain || !node_is(domain, "domain"))
		return diag_set(d, EBADMSG, "domain", 0, 0, "%s, expected a <domain> element",
			domain ? "another element" : "not well-formed XML");
	g = hv_guest_new();
	if (!g)
		return -ENOMEM;

	r = parse_identity(g, domain, d);
	if (r == 0)
		r = parse_sizes(g, domain, d);
	if (r < 0)
		return r;
	devices = node_child(domain, "devices");
	parse_balloon(g, devices);
	g->fixed = fixed_reason_of(g, domain);
	r = parse_user(g, domain);
	if (r < 0)
		return r;
	r = parse_channel(g, devices, channel_name);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(g);
	return 0;
}

int hv_channel_xml(const char *name, const char *path, char **ret)
{
	_cleanup_xml_string_ xmlChar *name_text = xmlEncodeSpecialChars(NULL, BAD_CAST name);
	_cleanup_xml_string_ xmlChar *path_text =
		path ? xmlEncodeSpecialChars(NULL, BAD_CAST path) : NULL;
	int n;

	if (!name_text || (path && !path_text))
		return -ENOMEM;
	n = asprintf(ret,
		"<channel type='unix'>%s%s%s<target type='virtio' name=\"%s\"/></channel>",
		path ? "<source mode='bind' path=\"" : "", path ? (const char *)path_text : "",
		path ? "\"/>" : "", (const char *)name_text);
	return n < 0 ? -ENOMEM : 0;
}
