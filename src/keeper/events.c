/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Events: from the thread that notices a change to each subscriber.
 *
 *     pump, job, networking thread ──┐                          ┌──▶ subscriber's socket ──▶ program
 *                                    ├─ send ─ each subscriber ─┤
 *     main thread ◀─ route socket ───┘                          └──▶ ...
 *      (addresses)
 *
 * Without a subscriber nothing is sent: an event then costs a lock, and there is no route socket. A route
 * socket is made in the stack's namespace for the first subscriber. It is in the main thread's epoll set.
 *
 * A subscriber's queue is that of its socket. Before it is full, a record says so, while there is space for
 * one. Then nothing is sent until most of the queue has been read. The next record says how many were
 * dropped.
 *
 * The set of subscribers belongs to the stack's networking thread. It also belongs, by counted references, to
 * the interfaces, which may outlive that thread. The lock guards everything in it.
 *
 * A subscriber is dropped when the last copy of its end is closed, which the main thread's epoll reports. For
 * a set without a route socket epoll reports nothing, as the set is not in the keeper's list. Then the
 * subscriber is dropped when the next one comes, or an event is sent.
 */

#include "events.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <netlink/msg.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "closer.h"
#include "keeper.h"
#include "rtnl/netdev.h"
#include "wire/fdmsg.h"
#include <vdestack/events.h>

#define SUBSCRIBERS_MAX 8 /* of programs */
#define NOTED_MAX 32      /* threads of the keeper, for captures */
#define QUEUE_BYTES 65536 /* as the kernel counts them, some 80 records */
#define QUEUE_HIGH (QUEUE_BYTES * 3 / 4)
#define QUEUE_LOW (QUEUE_BYTES / 4)

struct subscriber {
	int fd;
	bool noted;    /* gets notes, too: a thread of the keeper */
	bool full;     /* and a record has said so; nothing is sent until it has read */
	uint32_t lost;
	int64_t ahead_ns; /* how far its CLOCK_MONOTONIC is ahead of ours */
};

struct vs_events {
	struct vs_keeper *keeper;
	/* In the keeper's list, while there is a route socket; under the keeper's lock. */
	struct vs_events *next;
	uint64_t id;
	atomic_uint users;
	pthread_mutex_t lock;   /* guards what follows; taken after the keeper's */
	int netlink;            /* route socket; -1: there has been no subscriber */
	bool ended;
	size_t n;
	struct subscriber subscribers[SUBSCRIBERS_MAX + NOTED_MAX];
};

struct vs_events *vs_events_new(struct vs_keeper *k)
{
	/* Smaller numbers are those of the main thread's other descriptors. */
	static atomic_ullong last_id = 16;
	struct vs_events *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return NULL;
	e->keeper = k;
	e->id = atomic_fetch_add(&last_id, 1) % VS_EVENTS_ID_MAX;
	e->netlink = -1;
	atomic_init(&e->users, 1);
	(void)pthread_mutex_init(&e->lock, NULL);
	return e;
}

struct vs_events *vs_events_ref(struct vs_events *e)
{
	if (e != NULL)
		atomic_fetch_add(&e->users, 1);
	return e;
}

void vs_events_unref(struct vs_events *e)
{
	if (e == NULL || atomic_fetch_sub(&e->users, 1) != 1)
		return;
	vs_events_end(e);
	(void)pthread_mutex_destroy(&e->lock);
	free(e);
}

/* ------------------------------------------------------------------ sending */

static int unread(int fd)
{
	int bytes = 0;

	return ioctl(fd, SIOCOUTQ, &bytes) < 0 ? 0 : bytes;
}

