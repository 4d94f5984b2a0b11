/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/agent.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "config.h"

#define MCL_ONFAULT_FLAG 4 /* Linux 4.4; musl has no name for it */
/* Wake-ups may be late by this much, so that the kernel can put them together with others. */
#define SLACK_NSEC (10 * 1000 * 1000)

static const char usage[] =
	"ballast-agent [OPTION...]\n"
	"Tells the host how this guest fares: memory, swap, stall.\n"
	"\n"
	"      --once          Print one hello and one report, and exit\n"
	"      --port=NAME     Virtio port by name, or a path (default org.ballast.agent.0)\n"
	"      --proc=DIR      Instead of /proc\n"
	"      --sys=DIR       Instead of /sys\n"
	"  -h, --help          Print this, and exit\n"
	"      --version       Print the version, and exit\n";

struct options {
	const char *port, *proc, *sys;
	bool once, help, version;
};

static void put(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, text, len);

		if (n <= 0)
			return;
		text += n;
		len -= (size_t)n;
	}
}

void say(const char *what, int error)
{
	char buf[512];
	struct text t = {.buf = buf, .size = sizeof(buf)};

	text_add(&t, "ballast-agent: ");
	text_add(&t, what);
	if (error) {
		text_add(&t, ": ");
		text_add(&t, strerror(error < 0 ? -error : error));
	}
	text_add(&t, "\n");
	put(STDERR_FILENO, t.buf, t.len);
}

/* "--name=value" or "--name value": the value, having moved *i. NULL: it is another option. "": it
 * lacks. */
static const char *option_value(char **argv, int *i, const char *name)
{
	size_t len = strlen(name);

	if (strncmp(argv[*i], name, len) != 0)
		return NULL;
	if (argv[*i][len] == '=')
		return argv[*i] + len + 1;
	if (argv[*i][len] != '\0')
		return NULL;
	return argv[*i + 1] ? argv[++*i] : "";
}

/* What is wrong with which argument. */
static int complain(const char *argument, const char *what)
{
	char buf[256];
	struct text t = {.buf = buf, .size = sizeof(buf)};

	text_add(&t, argument);
	text_add(&t, what);
	say(t.buf, 0);
	return -EINVAL;
}

static bool parse_flag(const char *argument, struct options *o)
{
	if (streq(argument, "--once"))
		o->once = true;
	else if (streq(argument, "--help") || streq(argument, "-h"))
		o->help = true;
	else if (streq(argument, "--version"))
		o->version = true;
	else
		return false;
	return true;
}

/* Returns 0, or -EINVAL after having said what is wrong. */
static int parse_options(char **argv, struct options *o)
{
	const struct {
		const char *name;
		const char **value;
	} valued[] = {{"--port", &o->port}, {"--proc", &o->proc}, {"--sys", &o->sys}};

	for (int i = 1; argv[i]; i++) {
		const char *argument = argv[i], *value = NULL;

		for (size_t k = 0; !value && k < ARRAY_SIZE(valued); k++) {
			value = option_value(argv, &i, valued[k].name);
			if (value)
				*valued[k].value = value;
		}
		if (value && !*value)
			return complain(argument, ": a value is missing");
		if (!value && !parse_flag(argument, o))
			return complain(argument, ": no such option; --help lists them");
	}
	return 0;
}

static int print_once(struct agent *a)
{
	char buf[2 * AGENT_LINE_MAX];
	struct text t = {.buf = buf, .size = sizeof(buf)};
	int r = agent_once(a, &t);

	if (r < 0)
		say("cannot read meminfo", r);
	else
		put(STDOUT_FILENO, t.buf, t.len);
	return r;
}

static void prepare(void)
{
	/* What was touched once stays: a guest that thrashes must still be able to say so. Page by
	 * page, so that the unused part of the stack costs nothing. Without permission it works all
	 * the same. */
	(void)mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT_FLAG);
	(void)prctl(PR_SET_TIMERSLACK, SLACK_NSEC, 0, 0, 0);
	(void)signal(SIGPIPE, SIG_IGN);
}

int main(int argc, char **argv)
{
	static struct agent agent;
	struct options o = {.port = "org.ballast.agent.0", .proc = "/proc", .sys = "/sys"};
	int r;

	if (parse_options(argv, &o) < 0)
		return 2;
	if (o.help || o.version) {
		const char *text = o.help ? usage : "ballast-agent " PACKAGE_VERSION "\n";

		put(STDOUT_FILENO, text, strlen(text));
		return 0;
	}
	agent_init(&agent, o.port, o.proc, o.sys);
	if (o.once)
		return print_once(&agent) < 0 ? 1 : 0;
	prepare();
	r = agent_run(&agent);
	say("cannot go on", r);
	return 1;
}
