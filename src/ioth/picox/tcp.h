/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PX_TCP_H
#define PX_TCP_H

/* A TCP socket. tcp.c has its calls, tcp_flow.c its bytes, tcp_listen.c its connections to accept. */

#include <lwip/tcp.h>
#include <stdbool.h>
#include <stddef.h>

#include "socket.h"

enum px_tcp_state {
	PX_TCP_NEW,
	PX_TCP_CONNECTING,
	PX_TCP_OPEN, /* until both directions have ended */
	PX_TCP_LISTENING,
	PX_TCP_DEAD, /* failed, reset or closed: there is no pcb */
};

/* What a connection that is accepted inherits; times in ms. */
struct px_tcp_kept_options {
	bool nodelay;
	u32_t keep_idle, keep_intvl, keep_cnt;
};

struct px_tcp {
	struct px_socket *s;
	enum px_tcp_state state;
	struct tcp_pcb *pcb; /* lwIP's; NULL: lwIP has freed it. A listening one is a struct tcp_pcb_listen */
	ip_addr_t local;     /* of the connection, also when the pcb has gone */
	u16_t local_port;
	struct px_tcp_kept_options options; /* of a listening socket; lwIP has none of them for it */
	size_t filler; /* bytes in the program's queue in front of its own; 0: connected, or listening */
	struct pbuf *received; /* not taken by the program yet; lwIP's window is closed by so much */
	unsigned lent;         /* less these bytes */
	unsigned char *kept;   /* taken from the program, and lwIP had no memory for it */
	size_t n_kept;
	bool readable;      /* the program's queue may have bytes */
	bool program_ended; /* it will send no more */
	bool fin_sent;
	bool net_ended; /* the other side will send no more */
	bool failed;    /* nothing more is to be done with it */
	bool end_told;  /* the program has seen that */
	bool v6only;
	bool abort_on_close; /* SO_LINGER with no time */
	int error;           /* why it is aborted, positive; 0: lwIP gave up */
	int backlog;
	int unit; /* what a connection counts in the queue to the program */
};

/* All that is to be done for this socket, at the end of the turn. */
void px_tcp_later(struct px_tcp *t);
/* Attaches a pcb to the socket: the functions that lwIP calls. */
void px_tcp_attach(struct px_tcp *t, struct tcp_pcb *pcb);
/* lwIP's functions no longer know of the socket. */
void px_tcp_detach(struct px_tcp *t);
/* The connection has failed: which the program gets as error (positive). */
void px_tcp_fail(struct px_tcp *t, int error);
/*
 * A socketpair can be written to at once. Until the connection stands it holds filler, so that poll(2) says
 * that it cannot be written to. It is there before the program has the socket, so it stands before all that
 * the program writes, and nobody can see how it is put there.
 */
void px_tcp_fill(struct px_tcp *t, int program);
void px_tcp_drop_filler(struct px_tcp *t);
/* The address that the pcb has now is the one of the socket. */
void px_tcp_note_address(struct px_tcp *t);
int px_tcp_listen(struct px_socket *s, int backlog);
static inline struct px_tcp *px_tcp_of(struct px_socket *s)
{
	return s->state;
}

#endif
