/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_TESTS_EXCEPTIONS_H
#define VDESTACK_TESTS_EXCEPTIONS_H

/* Which faults may fail with another errno than the injected one, and why. Included once, by the test. */

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "inject.h"

static bool excepted(enum inject_side side, enum inject_mode mode, const char *what, int got)
{
	/* What reads a device takes EIO for its end. */
	if (side == INJECT_KEEPER && mode == INJECT_HARD && strcmp(what, "read") == 0 && got == ENODEV)
		return true;
	/*
	 * EIO: it was not ready yet. ENODEV, ENETUNREACH: the interface was removed with it while
	 * its addresses and routes were set.
	 * EREMOTEIO, of the test: the command ran and was killed, like all commands of a dead keeper.
	 * EPIPE: of a capture, which has ended with its keeper.
	 */
	if (mode == INJECT_KILL)
		return got == ENETDOWN || got == EIO || got == ENODEV || got == ENETUNREACH ||
		       got == EREMOTEIO || got == EPIPE;
	return false;
}

#endif
