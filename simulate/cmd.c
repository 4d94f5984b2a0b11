/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulate/simulate.h"

#include <getopt.h>
#include <stdio.h>

#include "common/units.h"
#include "simulate/driver.h"

enum {
	EXIT_PASSED = 0,
	EXIT_NOT_PASSED = 1,
	EXIT_USAGE = 2,
	EXIT_NOT_FOUND = 3,
	EXIT_BAD_SCENARIO = 9,
};

struct options {
	const char *file;
	bool json, timing, help, seed_given;
	uint64_t seed;
};

static void print_help(const char *name)
{
	printf("Usage: %s FILE [--json] [--timing] [--seed N]\n\n"
	       "Runs the daemon's decisions over a described host in simulated time.\n\n"
	       "  --json    one JSON object a line, the summary last\n"
	       "  --timing  the decisions' own times, on standard error\n"
	       "  --seed N  another seed than the scenario's\n"
	       "  --help    this text\n\n"
	       "Exit code 0; 1 when an expectation is not met, a guest's kernel killed or more\n"
	       "was promised than the host has; 2 wrong usage; 3 no such file; 9 a bad scenario.\n",
		name);
}

static int usage(const char *name, const char *what, const char *value)
{
	fprintf(stderr, "%s: %s%s%s; try --help\n", name, what, value ? " " : "",
		value ? value : "");
	return EXIT_USAGE;
}

static bool parse_seed(const char *text, uint64_t *ret)
{
	char *end;

	errno = 0;
	*ret = strtoull(text, &end, 10);
	return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0;
}

/* Returns 0, or an exit code after saying what is wrong. */
static int parse_options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{"json", no_argument, NULL, 'j'},
		{"timing", no_argument, NULL, 't'},
		{"seed", required_argument, NULL, 's'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int c;

	optind = 0;
	while ((c = getopt_long(argc, argv, "h", longs, NULL)) >= 0) {
		o->json |= c == 'j';
		o->timing |= c == 't';
		o->help |= c == 'h';
		if (c == 's' && !parse_seed(optarg, &o->seed))
			return usage(argv[0], "--seed needs a whole number, not", optarg);
		o->seed_given |= c == 's';
		if (c == '?')
			return EXIT_USAGE;
	}
	if (o->help)
		return 0;
	if (optind == argc)
		return usage(argv[0], "a scenario file is missing", NULL);
	if (argc - optind > 1)
		return usage(argv[0], "one scenario at a time; not expected:", argv[optind + 1]);
	o->file = argv[optind];
	return 0;
}

static int complain(const char *name, int err, const struct diag *d)
{
	_cleanup_free_ char *text = d && d->text ? diag_format(d) : NULL;

	fprintf(stderr, "%s: %s\n", name, text ? text : strerror(-err));
	if (err == -ENOENT)
		return EXIT_NOT_FOUND;
	return err == -EBADMSG ? EXIT_BAD_SCENARIO : EXIT_NOT_PASSED;
}

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void print_timing(struct driver_timing *t)
{
	uint64_t sum = 0;

	if (t->n == 0)
		return;
	qsort(t->samples_nsec, t->n, sizeof(*t->samples_nsec), compare_u64);
	for (size_t i = 0; i < t->n; i++)
		sum += t->samples_nsec[i];
	fprintf(stderr,
		"decisions: %zu, mean %llu us, median %llu us, p99 %llu us, longest %llu us\n",
		t->n, (unsigned long long)(sum / t->n / 1000),
		(unsigned long long)(t->samples_nsec[t->n / 2] / 1000),
		(unsigned long long)(t->samples_nsec[t->n * 99 / 100] / 1000),
		(unsigned long long)(t->samples_nsec[t->n - 1] / 1000));
}

static int load_policies(const char *name, const struct scenario *sc, struct policy_set **ret)
{
	_cleanup_diag_list_ struct diag_list findings = {0};
	int err = driver_policies(sc, ret, &findings);

	if (err >= 0)
		return 0;
	for (size_t i = 0; i < findings.n; i++)
		(void)complain(name, err, &findings.items[i]);
	return findings.n ? EXIT_BAD_SCENARIO : complain(name, err, NULL);
}

static int run(const char *name, const struct options *o)
{
	_cleanup_policy_set_ struct policy_set *set = NULL;
	_cleanup_driver_timing_ struct driver_timing timing = {0};
	_cleanup_scenario_ struct scenario *sc = NULL;
	_cleanup_diag_ struct diag d = {0};
	int err = scenario_load(o->file, &sc, &d);

	if (err < 0)
		return complain(name, err, &d);
	if (o->seed_given)
		sc->seed = o->seed;
	err = load_policies(name, sc, &set);
	if (err)
		return err;
	err = driver_run(sc, set, o->json ? output_json : output_table, stdout,
		o->timing ? &timing : NULL);
	if (err < 0)
		return complain(name, err, NULL);
	if (fflush(stdout) != 0 || ferror(stdout))
		return complain(name, -errno, NULL);
	if (o->timing)
		print_timing(&timing);
	return err ? EXIT_PASSED : EXIT_NOT_PASSED;
}

int cmd_simulate(int argc, char **argv)
{
	struct options o = {0};
	int code = parse_options(argc, argv, &o);

	if (code)
		return code;
	if (o.help) {
		print_help(argv[0]);
		return EXIT_PASSED;
	}
	return run(argv[0], &o);
}
