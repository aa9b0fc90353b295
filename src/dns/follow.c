/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Settings and addresses are read from the keeper once. A subscription to the stack's events tells when they
 * may have changed: reading it costs two system calls a lookup, and no round trip. Each change of name
 * servers or search domains is an event, too. Where there is no subscription (eight of the stack are open, or
 * the network is one of the caller's functions), all that is older than a second is read again.
 *
 * What a round trip returns is dropped if the network has changed meanwhile: the next lookup reads it again.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cache.h"
#include "error.h"
#include "state.h"
#include <vdestack/events.h>
#include <vdestack/sources.h>

#define STALE_MS 1000

void vs_follow_events_locked(struct vdestack_dns *dns, struct vs_state *s)
{
	struct vdestack_event event;
	ssize_t n;

	if (s->events_fd < 0)
		return;
	if (vs_state_is_ours(dns, s->events_fd)) {
		while ((n = read(s->events_fd, &event, sizeof(event))) > 0)
			vs_state_forget(s);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		close(s->events_fd); /* the stack has ended */
	} else {
		vs_state_forget(s); /* the program has closed it: events may have been lost */
	}
	s->events_fd = dns->events_fd = VS_EVENTS_NONE;
}

static bool is_stale(const struct vs_state *s)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - s->known_since.tv_sec) * 1000 +
		       (now.tv_nsec - s->known_since.tv_nsec) / 1000000 >
	       STALE_MS;
}

/* Whether settings of the network itself count: see read_settings(). */
static bool uses_network(const struct vdestack_dns_opts *o)
{
	return o->resolv_conf == NULL && o->servers == NULL;
}

static void notice_locked(struct vdestack_dns *dns, struct vs_state *s)
{
	vs_follow_events_locked(dns, s);
	if (s->events_fd == VS_EVENTS_NONE && s->settings_known && is_stale(s))
		s->settings_known = s->addresses_known = false;
	if (vs_textfile_refresh(&s->resolv_conf))
		s->settings_known = false;
}

static void subscribe(struct vdestack_dns *dns)
{
	int fd = dns->net.stack != NULL ? vdestack_events(dns->net.stack) : -1;
	struct vs_state *s = vs_state_lock(dns);

	if (s != NULL && s->events_fd == VS_EVENTS_UNTRIED) {
		s->events_fd = dns->events_fd = fd >= 0 ? fd : VS_EVENTS_NONE;
		dns->events_cookie = fd >= 0 ? vs_state_cookie_of(fd) : 0;
		fd = -1;
	}
	if (s != NULL)
		vs_state_unlock(dns);
	if (fd >= 0)
		close(fd);
}

/* The indices of zones. A zone that the network does not have stays without. */
static void find_scopes(const struct vs_net *net, struct vs_settings *settings)
{
	for (size_t i = 0; i < settings->n_servers; i++) {
		struct vs_server *server = &settings->servers[i];
		if (server->zone[0] == '\0')
			continue;
		uint32_t index = vs_net_index(net, server->zone);
		server->scope = index > 0 ? index : (uint32_t)strtoul(server->zone, NULL, 10);
	}
}

/* What the network itself says, as a text; "" if nothing is known. */
static char *network_text(const struct vs_net *net, const char **refusal)
{
	for (size_t size = 4096; size <= 65536; size *= 2) {
		char *text = malloc(size);
		if (text == NULL)
			return NULL;
		text[0] = '\0';
		if (vs_net_resolvconf(net, text, size, refusal) >= 0) {
			text[size - 1] = '\0';
			return text;
		}
		int err = errno;
		free(text);
		errno = err;
		if (err != ERANGE)
			return NULL;
	}
	return NULL;
}

/* Puts options, file and network together. `file`: the text of the file, if an option names one. */
static int read_settings(struct vdestack_dns *dns, const char *file, struct vs_settings *out,
			 const char **refusal)
{
	const struct vs_options *o = &dns->options;

	vs_settings_init(out);
	if (o->opts.resolv_conf != NULL) {
		if (file != NULL)
			vs_settings_resolv_conf(out, file, true);
	} else if (uses_network(&o->opts)) {
		char *text = network_text(&dns->net, refusal);
		if (text == NULL)
			return errno > 0 ? -errno : -EIO;
		vs_settings_resolv_conf(out, text, false);
		free(text);
	}
	if (o->opts.servers != NULL) {
		out->refused[0] = '\0';
		(void)vs_settings_servers(out, o->opts.servers); /* checked before */
	}
	if (o->opts.search != NULL)
		(void)vs_settings_search(out, o->opts.search);
	find_scopes(&dns->net, out);
	return 0;
}

/* Takes new settings. Lanes have servers of their own, so those with other settings are not used again. */
static void take_settings_locked(struct vs_state *s, const struct vs_settings *settings)
{
	if (!vs_settings_same(&s->settings, settings)) {
		vs_state_drop_lanes(s);
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
	const char *refusal = "";
	int n = 0, err = settings && new_settings == NULL ? -ENOMEM : 0;

	if (err == 0 && settings)
		err = read_settings(dns, file, new_settings, &refusal);
	if (err == 0 && addresses) {
		n = vs_net_addresses(&dns->net, &new_addresses, &refusal);
		err = n < 0 ? n : 0;
	}
	struct vs_state *s = err == 0 ? vs_state_lock(dns) : NULL;
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
		vs_state_unlock(dns);
	}
	free(new_settings);
	free(new_addresses);
	if (err < 0 && err != -ENOMEM)
		vs_dns_error_set("the settings of the stack: %s", refusal);
	return err;
}

int vs_resolver_refresh(struct vdestack_dns *dns, bool addresses, struct vs_epoch *epoch)
{
	char *file = NULL;
	struct vs_state *s = vs_state_lock(dns);

	if (s != NULL && s->events_fd == VS_EVENTS_UNTRIED) {
		vs_state_unlock(dns);
		subscribe(dns);
		s = vs_state_lock(dns);
	}
	if (s == NULL)
		goto no_memory;
	notice_locked(dns, s);
	*epoch = s->epoch;
	bool need_settings = !s->settings_known, need_addresses = addresses && !s->addresses_known;
	if (need_settings && s->resolv_conf.text != NULL) {
		file = strdup(s->resolv_conf.text);
		if (file == NULL) {
			vs_state_unlock(dns);
			goto no_memory;
		}
	}
	vs_state_unlock(dns);
	int err =
		need_settings || need_addresses ? fetch(dns, epoch, file, need_settings, need_addresses) : 0;
	free(file);
	if (err == -ENOMEM)
		goto no_memory;
	return err;
no_memory:
	vs_dns_error_set("out of memory");
	return -ENOMEM;
}
