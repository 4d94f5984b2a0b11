/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/ganeti.h"

#include "tests/test.h"

#define GROUPS    "default|uuid-1|preferred||\n\n"
#define NODE      "n1|1024|64|256|0|0|4|N|uuid-1|1\n"
#define NODE_AWAY "n2|2048|64|2048|0|0|8|Y|uuid-1|1||N|0|2|1.0\n"
#define END       "\n\n|128,1||ext|4.0|32.0\n"

static struct ganeti_cluster *good(const char *text)
{
	struct ganeti_cluster *c = NULL;

	return ganeti_parse("f", text, strlen(text), &c, NULL) == 0 ? c : NULL;
}

/* What is said of it; the caller frees. */
static char *said(const char *text)
{
	_cleanup_diag_ struct diag d = {0};
	_cleanup_ganeti_cluster_ struct ganeti_cluster *c = NULL;

	return ganeti_parse("f", text, strlen(text), &c, &d) == -EBADMSG ? diag_format(&d) : NULL;
}

TEST(a_cluster_is_read)
{
	_cleanup_ganeti_cluster_ struct ganeti_cluster *c = good(GROUPS NODE NODE_AWAY
		"\na|512|0|2|running|Y|n1||ext||1\nb|128|0|1|running|Y|n1||plain||1\nc|99|0|1|ADMIN_down|Y|n2||rbd\n" END);

	CHECK(c);
	CHECK_U64(c->n_hosts, 2);
	CHECK_STR(c->hosts[0].name, "n1");
	CHECK_U64(c->hosts[0].memory_bytes, 1024 * MIB);
	CHECK_U64(c->hosts[0].room_bytes, (256 + 512 + 128) * MIB);
	CHECK_INT(c->hosts[0].cpus, 4);
	CHECK_INT(c->hosts[0].vcpus_own, 1);
	CHECK_INT(c->hosts[0].vcpus_max, 16);
	CHECK(c->hosts[0].accepts && !c->hosts[0].leaves);
	CHECK(!c->hosts[1].accepts && c->hosts[1].leaves);
	CHECK_INT(c->hosts[1].vcpus_own, 2);
	CHECK_U64(c->n_guests, 3);
	CHECK_U64(c->guests[0].bytes, 512 * MIB);
	CHECK(!c->guests[0].fixed && c->guests[1].fixed && c->guests[2].fixed);
	CHECK_U64(c->guests[2].bytes, 0);
	CHECK_U64(c->guests[2].host, 1);
}

TEST(a_cluster_without_nodes_is_one)
{
	_cleanup_ganeti_cluster_ struct ganeti_cluster *c = good(GROUPS "\n\n" END);

	CHECK(c);
	CHECK_U64(c->n_hosts, 0);
}

TEST(what_is_wrong_is_named_with_its_place)
{
	static const struct {
		const char *text, *said;
	} all[] = {
		{"", "f:1:1: there is no group: expected a cluster in the text format of ganeti-htools"},
		{GROUPS "n1|x|0|0|0|0|1|N|uuid-1\n",
			"f:3:4: its memory is \"x\", expected a whole number from 1 to 67108864"},
		{GROUPS "n1|99999999999999999999999|0|0|0|0|1|N|uuid-1\n",
			"f:3:4: its memory is \"99999999999999999999999\", expected a whole number from 1 to 67108864"},
		{GROUPS "n1|10|0|11|0|0|1|N|uuid-1\n", "f:3:9: more memory is free than there is"},
		{GROUPS "n1|10|0|1|0|0|1|N|uuid-2\n", "f:3:19: there is no group \"uuid-2\""},
		{GROUPS "n1|10|0|1|0|0|1|X|uuid-1\n",
			"f:3:17: whether it is offline is \"X\", expected Y, N or M"},
		{GROUPS NODE NODE, "f:4:1: there is a node \"n1\" already"},
		{GROUPS NODE "\na|1|0|1|running|Y|n3||ext\n", "f:5:19: there is no node \"n3\""},
		{GROUPS NODE "\na|1|0|1|running|Y|n1|n2|drbd\n",
			"f:5:25: its disks are a local pair (drbd) on \"n1\" and \"n2\": to move it means to copy disks, which is not done here"},
		{GROUPS NODE "\na|1|0|1|running|Y|n1||floppy\n",
			"f:5:23: its disks are \"floppy\", expected ext, sharedfile, gluster, rbd, blockdev, diskless, plain or file"},
		{GROUPS NODE "\na|1|0\n",
			"f:5:1: an instance of 3 fields, expected at least 9: name|mem|disk|vcpus|status|auto_balance|pnode|snode|disk_template"},
		{GROUPS NODE "\n\n\n||||a lot\n",
			"f:7:5: the ratio of virtual CPUs is \"a lot\", expected a number from 0.01 to 1000"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		_cleanup_free_ char *text = said(all[i].text);

		CHECK(text);
		CHECK_STR(text, all[i].said);
	}
}

TEST(a_byte_0_is_refused)
{
	_cleanup_ganeti_cluster_ struct ganeti_cluster *c = NULL;

	CHECK_INT(ganeti_parse("f", GROUPS "\0", sizeof(GROUPS), &c, NULL), -EBADMSG);
}

TEST_MAIN()
