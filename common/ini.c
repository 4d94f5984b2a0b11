/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/ini.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "common/utf8.h"

#define INI_FILE_MAX (1024 * 1024)
#define INI_LINE_MAX (64 * 1024)

/* Where a joined line's pieces come from. */
struct ini_piece {
	size_t offset; /* of its first byte in the joined line */
	unsigned line;
	unsigned col;
};

struct ini_map {
	struct ini_piece *pieces;
	size_t n;
	size_t allocated;
	size_t value; /* offset of the value that the handler was given */
};

struct ini_reader {
	const char *file;
	ini_handler handler;
	void *userdata;
	struct diag *d;		    /* the one finding that ends the reading, or */
	struct diag_list *findings; /* all of them */
	int found;

	char *section; /* the current one */
	bool headless; /* its header was bad: nobody knows what the lines below it are about */
	char *joined;  /* INI_LINE_MAX + 1 bytes: the line being put together */
	size_t len;
	size_t start; /* its first byte that is not blank */
	struct ini_map map;
};

static void reader_clear(struct ini_reader *rd)
{
	free(rd->section);
	free(rd->joined);
	free(rd->map.pieces);
}

static void map_place(const struct ini_map *m, size_t offset, unsigned *ret_line, unsigned *ret_col)
{
	const struct ini_piece *p = m->pieces;

	for (size_t i = 1; i < m->n && m->pieces[i].offset <= offset; i++)
		p = &m->pieces[i];
	*ret_line = p->line;
	*ret_col = p->col + (unsigned)(offset - p->offset);
}

void ini_entry_place(
	const struct ini_entry *e, size_t offset, unsigned *ret_line, unsigned *ret_col)
{
	map_place(e->map, e->map->value + offset, ret_line, ret_col);
}

static int map_add(struct ini_map *m, size_t offset, unsigned line, unsigned col)
{
	if (m->n == m->allocated) {
		size_t allocated = m->allocated ? 2 * m->allocated : 8;
		struct ini_piece *pieces = reallocarray(m->pieces, allocated, sizeof(*pieces));

		if (!pieces)
			return -ENOMEM;
		m->pieces = pieces;
		m->allocated = allocated;
	}
	m->pieces[m->n++] = (struct ini_piece){offset, line, col};
	return 0;
}

/* One finding was made: ends the reading (negative), or is put to the others (0). */
static int reader_found(struct ini_reader *rd, int r, struct diag *d)
{
	if (!rd->findings) {
		if (rd->d) {
			diag_clear(rd->d);
			*rd->d = *d;
			*d = (struct diag){0};
		}
		return r;
	}
	rd->found++;
	return diag_list_take(rd->findings, d);
}

static int form_error(struct ini_reader *rd, unsigned line, unsigned col, const char *text)
{
	_cleanup_diag_ struct diag d = {0};

	return reader_found(rd, diag_set(&d, EBADMSG, rd->file, line, col, "%s", text), &d);
}

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

static int check_text(struct ini_reader *rd, const char *text, size_t len, size_t *ret_good)
{
	unsigned line = 1;
	size_t start = 0, i = 0, n;

	*ret_good = 0;
	if (len > INI_FILE_MAX)
		return form_error(rd, 0, 0, "larger than 1 MiB; expected a file of at most 1 MiB");
	while (i < len) {
		if (text[i] == '\0')
			return form_error(rd, line, (unsigned)(i - start) + 1,
				"NUL byte; expected UTF-8 text");
		n = utf8_length((const unsigned char *)text + i, len - i);
		if (!n)
			return form_error(rd, line, (unsigned)(i - start) + 1,
				"not UTF-8; expected UTF-8 text");
		i += n;
		if (text[i - 1] == '\n') {
			line++;
			start = i;
		}
	}
	*ret_good = len;
	return 0;
}

static int hand_on(struct ini_reader *rd, struct ini_entry *e)
{
	_cleanup_diag_ struct diag d = {0};
	int r;

	e->file = rd->file;
	e->section = rd->section ? rd->section : "";
	e->map = &rd->map;
	r = rd->handler(e, rd->userdata, &d);
	return r == 0 ? 0 : r == -ENOMEM ? r : reader_found(rd, r, &d);
}

static int read_header(struct ini_reader *rd)
{
	char *text = rd->joined + rd->start, *last = rd->joined + rd->len - 1, *name;
	struct ini_entry e = {0};
	unsigned line, col;

	rd->headless = true;
	map_place(&rd->map, rd->len, &line, &col);
	if (*last != ']')
		return form_error(rd, line, col,
			"section header does not end; expected \"]\" as its last character");
	*last = '\0';
	map_place(&rd->map, rd->start, &e.line, &e.key_col);
	if (!text[1] || strpbrk(text + 1, "[]"))
		return form_error(
			rd, e.line, e.key_col, "not a section header; expected one like [Memory]");
	name = strdup(text + 1);
	if (!name)
		return -ENOMEM;
	free(rd->section);
	rd->section = name;
	rd->headless = false;
	return hand_on(rd, &e);
}

