/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_KEEPER_IFACE_H
#define VS_KEEPER_IFACE_H

/*
 * An interface of a stack: either a tap (or a port, see port.c) with a link and its pump threads, or
 * one end of a veth pair whose other end is a port of a segment.
 */

#include <net/if.h>
#include <stdatomic.h>

#include "config/locator.h"
#include "keeper.h"

struct vs_events;
struct vs_link;
struct vs_segment;

/* Counted by the pump threads, one writer for each number. */
struct vs_iface_stats {
	atomic_ullong out_frames;  /* given to the link */
	atomic_ullong out_dropped; /* the link had no room for */
	atomic_ullong out_lost;    /* a port's socket had no room for; counted by the networking thread */
	atomic_ullong out_refused; /* the tap gave, and made no sense or is longer than the link carries */
	atomic_ullong in_frames;   /* from the link */
	atomic_ullong in_writes;   /* to the tap, coalesced */
	atomic_ullong in_dropped;  /* no frames, or refused by the tap */
};

struct vs_iface {
	struct vs_keeper *keeper;
	struct vs_iface *next;    /* in its stack's list; the networking thread's */
	char name[IF_NAMESIZE];
	atomic_uint users;        /* the stack's list, a job, pump threads, the list of those that wait */
	atomic_bool stopping;
	atomic_bool failed;       /* its call was answered so; to be taken off the stack's list */
	int stop;                 /* eventfd: pump threads shall look why */
	int tap;                  /* or the packet socket of a port; -1: on a segment, or not made yet */
	bool on_segment;
	atomic_bool by_packet;    /* it is a port */
	unsigned offloads;        /* VS_OFFLOAD_... in force */
	struct vs_iface_stats stats;
	struct vs_link *link;     /* NULL until the job has opened it */
	struct vs_events *events; /* of its stack; a counted use */

	/* What it takes to join the network again, see relink.c: */
	struct vs_wire_iface want;
	char *vnl;                /* NULL: a segment or a stream */
	int root, cwd;            /* the caller's, where the locator needs them; -1 */
	atomic_bool comes_back;   /* set before the link is opened */
	atomic_bool link_dead;
	atomic_uint pumps;        /* threads that use the link */
	unsigned attempts;        /* of whoever is on the way */
	int64_t joined_ms;        /* when the network was last joined */
	int64_t due_ms;           /* while it waits, under the keeper's lock */
	struct vs_iface *next_waiting; /* under the keeper's lock */
	struct vs_iface *next_died;    /* under the keeper's lock */
	int died_of;                   /* errno for the event; of whoever put it on that list */

	pthread_mutex_t carrier_lock; /* guards: */
	bool joined;              /* the network is there */
	atomic_bool cut;          /* by order; the pump reads it without the lock */

	struct vs_segment *segment;
	bool in_room;             /* has a port; under the lock of those */
	char port[IF_NAMESIZE];   /* the veth's other end, in the namespace of the segment or of the ports */
};

/* A new one with one user. NULL: out of memory or descriptors (errno). */
struct vs_iface *vs_iface_new(struct vs_keeper *k, const char *name);
void vs_iface_ref(struct vs_iface *iface);
/* The last one out closes everything. NULL is allowed. May take long (a tap: tens of ms). */
void vs_iface_unref(struct vs_iface *iface);
/* Asks the pump threads to end for good; never waits. */
void vs_iface_stop(struct vs_iface *iface);
/*
 * Its device, which had been made, has been deleted by somebody else. Takes the keeper's lock, or that
 * of the segments.
 */
bool vs_iface_device_gone(struct vs_iface *iface);

/* ---- in the stack's namespace, by its networking thread ---- */

/*
 * Makes a tap and gives its descriptor (non-blocking), or -errno with a sentence; *offloads: those in
 * force.
 */
int vs_tap_open(const struct vs_wire_iface *want, unsigned *offloads);
/* Sets MAC and MTU of an interface of the current namespace. */
int vs_device_configure(const struct vs_wire_iface *want);
int vs_device_up(const char *name);
bool vs_device_exists(const char *name);
/* Deletes a device of the namespace that the rtnetlink socket belongs to. */
int vs_device_delete(int netlink, const char *name);

