/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* doctor's checks of guests. */
#include <stdio.h>

#include "cli/doctor.h"
#include "cli/get.h"
#include "common/shell-word.h"

static bool has_condition(const json_t *guest, const char *word)
{
	const json_t *w;
	size_t i;

	json_array_foreach (get_at(guest, "/conditions"), i, w)
		if (json_is_string(w) && streq(json_string_value(w), word))
			return true;
	return false;
}

/* All guests, or a finding that says why they are not known. */
static const json_t *guests_of(const struct doctor_facts *f, struct doctor_result *r)
{
	const json_t *guests = get_at(f->guests, "/guests");

	if (!guests)
		doctor_say(r, DOCTOR_UNKNOWN, "", "%s", doctor_silence(f));
	else if (!json_array_size(guests))
		doctor_fine(r, "no guest runs");
	else
		doctor_fine(r, "%zu guest%s", json_array_size(guests),
			json_array_size(guests) == 1 ? "" : "s");
	return guests;
}

static const struct doctor_definition *definition_of(const struct doctor_facts *f, const char *name)
{
	for (size_t i = 0; i < f->n_definitions; i++)
		if (streq(f->definitions[i].name, name))
			return &f->definitions[i];
	return NULL;
}

void doctor_check_balloon(const struct doctor_facts *f, struct doctor_result *r)
{
	char word[SHELL_WORD_MAX];
	static const struct {
		const char *fixed, *remedy;
	} why[] = {
		{"no-balloon",
			"give it one: virsh edit %s, <memballoon model='virtio'/>, and start it anew"},
		{"passed-through-device",
			"its pages are pinned for the device; a guest without one can be moved (virsh edit %s)"},
		{"locked-memory",
			"take <locked/> out of <memoryBacking> (virsh edit %s) and start it anew"},
		{"huge-pages",
			"take <hugepages/> out of <memoryBacking> (virsh edit %s) and start it anew"},
	};
	const json_t *guests = guests_of(f, r), *g;
	size_t i;

	json_array_foreach (guests, i, g) {
		const char *fixed = get_string(g, "/fixed", NULL),
			   *name = get_string(g, "/name", "?");

		if (has_condition(g, "stuck")) {
			doctor_say(r, DOCTOR_BAD, name, "its balloon does not move");
			doctor_mend(r,
				"is the driver there (modprobe virtio_balloon in it; on Windows the balloon service)?");
		}
		if (!fixed)
			continue;
		doctor_say(r, DOCTOR_NOTE, name, "its memory cannot be moved: %s", fixed);
		for (size_t k = 0; k < ARRAY_SIZE(why); k++)
			if (streq(why[k].fixed, fixed)) {
				char remedy[SHELL_WORD_MAX + 200];
				const char *at = strstr(why[k].remedy, "%s");

				snprintf(remedy, sizeof(remedy), "%.*s%s%s",
					(int)(at - why[k].remedy), why[k].remedy,
					shell_word(name, word), at + 2);
				doctor_mend(r, "%s", remedy);
			}
	}
}

void doctor_check_agent(const struct doctor_facts *f, struct doctor_result *r)
{
	char word[SHELL_WORD_MAX];
	const json_t *guests = guests_of(f, r), *g;
	const char *ours = get_string(f->version, "/version", NULL);
	size_t i;

	json_array_foreach (guests, i, g) {
		const char *name = get_string(g, "/name", "?"),
			   *version = get_string(g, "/agent/version", NULL);

		if (get_string(g, "/fixed", NULL))
			continue;
		if (!get_bool(g, "/agent/enrolled")) {
			doctor_say(r, DOCTOR_NOTE, name,
				"it has no channel for an agent: it is judged by balloon statistics, seconds late");
			doctor_mend(r, "ballastctl guest enroll %s", shell_word(name, word));
		} else if (get_time(g, "/agent/shut_out_until")) {
			doctor_say(r, DOCTOR_BAD, name,
				"its agent misbehaved and is not listened to for a while");
			doctor_mend(r, "ballastctl events --guest %s --kind channel-shut says how",
				shell_word(name, word));
		} else if (!get_bool(g, "/agent/connected")) {
			doctor_say(r, DOCTOR_BAD, name, "it has the channel, and no agent speaks");
			doctor_mend(r,
				"in the guest: install ballast-agent, then systemctl enable --now ballast-agent");
		} else if (has_condition(g, "stale")) {
			doctor_say(r, DOCTOR_BAD, name, "its agent is silent");
			doctor_mend(r,
				"in the guest: systemctl status ballast-agent; is the guest itself alive?");
		} else if (ours && version && !streq(ours, version)) {
			doctor_say(r, DOCTOR_NOTE, name,
				"its agent is version %.40s, the daemon %.40s", version, ours);
			doctor_mend(r,
				"install the newer one when it suits; neighbours understand each other");
		}
	}
}

