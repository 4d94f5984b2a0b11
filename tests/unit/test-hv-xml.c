/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/hv/hv-guest-priv.h"

#include <dirent.h>
#include <stdio.h>

#include "tests/test.h"

/*
 * Every tests/golden/hv/NAME.xml is read and compared with NAME.txt beside it. BALLAST_REGENERATE=1
 * writes the latter anew, to be looked at before it is committed.
 */

#define CHANNEL "org.ballast.agent.0"

static char *read_file(const char *path, size_t *ret_len)
{
	FILE *f = fopen(path, "r");
	char *text = calloc(1, 1 << 20);

	*ret_len = f && text ? fread(text, 1, (1 << 20) - 1, f) : 0;
	if (f)
		fclose(f);
	return text;
}

static void dump(FILE *f, const struct hv_guest *g)
{
	char uuid[UUID_TEXT_MAX];

	fprintf(f, "uuid %s\nid %d\nname %s\ntitle %s\ntags", uuid_format(&g->uuid, uuid), g->id,
		g->name, g->title);
	for (char **t = g->tags; *t; t++)
		fprintf(f, " %s", *t);
	fprintf(f, "\nmax %" PRIu64 "\nactual %" PRIu64 "\n", g->max_bytes, g->actual_bytes);
	fprintf(f,
		"fixed %s\nballoon %s\nautodeflate %d\nfree-page-reporting %d\nperiod %" PRIu64
		"\n",
		fixed_reason_to_string(g->fixed), hv_balloon_model_to_string(g->balloon),
		g->autodeflate, g->free_page_reporting, g->stats_period_sec);
	fprintf(f, "vcpus %" PRIu32 "\nshares %" PRIu64 "\nchannel %s %s\nvirtio-serial %d\n",
		g->vcpus, g->cpu_shares, hv_channel_state_to_string(g->channel),
		g->channel_path ? g->channel_path : "-", g->has_virtio_serial);
	fprintf(f, "user %s\n", g->user ? g->user : "-");
}

/* Text of one file's guest, or of what is wrong with it. */
static char *parsed(const char *path)
{
	_cleanup_diag_ struct diag d = {0};
	_cleanup_hv_guest_new_ struct hv_guest *g = NULL;
	_cleanup_free_ char *xml = NULL;
	char *out = NULL;
	size_t len, out_len;
	FILE *f = open_memstream(&out, &out_len);

	xml = read_file(path, &len);
	if (hv_guest_parse(xml, len, CHANNEL, &g, &d) == 0)
		dump(f, g);
	else
		fprintf(f, "error %s\n", d.text);
	fclose(f);
	return out;
}

TEST(definitions_are_read_as_the_golden_files_say)
{
	char dir[4096], path[8192];
	const char *srcdir = getenv("srcdir");
	struct dirent *e;
	unsigned n = 0;
	DIR *d;

	snprintf(dir, sizeof(dir), "%s/tests/golden/hv", srcdir ? srcdir : ".");
	d = opendir(dir);
	CHECK(d);
	while ((e = readdir(d))) {
		_cleanup_free_ char *got = NULL, *want = NULL;
		char *dot = strstr(e->d_name, ".xml");
		size_t len;

		if (!dot || dot[4])
			continue;
		n++;
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		got = parsed(path);
		snprintf(path, sizeof(path), "%s/%.*s.txt", dir, (int)(dot - e->d_name), e->d_name);
		if (getenv("BALLAST_REGENERATE")) {
			FILE *f = fopen(path, "w");

			fputs(got, f);
			fclose(f);
		}
		want = read_file(path, &len);
		if (!streq(got, want))
			printf("# %s\n", path);
		CHECK_STR(got, want);
	}
	closedir(d);
	CHECK(n >= 12);
}

static int parse_text(const char *xml, struct hv_guest **g, struct diag *d)
{
	return hv_guest_parse(xml, strlen(xml), CHANNEL, g, d);
}

