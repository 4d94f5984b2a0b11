/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/line.h"

#include "config.h"

static const char *const why_words[WHY_MAX] = {
	[WHY_NOT] = "",
	[WHY_HEARTBEAT] = "heartbeat",
	[WHY_AVAILABLE] = "available",
	[WHY_PRESSURE] = "pressure",
	[WHY_REQUEST] = "request",
};

static void add(struct text *t, const char *name, uint64_t v)
{
	text_add(t, ",\"");
	text_add(t, name);
	text_add(t, "\":");
	text_add_number(t, v);
}

static void add_boot(struct text *t, uint64_t boot_id)
{
	text_add(t, ",\"boot\":\"");
	text_add_hex(t, boot_id);
	text_add(t, "\"");
}

void line_hello(struct text *t, const struct hello *h)
{
	text_add(t, "{\"type\":\"hello\",\"version\":\"" PACKAGE_VERSION "\",\"proto\":1");
	if (*h->os) {
		text_add(t, ",\"os\":");
		text_add_json(t, h->os, 256);
	}
	text_add(t, ",\"kernel\":");
	text_add_json(t, h->kernel, 256);
	add(t, "page", h->page_bytes);
	add_boot(t, h->boot_id);
	text_add(t, ",\"caps\":[");
	if (h->psi)
		text_add(t, "\"psi\",");
	if (h->psi_trigger)
		text_add(t, "\"psi-trigger\",");
	text_add(t, "\"filesystems\"]}\n");
}

static void add_memory(struct text *t, const struct figures *f)
{
	add(t, "total", f->total_bytes);
	add(t, "available", f->available_bytes);
	add(t, "free", f->free_bytes);
	add(t, "anon", f->anon_bytes);
	add(t, "file", f->file_bytes);
	add(t, "dirty", f->dirty_bytes);
	add(t, "swap_total", f->swap_total_bytes);
	add(t, "swap_free", f->swap_free_bytes);
}

static void add_counters(struct text *t, const struct figures *f)
{
	add(t, "major_faults", f->major_faults);
	add(t, "refaults_file", f->refaults_file);
	add(t, "refaults_anon", f->refaults_anon);
	add(t, "oom_kills", f->oom_kills);
	add(t, "steal_us", f->steal_usec);
	add(t, "running", f->running);
}

static void add_psi(struct text *t, const struct figures *f)
{
	add(t, "psi_mem_some_us", f->psi_mem_some_usec);
	add(t, "psi_mem_full_us", f->psi_mem_full_usec);
	add(t, "psi_cpu_some_us", f->psi_cpu_some_usec);
	add(t, "psi_io_some_us", f->psi_io_some_usec);
	add(t, "psi_io_full_us", f->psi_io_full_usec);
}

/* 8 mount points of 63 bytes, each doubled by escapes, are some 1.6 kB: they fit. */
static void add_fs(struct text *t, const struct fs_list *l)
{
	text_add(t, ",\"fs\":[");
	for (unsigned i = 0; i < l->n; i++) {
		text_add(t, i ? ",{\"mount\":" : "{\"mount\":");
		text_add_json(t, l->items[i].mount, FS_MOUNT_MAX);
		add(t, "size", l->items[i].size_bytes);
		add(t, "free", l->items[i].free_bytes);
		text_add(t, "}");
	}
	text_add(t, "]");
}

void line_report(struct text *t, const struct report *r)
{
	text_add(t, "{\"type\":\"report\"");
	add(t, "seq", r->seq);
	add(t, "mono_us", r->figures->mono_usec);
	add_boot(t, r->boot_id);
	text_add(t, ",\"why\":\"");
	text_add(t, why_words[r->why]);
	text_add(t, "\"");
	if (r->has_ping)
		add(t, "ping", r->ping_id);
	add_memory(t, r->figures);
	if (r->figures->has_counters)
		add_counters(t, r->figures);
	if (r->figures->has_psi)
		add_psi(t, r->figures);
	if (r->fs)
		add_fs(t, r->fs);
	text_add(t, "}\n");
}
