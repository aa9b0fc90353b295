/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_BASE_CAPS_H
#define VS_BASE_CAPS_H

/*
 * Capability sets of the calling thread, as masks: bit n is capability n (capabilities(7)).
 * The functions change this thread alone and allocate nothing. They return 0 or -errno and record no message.
 */

#include <linux/capability.h>
#include <stddef.h>
#include <stdint.h>

#define VS_CAP(number) (UINT64_C(1) << (number))

/* Rights to files of other users. */
#define VS_CAPS_FILES                                                                                        \
	(VS_CAP(CAP_DAC_OVERRIDE) | VS_CAP(CAP_DAC_READ_SEARCH) | VS_CAP(CAP_CHOWN) | VS_CAP(CAP_FOWNER))
/* What configures the network of a namespace that exists. */
#define VS_CAPS_NETWORKING (VS_CAP(CAP_NET_ADMIN) | VS_CAP(CAP_NET_RAW) | VS_CAP(CAP_NET_BIND_SERVICE))
/* For plugins: they may open what the program may, but neither make nor enter namespaces. */
#define VS_CAPS_LINKS (VS_CAPS_NETWORKING | VS_CAPS_FILES)
#define VS_CAPS_NONE UINT64_C(0)

/* The permitted set. */
int vs_caps_permitted(uint64_t *permitted);

/* The effective set. */
int vs_caps_effective(uint64_t *effective);

/* What can be kept over an exec: permitted and not outside the bounding set. */
int vs_caps_inheritable(uint64_t *caps);

/* Drops what is not in `keep` from all sets but the bounding one. What stays is effective. */
int vs_caps_keep(uint64_t keep);

/* Like vs_caps_keep(), and the inheritable set becomes empty. */
int vs_caps_only(uint64_t keep);

/* Calls fn with no effective capability outside `keep`, then restores the set. Returns what fn returns. */
int vs_caps_briefly(uint64_t keep, int (*fn)(void));

/*
 * Removes from the bounding set what is not in `keep`. Needs CAP_SETPCAP. Failures are ignored: no_new_privs
 * holds without it, see caps.c.
 */
void vs_caps_bound(uint64_t keep);

/*
 * Prepares for an exec, of any file, after which exactly `caps` are permitted and effective. From then on uid
 * 0, set-id files and file capabilities add nothing. -EPERM: `caps` has some that vs_caps_inheritable() does
 * not return.
 */
int vs_caps_confine(uint64_t caps);

/* Writes "cap_net_admin, cap_net_raw" into buf, cut to its size. */
void vs_caps_names(uint64_t caps, char *buf, size_t size);

#endif
