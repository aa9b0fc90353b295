/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_IOTHCONF_RECORD_H
#define VS_IOTHCONF_RECORD_H

/*
 * What this library remembers of the stacks of the process: the static items that it has set on each
 * interface, and the last text of each ioth_resolvconf().
 *
 * A stack is meant by its serial number (libioth), never by its address alone. So a new stack knows nothing
 * of one that had the same address. Records of stacks that are gone are freed when others are made.
 *
 * States of a record: free, or held by one thread, which changes the static items of the interface. Others
 * that want to change them wait. Only the holder changes the items. Readers see those from before or from
 * after.
 *
 * One lock is held for a moment in each of these calls, and never while another library is called that waits.
 * All functions may be called from any thread, and in the child of a thread that has called fork(2). The
 * child has a copy of its own of what is remembered, and in it no record is held.
 */

#include <ioth.h>
#include <net/if.h>
#include <stdbool.h>

#include "items.h"

struct vs_record;

/*
 * Waits until no other thread holds the record of an interface, and holds it. NULL with errno: ENOMEM, or
 * ETIMEDOUT after limit_ms.
 */
struct vs_record *vs_record_hold(struct ioth *stack, const char *ifname, int limit_ms);

/* For the holder: what is set now. Valid until the release. */
const struct vs_items *vs_record_held(const struct vs_record *record);

/* For the holder: the items have been set by netlink, so the stack does not know the names among them. */
bool vs_record_is_plain(const struct vs_record *record);

/* Others may hold it. next: what is set from now on, which is taken over; NULL: as before, is_plain too. */
void vs_record_release(struct vs_record *record, struct vs_items *next, bool is_plain);

/* A copy of the static items of an interface, or of all (""); the caller frees it. False: out of memory. */
bool vs_record_items(struct ioth *stack, const char *ifname, struct vs_items *out);

/* A name server or a domain that the stack does not know. */
struct vs_record_name {
	char ifname[IF_NAMESIZE];
	char *item; /* "dns=", "domain=" */
};

/* All of an interface, or of all (""). *list is freed by vs_record_names_free(). False: out of memory. */
bool vs_record_names(struct ioth *stack, const char *ifname, struct vs_record_name **list, size_t *n);
void vs_record_names_free(struct vs_record_name *list, size_t n);

/*
 * Remembers the text of a resolv.conf. key: the name of the interface, "" for all. *changed: it is another
 * one than before, or the first one and not empty. False: out of memory.
 */
bool vs_record_resolvconf(struct ioth *stack, const char *key, const char *text, bool *changed);

#endif