TEST(what_is_not_a_domain_is_refused_with_what_was_expected)
{
	static const struct {
		const char *xml, *part;
	} cases[] = {
		{"", "not well-formed"},
		{"<domain>", "not well-formed"},
		{"<network/>", "expected a <domain>"},
		{"<domain/>", "<uuid> is \"\""},
		{"<domain><uuid>x</uuid></domain>", "<uuid> is \"x\""},
		{"<domain><uuid>11111111-2222-4333-8444-555555555555</uuid></domain>", "<name>"},
		{"<domain><uuid>11111111-2222-4333-8444-555555555555</uuid><name>a</name></domain>",
			"<memory> is missing"},
		{"<domain><uuid>11111111-2222-4333-8444-555555555555</uuid><name>a</name>"
		 "<memory>1x</memory></domain>",
			"<memory> holds \"1x\", expected a number"},
		{"<domain><uuid>11111111-2222-4333-8444-555555555555</uuid><name>a</name>"
		 "<memory unit='furlong'>1</memory></domain>",
			"unit \"furlong\""},
		{"<domain><uuid>11111111-2222-4333-8444-555555555555</uuid><name>a</name>"
		 "<memory unit='PiB'>99999999999</memory></domain>",
			"too large"},
		{"<domain><uuid>11111111-2222-4333-8444-555555555555</uuid><name>a</name>"
		 "<memory>1</memory><vcpu current='two'>4</vcpu></domain>",
			"\"two\""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_diag_ struct diag d = {0};
		struct hv_guest *g = NULL;

		CHECK_INT(parse_text(cases[i].xml, &g, &d), -EBADMSG);
		CHECK(!g);
		CHECK_CONTAINS(d.text, cases[i].part);
		CHECK_INT(parse_text(cases[i].xml, &g, NULL), -EBADMSG);
	}
}

/* other, unit, memory */
#define BASE                                                               \
	"<domain id='3'><uuid>11111111-2222-4333-8444-555555555555</uuid>" \
	"<name>a</name>%s<memory unit='%s'>%s</memory></domain>"

TEST(units_are_libvirts)
{
	static const struct {
		const char *unit;
		uint64_t bytes;
	} cases[] = {{"b", 7}, {"bytes", 7}, {"KB", 7000}, {"k", 7168}, {"KiB", 7168},
		{"MB", 7000000}, {"MiB", 7 * MIB}, {"M", 7 * MIB}, {"G", 7 * GIB},
		{"TiB", 7 * TIB}};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_hv_guest_new_ struct hv_guest *g = NULL;
		char xml[512];

		snprintf(xml, sizeof(xml), BASE, "", cases[i].unit, "7");
		CHECK_INT(parse_text(xml, &g, NULL), 0);
		CHECK_U64(g->max_bytes, cases[i].bytes);
		CHECK_U64(g->actual_bytes, cases[i].bytes);
	}
}

TEST(tags_are_bounded)
{
	_cleanup_hv_guest_new_ struct hv_guest *g = NULL;
	_cleanup_free_ char *xml = NULL, *words = calloc(1, 65536);
	size_t n = 0;

	for (int i = 0; i < 100; i++)
		n += (size_t)sprintf(words + n, "t%d ", i);
	memset(words + n, 'x', HV_TAG_LEN_MAX + 1);
	CHECK(asprintf(&xml,
		      "<domain "
		      "id='3'><uuid>11111111-2222-4333-8444-555555555555</uuid><name>a</name>"
		      "<metadata><b:tags xmlns:b='" HV_TAGS_NAMESPACE "'>%s</b:tags></metadata>"
		      "<memory>1</memory></domain>",
		      words) > 0);
	CHECK_INT(parse_text(xml, &g, NULL), 0);
	for (n = 0; g->tags[n]; n++)
		CHECK(strlen(g->tags[n]) <= HV_TAG_LEN_MAX);
	CHECK_U64(n, HV_TAGS_MAX);
}

TEST(comparison_names_what_differs)
{
	static const struct {
		const char *meta, *memory;
		unsigned what;
	} cases[] = {
		{"", "7", 0},
		{"", "8", HV_CHANGED_MEMORY},
		{"<title>t</title>", "7", HV_CHANGED_IDENTITY},
		{"<vcpu>3</vcpu>", "7", HV_CHANGED_CPU},
		{"<devices><controller type='virtio-serial'/></devices>", "7", HV_CHANGED_CHANNEL},
		{"<devices><memballoon model='virtio'/></devices>", "7", HV_CHANGED_MEMORY},
		{"<currentMemory>3</currentMemory>", "7", 0},
	};
	_cleanup_hv_guest_new_ struct hv_guest *a = NULL;
	char xml[512];

	snprintf(xml, sizeof(xml), BASE, "", "KiB", "7");
	CHECK_INT(parse_text(xml, &a, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_hv_guest_new_ struct hv_guest *b = NULL;

		snprintf(xml, sizeof(xml), BASE, cases[i].meta, "KiB", cases[i].memory);
		CHECK_INT(parse_text(xml, &b, NULL), 0);
		CHECK_INT(hv_guest_compare(a, b), cases[i].what);
		CHECK_INT(hv_guest_compare(b, a), cases[i].what);
		b->running = true;
		b->persistent = true;
		b->pid = 7;
		CHECK_INT(hv_guest_compare(a, b),
			cases[i].what | HV_CHANGED_STATE | HV_CHANGED_CONFIG | HV_CHANGED_PROCESS);
	}
}

TEST(channel_that_is_written_is_read_back)
{
	static const char *const paths[] = {NULL, "/run/a b/<&'\"/x"};

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		_cleanup_hv_guest_new_ struct hv_guest *g = NULL;
		_cleanup_free_ char *channel = NULL, *xml = NULL;

		CHECK_INT(hv_channel_xml(CHANNEL, paths[i], &channel), 0);
		CHECK(asprintf(&xml,
			      "<domain><uuid>11111111-2222-4333-8444-555555555555</uuid><name>a</"
			      "name>"
			      "<memory>1</memory><devices>%s</devices></domain>",
			      channel) > 0);
		CHECK_INT(parse_text(xml, &g, NULL), 0);
		CHECK_INT(g->channel, HV_CHANNEL_UNKNOWN);
		if (paths[i])
			CHECK_STR(g->channel_path, paths[i]);
		else
			CHECK(!g->channel_path);
	}
}

TEST_MAIN()
