/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the resolver of a stack keeps, and when it forgets it. */

#include "dns_world.h"
#include <vdestack/events.h>

static bool answer_for_a_second(const struct question *q, struct dns_message *m)
{
	if (strcmp(q->name, "gone.example") == 0) {
		dns_begin(m, q->id, 0x8183, q->name, q->type);
		dns_soa(m, "example", 300, 300);
		return true;
	}
	if (strcmp(q->name, "nosoa.example") == 0) {
		dns_begin(m, q->id, 0x8183, q->name, q->type);
		return true;
	}
	dns_begin(m, q->id, 0x8180, q->name, q->type);
	dns_a(m, q->name, strcmp(q->name, "short.example") == 0 ? 1 : 300, 0x0a090000u + (unsigned)q->number);
	return true;
}

static bool has_changed(void *arg)
{
	return strcmp(lookup("short.example", AF_INET, 0), arg) != 0;
}

CASE(answers_are_kept_for_their_ttl)
{
	char first[64];

	begin(answer_for_a_second);
	use((struct vdestack_dns_opts){ .search = "" });
	CHECK_STR(lookup("long.example", AF_INET, 0), "10.9.0.1");
	CHECK_STR(lookup("LONG.example.", AF_INET, 0), "10.9.0.1");
	CHECK_STR(lookup("gone.example", AF_INET, 0), "NONAME");
	CHECK_STR(lookup("gone.example", AF_INET, 0), "NONAME");
	CHECK_EQ(atomic_load(&server.questions), 2);
	CHECK_STR(lookup("nosoa.example", AF_INET, 0), "NONAME");
	CHECK_STR(lookup("nosoa.example", AF_INET, 0), "NONAME");
	CHECK_EQ(atomic_load(&server.questions), 4);
	snprintf(first, sizeof(first), "%s", lookup("short.example", AF_INET, 0));
	CHECK(wait_until(has_changed, first, SOON_MS));
	CHECK_STR(lookup("long.example", AF_INET, 0), "10.9.0.1");
	vdestack_dns_flush(vdestack_dns_of(home));
	CHECK(strcmp(lookup("long.example", AF_INET, 0), "10.9.0.1") != 0);
	end();
}

static bool forgotten(void *before)
{
	return strcmp(lookup("long.example", AF_INET, 0), before) != 0;
}

static void cut(void)
{
	MUST(vdestack_link_set_carrier(home, "vde0", 0));
}

static void add_address(void)
{
	MUST(vdestack_addr_add(home, "vde0", "10.9.0.200", 24));
}

static void remove_address(void)
{
	MUST(vdestack_addr_del(home, "vde0", "10.9.0.200", 24));
}

/* The last one: without carrier no server answers. */
static void (*const changes[])(void) = { add_address, remove_address, cut };

CASE(a_change_of_the_network_empties_the_cache)
{
	char before[64];

	begin(answer_for_a_second);
	use((struct vdestack_dns_opts){ .search = "", .timeout_ms = 500, .tries = 1 });
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		snprintf(before, sizeof(before), "%s", lookup("long.example", AF_INET, 0));
		CHECK_STR(lookup("long.example", AF_INET, 0), before);
		changes[i]();
		CHECK(wait_until(forgotten, before, SOON_MS));
	}
	CHECK_STR(lookup("long.example", AF_INET, 0), "AGAIN");
	MUST(vdestack_link_set_carrier(home, "vde0", 1));
	CHECK(wait_until(forgotten, "AGAIN", SOON_MS));
	end();
}

CASE(without_a_cache_every_lookup_asks)
{
	begin(answer_for_a_second);
	use((struct vdestack_dns_opts){ .search = "", .flags = VDESTACK_DNS_NO_CACHE });
	CHECK_STR(lookup("long.example", AF_INET, 0), "10.9.0.1");
	CHECK_STR(lookup("long.example", AF_INET, 0), "10.9.0.2");
	end();
}
