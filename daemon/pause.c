/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/pause.h"

#include <stdio.h>

#include "common/json.h"
#include "common/units.h"

bool pause_is_over(const struct pause *p, uint64_t now_boot_usec, uint64_t now_real_usec)
{
	return now_boot_usec >= p->until_boot_usec || now_real_usec >= p->until_real_usec;
}

uint64_t pause_end(const struct pause *p, uint64_t now_boot_usec, uint64_t now_real_usec)
{
	uint64_t left = sub_sat(p->until_boot_usec, now_boot_usec);

	return p->until_boot_usec == USEC_INFINITY
		       ? p->until_real_usec
		       : MIN(add_sat(now_real_usec, left), p->until_real_usec);
}

/* By CLOCK_BOOTTIME it is worth nothing on another boot: then by the wall clock. */
char *pause_to_text(const struct pause *p, const struct override_clock *now)
{
	_cleanup_json_out_ struct json_out o = {0};

	if (!p->on)
		return strdup("");
	json_out_open(&o, '{');
	json_out_key_u64(&o, "since", p->since_real_usec);
	json_out_key_u64(&o, "until_boot", p->until_boot_usec);
	json_out_key_u64(&o, "until_real", p->until_real_usec);
	json_out_key_string(&o, "boot", now->boot_id);
	json_out_key_u64(&o, "end", pause_end(p, now->boot_usec, now->real_usec));
	json_out_key_string(&o, "by", p->by);
	json_out_key_string(&o, "message", p->message);
	json_out_close(&o, '}');
	return o.failed ? NULL : TAKE_PTR(o.buf);
}

static uint64_t get_time(const json_t *object, const char *key)
{
	const json_t *j = json_object_get(object, key);

	return json_is_integer(j) ? (uint64_t)json_integer_value(j) : USEC_INFINITY;
}

static void get_text(const json_t *object, const char *key, char *buf, size_t size)
{
	const char *s = json_string_value(json_object_get(object, key));

	snprintf(buf, size, "%s", s ? s : "");
}

int pause_from_text(const char *text, const struct override_clock *now, struct pause *ret)
{
	_cleanup_json_ json_t *j = NULL;
	char boot[64];

	*ret = (struct pause){0};
	if (!*text)
		return 0;
	j = json_loads(text, 0, NULL);
	if (!json_is_object(j))
		return -EBADMSG;
	ret->since_real_usec = get_time(j, "since");
	ret->until_boot_usec = get_time(j, "until_boot");
	ret->until_real_usec = get_time(j, "until_real");
	get_text(j, "by", ret->by, sizeof(ret->by));
	get_text(j, "message", ret->message, sizeof(ret->message));
	get_text(j, "boot", boot, sizeof(boot));
	if (ret->until_boot_usec != USEC_INFINITY && !streq(boot, now->boot_id))
		ret->until_boot_usec =
			add_sat(now->boot_usec, sub_sat(get_time(j, "end"), now->real_usec));
	/* One without an end would hold for ever. */
	if (pause_end(ret, now->boot_usec, now->real_usec) == USEC_INFINITY) {
		*ret = (struct pause){0};
		return -EBADMSG;
	}
	ret->on = !pause_is_over(ret, now->boot_usec, now->real_usec);
	return 0;
}
