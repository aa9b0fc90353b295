/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_CORE_OPTIONS_H
#define VS_CORE_OPTIONS_H

#include <stdbool.h>

#include <vdestack.h>

/* Options with every default filled in. */
struct vs_create_opts {
	unsigned flags;
	unsigned no_offload;
	int timeout_ms;      /* of the whole creation or addition; -1: no limit */
	int step_timeout_ms; /* of each step; -1: no limit */
	int sources_timeout_ms; /* of address sources, until they are ready; -1: no limit */
	int adopt;           /* namespace to adopt, borrowed; -1: a new one */
	bool bare;           /* interfaces are left down and without addresses: the old call's way */
};

/* 0, or -E2BIG/-EINVAL with a message "cannot STEP: …". opts may be NULL. */
int vs_create_opts_read(const struct vdestack_opts *opts, const char *step, struct vs_create_opts *out);

#endif
