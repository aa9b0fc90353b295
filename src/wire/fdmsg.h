/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_WIRE_FDMSG_H
#define VS_WIRE_FDMSG_H

/* Messages with descriptors over SOCK_SEQPACKET sockets (unix(7), cmsg(3)). */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#define VS_FDS_MAX 4 /* descriptors in one message */

struct vs_fdmsg {
	struct iovec iov[4];
	int n_iov;
	int fds[VS_FDS_MAX]; /* sending: borrowed; receiving: owned by the caller afterwards */
	size_t n_fds;
	struct ucred creds;  /* receiving: the sender, as the kernel says; pid 0: the socket does not ask */
	bool has_pidfd;      /* receiving: the socket asks for a pidfd of the sender (SO_PASSPIDFD) */
	int pidfd;           /* the pidfd; negative: the kernel sent none */
	bool claim_creds;    /* sending: send `creds` instead of letting the kernel fill them */
	bool interruptible;  /* receiving: -EINTR instead of another attempt */
	bool fds_lost;       /* receiving: not all descriptors that were sent could be received */
	/*
	 * receiving: closes descriptors that are not wanted; NULL: close(2). If it is set, descriptors beyond
	 * VS_FDS_MAX are received and closed by it, too.
	 */
	void (*drop)(int fd);
};

/*
 * Sends one message. Repeats after EINTR and, a few times, when there is no memory. 0 or -errno (-EPIPE,
 * never SIGPIPE; -EAGAIN at the send time-out).
 */
int vs_fdmsg_send(int fd, const struct vs_fdmsg *msg, int flags);

/*
 * Receives one message into msg->iov. Descriptors are close-on-exec with MSG_CMSG_CLOEXEC in flags. Returns
 * the length, 0 at end of file, or -errno. Repeats as above. -EBADMSG: the message was empty, with
 * descriptors or credentials; its descriptors have been closed.
 */
ssize_t vs_fdmsg_recv(int fd, struct vs_fdmsg *msg, int flags);

/* Closes every descriptor in msg. */
void vs_fdmsg_drop(struct vs_fdmsg *msg);

/* A SOCK_SEQPACKET pair, close-on-exec, with no number below 3. 0, or -errno and both are -1. */
int vs_socketpair(int pair[2]);
/* The same with SOCK_STREAM. */
int vs_stream_pair(int pair[2]);

/*
 * Moves *fd to a number >= at_least if one is free, else to any >= 3. 0, or -errno and *fd is closed.
 */
int vs_fd_raise(int *fd, int at_least);

/*
 * Maps a memory file that another process has sent, shared. NULL: it cannot be mapped, or it is not sealed
 * against becoming shorter than `bytes`: then an access to the page could be a SIGBUS.
 */
void *vs_fd_map_sealed(int fd, size_t bytes, int prot);

/*
 * Whether this process can send messages with the process id of another one (unix(7), SCM_CREDENTIALS). That
 * takes CAP_SYS_ADMIN in the user namespace that owns its PID namespace. The root of a user namespace without
 * a PID namespace of its own does not have that. 1, 0, or -errno: it could not be tried.
 */
int vs_can_claim_pid(void);

/*
 * A socket of this library in a program. The program may close any descriptor, and its number may then be
 * that of another file. So each socket is kept with its cookie: the kernel's 64-bit name of the socket,
 * unique while the machine runs (SO_COOKIE). All of these functions are async-signal-safe and keep errno.
 */
struct vs_sock {
	int fd;
	uint64_t cookie; /* 0: never matches. Read and written atomically */
};

#define VS_NO_SOCK { .fd = -1 }

/* fd, and its current cookie. */
struct vs_sock vs_sock_of(int fd);
/* A copy, while another thread may store another cookie in *sock. */
struct vs_sock vs_sock_load(const struct vs_sock *sock);
/*
 * Stores another socket in *sock while other threads read it. They may read the number of one and the
 * cookie of the other, which do not match.
 */
void vs_sock_store(struct vs_sock *sock, int fd);
/* Stores the cookie of the socket that has the number now. */
void vs_sock_refresh(struct vs_sock *sock);
/* Whether the descriptor is still that socket. */
bool vs_sock_valid(const struct vs_sock *sock);
/* Closes the descriptor if it is still that socket. *sock stays as it is. */
void vs_sock_close(const struct vs_sock *sock);

#endif
