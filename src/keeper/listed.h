/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_KEEPER_LISTED_H
#define VS_KEEPER_LISTED_H

/* The keeper's socket in the directory of wire/registry_dir.h. Main thread. */

#include <stdbool.h>
#include <sys/types.h>

#include "wire/registry_dir.h"

struct vs_fdmsg;
struct vs_keeper;
struct vs_wire_iface;

struct vs_listed {
	/* Written before the first thread is made: */
	bool off;             /* the program does not want to be found */
	pid_t run_pid;        /* the program's process id that others see; 0: that of owner */
	/* Main thread: */
	bool wanted;          /* a stack that others may find has been made */
	bool asked;           /* a stack has been requested */
	unsigned confined;    /* VS_CONFINED_... of the program when it made its first stack */
	bool begun;
	/* Under the keeper's lock, until done is set: */
	bool done;            /* the thread that opens it has ended */
	int socket;           /* -1: none */
	int dir;              /* the directory, -1 */
	int program;          /* a pidfd of the program's process, -1 */
	struct vs_registry_name name;
};

/* At the start of the keeper process: reads the environment. */
void vs_listed_prepare(struct vs_keeper *k);
/* A stack has been requested. */
void vs_listed_note(struct vs_keeper *k, const struct vs_wire_iface *iface);
/* Opens the socket once a stack is there, on a thread of its own, as file systems may take long. */
void vs_listed_check(struct vs_keeper *k);
/* One message at the socket. */
void vs_listed_serve(struct vs_keeper *k);
/*
 * Whether the sender may be the program, which has confined itself in these ways (VS_CONFINED_...) since it
 * started the keeper. What cannot be read counts as confined.
 */
bool vs_listed_is_confined(const struct vs_keeper *k, const struct vs_fdmsg *msg, unsigned ways);
/* Removes it. */
void vs_listed_end(struct vs_keeper *k);

#endif
