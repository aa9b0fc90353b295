/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_LAB_TOPOLOGY_H
#define VS_LAB_TOPOLOGY_H

/*
 * What the text of a lab says: networks, hosts, their ports and routes. Pure data. It is made by the parser
 * as a whole and not changed afterwards, so indexes into its arrays stay valid.
 */

#include <stdbool.h>
#include <stddef.h>

#include "addr.h"

#define VS_LAB_TEXT_MAX (1u << 20) /* bytes of a text */
#define VS_LAB_NETWORKS_MAX 128
#define VS_LAB_HOSTS_MAX 256
#define VS_LAB_PORTS_MAX 32 /* of a host */
#define VS_LAB_NAME_MAX 32  /* of a host; a network has the name of an interface */
#define VS_LAB_IFNAME_MAX 15

/* Where a word stands in the text, both from 1. */
struct vs_lab_place {
	unsigned line, column;
};

struct vs_lab_network {
	char name[VS_LAB_IFNAME_MAX + 1];
	struct vs_lab_place place;
	char *locator;                  /* NULL: a segment of the lab alone */
	struct vs_lab_addr prefixes[2]; /* by family; family 0: none */
};

struct vs_lab_port {
	size_t network; /* index; SIZE_MAX in a text that is not complete */
	struct vs_lab_place place;
	bool nat; /* what leaves here has the address of this port */
	struct vs_lab_addr addrs[2];
	bool fixed[2]; /* the text has the address */
	char *config;  /* more words of vdestack_config(7), or NULL */
	char *impair;  /* words of vdestack_impair_words(3), or NULL */
};

/* Of both families; bits 0: the default route. */
struct vs_lab_route {
	struct vs_lab_addr dst, gw;
	size_t port; /* of the host, on whose network gw is */
	bool given;  /* by the text */
};

enum vs_lab_kind {
	VS_LAB_HOST,
	VS_LAB_ROUTER, /* forwards, and is the gateway of the others */
	VS_LAB_SERVER  /* a host with a command */
};

enum vs_lab_ready {
	VS_LAB_READY_STARTED, /* as soon as its command is executed */
	VS_LAB_READY_TCP,     /* a TCP port accepts */
	VS_LAB_READY_FILE,    /* a file is there */
	VS_LAB_READY_OUTPUT   /* a text was written */
};

struct vs_lab_host {
	char name[VS_LAB_NAME_MAX + 1];
	struct vs_lab_place place;
	enum vs_lab_kind kind;
	bool noroute; /* no routes but those of the text */
	struct vs_lab_port *ports;
	size_t n_ports;
	struct vs_lab_route *routes;
	size_t n_routes;
	char *run; /* the command, or NULL */
	enum vs_lab_ready ready;
	unsigned ready_port;
	char *ready_text; /* of FILE and OUTPUT */
	int within_ms;    /* 0: only the limit of the whole */
};

struct vs_lab_topology {
	struct vs_lab_network *networks;
	size_t n_networks;
	struct vs_lab_host *hosts;
	size_t n_hosts;
};

void vs_lab_topology_free(struct vs_lab_topology *t); /* NULL is allowed */

/* Indexes, or -ENOENT. */
int vs_lab_find_network(const struct vs_lab_topology *t, const char *name);
int vs_lab_find_host(const struct vs_lab_topology *t, const char *name);
int vs_lab_find_port(const struct vs_lab_topology *t, size_t host, size_t network);

/* One more zeroed element at the end of an array. NULL: no memory. */
void *vs_lab_grow(void *array, size_t *n, size_t size);

#endif
