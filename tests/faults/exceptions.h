/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_TESTS_EXCEPTIONS_H
#define VDESTACK_TESTS_EXCEPTIONS_H

/* Which faults may give another errno than their own, and why. Included once, by the test. */

static bool excepted(enum inject_side side, enum inject_mode mode, const char *what, int got)
{
	(void)side;
	(void)what;
	/*
	 * EIO: it was not ready yet. ENODEV, ENETUNREACH: the interface went with it while
	 * its addresses and routes were set.
	 * EREMOTEIO, the test's own: the command ran and was killed, as all commands of a dead keeper are.
	 */
	if (mode == INJECT_KILL)
		return got == ENETDOWN || got == EIO || got == ENODEV || got == ENETUNREACH || got == EREMOTEIO;
	return false;
}

#endif
