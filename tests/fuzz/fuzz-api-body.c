/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a client may send: the first byte chooses the route, the rest up to a newline is its query
 * string's first parameter
 * ("name=value"), then the body. What is accepted is within its bounds, what is refused says why,
 * and the answer to it is JSON. */
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

static int take_query(
	const struct route *r, const char *text, size_t len, struct query *q, struct problem *p)
{
	char line[512], *value;

	if (!len)
		return 0;
	snprintf(line, sizeof(line), "%.*s", (int)MIN(len, sizeof(line) - 1), text);
	value = strchr(line, '=');
	if (value)
		*value++ = '\0';
	return route_take_param(r, line, value, q, p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct api_queue *queue;
	struct problem p = {0};
	struct query q = {0};
	const struct route *r;
	const uint8_t *newline;
	struct api_call *c;

	if (size < 2)
		return 0;
	r = &routes[data[0] % n_routes];
	data++, size--;
	newline = memchr(data, '\n', size);
	if (!newline)
		return 0;
	if (!queue)
		queue = api_queue_new();
	c = api_call_new(queue, r);
	snprintf(c->value, sizeof(c->value), "%.*s", (int)MIN((size_t)(newline - data), (size_t)60),
		(const char *)data);
	if (take_query(r, (const char *)data, (size_t)(newline - data), &q, &p) < 0 ||
		route_read_body(r, (const char *)newline + 1, size - (size_t)(newline + 1 - data),
			&c->body, &p) < 0 ||
		(r->prepare && r->prepare(c, &p) < 0))
		check_problem(&p);
	else
		check_call(c);
	problem_clear(&p);
	api_call_free(c);
	return 0;
}
