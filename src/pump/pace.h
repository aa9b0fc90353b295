/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PUMP_PACE_H
#define VS_PUMP_PACE_H

/*
 * How fast frames may follow each other into a switch. Pure: the caller passes times and queue
 * lengths, and gets decisions. See pace.c. All zero at first.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vs_pace {
	unsigned run;      /* frames sent since the last pause */
	bool draining;     /* pausing until the switch has read them */
	int64_t sent_ns;   /* when the last of them was sent */
	int64_t full_ns;   /* when the run was full, and `draining` began */
	int64_t until_ns;  /* nothing is to be sent before */
};

/* How many more frames may be sent now; 0: pause, see vs_pace_pause_ns(). */
unsigned vs_pace_allows(const struct vs_pace *p, int64_t now_ns);

/* n paced frames were sent. */
void vs_pace_sent(struct vs_pace *p, unsigned n, int64_t now_ns);

/*
 * To be called when a pause is over, with the bytes that the switch has not read yet. It may begin another
 * pause.
 */
void vs_pace_check(struct vs_pace *p, long unread, int64_t now_ns);

/* True during a pause: no paced frame is to be sent, nor any frame behind it. */
bool vs_pace_pauses(const struct vs_pace *p, int64_t now_ns);

/* How long the pause still lasts; 0: it is over. */
int64_t vs_pace_pause_ns(const struct vs_pace *p, int64_t now_ns);

#endif
