/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A command's output, held back until it is whole: redrawn in place, or handed to a pager. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>

#include "cli/get.h"
#include "cli/watch.h"

/* One run of a command. */
struct take {
	char *out, *err;
	size_t out_len, err_len;
	int r;
};

static void take_clear(struct take *t)
{
	free(t->out);
	free(t->err);
	*t = (struct take){0};
}
#define _cleanup_take_ _cleanup_(take_clear)

/* with_err: its messages too. */
static void take_run(struct cli *c, struct take *t, bool with_err)
{
	FILE *out = stdout, *err = stderr;
	FILE *new_out = open_memstream(&t->out, &t->out_len);
	FILE *new_err = with_err ? open_memstream(&t->err, &t->err_len) : NULL;

	if (!new_out || (with_err && !new_err))
		abort(); /* a client without memory has nothing to show */
	fflush(out);
	stdout = new_out;
	if (with_err)
		stderr = new_err;
	c->answered = false;
	t->r = c->command->run(c);
	stdout = out;
	stderr = err;
	fclose(new_out);
	if (new_err)
		fclose(new_err);
}

/* ---- pager ---- */

/* Rows of the screen that a text takes. */
static unsigned count_rows(const struct term *t, const char *text)
{
	unsigned rows = 0;

	for (const char *at = text; *at; rows++) {
		size_t n = strcspn(at, "\n");

		/* Bytes are more than columns: a page too early does no harm. */
		if (t->columns && n > t->columns)
			rows += (unsigned)((n - 1) / t->columns);
		at += n + (at[n] != '\0');
	}
	return rows;
}

static void become_pager(int from)
{
	const char *pager = getenv("PAGER");

	dup2(from, STDIN_FILENO);
	close(from);
	signal(SIGINT, SIG_IGN); /* it is for the pager's own search */
	signal(SIGPIPE, SIG_DFL);
	setenv("LESS", "FRX", 0);
	setenv("LESSCHARSET", "utf-8", 0);
	/* From root's pager no shell. */
	if (geteuid() == 0)
		setenv("LESSSECURE", "1", 1);
	if (pager && *pager) {
		execl("/bin/sh", "sh", "-c", pager, (char *)NULL);
		_exit(127);
	}
	execlp("less", "less", (char *)NULL);
	execlp("more", "more", (char *)NULL);
	_exit(127);
}

