/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a client may send, up to where a command would run. An input is "METHOD /path?query" on a
 * line, then the body; or, when its first byte is below 32, choices: the second byte chooses the
 * route, the others what stands in each parameter and each field of its body's table, right or
 * wrong. So a new route is fuzzed when it has its row. What is accepted is within its bounds; what
 * is refused says why, with a problem that the route declares; and the answer to it is JSON.
 */
#include <stdio.h>

#include "daemon/api/call.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every refusal is a body that a strict reader takes (invalid UTF-8 of the input included). */
static void check_problem(const struct problem *p)
{
	_cleanup_json_out_ struct json_out o = {0};
	json_t *value = NULL;

	if (!p->detail[0])
		abort();
	problem_write(p, "/", &o);
	if (o.failed || json_read(o.buf, o.len, &value, NULL) < 0)
		abort();
	json_decref(value);
}

static void check_override(const struct api_override_request *o)
{
	struct diag d = {0};

	if (!o->n_settings || o->n_settings > API_OVERRIDE_SETTINGS_MAX || !o->reason ||
		(o->for_usec != USEC_INFINITY && o->until_real_usec != USEC_INFINITY))
		abort();
	for (size_t i = 0; i < o->n_settings; i++)
		if (override_check(o->settings[i].section, o->settings[i].key, o->settings[i].value,
			    &d) < 0)
			abort();
}

static void check_call(const struct api_call *c)
{
	if (streq(c->route->name, "override-set"))
		check_override(&c->request.override);
	else if (streq(c->route->name, "reserve") &&
		 (!c->request.reserve.bytes || c->request.reserve.wait_usec > 60 * USEC_PER_SEC ||
			 !c->request.reserve.guest_name[0]))
		abort();
	else if (streq(c->route->name, "mode-set") && !daemon_mode_to_string(c->request.mode.mode))
		abort();
}

static bool counts_in(const struct route_param *t, const struct query *q)
{
	uint64_t n = *(const uint64_t *)((const char *)q + t->offset);

	return n >= t->min && n <= t->max;
}

/* All that was taken is within its bounds. */
static void check_query(const struct route *r, const struct query *q)
{
	const struct route_param *params = route_params(r);

	for (size_t i = 0; params[i].name; i++)
		if (q->given & UINT64_C(1) << i && params[i].type == JSON_WANT_COUNT &&
			!counts_in(&params[i], q))
			abort();
}

static int take_query(const struct route *r, char *text, struct query *q, struct problem *p)
{
	char *save = NULL;

	for (char *part = strtok_r(text, "&", &save); part; part = strtok_r(NULL, "&", &save)) {
		char *value = strchr(part, '=');

		if (value)
			*value++ = '\0';
		if (route_take_param(r, part, value, q, p) < 0)
			return -1;
	}
	check_query(r, q);
	return 0;
}

static void ask(const struct route *r, const char *value, char *query, const char *body, size_t len)
{
	static struct api_queue *queue;
	struct problem p = {0};
	struct query q = {0};
	struct api_call *c;

	if (!queue)
		queue = api_queue_new();
	c = api_call_new(queue, r);
	snprintf(c->value, sizeof(c->value), "%s", value);
	if (take_query(r, query, &q, &p) < 0 || route_read_body(r, body, len, &c->body, &p) < 0 ||
		(r->prepare && r->prepare(c, &p) < 0)) {
		if (!(route_problems(r) >> p.code & 1))
			abort();
		check_problem(&p);
	} else {
		check_call(c);
	}
	problem_clear(&p);
	api_call_free(c);
}

/* "METHOD /path?query" and the body. */
static void ask_text(const char *text, size_t len)
{
	const char *newline = memchr(text, '\n', len);
	char line[2048], value[ROUTE_VALUE_MAX], *path, *query;
	struct problem p = {0};
	const struct route *r;

	if (!newline)
		return;
	snprintf(line, sizeof(line), "%.*s", (int)MIN((size_t)(newline - text), sizeof(line) - 1),
		text);
	path = strchr(line, ' ');
	if (!path)
		return;
	*path++ = '\0';
	query = path + strcspn(path, "?");
	if (*query)
		*query++ = '\0';
	r = route_find(line, path, value, &p);
	if (r)
		ask(r, value, query, newline + 1, len - (size_t)(newline + 1 - text));
	else
		check_problem(&p);
	problem_clear(&p);
}

