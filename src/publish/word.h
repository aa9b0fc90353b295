/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PUBLISH_WORD_H
#define VS_PUBLISH_WORD_H

/*
 * The words of --publish and --publish-host. Pure.
 *
 *     --publish        [HOSTADDR:]PORT:[STACKADDR:]PORT[/tcp|/udp][,proxy][,from=stack]
 *     --publish-host   [STACKADDR:]PORT:[HOSTADDR:]PORT[/tcp|/udp][,proxy]
 *
 * Where clients connect comes first, where they get to second. An IPv6 address is in brackets. The first
 * port may be 0: any port that is free.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "endpoint.h"

enum vs_publish_way {
	VS_PUBLISH_IN,  /* a port of the host leads into the stack */
	VS_PUBLISH_OUT, /* a port of the stack leads to the host's network */
};

struct vs_word {
	enum vs_publish_way way;
	bool udp;
	bool proxy;      /* PROXY protocol, version 2 */
	bool from_stack; /* the server sees the stack's address as that of the client */
	/* AF_UNSPEC: no address was given. The port is in the other member. */
	union vs_endpoint listen, target;
	uint16_t listen_port, target_port;
};

/* 0; or -EINVAL and a message. */
int vs_word_parse(enum vs_publish_way way, const char *text, struct vs_word *word, char *message,
		  size_t size);

#endif
