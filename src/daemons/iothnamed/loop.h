/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NM_LOOP_H
#define NM_LOOP_H

/*
 * What waits for descriptors: epoll(7), one event at a time. So a source may be removed, and its memory
 * freed, in any call of ready(), and no event of it is left.
 */

#include <stdint.h>

struct nm_source {
	int fd;
	void (*ready)(struct nm_source *source, uint32_t events); /* EPOLL... */
};

/* A descriptor, or -errno. */
int nm_loop_new(void);

/* events: EPOLLIN, EPOLLOUT, 0. 0 or -errno. */
int nm_loop_add(int loop, struct nm_source *source, uint32_t events);
int nm_loop_change(int loop, struct nm_source *source, uint32_t events);

/* Before the descriptor is closed. */
void nm_loop_remove(int loop, struct nm_source *source);

/* Waits for one event and handles it. timeout_ms -1: for ever. 0 or -errno. */
int nm_loop_once(int loop, int timeout_ms);

#endif
