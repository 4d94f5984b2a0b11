/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "daemon/host/host.h"
#include "daemon/manager.h"
#include "daemon/network.h"
#include "daemon/release.h"
#include "daemon/sys/journal.h"
#include "daemon/sys/listen.h"
#include "policy/policy-set.h"

/* Buffers from this size on go back to the system when they are freed. */
#define LARGE_BYTES (128 * KIB)
#define EXIT_USAGE  2
#define EXIT_CONFIG 9 /* as ballastctl's: bad configuration or state */

struct options {
	const char *conf_path;
	bool conf_named;
	enum { RUN, CHECK, DRY_RUN, RELEASE } what;
	bool foreground, verbose;
	const char *trace;
};

static const char help_text[] =
	"Usage: ballastd [OPTION...]\n"
	"Moves memory and CPU weight between the KVM guests of this host as need and policy say.\n"
	"\n"
	"  --config=FILE   read FILE instead of " SYSCONFDIR "/ballast/ballast.conf\n"
	"  --check         read configuration and policies, say what is wrong, and end\n"
	"  --dry-run       look at the guests once, say what would be changed, and end\n"
	"  --foreground    write the journal to standard error, even when started by systemd\n"
	"  --release       give every guest what fits, as ballast-release.service does, and end\n"
	"  --trace=FILE    write the time of every report, decision and command to FILE\n"
	"  --verbose       write what is of interest only when something is wrong\n"
	"  --help          show this\n"
	"  --version       show the version\n"
	"\n"
	"Exit status: 0 done, 1 failed, 2 wrong usage, 9 configuration or state is bad. See ballastd(8).\n";

