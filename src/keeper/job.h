/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_KEEPER_JOB_H
#define VS_KEEPER_JOB_H

/* Jobs: threads in the host network that do one thing that may take long, and end; see job.c. */

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "config/locator.h"

/* Data in the keeper's epoll set of the reply channels of jobs; others are in keeper.c and channel.c. */
#define VS_JOB_EVENT 3

struct vs_call;
struct vs_iface;
struct vs_keeper;

enum vs_job_kind { VS_JOB_OPEN_LINK, VS_JOB_REOPEN_LINK, VS_JOB_JOIN_SEGMENT, VS_JOB_REMOVE };

/* Who answers the call; the transitions are at the head of job.c. */
enum vs_job_state { VS_JOB_WORKING, VS_JOB_FINISHING, VS_JOB_HELD, VS_JOB_LATE };

/* What the interface is after the answer. */
enum vs_job_outcome {
	VS_JOB_NOTHING, /* not made, or given up */
	VS_JOB_PUMPING, /* the pump uses the device */
	VS_JOB_ABSENT,  /* its network is absent */
};

/* The interface's device, in a job that was started before it is made. */
enum vs_device_state { VS_DEVICE_THERE, VS_DEVICE_PENDING, VS_DEVICE_FAILED };

struct vs_job {
	/* Constant from vs_job_submit() on: */
	struct vs_keeper *keeper;
	enum vs_job_kind kind;
	struct vs_iface *iface;       /* one use */
	struct vs_call *call;         /* to be answered */
	struct vs_locator locator;    /* the call's text, parsed by the keeper itself; points into it */
	int ifindex;                  /* for an end of a veth pair */

	/* Under the keeper's lock: */
	bool running;                 /* its thread has begun, */
	pthread_t thread;             /* which is this one, */
	int tid;                      /* for /proc */
	struct vs_job *next, **prev;  /* in the keeper's list */
	enum vs_job_state state;
	bool caller_gone;             /* nobody waits for the answer */
	enum vs_device_state device;
	int netlink;                  /* rtnetlink socket of the stack's namespace; -1 */
	/* Of a stack made by this call: goes to the caller with the answer; -1. */
	int door;

	enum vs_job_outcome outcome;  /* set by the thread that takes the answer */
	int result;                   /* of its work; the job thread's */
	int64_t deadline_ms;          /* on the monotonic clock; from vs_job_submit() on the main thread's */
	struct vs_job *next_held;     /* the main thread's */
	int interrupts;               /* the main thread's: how often, after the answer */
};

struct vs_job *vs_job_new(struct vs_keeper *k, enum vs_job_kind kind, struct vs_iface *iface,
			  struct vs_call *call);
void vs_job_free(struct vs_job *job);
/*
 * Hands a job to a thread. The keeper's main thread starts it, because only threads that it starts are in the
 * host network. Takes everything in job. 0 or -errno (nothing taken).
 */
int vs_job_submit(struct vs_job *job);
/*
 * For a job whose device was pending, exactly once, by the networking thread: sets the device (if the job
 * makes it: an rtnetlink socket) and the door, or answers the call with this thread's message (r < 0). The
 * job is not to be touched afterwards.
 */
void vs_job_device(struct vs_job *job, int r, int device, unsigned offloads, int door);
/* Main thread: starts what was submitted. */
void vs_jobs_start(struct vs_keeper *k);
/* Main thread: a caller has closed its reply channel. Finds the jobs whose callers have. */
void vs_jobs_hung_up(struct vs_keeper *k);
/*
 * Main thread: answers for jobs past their deadline, and interrupts them. Returns ms until the next is due,
 * -1: none.
 */
int vs_jobs_check(struct vs_keeper *k);

/* ---- between job.c and open_link.c ---- */

/*
 * The work of VS_JOB_OPEN_LINK and VS_JOB_REOPEN_LINK: device, if the job makes it, and link. 0 or -errno
 * with a message.
 */
int vs_job_open_link(struct vs_job *job);
/*
 * Waits until the device is made or has failed. False: it has failed. It ends, as the networking thread waits
 * for no network.
 */
bool vs_job_await_device(struct vs_job *job);

#endif