/* ---- by the table ---- */

struct choices {
	const uint8_t *data;
	size_t len;
};

static unsigned choose(struct choices *c, unsigned n)
{
	if (!c->len)
		return 0;
	c->len--;
	return *c->data++ % n;
}

static const char *const wrong_values[] = {"null", "true", "-1", "1.5", "1e300", "\"\"", "\"x\"",
	"[]", "{}", "18446744073709551615", "9007199254740993", "\"\xff\"", "\"\\u0000\"",
	"[[[[[[[[[[[[[[[[[[[[1", "\"2099-02-30T00:00:00Z\"", "\"aaaaaaaa-0000-4000-8000\""};

static void print_body(FILE *f, struct choices *c, const struct json_field *fields);

static void print_value(FILE *f, struct choices *c, const struct json_field *t)
{
	size_t n = 0;

	if (choose(c, 5) == 4) {
		fputs(wrong_values[choose(c, ARRAY_SIZE(wrong_values))], f);
		return;
	}
	switch (t->type) {
	case JSON_WANT_STRING:
		fprintf(f, "\"%.*s\"", (int)choose(c, 12), "[Memory]\\nMin");
		break;
	case JSON_WANT_SIZE:
	case JSON_WANT_COUNT:
		fprintf(f, "%llu",
			(unsigned long long)(choose(c, 2) ? t->min + choose(c, 3) - 1
							  : t->max - 1 + choose(c, 3)));
		break;
	case JSON_WANT_BOOL:
		fputs(choose(c, 2) ? "true" : "false", f);
		break;
	case JSON_WANT_TIME:
		fputs("\"2099-01-01T00:00:00Z\"", f);
		break;
	case JSON_WANT_ENUM:
		while (t->words[n])
			n++;
		fprintf(f, "\"%s\"", t->words[choose(c, (unsigned)n)]);
		break;
	case JSON_WANT_UUID:
		fputs("\"aaaaaaaa-0000-4000-8000-000000000001\"", f);
		break;
	case JSON_WANT_OBJECT:
		print_body(f, c, t->fields);
		break;
	case JSON_WANT_MAX:
		break;
	}
}

static void print_body(FILE *f, struct choices *c, const struct json_field *fields)
{
	bool first = true;

	fputc('{', f);
	for (; fields->name; fields++) {
		if (!fields->required && choose(c, 3) == 0)
			continue;
		fprintf(f, "%s\"%s\":", first ? "" : ",", fields->name);
		print_value(f, c, fields);
		first = false;
	}
	if (choose(c, 16) == 15)
		fprintf(f, "%s\"x\":1", first ? "" : ",");
	fputc('}', f);
}

static void print_query(FILE *f, struct choices *c, const struct route *r)
{
	for (const struct route_param *t = route_params(r); t->name; t++) {
		if (choose(c, 2) == 0)
			continue;
		fprintf(f, "&%s=", t->name);
		if (choose(c, 4) == 3)
			fputs(wrong_values[choose(c, ARRAY_SIZE(wrong_values))], f);
		else if (t->type == JSON_WANT_COUNT)
			fprintf(f, "%llu", (unsigned long long)(t->max - 1 + choose(c, 3)));
		else
			fputs(t->type == JSON_WANT_BOOL ? "true" : "x", f);
	}
}

static void ask_choices(struct choices *c)
{
	static const char *const values[] = {
		"web1", "1", "75-x.policy", "..", "\xff", "aaaaaaaa-0000-4000-8000-000000000001"};
	const struct route *r = &routes[choose(c, (unsigned)n_routes)];
	_cleanup_free_ char *query = NULL, *body = NULL;
	size_t query_len = 0, body_len = 0;
	FILE *f = open_memstream(&query, &query_len);

	print_query(f, c, r);
	fclose(f);
	f = open_memstream(&body, &body_len);
	if (r->body)
		print_body(f, c, r->body);
	fclose(f);
	ask(r, values[choose(c, ARRAY_SIZE(values))], query, body, body_len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct choices c = {data + 1, size - 1};

	if (size < 2)
		return 0;
	if (data[0] < 32)
		ask_choices(&c);
	else
		ask_text((const char *)data, size);
	return 0;
}
