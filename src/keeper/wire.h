/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_KEEPER_WIRE_H
#define VS_KEEPER_WIRE_H

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
 */

#include <net/if.h>
#include <stdint.h>

#define VS_WIRE_VERSION 0x76730002u

enum vs_op {
	/* front door */
	VS_OP_CREATE = 1,  /* fds: reply, [namespace to adopt]; or as VS_OP_ADD, with the first interface; reply fds: door */
	/* stack door */
	VS_OP_CHANNEL,     /* fds: the channel; no reply */
	VS_OP_MSOCKET,     /* arg: domain, type, protocol; `count` replies, each with its own socket */
	VS_OP_ENTRY,       /* reply fds: namespace, life */
	VS_OP_SYSCTL_GET,  /* text: name; reply text: value */
	VS_OP_SYSCTL_SET,  /* text: name NUL value */
	VS_OP_ADD,         /* iface; text: VNL; fds: reply, root directory, working directory, [stream] */
	VS_OP_REMOVE,      /* iface.name */
	VS_OP_EVENTS,      /* reply fd: a subscriber's end */
	VS_OP_CARRIER,     /* iface.name; arg: 0 cuts, 1 restores */
	VS_OP_STATS,       /* iface.name; reply text: offloads and counters in the order of struct vdestack_link_stats */
};

#define VS_SOCKETS_MAX 32

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
	uint64_t channel; /* 0: the first descriptor is the reply channel */
	uint64_t seq;
	int32_t arg[3];
	union {
		uint32_t timeout_ms;
		uint32_t count; /* VS_OP_MSOCKET: 1 to VS_SOCKETS_MAX */
	};
	struct vs_wire_iface iface;
};

/* Text that follows a request or a reply in the same message, without a final NUL. */
#define VS_TEXT_MAX 8192

struct vs_reply {
	uint64_t seq;
	uint64_t number; /* VS_OP_CREATE: the number of the registered channel */
	int32_t result;  /* >= 0 or -errno; then the text is the sentence. With an interface 1: its network is absent */
	int32_t pid;     /* of the keeper, in its first reply */
};

/* Where a keeper finds what the program gave it. */
enum {
	VS_KEEPER_STARTER = 3, /* says how the start went: one vs_reply, or a bare errno when exec failed */
	VS_KEEPER_FRONT = 4,   /* the keeper's end of the front door */
	VS_KEEPER_ADOPT = 5,   /* a namespace whose user namespace the keeper shall live in, if any */
};

#endif
