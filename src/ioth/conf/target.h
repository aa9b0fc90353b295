/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_IOTHCONF_TARGET_H
#define VS_IOTHCONF_TARGET_H

/* The interface that a call is about, and the functions of its stack. */

#include <ioth.h>
#include <net/if.h>
#include <stdbool.h>

#include "ioth/lib/internal.h"
#include "plan.h"

struct vs_target {
	struct ioth *stack; /* not NULL unless it is the network of the process */
	const struct ioth_functions *functions;
	struct ioth_inside inside;
	void *data;
	char ifname[IF_NAMESIZE]; /* "": none was looked for */
	unsigned ifindex;
	bool is_up;
	bool has_mac;
	unsigned char mac[6];
};

/*
 * The stack only. 0 or -1 with errno and the message. After 0 the stack cannot be deleted until
 * vs_target_close(), which the same thread calls; that leaves errno as it is.
 */
int vs_target_open(struct vs_target *t, struct ioth *stack);
void vs_target_close(const struct vs_target *t);

/* The interface that the plan names, or vde0. 0 or -1 with errno (ENODEV) and the message. */
int vs_target_find(struct vs_target *t, const struct vs_plan *plan);

/*
 * Gives words of vdestack_config(7) to the stack. 0 or -1 with errno and a message. timeout_ms and flags: as
 * in vdestack_configure().
 */
int vs_target_configure(const struct vs_target *t, const char *words, unsigned flags, int timeout_ms);

/* The stack takes words for this interface. Others are configured by netlink, with static items only. */
bool vs_target_takes_words(const struct vs_target *t);

#endif
