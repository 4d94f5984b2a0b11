/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>
#include <uthash.h>

#include "daemon/api/api.h"
#include "daemon/channel/channel.h"
#include "daemon/eventlog.h"
#include "daemon/guest-run.h"
#include "daemon/host/host.h"
#include "daemon/host/look.h"
#include "daemon/host/process.h"
#include "daemon/hv/hv.h"
#include "daemon/manager.h"
#include "daemon/overrides.h"
#include "daemon/pause.h"
#include "daemon/reservations.h"
#include "daemon/store/reader.h"
#include "daemon/store/store.h"
#include "daemon/sys/clock.h"
#include "daemon/sys/journal.h"
#include "policy/decide.h"

/* Private to manager*.c. */

/* What a guest had when Ballast first saw this run of it in enforce mode, and what it was told
 * last. */
struct original {
	uint64_t bytes;        /* 0: not known */
	uint64_t cpu_weight;   /* 0: not known */
	uint64_t cpu_quota;    /* with it; 0: none */
	struct hv_cpu cpu;     /* what these two were made of, to go back word for word */
	uint64_t target_bytes; /* last commanded; 0: never */
	bool soft_limited;     /* a soft limit of ours is on it, or may be: to be lifted */
	/* weight or quota on it are not the original's, or may not be: to go back */
	bool cpu_ours;
	bool period_ours;      /* nor its balloon statistics' period */
};

/* How often an event of one kind was told of late, of one guest or of the host. */
struct told {
	uint64_t since_usec; /* BOOTTIME: the minute that is counted */
	uint32_t n, held;    /* told in it; and not told */
};

/* Counters as the last sample for the history saw them. */
struct sampled {
	uint64_t report_usec; /* arrival of that report; 0: none */
	uint64_t stall_usec, refaults, incarnation;
	uint64_t vcpu_usec; /* BOOTTIME; 0: not read */
	uint64_t vcpu_time_usec, vcpu_delay_usec;
};
struct sampled_host {
	uint64_t usec; /* BOOTTIME; 0: none yet */
	uint64_t mem_some_usec, mem_full_usec, cpu_some_usec, io_some_usec;
	uint64_t decisions, commands;
};

/* A setMemory that has not ended. hv runs one of a guest's at a time and lets one more wait; the
 * ends of others may be on their way to us. */
#define SENT_MAX 8
struct sent {
	uint64_t id, to_bytes;
	uint64_t bytes; /* the larger of its old and new size */
};

/* Actions that wait until what the guest had before them is on the disk. */
enum waiting {
	WAITING_CPU,
	WAITING_SOFT_LIMIT,
	WAITING_MAX,
};

/* One running guest. Its figures are in manager.samples[index]: the snapshot's own array, so that a
 * decision copies nothing. */
struct guest {
	struct manager *m;
	struct uuid uuid;
	size_t index;
	const struct hv_guest *hv;
	UT_hash_handle hh;

	/* its agent */
	struct channel *channel;
	struct agent_hello hello;
	bool hello_known;
	uint64_t appeared_usec;
	bool was_reset;            /* since it appeared */
	uint64_t boot_usec;        /* the last boot that we know of, or when it appeared */
	bool boot_expected;        /* libvirt told of the reset that the next boot id stands for */
	uint64_t boot_gone;        /* the boot id before that: what still comes of it is the past */
	uint64_t asked_usec;       /* when it was last asked for a report; 0: never */
	/* stall within a second that it reports at once, as it was told; 0: nothing was told */
	uint64_t trigger_usec;

	/* its QEMU seen from the host */
	struct process *process;
	uint64_t qemu_seen_bytes;  /* largest look at QEMU's own memory, slowly forgotten */
	uint64_t qemu_cap_bytes;   /* more is not believed while it is ballooned */
	struct cpu_map cpus;       /* where its vCPUs may run */

