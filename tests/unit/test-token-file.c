/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/token-file.h"

#include <stdio.h>
#include <sys/stat.h>

#include "common/token-secret.h"
#include "tests/test.h"

#define HASH_A "9c56cc51b374c3ba189210d5b6d4bf57790d351c96c47c02190ecf1e430635ab"
#define HASH_B "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"

TEST_STRTAB(api_role, enum api_role, API_ROLE_MAX)

static struct token_table *parse(const char *text, struct diag_list *findings)
{
	return token_table_parse("tokens", text, strlen(text), findings);
}

TEST(tokens_and_certificates_are_read)
{
	_cleanup_diag_list_ struct diag_list findings = {0};
	_cleanup_free_ struct token_table *t =
		parse("# who\n\n  grafana read " HASH_A "\r\n"
		      "deploy\toperate 2027-06-30T00:00:00Z " HASH_B "\n"
		      "cert:the ops  admin\ncert:grafana read",
			&findings);

	CHECK(t);
	CHECK_INT((int)findings.n, 0);
	CHECK_INT((int)t->n, 4);
	CHECK_STR(t->entries[0].name, "grafana");
	CHECK_INT(t->entries[0].role, API_ROLE_READ);
	CHECK_U64(t->entries[0].expires_real_usec, USEC_INFINITY);
	CHECK_INT(t->entries[0].hash[0], 0x9c);
	CHECK_INT(t->entries[0].hash[31], 0xab);
	CHECK_U64(t->entries[1].expires_real_usec, UINT64_C(1814313600) * USEC_PER_SEC);
	CHECK_INT((int)t->entries[1].line, 4);
	CHECK(t->entries[2].is_certificate);
	CHECK_STR(t->entries[2].name, "the ops");
	CHECK_INT(t->entries[2].role, API_ROLE_ADMIN);
	/* The same name as a token and as a certificate are two. */
	CHECK_INT(token_table_find_certificate(t, "grafana")->role, API_ROLE_READ);
	CHECK(!token_table_find_certificate(t, "deploy"));
	CHECK(!token_table_find_certificate(NULL, "deploy"));
}

