/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_IOTH_CONTROL_H
#define VS_IOTH_CONTROL_H

/*
 * What both plugins of this folder have in common: the members of struct ioth_functions for libiothconf, on
 * a handle of libvdestack. Each returns what the call of libvdestack returns, or -1 after fail().
 */

#include <ioth.h>

#include <vdestack.h>
#include <vdestack/sources.h>

typedef int vs_fail_fn(int err, const char *message);

#define VS_PLUGIN __attribute__((visibility("default")))

/* Tells the last failure of libvdestack. Returns -1. */
int vs_control_fail(vs_fail_fn *fail);

int vs_control_configure(struct vdestack *stack, vs_fail_fn *fail, const char *words, unsigned flags,
			 int timeout_ms);
int vs_control_sources(struct vdestack *stack, vs_fail_fn *fail, const char *ifname,
		       struct vdestack_source *list, size_t n);
int vs_control_events(struct vdestack *stack, vs_fail_fn *fail);
int vs_control_resolvconf(struct vdestack *stack, vs_fail_fn *fail, const char *ifname, char *buf,
			  size_t size);

#endif
