/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/manager-private.h"

/* Nobody looks inside: the fakes take them, and nothing else gets them. */
#define FAKE_HV ((struct hv *)&fake)
#define FAKE_STORE ((struct store *)&fake)
#define FAKE_HUB ((struct hub *)&fake)

/*
 * The parts around one file of the manager, for its unit test: every function here is weak, so that
 * a test links the real file it is about and the fakes stand for the others. What was asked of them
 * is kept here for the test to look at; fake_clear() forgets it.
 */

/* A command of the API and its answer. status 0: not answered yet; a problem's is -1 and has a
 * code. */
struct api_call {
	bool dry_run;
	enum api_role role; /* of who asks, and what its route needs */
	int status;
	enum api_problem problem;
	char text[512];
	json_t *body;
};

/* A write that waits for its fsync, in the order asked; fake_store_answer() ends the first. */
struct fake_write {
	char key[32], value[32];
	store_done done;
	void *userdata;
};

/* A call handed to libvirt. */
struct fake_submit {
	struct hv_request req;
	uint64_t id;
	struct reason reason; /* of act_set_memory() */
};

struct fake {
	struct fake_write writes[16];
	size_t n_writes;
	struct fake_submit submits[64];
	size_t n_submits;
	unsigned withdrawn, changing; /* hv_withdraw(): how often, and what libvirt has still */
	int submit_error;      /* what manager_submit() answers */
	char told[64][256];    /* texts of tell(), oldest first */
	char told_of[64][32];  /* and the guests they are about, "" for the host */
	size_t n_told;
	size_t decides_asked;
	unsigned judged_anew;  /* reserve_judge_anew() */
	uint64_t along_usec;   /* what hub_along() was told last */
};
extern struct fake fake;

void fake_clear(void);
/* Ends the write that waits longest: 0 or -errno. */
void fake_store_answer(int error);
/* A call's body member as text, "" where there is none. */
const char *fake_body_text(const struct api_call *c, const char *member) _nonnull_;
/* A running guest of a manager, with its sample: sizes in MiB. NULL without memory. */
struct guest *fake_guest(
	struct manager *m, const char *name, uint64_t max_mib, uint64_t actual_mib) _nonnull_;
void fake_manager_clear(struct manager *m) _nonnull_;
