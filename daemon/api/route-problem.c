/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/api/route.h"

/* What can go wrong on a route: by rule, and what its row adds. */

static uint64_t problems_of_noun(enum route_noun noun)
{
	switch (noun) {
	case NOUN_HOST:
		return MAY(HOST_UNKNOWN);
	case NOUN_GUEST:
	case NOUN_OVERRIDDEN:
		return MAY(GUEST_UNKNOWN) | MAY(NOT_READY);
	case NOUN_POLICY:
		return MAY(POLICY_UNKNOWN);
	case NOUN_OPERATION:
		return MAY(OPERATION_UNKNOWN);
	case NOUN_RESERVATION:
		return MAY(RESERVATION_UNKNOWN);
	case NOUN_RECORDED:
		return MAY(GUEST_UNKNOWN);
	case NOUN_FILE:
		return MAY(ROUTE_UNKNOWN);
	case NOUN_POLICY_NAME:
	case NOUN_NONE:
		break;
	}
	return 0;
}

static uint64_t problems_of_kind(enum route_kind kind)
{
	switch (kind) {
	case ROUTE_VIEW:
	case ROUTE_METRICS:
		return MAY(NOT_READY);
	case ROUTE_HEALTH:
		return MAY(STUCK);
	case ROUTE_READY:
		return MAY(STUCK) | MAY(NOT_READY);
	case ROUTE_COMMAND:
		return MAY(TIMEOUT);
	case ROUTE_WHOAMI:
		return MAY(UNAUTHENTICATED);
	case ROUTE_HISTORY:
	case ROUTE_EVENTS:
	case ROUTE_FIXED:
	case ROUTE_FILE:
		break;
	}
	return 0;
}

uint64_t route_problems(const struct route *r)
{
	/* An unknown parameter, a body where none is taken, too large a one, no memory, too many
	 * connections or requests; what a foreign page asks. */
	uint64_t codes = MAY(QUERY_INVALID) | MAY(BODY_MALFORMED) | MAY(BODY_TOO_LARGE) |
			 MAY(BUSY) | MAY(STOPPING) | MAY(INTERNAL) | MAY(TOO_MANY_REQUESTS) |
			 MAY(FOREIGN_ORIGIN) | MAY(FOREIGN_HOST) | MAY(REQUEST_MALFORMED) |
			 MAY(HEADERS_TOO_LARGE);

	if (r->role > API_ROLE_NONE)
		codes |= MAY(DENIED) | MAY(UNAUTHENTICATED);
	if (r->body)
		codes |= MAY(BODY_INVALID) | MAY(MEDIA_TYPE);
	if (r->kind == ROUTE_COMMAND && !streq(r->method, "GET")) /* Idempotency-Key */
		codes |= MAY(IDEMPOTENCY_MISMATCH) | MAY(CONFLICT);
	if (r->match != ROUTE_MATCH_NOT)
		codes |= MAY(PRECONDITION_FAILED);
	if (r->match == ROUTE_MATCH_NEEDED)
		codes |= MAY(PRECONDITION_REQUIRED);
	return codes | problems_of_noun(r->noun) | problems_of_kind(r->kind) | r->may;
}
