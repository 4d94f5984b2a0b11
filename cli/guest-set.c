/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `guest set`: settings by hand, which stand above all policies until they expire. */
#include "cli/client.h"
#include "cli/effect.h"
#include "cli/end.h"
#include "cli/get.h"
#include "cli/preview.h"
#include "common/json.h"

/* Which option goes where in the body. */
static const struct {
	enum cli_option option;
	const char *object, *field;
	enum { KIND_SIZE, KIND_COUNT, KIND_RATIO } kind;
	uint64_t max; /* of a ratio, in permyriad */
} fields[] = {
	{OPT_MEMORY, "memory", "min", KIND_SIZE, 0},
	{OPT_MEMORY, "memory", "max", KIND_SIZE, 0},
	{OPT_MIN, "memory", "min", KIND_SIZE, 0},
	{OPT_MAX, "memory", "max", KIND_SIZE, 0},
	{OPT_WEIGHT, "memory", "weight", KIND_COUNT, 0},
	{OPT_HEADROOM, "memory", "headroom_permyriad", KIND_RATIO, PERMYRIAD},
	{OPT_CPU_WEIGHT, "cpu", "weight", KIND_COUNT, 0},
	{OPT_CPU_QUOTA, "cpu", "quota_permyriad", KIND_RATIO, 1024 * PERMYRIAD},
};

static int parse_field(struct cli *c, size_t i, const char *text, uint64_t *ret)
{
	_cleanup_diag_ struct diag d = {0};
	char *end;
	int r;

	switch (fields[i].kind) {
	case KIND_SIZE:
		r = size_parse(text, ret, &d);
		break;
	case KIND_RATIO:
		r = ratio_parse(text, fields[i].max, ret, &d);
		break;
	default:
		errno = 0;
		*ret = strtoull(text, &end, 10);
		r = *text >= '0' && *text <= '9' && !*end && !errno && *ret >= 1 && *ret <= 10000
			    ? 0
			    : -EINVAL;
		if (r < 0)
			diag_set(&d, EINVAL, NULL, 0, 0, "found \"%s\", expected 1 to 10000", text);
	}
	if (r < 0 || *ret > INT64_MAX)
		return cli_usage(c, "--%s: %s", cli_options[fields[i].option].name,
			d.text ? d.text : "too large");
	return CLI_OK;
}

static int put(struct cli *c, json_t *body, const char *object, const char *field, uint64_t value)
{
	json_t *inner = json_object_get(body, object);

	if (!inner && json_object_set_new(body, object, inner = json_object()) < 0)
		return cli_fail(c, CLI_FAILED, "out of memory");
	return json_object_set_new(inner, field, json_integer((json_int_t)value)) < 0
		       ? cli_fail(c, CLI_FAILED, "out of memory")
		       : CLI_OK;
}

static int put_fields(struct cli *c, json_t *body)
{
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		const char *text = cli_value(c, fields[i].option);
		uint64_t value;
		int r;

		if (!text)
			continue;
		r = parse_field(c, i, text, &value);
		if (r == CLI_OK)
			r = put(c, body, fields[i].object, fields[i].field, value);
		if (r != CLI_OK)
			return r;
	}
	return CLI_OK;
}

/* Said in the words of the options, before the daemon says it in those of the API. */
static int check_order(struct cli *c, const json_t *body)
{
	uint64_t min = get_number(body, "/memory/min", 0),
		 max = get_number(body, "/memory/max", UINT64_MAX);

	if (min > max)
		return cli_usage(c, "--min %s is more than --max %s", cli_value(c, OPT_MIN),
			cli_value(c, OPT_MAX));
	return CLI_OK;
}

static int make_body(struct cli *c, json_t *body)
{
	int r = put_fields(c, body);

	if (r == CLI_OK)
		r = check_order(c, body);
	if (r == CLI_OK)
		r = end_put(c, body, 366);
	if (r == CLI_OK && cli_value(c, OPT_REASON) &&
		json_object_set_new(body, "reason", json_string(cli_value(c, OPT_REASON))) < 0)
		return cli_usage(c, "--reason: not UTF-8");
	return r;
}

static void print_overrides(struct cli *c, const json_t *answer)
{
	const char *would = cli_has(c, OPT_DRY_RUN) ? "would set: " : "";
	const json_t *o;
	size_t i;

	json_array_foreach (get_at(answer, "/overrides"), i, o) {
		uint64_t until = get_time(o, "/until");
		const char *reason = get_string(o, "/reason", "");
		char time[SHOW_TIME_MAX];

		printf("%s%s: [%s] %s=%s, %s%s%s", would, c->args[0],
			get_string(o, "/section", "?"), get_string(o, "/key", "?"),
			get_string(o, "/value", "?"), until ? "until " : "until cleared",
			until ? show_time(until, end_now(), time) : "", *reason ? " (" : "");
		term_print(&c->term, stdout, STYLE_NONE, reason);
		printf("%s\n", *reason ? ")" : "");
	}
}

static int clear(struct cli *c, const char *path)
{
	_cleanup_json_ json_t *answer = NULL;
	int r = client_send(c, "DELETE", path, NULL, &answer);

	if (r != CLI_OK)
		return r;
	if (cli_has(c, OPT_JSON)) {
		_cleanup_json_ json_t *none = json_pack("{s:[]}", "overrides");

		return cli_print_json(c, none);
	}
	printf("%s: %s\n", c->args[0],
		cli_has(c, OPT_DRY_RUN) ? "would drop what was set by hand"
					: "policies hold again");
	if (cli_has(c, OPT_DRY_RUN))
		preview_print(c, json_pack("{s:s,s:{}}", "guest", c->args[0], "overrides"));
	else
		effect_note(c);
	return CLI_OK;
}

/* What a trial of it takes: limits and weights, and neither end nor reason. */
static json_t *preview_of(const struct cli *c, const json_t *body)
{
	return json_pack("{s:s,s:{s:O*,s:O*}}", "guest", c->args[0], "overrides", "memory",
		json_object_get(body, "memory"), "cpu", json_object_get(body, "cpu"));
}

int cmd_guest_set(struct cli *c)
{
	_cleanup_json_ json_t *body = json_object(), *answer = NULL;
	char path[CLIENT_PATH_MAX];
	int r;

	client_path("/v1/guests/%s/overrides", c->args[0], path);
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (cli_has(c, OPT_CLEAR) && cli_has(c, fields[i].option))
			return cli_usage(
				c, "--clear goes without --%s", cli_options[fields[i].option].name);
	if (cli_has(c, OPT_CLEAR))
		return clear(c, path);
	if (cli_has(c, OPT_MEMORY) && (cli_has(c, OPT_MIN) || cli_has(c, OPT_MAX)))
		return cli_usage(c, "--memory is --min and --max in one: give it, or them");
	if (cli_has(c, OPT_FOR) && cli_has(c, OPT_UNTIL))
		return cli_usage(c, "give either --for or --until");
	r = make_body(c, body);
	if (r != CLI_OK)
		return r;
	if (!json_object_get(body, "memory") && !json_object_get(body, "cpu"))
		return cli_usage(c,
			"nothing to set: give --memory, --min, --max, --weight, --headroom, "
			"--cpu-weight, --cpu-quota or --clear");
	r = client_send(c, "PUT", path, json_incref(body), &answer);
	if (r != CLI_OK)
		return r;
	if (cli_has(c, OPT_JSON))
		return cli_print_json(c, answer);
	print_overrides(c, answer);
	if (cli_has(c, OPT_DRY_RUN))
		preview_print(c, preview_of(c, body));
	else
		effect_note(c);
	return CLI_OK;
}
