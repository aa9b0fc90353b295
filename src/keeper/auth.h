/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_KEEPER_AUTH_H
#define VS_KEEPER_AUTH_H

/* Who may ask the keeper for what; see auth.c. */

#include <stdbool.h>
#include <sys/types.h>

#include "wire/messages.h"

struct vs_call;
struct vs_keeper;

/* The program that the keeper works for. Written at the start, then only read. */
struct vs_owner {
	uid_t uid;         /* of the keeper, as its own user namespace shows it */
	gid_t gid;
	pid_t pid;         /* of the program that started it; 0: in another PID namespace */
	bool ids_known;    /* that namespace maps both, so the numbers can be compared */
	bool pidfds;       /* messages have a pidfd of their sender, as the ids cannot be compared */
	bool same_ids;     /* prlimit(2) says whether a process has these and no other ids */
	pid_t proof;       /* a process id that only senders with CAP_SYS_ADMIN may claim; 0: not used */
	struct vs_key key;
};

/*
 * Fills in k->owner. k->front, k->variant and k->privileged are set, the keeper has its final
 * credentials. 0 or -errno: there are no random numbers.
 */
int vs_auth_prepare(struct vs_keeper *k);

/* Makes a door report the sender of each message. 0 or -errno. After vs_auth_prepare(). */
int vs_auth_watch(struct vs_keeper *k, int door);

/* Whether this is the overflow id, which stands for all ids that are not mapped; user_namespaces(7). */
bool vs_auth_is_overflow(unsigned id, bool group);

/*
 * NULL: the sender may change stacks. Else the reason why it may not, for a message.
 */
const char *vs_auth_refusal(const struct vs_keeper *k, const struct vs_call *call);

/* Why a request without the key is refused. */
extern const char vs_auth_no_key[];

/* Whether the request has the keeper's key. */
bool vs_auth_has_key(const struct vs_keeper *k, const struct vs_call *call);

/*
 * Whether replies may be sent to a descriptor that came with the call: it is one end of a SOCK_SEQPACKET pair
 * that the sender has made.
 */
bool vs_auth_takes_replies(const struct vs_keeper *k, const struct vs_call *call, int fd);

/* The process that has made a socket pair, as the kernel says; 0: it is not visible here. */
pid_t vs_auth_maker(int pair);

#endif
