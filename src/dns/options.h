/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_DNS_OPTIONS_H
#define VS_DNS_OPTIONS_H

/* The options of a resolver: a copy, checked, with defaults where there is one. */

#include <vdestack/dns.h>

struct vs_options {
	struct vdestack_dns_opts opts; /* its strings belong to it */
};

/* opts NULL: all default. 0, or -EINVAL, -E2BIG with a message, -ENOMEM. */
int vs_options_copy(struct vs_options *to, const struct vdestack_dns_opts *opts);
void vs_options_free(struct vs_options *options);

#endif
