/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/sys/notify.h"

#include <stdarg.h>
#include <stdio.h>
#include <systemd/sd-daemon.h>

#include "daemon/sys/clock.h"

#define STATUS_MAX 256
static char last_status[STATUS_MAX];

void notify_ready(const char *status)
{
	snprintf(last_status, sizeof(last_status), "%s", status);
	sd_notifyf(0, "READY=1\nSTATUS=%s", last_status);
}

void notify_reloading(void)
{
	/* MONOTONIC_USEC is what Type=notify-reload wants; Type=notify takes no notice of it. */
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu",
		(unsigned long long)clock_usec(CLOCK_MONOTONIC));
}

void notify_stopping(void)
{
	sd_notify(0, "STOPPING=1");
}

void notify_status(const char *fmt, ...)
{
	char text[STATUS_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (streq(text, last_status))
		return;
	memcpy(last_status, text, sizeof(text));
	sd_notifyf(0, "STATUS=%s", text);
}

void notify_extend_timeout(uint64_t usec)
{
	sd_notifyf(0, "EXTEND_TIMEOUT_USEC=%llu", (unsigned long long)usec);
}

int notify_watchdog(sd_event *loop)
{
	return sd_event_set_watchdog(loop, true);
}
