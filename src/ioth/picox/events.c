/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * lwIP tells nobody of the end of its duplicate address detection. So all that counts is looked at again and
 * again, by a timer of lwIP, and also where a source has had something to do. If it is no longer as it was,
 * each descriptor gets a byte. The timer runs while there are descriptors.
 *
 * A descriptor whose socket is full is readable anyway.
 */

#include "events.h"

#include <errno.h>
#include <lwip/timeouts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "iface.h"
#include "loop.h"
#include "settings.h"
#include "sources.h"
#include <vdestack/sources.h>

#define LOOK_MS 50
#define EVENTS_MAX 256
#define PART 8 /* sources that are looked at together */

struct listener {
	struct px_watch watch; /* first */
	struct listener *next;
};

static struct listener *listeners;
static unsigned n_listeners;
static uint64_t seen; /* the state of the last look */

/* ------------------------------------------------------------------ the state */

/* FNV-1a. */
static uint64_t mix(uint64_t sum, const void *data, size_t n)
{
	const unsigned char *bytes = data;

	for (size_t i = 0; i < n; i++)
		sum = (sum ^ bytes[i]) * 0x100000001b3u;
	return sum;
}

/* Times and counters go on by themselves. */
static uint64_t mix_source(uint64_t sum, const struct vdestack_source *s)
{
	sum = mix(sum, s->ifname, strlen(s->ifname) + 1);
	sum = mix(sum, &s->source, sizeof(s->source));
	sum = mix(sum, &s->ready, sizeof(s->ready));
	sum = mix(sum, s->state, strlen(s->state) + 1);
	sum = mix(sum, s->problem, strlen(s->problem) + 1);
	return mix(sum, s->server, strlen(s->server) + 1);
}

static uint64_t mix_sources(uint64_t sum)
{
	struct vdestack_source list[PART];
	size_t first = 0, n;

	do {
		n = px_sources_list("", first, list, PART);
		for (size_t i = first; i < n && i - first < PART; i++)
			sum = mix_source(sum, &list[i - first]);
		first += PART;
	} while (first < n);
	return sum;
}

static uint64_t mix_addrs(uint64_t sum)
{
	struct vs_pxnl_addr addr;

	for (size_t i = 0; px_settings_ops.addr_at(NULL, i, &addr); i++) {
		sum = mix(sum, &addr.ifindex, sizeof(addr.ifindex));
		sum = mix(sum, addr.bytes, sizeof(addr.bytes));
		sum = mix(sum, &addr.flags, sizeof(addr.flags));
	}
	return sum;
}

static uint64_t mix_links(uint64_t sum)
{
	for (struct px_iface *i = px_iface_first(); i != NULL; i = i->next) {
		sum = mix(sum, i->name, strlen(i->name) + 1);
		sum = mix(sum, &i->netif.flags, sizeof(i->netif.flags));
	}
	return sum;
}

static uint64_t state(void)
{
	return mix_links(mix_addrs(mix_sources(0xcbf29ce484222325u)));
}

/* ------------------------------------------------------------------ telling */

static void tell_all(void)
{
	for (struct listener *l = listeners; l != NULL; l = l->next)
		(void)send(l->watch.fd, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void px_events_look(void)
{
	if (listeners == NULL)
		return;
	uint64_t now = state();
	if (now == seen)
		return;
	seen = now;
	tell_all();
}

static void look_again(void *arg)
{
	(void)arg;
	if (listeners == NULL)
		return;
	px_events_look();
	sys_timeout(LOOK_MS, look_again, NULL);
}

/* ------------------------------------------------------------------ making and ending */

/* The program has closed its end. What it has sent is nothing that counts. */
static void closed(struct px_watch *watch, uint32_t events)
{
	struct listener *gone = (struct listener *)watch;

	(void)events;
	for (struct listener **at = &listeners; *at != NULL; at = &(*at)->next)
		if (*at == gone) {
			*at = gone->next;
			break;
		}
	n_listeners--;
	if (listeners == NULL)
		sys_untimeout(look_again, NULL);
	px_loop_remove(watch);
	vs_close(watch->fd);
	free(gone);
}

static int add(int fd)
{
	struct listener *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return -ENOMEM;
	l->watch = (struct px_watch){ fd, closed };
	int r = px_loop_add(&l->watch, EPOLLRDHUP);
	if (r < 0) {
		free(l);
		return r;
	}
	px_events_look(); /* the others hear of what was before */
	if (listeners == NULL) {
		seen = state();
		sys_timeout(LOOK_MS, look_again, NULL);
	}
	l->next = listeners;
	listeners = l;
	n_listeners++;
	return 0;
}

int px_events_new(int *fd)
{
	int ends[2];

	if (n_listeners >= EVENTS_MAX)
		return -ENFILE;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
		return -errno;
	int r = add(ends[0]);
	if (r < 0) {
		vs_close(ends[0]);
		vs_close(ends[1]);
		return r;
	}
	*fd = ends[1];
	return 0;
}
