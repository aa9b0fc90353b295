/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a resolver knows stands in a state: settings, addresses of the stack, cache, idle lanes. The state belongs
 * to one process. The resolver has a page that is zero in a forked child, with the lock and the pointer to the
 * state. So a fork during calls of other threads leaves nothing locked, and the child begins with a state of
 * its own. What the parent's copy has allocated stays allocated in the child.
 *
 * Settings and addresses are read from the keeper once. A subscription to the stack's events tells when they may
 * have changed: reading it costs one system call a lookup, and no round trip. Where there is no subscription
 * (eight of the stack are open), they are read again after a second.
 *
 * The lock is held for work in memory only, and for reading the files that options name. Round trips to the keeper
 * are made without it, and what they return is dropped if the network has changed meanwhile.
 */

#include "resolver.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <vdestack/events.h>

#include "answer.h"
#include "cache.h"
#include "error.h"
#include "lane.h"
#include "options.h"
#include "services.h"
#include "textfile.h"

#define IDLE_LANES 8
#define STALE_MS 1000

/* The call of <vdestack/sources.h>, of versions of libvdestack that have it. */
extern int vdestack_resolvconf(struct vdestack *stack, const char *ifname, char *buf, size_t size)
	__attribute__((weak));

/* events_fd, before the first try and where there is none. */
#define EVENTS_UNTRIED (-2)
#define EVENTS_NONE (-1)

struct state {
	struct vs_epoch epoch;
	bool settings_known, addresses_known;
	struct timespec known_since;
	int events_fd;
	struct vs_settings settings;
	struct vdestack_addr *addresses;
	size_t n_addresses;
	struct vs_textfile resolv_conf, hosts, services;
	struct vs_cache *cache;
	struct vs_lane *idle[IDLE_LANES]; /* made with these settings */
	size_t n_idle;
};

/* Zero in a forked child. */
struct page {
	pthread_mutex_t lock; /* zero is an unlocked one */
	struct state *state;  /* under the lock */
	unsigned users;       /* of a stack's own resolver; under the registry's lock */
};

struct vdestack_dns {
	struct vdestack *stack;
	struct vs_options options;
	struct page *page;
	/*
	 * The subscription of the process that has made it, and its cookie. A program may close descriptors that
	 * it does not know, so the number alone does not say what it is. Under the lock.
	 */
	int events_fd;
	uint64_t events_cookie;
	bool replaced;            /* by vdestack_dns_set(); under the registry's lock */
	struct vdestack_dns *next; /* in the registry */
};

static void *wiped_page(void)
{
	void *page = mmap(NULL, sizeof(struct page), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return NULL;
	if (madvise(page, sizeof(struct page), MADV_WIPEONFORK) < 0) {
		munmap(page, sizeof(struct page));
		return NULL;
	}
	return page;
}

/* ------------------------------------------------------------------ state */

static void drop_lanes(struct state *s)
{
	while (s->n_idle > 0)
		vs_lane_delete(s->idle[--s->n_idle]);
}

static void free_state(struct state *s)
{
	if (s == NULL)
		return;
	drop_lanes(s);
	vs_cache_delete(s->cache);
	free(s->addresses);
	vs_textfile_free(&s->resolv_conf);
	vs_textfile_free(&s->hosts);
	vs_textfile_free(&s->services);
	if (s->events_fd >= 0)
		close(s->events_fd);
	free(s);
}

static struct state *new_state(const struct vdestack_dns *dns)
{
	static atomic_uint_fast64_t processes; /* a child goes on with its copy, so its numbers are others */
	struct state *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->cache = vs_cache_new((size_t)dns->options.opts.cache_entries);
	if (s->cache == NULL) {
		free(s);
		return NULL;
	}
	s->epoch.process = atomic_fetch_add(&processes, 1) + 1;
	s->events_fd = EVENTS_UNTRIED;
	s->resolv_conf.path = dns->options.opts.resolv_conf;
	s->hosts.path = dns->options.opts.hosts;
	s->services.path = dns->options.opts.services;
	vs_settings_init(&s->settings);
	return s;
}

static uint64_t cookie_of(int fd)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);

	return getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len) < 0 ? 0 : cookie;
}

