/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A domain's definition: whatever it holds, a guest that comes out keeps the bounds that its header
 * promises, and a mistake is named. */
#include "daemon/hv/hv-guest-priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_guest(const struct hv_guest *g)
{
	size_t n = 0;

	if (!*g->name || !g->title || g->vcpus > 65536)
		abort();
	for (; g->tags[n]; n++)
		if (!*g->tags[n] || strlen(g->tags[n]) > HV_TAG_LEN_MAX ||
			strpbrk(g->tags[n], " \t\r\n,"))
			abort();
	if (n > HV_TAGS_MAX)
		abort();
	if (g->channel == HV_CHANNEL_NONE && g->channel_path)
		abort();
	if (g->balloon != HV_BALLOON_VIRTIO && g->fixed == FIXED_NOT)
		abort();
	if (hv_guest_compare(g, g) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_diag_ struct diag d = {0};
	_cleanup_hv_guest_new_ struct hv_guest *g = NULL;
	int r = hv_guest_parse((const char *)data, size, "org.ballast.agent.0", &g, &d);

	if (r == 0)
		check_guest(g);
	else if (r == -EBADMSG && (!d.text || g))
		abort();
	return 0;
}
