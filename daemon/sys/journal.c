/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/sys/journal.h"

#include <endian.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#include "common/printable.h"
#include "daemon/sys/outbox.h"

#define END_USEC USEC_PER_SEC

static int max_priority = LOG_INFO;
static bool with_prefix; /* standard error is the journal's */
/* Lines wait there for the journal, or for who reads standard error; NULL: not yet. Other threads
 * write as long as the process lives, so it is never freed. */
static struct outbox *_Atomic outbox;

/* Random once, then for ever: catalog entries and operators' filters name them. */
static const char *const message_ids[JOURNAL_MESSAGE_MAX] = {
	[JOURNAL_STARTED] = "2287a423b6fa4874a8bab246baf0fcc1",
	[JOURNAL_STOPPING] = "e2a4e334fccb48b69005a1621abcf2d8",
	[JOURNAL_MODE] = "818e2bfcb04c4ad6b39e5b71b6df87dd",
	[JOURNAL_PAUSE] = "ce1b18b68d99484192e0b8e900fa72fa",
	[JOURNAL_RELOADED] = "24777408cff84f88840a44faba29482d",
	[JOURNAL_POLICY] = "9c90b8d1f0e94aab99bb197541cecee5",
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
	[JOURNAL_STUCK] = "8f5edc78ec854549a6ccd9e09533cf65",
	[JOURNAL_HOST_STATE] = "b939e71ccf0c47149c1190d16c65baaa",
	[JOURNAL_ACCESS] = "5b0c1f64c2a94d6f9d1e7a3b86f2d0e4",
	[JOURNAL_RELEASED] = "bb17f7d6b5a04899bfd6e09f19b30fff",
	[JOURNAL_CPU] = "3a8da475ee4b4791adcaf235d7fd329b",
	[JOURNAL_SOFT_LIMIT] = "82b34c2e1095469d8287e3b9b0130e63",
	[JOURNAL_GUEST_STOPPED] = "b8fb666fde5741f3bca9601222c7fd2b",
	[JOURNAL_GUEST_CHANGED] = "d9eb258666504916a434a4dad8c8fcc0",
	[JOURNAL_ENROLLED] = "ef4e0f1257ab46b3be95f66f447170c6",
	[JOURNAL_AGENT_LOST] = "a3f266870d67402da9d00f0e137079f2",
	[JOURNAL_CHANNEL_SHUT] = "7295ca4c5a6f4d359604e3c1cd1fe30d",
	[JOURNAL_RESUMED] = "9c30ec2325cc4c98a644a330580d0557",
	[JOURNAL_POLICY_REMOVED] = "a7d87a76ec9e468093e4f6c2562b5ff0",
	[JOURNAL_OVERRIDE_CLEARED] = "c57aadcb1cab4fad869b54c66cdd727b",
	[JOURNAL_OVERRIDE_EXPIRED] = "74f5c716023e4c28941a196f79e9fe29",
	[JOURNAL_REFUSED] = "1571c82dce4e4ab6b4875f95ea542300",
	[JOURNAL_RESERVATION_FREED] = "3068813753f1481aa79f6c28e5ed60ac",
	[JOURNAL_START_UNASKED] = "1f22ae59b05742dc8011c949b0d4fada",
	[JOURNAL_UNSTUCK] = "f537e8a37ee644e5853711ba40400019",
	[JOURNAL_STALE] = "c65e5b259c734ef08a0b33cf80db892b",
	[JOURNAL_FRESH] = "898fc615cf8b4d8eae88a21df82f5262",
	[JOURNAL_BREAKER] = "2025a6592c64474e8a56ecc708ad5e7a",
	[JOURNAL_BREAKER_GONE] = "cb063ae876684764aa25efae83d80e21",
	[JOURNAL_NOT_CREDIBLE] = "8c4d2802dcbd4db9bfeaa19937684715",
	[JOURNAL_CREDIBLE] = "e27c4ce4697d46b88d6a830f21d3f0a3",
	[JOURNAL_TOOK_BACK] = "8c8bd86b61c94d0ea621c9f8053a92af",
	[JOURNAL_OOM] = "b11720616c354469b0be70af606de7c5",
	[JOURNAL_PRESSED] = "88f2119c28f94332be130865d257fe87",
	[JOURNAL_RELIEVED] = "b10c49e1bb3f401588f295f9741bc177",
	[JOURNAL_POLICY_WINDOW] = "185114810a174a2382bdc64b213396fa",
	[JOURNAL_REBOOT] = "2b6f18080e62499da51c480a09bf55e9",
	[JOURNAL_FLOOR_CUT] = "bb398b2cec8e4d0092831b90220027e5",
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

	return stream && sscanf(stream, "%llu:%llu", &dev, &ino) == 2 &&
	       fstat(STDERR_FILENO, &st) == 0 && st.st_dev == dev && st.st_ino == ino;
}

void journal_init(int level)
{
	max_priority = level;
	with_prefix = stderr_is_journal();
}

