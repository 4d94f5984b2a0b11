/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/guest-run.h"

#include <stdio.h>
#include <systemd/sd-id128.h>

#include "daemon/hv/hv-guest.h"

char *guest_run_format(const struct hv_guest *hv, char buf[static GUEST_RUN_MAX])
{
	sd_id128_t boot = SD_ID128_NULL;

	buf[0] = '\0';
	if (!hv->pid)
		return buf;
	/* without /proc/sys all runs of a host look like one boot's */
	(void)!sd_id128_get_boot(&boot);
	snprintf(buf, GUEST_RUN_MAX, "%d:%llu@%02x%02x%02x%02x", (int)hv->pid,
		(unsigned long long)hv->pid_start_ticks, boot.bytes[0], boot.bytes[1],
		boot.bytes[2], boot.bytes[3]);
	return buf;
}
