/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PUMP_PACE_H
#define VS_PUMP_PACE_H

/*
 * How fast frames may follow each other into a switch. A pure machine: times and queue
 * lengths go in, decisions come out.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vs_pace {
	unsigned run;      /* frames sent since the last rest */
	bool draining;     /* resting until the switch has read them */
	int64_t sent_ns;   /* when the last of them was sent */
	int64_t asked_ns;  /* since when `draining` */
	int64_t until_ns;  /* nothing is to be sent before */
};

/* How many more frames may be sent now; 0: rest, see vs_pace_rest_ns. */
unsigned vs_pace_allows(const struct vs_pace *p, int64_t now_ns);

/* Frames that count were sent. */
void vs_pace_sent(struct vs_pace *p, unsigned n, int64_t now_ns);

/*
 * To be asked when a rest is over, with what the switch has not read yet (bytes). It may
 * begin another one.
 */
void vs_pace_look(struct vs_pace *p, long unread, int64_t now_ns);

/* True while nothing is to be sent that counts, nor what comes behind it. */
bool vs_pace_rests(const struct vs_pace *p, int64_t now_ns);

/* How long the rest still lasts; 0: it is over. */
int64_t vs_pace_rest_ns(const struct vs_pace *p, int64_t now_ns);

#endif
