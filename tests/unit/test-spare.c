/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What guests had, kept beside a state directory that does not take it: the file's form, and what a
 * directory may be like. */
#include "daemon/spare.h"

#include <sys/stat.h>

#include "tests/policy-dirs.h"
#include "tests/test.h"

static struct store_original record(uint8_t n, const char *run)
{
	return (struct store_original){
		.guest = {{n}},
		.name = "",
		.run = run,
		.bytes = 4 * GIB,
		.cpu_weight = 98,
		.cpu_quota = 2500,
		.target_bytes = 1300 * MIB,
		.cpu_ours = true,
		.cpu_shares = 1000,
		.cpu_period_usec = 40000,
		.cpu_quota_usec = -1,
	};
}

static bool same(const struct store_original *a, const struct store_original *b)
{
	return streq(a->run, b->run) && a->bytes == b->bytes && a->cpu_weight == b->cpu_weight &&
	       a->cpu_quota == b->cpu_quota && a->target_bytes == b->target_bytes &&
	       a->soft_limited == b->soft_limited && a->cpu_ours == b->cpu_ours &&
	       a->cpu_shares == b->cpu_shares && a->cpu_period_usec == b->cpu_period_usec &&
	       a->cpu_quota_usec == b->cpu_quota_usec && a->period_ours == b->period_ours;
}

static int parse(const char *text, size_t len, struct diag *d)
{
	struct store_original o = {.bytes = 7};
	char run[SPARE_RUN_MAX];
	int r;

	diag_clear(d);
	r = spare_parse("f", text, len, run, &o, d);
	return r < 0 && o.bytes != 7 ? 1 : r; /* touched */
}

TEST(what_is_written_reads_back)
{
	static const char *const runs[] = {
		"", "7:99@01020304", "4194304:18446744073709551615@ffffffff"};
	struct store_original back, o = record(1, "");
	char text[SPARE_TEXT_MAX], run[SPARE_RUN_MAX];
	_cleanup_diag_ struct diag d = {0};

	for (size_t i = 0; i < ARRAY_SIZE(runs); i++) {
		o.run = runs[i];
		o.bytes = i ? UINT64_MAX : 0;
		o.cpu_quota_usec = i == 1 ? INT64_MAX : -5000;
		o.period_ours = i & 1;
		CHECK_INT(spare_parse("f", text, spare_format(&o, text), run, &back, &d), 0);
		CHECK(same(&o, &back));
	}
}

TEST(what_is_cut_short_or_goes_on_is_garbage)
{
	struct store_original o = record(1, "7:99@01020304");
	char text[SPARE_TEXT_MAX];
	size_t len = spare_format(&o, text);
	_cleanup_diag_ struct diag d = {0};

	for (size_t n = 0; n < len; n++)
		CHECK_INT(parse(text, n, &d), -EBADMSG);
	text[len] = '\n';
	CHECK_INT(parse(text, len + 1, &d), -EBADMSG);
	CHECK_U64(d.line, 14);
}

TEST(a_line_that_is_not_understood_is_named_with_file_line_and_column)
{
	static const struct {
		const char *from, *to;
		unsigned line, col;
		const char *text;
	} cases[] = {
		{"original 1", "original 2", 1, 1, "expected \"ballast-original 1\""},
		{"run 7:99@01020304", "run 7:99 01020304", 2, 5, "no value of \"run\""},
		{"bytes 4294967296", "bytes 04294967296", 3, 7, "no value of \"bytes\""},
		{"bytes 4294967296", "bytes 18446744073709551616", 3, 7, "no value of \"bytes\""},
		{"bytes 4294967296", "bytes -1", 3, 7, "no value of \"bytes\""},
		{"bytes 4294967296", "bytes", 3, 1, "expected a line of \"bytes\""},
		{"cpu-weight 98", "cpu-wait 98", 5, 1, "expected a line of \"cpu-weight\""},
		{"cpu-quota-usec -1", "cpu-quota-usec -0", 9, 16, "no value of \"cpu-quota-usec\""},
		{"cpu-quota-usec -1", "cpu-quota-usec 9223372036854775808", 9, 16,
			"no value of \"cpu-quota-usec\""},
		{"cpu-ours 1", "cpu-ours 2", 11, 10, "no value of \"cpu-ours\""},
		{"cpu-ours 1", "cpu-ours 1 ", 11, 10, "no value of \"cpu-ours\""},
	};
	struct store_original o = record(1, "7:99@01020304");
	_cleanup_diag_ struct diag d = {0};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[SPARE_TEXT_MAX] = "", bad[2 * SPARE_TEXT_MAX];
		const char *at;

		text[spare_format(&o, text)] = '\0';
		at = strstr(text, cases[i].from);
		CHECK(at);
		snprintf(bad, sizeof(bad), "%.*s%s%s", (int)(at - text), text, cases[i].to,
			at + strlen(cases[i].from));
		CHECK_INT(parse(bad, strlen(bad), &d), -EBADMSG);
		CHECK_STR(d.file, "f");
		CHECK_U64(d.line, cases[i].line);
		CHECK_U64(d.col, cases[i].col);
		CHECK_CONTAINS(d.text, cases[i].text);
	}
}