/* False: the other end is closed. */
static bool send_record(const struct subscriber *s, const struct vdestack_event *event, const char *note)
{
	size_t len = note != NULL && s->noted ? strnlen(note, VS_EVENTS_NOTE_MAX - 1) : 0;
	struct iovec iov[2] = { { (void *)(uintptr_t)event, sizeof(*event) },
				{ (void *)(uintptr_t)note, len } };
	struct msghdr h = { .msg_iov = iov, .msg_iovlen = len > 0 ? 2 : 1 };

	return sendmsg(s->fd, &h, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0 || errno == EAGAIN;
}

static bool send_to(struct subscriber *s, const struct vdestack_event *event, const char *note)
{
	struct vdestack_event record = *event;

	if (s->full && unread(s->fd) > QUEUE_LOW && event->type != VDESTACK_EVENT_STACK_ENDED) {
		s->lost++;
		return true;
	}
	record.time_ns = (int64_t)((uint64_t)event->time_ns + (uint64_t)s->ahead_ns);
	record.lost = s->lost;
	s->lost = 0;
	s->full = false;
	if (!send_record(s, &record, note))
		return false;
	if (unread(s->fd) < QUEUE_HIGH)
		return true;
	s->full = true;
	record = (struct vdestack_event){ .type = VDESTACK_EVENT_OVERRUN, .time_ns = record.time_ns };
	return send_record(s, &record, NULL);
}

static void drop_locked(struct vs_events *e, size_t i)
{
	/* ENOENT: not watched. */
	(void)epoll_ctl(e->keeper->epoll, EPOLL_CTL_DEL, e->subscribers[i].fd, NULL);
	vs_close_pair_end(e->subscribers[i].fd);
	e->subscribers[i] = e->subscribers[--e->n];
}

static void tell_locked(struct vs_events *e, struct vdestack_event *event, const char *note)
{
	event->time_ns = vs_now_ns();
	for (size_t i = 0; i < e->n;) {
		if (send_to(&e->subscribers[i], event, note))
			i++;
		else
			drop_locked(e, i);
	}
}

static bool hung_up(int fd)
{
	struct pollfd p = { .fd = fd };

	return poll(&p, 1, 0) > 0 && (p.revents & (POLLHUP | POLLERR)) != 0;
}

static void drop_hung_up_locked(struct vs_events *e)
{
	for (size_t i = 0; i < e->n;) {
		if (hung_up(e->subscribers[i].fd))
			drop_locked(e, i);
		else
			i++;
	}
}

void vs_events_tell_note(struct vs_events *e, struct vdestack_event *event, const char *note)
{
	if (e == NULL)
		return;
	pthread_mutex_lock(&e->lock);
	tell_locked(e, event, note);
	pthread_mutex_unlock(&e->lock);
}

void vs_events_tell_record(struct vs_events *e, struct vdestack_event *event)
{
	vs_events_tell_note(e, event, NULL);
}

void vs_events_tell(struct vs_events *e, uint32_t type, const char *ifname, int error, unsigned attempt)
{
	struct vdestack_event event = { .type = type, .error = error, .attempt = attempt };

	if (ifname != NULL)
		memcpy(event.ifname, ifname, strnlen(ifname, sizeof(event.ifname) - 1));
	vs_events_tell_record(e, &event);
}

/* ------------------------------------------------------------------ addresses */

static struct vs_events **find_locked(struct vs_keeper *k, uint64_t id)
{
	struct vs_events **at = &k->events;

	while (*at != NULL && (*at)->id != id)
		at = &(*at)->next;
	return at;
}

static void tell_address(struct vs_events *e, const struct nlmsghdr *h)
{
	const struct ifaddrmsg *info = NLMSG_DATA(h);
	struct vdestack_event event = { .family = info->ifa_family, .prefix_len = info->ifa_prefixlen };
	int left = (int)IFA_PAYLOAD(h);
	uint32_t flags = info->ifa_flags;
	size_t len = info->ifa_family == AF_INET ? 4 : info->ifa_family == AF_INET6 ? 16 : 0;

	for (const struct rtattr *a = IFA_RTA(info); RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		if (a->rta_type == IFA_FLAGS && RTA_PAYLOAD(a) >= sizeof(flags))
			memcpy(&flags, RTA_DATA(a), sizeof(flags));
		/* IFA_LOCAL comes after IFA_ADDRESS. If there are both, it is the one wanted. */
		if ((a->rta_type == IFA_ADDRESS || a->rta_type == IFA_LOCAL) && len > 0 &&
		    RTA_PAYLOAD(a) == len)
			(void)inet_ntop(info->ifa_family, RTA_DATA(a), event.addr, sizeof(event.addr));
	}
	if (len == 0 || (h->nlmsg_type == RTM_NEWADDR &&
			 (flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) == IFA_F_TENTATIVE))
		return;
	bool lost = h->nlmsg_type == RTM_DELADDR || (flags & IFA_F_DADFAILED);
	event.type = lost ? VDESTACK_EVENT_ADDR_LOST : VDESTACK_EVENT_ADDR_READY;
	event.error = h->nlmsg_type != RTM_DELADDR && lost ? EADDRINUSE : 0;
	/* An interface that is gone has no name. */
	(void)vs_netdev_name(e->netlink, (int)info->ifa_index, event.ifname);
	tell_locked(e, &event, NULL);
}

static void read_netlink_locked(struct vs_events *e)
{
	_Alignas(struct nlmsghdr) char buf[8192];
	ssize_t n;

	while ((n = recv(e->netlink, buf, sizeof(buf), MSG_DONTWAIT)) > 0 || (n < 0 && errno == ENOBUFS)) {
		if (n < 0) { /* the kernel has dropped notifications */
			struct vdestack_event event = { .type = VDESTACK_EVENT_OVERRUN };
			tell_locked(e, &event, NULL);
			continue;
		}
		int left = (int)n; /* the last one may lack its padding */
		for (struct nlmsghdr *h = (void *)buf; nlmsg_ok(h, left); h = nlmsg_next(h, &left))
			if ((h->nlmsg_type == RTM_NEWADDR || h->nlmsg_type == RTM_DELADDR) &&
			    h->nlmsg_len >= NLMSG_LENGTH(sizeof(struct ifaddrmsg)))
				tell_address(e, h);
	}
}

void vs_events_look(struct vs_keeper *k, uint64_t id)
{
	pthread_mutex_lock(&k->lock);
	struct vs_events *e = *find_locked(k, id);
	if (e != NULL) {
		pthread_mutex_lock(&e->lock);
		read_netlink_locked(e);
		drop_hung_up_locked(e);
		pthread_mutex_unlock(&e->lock);
	}
	pthread_mutex_unlock(&k->lock);
}

/* The keeper's lock is held, and e's. */
static int watch_addresses(struct vs_events *e, int netlink)
{
	struct sockaddr_nl groups = { .nl_family = AF_NETLINK,
				      .nl_groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR };
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = e->id };

	if (bind(netlink, (struct sockaddr *)&groups, sizeof(groups)) < 0 ||
	    epoll_ctl(e->keeper->epoll, EPOLL_CTL_ADD, netlink, &event) < 0)
		return -errno;
	e->netlink = netlink;
	e->next = e->keeper->events;
	e->keeper->events = e;
	return 0;
}

