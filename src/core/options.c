/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The options of a creation, of whatever version of the header the caller was compiled with. */

#include "options.h"

#include <errno.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/opts.h"

#define STEP_MS 5000
#define SOURCES_MS 15000 /* a server may be asked three times, and answers may be late */

#define FLAGS                                                                                \
	(VDESTACK_INPROCESS | VDESTACK_NO_WAIT | VDESTACK_FORCE_MTU | VDESTACK_ALLOW_ABSENT | \
	 VDESTACK_NO_RECONNECT | VDESTACK_NODAD | VDESTACK_UNREGISTERED | \
	 VDESTACK_LINKS_DOWN)

static int check(const struct vdestack_opts *opts, const char *step)
{
	if (opts->flags & ~FLAGS)
		return vs_fail(EINVAL, "cannot %s: unknown bits in flags (0x%x)", step, opts->flags);
	if (opts->no_offload & ~VDESTACK_OFFLOAD_ALL)
		return vs_fail(EINVAL, "cannot %s: unknown bits in no_offload (0x%x)", step,
			       opts->no_offload);
	if (!vs_timeout_valid(opts->timeout_ms) || !vs_timeout_valid(opts->step_timeout_ms))
		return vs_fail(EINVAL, "cannot %s: timeout_ms or step_timeout_ms is less than -1; "
				       "-1 means no limit, 0 the default", step);
	return 0;
}

int vs_create_opts_read(const struct vdestack_opts *opts, const char *step, struct vs_create_opts *out)
{
	struct vdestack_opts known;
	int r = vs_opts_read(opts, sizeof(opts->size), &known, sizeof(known));

	if (r < 0)
		return vs_opts_fail(r, step, "vdestack_opts");
	r = check(&known, step);
	if (r < 0)
		return r;
	*out = (struct vs_create_opts){ .timeout_ms = -1, .step_timeout_ms = STEP_MS,
					.sources_timeout_ms = SOURCES_MS, .adopt = -1 };
	out->flags = known.flags;
	out->no_offload = known.no_offload;
	if (known.timeout_ms != 0)
		out->timeout_ms = known.timeout_ms;
	if (known.step_timeout_ms != 0)
		out->step_timeout_ms = out->sources_timeout_ms = known.step_timeout_ms;
	return 0;
}