static bool is_ours(const struct vdestack_dns *dns, int fd)
{
	uint64_t cookie = cookie_of(fd);

	return cookie != 0 && cookie == dns->events_cookie;
}

/* Locks, and makes the state if this process has none. NULL, not locked: out of memory. */
static struct state *lock(struct vdestack_dns *dns)
{
	pthread_mutex_lock(&dns->page->lock);
	if (dns->page->state == NULL) {
		dns->page->state = new_state(dns);
		/* A forked child closes its copy of the parent's subscription: each record goes to one reader. */
		if (dns->page->state != NULL && dns->events_fd >= 0) {
			if (is_ours(dns, dns->events_fd))
				close(dns->events_fd);
			dns->events_fd = EVENTS_NONE;
		}
	}
	if (dns->page->state == NULL)
		pthread_mutex_unlock(&dns->page->lock);
	return dns->page->state;
}

static void unlock(struct vdestack_dns *dns)
{
	pthread_mutex_unlock(&dns->page->lock);
}

static void forget(struct state *s)
{
	s->epoch.network++;
	s->settings_known = s->addresses_known = false;
	vs_cache_clear(s->cache);
}

/* ------------------------------------------------------------------ following the network */

/* Reads all events that have come. */
static void notice_events_locked(struct vdestack_dns *dns, struct state *s)
{
	struct vdestack_event event;
	ssize_t n;

	if (s->events_fd < 0)
		return;
	if (is_ours(dns, s->events_fd)) {
		while ((n = read(s->events_fd, &event, sizeof(event))) > 0)
			forget(s);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		close(s->events_fd); /* the stack has ended */
	} else {
		forget(s); /* the program has closed it: events may have been lost */
	}
	s->events_fd = dns->events_fd = EVENTS_NONE;
}

static bool is_stale(const struct state *s)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - s->known_since.tv_sec) * 1000 + (now.tv_nsec - s->known_since.tv_nsec) / 1000000 > STALE_MS;
}

static void notice_locked(struct vdestack_dns *dns, struct state *s)
{
	notice_events_locked(dns, s);
	if (s->events_fd == EVENTS_NONE && s->settings_known && is_stale(s))
		s->settings_known = s->addresses_known = false;
	if (vs_textfile_refresh(&s->resolv_conf))
		s->settings_known = false;
}

static void subscribe(struct vdestack_dns *dns)
{
	int fd = vdestack_events(dns->stack);
	struct state *s = lock(dns);

	if (s != NULL && s->events_fd == EVENTS_UNTRIED) {
		s->events_fd = dns->events_fd = fd >= 0 ? fd : EVENTS_NONE;
		dns->events_cookie = fd >= 0 ? cookie_of(fd) : 0;
		fd = -1;
	}
	if (s != NULL)
		unlock(dns);
	if (fd >= 0)
		close(fd);
}

/* The indices of zones. A zone that the stack does not have stays without. */
static void find_scopes(struct vdestack *stack, struct vs_settings *settings)
{
	for (size_t i = 0; i < settings->n_servers; i++) {
		struct vs_server *server = &settings->servers[i];
		if (server->zone[0] == '\0')
			continue;
		int index = vdestack_if_nametoindex(stack, server->zone);
		server->scope = index > 0 ? (uint32_t)index : (uint32_t)strtoul(server->zone, NULL, 10);
	}
}

/* What the stack itself says, as a text; "" if nothing is known. */
static char *stack_text(struct vdestack *stack)
{
	for (size_t size = 4096; size <= 65536; size *= 2) {
		char *text = malloc(size);
		if (text == NULL)
			return NULL;
		text[0] = '\0';
		if (vdestack_resolvconf == NULL || vdestack_resolvconf(stack, NULL, text, size) >= 0)
			return text;
		free(text);
		if (errno != ERANGE)
			return NULL;
	}
	return NULL;
}

