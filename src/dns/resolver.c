/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What lookups use of a resolver, and how it is made and ended. */

#include "resolver.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "answer.h"
#include "cache.h"
#include "error.h"
#include "lane.h"
#include "no_cancel.h"
#include "services.h"
#include "state.h"

const struct vs_net *vs_resolver_net(const struct vdestack_dns *dns)
{
	return &dns->net;
}

const struct vdestack_dns_opts *vs_resolver_opts(const struct vdestack_dns *dns)
{
	return &dns->options.opts;
}

uint64_t vs_resolver_process(struct vdestack_dns *dns)
{
	struct vs_state *s = vs_state_lock(dns);
	uint64_t process = s != NULL ? s->epoch.process : 0;

	if (s != NULL)
		vs_state_unlock(dns);
	return process;
}

void vs_resolver_settings(struct vdestack_dns *dns, struct vs_settings *out)
{
	struct vs_state *s = vs_state_lock(dns);

	if (s == NULL) {
		vs_settings_init(out);
		return;
	}
	*out = s->settings;
	vs_state_unlock(dns);
}

static int first_of(int a, int b)
{
	return a != 0 ? a : b;
}

struct vs_lane *vs_resolver_take_lane(struct vdestack_dns *dns)
{
	const struct vdestack_dns_opts *o = &dns->options.opts;
	struct vs_state *s = vs_state_lock(dns);
	struct vs_lane *lane;

	if (s == NULL)
		return NULL;
	if (s->n_idle > 0) {
		lane = s->idle[--s->n_idle];
	} else {
		const struct vs_lane_config config = {
			.net = &dns->net,
			.edns = !(o->flags & VDESTACK_DNS_NO_EDNS),
			.tcp = (o->flags & VDESTACK_DNS_TCP) || s->settings.tcp,
			.timeout_ms = first_of(first_of(o->timeout_ms, s->settings.timeout_ms), 2000),
			.tries = first_of(first_of(o->tries, s->settings.tries), 3),
			.spares = &s->spares,
		};
		lane = vs_lane_new(&config, &s->settings);
	}
	if (lane != NULL)
		vs_spares_enter(&s->spares);
	vs_state_unlock(dns);
	return lane;
}

