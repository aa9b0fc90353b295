/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * When a source may give its lease back.
 *
 * The releases of many stacks that end together would overflow the receive buffer of their server: one of
 * the default size holds about 250 messages. Nobody repeats a release of DHCPv4, so a lost one keeps its
 * address in use until the lease ends. So the first few releases leave at once, and the others one after the
 * other.
 *
 * No turn is later than a limit, because namespaces and interfaces wait for it. Who comes when all turns up
 * to there are taken gets the last moment, together with others.
 *
 * Pure: times in, times out.
 */

#include "sources_inside.h"

#define TURN_MS 4  /* between two releases: a server that syncs each to its disk needs about as long */
#define AT_ONCE 32 /* releases without a pause, after a time without any */

vs_auto_ms vs_sources_turns_take(vs_auto_ms *next, vs_auto_ms now)
{
	/* *next: when the following release would be due if there were no releases at once. */
	vs_auto_ms due = *next > now ? *next : now;
	vs_auto_ms turn = due - (AT_ONCE - 1) * TURN_MS;

	if (turn > now + VS_SOURCES_TURNS_MS)
		return now + VS_SOURCES_TURNS_MS;
	*next = due + TURN_MS;
	return turn > now ? turn : now;
}
