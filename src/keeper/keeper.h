/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_KEEPER_KEEPER_H
#define VS_KEEPER_KEEPER_H

/*
 * The keeper: what holds the stacks of one program.
 *
 *   main thread ─ front door: makes stacks          host network
 *     ├─ networking thread, one per stack           that stack's namespace; serves its door
 *     ├─ job threads: open a link, join a segment   host network; end with the job
 *     └─ pump threads, one or two per tap                host network
 *
 * The same code runs in a process of its own and, on request, on threads of the program,
 * where it has a descriptor table, working directory and root of its own all the same. So
 * it never asks which of the two it is, except for signals (it owns none in the program).
 *
 * Who owns what:
 *  - the keeper: the list of stacks, the registry of reply channels; both under its lock.
 *  - a networking thread: its stack, the list of its interfaces. Others reach the stack only
 *    through references they count.
 *  - an interface: its device and link, see iface.h.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "auth.h"
#include "wire/fdmsg.h"

struct vs_events;
struct vs_iface;
struct vs_keeper_chan;
struct vs_net;
struct vs_packet_ns;

struct vs_keeper {
	int front;        /* the keeper's end of the front door; -1 after its end of file */
	int epoll;        /* front door, wake, registered channels' hang-ups */
	int wake;         /* eventfd: a stack or a job has ended, or a deadline has been set */
	bool in_process;
	bool privileged;  /* lives in the program's user namespace */
	struct vs_owner owner;

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t met;   /* a device that a job waits for has been made, or not */
	unsigned n_stacks;
	unsigned n_ifaces;
	struct vs_keeper_chan *channels[64]; /* hash table by number */
	uint64_t last_life;                  /* number of one */
	unsigned n_channels;                 /* and lives */
	unsigned prune_channels_at;          /* so many */
	struct vs_net *reserve;              /* a networking thread without a stack yet; see birth.c */
	struct vs_job *submitted;            /* to be started by the main thread */
	struct vs_job *jobs;                 /* that run */
	struct vs_segment *segments;
	struct vs_iface *died;               /* links; the main thread reports it for their pumps */
	struct vs_iface *waiting;            /* to be reconnected */
	struct vs_events *events;            /* with a route socket in the epoll set */

	struct vs_packet_ns *packet_ns; /* of packet devices; under their lock */
	atomic_bool tun_works;          /* it has been tried */

	int64_t made_ms;    /* the main thread's: when a stack was last made */
	unsigned in_a_row;  /* the main thread's: stacks that were made one after the other */
};

/* A request as it came, with its descriptors and its sender. */
struct vs_call {
	struct vs_request req;
	char text[VS_TEXT_MAX + 1]; /* NUL added */
	size_t text_len;
	struct vs_fdmsg msg;
	int reply; /* descriptor of a reply channel for this call alone; -1: req.channel names one */
	const char *refusal; /* why its sender may not change stacks, see auth.c; NULL: it may */
};

/* An empty one, to be freed after vs_call_drop(). NULL: out of memory. */
struct vs_call *vs_call_new(void);

/*
 * Receives one request; flags as for recvmsg(2). 1: *call is filled; 0: end of file; -errno. A message
 * that is no request (short, wrong version) gives -EPROTO after its descriptors were closed.
 */
int vs_call_recv(int door, struct vs_call *call, int flags);

/* Answers a call: result, text (may be NULL), descriptors (borrowed). Never blocks. */
void vs_call_reply(struct vs_keeper *k, struct vs_call *call, int result, const char *text, const int *fds, size_t n_fds);
/* Answers with a negative errno and this thread's sentence. */
void vs_call_fail(struct vs_keeper *k, struct vs_call *call, int err);
/* Closes what the call brought and nobody took. */
void vs_call_drop(struct vs_call *call);
/* Takes descriptor i that came with the call, -1 if it did not. */
int vs_call_take_fd(struct vs_call *call, size_t i);

/*
 * Registry of reply channels. Takes fd. pid: of the process that registers it. 0 or -errno: -EEXIST,
 * -EMFILE (more than a process needs), -ENOMEM.
 */
int vs_channel_add(struct vs_keeper *k, uint64_t number, pid_t pid, int fd);
/* Sends on a registered channel; -ENOENT when there is no such one. */
int vs_channel_send(struct vs_keeper *k, uint64_t number, const struct vs_fdmsg *msg);
/*
 * Keeps a socket (taken) until its other end hangs up or the stack ends, for a process that wants to
 * see that end. net: only its address counts. 0 or -errno.
 */
int vs_channel_add_life(struct vs_keeper *k, const struct vs_net *net, pid_t pid, int fd);
void vs_channels_end_lives(struct vs_keeper *k, const struct vs_net *net);
/* The other end of a channel has hung up. */
void vs_channel_hangup(struct vs_keeper *k, uint64_t number);
/* Drops all of them. */
void vs_channels_drop(struct vs_keeper *k);

/* What the main loop needs, so that its failing is a failing start. k->front is set. 0 or -errno. */
int vs_keeper_prepare(struct vs_keeper *k);
/* Runs the keeper's main loop, which has been prepared, until its last user is gone. */
void vs_keeper_run(struct vs_keeper *k);

/* Starts a stack's networking thread; it answers the call (which it owns from then on). */
int vs_net_start(struct vs_keeper *k, struct vs_call *call);

/*
 * Main thread: keeps, or lets go of, a networking thread in reserve. Gives ms until the next look is
 * due, -1: none.
 */
int vs_net_reserve(struct vs_keeper *k);

/* Descriptors that the stacks there are need to go on: sockets on their way, reply channels. */
#define VS_SPARE_GO_ON 8
/* Those, and what is open for a moment while another is made; a hub in this keeper takes some, too. */
#define VS_SPARE_MAKE 16
/* Checks that so many are free. 0, or -errno with a sentence. */
int vs_keeper_spare(int wanted);

/* Makes the main loop look at its jobs and counts. */
void vs_keeper_wake(struct vs_keeper *k);
/* Counts. The main loop is woken when one falls. */
void vs_keeper_count(struct vs_keeper *k, int stacks, int ifaces);

#endif
