/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/hv/hv-guest.h"

#include <stdatomic.h>

#include "daemon/hv/hv-guest-priv.h"

DEFINE_STRTAB(
	hv_balloon_model, enum hv_balloon_model, HV_BALLOON_MODEL_MAX, "none", "virtio", "other")

DEFINE_STRTAB(hv_channel_state, enum hv_channel_state, HV_CHANNEL_STATE_MAX, "none", "unknown",
	"disconnected", "connected")

/* What is handed out is the inside of this. */
struct guest_box {
	atomic_uint refs;
	struct hv_guest guest;
};

static struct guest_box *guest_box(const struct hv_guest *g)
{
	return (struct guest_box *)((char *)g - offsetof(struct guest_box, guest));
}

struct hv_guest *hv_guest_new(void)
{
	struct guest_box *box = calloc(1, sizeof(*box));

	if (!box)
		return NULL;
	atomic_init(&box->refs, 1);
	box->guest.title = strdup("");
	box->guest.name = strdup("");
	box->guest.tags = calloc(1, sizeof(char *));
	if (!box->guest.title || !box->guest.name || !box->guest.tags) {
		hv_guest_unref(&box->guest);
		return NULL;
	}
	return &box->guest;
}

const struct hv_guest *hv_guest_ref(const struct hv_guest *g)
{
	if (g)
		atomic_fetch_add_explicit(&guest_box(g)->refs, 1, memory_order_relaxed);
	return g;
}

const struct hv_guest *hv_guest_unref(const struct hv_guest *g)
{
	struct guest_box *box;

	if (!g)
		return NULL;
	box = guest_box(g);
	if (atomic_fetch_sub_explicit(&box->refs, 1, memory_order_acq_rel) > 1)
		return NULL;
	free(box->guest.name);
	free(box->guest.title);
	for (char **t = box->guest.tags; t && *t; t++)
		free(*t);
	free(box->guest.tags);
	free(box->guest.vcpu_tids);
	free(box->guest.user);
	free(box->guest.channel_path);
	free(box);
	return NULL;
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? streq(a, b) : a == b;
}

static bool same_tags(char *const *a, char *const *b)
{
	for (; *a && *b; a++, b++)
		if (!streq(*a, *b))
			return false;
	return !*a && !*b;
}

static bool same_threads(const struct hv_guest *a, const struct hv_guest *b)
{
	return a->n_vcpu_tids == b->n_vcpu_tids &&
	       (a->n_vcpu_tids == 0 ||
		       memcmp(a->vcpu_tids, b->vcpu_tids, a->n_vcpu_tids * sizeof(pid_t)) == 0);
}

unsigned hv_guest_compare(const struct hv_guest *a, const struct hv_guest *b)
{
	unsigned what = 0;

	if (a->running != b->running)
		what |= HV_CHANGED_STATE;
	if (!same_text(a->name, b->name) || !same_text(a->title, b->title) ||
		!same_tags(a->tags, b->tags))
		what |= HV_CHANGED_IDENTITY;
	if (a->max_bytes != b->max_bytes || a->fixed != b->fixed || a->balloon != b->balloon ||
		a->autodeflate != b->autodeflate ||
		a->free_page_reporting != b->free_page_reporting ||
		a->stats_period_sec != b->stats_period_sec)
		what |= HV_CHANGED_MEMORY;
	if (a->vcpus != b->vcpus || a->cpu_shares != b->cpu_shares || !same_threads(a, b))
		what |= HV_CHANGED_CPU;
	if (a->channel != b->channel || !same_text(a->channel_path, b->channel_path) ||
		a->has_virtio_serial != b->has_virtio_serial)
		what |= HV_CHANGED_CHANNEL;
	if (a->persistent != b->persistent || a->autostart != b->autostart)
		what |= HV_CHANGED_CONFIG;
	if (a->pid != b->pid || a->pid_start_ticks != b->pid_start_ticks)
		what |= HV_CHANGED_PROCESS;
	return what;
}