	/* calls */
	struct sent sent[SENT_MAX]; /* oldest first */
	unsigned n_sent;
	/* commands of memory and of CPU in a row that libvirt refused */
	unsigned refusals, cpu_refusals;
	uint64_t taken_bytes;      /* the target that libvirt took last */
	/* the largest that was carried out, or may be, and was not read since; 0: none */
	uint64_t landed_bytes;
	/* BOOTTIME: a reading before that does not tell what became of it */
	uint64_t unknown_until_usec;
	uint64_t cpu_id;           /* SET_CPU on its way; 0: none */
	struct hv_cpu cpu;         /* as read last */
	uint64_t limit_id;         /* the newest SET_SOFT_LIMIT; 0: none yet */
	bool reading;              /* READ_BALLOON on its way */
	bool read_once, read_ok;   /* its balloon was asked for since it appeared, and answered */
	/* it ran before we came: libvirt's own figure of its size may be a second old */
	bool found;
	/* its agent did while that was still being read: to be heard again */
	bool spoke_early;

	/* fallback: balloon statistics instead of an agent */
	uint64_t fallback_due_usec;
	unsigned period_tries;
	uint64_t period_id;        /* SET_STATS_PERIOD of ours on its way; 0: none */
	/* the driver's stamp on its last statistics, by the wall clock; 0: none yet */
	uint64_t stats_update_sec;
	uint64_t stats_changed_usec; /* BOOTTIME when that was last another one */
	struct guest_report balloon_report; /* source REPORT_NONE: none yet */

	bool commanded;            /* its target is ours */
	/* it was until mode observe began: QEMU has that target still, until somebody else gives it
	 * another */
	bool was_commanded;
	/* the SET_MEMORY on its way that leaves it what it has in mode observe; 0: none */
	uint64_t left_id;
	bool relief_under_way;     /* pressed, it was given memory that has not arrived yet */
	struct original original;
	/* manager.originals_put when it was written last, and BOOTTIME of that; 0: never */
	uint64_t original_put, original_put_usec;
	/* a spare file is there, since the store has not taken what is noted of it (yet) */
	bool spare_there;
	bool spared;               /* and has all of that */
	bool waits[WAITING_MAX];
	struct action waiting[WAITING_MAX];
	char run[GUEST_RUN_MAX];   /* which run of the guest; "" if not known */

	/* enroll on its way */
	struct api_call *enroll_call;
	uint64_t enroll_period_id; /* SET_STATS_PERIOD on its way; 0: none */
	bool enroll_attaching;     /* ATTACH_CHANNEL on its way */
	json_t *enroll_changes;    /* what was done so far, for the answer */
	bool enroll_restart;       /* some of it at the next start only */

	struct told told[EVENT_KIND_MAX];
	struct sampled sampled;

	/* the last memory command, for show */
	uint64_t changed_real_usec, changed_from_bytes, changed_to_bytes;
	struct reason changed_reason;
};

/* How often something was done in a second. */
struct second {
	uint64_t since_usec; /* BOOTTIME: its begin */
	unsigned n;
};
static inline bool second_take(struct second *s, unsigned max)
{
	uint64_t now = clock_boot_usec();

	if (now - s->since_usec >= USEC_PER_SEC)
		*s = (struct second){.since_usec = now};
	return s->n++ < max;
}

#define NETWORK_PROBLEMS_MAX 2
struct tls;
struct network_reading;
struct polkit;
#define OPERATIONS_MAX 256
struct operation;

struct manager {
	sd_event *loop;
	struct hub *hub;           /* turns it, and holds the agents' channels */
	struct conf conf;
	const char *conf_path;
	bool conf_must_exist, dry_run;
	FILE *trace;
	char host_name[256];
	char boot_id[33];          /* the host's */
	uint64_t started_real_usec, started_boot_usec;
	bool killed_before;        /* the run before this one ended without saying so */

	/* parts */
	struct hv *hv;
	struct host *host;
	struct store *store;       /* NULL in a dry run */
	struct reader *reader;     /* of what it has, for the API; NULL in a dry run */
	struct view_store *views;
	struct eventlog *events;
	struct api *api;