void vs_resolver_return_lane(struct vdestack_dns *dns, struct vs_lane *lane)
{
	struct vs_state *s = vs_state_lock(dns);

	if (s != NULL) {
		if (vs_lane_spares(lane) == &s->spares) /* not in a forked child */
			vs_spares_leave(&s->spares);
		if (s->n_idle < VS_IDLE_LANES && vs_lane_uses(lane, &s->settings)) {
			s->idle[s->n_idle++] = lane;
			lane = NULL;
		}
		vs_state_unlock(dns);
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
	struct vs_state *s;

	if (dns->options.opts.flags & VDESTACK_DNS_NO_CACHE || (s = vs_state_lock(dns)) == NULL)
		return NULL;
	answer = vs_cache_get(s->cache, name, type, now_s(), age_s);
	vs_state_unlock(dns);
	return answer;
}

void vs_resolver_keep(struct vdestack_dns *dns, const struct vs_epoch *epoch, const char *name, int type,
		      struct vs_answer *answer)
{
	struct vs_state *s;

	if (dns->options.opts.flags & VDESTACK_DNS_NO_CACHE || (s = vs_state_lock(dns)) == NULL)
		return;
	vs_follow_events_locked(dns, s);
	if (s->epoch.process == epoch->process && s->epoch.network == epoch->network)
		vs_cache_put(s->cache, name, type, answer, now_s());
	vs_state_unlock(dns);
}

size_t vs_resolver_hosts_find(struct vdestack_dns *dns, const char *name, int family, struct vs_host *out,
			      size_t max, char *canonical)
{
	struct vs_state *s;
	size_t n = 0;

	if (dns->options.opts.hosts == NULL || (s = vs_state_lock(dns)) == NULL)
		return 0;
	(void)vs_textfile_refresh(&s->hosts);
	if (s->hosts.text != NULL)
		n = vs_hosts_find(s->hosts.text, name, family, out, max, canonical);
	vs_state_unlock(dns);
	return n;
}

bool vs_resolver_hosts_name(struct vdestack_dns *dns, uint8_t family, const uint8_t *bytes, char *name)
{
	bool found = false;
	struct vs_state *s;

	if (dns->options.opts.hosts == NULL || (s = vs_state_lock(dns)) == NULL)
		return false;
	(void)vs_textfile_refresh(&s->hosts);
	if (s->hosts.text != NULL)
		found = vs_hosts_name(s->hosts.text, family, bytes, name);
	vs_state_unlock(dns);
	return found;
}

int vs_resolver_port(struct vdestack_dns *dns, const char *name, const char *protocol)
{
	struct vs_state *s;

	if (dns->options.opts.services == NULL || (s = vs_state_lock(dns)) == NULL)
		return vs_services_port(NULL, name, protocol);
	(void)vs_textfile_refresh(&s->services);
	int port = vs_services_port(s->services.text != NULL ? s->services.text : "", name, protocol);
	vs_state_unlock(dns);
	return port;
}

bool vs_resolver_port_name(struct vdestack_dns *dns, uint16_t port, const char *protocol, char *name)
{
	struct vs_state *s;

	if (dns->options.opts.services == NULL || (s = vs_state_lock(dns)) == NULL)
		return vs_services_name(NULL, port, protocol, name);
	(void)vs_textfile_refresh(&s->services);
	bool found = vs_services_name(s->services.text != NULL ? s->services.text : "", port, protocol, name);
	vs_state_unlock(dns);
	return found;
}

bool vs_resolver_has_family(struct vdestack_dns *dns, int family)
{
	struct vs_state *s = vs_state_lock(dns);
	bool has = false;

	if (s == NULL)
		return true;
	has = !vs_net_has_addresses(&dns->net); /* not known: nothing is left out */
	for (size_t i = 0; i < s->n_addresses && !has; i++) {
		const struct vdestack_addr *a = &s->addresses[i];
		has = a->family == family && strncmp(a->addr, "127.", 4) != 0 && strcmp(a->addr, "::1") != 0;
	}
	vs_state_unlock(dns);
	return has;
}

bool vs_resolver_source(struct vdestack_dns *dns, int family, const void *addr, uint8_t *prefix,
			bool *deprecated)
{
	char text[INET6_ADDRSTRLEN];
	struct vs_state *s;
	bool found = false;

	if (inet_ntop(family, addr, text, sizeof(text)) == NULL || (s = vs_state_lock(dns)) == NULL)
		return false;
	for (size_t i = 0; i < s->n_addresses && !found; i++) {
		const struct vdestack_addr *a = &s->addresses[i];
		if (a->family != family || strcmp(a->addr, text) != 0)
			continue;
		found = true;
		*prefix = (uint8_t)a->prefix_len;
		*deprecated = a->flags & IFA_F_DEPRECATED;
	}
	vs_state_unlock(dns);
	return found;
}

/* ------------------------------------------------------------------ making and ending */

static struct vdestack_dns *new_resolver(const struct vs_net *net, const struct vdestack_dns_opts *opts)
{
	struct vdestack_dns *dns = calloc(1, sizeof(*dns));

	if (dns != NULL)
		dns->events_fd = VS_EVENTS_NONE;
	int err = dns == NULL ? -ENOMEM : vs_options_copy(&dns->options, opts);
	if (err == 0) {
		dns->page = vs_state_new_page();
		err = dns->page == NULL ? -ENOMEM : 0;
	}
	if (err < 0) {
		if (err == -ENOMEM)
			vs_dns_error_set("out of memory");
		vdestack_dns_delete(dns);
		errno = -err;
		return NULL;
	}
	dns->net = *net;
	return dns;
}

struct vdestack_dns *vdestack_dns_new(struct vdestack *stack, const struct vdestack_dns_opts *opts)
{
	VS_DNS_NO_CANCEL;
	const struct vs_net net = { .stack = stack };
	char name[64];

	if (vdestack_name(stack, name, sizeof(name)) < 0) {
		vs_dns_error_set("not a stack");
		return NULL;
	}
	return new_resolver(&net, opts);
}

struct vdestack_dns *vdestack_dns_new_net(const struct vdestack_dns_net *calls,
					  const struct vdestack_dns_opts *opts)
{
	VS_DNS_NO_CANCEL;
	struct vs_net net;
	int err = vs_net_take(&net, calls);

	if (err < 0) {
		errno = -err;
		return NULL;
	}
	return new_resolver(&net, opts);
}

void vdestack_dns_delete(struct vdestack_dns *dns)
{
	VS_DNS_NO_CANCEL;

	if (dns == NULL)
		return;
	if (dns->page != NULL && dns->page->state != NULL)
		vs_state_free(dns->page->state);
	else if (dns->events_fd >= 0 && vs_state_is_ours(dns, dns->events_fd))
		close(dns->events_fd); /* a child that never used it has the parent's */
	vs_state_free_page(dns->page);
	vs_options_free(&dns->options);
	free(dns);
}

void vdestack_dns_flush(struct vdestack_dns *dns)
{
	VS_DNS_NO_CANCEL;
	struct vs_state *s = vs_state_lock(dns);

	if (s == NULL)
		return;
	vs_state_forget(s);
	vs_state_unlock(dns);
}
