/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What limits many stacks on one network (docs/environments.md): arp(7), the tables of neighbours.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "namespace.h"

#define ADDED 400

static void enter_network(void)
{
	if (geteuid() != 0)
		become_root();
	MUST(unshare(CLONE_NEWNET));
}

/*
 * The limit is the first namespace's, for all of them: a new one has the times of its neighbours, and no
 * limit of its own.
 */
CASE(a_new_namespace_has_no_limit_of_neighbours_of_its_own)
{
	enter_network();
	MUST(access("/proc/sys/net/ipv6/neigh/lo/base_reachable_time_ms", F_OK));
	CHECK(access("/proc/sys/net/ipv6/neigh/default/gc_thresh3", F_OK) < 0 && errno == ENOENT);
	CHECK(access("/proc/sys/net/ipv4/neigh/default/gc_thresh3", F_OK) < 0 && errno == ENOENT);
}

/* How many neighbours of IPv6 the file, which is the first namespace's, counts: the first number. */
static unsigned long count_neighbours(int fd)
{
	char text[4096];

	MUST(lseek(fd, 0, SEEK_SET));
	ssize_t n = (ssize_t)MUST(read(fd, text, sizeof(text) - 1));
	text[n] = '\0';
	CHECK(strncmp(text, "entries ", 8) == 0 && strchr(text, '\n') != NULL);
	return strtoul(strchr(text, '\n') + 1, NULL, 16);
}

/* Permanent ones, which are counted here, but not for the limit: other programs have all of theirs. */
CASE(neighbours_of_all_namespaces_are_in_one_table)
{
	int counters = (int)MUST(open("/proc/net/stat/ndisc_cache", O_RDONLY | O_CLOEXEC));
	unsigned long before = count_neighbours(counters);

	enter_network();
	shell("ip link add v0 type veth peer name v1 && ip link set v0 up");
	FILE *batch = popen("ip -batch -", "we");
	CHECK(batch != NULL);
	for (int i = 0; i < ADDED; i++)
		fprintf(batch, "neigh add fd00::%x lladdr 02:00:00:00:00:01 dev v0 nud permanent\n", i + 1);
	CHECK_EQ(pclose(batch), 0);
	unsigned long after = count_neighbours(counters);
	/* Those of other tests come and go. */
	CHECK(after >= before + ADDED / 2);
	close(counters);
}