	/* policy */
	struct policy_set *set;
	char *policy_own;          /* the layer of policies that the API writes; NULL: none */
	struct policy_job *policy_first; /* changes of it that wait, oldest first */
	unsigned n_policy_waiting;
	bool policy_running;		 /* one, or a reload, is with the worker */
	struct reload_job *reload_first; /* that wait, oldest first */
	unsigned n_reload_waiting;
	/* what may wait for a disk, or takes its time; NULL in a dry run */
	struct worker *worker;
	struct second trials, reloads; /* of the API */
	struct decide_state *state;
	struct plan *plan;         /* of the last decision; its indexes hold while plan_fits */
	uint64_t decided_generation; /* of the set it was made with */
	bool decided_synced;       /* one was made with libvirt's whole list: ready */
	bool plan_fits;            /* guests are those of the plan, in its order */
	size_t n_stuck;            /* in the plan */

	/* guests: three views of one table */
	struct guest **guests;
	struct guest_sample *samples;
	size_t n_guests, guests_allocated;
	uint64_t incarnations;     /* a number for each start and reset, never used again */
	struct guest *by_uuid;

	/* the host */
	struct host_reading host_reading;
	struct host_sample host_sample;
	struct host_load load;     /* for show: no decision goes by it */
	uint64_t load_usec;        /* BOOTTIME of that; 0: not read yet */
	bool has_cpu;              /* the two of the next line are known */
	uint64_t cpu_busy_permyriad, cpu_steal_permyriad;
	uint64_t available_decided_bytes, other_decided_bytes; /* what the last decision saw */
	struct look look;          /* at all guests */
	bool tick_at_rest;         /* the next look at the host was set when nothing moved */
	size_t fallback_next;      /* whose agent's silence was looked for last */
	int host_error;
	bool host_is_cgroup;       /* the figures are those of [Host] MemoryFrom=cgroup:... */
	char host_problem[256];    /* that group cannot be read: "" if it can */
	uint64_t host_problem_real_usec;

	/* libvirt */
	/* settling: just (re)connected, first readings under way */
	bool connected, synced, settling;
	uint64_t settle_until_usec;
	char libvirt_version[32];
	char libvirt_reason[256];
	uint64_t libvirt_lost_real_usec;

	enum daemon_mode mode;
	struct pause pause;
	/* requests for a pause so far: an end that waited for the disk meanwhile is void */
	uint64_t pauses_asked;
	unsigned pause_waits;      /* requests for its end on their way to the disk */
	sd_event_source *pause_timer; /* its end */
	/* `observe` on its way: answered when libvirt has carried out, or given up, what it had */
	struct mode_change *observe_first;
	/* BOOTTIME: what was to be left as it is (release_as_it_is()), and libvirt does not have by
	 * then, is withdrawn; 0: nothing */
	uint64_t left_until_usec;
	/* commands up to this hv call were withdrawn, or libvirt had them already */
	uint64_t withdrawn_id;
	/* requests for mode enforce on their way to the disk, and not void */
	unsigned enforce_waits;
	/* requests for mode observe so far: an `enforce` that waited for the disk meanwhile is
	 * void */
	uint64_t observe_asked;
	/* writes of originals that are answered: asked for, and answered */
	uint64_t originals_put, originals_kept;
	bool spare_failed;         /* an original could be kept nowhere, and that was told */
	size_t n_waiting;          /* actions of all guests that wait for them */
	struct known_original *known_originals; /* of runs that libvirt has not shown yet */
	/* what is ours is taken off guests, in whatever mode: that may go out */
	bool letting_go;
	/* BOOTTIME: soft limits that observe mode found are asked for again after this */
	uint64_t brakes_usec;
	bool stopping;
	uint64_t stop_until_usec;

	struct operation *operations[OPERATIONS_MAX]; /* number N in place N % OPERATIONS_MAX */
	uint64_t operation_last;   /* the newest one's number */

	struct overrides overrides;
	struct reservations reservations;
	/* guests for whom room was asked of late, however that ended; 0: free */
	struct uuid asked[64];
	size_t asked_next;         /* whose place is taken next */
	char unasked[256]; /* the guest that started without asking, since when none asked; "": none
			    */
	uint64_t unasked_real_usec;

