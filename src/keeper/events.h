/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_KEEPER_EVENTS_H
#define VS_KEEPER_EVENTS_H

/* Who wants to know what happens to a stack. */

#include <stdbool.h>
#include <stdint.h>

struct vs_keeper;
struct vs_events;
struct vdestack_event;

/* With one user. NULL: out of memory. */
struct vs_events *vs_events_new(struct vs_keeper *k);
/* NULL is allowed in all that follows. */
struct vs_events *vs_events_ref(struct vs_events *e);
void vs_events_unref(struct vs_events *e);

/*
 * A new subscriber: gives its descriptor, or -errno. netlink: a route socket of the stack's namespace,
 * taken; -1: none. ahead_ns: how far its clock is ahead of ours; it lives in another time namespace then.
 */
int vs_events_subscribe(struct vs_events *e, int netlink, int64_t ahead_ns);

/* Tells all subscribers. Any thread; never blocks. type: enum vdestack_event_type. ifname may be NULL. */
void vs_events_tell(struct vs_events *e, uint32_t type, const char *ifname, int error, unsigned attempt);

/* Whether anybody would hear. Any thread. */
bool vs_events_has_subscribers(struct vs_events *e);

/* The stack has ended: tells so and closes. */
void vs_events_end(struct vs_events *e);

/*
 * Main thread: the addresses of a namespace have changed, or a subscriber has hung up; id is that of
 * the events.
 */
void vs_events_look(struct vs_keeper *k, uint64_t id);

/* Numbers in the keeper's epoll set below this are events', not channels'. */
#define VS_EVENTS_ID_MAX (UINT64_C(1) << 32)

#endif