/* By the journal's own protocol, which sd_journal_send() speaks as well, but waits: FIELD=value, or
 * for a value of several lines FIELD, its length and the value. */
struct datagram {
	size_t len;
	char data[OUTBOX_MESSAGE_MAX];
};

static void field_add(struct datagram *d, const char *name, const char *value)
{
	size_t n = strlen(name), len = strlen(value);
	uint64_t le = htole64(len);
	bool lines = strchr(value, '\n');

	if (d->len + n + len + sizeof(le) + 2 > sizeof(d->data))
		return;
	memcpy(d->data + d->len, name, n);
	d->len += n;
	d->data[d->len++] = lines ? '\n' : '=';
	if (lines) {
		memcpy(d->data + d->len, &le, sizeof(le));
		d->len += sizeof(le);
	}
	memcpy(d->data + d->len, value, len);
	d->len += len;
	d->data[d->len++] = '\n';
}

static void make_datagram(struct datagram *d, enum journal_message m, int priority,
	const struct journal_fields *f, const char *text)
{
	char uuid[UUID_TEXT_MAX];

	d->len = 0;
	field_add(d, "MESSAGE", text);
	field_add(d, "PRIORITY", (const char[]){(char)('0' + priority), '\0'});
	field_add(d, "SYSLOG_IDENTIFIER", program_invocation_short_name);
	if (message_ids[m])
		field_add(d, "MESSAGE_ID", message_ids[m]);
	if (f && f->guest)
		field_add(d, "BALLAST_GUEST_UUID", uuid_format(f->guest, uuid));
	if (f && f->guest_name)
		field_add(d, "BALLAST_GUEST", f->guest_name);
	if (f && f->event)
		field_add(d, "BALLAST_EVENT", f->event);
	if (f && f->object)
		field_add(d, "BALLAST_OBJECT", f->object);
}

/* "<3>" is how a line tells the journal its priority. */
static size_t make_line(char *buf, size_t size, int priority, const char *text)
{
	char prefix[16] = "";

	if (with_prefix)
		snprintf(prefix, sizeof(prefix), "<%d>", priority);
	return MIN((size_t)snprintf(buf, size, "%s%s\n", prefix, text), size - 1);
}

static size_t make_gap(uint64_t n, char buf[static OUTBOX_MESSAGE_MAX])
{
	char text[128];
	struct datagram d;

	snprintf(text, sizeof(text), "%llu lines are missing here: nobody read them in time",
		(unsigned long long)n);
	if (!with_prefix)
		return make_line(buf, OUTBOX_MESSAGE_MAX, LOG_WARNING, text);
	make_datagram(&d, JOURNAL_PLAIN, LOG_WARNING, NULL, text);
	memcpy(buf, d.data, d.len);
	return d.len;
}

void journal_begin(const char *socket)
{
	struct outbox *o;
	int r = outbox_new(with_prefix ? socket : NULL, STDERR_FILENO, make_gap, &o);

	if (r < 0)
		journal_error("lines go to standard error without fields: %s", strerror(-r));
	else
		outbox = o;
}

void journal_end(void)
{
	if (outbox)
		outbox_drain(outbox, END_USEC);
}

uint64_t journal_dropped(void)
{
	return outbox ? outbox_dropped(outbox) : 0;
}

static void put(struct outbox *o, enum journal_message m, int priority,
	const struct journal_fields *f, const char *text)
{
	struct datagram d;

	if (with_prefix)
		make_datagram(&d, m, priority, f, text);
	else
		d.len = make_line(d.data, sizeof(d.data), priority, text);
	outbox_put(o, d.data, d.len);
}

static void write_now(int priority, const char *text)
{
	char line[OUTBOX_MESSAGE_MAX];

	make_line(line, sizeof(line), priority, text);
	fputs(line, stderr);
}

void journal_write(enum journal_message m, int priority, const struct journal_fields *fields,
	const char *fmt, ...)
{
	const char *guest = fields ? fields->guest_name : NULL;
	struct outbox *o = outbox;
	char text[1024] = "", line[1536];
	size_t len = 0;
	va_list ap;

	if (priority > max_priority)
		return;
	/* Who reads the journal sees the message, not the fields beside it. */
	if (guest)
		len = MIN((size_t)snprintf(text, sizeof(text), "%s: ", guest), sizeof(text) / 2);
	va_start(ap, fmt);
	vsnprintf(text + len, sizeof(text) - len, fmt, ap);
	va_end(ap);
	/* Names, messages and reasons are other people's: a line stays one line, and says what it
	 * says. */
	printable(text, "", line, sizeof(line));
	if (o)
		put(o, m, priority, fields, line);
	else
		write_now(priority, line);
}

void journal_findings(enum journal_message m, int priority, const struct diag_list *findings)
{
	for (size_t i = 0; i < findings->n; i++) {
		_cleanup_free_ char *text = diag_format(&findings->items[i]);

		journal_write(m, priority, NULL, "%s", text ? text : "out of memory");
	}
}