/* The joined line, which is not empty: a header or an assignment. */
static int read_logical(struct ini_reader *rd)
{
	char found[EXCERPT_MAX], text[EXCERPT_MAX + 64];
	struct ini_entry e = {.key = rd->joined + rd->start};
	char *equals, *end;

	if (*e.key == '[')
		return read_header(rd);
	if (rd->headless)
		return 0;
	map_place(&rd->map, rd->start, &e.line, &e.key_col);
	equals = strchr(e.key, '=');
	if (!equals) {
		snprintf(text, sizeof(text), "\"%s\" is no assignment; expected Key=Value",
			excerpt(e.key, found));
		return form_error(rd, e.line, e.key_col, text);
	}
	if (equals == e.key)
		return form_error(
			rd, e.line, e.key_col, "key missing before \"=\"; expected Key=Value");
	for (end = equals; blank(end[-1]); end--)
		;
	*end = '\0';
	for (e.value = equals + 1; blank(*e.value); e.value++)
		;
	rd->map.value = (size_t)(e.value - rd->joined);
	map_place(&rd->map, rd->map.value, &(unsigned){0}, &e.value_col);
	return hand_on(rd, &e);
}

static int flush(struct ini_reader *rd)
{
	int r = 0;

	while (rd->len && blank(rd->joined[rd->len - 1]))
		rd->len--;
	rd->joined[rd->len] = '\0';
	for (rd->start = 0; blank(rd->joined[rd->start]); rd->start++)
		;
	if (rd->len)
		r = read_logical(rd);
	rd->len = 0;
	rd->map.n = 0;
	return r;
}

/* An odd number of backslashes at the end: the line goes on. */
static bool goes_on(const char *s, size_t len)
{
	size_t n = 0;

	while (n < len && s[len - 1 - n] == '\\')
		n++;
	return n % 2;
}

/* One physical line without its line end. */
static int read_line(struct ini_reader *rd, const char *s, size_t len, unsigned line)
{
	size_t skipped = 0;
	bool more;
	int r;

	if (len && s[len - 1] == '\r')
		len--;
	while (skipped < len && blank(s[skipped]))
		skipped++;
	s += skipped;
	len -= skipped;
	/* As systemd has it: a comment between continued lines is skipped, an empty line ends
	 * them. */
	if (len && (*s == '#' || *s == ';'))
		return 0;
	if (rd->len + len > INI_LINE_MAX) {
		rd->len = 0;
		rd->map.n = 0;
		return form_error(
			rd, line, 1, "line is longer than 64 KiB; expected a shorter one");
	}
	r = map_add(&rd->map, rd->len, line, (unsigned)skipped + 1);
	if (r < 0)
		return r;
	more = goes_on(s, len);
	memcpy(rd->joined + rd->len, s, len);
	rd->len += len;
	if (!more)
		return flush(rd);
	rd->joined[rd->len - 1] = ' ';
	return 0;
}

static int read_text(struct ini_reader *rd, const char *text, size_t len)
{
	const char *end, *p;
	unsigned line = 0;
	int r;

	r = check_text(rd, text, len, &len);
	if (r < 0)
		return r;
	rd->joined = malloc(INI_LINE_MAX + 1);
	if (!rd->joined)
		return -ENOMEM;
	p = text;
	end = text + len;
	if (len >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
		p += 3; /* byte order mark */
	while (p < end) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		size_t n = (size_t)((newline ? newline : end) - p);

		r = read_line(rd, p, n, ++line);
		if (r != 0)
			return r;
		p += n + 1;
	}
	return flush(rd);
}

int ini_parse(const char *file, const char *text, size_t len, ini_handler handler, void *userdata,
	struct diag *d)
{
	_cleanup_(reader_clear) struct ini_reader rd = {
		.file = file, .handler = handler, .userdata = userdata, .d = d};

	return read_text(&rd, text, len);
}

int ini_parse_all(const char *file, const char *text, size_t len, ini_handler handler,
	void *userdata, struct diag_list *findings)
{
	_cleanup_(reader_clear) struct ini_reader rd = {
		.file = file, .handler = handler, .userdata = userdata, .findings = findings};
	int r = read_text(&rd, text, len);

	return r < 0 ? r : rd.found;
}

static int read_whole(int fd, char **ret_text, size_t *ret_len)
{
	_cleanup_free_ char *text = NULL;
	size_t len = 0, allocated = 4096;

	for (;;) {
		char *larger = realloc(text, allocated + 1);
		ssize_t n;

		if (!larger)
			return -ENOMEM;
		text = larger;
		n = read(fd, text + len, allocated - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
		if (len > INI_FILE_MAX)
			return -EFBIG;
		if (len == allocated)
			allocated *= 2;
	}
	text[len] = '\0';
	*ret_text = TAKE_PTR(text);
	*ret_len = len;
	return 0;
}

static const char *remedy(int err)
{
	switch (err) {
	case ENOENT:
		return "check the path";
	case EACCES:
	case EPERM:
		return "make it readable for this user";
	case EISDIR:
		return "expected a file";
	case EFBIG:
		return "expected a file of at most 1 MiB";
	default:
		return "expected a readable file";
	}
}

int ini_read_file(const char *path, char **ret_text, size_t *ret_len, struct diag *d)
{
	/* Non-blocking, so that opening a FIFO that nobody writes to does not hang. */
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	int r = 0;

	if (fd < 0 || fstat(fd, &st) < 0)
		r = -errno;
	else if (S_ISDIR(st.st_mode))
		r = -EISDIR;
	else if (!S_ISREG(st.st_mode) && fcntl(fd, F_SETFL, 0) < 0)
		r = -errno;
	if (r == 0)
		r = read_whole(fd, ret_text, ret_len);
	if (r < 0)
		return diag_set(
			d, -r, path, 0, 0, "cannot be read: %s; %s", strerror(-r), remedy(-r));
	return 0;
}