	/* what is wrong with us, until it is not */
	char state_problem[640];
	uint64_t state_problem_real_usec;
	char state_lost[512]; /* of a state file that was written anew while we ran; "": none was */
	uint64_t state_lost_real_usec, state_lost_boot_usec;
	char policy_problem[512];
	uint64_t policy_problem_real_usec;
	size_t policy_bad, policy_lost; /* files; and of those, in force in no version */

	struct told told[EVENT_KIND_MAX]; /* of the host */
	uint32_t held;             /* events of all that were not told and not counted out yet */

	/* when to do what */
	sd_event_source *hv_source, *api_source, *clock_source;
	sd_event_source *decide_now, *decide_timer;
	sd_event_source *host_timer, *poll_timer, *status_timer, *stop_timer;
	uint64_t decide_cost_usec, decide_end_usec;
	bool polling;              /* poll_timer runs fast */
	uint64_t decisions;
	uint64_t commands;         /* told so far: memory, CPU, soft limits */
	sd_event_source *history_timer;
	struct sampled_host sampled_host;
	struct counters counters;  /* kept as it happens, or filled by count_all() */

	/* for views: rebuilt on demand, kept between */
	struct view_guest *view_guests;
	size_t view_guests_allocated;
	struct view_policy *view_policies;
	size_t view_policies_allocated;
	uint64_t view_policies_decision; /* of `decisions`, when they were counted; 0: never */
	struct snapshot snapshot;
	char unasked_problem[400];
	char reserve_problem[512], reserve_remedy[160];
	struct view_problem problems[9 + NETWORK_PROBLEMS_MAX];
	/* manager-network.c */
	struct tls *tls; /* from its reading to the API's start */
	uint64_t tls_expires_real_usec; /* 0: there is none */
	uint8_t tls_digest[32]; /* of what is in force */
	char tls_name[256], tls_problem[400];
	char tokens_problem[512]; /* "" when all is well */
	uint64_t tokens_problem_real_usec;
	struct polkit *polkit; /* NULL until it is asked */
	sd_event_source *tokens_source, *tokens_timer;
	const char *host_names[2]; /* for the API: NULL-terminated */
};

static inline struct guest_sample *guest_sample(const struct guest *g)
{
	return &g->m->samples[g->index];
}
/* Guests are Ballast's to command. */
static inline bool manager_drives(const struct manager *m)
{
	return m->mode == MODE_ENFORCE && !m->pause.on;
}
/* Where policies lie. */
static inline struct policy_dirs policy_dirs_of(const struct manager *m)
{
	return (struct policy_dirs){
		.dirs = (const char *const *)m->conf.policy_dirs, .own = m->policy_own};
}
struct guest *manager_find(const struct manager *m, const struct uuid *u) _nonnull_;
/* Connected, and first readings are in. */
bool manager_knows(const struct manager *m) _nonnull_ _pure_;
/* Commands may go out: that, and enforce mode without a pause, or what is ours is being taken
 * back. */
bool manager_may_act(const struct manager *m) _nonnull_ _pure_;
/* hv_submit() of a call on one guest. Refuses what would change anything in observe mode, and logs
 * what fails in a way that should not be. */
int manager_submit(struct guest *g, struct hv_request *req, uint64_t *ret_id) _nonnull_args_(1, 2);

/* manager-guest.c */
/* in the table; NULL without memory */
struct guest *guest_new(struct manager *m, const struct hv_guest *hv) _nonnull_;
/* and out of it: the last one takes its place */
void guest_free(struct guest *g) _nonnull_;
void manager_guests_free(struct manager *m) _nonnull_;
/* What the picture says goes into the sample. The strings stay libvirt's picture's, of which the
 * guest holds a reference. */
void guest_take(struct guest *g, const struct hv_guest *hv) _nonnull_;
/* A new run of the guest: nothing that was known of its memory holds. BOOTTIME of its start; 0:
 * before we looked. */
void guest_run_begins(struct guest *g, uint64_t started_usec) _nonnull_;

/* manager-hv.c */
extern const struct hv_ops manager_hv_ops;

