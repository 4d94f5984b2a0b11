/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "daemon/api/metric.h"
#include "daemon/api/openapi.h"

/*
 * Examples: an answer is made from its schema, field by field, so that none can be forgotten or
 * left behind; what a field shows stands here by its name, or by "Schema.field" where that has
 * another meaning or type. tests/unit/test-openapi and tests/api/ hold each against its schema.
 */
struct sample {
	const char *field, *json;
};
static const struct sample samples[] = {
	/* strings */
	{"by", "\"uid 1000 (anna)\""},
	{"condition", "\"host.mem.available < 4G\""},
	{"description", "\"more for the backup at night\""},
	{"digest", "\"9f86d081884c7d65\""},
	{"file", "\"/etc/ballast/policy.d/60-night.policy\""},
	{"guest", "\"web1\""},
	{"host", "\"host1\""},
	{"id", "\"host1:9f86d081:42\""},
	{"kernel", "\"6.1.0-18-amd64\""},
	{"key", "\"Min\""},
	{"kind", "\"command\""},
	{"last", "\"host1:9f86d081:42\""},
	{"libvirt", "\"9.0.0\""},
	{"message", "\"the storage is being moved\""},
	{"name", "\"web1\""},
	{"next", "\"web2\""},
	{"on_calendar", "\"Mon..Fri 20:00\""},
	{"origin", "\"60-night.policy:4\""},
	{"os", "\"Debian GNU/Linux 12\""},
	{"path", "\"/etc/ballast/policy.d/60-night.policy\""},
	{"policy", "\"60-night.policy\""},
	{"reason", "\"release day\""},
	{"section", "\"Memory\""},
	{"shadowed_by", "null"},
	{"tags", "\"production\""},
	{"text", "\"stalled 12 % of the last second\""},
	{"value", "\"512M\""},
	{"version", "\"1.0\""},
	{"why", "\"it does not answer\""},
	{"remedy", "\"start libvirtd: systemctl start libvirtd\""},
	{"restart_needed", "\"Uri\""},
	{"drop_ins", "\"/etc/ballast/policy.d/60-night.policy.d/10-more.conf\""},
	{"changes", "\"statistics period set to 5 s\""},
	{"conditions_unknown", "\"70-busy.policy\""},
	/* times */
	{"asked", "\"2026-11-22T08:00:00Z\""},
	{"deadline", "\"2026-11-22T08:00:10Z\""},
	{"ended", "\"2026-11-22T08:00:02Z\""},
	{"next_change", "\"2026-11-22T20:00:00Z\""},
	{"until", "\"2026-11-22T18:00:00Z\""},
	/* sizes and counts */
	{"actual", "1073741824"},
	{"available", "21474836480"},
	{"budget", "61203283968"},
	{"charge", "1140850688"},
	{"charged", "38654705664"},
	{"charged_max", "38923141120"},
	{"cpu_quota_permyriad", "0"},
	{"cpu_weight", "100"},
	{"cpus", "16"},
	{"floor", "536870912"},
	{"free", "22548578304"},
	{"free_min", "22280142848"},
	{"from", "536870912"},
	{"guests", "12"},
	{"limit", "null"},
	{"line", "4"},
	{"managed", "67402465280"},
	{"max", "2147483648"},
	{"min", "536870912"},
	{"other", "3221225472"},
	{"overhead", "805306368"},
	{"qemu", "67108864"},
	{"quota_permyriad", "0"},
	{"reserve", "2147483648"},
	{"reserved", "0"},
	{"resident", "1140850688"},
	{"running", "12"},
	{"seq", "42"},
	{"share", "1073741824"},
	{"stall_permyriad", "1200"},
	{"stall_max_permyriad", "1800"},
	{"step_s", "15"},
	{"target", "1073741824"},
	{"to", "1073741824"},
	{"total", "67402465280"},
	{"used", "805306368"},
	{"used_max", "830472192"},
	{"used_min", "801112064"},
	{"vcpus", "2"},
	{"want", "966367641"},
	{"weight", "100"},
	/* where the name alone does not say it */
	{"ChangedSetting.from", "\"0\""},
	{"ChangedSetting.to", "\"512M\""},
	{"Event.numbers", "{\"from\":536870912,\"to\":1073741824}"},
	{"Event.by", "null"},
	{"Event.text", "\"memory 512 MiB -> 1 GiB: stalled 12 % of the last second\""},
	{"Events.lost", "false"},
	{"Events.more", "false"},
	{"Explain.text", "\"web1 has 1 GiB: it stalled 12 % of the last second\""},
	{"Finding.text", "\"unknown setting \\\"Mni\\\", did you mean Min?\""},
	{"Finding.column", "1"},
	{"BadPolicy.text", "\"unknown setting \\\"Mni\\\", did you mean Min?\""},
	{"Guest.fixed", "null"},
	{"Guest.host", "\"host1\""},
	{"GuestHistory.until", "\"2026-11-22T09:00:00Z\""},
	{"Host.name", "\"host1\""},
	{"HostHistory.until", "\"2026-11-22T09:00:00Z\""},
	{"MatchingPolicy.name", "\"60-night.policy\""},
	{"Operation.id", "17"},
	{"Operation.kind", "\"mode-set\""},
	{"Operation.progress_permyriad", "5000"},
	{"Operation.status", "null"},
	{"Operation.ended", "null"},
	{"OperationItem.id", "17"},
	{"OperationItem.kind", "\"mode-set\""},
	{"OperationItem.progress_permyriad", "5000"},
	{"OperationItem.status", "null"},
	{"OperationItem.ended", "null"},
	{"PlanAction.from", "536870912"},
	{"PlanAction.to", "1073741824"},
	{"Policy.name", "\"60-night.policy\""},
	{"Policy.stale", "false"},
	{"Policy.text", "\"[Match]\\nGuest=web*\\n\\n[Memory]\\nMin=512M\\n\""},
	{"PolicyItem.name", "\"60-night.policy\""},
	{"PolicyItem.stale", "false"},
	{"PolicyPut.name", "\"60-night.policy\""},
	{"PolicyPut.path", "\"/var/lib/ballast/policy.d/60-night.policy\""},
	{"Validation.name", "\"60-night.policy\""},
	{"Validation.truncated", "false"},
	{"Whoami.name", "\"uid 1000 (anna)\""},
	{NULL, NULL},
};

