/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/channel/line.h"

/* What cannot be true of one report, or of two in a row, whoever sends it. */

#define TOTAL_BYTES_MIN MIB
#define TOTAL_BYTES_MAX (UINT64_C(1) << 50)
/* The agent reads its files one after the other, and may be held up in between. */
#define STALL_SLACK_USEC (10 * USEC_PER_SEC)
/* A line may be two seconds old when it arrives (freshness.h), and a young kernel's clock is not
 * yet trimmed. */
#define UPTIME_SLACK_USEC (5 * USEC_PER_SEC)
/* A kernel that boots another by itself, or a reset while libvirt is away, is rare. */
#define BOOT_SPACING_USEC USEC_PER_MIN

static int out_of_range(const char **ret_reason, const char *reason)
{
	*ret_reason = reason;
	return -ERANGE;
}

static int check_memory(const struct guest_report *r, const char **ret_reason)
{
	if (r->total_bytes < TOTAL_BYTES_MIN || r->total_bytes > TOTAL_BYTES_MAX)
		return out_of_range(ret_reason, "\"total\" is not between 1 MiB and 1 PiB");
	if (r->available_bytes > r->total_bytes)
		return out_of_range(ret_reason, "\"available\" is larger than \"total\"");
	if (r->free_bytes > r->total_bytes)
		return out_of_range(ret_reason, "\"free\" is larger than \"total\"");
	if (r->anon_bytes > r->total_bytes)
		return out_of_range(ret_reason, "\"anon\" is larger than \"total\"");
	if (r->file_bytes > r->total_bytes)
		return out_of_range(ret_reason, "\"file\" is larger than \"total\"");
	if (r->dirty_bytes > r->total_bytes)
		return out_of_range(ret_reason, "\"dirty\" is larger than \"total\"");
	if (r->swap_free_bytes > r->swap_total_bytes)
		return out_of_range(ret_reason, "\"swap_free\" is larger than \"swap_total\"");
	return 0;
}

static int check_psi(const struct guest_report *r, const char **ret_reason)
{
	uint64_t up = r->guest_usec + STALL_SLACK_USEC;

	if (r->psi_mem_some_usec > up || r->psi_cpu_some_usec > up || r->psi_io_some_usec > up)
		return out_of_range(ret_reason, "a stall is longer than the guest has been up");
	if (r->psi_mem_full_usec > r->psi_mem_some_usec + STALL_SLACK_USEC ||
		r->psi_io_full_usec > r->psi_io_some_usec + STALL_SLACK_USEC)
		return out_of_range(ret_reason, "a \"full\" stall is longer than its \"some\"");
	return 0;
}

int line_check_report(const struct guest_report *r, const char **ret_reason)
{
	int err = check_memory(r, ret_reason);

	return err < 0 || !r->has_psi ? err : check_psi(r, ret_reason);
}

int line_check_order(
	const struct guest_report *prev, const struct guest_report *next, const char **ret_reason)
{
	if (prev->boot_id != next->boot_id)
		return 0;
	if (next->seq <= prev->seq)
		return out_of_range(ret_reason, "\"seq\" did not grow");
	if (next->guest_usec < prev->guest_usec)
		return out_of_range(ret_reason, "\"mono_us\" went backwards");
	if (prev->has_counters && next->has_counters &&
		(next->major_faults < prev->major_faults ||
			next->refaults_file < prev->refaults_file ||
			next->refaults_anon < prev->refaults_anon ||
			next->oom_kills < prev->oom_kills))
		return out_of_range(ret_reason, "a counter went backwards");
	if (prev->has_psi && next->has_psi &&
		(next->psi_mem_some_usec < prev->psi_mem_some_usec ||
			next->psi_mem_full_usec < prev->psi_mem_full_usec ||
			next->psi_cpu_some_usec < prev->psi_cpu_some_usec ||
			next->psi_io_some_usec < prev->psi_io_some_usec ||
			next->psi_io_full_usec < prev->psi_io_full_usec))
		return out_of_range(ret_reason, "a stall went backwards");
	return 0;
}

int line_check_boot(const struct guest_report *prev, const struct guest_report *next,
	uint64_t boot_usec, const char **ret_reason)
{
	uint64_t passed = next->arrival_usec - MIN(prev->arrival_usec, next->arrival_usec);

	if (next->guest_usec > passed + UPTIME_SLACK_USEC)
		return out_of_range(
			ret_reason, "\"boot\" is another one, but \"mono_us\" did not begin anew");
	if (next->arrival_usec < boot_usec + BOOT_SPACING_USEC)
		return out_of_range(ret_reason, "\"boot\" is another one again within a minute");
	return 0;
}
