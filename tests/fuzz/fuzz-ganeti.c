/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A cluster's description, and where its guests go. */
#include "policy/ganeti.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_ganeti_cluster_ struct ganeti_cluster *c = NULL;
	_cleanup_placement_plan_ struct placement_plan *p = NULL;
	_cleanup_diag_ struct diag d = {0};
	struct placement_question q;

	if (size > 16384 || ganeti_parse("f", (const char *)data, size, &c, &d) < 0)
		return 0;
	q = (struct placement_question){c->hosts, c->n_hosts, c->guests, c->n_guests, false};
	if (placement_find(&q, &p) < 0)
		abort();
	return 0;
}
