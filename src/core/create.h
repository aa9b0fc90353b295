/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_CORE_CREATE_H
#define VS_CORE_CREATE_H

#include "config/config.h"
#include <vdestack.h>

/* Options with every default filled in. */
struct vs_create_opts {
	unsigned flags;
	unsigned timeout_ms;
	unsigned no_offload;
	int adopt; /* namespace to adopt, borrowed; -1: a new one */
	bool bare; /* interfaces are left down and without addresses: the old call's way */
};

/* 0, or -E2BIG/-EINVAL with a sentence. opts may be NULL. */
int vs_create_opts_read(const struct vdestack_opts *opts, struct vs_create_opts *out);

/* Makes a stack with the interfaces of config. 0 or -errno, sentence recorded. */
int vs_create(const struct vs_config *config, const struct vs_create_opts *opts, struct vdestack **out);

/* Adds the interfaces of config to a stack, all or none. */
int vs_create_ifaces(struct vdestack *stack, const struct vs_config *config, const struct vs_create_opts *opts);

/* vdestack_delete() inside. */
int vs_delete(struct vdestack *stack);

#endif