/* Puts the settings together: options, file, stack. `file`: the text of the file, if an option names one. */
static int read_settings(struct vdestack_dns *dns, const char *file, struct vs_settings *out)
{
	const struct vs_options *o = &dns->options;

	vs_settings_init(out);
	if (o->opts.resolv_conf != NULL) {
		if (file != NULL)
			vs_settings_resolv_conf(out, file, true);
	} else if (o->opts.servers == NULL || o->opts.search == NULL) {
		char *text = stack_text(dns->stack);
		if (text == NULL)
			return -errno;
		vs_settings_resolv_conf(out, text, false);
		free(text);
	}
	if (o->opts.servers != NULL) {
		if (o->opts.search == NULL && o->opts.resolv_conf == NULL)
			out->n_search = 0; /* of other name servers */
		out->refused[0] = '\0';
		(void)vs_settings_servers(out, o->opts.servers); /* checked before */
	}
	if (o->opts.search != NULL)
		(void)vs_settings_search(out, o->opts.search);
	find_scopes(dns->stack, out);
	return 0;
}

static int read_addresses(struct vdestack *stack, struct vdestack_addr **list)
{
	size_t n = 16;

	for (int tries = 0; tries < 8; tries++) {
		struct vdestack_addr *to = calloc(n, sizeof(*to));
		if (to == NULL)
			return -ENOMEM;
		int have = vdestack_addr_list(stack, NULL, to, n, sizeof(*to));
		if (have >= 0 && (size_t)have <= n) {
			*list = to;
			return have;
		}
		free(to);
		if (have < 0)
			return -errno;
		n = (size_t)have + 8;
	}
	return -EAGAIN;
}

/* Takes new settings. Lanes have servers of their own, so those with other settings are not used again. */
static void take_settings_locked(struct state *s, const struct vs_settings *settings)
{
	if (memcmp(&s->settings, settings, sizeof(*settings)) != 0) {
		drop_lanes(s);
		vs_cache_clear(s->cache);
		s->settings = *settings;
	}
	s->settings_known = true;
	clock_gettime(CLOCK_MONOTONIC, &s->known_since);
}

static int fetch(struct vdestack_dns *dns, const struct vs_epoch *epoch, const char *file, bool settings,
		 bool addresses)
{
	struct vs_settings *new_settings = settings ? malloc(sizeof(*new_settings)) : NULL;
	struct vdestack_addr *new_addresses = NULL;
	int n = 0, err = settings && new_settings == NULL ? -ENOMEM : 0;

	if (err == 0 && settings)
		err = read_settings(dns, file, new_settings);
	if (err == 0 && addresses) {
		n = read_addresses(dns->stack, &new_addresses);
		err = n < 0 ? n : 0;
	}
	struct state *s = err == 0 ? lock(dns) : NULL;
	if (s != NULL) {
		bool same = s->epoch.network == epoch->network; /* else the next lookup reads it again */
		if (settings) {
			take_settings_locked(s, new_settings);
			s->settings_known = same;
		}
		if (addresses) {
			struct vdestack_addr *old = s->addresses;
			s->addresses = new_addresses;
			s->n_addresses = (size_t)n;
			s->addresses_known = same;
			new_addresses = old;
		}
		unlock(dns);
	}
	free(new_settings);
	free(new_addresses);
	return err;
}

int vs_resolver_refresh(struct vdestack_dns *dns, bool addresses, struct vs_epoch *epoch)
{
	char *file = NULL;
	struct state *s = lock(dns);

	if (s != NULL && s->events_fd == EVENTS_UNTRIED) {
		unlock(dns);
		subscribe(dns);
		s = lock(dns);
	}
	if (s == NULL)
		goto no_memory;
	notice_locked(dns, s);
	*epoch = s->epoch;
	bool need_settings = !s->settings_known, need_addresses = addresses && !s->addresses_known;
	if (need_settings && s->resolv_conf.text != NULL) {
		file = strdup(s->resolv_conf.text);
		if (file == NULL) {
			unlock(dns);
			goto no_memory;
		}
	}
	unlock(dns);
	int err = need_settings || need_addresses ? fetch(dns, epoch, file, need_settings, need_addresses) : 0;
	free(file);
	if (err == -ENOMEM)
		goto no_memory;
	if (err < 0)
		vs_dns_error_set("the settings of the stack: %s", vdestack_last_error());
	return err;
no_memory:
	vs_dns_error_set("out of memory");
	return -ENOMEM;
}

