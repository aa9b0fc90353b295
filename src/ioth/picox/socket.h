/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PX_SOCKET_H
#define PX_SOCKET_H

/*
 * A socket of the program, as the process has it: the other end of a socketpair, and a kind of socket that
 * does the work.
 *
 * The life: made by px_socket_new(). When the last copy of the program's end is closed, ops->hangup() is
 * called, once. The kind may still have something to do (data to send). At last it calls
 * px_socket_free(), and the memory goes at the end of the turn.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "loop.h"

struct px_socket;

/* Functions return 0 or -errno. NULL: -EOPNOTSUPP. Lengths and families have not been checked. */
struct px_ops {
	int pair; /* SOCK_STREAM or SOCK_SEQPACKET */
	int (*open)(struct px_socket *s);
	/* The program's end: may be read, may be written, closed by all. Events come once (EPOLLET). */
	void (*readable)(struct px_socket *s);
	void (*writable)(struct px_socket *s);
	void (*hangup)(struct px_socket *s);
	/* Whether what the program has written is still to be sent. NULL: never. */
	bool (*takes)(const struct px_socket *s);
	int (*bind)(struct px_socket *s, const struct sockaddr *addr, socklen_t len);
	int (*connect)(struct px_socket *s, const struct sockaddr *addr, socklen_t len);
	int (*listen)(struct px_socket *s, int backlog);
	/* *len: how much was written, at most sizeof(struct sockaddr_storage). */
	int (*name)(struct px_socket *s, bool peer, struct sockaddr_storage *addr, socklen_t *len);
	int (*set)(struct px_socket *s, int level, int name, const void *value, socklen_t len);
	/* *len: room, at most PX_DATA_MAX; then the length. */
	int (*get)(struct px_socket *s, int level, int name, void *value, socklen_t *len);
	int (*shutdown)(struct px_socket *s, int how);
	int (*ioctl)(struct px_socket *s, unsigned cmd, void *arg, size_t len); /* in and out */
};

struct px_socket {
	struct px_watch watch; /* first: the same address. Our end */
	uint64_t cookie;       /* of the program's end */
	const struct px_ops *ops;
	int family, type, protocol;
	int error;   /* SO_ERROR, positive; taken by the one who reads it */
	int program; /* the program's end, while open() runs; then -1 */
	bool gone;   /* the program's end is closed */
	bool freed;
	struct px_later later; /* of the kind */
	struct px_later reap;
	struct px_socket *next;
	void *state; /* of the kind, which frees it */
};

/* A kind of socket. type or protocol -1: any. The first entry that fits counts. */
struct px_kind {
	int family, type, protocol;
	const struct px_ops *ops;
};

/*
 * Makes a socket. *program is the program's end, which the caller sends away and closes. 0, or -errno
 * (-EAFNOSUPPORT, -EPROTONOSUPPORT, -EMFILE...).
 */
int px_socket_new(int family, int type, int protocol, struct px_socket **out, int *program);
/*
 * The same for a kind that is known; state goes into the socket before ops->open is called. On failure state
 * is still the caller's.
 */
int px_socket_make(const struct px_kind *kind, void *state, struct px_socket **out, int *program);
struct px_socket *px_socket_find(uint64_t cookie); /* NULL: none */
void px_socket_free(struct px_socket *s);
/*
 * What a socket that failed leaves: its error (positive), for the program to ask. The last ones are kept,
 * as many as there can be sockets. An end of a socketpair that is closed is the only thing that poll(2) shows
 * as an error, so a failed socket is freed at once.
 */
void px_socket_leave_error(const struct px_socket *s, int error);
/* Takes it. 0: it has been taken. -ENOTCONN: there was none. */
int px_socket_left_error(uint64_t cookie);
/* Takes the pending error (SO_ERROR). */
int px_socket_take_error(struct px_socket *s);
/* How many sockets the program has closed, or has written to, whose kind still has something to do. */
unsigned px_socket_unfinished(void);

/* The kinds. */
extern const struct px_ops px_tcp_ops, px_udp_ops, px_raw_ops, px_packet_ops, px_netlink_ops;

/* ioctl.c: the ioctls of interfaces; arg: a struct ifreq. -ENOTTY: not one of them. */
int px_ioctl(struct px_socket *s, unsigned cmd, void *arg, size_t len);
/* SIOCGIFCONF: interfaces with an IPv4 address, as struct ifreq. The bytes written, at most size. */
size_t px_ioctl_list(void *to, size_t size);

#endif
