/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/manager-private.h"

#include "common/units.h"
#include "policy/policy-set.h"

/* What others are shown. Filled on demand: while nobody asks, this costs nothing. */

static void guest_fill(const struct guest *g, struct view_guest *ret)
{
	*ret = (struct view_guest){
		.agent_version = g->hello_known ? g->hello.version : NULL,
		.os = g->hello_known && *g->hello.os ? g->hello.os : NULL,
		.kernel = g->hello_known && *g->hello.kernel ? g->hello.kernel : NULL,
		.enrolled = g->hv->channel != HV_CHANNEL_NONE,
		.original_bytes = g->original.bytes,
		.changed_real_usec = g->changed_real_usec,
		.changed_from_bytes = g->changed_from_bytes,
		.changed_to_bytes = g->changed_to_bytes,
		.changed_reason = g->changed_reason,
	};
}

static bool grow_guests(struct manager *m)
{
	if (m->view_guests_allocated < m->n_guests) {
		struct view_guest *grown =
			reallocarray(m->view_guests, m->guests_allocated, sizeof(*grown));

		if (!grown)
			return false;
		m->view_guests = grown;
		m->view_guests_allocated = m->guests_allocated;
	}
	return m->n_guests > 0;
}

static bool fill_guests(struct manager *m)
{
	bool room = grow_guests(m);

	for (size_t i = 0; room && i < m->n_guests; i++)
		guest_fill(m->guests[i], &m->view_guests[i]);
	return room;
}

static void count_policies(struct manager *m, size_t n)
{
	const struct policy_windows *windows = decide_state_windows(m->state);
	struct view_policy *counts = m->view_policies;

	for (size_t i = 0; i < n; i++)
		counts[i] = (struct view_policy){
			.open = policy_windows_open(windows, i),
			.change_real_usec = policy_windows_next(windows, i),
		};
	for (size_t k = 0; k < m->n_guests; k++) {
		const struct guest_policy *p =
			decide_state_guest_policy(m->state, &m->guests[k]->uuid);

		for (size_t i = 0; p && i < n; i++) {
			counts[i].matching += guest_policy_matches(p, i);
			counts[i].active += guest_policy_active(p, i);
		}
	}
	m->view_policies_decision = m->decisions;
}

/* Known only as far as the last decision was made with this very set. Counted once a decision: they
 * change with nothing else, and policies times guests is much. */
static bool fill_policies(struct manager *m)
{
	size_t n = policy_set_count(m->set);

	if (!m->plan || m->decided_generation != policy_set_generation(m->set))
		return false;
	if (m->view_policies_allocated < n) {
		struct view_policy *grown = reallocarray(m->view_policies, n, sizeof(*grown));

		if (!grown)
			return false;
		m->view_policies = grown;
		m->view_policies_allocated = n;
	}
	if (m->view_policies_decision != m->decisions)
		count_policies(m, n);
	return n > 0;
}

/* Who looks the next morning finds it among the events. */
#define KILLED_SHOWN_USEC USEC_PER_HOUR
#define LOST_SHOWN_USEC	  (24 * USEC_PER_HOUR)

