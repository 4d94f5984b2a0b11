/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/pause.h"

#include "tests/test.h"

#define HOUR (3600 * USEC_PER_SEC)

static struct pause sample(void)
{
	return (struct pause){.on = true,
		.since_real_usec = 1000 * USEC_PER_SEC,
		.until_boot_usec = 50 * USEC_PER_SEC + HOUR,
		.until_real_usec = USEC_INFINITY,
		.by = "uid 1000 (anna)",
		.message = "the \"storage\" is being moved"};
}

/* Writes it at one moment and reads it at another. */
static int carry(const struct pause *p, const struct override_clock *then,
	const struct override_clock *now, struct pause *ret)
{
	_cleanup_free_ char *text = pause_to_text(p, then);

	return text ? pause_from_text(text, now, ret) : -ENOMEM;
}

TEST(it_comes_back_as_it_was)
{
	struct override_clock then = {"boot1", 50 * USEC_PER_SEC, 1000 * USEC_PER_SEC};
	struct pause p = sample(), back;

	CHECK_INT(carry(&p, &then, &then, &back), 0);
	CHECK(back.on);
	CHECK_U64(back.until_boot_usec, p.until_boot_usec);
	CHECK_U64(back.until_real_usec, USEC_INFINITY);
	CHECK_U64(back.since_real_usec, p.since_real_usec);
	CHECK_STR(back.by, p.by);
	CHECK_STR(back.message, p.message);
}

TEST(an_elapsed_time_goes_on_over_a_reboot)
{
	struct override_clock then = {"boot1", 50 * USEC_PER_SEC, 1000 * USEC_PER_SEC};
	struct override_clock now = {"boot2", 5 * USEC_PER_SEC, 1000 * USEC_PER_SEC + HOUR / 2};
	struct pause p = sample(), back;

	CHECK_INT(carry(&p, &then, &now, &back), 0);
	CHECK(back.on);
	CHECK_U64(back.until_boot_usec, 5 * USEC_PER_SEC + HOUR / 2);
	now.real_usec += HOUR;
	CHECK_INT(carry(&p, &then, &now, &back), 0);
	CHECK(!back.on);
}

TEST(each_clock_ends_its_own)
{
	struct pause p = sample();

	CHECK(!pause_is_over(&p, p.until_boot_usec - 1, UINT64_MAX - 1));
	CHECK(pause_is_over(&p, p.until_boot_usec, 0));
	p.until_boot_usec = USEC_INFINITY;
	p.until_real_usec = 7 * USEC_PER_SEC;
	CHECK(pause_is_over(&p, 0, 7 * USEC_PER_SEC));
	CHECK(!pause_is_over(&p, UINT64_MAX - 1, 7 * USEC_PER_SEC - 1));
	CHECK_U64(pause_end(&p, 0, 0), 7 * USEC_PER_SEC);
}

TEST(none_is_an_empty_text_and_nonsense_is_none)
{
	struct override_clock now = {"boot1", 1, 1};
	struct pause back = sample();

	CHECK_INT(carry(&(struct pause){0}, &now, &now, &back), 0);
	CHECK(!back.on);
	CHECK_INT(pause_from_text("{", &now, &back), -EBADMSG);
	CHECK_INT(pause_from_text("[]", &now, &back), -EBADMSG);
	/* no end: it would hold for ever */
	CHECK_INT(pause_from_text("{\"by\":\"x\"}", &now, &back), -EBADMSG);
	CHECK(!back.on);
}

TEST_MAIN()
