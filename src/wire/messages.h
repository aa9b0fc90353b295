/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_WIRE_MESSAGES_H
#define VS_WIRE_MESSAGES_H

/*
 * Messages between a program and its keeper.
 *
 *   program                                   keeper
 *   front door  ── requests, never replies ─▶ main thread       one per keeper
 *   stack door  ── requests, never replies ─▶ networking thread one per stack
 *   channel     ◀─ replies, never requests ── any thread        some per process, or one for one call
 *
 * All are SOCK_SEQPACKET pairs. Forked children inherit doors, so processes share them. The program never
 * receives from a door, so a process cannot take the reply of another one. A stack ends when the last copy of
 * its door is closed. The keeper ends when the front door and the doors of all stacks are closed. A default
 * stack may stay longer, see claims.h.
 *
 * A stack has an id: the cookie of the program's end of its first door.
 *
 * A stack may have more doors. What may be requested at a door depends on what it was made for, see enum
 * vs_door.
 *
 * A request names the channel for its reply: by number, if the process has registered the channel before; or
 * the channel comes with the request and serves this call alone. That of a creation may stay: it is
 * registered when the stack has been made. A reply carries the sequence number of its
 * request. A reply to a call that was given up is recognised by it and dropped.
 *
 * Both ends are the same file. But it may be replaced on disk while a program runs, so the version at the
 * head of each request is checked.
 *
 * The first word of a reply differs from that of a request. So a reply is never taken for a request, even if
 * it is sent to a door.
 *
 * A keeper draws a random key and sends it to the program that started it. Every request that changes
 * something needs the key. A sealed process has erased it, and its children never had it. The program has the
 * key in one place in memory. The kernel copies it from and to that place, because what goes through
 * registers leaves copies on stacks.
 */

#include <net/if.h>
#include <stdint.h>

#define VS_WIRE_VERSION 0x7673000bu
#define VS_REPLY_TYPE 0x76720003u /* differs from every version of requests */

struct vs_key {
	uint64_t half[2]; /* both 0: none */
};

enum vs_op {
	/* front door */
	/* fds: reply, [namespace to adopt]; or like VS_OP_ADD, with the first interface; reply fds: door */
	VS_OP_CREATE = 1,
	/* a stack becomes a default; reply: a struct vs_side_door; reply fd: the claim page */
	VS_OP_CLAIM,
	/* stack door */
	VS_OP_CHANNEL,     /* fds: the channel; no reply */
	VS_OP_MSOCKET,     /* arg: domain, type, protocol; `count` replies, each with its own socket */
	VS_OP_ENTRY,       /* arg: enum vs_entry; reply fds: [namespace], [life] */
	VS_OP_SYSCTL_GET,  /* text: name; reply text: value */
	VS_OP_SYSCTL_SET,  /* text: name NUL value */
	VS_OP_ADD,         /* iface; text: VNL; fds: reply, root directory, working directory, [stream] */
	VS_OP_REMOVE,      /* iface.name; iface.addition: 0, or of the request that made it */
	/* text: int64_t, how many ns the sender's CLOCK_MONOTONIC is ahead; reply fd: for a subscriber */
	VS_OP_EVENTS,
	VS_OP_CARRIER,     /* iface.name; arg: 0 cuts, 1 restores */
	/*
	 * iface.name; reply text: offloads, tx frames, dropped, refused, rx frames, writes, dropped,
	 * reconnects, captures, wire taps, frames captured, frames missed; then, on the next line and not
	 * for VS_DOOR_APART, the locator
	 */
	VS_OP_STATS,
	/* iface.name; text: a struct vs_wire_impair; reply text: a struct vs_wire_impaired, before that */
	VS_OP_IMPAIR,
	VS_OP_IMPAIRED,    /* iface.name; reply text: a struct vs_wire_impaired */
	VS_OP_FLAP,        /* iface.name */
	VS_OP_SECRET,      /* the stack becomes a default; reply text: its secret (side_door.h) */
	VS_OP_SOURCES,     /* text: a struct vs_wire_sources; fds: reply, [directory of leases] */
	/* iface.name, "": all; the reply comes when all sources have what they were asked for */
	VS_OP_SOURCES_WAIT,
	VS_OP_LEARNED,     /* iface.name, "": all; reply fd: a sealed memory file, see sources.h */
	VS_OP_PASS,        /* reply fd: a door of its own, VS_DOOR_APART */
	/* reply text: ids of the stack and of the keeper, enum vs_door; reply fd: [the change page] */
	VS_OP_RECEIVE,
	/* text: name, for others to see; with the key; no reply */
	VS_OP_NAME,
	/* iface.name; text: a struct vs_wire_capture; reply fd: its control socket, see capture.h */
	VS_OP_CAPTURE,
	/* iface.name; arg: VS_WIRETAP_...; reply fd: the wire tap, see capture.h */
	VS_OP_WIRETAP,
	VS_OP_KEEPER_STATS, /* reply text: a struct vdestack_keeper_stats; not for VS_DOOR_APART */
	/* registry */
	/* arg: how many stacks to leave out; reply text: lines, "PID N", then "ID NAME" for each stack */
	VS_OP_LIST,
	VS_OP_ATTACH,      /* text: id of a stack; reply fd: a door, VS_DOOR_ATTACHED */
	/* side door; key: its secret; text: a struct vs_wanted_door; reply fd: door */
	VS_OP_REGAIN,
	/* between keepers, at the sockets of local:// (keeper/local.c) */
	VS_OP_LOCAL_USER,    /* reply fd: the user namespace */
	/* text: name of a segment; fds: reply, a network namespace of the sender; reply fd: its namespace */
	VS_OP_LOCAL_SEGMENT,
};

