/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_EVENTS_H
#define VDESTACK_EVENTS_H

/*
 * What happens to a stack's interfaces without being asked for. The conventions of
 * <vdestack.h> hold.
 */

#include <net/if.h>
#include <netinet/in.h>
#include <stdint.h>
#include <vdestack.h>

#ifdef __cplusplus
extern "C" {
#endif

enum vdestack_event_type {
	VDESTACK_EVENT_LINK_UP = 1,     /* the interface is joined to its network (again) and has carrier, unless cut */
	VDESTACK_EVENT_LINK_DOWN = 2,   /* its network has gone: error says what it was told by, 0: a hang-up */
	VDESTACK_EVENT_LINK_RETRY = 3,  /* joining it again has failed with error; attempt counts from 1 */
	VDESTACK_EVENT_CARRIER_CUT = 4, /* vdestack_link_set_carrier() has cut it */
	VDESTACK_EVENT_CARRIER_RESTORED = 5,
	VDESTACK_EVENT_ADDR_READY = 6,  /* addr can be used: it has passed duplicate address detection, if it takes one */
	VDESTACK_EVENT_ADDR_LOST = 7,   /* addr is gone, or (error EADDRINUSE) somebody else has it */
	VDESTACK_EVENT_OVERRUN = 8,     /* the queue is full: what comes from now on is dropped until it has been read */
	VDESTACK_EVENT_STACK_ENDED = 9, /* the last holder has deleted the stack; nothing follows */
	VDESTACK_EVENT_KEEPER_LOST = 10 /* the stack has ended with its keeper; nothing follows */
};

/* A record: 128 bytes in every version. */
struct vdestack_event {
	uint32_t type;           /* enum vdestack_event_type; later versions may add some: pass over what is not known */
	int32_t error;           /* an errno, 0: none */
	uint32_t attempt;        /* of LINK_RETRY */
	uint32_t lost;           /* events dropped before this one, since an OVERRUN */
	int64_t time_ns;         /* CLOCK_MONOTONIC of the process that has called vdestack_events() */
	char ifname[IF_NAMESIZE];
	uint8_t family;          /* of addr, AF_INET or AF_INET6; 0: there is none */
	uint8_t prefix_len;
	char addr[INET6_ADDRSTRLEN]; /* text; "": there is none */
	uint8_t reserved[40];    /* 0 in this version */
};

/*
 * A descriptor that becomes readable (poll(2), epoll(7)) when something has happened since
 * this call; the caller closes it. Each call gives another one, with all events of its own. It is
 * close-on-exec and never blocks. It can be read with read(2), a record each, or by
 * vdestack_event_read(). At end of file the stack has ended. After fork parent and child share it, and each
 * record goes to one of them. EMFILE: eight are open for this stack.
 */
int vdestack_events(struct vdestack *stack);

/*
 * The next record: returns 1, and *event is filled; 0: none came within timeout_ms; -1 with EPIPE once the last one, STACK_ENDED or KEEPER_LOST, has been read; EBADF, EINVAL:
 * no such descriptor. May be called from several threads; a cancellation point while it waits.
 */
int vdestack_event_read(int fd, struct vdestack_event *event, int timeout_ms);

/*
 * Pulls the cable of an interface that this library has made, or plugs it in again (on != 0). It
 * loses its carrier and passes no frames; its network is not left. ENODEV: no such one.
 */
int vdestack_link_set_carrier(struct vdestack *stack, const char *ifname, int on);

#ifdef __cplusplus
}
#endif

#endif