TEST(the_state_file_says_what_a_guest_had_and_the_spare_what_became_of_it)
{
	struct store_original o = record(1, "7:99"), spare = record(1, "7:99"),
			      half = {.guest = {{1}}, .run = "7:99", .cpu_weight = 50};

	o.cpu_ours = false;
	spare.bytes = GIB;
	spare.cpu_weight = 400;
	spare.target_bytes = 900 * MIB;
	spare.soft_limited = true;
	spare_merge(&o, &spare);
	CHECK_U64(o.bytes, 4 * GIB);
	CHECK_U64(o.cpu_weight, 98);
	CHECK_U64(o.target_bytes, 900 * MIB);
	CHECK(o.soft_limited && o.cpu_ours && !o.period_ours);
	spare_merge(&half, &spare); /* written before its size was known */
	CHECK_U64(half.bytes, GIB);
	CHECK_U64(half.cpu_weight, 50);
	CHECK_U64(half.cpu_shares, 0);
}

/* A directory for the socket, which is all that conf has to say. */
struct fixture {
	struct test_dirs dirs;
	char socket[128];
	struct conf conf;
	unsigned n; /* records read */
	struct store_original last;
	char run[SPARE_RUN_MAX];
	struct diag_list findings;
};

static void fixture_make(struct fixture *f)
{
	*f = (struct fixture){.dirs = dirs_new()};
	snprintf(f->socket, sizeof(f->socket), "%s/api.sock", f->dirs.root);
	f->conf.socket = f->socket;
}

static void fixture_end(struct fixture *f)
{
	diag_list_clear(&f->findings);
	dirs_clear(&f->dirs);
}
#define _cleanup_fixture_ _cleanup_(fixture_end)

static int on_record(const struct store_original *o, void *userdata)
{
	struct fixture *f = userdata;

	f->n++;
	f->last = *o;
	snprintf(f->run, sizeof(f->run), "%s", o->run);
	f->last.run = f->run;
	return 0;
}

static int load(struct fixture *f)
{
	f->n = 0;
	diag_list_clear(&f->findings);
	return spare_load(&f->conf, on_record, f, &f->findings);
}

#define NAME "originals/01000000-0000-0000-0000-000000000000"

TEST(a_record_is_kept_until_it_is_dropped_and_is_nobody_elses_to_read)
{
	_cleanup_fixture_ struct fixture f;
	struct store_original o = record(1, "7:99@01020304"), other = record(2, "");
	char path[512];
	struct stat st;

	fixture_make(&f);
	CHECK_INT(load(&f), 0); /* there is none yet */
	CHECK_INT((int)f.n, 0);
	CHECK_INT(spare_put(&f.conf, &o), 0);
	CHECK_INT(stat(dirs_path(&f.dirs, "originals", path), &st), 0);
	CHECK_INT(st.st_mode & 07777, 0700);
	CHECK_INT(stat(dirs_path(&f.dirs, NAME, path), &st), 0);
	CHECK_INT(st.st_mode & 07777, 0600);
	CHECK_INT(load(&f), 0);
	CHECK_INT((int)f.n, 1);
	CHECK(same(&f.last, &o) && uuid_equal(&f.last.guest, &o.guest));
	o.target_bytes = GIB;
	CHECK_INT(spare_put(&f.conf, &o), 0);
	CHECK_INT(spare_put(&f.conf, &other), 0);
	spare_drop(&f.conf, &other.guest);
	spare_drop(&f.conf, &other.guest);
	CHECK_INT(load(&f), 0);
	CHECK_INT((int)f.n, 1);
	CHECK(same(&f.last, &o));
	CHECK_INT((int)f.findings.n, 0);
	spare_drop(&f.conf, &o.guest);
	CHECK_INT(load(&f), 0);
	CHECK_INT((int)f.n, 0);
}

