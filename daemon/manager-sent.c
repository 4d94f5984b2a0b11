/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/manager-private.h"

/*
 * What a guest was told of its size and may yet come to: each setMemory that has not ended, and
 * what the ended ones may have left behind until its balloon was read after them. In whatever order
 * their ends are told, the guest is counted at the largest of them.
 */

/* A command that hung, or was lost with its connection, may yet be carried out by QEMU, and a
 * balloon that it moves is on its way for a while: so long. */
#define UNKNOWN_USEC (5 * USEC_PER_SEC)

static void refresh(struct guest *g)
{
	uint64_t bytes = g->landed_bytes;

	for (unsigned i = 0; i < g->n_sent; i++)
		bytes = MAX(bytes, g->sent[i].bytes);
	guest_sample(g)->inflight_bytes = bytes;
}

/* It was carried out, or may be: a reading from then on tells what became of it. */
static void may_have_landed(struct guest *g, uint64_t bytes, uint64_t read_usec)
{
	g->landed_bytes = MAX(g->landed_bytes, bytes);
	g->unknown_until_usec = MAX(g->unknown_until_usec, read_usec);
}

bool sent_full(const struct guest *g)
{
	return g->n_sent == SENT_MAX;
}

void sent(struct guest *g, uint64_t id, uint64_t to_bytes)
{
	struct guest_sample *s = guest_sample(g);

	if (!g->n_sent)
		g->taken_bytes = s->target_bytes;
	g->sent[g->n_sent++] = (struct sent){id, to_bytes, MAX(s->target_bytes, to_bytes)};
	s->target_bytes = to_bytes;
	refresh(g);
}

bool sent_ended(struct guest *g, const struct hv_result *r)
{
	unsigned i = 0;

	while (i < g->n_sent && g->sent[i].id != r->id)
		i++;
	if (i == g->n_sent)
		return false;
	if (r->error >= 0)
		may_have_landed(g, g->sent[i].bytes, monotonic_to_boot(r->ended_usec));
	else if (r->started_usec && (r->error == -ETIMEDOUT || r->error == -ENOTCONN))
		may_have_landed(g, g->sent[i].bytes, clock_boot_usec() + UNKNOWN_USEC);
	memmove(&g->sent[i], &g->sent[i + 1], (--g->n_sent - i) * sizeof(*g->sent));
	if (r->error >= 0)
		g->taken_bytes = r->bytes;
	guest_sample(g)->target_bytes =
		g->n_sent ? g->sent[g->n_sent - 1].to_bytes : g->taken_bytes;
	refresh(g);
	return true;
}

void sent_doubted(struct guest *g)
{
	if (g->landed_bytes)
		may_have_landed(g, g->landed_bytes, clock_boot_usec() + UNKNOWN_USEC);
}

void sent_lost(struct guest *g)
{
	if (g->n_sent)
		guest_sample(g)->target_bytes = g->taken_bytes;
	for (; g->n_sent; g->n_sent--)
		may_have_landed(g, g->sent[g->n_sent - 1].bytes, 0);
	sent_doubted(g);
	refresh(g);
}

void sent_read(struct guest *g, uint64_t when_usec)
{
	if (!g->landed_bytes || when_usec < g->unknown_until_usec)
		return;
	g->landed_bytes = g->unknown_until_usec = 0;
	refresh(g);
}

void sent_clear(struct guest *g)
{
	g->n_sent = 0;
	g->landed_bytes = g->unknown_until_usec = 0;
	refresh(g);
}
