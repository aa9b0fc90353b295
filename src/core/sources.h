/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_CORE_SOURCES_H
#define VS_CORE_SOURCES_H

/* Address sources as the program's side sees them: requests to the keeper, and the records it returns. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"
#include "wire/sources.h"
#include <vdestack.h>

/* Whether any interface of a configuration has words about sources or names. */
bool vs_sources_any(const struct vs_config *config);
/* Whether there is a source of the interface that must be ready. */
bool vs_sources_has_to_wait(const struct vs_conf_iface *iface);

/*
 * Opens the directory of lease files, and makes it if it is not there: mode 0700, one level. Returns a
 * descriptor, or -errno with a message. EPERM: others may write in it.
 */
int vs_sources_open_leases(const char *path);

/* Fills in what VS_OP_SOURCES says about an interface. stack_name "": none. */
void vs_sources_fill(const struct vs_conf_iface *iface, const char *stack_name, bool has_leases,
		     struct vs_wire_sources *out);

/* ------------------------------------------------------------------ records */

struct vs_learned {
	struct vs_wire_learned *list; /* texts end with a NUL */
	size_t n;
	uint64_t generation;
};

void vs_learned_free(struct vs_learned *learned);
#define VS_AUTO_LEARNED __attribute__((cleanup(vs_learned_free))) struct vs_learned

/* Reads the memory file of a reply to VS_OP_LEARNED. Takes fd. 0 or -errno with a message. */
int vs_learned_read(int fd, struct vs_learned *out);

/* The VS_CONF_... of the source that a record is about. 0: none of these. */
unsigned vs_learned_bits(const struct vs_wire_learned *record);

/* Asks the keeper. ifname NULL or "": about all interfaces. 0 or -errno with a message. */
int vs_learned_ask(struct vdestack *stack, const char *ifname, struct vs_learned *out);

/*
 * Says which sources keep their interfaces from being ready, and why: "dhcp4 on vde0: …; dhcp6 on vde0: …".
 * config: only those on its interfaces; NULL: all.
 */
void vs_learned_missing(const struct vs_learned *learned, const struct vs_config *config, char *text,
			size_t size);

/* False: the stack has no sources for sure, so there is nothing to wait for. Asks nobody. */
bool vs_sources_possible(struct vdestack *stack);

/*
 * Waits until the sources of an interface ("": of all) are ready. timeout_ms as in public calls. 0;
 * -ETIMEDOUT with a message that does not say which are missing; another -errno with a message.
 */
int vs_sources_wait(struct vdestack *stack, const char *ifname, int timeout_ms);

/*
 * Looks once whether all sources of the stack are ready, and reads what was learned. 0: ready; VS_NOT_YET;
 * another -errno with a message.
 */
int vs_sources_look(struct vdestack *stack, struct vs_learned *out);

#endif
