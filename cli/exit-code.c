/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/exit-code.h"

static const struct {
	const char *code;
	enum cli_exit exit;
	const char *remedy;
} codes[] = {
	{"configuration-bad", CLI_BAD_CONFIG, NULL},
	{"policy-bad", CLI_BAD_CONFIG, NULL},
	{"timeout-still-running", CLI_RUNNING_ON, NULL},
	{"no-quorum", CLI_NO_QUORUM, NULL},
	/* The daemon is there and says that it cannot: nothing that waiting for the daemon
	 * mends. */
	{"libvirt", CLI_FAILED, "see systemctl status libvirtd, and ballastctl doctor"},
	/* Ours is newer: not what somebody named is missing, but what we asked by. */
	{"route-unknown", CLI_FAILED,
		"this ballastd is older than ballastctl: see ballastctl --version and ballastctl status"},
	{"method-not-allowed", CLI_FAILED,
		"this ballastd is older than ballastctl: see ballastctl --version and ballastctl status"},
	{"busy", CLI_UNREACHABLE, "try again in a moment"},
};

static const struct {
	long status;
	enum cli_exit exit;
	const char *remedy;
} statuses[] = {
	{400, CLI_USAGE, NULL},
	{401, CLI_DENIED,
		"name who you are: --token-file=FILE, or --cert=FILE with --key=FILE, or a context that has them (ballastctl context add)"},
	{403, CLI_DENIED, NULL},
	{404, CLI_NOT_FOUND, NULL},
	{405, CLI_FAILED, NULL},
	{406, CLI_FAILED, NULL},
	{408, CLI_UNREACHABLE, NULL},
	{409, CLI_CONFLICT, NULL},
	{412, CLI_CONFLICT,
		"somebody else has changed it meanwhile: look at it anew, then try again"},
	{413, CLI_USAGE, NULL},
	{415, CLI_FAILED, NULL},
	{421, CLI_FAILED,
		"ask by the name or address that is in [API] Listen= or in its certificate"},
	{422, CLI_USAGE, NULL},
	{428, CLI_CONFLICT,
		"it is there already: look at it first, then change what you have seen"},
	{429, CLI_UNREACHABLE,
		"you ask more often than ballastd lets one client: try again in a moment"},
	{431, CLI_USAGE, NULL},
	{500, CLI_FAILED, "see journalctl -u ballastd"},
	{501, CLI_FAILED, NULL},
	{502, CLI_UNREACHABLE, NULL},
	{503, CLI_UNREACHABLE, NULL},
	{504, CLI_RUNNING_ON, NULL},
	{507, CLI_FAILED, "see ballastctl doctor"},
};

enum cli_exit exit_of(const char *code, long status)
{
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		if (streq(codes[i].code, code))
			return codes[i].exit;
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++)
		if (statuses[i].status == status)
			return statuses[i].exit;
	return CLI_FAILED;
}

const char *exit_remedy(const char *code, long status)
{
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		if (streq(codes[i].code, code) && codes[i].remedy)
			return codes[i].remedy;
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++)
		if (statuses[i].status == status)
			return statuses[i].remedy;
	return NULL;
}

bool exit_is_of_states(long status)
{
	return status == 412 || status == 428;
}

bool exit_knows(long status)
{
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++)
		if (statuses[i].status == status)
			return true;
	return false;
}