/* ------------------------------------------------------------------ what lookups use */

struct vdestack *vs_resolver_stack(const struct vdestack_dns *dns)
{
	return dns->stack;
}

const struct vdestack_dns_opts *vs_resolver_opts(const struct vdestack_dns *dns)
{
	return &dns->options.opts;
}

uint64_t vs_resolver_process(struct vdestack_dns *dns)
{
	struct state *s = lock(dns);
	uint64_t process = s != NULL ? s->epoch.process : 0;

	if (s != NULL)
		unlock(dns);
	return process;
}

void vs_resolver_settings(struct vdestack_dns *dns, struct vs_settings *out)
{
	struct state *s = lock(dns);

	if (s == NULL) {
		vs_settings_init(out);
		return;
	}
	*out = s->settings;
	unlock(dns);
}

static int first_of(int a, int b)
{
	return a != 0 ? a : b;
}

struct vs_lane *vs_resolver_take_lane(struct vdestack_dns *dns)
{
	const struct vdestack_dns_opts *o = &dns->options.opts;
	struct state *s = lock(dns);
	struct vs_lane *lane;

	if (s == NULL)
		return NULL;
	if (s->n_idle > 0) {
		lane = s->idle[--s->n_idle];
	} else {
		const struct vs_lane_config config = {
			.stack = dns->stack,
			.edns = !(o->flags & VDESTACK_DNS_NO_EDNS),
			.tcp = (o->flags & VDESTACK_DNS_TCP) || s->settings.tcp,
			.timeout_ms = first_of(first_of(o->timeout_ms, s->settings.timeout_ms), 2000),
			.tries = first_of(first_of(o->tries, s->settings.tries), 3),
		};
		lane = vs_lane_new(&config, &s->settings);
	}
	unlock(dns);
	if (lane != NULL)
		vs_lane_begin(lane);
	return lane;
}

void vs_resolver_return_lane(struct vdestack_dns *dns, struct vs_lane *lane)
{
	struct state *s = lock(dns);

	if (s != NULL) {
		if (s->n_idle < IDLE_LANES && vs_lane_uses(lane, &s->settings)) {
			s->idle[s->n_idle++] = lane;
			lane = NULL;
		}
		unlock(dns);
	}
	vs_lane_delete(lane);
}

/* Counts while the system is suspended, as TTLs do. */
static int64_t now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec;
}

struct vs_answer *vs_resolver_recall(struct vdestack_dns *dns, const char *name, int type, uint32_t *age_s)
{
	struct vs_answer *answer;
	struct state *s;

	if (dns->options.opts.flags & VDESTACK_DNS_NO_CACHE || (s = lock(dns)) == NULL)
		return NULL;
	answer = vs_cache_get(s->cache, name, type, now_s(), age_s);
	unlock(dns);
	return answer;
}

void vs_resolver_keep(struct vdestack_dns *dns, const struct vs_epoch *epoch, const char *name, int type,
		      struct vs_answer *answer)
{
	struct state *s;

	if (dns->options.opts.flags & VDESTACK_DNS_NO_CACHE || (s = lock(dns)) == NULL)
		return;
	notice_events_locked(dns, s);
	if (s->epoch.process == epoch->process && s->epoch.network == epoch->network)
		vs_cache_put(s->cache, name, type, answer, now_s());
	unlock(dns);
}

size_t vs_resolver_hosts_find(struct vdestack_dns *dns, const char *name, struct vs_host *out, size_t max,
			      char *canonical)
{
	struct state *s;
	size_t n = 0;

	if (dns->options.opts.hosts == NULL || (s = lock(dns)) == NULL)
		return 0;
	(void)vs_textfile_refresh(&s->hosts);
	if (s->hosts.text != NULL)
		n = vs_hosts_find(s->hosts.text, name, out, max, canonical);
	unlock(dns);
	return n;
}

