/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_KEEPER_KEEPER_H
#define VS_KEEPER_KEEPER_H

/*
 * The keeper holds the stacks of one program.
 *
 *   main thread ─ front door: makes stacks          host network
 *     ├─ networking thread, one per stack           that stack's namespace; serves its door
 *     ├─ job threads: open a link, join a segment   host network; end with the job
 *     └─ pump threads: a few that devices share,   host network
 *        or two of a device's own
 *
 * The same code runs in a process of its own and, on request, on threads of the program. In both cases it has
 * a descriptor table, a working directory and a root of its own. What differs is in variant.h.
 *
 * Who owns what:
 *  - The keeper: the registry of reply channels, the lists of jobs, segments and waiting interfaces.
 *  - A networking thread: its stack, and the list of its interfaces. Other threads use an interface or the
 *    events of a stack only by counted references.
 *  - An interface: its device and link, see iface.h.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "auth.h"
#include "listed.h"
#include "local.h"
#include "sysctl_dir.h"
#include "wire/side_door.h"

struct vs_call;
struct vs_changes;
struct vs_errand;
struct vs_events;
struct vs_iface;
struct vs_keeper_chan;
struct vs_net;
struct vs_packet_ns;
struct vs_shared;
struct vs_sources;
struct vs_variant;

/* Since the start. Every thread that serves requests adds to them. */
struct vs_keeper_counts {
	atomic_ullong requests, refused;        /* at doors; of these, because of who sent them, or how */
	atomic_ullong sockets;                  /* made by request */
	atomic_ullong lookups, lookups_refused; /* the same two at the socket of listed.c */
	atomic_uint stacks, interfaces;         /* there are now */
};

struct vs_keeper {
	int front;        /* the keeper's end of the front door; -1 after its end of file */
	int epoll;        /* front door, wake, registered channels' hang-ups */
	int wake;         /* eventfd: a stack or a job has ended, or a deadline has been set */
	const struct vs_variant *variant; /* a process of its own, or threads of the program */
	bool privileged;  /* lives in the program's user namespace */
	struct vs_owner owner;
	struct vs_changes *changes; /* the change page; NULL: none */
	int changes_file; /* the page's file, for processes that get a door later; -1: none */
	uint64_t id;      /* names the keeper: the cookie of its end of the first front door */
	atomic_int claims; /* the claim page's file; -1: none yet, and no side door */
	int side_door;    /* see side_door.c; -1: none */
	struct vs_side_door side;
	struct vs_listed listed;
	struct vs_local local;
	struct vs_sysctl_dirs sysctl_dirs;
	_Atomic(pid_t) user; /* the last process that has registered a reply channel; 0: none */
	struct vs_keeper_counts counts;
	struct vs_shared *pumps; /* threads that pumps share; constant */
	int64_t begun_ms; /* constant */
	int64_t end_ms;   /* the main thread's: until when it waits for interfaces to end; 0: it does not */

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t met;   /* the state of a job or an errand has changed */
	unsigned n_stacks;
	unsigned n_ifaces;
	struct vs_keeper_chan *channels[64]; /* hash table by number */
	uint64_t last_life;                  /* the number of the newest life */
	unsigned n_channels;                 /* channels and lives */
	unsigned prune_channels_at;          /* at so many, those of dead processes are dropped */
	struct vs_net *nets;                 /* stacks that can get doors, see regain.c */
	struct vs_net *reserve;              /* networking threads without a stack yet; see birth.c */
	unsigned n_reserve;
	struct vs_job *submitted;            /* jobs that the main thread starts next */
	struct vs_job *jobs;                 /* jobs that run */
	struct vs_errand *errands;           /* that the main thread starts next */
	/* Interfaces whose link died; the main thread reports it for their pumps. */
	struct vs_iface *died;
	struct vs_iface *waiting;            /* interfaces that are reconnected when they are due */
	struct vs_sources *sources;          /* NULL: no stack has any */
	struct vs_events *events;            /* sets that have a route socket in the epoll set */

	/*
	 * No static locks: a forked child would have them locked for ever if a thread had one at that
	 * moment.
	 */
	/* Guards segments and the ports of interfaces. Taken after a carrier's lock. */
	pthread_mutex_t segments_lock;
	pthread_cond_t segment_left; /* a pair has been deleted */
	struct vs_segment *segments;
	struct vs_segment *spare_segments; /* without a user, for the next one */
	unsigned n_spare_segments;
	pthread_mutex_t peers_lock; /* guards: the namespace of packet devices */
	struct vs_packet_ns *packet_ns;
	atomic_bool tun_works;          /* a tun device has been opened before */

	struct vs_call *call; /* the main thread's: for the next request at the front door */
	int64_t made_ms;    /* the main thread's: when a stack was last made */
	bool expects_first; /* the main thread's: no stack has been requested yet, see birth.c */
	bool joins;         /* the main thread's: networking threads may have doors to take */
	/*
	 * Stacks that were made one after the other. The main thread writes it. Any thread sets it to 0 if it
	 * gets no namespace.
	 */
	atomic_uint in_a_row;
};

/*
 * Makes what threads need, and then what the main loop needs, so that a failure of it is a failure of the
 * start. k->front is set. 0 or -errno.
 */
int vs_keeper_begin(struct vs_keeper *k);
int vs_keeper_prepare(struct vs_keeper *k);
/* Runs the keeper's main loop, which has been prepared, until its last user is gone. */
void vs_keeper_run(struct vs_keeper *k);

#define VS_STREAK_BEGIN 3 /* after so many stacks in a row, more are expected */

/* Descriptors that existing stacks need to go on, for new sockets and reply channels. */
#define VS_SPARE_GO_ON 8
/* Those, and the ones that are open while a stack is made. A hub in this keeper takes some, too. */
#define VS_SPARE_MAKE 16
/* Checks that so many are free. 0, or -errno with a message. */
int vs_keeper_spare(int wanted);

/* Events in the epoll set. Others are VS_JOB_EVENT, and those of keeper.c. */
#define VS_SIDE_DOOR_EVENT 4
#define VS_LISTED_EVENT 5 /* the socket of listed.c */
#define VS_LOCAL_EVENT 6  /* the socket of local.c */
/*
 * Main thread: makes fd, taken on success, the front door. Requests in the old one are served. 0 or -errno.
 */
int vs_keeper_replace_front(struct vs_keeper *k, int fd);

/* Wakes the main loop, which then checks its jobs and counts. */
void vs_keeper_wake(struct vs_keeper *k);
/* A message has come to a door. served: false because of who sent it, or how. Any thread. */
void vs_keeper_count_request(struct vs_keeper *k, bool served);
/* Adds to the counts. Wakes the main loop if one gets smaller. */
void vs_keeper_count(struct vs_keeper *k, int stacks, int ifaces);

#endif