/* What a door was made for. Nobody but the keeper can change it. */
enum vs_door {
	VS_DOOR_FULL,     /* of the program; the key and the credentials decide */
	VS_DOOR_APART,    /* passed to another process: sockets and what reads */
	/*
	 * of another program that looks at the stack: as APART, commands, frames, impairment; it does not
	 * keep it
	 */
	VS_DOOR_ATTACHED,
};

enum vs_entry {
	VS_ENTRY_NAMESPACE, /* for the program, for good */
	VS_ENTRY_COMMAND,   /* and a life: one byte on it says that nobody is left in the namespace */
	VS_ENTRY_LIFE,      /* the life alone, for a command in the host network */
};

#define VS_SOCKETS_MAX 32
#define VS_STACK_NAME_BYTES 64
#define VS_LIST_MOST 4096 /* stacks that are listed */
#define VS_LIST_LINE (20 + 1 + VS_STACK_NAME_BYTES + 1) /* bytes for each */
#define VS_WIRE_NO_LIMIT UINT32_MAX /* of time */

#define VS_CONFINED_PRIVILEGES 1u /* no_new_privs */
#define VS_CONFINED_SECCOMP 2u    /* seccomp */

struct vs_wire_iface {
	char name[IF_NAMESIZE];
	unsigned char mac[6];
	uint8_t has_mac;
	uint8_t force_mtu;
	uint8_t allow_absent;
	uint8_t no_reconnect;
	/* VS_OP_CREATE, also without an interface: */
	uint8_t unregistered; /* the stack is not listed */
	uint8_t confined;     /* VS_CONFINED_...: how the calling thread is */
	uint32_t no_offload; /* VS_OFFLOAD_... */
	uint32_t mtu; /* 0 = default */
	uint64_t addition;   /* random number of the creation or addition that makes it */
};

struct vs_request {
	uint32_t version;
	uint32_t op;
	/*
	 * A random number that only the process knows that registered it. 0: the first descriptor is the
	 * channel.
	 */
	uint64_t channel;
	uint64_t seq;
	int32_t arg[3];
	union {
		/* VS_OP_CREATE and _ADD: how long a network may take; VS_WIRE_NO_LIMIT. */
		uint32_t timeout_ms;
		uint32_t count; /* VS_OP_MSOCKET: 1 to VS_SOCKETS_MAX */
	};
	struct vs_wire_iface iface;
	/*
	 * VS_OP_CREATE: the number by which the channel of this call is registered before its reply is sent,
	 * for the process that has made the channel. 0: it serves this call alone.
	 */
	uint64_t register_as;
	/*
	 * last; VS_OP_CREATE, _ENTRY, _SYSCTL_SET, _ADD, _CARRIER, _SOURCES, _IMPAIR, _FLAP, _CAPTURE,
	 * _WIRETAP need it
	 */
	struct vs_key key;
};

/* Text that follows a request or a reply in the same message, without a final NUL. */
#define VS_TEXT_MAX 8192

struct vs_reply {
	uint32_t type;  /* VS_REPLY_TYPE */
	int32_t result; /* >= 0; 1 for an interface: its network is absent. -errno: the text is the message */
	uint64_t seq;   /* of the request */
};

/* What a keeper sends at the end of its start. A keeper process sends the change page with it (changes.h). */
struct vs_start_report {
	uint32_t version;
	int32_t result;     /* 0 or -errno; then the text that follows is the message */
	int32_t pid;        /* of the keeper; 0: threads of the program */
	int32_t proof;      /* process id that senders claim to show privileges, see auth.c; 0: none */
	struct vs_key key;  /* last */
};

/* The numbers of a keeper's descriptors. */
enum {
	VS_KEEPER_STARTER = 3, /* gets one vs_start_report, or a bare errno if exec failed */
	VS_KEEPER_FRONT = 4,   /* the keeper's end of the front door */
	VS_KEEPER_ADOPT = 5,   /* optional: a namespace, whose user namespace the keeper enters */
};

#endif
