/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_WIRE_MESSAGES_H
#define VS_WIRE_MESSAGES_H

/*
 * What the program and its keeper say to each other.
 *
 *   program                                   keeper
 *   front door  ── requests, never replies ─▶ main thread       one per keeper
 *   stack door  ── requests, never replies ─▶ networking thread one per stack
 *   channel     ◀─ replies, never requests ── whoever serves    some per process, or one for one call
 *
 * All are SOCK_SEQPACKET pairs. Doors are inherited by forked children and so shared between
 * processes: nothing is ever received from one, so nobody can take another's reply. The last
 * copy of a stack's door being closed is the end of that stack; the front door and all stack
 * doors closed is the end of the keeper.
 *
 * A request names its reply channel: one that the process has registered before, by number,
 * or one that comes with the request and serves this call alone. Replies carry the
 * request's sequence number; a reply to a call that was given up is recognised and dropped.
 *
 * Both ends are the same file, but it may be replaced on disk while a program runs: the
 * version at the head of each request is checked.
 *
 * The first word of a reply is another one than that of a request, so whatever a reply is sent
 * to, a door among it, never takes it for a request.
 *
 * A keeper draws a key and tells it to the program that started it. Every request that changes
 * something needs it. A process that has been sealed has forgotten it, and its children never had it.
 * In the program the key lies in one place, and the kernel copies it from there and to there: what
 * goes through registers leaves traces on stacks.
 */

#include <net/if.h>
#include <stdint.h>

#define VS_WIRE_VERSION 0x76730003u
#define VS_REPLY_TYPE 0x76720003u /* differs from every version of requests */

struct vs_key {
	uint64_t half[2]; /* both 0: none */
};

enum vs_op {
	/* front door */
	VS_OP_CREATE = 1,  /* fds: reply, [namespace to adopt]; or as VS_OP_ADD, with the first interface; reply fds: door */
	/* stack door */
	VS_OP_CHANNEL,     /* fds: the channel; no reply */
	VS_OP_MSOCKET,     /* arg: domain, type, protocol; `count` replies, each with its own socket */
	VS_OP_ENTRY,       /* arg: 1 for a life as well; reply fds: namespace, [life] */
	VS_OP_SYSCTL_GET,  /* text: name; reply text: value */
	VS_OP_SYSCTL_SET,  /* text: name NUL value */
	VS_OP_ADD,         /* iface; text: VNL; fds: reply, root directory, working directory, [stream] */
	VS_OP_REMOVE,      /* iface.name */
	VS_OP_EVENTS,      /* text: int64_t, how far the sender's CLOCK_MONOTONIC is ahead, ns; reply fd: a subscriber's end */
	VS_OP_CARRIER,     /* iface.name; arg: 0 cuts, 1 restores */
	VS_OP_STATS,       /* iface.name; reply text: offloads, then tx frames, dropped, refused, rx frames, writes, dropped */
};

#define VS_SOCKETS_MAX 32
#define VS_WIRE_NO_LIMIT UINT32_MAX /* of time */

struct vs_wire_iface {
	char name[IF_NAMESIZE];
	unsigned char mac[6];
	uint8_t has_mac;
	uint8_t force_mtu;
	uint8_t allow_absent;
	uint8_t no_reconnect;
	uint32_t no_offload; /* VS_OFFLOAD_... */
	uint32_t mtu; /* 0 = default */
};

struct vs_request {
	uint32_t version;
	uint32_t op;
	uint64_t channel; /* a random number, known to who has registered it; 0: the first descriptor is the reply channel */
	uint64_t seq;
	int32_t arg[3];
	union {
		uint32_t timeout_ms; /* VS_OP_CREATE and _ADD: how long a network may take; VS_WIRE_NO_LIMIT */
		uint32_t count; /* VS_OP_MSOCKET: 1 to VS_SOCKETS_MAX */
	};
	struct vs_wire_iface iface;
	struct vs_key key; /* last; VS_OP_CREATE, _ENTRY, _SYSCTL_SET, _ADD and _CARRIER need it */
};

/* Text that follows a request or a reply in the same message, without a final NUL. */
#define VS_TEXT_MAX 8192

struct vs_reply {
	uint32_t type;  /* VS_REPLY_TYPE */
	int32_t result; /* >= 0 or -errno; then the text is the message. With an interface 1: its network is absent */
	uint64_t seq;   /* of the request */
};

/* What a keeper says when its start is done. */
struct vs_start_report {
	uint32_t version;
	int32_t result;     /* 0 or -errno; then the text that follows is the message */
	int32_t pid;        /* of the keeper; 0: threads of the program */
	int32_t proof;      /* the process id that a sender claims to show its privileges, see auth.c; 0: none */
	struct vs_key key;  /* last */
};

/* Where a keeper finds what the program gave it. */
enum {
	VS_KEEPER_STARTER = 3, /* says how the start went: one vs_start_report, or a bare errno when exec failed */
	VS_KEEPER_FRONT = 4,   /* the keeper's end of the front door */
	VS_KEEPER_ADOPT = 5,   /* a namespace whose user namespace the keeper shall live in, if any */
};

#endif