static const char *find(const char *name)
{
	for (const struct sample *s = samples; s->field; s++)
		if (streq(s->field, name))
			return s->json;
	return NULL;
}

/* A name may be a string in one object and a number in another one. */
static bool fits(const struct schema_field *f, const char *json)
{
	if (streq(json, "null"))
		return f->nullable && !f->list;
	switch (f->type) {
	case SCHEMA_STRING:
		return *json == '"';
	case SCHEMA_TIME:
		return strncmp(json, "\"20", 3) == 0;
	case SCHEMA_COUNT:
	case SCHEMA_BYTES:
		return *json >= '0' && *json <= '9';
	default:
		return false;
	}
}

static void write_usual(struct json_out *o, const struct schema_field *f)
{
	switch (f->type) {
	case SCHEMA_STRING:
		json_out_string(o, "...");
		break;
	case SCHEMA_UUID:
		json_out_string(o, "1b4e28ba-2fa1-41d2-883f-0016d3cca427");
		break;
	case SCHEMA_TIME:
		json_out_string(o, "2026-11-22T08:00:00Z");
		break;
	case SCHEMA_BOOL:
		json_out_raw(o, "true", 4);
		break;
	case SCHEMA_BYTES:
		json_out_raw(o, "1073741824", 10);
		break;
	case SCHEMA_COUNT:
		json_out_raw(o, "1", 1);
		break;
	case SCHEMA_WORD:
		json_out_string(o, f->words[0]);
		break;
	case SCHEMA_OBJECT:
		openapi_write_example(o, f->of);
		break;
	case SCHEMA_COUNTS:
		json_out_raw(o, "{}", 2);
		break;
	case SCHEMA_ANY:
		json_out_null(o);
		break;
	}
}