bool vs_resolver_hosts_name(struct vdestack_dns *dns, uint8_t family, const uint8_t *bytes, char *name)
{
	bool found = false;
	struct state *s;

	if (dns->options.opts.hosts == NULL || (s = lock(dns)) == NULL)
		return false;
	(void)vs_textfile_refresh(&s->hosts);
	if (s->hosts.text != NULL)
		found = vs_hosts_name(s->hosts.text, family, bytes, name);
	unlock(dns);
	return found;
}

int vs_resolver_port(struct vdestack_dns *dns, const char *name, const char *protocol)
{
	struct state *s;

	if (dns->options.opts.services == NULL || (s = lock(dns)) == NULL)
		return vs_services_port(NULL, name, protocol);
	(void)vs_textfile_refresh(&s->services);
	int port = vs_services_port(s->services.text != NULL ? s->services.text : "", name, protocol);
	unlock(dns);
	return port;
}

bool vs_resolver_port_name(struct vdestack_dns *dns, uint16_t port, const char *protocol, char *name)
{
	struct state *s;

	if (dns->options.opts.services == NULL || (s = lock(dns)) == NULL)
		return vs_services_name(NULL, port, protocol, name);
	(void)vs_textfile_refresh(&s->services);
	bool found = vs_services_name(s->services.text != NULL ? s->services.text : "", port, protocol, name);
	unlock(dns);
	return found;
}

bool vs_resolver_has_family(struct vdestack_dns *dns, int family)
{
	struct state *s = lock(dns);
	bool has = false;

	if (s == NULL)
		return true;
	for (size_t i = 0; i < s->n_addresses && !has; i++) {
		const struct vdestack_addr *a = &s->addresses[i];
		has = a->family == family && strncmp(a->addr, "127.", 4) != 0 && strcmp(a->addr, "::1") != 0;
	}
	unlock(dns);
	return has;
}

bool vs_resolver_source(struct vdestack_dns *dns, int family, const void *addr, uint8_t *prefix, bool *deprecated)
{
	char text[INET6_ADDRSTRLEN];
	struct state *s;
	bool found = false;

	if (inet_ntop(family, addr, text, sizeof(text)) == NULL || (s = lock(dns)) == NULL)
		return false;
	for (size_t i = 0; i < s->n_addresses && !found; i++) {
		const struct vdestack_addr *a = &s->addresses[i];
		if (a->family != family || strcmp(a->addr, text) != 0)
			continue;
		found = true;
		*prefix = (uint8_t)a->prefix_len;
		*deprecated = a->flags & IFA_F_DEPRECATED;
	}
	unlock(dns);
	return found;
}

/* ------------------------------------------------------------------ making and ending */

struct vdestack_dns *vdestack_dns_new(struct vdestack *stack, const struct vdestack_dns_opts *opts)
{
	struct vdestack_dns *dns;
	char name[64];

	if (vdestack_name(stack, name, sizeof(name)) < 0) {
		vs_dns_error_set("not a stack");
		return NULL;
	}
	dns = calloc(1, sizeof(*dns));
	int err = dns == NULL ? -ENOMEM : vs_options_copy(&dns->options, opts);
	if (err == 0) {
		dns->page = wiped_page();
		err = dns->page == NULL ? -ENOMEM : 0;
	}
	if (err < 0) {
		if (err == -ENOMEM)
			vs_dns_error_set("out of memory");
		vdestack_dns_delete(dns);
		errno = -err;
		return NULL;
	}
	dns->stack = stack;
	dns->events_fd = EVENTS_NONE;
	return dns;
}

void vdestack_dns_delete(struct vdestack_dns *dns)
{
	if (dns == NULL)
		return;
	if (dns->page != NULL) {
		free_state(dns->page->state);
		munmap(dns->page, sizeof(*dns->page));
	}
	vs_options_free(&dns->options);
	free(dns);
}

void vdestack_dns_flush(struct vdestack_dns *dns)
{
	struct state *s = lock(dns);

	if (s == NULL)
		return;
	forget(s);
	unlock(dns);
}

