/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a resolver knows stands in a state: settings, addresses of the stack, cache, idle lanes. The state
 * belongs to one process. The resolver has a page that is zero in a forked child, with the lock and the
 * pointer to the state. So a fork during calls of other threads leaves nothing locked, and the child begins
 * with a state of its own. What the parent's copy has allocated stays allocated in the child.
 *
 * The lock is held for work in memory only, and for reading the files that options name. Round trips to the
 * keeper are made without it.
 */

#include "state.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cache.h"
#include "lane.h"

struct vs_page *vs_state_new_page(void)
{
	struct vs_page *page = mmap(NULL, sizeof(struct vs_page), PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return NULL;
	if (madvise(page, sizeof(struct vs_page), MADV_WIPEONFORK) < 0) {
		munmap(page, sizeof(struct vs_page));
		return NULL;
	}
	return page;
}

void vs_state_free_page(struct vs_page *page)
{
	if (page != NULL)
		munmap(page, sizeof(*page));
}

void vs_state_drop_lanes(struct vs_state *s)
{
	while (s->n_idle > 0)
		vs_lane_delete(s->idle[--s->n_idle]);
}

void vs_state_free(struct vs_state *s)
{
	if (s == NULL)
		return;
	vs_state_drop_lanes(s);
	vs_cache_delete(s->cache);
	free(s->addresses);
	vs_textfile_free(&s->resolv_conf);
	vs_textfile_free(&s->hosts);
	vs_textfile_free(&s->services);
	if (s->events_fd >= 0)
		close(s->events_fd);
	free(s);
}

static struct vs_state *new_state(const struct vdestack_dns *dns)
{
	static atomic_uint_fast64_t processes; /* a child goes on with its copy, so its numbers are others */
	struct vs_state *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->cache = vs_cache_new((size_t)dns->options.opts.cache_entries);
	if (s->cache == NULL) {
		free(s);
		return NULL;
	}
	s->epoch.process = atomic_fetch_add(&processes, 1) + 1;
	s->events_fd = VS_EVENTS_UNTRIED;
	s->resolv_conf.path = dns->options.opts.resolv_conf;
	s->hosts.path = dns->options.opts.hosts;
	s->services.path = dns->options.opts.services;
	vs_settings_init(&s->settings);
	return s;
}

uint64_t vs_state_cookie_of(int fd)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);

	return getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len) < 0 ? 0 : cookie;
}

bool vs_state_is_ours(const struct vdestack_dns *dns, int fd)
{
	uint64_t cookie = vs_state_cookie_of(fd);

	return cookie != 0 && cookie == dns->events_cookie;
}

struct vs_state *vs_state_lock(struct vdestack_dns *dns)
{
	pthread_mutex_lock(&dns->page->lock);
	if (dns->page->state == NULL) {
		dns->page->state = new_state(dns);
		if (dns->page->state != NULL) {
			dns->page->state->inherited = dns->known;
			dns->known = dns->page->state;
		}
		/*
		 * A forked child closes its copy of the parent's subscription: each record goes to one
		 * reader.
		 */
		if (dns->page->state != NULL && dns->events_fd >= 0) {
			if (vs_state_is_ours(dns, dns->events_fd))
				close(dns->events_fd);
			dns->events_fd = VS_EVENTS_NONE;
		}
	}
	if (dns->page->state == NULL)
		pthread_mutex_unlock(&dns->page->lock);
	return dns->page->state;
}

void vs_state_unlock(struct vdestack_dns *dns)
{
	pthread_mutex_unlock(&dns->page->lock);
}

void vs_state_forget(struct vs_state *s)
{
	s->epoch.network++;
	s->settings_known = s->addresses_known = false;
	vs_cache_clear(s->cache);
}
