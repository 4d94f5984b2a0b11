/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/watch.h"

#include <poll.h>
#include <signal.h>
#include <termios.h>

#include "common/units.h"

static volatile sig_atomic_t ended;

static void end(int sig)
{
	ended = 1;
}

void watch_begin(void)
{
	struct sigaction action = {.sa_handler = end}; /* no SA_RESTART: poll() is to return */

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

bool watch_ended(void)
{
	return ended;
}

int watch_wait(uint64_t usec, bool keys)
{
	struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
	unsigned char key;

	if (ended || poll(&p, keys ? 1 : 0, (int)(usec / USEC_PER_MSEC)) <= 0 || !keys)
		return 0;
	return read(STDIN_FILENO, &key, 1) == 1 ? key : 0;
}

int watch_interval(struct cli *c, uint64_t *ret_usec)
{
	const char *text = cli_value(c, OPT_INTERVAL);
	_cleanup_diag_ struct diag d = {0};

	*ret_usec = USEC_PER_SEC;
	if (!text)
		return CLI_OK;
	if (span_parse(text, ret_usec, &d) < 0)
		return cli_usage(c, "--interval: %s", d.text ? d.text : "not a span");
	if (*ret_usec < 100 * USEC_PER_MSEC || *ret_usec > USEC_PER_DAY)
		return cli_usage(c, "--interval: found \"%s\", expected 100ms to 1d", text);
	return CLI_OK;
}

struct watch_screen {
	struct termios saved;
	bool keys;
};

struct watch_screen *watch_screen_begin(void)
{
	struct watch_screen *s = calloc(1, sizeof(*s));
	struct termios raw;

	if (!s)
		abort(); /* a client without memory has nothing to show */
	s->keys = tcgetattr(STDIN_FILENO, &s->saved) == 0;
	if (s->keys) {
		raw = s->saved;
		raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
		tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	}
	fputs("\033[?1049h\033[?25l", stdout);
	return s;
}

void watch_screen_end(struct watch_screen *s)
{
	fputs("\033[?25h\033[?1049l", stdout);
	fflush(stdout);
	if (s->keys)
		tcsetattr(STDIN_FILENO, TCSANOW, &s->saved);
	free(s);
}

/* What is longer than a row would push the first lines off. Each begins with "clear to the end of
 * line" (behind a line that ends in the last column it would clear that), the last ends with "clear
 * below". */
void watch_screen_show(const struct term *t, char *frame, unsigned rows)
{
	fputs("\033[H", stdout);
	for (unsigned row = 1; *frame && row < rows; row++) {
		size_t n = strcspn(frame, "\n");
		bool more = frame[n];

		frame[n] = '\0';
		fputs("\033[K", stdout);
		term_print_line(t, stdout, frame);
		fputs("\r\n", stdout);
		frame += n + more;
	}
	fputs("\033[J", stdout);
	fflush(stdout);
}
