/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_DNS_NO_CANCEL_H
#define VS_DNS_NO_CANCEL_H

/*
 * Public calls are no cancellation points. A thread that were cancelled in one would leave the lock of the
 * resolver locked, and its sockets open.
 */

#include <pthread.h>

static inline int vs_dns_no_cancel_begin(void)
{
	int state = PTHREAD_CANCEL_ENABLE;

	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	return state;
}

static inline void vs_dns_no_cancel_end(const int *state)
{
	(void)pthread_setcancelstate(*state, NULL);
}

/* From here to the end of the block the thread is not cancelled. */
#define VS_DNS_NO_CANCEL                                                                                     \
	__attribute__((cleanup(vs_dns_no_cancel_end), unused)) int vs_dns_cancel_state =                     \
		vs_dns_no_cancel_begin()

#endif
