/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PX_SOURCES_INSIDE_H
#define PX_SOURCES_INSIDE_H

/* What the files of the sources share. All of it belongs to the loop's thread, with lwIP's lock. */

#include <stddef.h>

#include "auto/auto.h"
#include "config/config.h"
#include "sources.h"

#define PX_DETECTED_MAX 8
#define PX_SOURCE_BYTES 1500 /* of a packet */

enum px_phase { PX_WAITING, PX_RUNNING };

/* An address source of an interface. */
struct px_source {
	const struct vs_auto_kind *kind;
	struct px_source *next;
	struct px_iface *iface;
	struct vs_auto_config config;
	char fqdn[VS_CONF_FQDN_MAX];
	enum px_phase phase;
	bool required, up;
	bool by_router; /* a router advertisement has started it */
	int flag; /* of a router advertisement, to be acted on; 0: none */
	struct vs_auto_ip detecting[PX_DETECTED_MAX];
	size_t n_detecting;
	const char *trouble; /* why lwIP has not taken an address, or NULL */
	const char *no_route; /* the same about a default route */
	struct vs_auto_facts facts;
	_Alignas(max_align_t) unsigned char machine[];
};

/* sources.c: the list, and a packet for a source. s NULL: it is dropped. */
struct px_source *px_source_first(void);
struct px_source *px_source_find(const struct px_iface *iface, enum vs_auto_source source);
void px_source_give(struct px_source *s, const struct vs_auto_packet *p);
vs_auto_ms px_source_now(void);

/* sources_ops.c: what a machine does to the stack, and the sockets that it needs. 0 or -errno. */
extern const struct vs_auto_ops px_source_ops;
int px_source_sockets(void);
void px_source_sockets_close(void);

/* sources_mtu.c: the MTU of the interface follows what its sources have said. */
void px_source_mtu(struct px_iface *iface);

#endif