/* manager-agent.c */
/* makes, moves or drops its channel, as libvirt's picture says */
void agent_attach(struct guest *g) _nonnull_;
void agent_configure_all(struct manager *m) _nonnull_;
/* for a report at once; once a second at most */
void agent_ask(struct guest *g) _nonnull_;
/* tells those whose policy wants them to speak sooner, or no longer; plan_fits */
void agent_follow_policies(struct manager *m) _nonnull_;
/* those whom the last decision wants to hear, and the pressed whose report is a second old;
 * plan_fits */
void agent_ask_all(struct manager *m) _nonnull_;

/* manager-sample.c */
int sample_start(struct manager *m) _nonnull_ _must_check_;
/* as [Host] MemoryFrom says, the whole host while that is not there; again after a reload */
int sample_open_host(struct manager *m) _nonnull_ _must_check_;
/* its process or vCPUs are others now */
void sample_guest_opened(struct guest *g) _nonnull_;
void sample_host(struct manager *m, bool force) _nonnull_;
/* after a decision: what moves is looked at more often */
void sample_hasten(struct manager *m) _nonnull_;
void sample_load(struct manager *m, uint64_t now) _nonnull_; /* where it is due: at each tick */
/* before it is used: for a decision, for who asks */
void sample_pressure(struct manager *m) _nonnull_;

/* So long a kernel may see more than its balloon leaves it before its host takes the device's word
 * again: a driver has long answered by then. Who holds more than the device says shows it to the
 * host, and is a breaker. */
#define DRIVER_USEC USEC_PER_MIN

/* manager-balloon.c */
void balloon_read(struct guest *g) _nonnull_;
void balloon_read_done(struct guest *g, const struct hv_result *r) _nonnull_;
void balloon_take(struct guest *g, const struct hv_balloon *b, uint64_t when_usec) _nonnull_;
void balloon_told(struct guest *g, uint64_t actual_bytes, uint64_t when_usec) _nonnull_;
bool balloon_is_moving(const struct guest *g) _nonnull_;
void balloon_poll_soon(struct manager *m) _nonnull_;
int balloon_start(struct manager *m) _nonnull_ _must_check_;
void balloon_period_done(struct guest *g, const struct hv_result *r) _nonnull_;
/* takes back the statistics period that we set */
void balloon_period_back(struct guest *g) _nonnull_;
void balloon_fallback(struct guest *g, uint64_t now_usec) _nonnull_;

/* manager-history.c */
int history_start(struct manager *m) _nonnull_ _must_check_;
/* all of now; NULL without memory */
struct tick *history_sample(struct manager *m, uint64_t now_real_usec) _nonnull_;

/* manager-decide.c */
int decide_start(struct manager *m) _nonnull_ _must_check_;
/* after what is waiting in the loop now */
void decide_soon(struct manager *m) _nonnull_;
void decide_within(struct manager *m, uint64_t usec) _nonnull_;
/* as of now; the arrays stay ours */
void snapshot_fill(struct manager *m, struct snapshot *ret) _nonnull_;

/* manager-act.c */
void act_on_plan(struct manager *m) _nonnull_;
int act_set_memory(struct guest *g, uint64_t to_bytes, const struct reason *reason) _nonnull_;
int act_set_cpu(
	struct guest *g, uint64_t weight, uint64_t quota, const struct reason *reason) _nonnull_;
int act_soft_limit(struct guest *g, uint64_t bytes) _nonnull_;
/* originals were written: carries out what waited for that, and decides again */
void act_kept(struct manager *m) _nonnull_;
void act_call_done(struct guest *g, const struct hv_result *r) _nonnull_;

/* manager-sent.c: keeps the sample's target_bytes and inflight_bytes */
bool sent_full(const struct guest *g) _nonnull_ _pure_; /* no more now */
/* hv took a SET_MEMORY; not while it is full */
void sent(struct guest *g, uint64_t id, uint64_t to_bytes) _nonnull_;
/* false: it was of an earlier run, or is not known any more */
bool sent_ended(struct guest *g, const struct hv_result *r) _nonnull_;
/* it hung, and answers again: what it did meanwhile may be under way still */
void sent_doubted(struct guest *g) _nonnull_;
/* a new connection: whatever was sent over the last one has ended, or will without our knowing */
void sent_lost(struct guest *g) _nonnull_;
void sent_read(struct guest *g, uint64_t when_usec) _nonnull_; /* its balloon was read */
void sent_clear(struct guest *g) _nonnull_;   /* a new run of the guest */

