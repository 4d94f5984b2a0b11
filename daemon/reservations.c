/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/reservations.h"

#include "common/units.h"

void reservations_free(struct reservations *r)
{
	for (size_t i = 0; i < r->n; i++)
		free((char *)r->items[i].guest_name);
	free(r->items);
	free(r->owners);
	*r = (struct reservations){0};
}

ssize_t reservations_add(struct reservations *r, const struct reservation *item, void *call)
{
	_cleanup_free_ char *name = strdup(item->guest_name ? item->guest_name : "");
	struct reservation *items;
	struct reservation_owner *owners;

	if (r->n == RESERVATIONS_MAX)
		return -ENOBUFS;
	items = reallocarray(r->items, r->n + 1, sizeof(*items));
	if (items)
		r->items = items;
	owners = reallocarray(r->owners, r->n + 1, sizeof(*owners));
	if (owners)
		r->owners = owners;
	if (!name || !items || !owners)
		return -ENOMEM;
	items[r->n] = *item;
	items[r->n].id = ++r->last_id;
	items[r->n].guest_name = TAKE_PTR(name);
	owners[r->n] = (struct reservation_owner){
		.call = call, .wait_usec = sub_sat(item->deadline_usec, item->asked_usec)};
	return (ssize_t)r->n++;
}

ssize_t reservations_find(const struct reservations *r, uint64_t id)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->items[i].id == id)
			return (ssize_t)i;
	return -ENOENT;
}

ssize_t reservations_find_guest(const struct reservations *r, const struct uuid *guest)
{
	for (size_t i = 0; i < r->n; i++)
		if (uuid_equal(&r->items[i].guest, guest))
			return (ssize_t)i;
	return -ENOENT;
}

void reservations_grant(struct reservations *r, size_t i, uint64_t now_boot_usec)
{
	r->items[i].granted = true;
	r->items[i].deadline_usec = add_sat(now_boot_usec, RESERVATION_IDLE_USEC);
}

size_t reservations_reopen(struct reservations *r, uint64_t now_boot_usec)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++) {
		if (!r->items[i].granted)
			continue;
		r->items[i].granted = false;
		r->items[i].deadline_usec = add_sat(now_boot_usec, r->owners[i].wait_usec);
		n++;
	}
	return n;
}

void *reservations_remove(struct reservations *r, size_t i)
{
	void *call = r->owners[i].call;

	free((char *)r->items[i].guest_name);
	r->n--;
	r->items[i] = r->items[r->n];
	r->owners[i] = r->owners[r->n];
	return call;
}

ssize_t reservations_idle(const struct reservations *r, uint64_t now_boot_usec, uint64_t *ret_next)
{
	*ret_next = USEC_INFINITY;
	for (size_t i = 0; i < r->n; i++) {
		uint64_t until = r->items[i].deadline_usec;

		if (!r->items[i].granted)
			continue;
		if (until <= now_boot_usec)
			return (ssize_t)i;
		*ret_next = MIN(*ret_next, until);
	}
	return -ENOENT;
}
