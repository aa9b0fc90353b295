/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PICOX_NL_H
#define VS_PICOX_NL_H

/*
 * The part of rtnetlink that a user-space stack offers: links, addresses, routes. Pure: requests and
 * answers are buffers, and the state of the stack is behind struct vs_pxnl_ops. Requests come from programs,
 * so each length and each number of them is checked here. The ops get only what can be true.
 *
 * What a stack has not got is refused with EOPNOTSUPP and a text (extended ack), never ignored.
 */

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VS_PXNL_MESSAGE_MAX 16384 /* bytes of a datagram, of requests and of answers */
#define VS_PXNL_VNL_MAX 4000
#define VS_PXNL_LATER 1 /* an op's result: vs_pxnl_answer() will tell */

struct vs_pxnl_link {
	int ifindex;
	char name[IF_NAMESIZE];
	uint8_t mac[6];
	bool loopback; /* it has no MAC */
	uint32_t mtu;
	uint32_t flags; /* IFF_... */
};

/* What a request changes of a link. */
struct vs_pxnl_change {
	uint32_t flags, mask; /* IFF_UP only */
	uint32_t mtu;         /* 0: as it is */
	bool has_mac;
	uint8_t mac[6];
	char name[IF_NAMESIZE]; /* "": as it is */
};

struct vs_pxnl_new_link {
	char name[IF_NAMESIZE]; /* "": the stack chooses one */
	int ifindex;            /* 0: the stack chooses one */
	char vnl[VS_PXNL_VNL_MAX + 1];
	struct vs_pxnl_change change; /* name unused */
};

struct vs_pxnl_addr {
	int ifindex;
	uint8_t family, prefix_len;
	uint8_t bytes[16];
	uint32_t flags;                /* IFA_F_... */
	uint32_t valid_s, preferred_s; /* UINT32_MAX: for ever */
};

struct vs_pxnl_route {
	uint8_t family, prefix_len; /* 0: default route */
	uint8_t dst[16];
	bool has_gw;
	uint8_t gw[16];
	int ifindex;      /* 0, in a request: any */
	uint32_t metric;  /* 0: none */
	uint8_t protocol; /* RTPROT_... ; in a request to delete, 0: any */
};

/* What an answer needs to know of its request. */
struct vs_pxnl_request {
	uint32_t length, seq, port;
	uint16_t type, flags;
};

/*
 * The stack. The lists are numbered from 0; false: there are no more. The others return 0, -errno or
 * VS_PXNL_LATER. *why may be set to a constant text for the error.
 */
struct vs_pxnl_ops {
	bool (*link_at)(void *arg, size_t i, struct vs_pxnl_link *out);
	int (*link_set)(void *arg, int ifindex, const struct vs_pxnl_change *change, const char **why);
	/* request: copied for vs_pxnl_answer() when the result is VS_PXNL_LATER. */
	int (*link_new)(void *arg, const struct vs_pxnl_request *request, const struct vs_pxnl_new_link *link,
			const char **why);
	int (*link_del)(void *arg, int ifindex, const char **why);
	bool (*addr_at)(void *arg, size_t i, struct vs_pxnl_addr *out);
	/* replace: of an address that is there, only lifetimes change. Otherwise -EEXIST. */
	int (*addr_new)(void *arg, const struct vs_pxnl_addr *addr, bool replace, const char **why);
	int (*addr_del)(void *arg, const struct vs_pxnl_addr *addr, const char **why);
	bool (*route_at)(void *arg, size_t i, struct vs_pxnl_route *out);
	int (*route_new)(void *arg, const struct vs_pxnl_route *route, bool replace, const char **why);
	int (*route_del)(void *arg, const struct vs_pxnl_route *route, const char **why);
	/* Sends a datagram to the socket. False: it takes no more, and the rest is dropped. */
	bool (*send)(void *arg, const void *bytes, size_t n);
};

/* A conversation with one socket. */
struct vs_pxnl {
	const struct vs_pxnl_ops *ops;
	void *arg;
	uint32_t port; /* of the socket, for answers */
};

/*
 * Serves the requests in a datagram, in order, until one is malformed. bytes: aligned for any type. Answers
 * are those of the kernel: errors always, acknowledgements for NLM_F_ACK. Returns the number of requests.
 */
int vs_pxnl_serve(const struct vs_pxnl *nl, const void *bytes, size_t n);

/* The answer to a request whose op has returned VS_PXNL_LATER: 0 or -errno. */
void vs_pxnl_answer(const struct vs_pxnl *nl, const struct vs_pxnl_request *request, int result,
		    const char *why);
/*
 * A notification, RTM_NEWLINK and the like, as a datagram: into `to`, which has VS_PXNL_MESSAGE_MAX bytes.
 * The length; 0: out of memory.
 */
size_t vs_pxnl_link_note(int type, const struct vs_pxnl_link *link, void *to);
size_t vs_pxnl_addr_note(int type, const struct vs_pxnl_addr *addr, void *to);
size_t vs_pxnl_route_note(int type, const struct vs_pxnl_route *route, void *to);

#endif
