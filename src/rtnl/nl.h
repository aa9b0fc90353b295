/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_RTNL_NL_H
#define VS_RTNL_NL_H

/*
 * A conversation with rtnetlink on a socket, which may be of any network namespace.
 *
 * The functions return 0 (or what they name) or the kernel's own -errno. They record no message. When the
 * kernel refuses a request with a text, the text is kept and vs_nl_fail() puts it into the message.
 */

#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VS_NL_REASON_MAX 128

/* One message of an answer. 0, or -errno: the rest of the answer is then read and ignored. */
typedef int vs_nl_each_fn(void *arg, struct nlmsghdr *hdr);

/* Called when a dump starts. If it starts again, what was read before does not count. */
typedef void vs_nl_begin_fn(void *arg);

struct vs_nl {
	struct nl_sock *sock;
	vs_nl_each_fn *each; /* gets the answer of the current request */
	void *arg;
	uint32_t seq;                  /* its sequence number */
	bool done;                     /* its answer is complete */
	bool interrupted;              /* its dump has been disturbed by a change */
	bool noticed;                  /* a notification has been read or lost since this was cleared */
	int result;                    /* how it ended: 0 or -errno */
	char reason[VS_NL_REASON_MAX]; /* the text of the kernel (extended ACK), "" if there is none */
	bool no_cancel;                /* the thread cannot be cancelled while this is open, */
	int cancel_state;              /* and gets this state back */
};

/*
 * Opens a conversation on fd: socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
 * NETLINK_ROUTE), not yet bound. It takes fd, also on failure. *nl need not be initialised and
 * may be closed after a failure. 0, -ENOMEM, or the error of bind(2).
 */
int vs_nl_open(struct vs_nl *nl, int fd);
void vs_nl_close(struct vs_nl *nl);

#define VS_AUTO_NL __attribute__((cleanup(vs_nl_close))) struct vs_nl

/* A message of `type` that starts with a fixed header; NULL: out of memory. */
struct nl_msg *vs_nl_request(int type, int flags, const void *header, size_t len);
void vs_nl_cleanup_msg(struct nl_msg **msg);

#define VS_AUTO_MSG __attribute__((cleanup(vs_nl_cleanup_msg))) struct nl_msg

/* Sends a request, hands the answer, if any, to each (may be NULL) and waits for the end of it. */
int vs_nl_talk(struct vs_nl *nl, struct nl_msg *msg, vs_nl_each_fn *each, void *arg);

/* A dump: all objects of a kind. */
struct vs_nl_dump {
	int type;           /* RTM_GET... */
	const void *header; /* the fixed part of the request */
	size_t len;
	vs_nl_begin_fn *begin; /* may be NULL */
	vs_nl_each_fn *each;
	void *arg;
};

/* A dump that a change has disturbed is begun again; -EAGAIN after too many times. */
int vs_nl_dump(struct vs_nl *nl, const struct vs_nl_dump *what);

/*
 * Gets the records of a list, read from the messages. When the list changes while it is read, it is read
 * again: begin is called once more, and records from before it do not count.
 */
struct vs_nl_reader {
	void (*begin)(void *arg);
	void (*take)(void *arg, const void *record);
	void *arg;
};

/* vs_nl_dump() for a reader, which `each` gets as its arg. */
int vs_nl_list(struct vs_nl *nl, int type, const void *header, size_t len, vs_nl_each_fn *each,
	       const struct vs_nl_reader *reader);

/* Subscribes to a group of notifications, RTNLGRP_... */
int vs_nl_subscribe(struct vs_nl *nl, int group);

/*
 * Reads all notifications that there are, without waiting. Sets `noticed` if there were any. 0 or
 * -errno.
 */
int vs_nl_drain(struct vs_nl *nl);

/* The socket, which is readable when there are notifications. */
int vs_nl_fd(const struct vs_nl *nl);

/*
 * For a conversation that outlives the call that has opened it: its thread can be cancelled again, and the
 * caller keeps it from that while the conversation is used.
 */
void vs_nl_keep(struct vs_nl *nl);

/* The number in an attribute. NULL, or an attribute of another length: returns `otherwise`. */
uint32_t vs_nl_u32(const struct nlattr *attr, uint32_t otherwise);

/*
 * Records "<step>: <cause>; <remedy>" for a request that returned -err, and returns -err.
 * The step is printf-like: "cannot add address %s".
 */
int vs_nl_fail(const struct vs_nl *nl, int err, const char *step, ...) __attribute__((format(printf, 3, 4)));

#endif