static int parse_options(int argc, char **argv, struct options *o)
{
	enum {
		OPT_CONFIG = 256,
		OPT_CHECK,
		OPT_DRY_RUN,
		OPT_FOREGROUND,
		OPT_RELEASE,
		OPT_TRACE,
		OPT_VERBOSE,
		OPT_HELP,
		OPT_VERSION
	};
	static const struct option options[] = {
		{"config", required_argument, NULL, OPT_CONFIG},
		{"check", no_argument, NULL, OPT_CHECK},
		{"dry-run", no_argument, NULL, OPT_DRY_RUN},
		{"foreground", no_argument, NULL, OPT_FOREGROUND},
		{"release", no_argument, NULL, OPT_RELEASE},
		{"trace", required_argument, NULL, OPT_TRACE},
		{"verbose", no_argument, NULL, OPT_VERBOSE},
		{"help", no_argument, NULL, OPT_HELP},
		{"version", no_argument, NULL, OPT_VERSION},
		{NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (c) {
		case OPT_CONFIG:
			o->conf_path = optarg;
			o->conf_named = true;
			break;
		case OPT_CHECK:
			o->what = CHECK;
			break;
		case OPT_DRY_RUN:
			o->what = DRY_RUN;
			break;
		case OPT_RELEASE:
			o->what = RELEASE;
			break;
		case OPT_FOREGROUND:
			o->foreground = true;
			break;
		case OPT_TRACE:
			o->trace = optarg;
			break;
		case OPT_VERBOSE:
			o->verbose = true;
			break;
		case OPT_HELP:
			fputs(help_text, stdout);
			exit(EXIT_SUCCESS);
		case OPT_VERSION:
			puts("ballastd " PACKAGE_VERSION);
			exit(EXIT_SUCCESS);
		default:
			return -EINVAL;
		}
	}
	if (optind == argc)
		return 0;
	fprintf(stderr, "ballastd: unexpected argument \"%s\"\n", argv[optind]);
	return -EINVAL;
}

static void print_findings(const struct diag_list *findings)
{
	for (size_t i = 0; i < findings->n; i++) {
		_cleanup_free_ char *text = diag_format(&findings->items[i]);

		fprintf(stderr, "%s\n", text ? text : "out of memory");
	}
}

/* A start goes on without it. */
static void note_memory_source(const struct policy_set *set)
{
	const char *cgroup = policy_set_host(set)->memory_cgroup;
	_cleanup_free_ char *from = NULL;
	struct host *host = NULL;
	int r;

	if (!cgroup || asprintf(&from, "cgroup:%s", cgroup) < 0)
		return;
	r = host_new("/", from, &host);
	host_free(host);
	if (r < 0)
		fprintf(stderr,
			"note: [Host] MemoryFrom=%s cannot be read now (%s): the whole host's figures are used until it can\n",
			from, strerror(-r));
}

static void check_network(const struct conf *conf, struct diag_list *findings)
{
	_cleanup_(tls_freep) struct tls *tls = NULL;
	_cleanup_free_ struct token_table *tokens = NULL;

	if (network_load_tls(conf, &tls, findings) == -ENOMEM ||
		network_load_tokens(conf, &tokens, findings) == -ENOMEM)
		fprintf(stderr, "ballastd: out of memory\n");
}

/* Everything that a start would read, and nothing else. A mistake in ballast.conf hides none in the
 * policies: they are looked for where the rest of it, or the default, says. */
static int check(const struct options *o)
{
	_cleanup_conf_ struct conf conf = {0};
	_cleanup_diag_list_ struct diag_list findings = {0};
	_cleanup_policy_set_ struct policy_set *set = NULL;
	int r = conf_load_good(o->conf_path, o->conf_named, &conf, &findings);
	bool unread = r > 0 && !findings.n; /* a name that is too long */

	if (r >= 0) {
		struct policy_dirs dirs = {.dirs = (const char *const *)conf.policy_dirs};

		r = policy_set_load(&dirs, NULL, &set, &findings);
	}
	if (r >= 0)
		check_network(&conf, &findings);
	print_findings(&findings);
	if (r < 0 && !findings.n)
		fprintf(stderr, "ballastd: %s\n", strerror(-r));
	if (unread)
		fprintf(stderr, "ballastd: cannot read %s\n", o->conf_path);
	if (r < 0 || unread || findings.n)
		return EXIT_CONFIG;
	print_findings(policy_set_notes(set));
	note_memory_source(set);
	printf("configuration and %zu polic%s are good\n", policy_set_count(set),
		policy_set_count(set) == 1 ? "y" : "ies");
	return EXIT_SUCCESS;
}

/* A socket that somebody still listens on is not taken away from him, and what is no socket is not
 * ours to remove. */
static int bind_socket(const char *path)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	_cleanup_free_ char *dir = strdup(path);
	struct stat st;
	char *slash;

	if (fd < 0 || !dir)
		return fd < 0 ? -errno : -ENOMEM;
	if (strlen(path) >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	memcpy(addr.sun_path, path, strlen(path));
	slash = strrchr(dir, '/');
	*slash = '\0';
	if (*dir && mkdir(dir, 0755) < 0 && errno != EEXIST)
		return -errno;
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0)
		return -EADDRINUSE;
	if (lstat(path, &st) == 0 && !S_ISSOCK(st.st_mode))
		return -EEXIST;
	if (unlink(path) < 0 && errno != ENOENT)
		return -errno;
	/* Everybody may connect: what each may do is judged by who he is. */
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 || chmod(path, 0666) < 0 ||
		listen(fd, SOMAXCONN) < 0)
		return -errno;
	return TAKE_FD(fd);
}

static int open_socket(const char *path)
{
	int fd = listen_take("api");

	if (fd == -ENOENT)
		fd = bind_socket(path);
	if (fd < 0)
		journal_error("cannot listen on %s: %s%s", path, strerror(-fd),
			fd == -EADDRINUSE ? " (is another ballastd running?)"
			: fd == -EEXIST
				? " (it is no socket: move it away, or name another Socket=)"
				: "");
	return fd;
}

static const int handled_signals[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1};

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *si, void *userdata)
{
	if (si->ssi_signo == SIGHUP)
		manager_reload(userdata);
	else if (si->ssi_signo == SIGUSR1)
		manager_dump(userdata);
	else
		manager_stop(userdata);
	return 0;
}

static int add_signals(sd_event *loop, struct manager *m)
{
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(handled_signals) && r >= 0; i++)
		r = sd_event_add_signal(loop, NULL, handled_signals[i], on_signal, m);
	return r;
}