void doctor_check_net(const struct doctor_facts *f, struct doctor_result *r)
{
	char word[SHELL_WORD_MAX];
	const json_t *guests = guests_of(f, r), *g;
	size_t i;

	json_array_foreach (guests, i, g) {
		const char *net = get_string(g, "/net", NULL), *name = get_string(g, "/name", "?");

		if (!net || get_string(g, "/fixed", NULL) ||
			(!streq(net, "none") && !streq(net, "swap-short")))
			continue;
		doctor_say(r, DOCTOR_NOTE, name,
			"%s: it is kept larger than it need be, for a burst would kill in it",
			streq(net, "none") ? "it has neither swap nor autodeflate"
					   : "too little of its swap is free");
		doctor_mend(r,
			"give it 512 MiB of swap, or autodeflate='on' in its <memballoon> (virsh edit %s)",
			shell_word(name, word));
	}
}

void doctor_check_guest_psi(const struct doctor_facts *f, struct doctor_result *r)
{
	const json_t *guests = guests_of(f, r), *g;
	size_t i;

	json_array_foreach (guests, i, g) {
		const char *name = get_string(g, "/name", "?");

		if (!streq(get_string(g, "/report/source", ""), "agent") ||
			!json_is_null(get_at(g, "/report/psi")))
			continue;
		doctor_say(r, DOCTOR_NOTE, name,
			"its kernel tells no pressure: that it is short is seen by what is available alone");
		doctor_mend(r, "boot its kernel with psi=1 (4.20 or newer)");
	}
}

void doctor_check_reporting(const struct doctor_facts *f, struct doctor_result *r)
{
	char word[SHELL_WORD_MAX];
	const json_t *guests = guests_of(f, r), *g;
	bool asked = false;
	size_t i;

	json_array_foreach (guests, i, g) {
		const char *name = get_string(g, "/name", "?");
		const struct doctor_definition *d = definition_of(f, name);

		asked = asked || d;
		if (!d || !d->balloon || d->reporting)
			continue;
		doctor_say(r, DOCTOR_NOTE, name,
			"what it frees inside its size stays with it: its balloon has no free page reporting");
		doctor_mend(r,
			"virsh edit %s: freePageReporting='on' in its <memballoon>, and start it anew",
			shell_word(name, word));
	}
	if (json_array_size(guests) && !asked)
		doctor_say(r, DOCTOR_UNKNOWN, "", "virsh could not be asked for their definitions");
}

void doctor_check_sizes(const struct doctor_facts *f, struct doctor_result *r)
{
	uint64_t budget = get_number(f->host, "/memory/budget", 0), min = 0, max = 0;
	const json_t *guests = guests_of(f, r), *g;
	char a[SIZE_TEXT_MAX], b[SIZE_TEXT_MAX];
	size_t i;

	if (!guests || !budget)
		return;
	json_array_foreach (guests, i, g) {
		/* What cannot be moved must be there whole. */
		min = add_sat(min,
			get_number(g, get_string(g, "/fixed", NULL) ? "/memory/max" : "/memory/min",
				0));
		max = add_sat(max, get_number(g, "/memory/max", 0));
	}
	size_format(min, a);
	size_format(budget, b);
	if (min > budget) {
		doctor_say(r, DOCTOR_BAD, "",
			"guests must have %s in all (their Min=, and all of those that cannot be moved), and there are %s for them",
			a, b);
		doctor_mend(r,
			"lower Min= of some (ballastctl policy explain GUEST says who sets it), or move a guest away");
		return;
	}
	doctor_fine(r, "at least %s of %s; %s if all had their maximum", a, b,
		size_format(max, (char[SIZE_TEXT_MAX]){0}));
}