/* ------------------------------------------------------------------ the resolvers that stacks have */

/*
 * A list. It changes by single stores under the lock, so a forked child always has a whole one. Its lock is in a
 * page of its own, zero in a child.
 */
static struct vdestack_dns *_Atomic registry;
static struct page *_Atomic registry_page;

static struct page *lock_registry(void)
{
	struct page *page = atomic_load(&registry_page), *expected = NULL;

	if (page == NULL) {
		page = wiped_page();
		if (page == NULL)
			return NULL;
		if (!atomic_compare_exchange_strong(&registry_page, &expected, page)) {
			munmap(page, sizeof(*page));
			page = expected;
		}
	}
	pthread_mutex_lock(&page->lock);
	return page;
}

static struct vdestack_dns *find_locked(struct vdestack *stack)
{
	for (struct vdestack_dns *dns = atomic_load(&registry); dns != NULL; dns = dns->next)
		if (dns->stack == stack && !dns->replaced)
			return dns;
	return NULL;
}

/* Ends those that were replaced and those whose stack was deleted, unless a call uses them. */
static void sweep_locked(void)
{
	struct vdestack_dns *before = NULL, *dns = atomic_load(&registry), *next;
	char name[64];

	for (; dns != NULL; dns = next) {
		next = dns->next;
		bool dead = dns->replaced || vdestack_name(dns->stack, name, sizeof(name)) < 0;
		if (!dead || dns->page->users > 0) {
			before = dns;
			continue;
		}
		if (before != NULL)
			before->next = next;
		else
			atomic_store(&registry, next);
		vdestack_dns_delete(dns);
	}
}

static struct vdestack_dns *add_locked(struct vdestack *stack, const struct vdestack_dns_opts *opts)
{
	struct vdestack_dns *dns = vdestack_dns_new(stack, opts);

	if (dns == NULL)
		return NULL;
	struct vdestack_dns *old = find_locked(stack);
	if (old != NULL)
		old->replaced = true;
	sweep_locked();
	dns->next = atomic_load(&registry);
	atomic_store(&registry, dns);
	return dns;
}

/* keep: counts a user. */
static struct vdestack_dns *of(struct vdestack *stack, bool keep)
{
	char name[64];
	struct page *page;
	struct vdestack_dns *dns;

	if (vdestack_name(stack, name, sizeof(name)) < 0) {
		vs_dns_error_set("not a stack");
		return NULL;
	}
	page = lock_registry();
	if (page == NULL) {
		vs_dns_error_set("out of memory");
		errno = ENOMEM;
		return NULL;
	}
	dns = find_locked(stack);
	if (dns == NULL)
		dns = add_locked(stack, NULL);
	if (dns != NULL && keep)
		dns->page->users++;
	pthread_mutex_unlock(&page->lock);
	return dns;
}

struct vdestack_dns *vdestack_dns_of(struct vdestack *stack)
{
	return of(stack, false);
}

struct vdestack_dns *vs_resolver_get(struct vdestack *stack)
{
	return of(stack, true);
}

bool vs_resolver_hold(struct vdestack_dns *dns)
{
	struct page *page = lock_registry();

	if (page == NULL)
		return false;
	dns->page->users++;
	pthread_mutex_unlock(&page->lock);
	return true;
}

void vs_resolver_put(struct vdestack_dns *dns)
{
	struct page *page = lock_registry();

	if (page == NULL)
		return;
	if (dns->page->users > 0) /* in a child of a fork during the call it is zero */
		dns->page->users--;
	pthread_mutex_unlock(&page->lock);
}

int vdestack_dns_set(struct vdestack *stack, const struct vdestack_dns_opts *opts)
{
	struct page *page = lock_registry();
	struct vdestack_dns *dns;

	if (page == NULL) {
		vs_dns_error_set("out of memory");
		errno = ENOMEM;
		return -1;
	}
	dns = add_locked(stack, opts);
	pthread_mutex_unlock(&page->lock);
	return dns != NULL ? 0 : -1;
}
