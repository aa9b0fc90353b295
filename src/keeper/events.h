/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_KEEPER_EVENTS_H
#define VS_KEEPER_EVENTS_H

/* The subscribers of a stack's events. */

#include <stdbool.h>
#include <stdint.h>

struct vs_keeper;
struct vs_events;
struct vdestack_event;

/* A set without subscribers, with one user. NULL: out of memory. */
struct vs_events *vs_events_new(struct vs_keeper *k);
/* NULL is allowed in all that follows. */
struct vs_events *vs_events_ref(struct vs_events *e);
void vs_events_unref(struct vs_events *e);

/*
 * Adds a subscriber. Returns its descriptor, or -errno. netlink: a route socket of the stack's namespace,
 * taken; -1: none. ahead_ns: how far the subscriber's clock is ahead of ours, if it is in another time
 * namespace.
 */
int vs_events_subscribe(struct vs_events *e, int netlink, int64_t ahead_ns);

/*
 * The same for a thread of the keeper: it takes no place of a program's subscriber, and gets notes, too.
 * Each message is a struct vdestack_event and, if there is one, a text without NUL of less than
 * VS_EVENTS_NOTE_MAX bytes.
 */
int vs_events_subscribe_notes(struct vs_events *e, int netlink);
#define VS_EVENTS_NOTE_MAX 1400

/*
 * Sends an event to all subscribers. Any thread; never blocks. type: enum vdestack_event_type. ifname may be
 * NULL.
 */
void vs_events_tell(struct vs_events *e, uint32_t type, const char *ifname, int error, unsigned attempt);

/* The same with a record that has all but the time and the count of lost events. */
void vs_events_tell_record(struct vs_events *e, struct vdestack_event *event);

/* The same with a note: what the record has no room for, for those that get notes. It may be NULL. */
void vs_events_tell_note(struct vs_events *e, struct vdestack_event *event, const char *note);

/* Whether there is a subscriber. Any thread. */
bool vs_events_has_subscribers(struct vs_events *e);

/* The stack has ended: sends the last event and closes the sockets. */
void vs_events_end(struct vs_events *e);

/*
 * Main thread: the addresses of a namespace have changed, or a subscriber has hung up. id: of the set, from
 * the epoll event.
 */
void vs_events_look(struct vs_keeper *k, uint64_t id);

/* In the keeper's epoll set smaller numbers are those of events, larger ones those of channels and lives. */
#define VS_EVENTS_ID_MAX (UINT64_C(1) << 32)

#endif
