/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulate/output.h"

#include <inttypes.h>

#include "common/json.h"

static void print_at(struct output *o, uint64_t at_msec)
{
	char t[SECONDS_TEXT_MAX];

	fprintf(o->file, "{\"t\": %s", seconds_format(at_msec, t));
}

static void print_text(struct output *o, const char *key, const char *text)
{
	_cleanup_json_out_ struct json_out out = {0};

	json_out_string(&out, text);
	fprintf(o->file, "\"%s\": %s", key, out.failed ? "null" : out.buf);
}

/* The beginning of a line about a guest. */
static void print_head(struct output *o, uint64_t at_msec, const char *type, const char *guest)
{
	print_at(o, at_msec);
	fprintf(o->file, ", \"type\": \"%s\"", type);
	if (guest) {
		fputs(", ", o->file);
		print_text(o, "guest", guest);
	}
}

static void print_reason(struct output *o, const struct reason *r)
{
	char text[REASON_TEXT_MAX];

	fprintf(o->file, ", \"reason\": {\"code\": \"%s\", ", reason_code_to_string(r->code));
	print_text(o, "text", reason_format(r, text));
	fputs("}}\n", o->file);
}

static void json_begin(struct output *o)
{
}

static void json_actual(struct output *o, uint64_t at_msec, const struct world_guest *g)
{
	print_head(o, at_msec, "actual", g->name);
	fprintf(o->file, ", \"bytes\": %" PRIu64 ", \"demand\": %" PRIu64 "}\n", g->actual_bytes,
		g->demand_bytes);
}

static void json_host(struct output *o, uint64_t at_msec, int64_t free_bytes, enum host_state state,
	uint64_t promised_bytes)
{
	print_head(o, at_msec, "host", NULL);
	fprintf(o->file, ", \"free\": %" PRId64 ", \"state\": \"%s\", \"promised\": %" PRIu64 "}\n",
		free_bytes, host_state_to_string(state), promised_bytes);
}

static void json_command(struct output *o, uint64_t at_msec, const char *guest, uint64_t from_bytes,
	uint64_t to_bytes, const struct reason *reason)
{
	print_head(o, at_msec, "command", guest);
	fprintf(o->file, ", \"from\": %" PRIu64 ", \"to\": %" PRIu64, from_bytes, to_bytes);
	print_reason(o, reason);
}

static void json_cpu(struct output *o, uint64_t at_msec, const char *guest, uint64_t weight,
	const struct reason *reason)
{
	print_head(o, at_msec, "cpu", guest);
	fprintf(o->file, ", \"weight\": %" PRIu64, weight);
	print_reason(o, reason);
}

static void json_event(struct output *o, uint64_t at_msec, const char *type, const char *guest,
	const char *detail, const char *text)
{
	print_head(o, at_msec, type, guest);
	if (detail[0]) {
		fputs(", ", o->file);
		print_text(o, "detail", detail);
	}
	fputs("}\n", o->file);
}

static void print_violations(struct output *o, const struct judge *j)
{
	size_t n;
	const struct violation *v = judge_violations(j, &n);

	fputs(", \"violations\": [", o->file);
	for (size_t i = 0; i < n; i++) {
		fputs(i ? ", " : "", o->file);
		print_at(o, v[i].at_msec);
		fprintf(o->file, ", \"rule\": \"%s\", ", rule_to_string(v[i].rule));
		print_text(o, "guest", v[i].guest);
		fprintf(o->file, ", \"bytes\": %" PRIu64 "}", v[i].bytes);
	}
	fputs("]", o->file);
}

static void json_summary(struct output *o, const struct judge *j, uint64_t decisions)
{
	fprintf(o->file,
		"{\"type\": \"summary\", \"commands\": %" PRIu64 ", \"moved_bytes\": %" PRIu64
		", \"flips\": %" PRIu64 ", \"short_byte_s\": %" PRIu64,
		judge_commands(j), o->world->moved_bytes, judge_flips(j), judge_short_byte_s(j));
	print_violations(o, j);
	fputs(", \"expect\": [", o->file);
	for (size_t i = 0; i < o->world->scenario->n_expects; i++)
		fprintf(o->file, "%s{\"met\": %s}", i ? ", " : "",
			judge_verdict(j, i)->met ? "true" : "false");
	fprintf(o->file, "], \"decisions\": %" PRIu64 "}\n", decisions);
}

int output_json(struct output *o, FILE *file, const struct world *w)
{
	static const struct output_ops ops = {
		.begin = json_begin,
		.actual = json_actual,
		.host = json_host,
		.command = json_command,
		.cpu = json_cpu,
		.event = json_event,
		.summary = json_summary,
	};

	*o = (struct output){.ops = &ops, .file = file, .world = w};
	return 0;
}
