/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_TESTS_EXCEPTIONS_H
#define VDESTACK_TESTS_EXCEPTIONS_H

/* Which faults may give another errno than their own, and why. Included once, by the test. */

static bool excepted(enum inject_side side, enum inject_mode mode, const char *what, int got)
{
	(void)side;
	(void)what;
	if (mode == INJECT_KILL)
		return got == ENETDOWN || got == EIO; /* EIO: before it was ready */
	return false;
}

#endif
