/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_KEEPER_CAPTURE_COMMENTS_H
#define VS_KEEPER_CAPTURE_COMMENTS_H

/* Events of a stack as comments in its captures. Belongs to the thread of a capture. */

#include "pump/pcapng.h"

struct vs_events;

#define VS_CAPTURE_NOTE_BYTES VS_PCAPNG_TEXT_MAX

struct vs_capture_notes {
	int fd;               /* a subscription of events; -1: none */
	const char *ifname;   /* whose events are wanted */
	unsigned left_out;    /* events for which there was no room */
	struct vs_pcapng_comments comments;
	char text[VS_PCAPNG_COMMENTS_MAX][VS_CAPTURE_NOTE_BYTES];
};

/*
 * A subscription, by the networking thread; -1: there is none, as their number is limited. A capture without
 * events is better than none.
 */
int vs_capture_notes_subscribe(struct vs_events *events);
/* Reads the events that there are. False: none will follow. */
bool vs_capture_notes_read(struct vs_capture_notes *notes);
/* They are in the file. */
void vs_capture_notes_clear(struct vs_capture_notes *notes);

#endif
