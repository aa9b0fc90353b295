/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_KEEPER_VARIANT_H
#define VS_KEEPER_VARIANT_H

/*
 * What differs between a keeper that is a process and one on threads of the program. Nothing else asks which
 * of the two it is. The tables are in main.c and inprocess.c, with the reasons.
 */

#include <pthread.h>
#include <stdbool.h>

struct vs_variant {
	/* Its threads have the credentials of the program, and must keep them. */
	bool same_credentials;
	/* The process that serves requests is one that sends them. */
	bool same_process;
	/* It must not end before its last interface does: nothing else would end that one's threads. */
	bool waits_for_interfaces;
	/* A job's thread: makes it ready for interrupt(). */
	void (*accept_interrupts)(void);
	/*
	 * Main thread: makes the system call fail that a job's thread waits in. Repeated until the job ends;
	 * before: how often it was called for that job. tid: 0 if the thread has not begun.
	 */
	void (*interrupt)(pthread_t thread, int tid, int before);
	/* Whether a plugin may open a terminal for that interface. 0 or -errno with a message. */
	int (*check_terminal)(const char *ifname, const char *locator);
};

extern const struct vs_variant vs_variant_process;
extern const struct vs_variant vs_variant_inprocess;

#endif
