/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_KEEPER_NET_H
#define VS_KEEPER_NET_H

/*
 * A networking thread's state. Only that thread uses it, except for what is under the keeper's lock.
 */

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "wire/messages.h"

struct vs_call;
struct vs_changes;
struct vs_events;
struct vs_iface;
struct vs_job;
struct vs_keeper;
struct vs_sources_stack;
struct vs_sources_sysctls;
struct vs_wire_iface;

#define VS_DOORS_MAX 64 /* of one stack, see regain.c */

struct vs_net_door {
	int fd;
	enum vs_door kind;
};

struct vs_net {
	struct vs_keeper *keeper;
	/* The current request; in reserve: NULL until there is one. */
	struct vs_call *call;
	/* The job of the first interface, until the device is made; not to be used afterwards. */
	struct vs_job *birth;
	uint64_t id;          /* of the stack: the cookie of the program's end of its first door */
	struct vs_net_door doors[VS_DOORS_MAX]; /* nearly always one */
	unsigned n_doors;     /* others read it under the keeper's lock */
	unsigned n_keeping;   /* of these, the ones that keep the stack alive */
	unsigned turn;        /* the door that is looked at first */
	enum vs_door via;     /* what the door of the current request was made for */
	/* Doors that the main thread has made and this thread has not taken; under the keeper's lock. */
	struct vs_net_door joining[VS_DOORS_MAX];
	atomic_uint n_joining; /* written with the keeper's lock; the thread looks at it without */
	/* In the keeper's list of stacks that can get doors, or of threads in reserve. */
	struct vs_net *next, **prev; /* prev: NULL: it is not in the first of these */
	uint64_t secret[2];   /* see wire/side_door.h; both 0: not drawn yet; under the keeper's lock */
	pthread_t thread;     /* constant while it is on that list */
	int adopt;            /* the namespace to adopt; -1: makes one */
	int programs_end;     /* of the door, until it is sent to the program */
	int sysctl_dir;       /* until the sysctls are written; -1: /proc/sys/net, see sysctl_dir.c */
	struct vs_iface *ifaces;
	int last_ifindex;     /* the last one that was chosen here */
	struct vs_changes *changes; /* this stack's place on the change page; NULL: there is no page */
	unsigned guests;      /* see guests.c; under the keeper's lock once there is a door */
	struct vs_events *events;
	struct vs_sources_stack *sources; /* NULL: there have been none */
	struct vs_sources_sysctls *sysctls; /* as they were before; see sources_sysctls.c */
	char name[VS_STACK_NAME_BYTES]; /* "": none; under the keeper's lock */
	bool unregistered;    /* it is not listed; constant while it is on the keeper's list */
	bool in_reserve;      /* began without a call */
	bool early;           /* began when the keeper had not given up its capabilities yet */
	bool dismissed;       /* in reserve, and not needed any more */
	sem_t decided;        /* in reserve: it has got a call or is dismissed, see birth.c */
};

/* Starts a stack's networking thread. The thread takes the call and answers it. */
int vs_net_start(struct vs_keeper *k, struct vs_call *call);

/*
 * Main thread of a keeper process, before its main loop: starts the networking thread of the first stack,
 * without its request. This may be before the process has given up its capabilities: the thread does that
 * itself. A thread that has no filter of system calls must be dismissed before the main loop.
 */
void vs_net_reserve_first(struct vs_keeper *k);
void vs_net_dismiss_first(struct vs_keeper *k);
/*
 * Main thread: starts or dismisses networking threads in reserve, and drops segments that are kept for the
 * next one. Returns the ms until it must be called again; -1: not before another event.
 */
int vs_net_reserve(struct vs_keeper *k);
/*
 * Has the main thread give up the networking threads in reserve. Their namespaces are gone a moment later.
 * False: there are none. Any thread.
 */
bool vs_net_end_reserve(struct vs_keeper *k);

/* Serves n->call: answers it, or passes it to a job. */
void vs_net_serve(struct vs_net *n);

#endif