/* ------------------------------------------------------------------ subscribing, ending */

/*
 * Only for a set in the keeper's list. For others the hang-up would not be handled, and epoll would report it
 * again and again.
 */
static int watch_hangup(struct vs_events *e, int fd)
{
	struct epoll_event event = { .events = 0, .data.u64 = e->id };

	return e->netlink >= 0 && epoll_ctl(e->keeper->epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static bool has_room_locked(const struct vs_events *e, bool noted)
{
	size_t n = 0;

	for (size_t i = 0; i < e->n; i++)
		n += e->subscribers[i].noted == noted;
	return n < (noted ? NOTED_MAX : SUBSCRIBERS_MAX);
}

static int add_locked(struct vs_events *e, int *netlink, const struct subscriber *s, int pair[2])
{
	int size = QUEUE_BYTES / 2; /* the kernel doubles it */

	drop_hung_up_locked(e);
	int r = has_room_locked(e, s->noted) ? 0 : -EMFILE;
	if (r == 0 && e->netlink < 0 && *netlink >= 0) {
		r = watch_addresses(e, *netlink);
		if (r == 0)
			(void)vs_steal_fd(netlink);
	}
	if (r < 0)
		return r;
	if (setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) < 0)
		return -errno;
	r = watch_hangup(e, pair[0]);
	if (r < 0)
		return r;
	e->subscribers[e->n] = *s;
	e->subscribers[e->n++].fd = vs_steal_fd(&pair[0]);
	return 0;
}

static int subscribe(struct vs_events *e, int netlink, const struct subscriber *s)
{
	struct vs_keeper *k = e->keeper;
	int pair[2];
	int r = vs_socketpair(pair);

	if (r == 0) {
		pthread_mutex_lock(&k->lock);
		pthread_mutex_lock(&e->lock);
		r = add_locked(e, &netlink, s, pair);
		pthread_mutex_unlock(&e->lock);
		pthread_mutex_unlock(&k->lock);
		if (r < 0) {
			vs_close(pair[0]);
			vs_close(pair[1]);
		}
	}
	vs_close(netlink);
	return r < 0 ? r : pair[1];
}

int vs_events_subscribe(struct vs_events *e, int netlink, int64_t ahead_ns)
{
	return subscribe(e, netlink, &(struct subscriber){ .ahead_ns = ahead_ns });
}

int vs_events_subscribe_notes(struct vs_events *e, int netlink)
{
	return subscribe(e, netlink, &(struct subscriber){ .noted = true });
}

bool vs_events_has_subscribers(struct vs_events *e)
{
	if (e == NULL)
		return false;
	pthread_mutex_lock(&e->lock);
	bool any = e->n > 0;
	pthread_mutex_unlock(&e->lock);
	return any;
}

void vs_events_end(struct vs_events *e)
{
	struct vdestack_event event = { .type = VDESTACK_EVENT_STACK_ENDED };

	if (e == NULL)
		return;
	struct vs_keeper *k = e->keeper;
	pthread_mutex_lock(&k->lock);
	pthread_mutex_lock(&e->lock);
	if (e->netlink >= 0) {
		struct vs_events **at = find_locked(k, e->id);
		*at = e->next;
		vs_close(vs_steal_fd(&e->netlink)); /* so it leaves the epoll set */
	}
	if (!e->ended)
		tell_locked(e, &event, NULL);
	e->ended = true;
	while (e->n > 0)
		vs_close_pair_end(e->subscribers[--e->n].fd);
	pthread_mutex_unlock(&e->lock);
	pthread_mutex_unlock(&k->lock);
}