TEST(each_bad_line_is_named_and_gives_nobody_anything)
{
	static const struct {
		const char *line;
		unsigned col;
		const char *text;
	} bad[] = {
		{"grafana", 1, "found 1 word, expected NAME ROLE [EXPIRES] SHA256HEX"},
		{"a b c d e", 1, "found 5 words"},
		{"gra/fana read " HASH_A, 1, "\"gra/fana\" is no name"},
		{"x root " HASH_A, 3, "\"root\" is no role, expected read, operate or admin"},
		{"x none " HASH_A, 3, "\"none\" is no role"},
		{"x read tomorrow " HASH_A, 8, "\"tomorrow\" is no time"},
		{"x read 2c26b4", 8, "this is no SHA-256, expected 64 of 0-9 a-f"},
		{"x read " HASH_A "0", 8, "this is no SHA-256"},
		{"x read 2C26B46B68FFC68FF99B453C1D30413413422D706483BFA0F98A5E886266E7AE", 8,
			"this is no SHA-256"},
		{"cert:ops", 1, "expected a role behind the name"},
		{"cert: admin", 6, "\"\" is no common name"},
		{"cert:a\x1b[2J admin", 6, "is no common name"},
		{"cert:a\xff admin", 6, "is no common name"},
		{"cert:ops wizard", 10, "\"wizard\" is no role"},
		{"first read " HASH_B, 1,
			"\"first\" stands on line 1 already: only that line counts"},
		{"cert:first admin", 1, "\"first\" stands on line 2 already"},
		{"again admin " HASH_A, 1, "this is the token of line 1 under another name"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_diag_list_ struct diag_list findings = {0};
		_cleanup_free_ struct token_table *t = NULL;
		char text[512];

		snprintf(text, sizeof(text),
			"first read " HASH_A "\ncert:first read\n%s\nlast read " HASH_B "\n",
			bad[i].line);
		t = parse(text, &findings);
		CHECK_INT((int)findings.n, 1);
		CHECK_CONTAINS(findings.items[0].text, bad[i].text);
		CHECK_INT((int)findings.items[0].line, 3);
		CHECK_INT((int)findings.items[0].col, (int)bad[i].col);
		CHECK_STR(findings.items[0].file, "tokens");
		/* The good ones hold, but the last where the bad one was taken for it. */
		CHECK_INT((int)t->n, 3);
	}
}

TEST(a_nul_does_not_end_a_line_early)
{
	static const char text[] = "x admin " HASH_A "\0 read\n";
	_cleanup_diag_list_ struct diag_list findings = {0};
	_cleanup_free_ struct token_table *t =
		token_table_parse("tokens", text, sizeof(text) - 1, &findings);

	CHECK_INT((int)t->n, 0);
	CHECK_CONTAINS(findings.items[0].text, "a NUL byte");
}

TEST(more_than_256_are_refused)
{
	_cleanup_diag_list_ struct diag_list findings = {0};
	_cleanup_free_ struct token_table *t = NULL;
	static char text[32 * 1024];
	size_t n = 0;

	for (int i = 0; i < TOKENS_MAX + 2; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "cert:c%d read\n", i);
	t = parse(text, &findings);
	CHECK_INT((int)t->n, TOKENS_MAX);
	CHECK_INT((int)findings.n, 2);
}

TEST(a_secret_is_found_by_its_hash_alone)
{
	_cleanup_diag_list_ struct diag_list findings = {0};
	_cleanup_free_ struct token_table *t =
		parse("a read " HASH_B "\nb admin " HASH_A "\ncert:c read\n", &findings);
	uint8_t hash[TOKEN_HASH_BYTES], zero[TOKEN_HASH_BYTES] = {0};

	token_secret_hash("foo", hash); /* of which HASH_B is */
	CHECK_STR(token_table_find_token(t, hash)->name, "a");
	hash[31] ^= 1;
	CHECK(!token_table_find_token(t, hash));
	CHECK(!token_table_find_token(t, zero)); /* a certificate's entry has no hash */
	CHECK(!token_table_find_token(NULL, hash));
	for (size_t byte = 0; byte < TOKEN_HASH_BYTES; byte++)
		for (int bit = 0; bit < 8; bit++) {
			memcpy(hash, t->entries[1].hash, sizeof(hash));
			hash[byte] ^= (uint8_t)(1 << bit);
			CHECK(!token_table_find_token(t, hash));
		}
	CHECK_STR(token_table_find_token(t, t->entries[1].hash)->name, "b");
}

TEST(new_secrets_differ_and_are_as_long_as_said)
{
	char a[TOKEN_SECRET_LEN + 1], b[TOKEN_SECRET_LEN + 1];

	CHECK_INT(token_secret_new(a), 0);
	CHECK_INT(token_secret_new(b), 0);
	CHECK_INT((int)strlen(a), TOKEN_SECRET_LEN);
	CHECK(strncmp(a, "bst_", 4) == 0 && strcmp(a, b) != 0);
	CHECK_INT((int)strspn(a + 4,
			  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
		43);
}

TEST(what_is_written_reads_back)
{
	struct token_entry e = {.name = "night",
		.role = API_ROLE_OPERATE,
		.expires_real_usec = UINT64_C(1814313600) * USEC_PER_SEC};
	_cleanup_diag_list_ struct diag_list findings = {0};
	_cleanup_free_ struct token_table *t = NULL;
	char line[TOKEN_LINE_MAX];

	memset(e.hash, 0xa5, sizeof(e.hash));
	t = parse(token_entry_format(&e, line), &findings);
	CHECK_INT((int)t->n, 1);
	e.line = 1;
	CHECK(memcmp(&t->entries[0], &e, sizeof(e)) == 0);
}

static char path[64];

static int load_with(mode_t mode, uid_t uid, gid_t gid, gid_t readers, struct diag_list *findings)
{
	_cleanup_free_ struct token_table *t = NULL;
	int fd, r;

	snprintf(path, sizeof(path), "/tmp/test-token-file.XXXXXX");
	fd = mkstemp(path);
	if (fd < 0 || write(fd, "a read " HASH_A "\n", 72) != 72 || fchown(fd, uid, gid) < 0 ||
		fchmod(fd, mode) < 0)
		return -1000;
	close(fd);
	r = token_table_load(path, (struct token_readers){61003, readers}, &t, findings);
	unlink(path);
	return r < 0 ? r : (int)t->n;
}

TEST(a_file_that_others_may_touch_is_refused_and_says_how_to_mend_it)
{
	static const struct {
		mode_t mode;
		uid_t uid;
		gid_t gid;
		int result;
		const char *text;
	} cases[] = {
		{0600, 0, 0, 1, NULL},
		{0640, 0, 0, 1, NULL},
		{0640, 0, 61001, 1, NULL},
		{0600, 61003, 61003, 1, NULL},
		{0640, 0, 61002, -EPERM, "(mode 0640, group 61002)"},
		{0644, 0, 0, -EPERM, "others may read or write it (mode 0644"},
		{0660, 0, 61001, -EPERM, "chmod o=,g-w"},
		{0602, 0, 0, -EPERM, "others may read or write"},
		{0600, 65534, 0, -EPERM, "belongs to uid 65534"},
	};

	if (geteuid() != 0)
		TEST_SKIP("needs root, to give files away");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_diag_list_ struct diag_list findings = {0};

		CHECK_INT(load_with(cases[i].mode, cases[i].uid, cases[i].gid, 61001, &findings),
			cases[i].result);
		CHECK_INT((int)findings.n, cases[i].text != NULL);
		if (cases[i].text)
			CHECK_CONTAINS(findings.items[0].text, cases[i].text);
	}
}

TEST(what_is_no_file_does_not_hang)
{
	_cleanup_diag_list_ struct diag_list findings = {0};
	_cleanup_free_ struct token_table *t = NULL;
	struct token_readers nobody = {(uid_t)-1, (gid_t)-1};

	CHECK_INT(token_table_load("/nonexistent/tokens", nobody, &t, &findings), 0);
	CHECK_INT((int)t->n, 0);
	free(TAKE_PTR(t));
	snprintf(path, sizeof(path), "/tmp/test-token-fifo-%d", (int)getpid());
	CHECK_INT(mkfifo(path, 0600), 0);
	CHECK_INT(token_table_load(path, nobody, &t, &findings), -EPERM);
	unlink(path);
	CHECK_CONTAINS(findings.items[0].text, "is no regular file");
	CHECK_INT(token_table_load("/tmp", nobody, &t, &findings), -EPERM);
	CHECK(!t);
}

TEST_MAIN()
