/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/guest-run.h"

#include "daemon/hv/hv-guest.h"
#include "tests/test.h"

TEST(runs_of_one_guest_are_told_apart_by_their_process)
{
	struct hv_guest a = {.pid = 4711, .pid_start_ticks = 99},
			b = {.pid = 4711, .pid_start_ticks = 100};
	char of_a[GUEST_RUN_MAX], again[GUEST_RUN_MAX], of_b[GUEST_RUN_MAX];

	CHECK_CONTAINS(guest_run_format(&a, of_a), "4711:99@");
	CHECK_STR(guest_run_format(&a, again), of_a);
	CHECK(strcmp(guest_run_format(&b, of_b), of_a) != 0);
}

TEST(the_hosts_boot_is_part_of_it)
{
	struct hv_guest g = {.pid = 1, .pid_start_ticks = 2};
	char run[GUEST_RUN_MAX], id[40] = "";
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "r");

	CHECK(f);
	CHECK(fgets(id, sizeof(id), f));
	fclose(f);
	id[8] = '\0';
	CHECK_STR(strchr(guest_run_format(&g, run), '@') + 1, id);
}

TEST(the_longest_fits_and_an_unknown_process_is_no_run)
{
	struct hv_guest g = {.pid = 4194304, .pid_start_ticks = UINT64_MAX};
	char run[GUEST_RUN_MAX];

	CHECK_INT((int)strlen(guest_run_format(&g, run)), 7 + 1 + 20 + 1 + 8);
	g.pid = 0;
	CHECK_STR(guest_run_format(&g, run), "");
}

TEST_MAIN()
