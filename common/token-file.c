/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/token-file.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#include "common/json.h"
#include "common/utf8.h"

static const char name_chars[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";

bool token_name_valid(const char *name, bool is_certificate)
{
	size_t len = strlen(name);

	if (!len || len >= TOKEN_NAME_MAX)
		return false;
	if (!is_certificate)
		return strspn(name, name_chars) == len;
	if (*name == ' ' || name[len - 1] == ' ')
		return false;
	for (size_t i = 0; i < len;) {
		size_t n = utf8_length((const unsigned char *)name + i, len - i);

		/* C0 and C1 controls move a terminal's cursor: the name goes into journals and
		 * lists. */
		if (!n || (unsigned char)name[i] < 0x20 || name[i] == 0x7f ||
			(n == 2 && (unsigned char)name[i] == 0xc2 &&
				(unsigned char)name[i + 1] < 0xa0))
			return false;
		i += n;
	}
	return true;
}

static int hex_value(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool hash_parse(const char *text, uint8_t ret[static TOKEN_HASH_BYTES])
{
	if (strlen(text) != 2 * TOKEN_HASH_BYTES)
		return false;
	for (size_t i = 0; i < TOKEN_HASH_BYTES; i++) {
		int high = hex_value(text[2 * i]), low = hex_value(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		ret[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

#define WORDS_MAX 5
/* Cuts a line at blanks. Returns how many words there are, WORDS_MAX for that and more. */
static size_t split(char *line, char *words[static WORDS_MAX])
{
	char *save = NULL;
	size_t n = 0;

	for (char *p = strtok_r(line, " \t", &save); p && n < WORDS_MAX;
		p = strtok_r(NULL, " \t", &save))
		words[n++] = p;
	return n;
}

struct reading {
	const char *file;
	const char *line; /* its start, for columns */
	unsigned number;
	struct diag *d;
};

_printf_(3, 4) static int bad(const struct reading *rd, const char *at, const char *fmt, ...)
{
	char text[320];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return diag_set(
		rd->d, EBADMSG, rd->file, rd->number, (unsigned)(at - rd->line) + 1, "%s", text);
}

static int role_parse(const struct reading *rd, const char *word, enum api_role *ret)
{
	char shown[EXCERPT_MAX];

	*ret = api_role_from_string(word);
	if (*ret <= API_ROLE_NONE)
		return bad(rd, word, "\"%s\" is no role, expected read, operate or admin",
			excerpt(word, shown));
	return 0;
}

static int certificate_parse(const struct reading *rd, char *line, struct token_entry *e)
{
	char *name = line + strlen("cert:"), *role = strrchr(name, ' '), *tab = strrchr(name, '\t');
	char shown[EXCERPT_MAX];

	role = tab > role ? tab : role;
	if (!role)
		return bad(rd, line, "expected a role behind the name: cert:SUBJECT-CN ROLE");
	for (char *p = role; p >= name && (*p == ' ' || *p == '\t'); p--)
		*p = '\0';
	role++;
	e->is_certificate = true;
	if (!token_name_valid(name, true))
		return bad(rd, name,
			"\"%s\" is no common name, expected 1 to 64 bytes of printable UTF-8",
			excerpt(name, shown));
	snprintf(e->name, sizeof(e->name), "%s", name);
	return role_parse(rd, role, &e->role);
}

static int token_parse(const struct reading *rd, char *line, struct token_entry *e)
{
	char *words[WORDS_MAX], shown[EXCERPT_MAX];
	size_t n = split(line, words);

	if (n < 3 || n > 4)
		return bad(rd, line, "found %zu word%s, expected NAME ROLE [EXPIRES] SHA256HEX", n,
			n == 1 ? "" : "s");
	if (!token_name_valid(words[0], false))
		return bad(rd, words[0], "\"%s\" is no name, expected 1 to 64 of A-Z a-z 0-9 . _ -",
			excerpt(words[0], shown));
	snprintf(e->name, sizeof(e->name), "%s", words[0]);
	if (role_parse(rd, words[1], &e->role) < 0)
		return -EBADMSG;
	if (n == 4 && json_time_parse(words[2], &e->expires_real_usec) < 0)
		return bad(rd, words[2],
			"\"%s\" is no time, expected one like 2027-01-31T00:00:00Z",
			excerpt(words[2], shown));
	if (!hash_parse(words[n - 1], e->hash))
		return bad(rd, words[n - 1],
			"this is no SHA-256, expected 64 of 0-9 a-f (ballastctl token new writes such lines)");
	return 0;
}

/* A name or hash twice is a mistake: who revokes one would leave the other. */
static int check_new(
	const struct reading *rd, const struct token_table *t, const struct token_entry *e)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->entries[i].is_certificate == e->is_certificate &&
			streq(t->entries[i].name, e->name))
			return bad(rd, rd->line,
				"\"%s\" stands on line %u already: only that line counts", e->name,
				t->entries[i].line);
	for (size_t i = 0; i < t->n; i++)
		if (!t->entries[i].is_certificate && !e->is_certificate &&
			memcmp(t->entries[i].hash, e->hash, sizeof(e->hash)) == 0)
			return bad(rd, rd->line,
				"this is the token of line %u under another name: only that line counts",
				t->entries[i].line);
	if (t->n == TOKENS_MAX)
		return bad(
			rd, rd->line, "too many: at most %d tokens and certificates", TOKENS_MAX);
	return 0;
}

static int line_parse(struct token_table *t, const struct reading *rd, char *line)
{
	struct token_entry e = {.expires_real_usec = USEC_INFINITY, .line = rd->number};
	int r = strncmp(line, "cert:", 5) == 0 ? certificate_parse(rd, line, &e)
					       : token_parse(rd, line, &e);

	if (r >= 0)
		r = check_new(rd, t, &e);
	if (r >= 0)
		t->entries[t->n++] = e;
	return r;
}

struct token_table *token_table_parse(
	const char *file, const char *text, size_t len, struct diag_list *findings)
{
	struct token_table *t = calloc(1, sizeof(*t) + TOKENS_MAX * sizeof(t->entries[0])), *fits;
	_cleanup_free_ char *copy = malloc(len + 1);
	unsigned number = 0;

	if (!t || !copy) {
		free(t);
		return NULL;
	}
	for (const char *end = text + len, *next; text < end; text = next) {
		const char *eol = memchr(text, '\n', (size_t)(end - text));
		size_t n = (size_t)((eol ? eol : end) - text);
		_cleanup_diag_ struct diag d = {0};
		struct reading rd = {file, copy, ++number, &d};
		char *line = copy;
		int r;

		next = eol ? eol + 1 : end;
		memcpy(copy, text, n);
		copy[n] = '\0';
		while (n && (copy[n - 1] == ' ' || copy[n - 1] == '\t' || copy[n - 1] == '\r'))
			copy[--n] = '\0';
		line += strspn(line, " \t");
		if (memchr(text, '\0', n))
			r = bad(&rd, copy, "a NUL byte, expected text");
		else
			r = !*line || *line == '#' ? 0 : line_parse(t, &rd, line);
		if (r < 0 && diag_list_take(findings, &d) < 0) {
			free(t);
			return NULL;
		}
	}
	fits = realloc(t, sizeof(*t) + t->n * sizeof(t->entries[0]));
	return fits ? fits : t;
}

static int refuse(struct diag_list *findings, int error, const char *path, const char *text)
{
	_cleanup_diag_ struct diag d = {0};

	diag_set(&d, error, path, 0, 0, "%s", text);
	return diag_list_take(findings, &d) < 0 ? -ENOMEM : -error;
}

struct token_readers token_readers_get(void)
{
	struct token_readers r = {geteuid(), getegid()};
	const struct passwd *user = r.uid == 0 ? getpwnam("ballast") : NULL;
	const struct group *group = r.uid == 0 ? getgrnam("ballast") : NULL;

	return (struct token_readers){user ? user->pw_uid : r.uid, group ? group->gr_gid : r.gid};
}

/* Who can write it makes himself admin; who can read it learns who there is. */
static int judge(const char *path, const struct stat *st, struct token_readers readers,
	struct diag_list *findings)
{
	char text[400];

	if (!S_ISREG(st->st_mode))
		return refuse(findings, EPERM, path,
			"is no regular file: no token is accepted until it is one");
	if (st->st_uid != 0 && st->st_uid != geteuid() && st->st_uid != readers.uid) {
		snprintf(text, sizeof(text),
			"belongs to uid %u: no token is accepted until it belongs to root (chown root %s)",
			(unsigned)st->st_uid, path);
		return refuse(findings, EPERM, path, text);
	}
	if (st->st_mode & (S_IWGRP | S_IRWXO) ||
		(st->st_mode & S_IRGRP && st->st_gid != 0 && st->st_gid != readers.gid)) {
		snprintf(text, sizeof(text),
			"others may read or write it (mode %04o, group %u): no token is accepted until that is mended (chmod o=,g-w %s; its group is ballastd's or root's)",
			(unsigned)st->st_mode & 07777, (unsigned)st->st_gid, path);
		return refuse(findings, EPERM, path, text);
	}
	if (st->st_size > (off_t)TOKEN_FILE_MAX)
		return refuse(findings, EFBIG, path,
			"is larger than 64 KiB: no token is accepted until it is smaller");
	return 0;
}

static int unread(struct diag_list *findings, const char *path, int error)
{
	char text[200];

	snprintf(text, sizeof(text), "cannot be read: %s; no token is accepted until it can%s",
		strerror(error),
		error == EACCES ? " (its group must be ballastd's: ballastctl token new sees to it)"
				: "");
	return refuse(findings, error, path, text);
}

int token_table_load(const char *path, struct token_readers readers, struct token_table **ret,
	struct diag_list *findings)
{
	/* A FIFO in its place must not hang us. */
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	_cleanup_free_ char *text = NULL;
	struct token_table *t;
	struct stat st;
	size_t len = 0;
	int r;

	if (fd < 0 && errno != ENOENT)
		return unread(findings, path, errno);
	if (fd >= 0) {
		if (fstat(fd, &st) < 0)
			return unread(findings, path, errno);
		r = judge(path, &st, readers, findings);
		if (r < 0)
			return r;
		text = malloc(TOKEN_FILE_MAX + 1);
		if (!text)
			return -ENOMEM;
		for (ssize_t n = 1; n > 0 && len <= TOKEN_FILE_MAX; len += (size_t)n) {
			n = read(fd, text + len, TOKEN_FILE_MAX + 1 - len);
			if (n < 0)
				return unread(findings, path, errno);
		}
		if (len > TOKEN_FILE_MAX)
			return refuse(findings, EFBIG, path,
				"is larger than 64 KiB: no token is accepted until it is smaller");
	}
	t = token_table_parse(path, text ? text : "", len, findings);
	if (!t)
		return -ENOMEM;
	*ret = t;
	return 0;
}

char *token_entry_format(const struct token_entry *e, char buf[static TOKEN_LINE_MAX])
{
	char time[JSON_TIME_MAX] = "";
	int n;

	if (e->is_certificate) {
		snprintf(buf, TOKEN_LINE_MAX, "cert:%s %s", e->name, api_role_to_string(e->role));
		return buf;
	}
	if (e->expires_real_usec != USEC_INFINITY)
		json_time_format(e->expires_real_usec, time);
	n = snprintf(buf, TOKEN_LINE_MAX, "%s %s%s%s ", e->name, api_role_to_string(e->role),
		*time ? " " : "", time);
	for (size_t i = 0; i < TOKEN_HASH_BYTES; i++)
		n += snprintf(buf + n, TOKEN_LINE_MAX - (size_t)n, "%02x", e->hash[i]);
	return buf;
}

const struct token_entry *token_table_find_certificate(
	const struct token_table *t, const char *common_name)
{
	for (size_t i = 0; t && i < t->n; i++)
		if (t->entries[i].is_certificate && streq(t->entries[i].name, common_name))
			return &t->entries[i];
	return NULL;
}

/* 1 where all bytes are equal, without a branch on any of them. */
static unsigned same(const uint8_t *a, const uint8_t *b)
{
	unsigned differs = 0;

	for (size_t i = 0; i < TOKEN_HASH_BYTES; i++)
		differs |= a[i] ^ b[i];
	return 1 & ((differs - 1) >> 8);
}

const struct token_entry *token_table_find_token(
	const struct token_table *t, const uint8_t hash[static TOKEN_HASH_BYTES])
{
	size_t found = 0;

	for (size_t i = 0; t && i < t->n; i++) {
		size_t mask =
			-(size_t)(same(t->entries[i].hash, hash) & !t->entries[i].is_certificate);

		found = (found & ~mask) | ((i + 1) & mask);
	}
	return found ? &t->entries[found - 1] : NULL;
}