/* ---- jobs: threads in the host network that end with their work ---- */

enum vs_job_kind { VS_JOB_OPEN_LINK, VS_JOB_REOPEN_LINK, VS_JOB_JOIN_SEGMENT, VS_JOB_REMOVE };

/* The interface's tap, in a job that was started before there is one. */
enum vs_device_state { VS_DEVICE_THERE, VS_DEVICE_PENDING, VS_DEVICE_FAILED };

struct vs_job {
	struct vs_job *next, **prev;  /* in the keeper's list, under its lock */
	struct vs_keeper *keeper;
	enum vs_job_kind kind;
	struct vs_iface *iface;       /* one use */
	struct vs_call *call;         /* to be answered, unless `answered`; the job's from its start */
	struct vs_locator locator;    /* the call's text, parsed by the keeper itself; points into it */
	pthread_t thread;
	atomic_int tid;               /* of that thread, for /proc */
	int64_t deadline_ms;          /* on the monotonic clock; the main thread nudges the job from then on */
	atomic_bool answered;         /* taken: whoever set it answers */
	struct vs_job *next_held;     /* the main thread's */
	bool held;                    /* by the main thread, which is about to answer; under the keeper's lock */
	bool late;                    /* the main thread has answered; to be nudged until it ends; under the keeper's lock */
	int nudges;                   /* the main thread's: how often, after the answer */
	bool by_packet;               /* the interface gets a port, which the job makes, instead of a tap */
	int ifindex;                  /* for an end of a veth pair */
	bool mine;                    /* the job has taken the answer; its thread's */
	bool pumping;                 /* the pump uses the tap */
	int netlink;                  /* rtnetlink socket of the stack's namespace; -1; with by_packet under the keeper's lock */
	int door;                     /* goes to the caller with the answer: of a stack made by this call; -1 */
	enum vs_device_state device;  /* under the keeper's lock */
	bool absent;                  /* answered: without network for now; whoever takes the answer sets it */
	int result;                   /* of its work */
};

/*
 * Hands a job to a thread; the keeper's main thread starts it, because only threads made
 * there are in the host network. Takes everything in job. 0 or -errno (nothing taken).
 */
int vs_job_submit(struct vs_job *job);
struct vs_job *vs_job_new(struct vs_keeper *k, enum vs_job_kind kind, struct vs_iface *iface, struct vs_call *call);
void vs_job_free(struct vs_job *job);
/*
 * For a job whose device was pending, exactly once, by the networking thread: gives the tap
 * (by_packet: an rtnetlink socket) and the door, or ends the call with this thread's sentence (r < 0).
 * The job is not to be touched afterwards.
 */
void vs_job_device(struct vs_job *job, int r, int device, unsigned offloads, int door);
/* Main thread: starts what was submitted. */
void vs_jobs_start(struct vs_keeper *k);
/* Main thread: nudges jobs past their deadline; gives ms until the next one is due, -1: none. */
int vs_jobs_check(struct vs_keeper *k);

/* ---- pump ---- */

/* Starts the pump threads of an interface with tap and link. 0 or -errno with a sentence. */
int vs_pump_start(struct vs_iface *iface);

/* ---- segments ---- */

/*
 * Makes a veth pair: its end `want` in the stack's namespace, reached by `netlink`, with that index if
 * it is free, the other plugged into the segment called name, made if need be. 0 or -errno with a
 * sentence.
 */
int vs_segment_join(struct vs_iface *iface, const char *name, const struct vs_wire_iface *want, int netlink, int ifindex);
/* Pulls the port's cable, or plugs it in. 0 or -errno. */
int vs_segment_cut(struct vs_iface *iface, bool cut);
/* Its port is not there any more, so its other end is not either. */
bool vs_segment_port_gone(struct vs_iface *iface);
/*
 * Takes the interface's port off its segment; the last one takes the segment down. -errno: the kernel
 * has kept the devices.
 */
int vs_segment_leave(struct vs_iface *iface);

#endif
