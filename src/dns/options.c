/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "settings.h"

#define FLAGS (VDESTACK_DNS_NO_EDNS | VDESTACK_DNS_TCP | VDESTACK_DNS_NO_CACHE | VDESTACK_DNS_NO_SEARCH)
#define ENTRIES_MAX 65536

/* The members that this version knows. Those behind them must be zero. */
static int take(struct vdestack_dns_opts *to, const struct vdestack_dns_opts *opts)
{
	const unsigned char *bytes = (const void *)opts;

	if (opts->size < offsetof(struct vdestack_dns_opts, timeout_ms)) {
		vs_dns_error_set("the options have no size");
		return -EINVAL;
	}
	for (size_t i = sizeof(*to); i < opts->size; i++) {
		if (bytes[i] != 0) {
			vs_dns_error_set("the options have members that this version does not know");
			return -E2BIG;
		}
	}
	memcpy(to, opts, opts->size < sizeof(*to) ? opts->size : sizeof(*to));
	to->size = sizeof(*to);
	return 0;
}

static int check_lists(const struct vdestack_dns_opts *o)
{
	struct vs_settings settings;
	int err;

	vs_settings_init(&settings);
	err = o->servers != NULL ? vs_settings_servers(&settings, o->servers) : 0;
	if (err == -E2BIG)
		vs_dns_error_set("more than %d name servers: \"%s\"", VS_SERVERS_MAX, o->servers);
	else if (err < 0)
		vs_dns_error_set("not a list of name servers: \"%s\"", o->servers);
	if (err == 0 && o->search != NULL) {
		err = vs_settings_search(&settings, o->search);
		if (err < 0)
			vs_dns_error_set("not a search list, or too long: \"%s\"", o->search);
	}
	return err;
}

static int check(const struct vdestack_dns_opts *o)
{
	if (o->flags & ~FLAGS) {
		vs_dns_error_set("flags that this version does not know: 0x%x", o->flags & ~FLAGS);
		return -EINVAL;
	}
	if (o->timeout_ms < 0 || o->tries < 0 || o->tries > 100 || o->deadline_ms < -1 ||
	    o->cache_entries < 0 || o->cache_entries > ENTRIES_MAX) {
		vs_dns_error_set("timeout_ms, tries, deadline_ms or cache_entries is out of range");
		return -EINVAL;
	}
	return check_lists(o);
}

static int copy_string(const char **string)
{
	if (*string == NULL)
		return 0;
	*string = strdup(*string);
	return *string != NULL ? 0 : -ENOMEM;
}

int vs_options_copy(struct vs_options *to, const struct vdestack_dns_opts *opts)
{
	struct vdestack_dns_opts o = { .size = sizeof(o) };
	int err = opts != NULL ? take(&o, opts) : 0;

	if (err == 0)
		err = check(&o);
	if (err < 0)
		return err;
	if (o.deadline_ms == 0)
		o.deadline_ms = 10000;
	if (o.cache_entries == 0)
		o.cache_entries = 512;
	err |= copy_string(&o.servers) | copy_string(&o.search) | copy_string(&o.resolv_conf) |
	       copy_string(&o.hosts) | copy_string(&o.services);
	to->opts = o;
	if (err != 0) {
		vs_options_free(to);
		return -ENOMEM;
	}
	return 0;
}

void vs_options_free(struct vs_options *options)
{
	struct vdestack_dns_opts *o = &options->opts;

	free((char *)(uintptr_t)o->servers);
	free((char *)(uintptr_t)o->search);
	free((char *)(uintptr_t)o->resolv_conf);
	free((char *)(uintptr_t)o->hosts);
	free((char *)(uintptr_t)o->services);
	memset(o, 0, sizeof(*o));
}