/* manager-original.c */
void original_seen(struct guest *g) _nonnull_;   /* a guest appeared, or enforce began */
void original_changed(struct guest *g) _nonnull_; /* it was commanded */
/* a soft limit of ours is on it, or may be */
void original_soft_limited(struct guest *g, bool limited) _nonnull_;
/* weight or quota on it are ours, or may be */
void original_cpu_set(struct guest *g, bool ours) _nonnull_;
/* its balloon statistics' period is ours */
void original_period_set(struct guest *g, bool ours) _nonnull_;
/* What is noted of it is on the disk or spared, or can be kept nowhere: commands may go out. A
 * decision follows when it is. */
bool original_kept(struct guest *g) _nonnull_;
void original_gone(struct guest *g) _nonnull_;    /* its run is over */
void original_begins(struct guest *g) _nonnull_;  /* another run of it: nothing is noted */
/* every now and then: who has been given all back needs no spare file */
void original_tick(struct manager *m) _nonnull_;
void original_run_known(struct guest *g) _nonnull_; /* which run this is could not be told before */
/* after a list of libvirt's: forgets those whose run is over */
void original_prune(struct manager *m) _nonnull_;
int original_load(struct manager *m) _nonnull_ _must_check_;
void original_free(struct manager *m) _nonnull_;
void original_put_all(struct manager *m) _nonnull_;
/* What was read at the start and belongs to no guest that is known yet: for a new state file. */
void original_put_known(struct manager *m) _nonnull_;
/* writes were lost: what is noted of each is kept beside the disk */
void original_spare_all(struct manager *m) _nonnull_;

/* The API's operations, in the files of their names. */
void mode_set(void *userdata, struct api_call *call, const struct api_mode_request *req);
void reload_call(void *userdata, struct api_call *call);
void override_set(void *userdata, struct api_call *call, const struct api_override_request *req);
void override_clear(void *userdata, struct api_call *call, const struct uuid *guest);
void override_expire(struct manager *m) _nonnull_;
void override_gone(const struct guest *g) _nonnull_;  /* it ran until now */
/* after a list of libvirt's: drops those of guests that are not there any more */
void override_prune(struct manager *m) _nonnull_;
int override_load(struct manager *m) _nonnull_ _must_check_;
void override_put_all(struct manager *m) _nonnull_;
void enroll(void *userdata, struct api_call *call, const struct uuid *guest);
void enroll_gone(struct guest *g) _nonnull_;
void enroll_done(struct guest *g, const struct hv_result *r) _nonnull_;
void enroll_period_done(struct guest *g, const struct hv_result *r) _nonnull_;
void reserve(void *userdata, struct api_call *call, const struct api_reserve_request *req);
void unreserve(void *userdata, struct api_call *call, const struct api_unreserve_request *req);

/* manager-network.c */
/* Reads certificates and listens, before the API starts. Returns 0; -EBADMSG, -errno after the
 * journal was told. */
int network_open(struct manager *m, struct api_config *config) _nonnull_ _must_check_;
/* After it has started: gives it certificate and tokens, and watches the file of the latter. */
int network_start(struct manager *m) _nonnull_ _must_check_;
/* Takes over what a reload can of next, and what was read by it; of that, what it takes is emptied.
 * What the TLS library does not take is a finding, and the old stays in force. */
void network_take(struct manager *m, struct conf *next, struct network_reading *r,
	struct diag_list *findings) _nonnull_;
/* Who asks has a name that is not known: looks for it. */
void names_wanted(void *userdata);
/* What `status` says of it. Returns how many. */
size_t network_problems(
	struct manager *m, struct view_problem problems[static NETWORK_PROBLEMS_MAX]) _nonnull_;
void network_stop(struct manager *m) _nonnull_;
void authorize(void *userdata, struct api_call *call, const struct api_authorize_request *req);
void reserve_answered(struct manager *m, const struct action *a) _nonnull_;
void reserve_arrived(struct manager *m, const struct uuid *guest) _nonnull_;
#define START_HOOK_REMEDY \
	"restart libvirtd, which looks for hooks only when it starts (running guests go on); [Host] StartPolicy=ignore where none is wanted"
