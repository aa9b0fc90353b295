/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PX_MESSAGE_H
#define PX_MESSAGE_H

/*
 * What the plugin and the process of a stack say to each other.
 *
 * Requests go over the control socket (SOCK_SEQPACKET), whose program side is shared by all threads and by
 * children after fork. Each request brings a socket for its one reply. So replies cannot be mixed up, and a
 * caller that has given up is no hindrance to others.
 *
 * The stack ends with the last copy of the program's side. The program that has made it ends it by PX_END
 * as well: copies in its children do not keep a deleted stack alive.
 *
 * A socket of the program is one end of a socketpair. Its number is the cookie (SO_COOKIE) of the program's
 * end: it can be asked of every copy of the descriptor, in every process.
 *
 *  - TCP: SOCK_STREAM. The bytes are the bytes of the connection. A listening socket carries a struct
 *    px_accepted with a descriptor for each connection.
 *  - all others: SOCK_SEQPACKET. Each message is a struct px_datagram and the payload.
 */

#include <stdint.h>
#include <sys/socket.h>

#define PX_VERSION 1
#define PX_CONTROL_FD 3       /* where the process finds its control socket */
#define PX_DATA_MAX 8192      /* of a request and of a reply */
#define PX_DATAGRAM_MAX 65535 /* payload of a datagram */
#define PX_SNDBUF_MAX 425984  /* SO_SNDBUF of a TCP socket, as getsockopt(2) tells it */

enum px_op {
	PX_HELLO,       /* value: PX_VERSION. The process is ready */
	PX_IFACE,       /* data: the name of an interface, '\0', the VNL, '\0'. value: its index */
	PX_SOCKET,      /* args: family, type without flags, protocol. Reply: a descriptor */
	PX_BIND,        /* data: sockaddr */
	PX_CONNECT,     /* data: sockaddr. 0: connected; -EINPROGRESS */
	PX_LISTEN,      /* args[0]: backlog */
	PX_GETSOCKNAME, /* reply data: sockaddr */
	PX_GETPEERNAME,
	PX_SETSOCKOPT, /* args: level, name. data: value */
	PX_GETSOCKOPT, /* args: level, name, room for the value. Reply data: value */
	PX_SHUTDOWN,   /* args[0]: how */
	PX_IOCTL,      /* args[0]: number. data and reply data: the argument */
	PX_CONFIGURE,  /* data: words of vdestack_config(7). Reply data of a failure: the message */
	PX_READY,      /* 0: what is configured can be used; -EAGAIN: not yet. Reply data: what is missing */
	/* data: an interface or "". args[0]: the first. Reply data: struct vdestack_source; value: all */
	PX_SOURCES,
	PX_RESOLVCONF, /* data: an interface or "". Reply data: the text, with its NUL */
	PX_EVENTS,     /* Reply: a descriptor, readable when what PX_SOURCES tells may have changed */
	PX_END,        /* comes without a descriptor, as there is no reply: the stack ends */
	PX_OPS
};

struct px_request {
	uint32_t version;
	uint32_t op;
	uint64_t socket; /* cookie; 0 for requests that have no socket */
	int32_t args[4];
	uint32_t len; /* bytes of data that follow */
	uint32_t zero;
};

struct px_reply {
	int32_t result; /* 0, or -errno */
	uint32_t len;   /* bytes of data that follow */
	uint64_t value;
};

/* In front of each payload. From the program: where to, family 0: where it is connected to. */
struct px_datagram {
	uint32_t len; /* of the payload */
	uint32_t flags;
	uint32_t ifindex; /* of arrival; 0: not known */
	uint8_t ttl;
	uint8_t tos;
	uint8_t addr_len; /* 0: none */
	uint8_t zero;
	unsigned char addr[32]; /* a sockaddr of any family of IP, packets or netlink */
};

/* A connection of a listening socket; comes with one descriptor. */
struct px_accepted {
	uint32_t magic;
	uint32_t addr_len;
	unsigned char addr[32];
};
#define PX_ACCEPTED 0x70786163u

#endif