TEST(what_a_kill_left_half_written_is_nothing)
{
	_cleanup_fixture_ struct fixture f;
	struct store_original o = record(1, "7:99");

	fixture_make(&f);
	CHECK_INT(spare_put(&f.conf, &o), 0);
	dirs_write(&f.dirs, "originals/.new", "ballast-orig");
	CHECK_INT(load(&f), 0);
	CHECK_INT((int)f.n, 1);
	CHECK_INT((int)f.findings.n, 0);
	o.target_bytes = GIB;
	CHECK_INT(spare_put(&f.conf, &o), 0);
	CHECK_INT(load(&f), 0);
	CHECK_INT((int)f.n, 1);
	CHECK_U64(f.last.target_bytes, GIB);
}

TEST(garbage_is_named_and_passed_over)
{
	_cleanup_fixture_ struct fixture f;
	struct store_original o = record(1, "7:99");
	char long_text[SPARE_TEXT_MAX + 2], path[512];

	fixture_make(&f);
	CHECK_INT(spare_put(&f.conf, &o), 0);
	memset(long_text, 'x', sizeof(long_text));
	dirs_write(&f.dirs, "originals/02000000-0000-0000-0000-000000000000",
		"ballast-original 1\nrun 7:99\nbytes x\n");
	dirs_write_n(&f.dirs, "originals/03000000-0000-0000-0000-000000000000", long_text,
		sizeof(long_text));
	dirs_write(&f.dirs, "originals/web", "");
	dirs_link(&f.dirs, "01000000-0000-0000-0000-000000000000",
		"originals/04000000-0000-0000-0000-000000000000");
	if (mkfifo(dirs_path(&f.dirs, "originals/05000000-0000-0000-0000-000000000000", path),
		    0600) < 0)
		abort();
	CHECK_INT(load(&f), 0);
	CHECK_INT((int)f.n, 1);
	CHECK_INT((int)f.findings.n, 5);
	for (size_t i = 0; i < f.findings.n; i++) {
		const struct diag *d = &f.findings.items[i];

		CHECK_CONTAINS(d->file, f.dirs.root);
		if (strstr(d->file, "/02"))
			CHECK_U64(d->line, 3);
		else
			CHECK_CONTAINS(d->text, "passed over");
	}
}

TEST(a_directory_that_others_may_write_in_is_not_used)
{
	_cleanup_fixture_ struct fixture f;
	struct store_original o = record(1, "7:99");
	char path[512];

	fixture_make(&f);
	CHECK_INT(spare_put(&f.conf, &o), 0);
	if (chmod(dirs_path(&f.dirs, "originals", path), 0777) < 0)
		abort();
	CHECK_INT(spare_put(&f.conf, &o), -EPERM);
	CHECK_INT(load(&f), -EPERM);
	CHECK_INT((int)f.findings.n, 1);
	CHECK_CONTAINS(f.findings.items[0].text, "others may write in it");
	CHECK_INT((int)f.n, 0);
}

TEST(a_link_in_place_of_the_directory_is_not_followed)
{
	_cleanup_fixture_ struct fixture f;
	struct store_original o = record(1, "7:99");

	fixture_make(&f);
	dirs_write(&f.dirs, "elsewhere/x", "");
	dirs_link(&f.dirs, "elsewhere", "originals");
	CHECK(spare_put(&f.conf, &o) < 0);
	CHECK(load(&f) < 0);
}

TEST(without_a_socket_there_is_no_place)
{
	struct store_original o = record(1, "7:99");
	struct fixture f = {0};

	CHECK_INT(spare_put(&f.conf, &o), -ENOENT);
	spare_drop(&f.conf, &o.guest);
	CHECK_INT(load(&f), 0);
	CHECK_INT((int)f.n, 0);
}

TEST_MAIN()