/* One member, where it is shown. */
static void write_field(struct json_out *o, const struct schema *s, const struct schema_field *f)
{
	char name[96];
	const char *own, *json;

	snprintf(name, sizeof(name), "%s.%s", s->name, f->name);
	own = find(name);
	/* What is not always there goes with something that is not there either. */
	if (f->optional && !own)
		return;
	json = own ? own : find(f->name);
	if (!own && json && !fits(f, json))
		json = NULL;
	json_out_key(o, f->name);
	if (f->list)
		json_out_open(o, '[');
	if (json)
		json_out_raw(o, json, strlen(json));
	else
		write_usual(o, f);
	if (f->list)
		json_out_close(o, ']');
}

void openapi_write_example(struct json_out *o, const struct schema *s)
{
	json_out_open(o, '{');
	for (const struct schema_field *f = s->fields; f && f->name; f++)
		write_field(o, s, f);
	json_out_close(o, '}');
}

/* ---- what is no object ---- */

const char *openapi_text_example(const char *media)
{
	static const struct sample texts[] = {
		{"text/html", "<!doctype html>\n<html lang=\"en\">...</html>\n"},
		{"text/event-stream",
			"retry: 2000\n\nid: host1:9f86d081:42\nevent: command\ndata: {\"id\":\"host1:9f86d081:42\", ...}\n\n"},
		{METRIC_CONTENT_TYPE_TEXT,
			"# HELP ballast_guests Guests of the host.\n# TYPE ballast_guests gauge\nballast_guests 12\n"},
		{METRIC_CONTENT_TYPE_OPENMETRICS,
			"# HELP ballast_guests Guests of the host.\n# TYPE ballast_guests gauge\nballast_guests 12\n# EOF\n"},
		{"application/json", "{\"openapi\": \"3.1.0\", ...}"},
		{"*/*", "body { margin: 0 }\n"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (streq(texts[i].field, media))
			return texts[i].json;
	return NULL;
}

/* ---- what is asked ---- */

const char *openapi_body_example(const struct route *r)
{
	static const struct sample bodies[] = {
		{"override-set",
			"{\"memory\":{\"min\":536870912,\"max\":2147483648,\"weight\":300,\"headroom_permyriad\":2000},"
			"\"cpu\":{\"weight\":400,\"quota_permyriad\":15000},\"for_s\":7200,\"reason\":\"release day\"}"},
		{"plan-preview",
			"{\"guest\":\"web1\",\"overrides\":{\"memory\":{\"min\":536870912}}}"},
		{"policy-put", "{\"text\":\"[Match]\\nGuest=web*\\n\\n[Memory]\\nMin=512M\\n\"}"},
		{"policy-validate",
			"{\"name\":\"60-night.policy\",\"text\":\"[Match]\\nGuest=web*\\n\\n[Memory]\\nMin=512M\\n\"}"},
		{"mode-set", "{\"mode\":\"enforce\"}"},
		{"pause-set", "{\"for_s\":3600,\"message\":\"the storage is being moved\"}"},
		{"reserve",
			"{\"uuid\":\"1b4e28ba-2fa1-41d2-883f-0016d3cca427\",\"name\":\"web9\",\"bytes\":2147483648,\"wait_s\":10}"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++)
		if (streq(bodies[i].field, r->name))
			return bodies[i].json;
	return NULL;
}

const char *openapi_path_example(enum route_noun noun)
{
	switch (noun) {
	case NOUN_HOST:
		return "self";
	case NOUN_GUEST:
	case NOUN_OVERRIDDEN:
	case NOUN_RECORDED:
		return "web1";
	case NOUN_POLICY:
	case NOUN_POLICY_NAME:
		return "60-night";
	case NOUN_OPERATION:
		return "17";
	case NOUN_RESERVATION:
		return "7";
	case NOUN_FILE:
		return "style.css";
	case NOUN_NONE:
		break;
	}
	return "";
}