void reserve_unasked(
	struct guest *g) _nonnull_; /* it started just now: says so if nobody had asked for it */
/* Guests start without asking, as far as is known. */
bool reserve_is_missed(const struct manager *m) _nonnull_ _pure_;
/* Mode enforce begins: what was granted while nobody was in anybody's way is asked for anew. */
void reserve_judge_anew(struct manager *m) _nonnull_;
/* Is room that is kept, or being made, what the host is short for? */
bool reserve_is_short(const struct manager *m) _nonnull_ _pure_;
/* Then that is to be shown: the largest, how to give it up. Its texts are the manager's. */
struct view_problem reserve_problem(struct manager *m) _nonnull_;
void reserve_expire(struct manager *m) _nonnull_;
void reserve_stop(struct manager *m) _nonnull_;
/* Another set is in force: taken over, with what was found in its files. */
void reload_take(
	struct manager *m, struct policy_set *set, const struct diag_list *findings) _nonnull_;
/* begins the next one that waits, if the worker has no change of policies or files */
void reload_next(struct manager *m) _nonnull_;
void reload_stop(struct manager *m) _nonnull_; /* answers those that wait */

/* manager-policy.c */
void policy_put(void *userdata, struct api_call *call, const struct api_policy_request *req);
void policy_delete(void *userdata, struct api_call *call, const struct api_policy_request *req);
void policy_validate(void *userdata, struct api_call *call, const struct api_policy_request *req);
void policy_stop(struct manager *m) _nonnull_; /* answers those that wait */
/* begins what waits, a reload or a change, if the worker has none of them */
void policy_next(struct manager *m) _nonnull_;
/* manager-preview.c */
void plan_preview(void *userdata, struct api_call *call, const struct api_preview_request *req);
/* this change has not begun */
bool policy_waits(const struct manager *m, const struct api_call *call) _nonnull_args_(1);
void policy_cancel(struct manager *m, const struct api_call *call, const char *by) _nonnull_;

/* manager-operation.c */
void operation_begin(void *userdata, struct api_call *ack, struct api_call *work, const char *kind);
void operation_list(void *userdata, struct api_call *call);
void operation_get(void *userdata, struct api_call *call, uint64_t id);
void operation_cancel(void *userdata, struct api_call *call, uint64_t id);
int operations_load(struct manager *m) _nonnull_ _must_check_;
void operations_put_all(struct manager *m) _nonnull_;
/* How many run now. */
unsigned operations_running(const struct manager *m) _nonnull_;
void operations_free(struct manager *m) _nonnull_;
/* Trials are few a second; answers the call where there were enough. */
bool trial_may_begin(struct manager *m, struct api_call *call) _nonnull_ _must_check_;
/* all that is known now, to be kept; NULL: nothing */
struct view *trial_view(struct manager *m) _nonnull_ _must_check_;
int policies_load(struct manager *m, struct diag_list *findings) _nonnull_ _must_check_;
int reload_first(struct manager *m) _nonnull_ _must_check_; /* at the start */
int mode_load(struct manager *m) _nonnull_ _must_check_;
void mode_mark(const struct manager *m) _nonnull_; /* shows it to `ballastd --release` */
/* Takes the saved mode, and originals that were loaded before it, where neither could be read at
 * the start. Returns 0 or -errno. */
int mode_take_over(struct manager *m) _nonnull_ _must_check_;
void mode_calls_ended(struct manager *m) _nonnull_; /* some have: answers who waits for that */
/* every now and then: who waits for libvirt does not wait for ever */
void mode_tick(struct manager *m) _nonnull_;
void mode_put(struct manager *m) _nonnull_; /* once more, after writes were lost */

/* guests are commanded from now on, unless mode or pause forbid it */
void mode_drive(struct manager *m) _nonnull_;
/* takes it over: nobody drives */
void mode_hold(struct manager *m, const struct pause *p) _nonnull_;
/* answers when it is on the disk, and libvirt done with what it had */
void mode_save_pause(struct manager *m, struct api_call *call, const char *text) _nonnull_;

