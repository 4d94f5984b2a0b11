/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/daemon-conf.h"

int daemon_conf_read(struct cli *c, struct conf *ret)
{
	const char *named = cli_value(c, OPT_CONFIG);
	const char *path = named ? named : SYSCONFDIR "/ballast/ballast.conf";
	_cleanup_diag_list_ struct diag_list findings = {0};
	int r;

	/* The usual one may be absent; one that was named is meant. */
	if (named && access(named, R_OK) < 0)
		return cli_fail(c, errno == ENOENT ? CLI_NOT_FOUND : CLI_DENIED, "--config=%s: %s",
			named, errno == ENOENT ? "there is no such file" : strerror(errno));
	r = conf_load_good(path, named, ret, &findings);
	if (r < 0)
		return cli_fail(c, CLI_FAILED, "out of memory");
	for (size_t i = 0; i < findings.n; i++) {
		_cleanup_free_ char *text = diag_format(&findings.items[i]);

		fprintf(stderr, "note: %s\n", text ? text : "out of memory");
	}
	if (r > 0)
		fprintf(stderr,
			"note: whether that sets PolicyPath= or HostName= is not known (--policy-dir names directories)\n");
	return CLI_OK;
}
