/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/effect.h"

#include "cli/client.h"
#include "cli/get.h"

const json_t *effect_libvirt_problem(const json_t *host)
{
	const json_t *p;
	size_t i;

	json_array_foreach (get_at(host, "/problems"), i, p)
		if (streq(get_string(p, "/code", ""), "libvirt-unreachable"))
			return p;
	return NULL;
}

void effect_note(struct cli *c)
{
	_cleanup_json_ json_t *host = NULL;
	char problem[64];

	fflush(stdout);
	if (client_try(c, "/v1/hosts/self", &host, problem) != CLI_OK)
		return;
	if (streq(get_string(host, "/mode", ""), "observe"))
		fprintf(stderr,
			"%s: mode is observe: it takes effect only with: ballastctl mode enforce\n",
			c->program);
	if (json_is_true(get_at(host, "/pause/paused")))
		fprintf(stderr,
			"%s: Ballast is paused: it takes effect when that is over (ballastctl pause --clear)\n",
			c->program);
	if (effect_libvirt_problem(host))
		fprintf(stderr,
			"%s: libvirt does not answer ballastd now: it takes effect once it does\n",
			c->program);
}