/* Returns false where there is none: then nothing was written. */
static bool page(const struct take *t)
{
	int fds[2], status = 0;
	pid_t pid;
	FILE *f;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return false;
	fflush(NULL);
	pid = fork();
	if (pid < 0) {
		close(fds[0]);
		close(fds[1]);
		return false;
	}
	if (pid == 0)
		become_pager(fds[0]);
	close(fds[0]);
	f = fdopen(fds[1], "w");
	if (f) {
		fwrite(t->out, 1, t->out_len, f);
		fclose(f); /* a pager that was left does not read all: no failure */
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return !WIFEXITED(status) || WEXITSTATUS(status) != 127;
}

/* What only shows, and ends by itself: what changes something may ask, and what goes on is read as
 * it comes. */
static bool is_view(const struct cli *c)
{
	for (const enum cli_option *o = c->command->options; o && *o != OPT_NONE; o++)
		if (*o == OPT_DRY_RUN || *o == OPT_ONCE)
			return false;
	return !cli_has(c, OPT_FOLLOW);
}

static bool wants_pager(const struct cli *c)
{
	const char *pager = getenv("PAGER"), *term = getenv("TERM");

	return is_view(c) && c->term.is_terminal && isatty(STDIN_FILENO) &&
	       !cli_has(c, OPT_NO_PAGER) && term && !streq(term, "dumb") &&
	       !(pager && (!*pager || streq(pager, "cat")));
}

static int run_once(struct cli *c)
{
	_cleanup_take_ struct take t = {0};
	struct term now = c->term;
	unsigned rows;

	if (!wants_pager(c))
		return c->command->run(c);
	take_run(c, &t, false);
	term_measure(&now, &rows);
	if (rows && count_rows(&now, t.out) >= rows && page(&t))
		return t.r;
	fwrite(t.out, 1, t.out_len, stdout);
	return t.r;
}

/* ---- --watch ---- */

static int watch_span(struct cli *c, uint64_t *ret_usec)
{
	const char *text = cli_value(c, OPT_WATCH);
	_cleanup_diag_ struct diag d = {0};

	*ret_usec = 2 * USEC_PER_SEC;
	if (!*text)
		return CLI_OK;
	if (span_parse(text, ret_usec, &d) < 0)
		return cli_usage(c, "--watch: %s", d.text ? d.text : "not a span");
	if (*ret_usec < 100 * USEC_PER_MSEC || *ret_usec > USEC_PER_DAY)
		return cli_usage(c, "--watch: found \"%s\", expected 100ms to 1d", text);
	return CLI_OK;
}

static bool is_lost(int r)
{
	return r == CLI_UNREACHABLE || r == CLI_RUNNING_ON;
}

/* What the first row says: how to end, or since when what is below is not so any more. */
static void print_top_row(
	const struct cli *c, FILE *f, const struct take *now, time_t lost, uint64_t interval)
{
	char time_text[SHOW_TIME_MAX], span[SPAN_TEXT_MAX], text[512];

	if (now->r == CLI_OK || !lost) {
		snprintf(text, sizeof(text), "every %s   q quit", span_format(interval, span));
		term_print(&c->term, f, STYLE_DIM, text);
	} else {
		snprintf(text, sizeof(text), "%s since %s, below is what was last seen: %.400s",
			is_lost(now->r) ? "connection lost" : "no answer",
			show_time((uint64_t)lost * USEC_PER_SEC,
				(uint64_t)time(NULL) * USEC_PER_SEC, time_text),
			c->said);
		term_print(&c->term, f, STYLE_BAD, text);
	}
	fputc('\n', f);
}

static void draw(struct cli *c, const struct take *shown, const struct take *now, time_t lost,
	uint64_t interval)
{
	_cleanup_free_ char *frame = NULL;
	struct term term = c->term;
	unsigned rows;
	size_t len;
	FILE *f = open_memstream(&frame, &len);

	if (!f)
		return;
	term_measure(&term, &rows);
	print_top_row(c, f, now, lost, interval);
	fputs(shown->out ? shown->out : "", f);
	if (shown->err)
		fputs(shown->err, f);
	fclose(f);
	watch_screen_show(&term, frame, rows ? rows : 24);
}

/* Where there is no screen each look follows the one before, parted by an empty line; with --json
 * each is a document. */
static void append(struct cli *c, const struct take *now, bool first, bool newly_lost)
{
	if (now->r != CLI_OK) {
		if (newly_lost)
			cli_print_problem(c, (enum cli_exit)now->r);
		if (newly_lost)
			fprintf(stderr, "%s: %s; going on to look\n", c->program, c->said);
	} else {
		if (!first && !cli_has(c, OPT_JSON))
			fputc('\n', stdout);
		fwrite(now->out, 1, now->out_len, stdout);
		if (now->err_len)
			fwrite(now->err, 1, now->err_len, stderr);
	}
	fflush(stdout);
}

/* Until q, Ctrl-C, or an output that nobody reads. shown: the last look that went well. */
static void watch_loop(struct cli *c, struct take *shown, uint64_t interval, bool screen)
{
	_cleanup_take_ struct take now = {0};
	time_t lost = 0;
	bool first = true;

	while (!watch_ended() && !ferror(stdout)) {
		bool newly = false;
		int key;

		if (!first) {
			term_measure(&c->term, &(unsigned){0});
			if (c->wide)
				c->term.columns = 0;
			take_clear(&now);
			take_run(c, &now, true);
			if (watch_ended())
				break;
			newly = now.r != CLI_OK && !lost;
			lost = now.r == CLI_OK ? 0 : lost ? lost : time(NULL);
			if (now.r == CLI_OK) {
				struct take old = *shown;

				*shown = now;
				now = old;
				now.r = CLI_OK;
			}
		}
		if (screen)
			draw(c, shown, &now, lost, interval);
		else
			append(c, now.r == CLI_OK ? shown : &now, first, newly);
		first = false;
		key = watch_wait(interval, screen && isatty(STDIN_FILENO));
		if (key == 'q')
			return;
	}
}

static int run_watching(struct cli *c)
{
	_cleanup_take_ struct take shown = {0};
	bool screen = c->term.is_terminal && !cli_has(c, OPT_JSON);
	struct watch_screen *s;
	uint64_t interval;
	int r = watch_span(c, &interval);

	if (r != CLI_OK)
		return r;
	/* What fails at once has nothing to be watched. */
	take_run(c, &shown, true);
	if (shown.r != CLI_OK) {
		fwrite(shown.out, 1, shown.out_len, stdout);
		fwrite(shown.err, 1, shown.err_len, stderr);
		return shown.r;
	}
	watch_begin();
	s = screen ? watch_screen_begin() : NULL;
	watch_loop(c, &shown, interval, screen);
	if (s)
		watch_screen_end(s);
	if (c->term.is_terminal)
		fprintf(stderr, "Stopped watching; ballastd goes on.\n");
	c->answered = true;
	return CLI_OK;
}

int watch_run(struct cli *c)
{
	if (cli_has(c, OPT_WATCH))
		return run_watching(c);
	return run_once(c);
}
