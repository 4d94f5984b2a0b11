/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/watch.h"

#include <poll.h>
#include <signal.h>

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
