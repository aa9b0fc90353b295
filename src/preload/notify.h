/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PRELOAD_NOTIFY_H
#define VS_PRELOAD_NOTIFY_H

/* Notifications of a seccomp filter: receiving and answering them, seccomp_unotify(2). */

#include <linux/seccomp.h>
#include <stdbool.h>

struct vs_notify {
	int listener;
	struct seccomp_notif *request; /* the last one received */
	unsigned request_size;         /* the kernel's */
	struct seccomp_notif_resp *response;
	unsigned response_size;
};

/* Whether the kernel can answer with a descriptor in one step (Linux 5.14). 0 or -errno. */
int vs_notify_check(int listener);

/* Takes the listener. 0 or -ENOMEM, -ENOSYS. */
int vs_notify_open(struct vs_notify *n, int listener);
void vs_notify_close(struct vs_notify *n);

/* 1: n->request is the next one. 0: there is none, its caller was interrupted. -errno: there will be none. */
int vs_notify_receive(struct vs_notify *n);

/* Whether the caller of n->request still waits. What was read of its memory before this call was its own. */
bool vs_notify_valid(const struct vs_notify *n);

/*
 * Answers of n->request. 0 or -errno; -ENOENT: the caller does not wait any more. After another error of
 * vs_notify_give() the request still waits for an answer.
 */
int vs_notify_give(struct vs_notify *n, int fd, bool cloexec); /* a copy of fd with the lowest free number */
int vs_notify_succeed(struct vs_notify *n);                    /* the call returns 0 */
int vs_notify_fail(struct vs_notify *n, int err);              /* the call fails with this positive errno */
int vs_notify_continue(struct vs_notify *n);                   /* the kernel executes the call */

/* Puts a copy of fd over a descriptor of the caller, who goes on waiting. 0 or -errno. */
int vs_notify_replace(struct vs_notify *n, int fd, int number, bool cloexec);

#endif
