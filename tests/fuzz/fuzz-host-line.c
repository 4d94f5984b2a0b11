/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a host may write to the agent: whatever comes, the configuration stays within its ranges. */
#include "agent/hostline.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct hostline h;
	struct orders o = {.config = CONFIG_DEFAULT};

	hostline_reset(&h);
	hostline_take(&h, (const char *)data, size, &o);
	if (o.config.heartbeat_usec < USEC_PER_SEC || o.config.heartbeat_usec > USEC_PER_HOUR ||
		o.config.available_pct < 1 || o.config.available_pct > 50 ||
		o.config.psi_stall_usec < 1 || o.config.psi_stall_usec > o.config.psi_window_usec ||
		o.config.psi_window_usec < 500000 || o.config.psi_window_usec > 10 * USEC_PER_SEC)
		abort();
	return 0;
}
