/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_EVENTS_H
#define VDESTACK_EVENTS_H

/*
 * Events of a stack's interfaces and of their address sources. The conventions of <vdestack.h> hold.
 */

#include <net/if.h>
#include <netinet/in.h>
#include <stdint.h>
#include <vdestack.h>

#ifdef __cplusplus
extern "C" {
#endif

enum vdestack_event_type {
	VDESTACK_EVENT_LINK_UP = 1,     /* the interface is connected (again) and has carrier, unless cut */
	VDESTACK_EVENT_LINK_DOWN = 2,   /* its network is lost: error is what reported it, 0: a hang-up */
	VDESTACK_EVENT_LINK_RETRY = 3,  /* reconnecting has failed with error; attempt counts from 1 */
	VDESTACK_EVENT_CARRIER_CUT = 4, /* vdestack_link_set_carrier() has cut it */
	VDESTACK_EVENT_CARRIER_RESTORED = 5,
	VDESTACK_EVENT_ADDR_READY = 6,  /* addr can be used: it has passed duplicate address detection */
	VDESTACK_EVENT_ADDR_LOST = 7,   /* addr was removed, or (error EADDRINUSE) another host uses it */
	VDESTACK_EVENT_OVERRUN = 8,     /* the queue is full: events are dropped until it has been read */
	VDESTACK_EVENT_STACK_ENDED = 9, /* the last holder has deleted the stack; nothing follows */
	VDESTACK_EVENT_KEEPER_LOST = 10, /* the stack has ended with its keeper; nothing follows */
	/* Of address sources, <vdestack/sources.h>: */
	VDESTACK_EVENT_SOURCE_GAINED = 11, /* it has addr, or, without addresses, what it was asked for */
	VDESTACK_EVENT_SOURCE_RENEWED = 12, /* the same addr, with a new lifetime */
	VDESTACK_EVENT_SOURCE_CHANGED = 13, /* other routes, addresses or name servers; dns=, domain= */
	VDESTACK_EVENT_SOURCE_LOST = 14,  /* it has no address any more: expired, refused, stopped */
	VDESTACK_EVENT_SOURCE_CONFLICT = 15, /* another host uses addr (error EADDRINUSE) */
	VDESTACK_EVENT_SOURCE_REFUSED = 16, /* the server has refused */
	VDESTACK_EVENT_SOURCE_SILENT = 17, /* no server has answered so far; once per search */
	VDESTACK_EVENT_SOURCE_IPV6_ONLY = 18, /* DHCPv4 waits, as the network prefers IPv6 (RFC 8925) */
	VDESTACK_EVENT_SOURCE_STORAGE = 19, /* a lease file is damaged, or is not read or written: error */
	VDESTACK_EVENT_IMPAIRED = 20 /* its impairment or its group was changed, <vdestack/impair.h> */
};

/* A record: 128 bytes in every version. */
struct vdestack_event {
	uint32_t type;           /* enum vdestack_event_type; later versions may add some */
	int32_t error;           /* an errno, 0: none */
	uint32_t attempt;        /* of LINK_RETRY */
	uint32_t lost;           /* events dropped before this one, since an OVERRUN */
	int64_t time_ns;         /* CLOCK_MONOTONIC of the process that has called vdestack_events() */
	char ifname[IF_NAMESIZE];
	uint8_t family;          /* of addr, AF_INET or AF_INET6; 0: there is none */
	uint8_t prefix_len;
	char addr[INET6_ADDRSTRLEN]; /* text; "": there is none */
	uint8_t source;          /* of SOURCE_...: enum vdestack_source_kind; 0: not about a source */
	uint8_t reserved1[3];    /* 0 */
	uint32_t valid_s;        /* of SOURCE_GAINED and _RENEWED: lifetime of addr, UINT32_MAX: for ever */
	uint8_t reserved[32];    /* 0 in this version */
};

/*
 * Returns a descriptor that becomes readable (poll(2), epoll(7)) when an event has happened after
 * this call; the caller closes it. Each call returns another one, which receives all events. It is
 * close-on-exec and never blocks. It can be read with read(2), a record each, or by
 * vdestack_event_read(). At end of file the stack has ended. After fork parent and child share it,
 * and each record goes to one of them. EMFILE: eight are open for this stack.
 */
int vdestack_events(struct vdestack *stack) VDESTACK_NODISCARD;

/*
 * The next record: returns 1, and *event is filled; 0: none came within timeout_ms; -1 with EPIPE
 * once the last one, STACK_ENDED or KEEPER_LOST, has been read; EBADF, EINVAL: no such descriptor.
 * May be called from several threads; a cancellation point while it waits.
 */
int vdestack_event_read(int fd, struct vdestack_event *event, int timeout_ms) VDESTACK_NONNULL(2);

/*
 * Cuts the carrier of an interface that this library has made, or restores it (on != 0). Without
 * carrier it passes no frames, as if its cable were pulled; it stays connected to its network.
 * ENODEV: there is no such interface. EPERM: this process has given up the privileges that the stack was
 * made with, or has been sealed.
 */
int vdestack_link_set_carrier(struct vdestack *stack, const char *ifname, int on) VDESTACK_NONNULL(2);

#ifdef __cplusplus
}
#endif

#endif
