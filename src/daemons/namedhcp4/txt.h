/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef N4_TXT_H
#define N4_TXT_H

/*
 * The text of a TXT record, and the lists of options, as terms for a client:
 *
 *     mask=255.255.255.0,router=10.0.0.1,dns='10.0.0.53,ns.example.org',domname=example.org,lease=3600
 *
 * Tags: mask (an address or the length of the prefix), router, dns, ntp (lists), broadcast, domname (a list
 * of domains), lease (seconds, or infinite), mtu, routes (a list of NET/LEN/ROUTER). Addresses may be names.
 * The first of several equal tags counts. Tags that are not known are skipped, and so are values that are
 * wrong.
 */

#include "terms.h"

/* Adds the addresses of a name to the list. False: they are not known yet; reading ends. */
typedef bool n4_resolve(void *arg, const char *name, struct n4_list *list);

/* What the text says is added to the terms, which have what came before. False: a name is not known yet. */
bool n4_txt_read(const char *text, n4_resolve *resolve, void *arg, struct n4_terms *terms);

/* A list of addresses and names. */
bool n4_txt_addresses(const char *text, n4_resolve *resolve, void *arg, struct n4_list *list);

/*
 * A list of domains is appended to those in search (N4_SEARCH_MAX bytes); those that do not fit are left out.
 */
void n4_txt_domains(const char *text, char *search);

/* "255.255.255.0", "/24" or "24". 0: it is none; a mask of 0 bits is none. */
uint32_t n4_txt_mask(const char *text);

void n4_list_add(struct n4_list *list, uint32_t addr);

#endif