static size_t fill_problems(struct manager *m)
{
	size_t n = 0;

	if (!m->connected)
		m->problems[n++] = (struct view_problem){
			.code = "libvirt-unreachable",
			.text = *m->libvirt_reason ? m->libvirt_reason
						   : "libvirt has not answered yet",
			.remedy =
				"is libvirtd running? ballastd goes on trying, guests keep what they have",
			.since_real_usec = m->libvirt_lost_real_usec,
		};
	if (m->policy_problem_real_usec)
		m->problems[n++] = (struct view_problem){
			.code = "policy-bad",
			.text = m->policy_problem,
			.remedy = "correct the file, then: ballastctl reload",
			.since_real_usec = m->policy_problem_real_usec,
		};
	if (*m->state_problem)
		m->problems[n++] = (struct view_problem){
			.code = "state-unwritable",
			.text = m->state_problem,
			.remedy =
				"do what it says, make room in the state directory or make it writable; until then `mode enforce` and `guest set` are refused; `mode observe` and `pause` hold, say that they are not saved, and are forgotten at a restart",
			.since_real_usec = m->state_problem_real_usec,
		};
	if (*m->state_lost && clock_boot_usec() - m->state_lost_boot_usec < LOST_SHOWN_USEC)
		m->problems[n++] = (struct view_problem){
			.code = "state-lost",
			.text = m->state_lost,
			.remedy =
				"find out what did that to the file (a failing disk? somebody's hand?); what was put aside may be removed",
			.since_real_usec = m->state_lost_real_usec,
		};
	if (m->killed_before && clock_boot_usec() - m->started_boot_usec < KILLED_SHOWN_USEC)
		m->problems[n++] = (struct view_problem){
			.code = "restarted",
			.text = "ballastd was killed, crashed, or the host went down; it went on where it was",
			.remedy = "journalctl -u ballastd says what came before",
			.since_real_usec = m->started_real_usec,
		};
	if (*m->host_problem)
		m->problems[n++] = (struct view_problem){
			.code = "memory-source",
			.text = m->host_problem,
			.remedy =
				"make the control group, or correct MemoryFrom= and: ballastctl reload",
			.since_real_usec = m->host_problem_real_usec,
		};
	if (reserve_is_missed(m)) {
		snprintf(m->unasked_problem, sizeof(m->unasked_problem),
			"%s started without asking for room: libvirt does not run ballastd's start hook",
			m->unasked);
		m->problems[n++] = (struct view_problem){
			.code = "start-hook",
			.text = m->unasked_problem,
			.remedy = START_HOOK_REMEDY,
			.since_real_usec = m->unasked_real_usec,
		};
	}
	if (reserve_is_short(m))
		m->problems[n++] = reserve_problem(m);
	if (m->host_error)
		m->problems[n++] = (struct view_problem){
			.code = "host-unreadable",
			.text = "the host's memory figures cannot be read",
			.remedy = "look into the journal of ballastd",
		};
	n += network_problems(m, m->problems + n);
	return n;
}

/* All but guests, policies and counters, which take the longest. */
static void fill(struct manager *m, struct view_input *ret)
{
	bool fits = m->plan && m->plan_fits;

	sample_pressure(m);
	snapshot_fill(m, &m->snapshot);
	*ret = (struct view_input){
		.snapshot = &m->snapshot,
		.plan = fits ? m->plan : NULL,
		.set = m->set,
		.policy_dirs = (const char *const *)m->conf.policy_dirs,
		.policy_own = m->policy_own,
		.policies_change_real_usec = m->plan ?
			policy_windows_next_change(decide_state_windows(m->state)) :
			USEC_INFINITY,
		.problems = m->problems,
		.n_problems = fill_problems(m),
		.has_cpu = m->has_cpu,
		.cpu_busy_permyriad = m->cpu_busy_permyriad,
		.cpu_steal_permyriad = m->cpu_steal_permyriad,
		.nodes = m->load.n_nodes ? m->load.nodes : NULL,
		.n_nodes = m->load.n_nodes,
		.mode = m->mode,
		.pause = pause_view(m, &m->pause),
		.ready = m->decided_synced,
		.started_real_usec = m->started_real_usec,
		.libvirt_version = m->connected && *m->libvirt_version ? m->libvirt_version : NULL,
		.state = m->plan ? m->state : NULL,
	};
}

void view_look(void *userdata, struct view_input *ret)
{
	struct manager *m = userdata;

	fill(m, ret);
	ret->guests = fill_guests(m) ? m->view_guests : NULL;
	ret->counters = count_all(m);
	ret->policies = fill_policies(m) ? m->view_policies : NULL;
}

/* As snapshot_find_guest() does it, but for UUIDs by the table. */
static ssize_t find_guest(const struct manager *m, const char *word)
{
	const struct guest *g;
	struct uuid uuid;

	if (uuid_parse(word, &uuid) == 0 && (g = manager_find(m, &uuid)))
		return (ssize_t)g->index;
	for (size_t i = 0; i < m->n_guests; i++)
		if (streq(m->guests[i]->hv->name, word))
			return (ssize_t)i;
	return -ENOENT;
}

ssize_t view_look_guest(void *userdata, const char *uuid_or_name, struct view_input *ret)
{
	struct manager *m = userdata;
	ssize_t i = find_guest(m, uuid_or_name);

	fill(m, ret);
	if (i >= 0 && grow_guests(m)) {
		guest_fill(m->guests[i], &m->view_guests[i]);
		ret->guests = m->view_guests;
	}
	return i;
}