/* manager-pause.c */
void pause_set(void *userdata, struct api_call *call, const struct api_pause_request *req);
void pause_clear(void *userdata, struct api_call *call);
int pause_load(struct manager *m) _nonnull_ _must_check_;
void pause_put(struct manager *m) _nonnull_;  /* once more, after writes were lost */
void pause_tick(struct manager *m) _nonnull_; /* ends one whose time is over */
void pause_arm(struct manager *m) _nonnull_;  /* its timer */
/* Strings stay p's. */
struct view_pause pause_view(const struct manager *m, const struct pause *p) _nonnull_;
json_t *pause_json(const struct manager *m, const struct pause *p) _nonnull_;

/* manager-release.c: what each guest is to have when Ballast lets go */
/* What becomes of a release; both arrays are owned, NULL where none was asked for. */
struct release_report {
	json_t *given;	  /* who gets anything back: [{"guest": name, "from": bytes, "to": bytes}],
			     null where its size stays */
	json_t *left_out; /* who does not get all back: [{"guest": name, "why": text}] */
};
void release_report_clear(struct release_report *r);
/* Commands what can be, in either mode; dry_run: only finds out what that is, as far as libvirt
 * takes what it is told. Returns 0, or -ENOMEM (then *ret is untouched, and nothing is done). */
int release_originals(
	struct manager *m, bool dry_run, struct release_report *ret) _nonnull_ _must_check_;
/* Observe mode, every now and then: lifts the soft limits that are ours, until they are gone. A
 * brake must not stay where nobody drives. */
void release_brakes(struct manager *m) _nonnull_;
void release_to_used(struct manager *m) _nonnull_;
/* Mode observe begins without a release: who was commanded and is on its way down is told to have
 * what it has. Whatever the mode; says of whom that cannot be done. */
void release_as_it_is(struct manager *m) _nonnull_;
/* True where this was the end of such a command: what there is to be told of that has been. After
 * sent_ended(). */
bool release_is_left(struct guest *g, const struct hv_result *r) _nonnull_;

/* manager-count.c */
const struct counters *count_all(struct manager *m) _nonnull_; /* as of now; stays ours */
/* a call of ours has ended */
void count_result(struct manager *m, const struct hv_result *r) _nonnull_;

/* manager-view.c */
void view_look(void *userdata, struct view_input *ret);
ssize_t view_look_guest(void *userdata, const char *uuid_or_name, struct view_input *ret);

/* manager-tell.c. tell() puts an event into the event list, the journal and the store. Who reads
 * the list sees reason and asker beside the text; the journal's line has them in it. */
struct tale {
	enum daemon_event kind;
	enum severity severity;
	const struct guest *guest; /* NULL: the host */
	/* without guest: told of the guest that this is for, which may not run yet */
	const struct reservation *room;
	const struct event_number *numbers;
	size_t n_numbers;
	const struct reason *reason;
	const char *by;
};
void tell(struct manager *m, const struct tale *t, const char *fmt, ...) _nonnull_ _printf_(3, 4);
/* At most TOLD_MAX a minute of each kind and guest: the rest is told as a number by tell_held(),
 * called now and then. */
#define TOLD_MAX 6
/* at the start: the history of earlier runs into the event list */
void tell_recall(struct manager *m) _nonnull_;
void tell_plan_event(struct manager *m, const struct plan_event *e) _nonnull_;
void tell_held(struct manager *m, uint64_t now_usec) _nonnull_;
void tell_held_gone(struct guest *g) _nonnull_; /* it is gone: what was held of it is told now */
/* of an event of this name; JOURNAL_PLAIN for none */
enum journal_message tell_message(const char *kind) _nonnull_;
void tell_status(struct manager *m) _nonnull_;
void trace_line(struct manager *m, const char *fmt, ...) _nonnull_ _printf_(2, 3);
/* libvirt's CLOCK_MONOTONIC stamps on the clock of everything else. */
uint64_t monotonic_to_boot(uint64_t monotonic_usec);