/* Before the first thread is made: it inherits the mask, and signals come to the loop alone. */
static void block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(handled_signals); i++)
		sigaddset(&set, handled_signals[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static int on_dry_run(sd_event_source *source, uint64_t usec, void *userdata)
{
	int r = manager_print_plan(userdata, stdout);

	if (r)
		return sd_event_exit(sd_event_source_get_event(source), MIN(r, 0));
	sd_event_source_set_time_relative(source, 200 * USEC_PER_MSEC);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static int run_loop(const struct options *o, struct conf *conf, FILE *trace)
{
	bool dry_run = o->what == DRY_RUN;
	_cleanup_(sd_event_unrefp) sd_event *loop = NULL;
	_cleanup_(manager_freep) struct manager *m = NULL;
	struct manager_config config = {
		.conf_path = o->conf_path,
		.conf_must_exist = o->conf_named,
		.conf = conf,
		.dry_run = dry_run,
		.trace = trace,
		.listen_fd = -1,
	};
	int r = sd_event_default(&loop);

	if (r < 0)
		return r;
	config.loop = loop;
	if (!dry_run && (config.listen_fd = open_socket(conf->socket)) < 0)
		return config.listen_fd;
	r = manager_new(&config, &m);
	if (r >= 0)
		r = add_signals(loop, m);
	if (r >= 0 && dry_run)
		r = sd_event_add_time_relative(
			loop, NULL, CLOCK_BOOTTIME, 200 * USEC_PER_MSEC, 0, on_dry_run, m);
	return r < 0 ? r : manager_run(m);
}

/* Guests are released with what can be read of the configuration: it may be what kept the daemon
 * from starting. */
static int load(const struct options *o, struct conf *conf)
{
	_cleanup_diag_list_ struct diag_list findings = {0};
	bool release = o->what == RELEASE;
	int r = release ? conf_load_good(o->conf_path, o->conf_named, conf, &findings) :
			  conf_load(o->conf_path, o->conf_named, conf, &findings);

	journal_findings(JOURNAL_PLAIN, LOG_ERR, &findings);
	if (r < 0 && !findings.n)
		journal_error("cannot read %s: %s", o->conf_path, strerror(-r));
	else if (release && findings.n)
		journal_error(
			"the rest of the configuration, and defaults, are what guests are released with");
	return r;
}

static int run(const struct options *o)
{
	_cleanup_conf_ struct conf conf = {0};
	FILE *trace = NULL;
	int r = load(o, &conf);

	if (r < 0)
		return EXIT_CONFIG;
	if (o->trace && !(trace = fopen(o->trace, "we"))) {
		journal_error("cannot write %s: %s", o->trace, strerror(errno));
		return EXIT_FAILURE;
	}
	block_signals();
	if (o->what == RELEASE)
		r = release_run(&conf, r == 0);
	else
		r = run_loop(o, &conf, trace);
	if (trace)
		fclose(trace);
	if (r < 0)
		journal_error("ballastd ends: %s", r == -EBADMSG || r == -EPROTO
							   ? "configuration or state is bad"
							   : strerror(-r));
	return r >= 0 ? EXIT_SUCCESS : r == -EBADMSG || r == -EPROTO ? EXIT_CONFIG : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	struct options o = {.conf_path = SYSCONFDIR "/ballast/ballast.conf"};
	int r;

	/* Each thread would get an arena of its own, of 64 MiB of address space and its own waste:
	 * two do. */
	mallopt(M_ARENA_MAX, 2);
	/* Answers about a thousand guests take megabytes for a moment: by itself the allocator
	 * would keep what such buffers took, for the next ones. */
	mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
	if (parse_options(argc, argv, &o) < 0) {
		fputs("Try 'ballastd --help'.\n", stderr);
		return EXIT_USAGE;
	}
	if (o.foreground)
		unsetenv("JOURNAL_STREAM");
	journal_init(o.verbose ? LOG_DEBUG : LOG_INFO);
	r = o.what == CHECK ? check(&o) : run(&o);
	journal_end();
	return r;
}
