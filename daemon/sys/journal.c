/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/sys/journal.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
/* Our messages come from one place: the file and line of this wrapper would say nothing. */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>
#include <sys/uio.h>

static int max_priority = LOG_INFO;
static bool with_prefix; /* standard error is the journal's */
static bool to_journal;  /* by its own protocol, with fields */

/* Random once, then for ever: catalog entries and operators' filters name them. */
static const char *const message_ids[JOURNAL_MESSAGE_MAX] = {
	[JOURNAL_STARTED] = "2287a423b6fa4874a8bab246baf0fcc1",
	[JOURNAL_STOPPING] = "e2a4e334fccb48b69005a1621abcf2d8",
	[JOURNAL_MODE] = "818e2bfcb04c4ad6b39e5b71b6df87dd",
	[JOURNAL_RELOADED] = "24777408cff84f88840a44faba29482d",
	[JOURNAL_POLICY_BAD] = "0ff7c12b7edf43a7b0e5fef3e3721031",
	[JOURNAL_LIBVIRT_LOST] = "bb6132b7cdcc42f6922b47c8ec9fcd04",
	[JOURNAL_LIBVIRT_BACK] = "ed24ec550694483aa957f7b17ba8289b",
	[JOURNAL_STATE_UNWRITABLE] = "fc852b9a34ee4a60957d564dd5f6a71b",
	[JOURNAL_STATE_WRITABLE] = "7b892deb4dcf49329ece396b6da2db61",
	[JOURNAL_COMMAND] = "ed09befd69214e94846a1e260b4d08a0",
	[JOURNAL_COMMAND_FAILED] = "094192ef15784c63a0c8037d6b72d52f",
	[JOURNAL_QUARANTINE] = "1934562f598d4a2c8c5821a49fbdcc16",
	[JOURNAL_QUARANTINE_OVER] = "1498f12723334f6a9f520521b0b38a43",
	[JOURNAL_AGENT] = "e867dd5b8c594e6090b1d0daf7ccdcd6",
	[JOURNAL_OVERRIDE] = "ca7dff65477f49b593e0fa46d9fba04b",
	[JOURNAL_RESERVATION] = "2666b6aa79474c55900eb3e5e15ad1d2",
	[JOURNAL_CLOCK_SET] = "20ce3c7c59d94c52ae49a0d4f170e7a6",
	[JOURNAL_GUEST] = "0636debf081e42108ab711910eae1b57",
	[JOURNAL_PLAN_EVENT] = "8f5edc78ec854549a6ccd9e09533cf65",
	[JOURNAL_HOST_STATE] = "b939e71ccf0c47149c1190d16c65baaa",
	[JOURNAL_RELEASED] = "bb17f7d6b5a04899bfd6e09f19b30fff",
};

const char *journal_message_id(enum journal_message m)
{
	return (unsigned)m < JOURNAL_MESSAGE_MAX ? message_ids[m] : NULL;
}

/* systemd names the stream it connected standard error to as DEV:INODE. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;

	return stream && sscanf(stream, "%llu:%llu", &dev, &ino) == 2 && fstat(STDERR_FILENO, &st) == 0 &&
	       st.st_dev == dev && st.st_ino == ino;
}

void journal_init(int level)
{
	max_priority = level;
	with_prefix = stderr_is_journal();
}

void journal_begin(void)
{
	to_journal = with_prefix;
}

static void field_printf(struct iovec *iov, int *n, char *buf, size_t size, const char *fmt, ...)
	_printf_(5, 6);
static void field_printf(struct iovec *iov, int *n, char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	iov[*n] = (struct iovec){.iov_base = buf, .iov_len = MIN((size_t)MAX(len, 0), size - 1)};
	(*n)++;
}

static void send_fields(enum journal_message m, int priority, const struct journal_fields *f, char *text)
{
	char prio[16], id[64], uuid[UUID_TEXT_MAX], guest[64], name[128], event[64];
	struct iovec iov[8];
	int n = 0;

	iov[n++] = (struct iovec){.iov_base = text, .iov_len = strlen(text)};
	field_printf(iov, &n, prio, sizeof(prio), "PRIORITY=%d", priority);
	if (message_ids[m])
		field_printf(iov, &n, id, sizeof(id), "MESSAGE_ID=%s", message_ids[m]);
	if (f && f->guest)
		field_printf(iov, &n, guest, sizeof(guest), "BALLAST_GUEST_UUID=%s",
			uuid_format(f->guest, uuid));
	if (f && f->guest_name)
		field_printf(iov, &n, name, sizeof(name), "BALLAST_GUEST=%s", f->guest_name);
	if (f && f->event)
		field_printf(iov, &n, event, sizeof(event), "BALLAST_EVENT=%s", f->event);
	sd_journal_sendv(iov, n);
}

/* "<3>" is how a line tells the journal its priority. */
static void write_stream(int priority, const char *text)
{
	if (with_prefix)
		fprintf(stderr, "<%d>", priority);
	fprintf(stderr, "%s\n", text);
}

void journal_write(enum journal_message m, int priority, const struct journal_fields *fields,
	const char *fmt, ...)
{
	const char *guest = fields ? fields->guest_name : NULL;
	char text[1024] = "MESSAGE=";
	const size_t skip = strlen("MESSAGE=");
	size_t len = skip;
	va_list ap;

	if (priority > max_priority)
		return;
	/* Who reads the journal sees the message, not the fields beside it. */
	if (guest)
		len += MIN((size_t)snprintf(text + len, sizeof(text) - len, "%s: ", guest), sizeof(text) / 2);
	va_start(ap, fmt);
	vsnprintf(text + len, sizeof(text) - len, fmt, ap);
	va_end(ap);
	if (to_journal)
		send_fields(m, priority, fields, text);
	else
		write_stream(priority, text + skip);
}

void journal_findings(enum journal_message m, int priority, const struct diag_list *findings)
{
	for (size_t i = 0; i < findings->n; i++) {
		_cleanup_free_ char *text = diag_format(&findings->items[i]);

		journal_write(m, priority, NULL, "%s", text ? text : "out of memory");
	}
}
