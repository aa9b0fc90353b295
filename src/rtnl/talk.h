/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_RTNL_TALK_H
#define VS_RTNL_TALK_H

/*
 * One request on a plain rtnetlink socket, and the kernel's answer to it. This is for requests that
 * return nothing but a result; nl.h is for those that return objects. Both send and wait by these functions.
 */

#include <stdint.h>

struct nl_msg;
struct nlmsghdr;

/* How long the kernel may take. */
#define VS_TALK_ANSWER_MS 5000

/* An rtnetlink socket of the calling thread's network namespace, close-on-exec, or -errno. */
int vs_talk_socket(void);

/*
 * Sends a request and waits for its result: 0 or the kernel's -errno; -ETIMEDOUT. One thread at a time may
 * use the socket. Takes msg; NULL: -ENOMEM.
 */
int vs_talk(int fd, struct nl_msg *msg);

/*
 * The same for a dump: each object is handed to each(). 0, or -errno; then not all objects have been seen,
 * and the rest of the answer may still come, which later calls ignore.
 */
int vs_talk_dump(int fd, struct nl_msg *msg, void (*each)(void *arg, struct nlmsghdr *hdr), void *arg);

/* Sends a message as it is. 0 or -errno. */
int vs_talk_send(int fd, const struct nlmsghdr *hdr);

/* Waits for something to read. 1; 0: nothing until the clock (vs_now_ms) shows deadline_ms; -errno. */
int vs_talk_wait(int fd, int64_t deadline_ms);

#endif
