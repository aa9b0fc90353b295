/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The rule. A client may have one more as long as it has fewer than are free. So a client alone gets half of
 * all. A second one gets half of the rest, and so on. Who has nothing gets one as long as one is free.
 *
 * All clients of a relay together may have twice as many as are free, which is two thirds of all if nobody
 * else has any. All clients of a station, which may be a router with several relays behind it, may have four
 * times as many: four fifths. A station that makes up clients or relays stays within that.
 *
 *     of 8 threads     alone    beside one that has all it may
 *     a client             4    2
 *     a relay              6    1 or 2
 *     a station            7    1
 *
 * Who has the least is next: first by stations, then by relays, then by clients. So a station that makes up
 * clients stays behind one that has nothing yet, however many of its questions wait.
 *
 * A fixed number was rejected. A small one slows down a client that is alone. With a large one a few clients
 * have all. And one thread cannot be taken away from a client once it waits for a name server: so some are
 * kept for who comes next.
 *
 * The limit of the rule: a station chooses its address. Who sends with many addresses has the share of many
 * stations, and then nothing is free for a while. Memory and threads stay bounded all the same.
 */

#include "share.h"

#define OF_A_RELAY 2   /* times as many as are free */
#define OF_A_STATION 4 /* times as many as are free */

void dh_share_add(struct dh_share *share, const struct dh_client *who, const struct dh_client *other)
{
	share->station += dh_client_same_station(who, other);
	share->relay += dh_client_same_relay(who, other);
	share->client += dh_client_same(who, other);
}

bool dh_share_leaves(const struct dh_share *share, unsigned n_free)
{
	return share->client < n_free && share->relay < OF_A_RELAY * n_free &&
	       share->station < OF_A_STATION * n_free;
}

static int compare(unsigned first, unsigned second)
{
	return (first > second) - (first < second);
}

int dh_share_compare(const struct dh_share *first, const struct dh_share *second)
{
	int r = compare(first->station, second->station);

	if (r == 0)
		r = compare(first->relay, second->relay);
	return r == 0 ? compare(first->client, second->client) : r;
}
