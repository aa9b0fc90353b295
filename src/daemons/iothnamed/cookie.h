/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NM_COOKIE_H
#define NM_COOKIE_H

/*
 * DNS cookies, RFC 7873, with server cookies of RFC 9018. A client that sends back what it got shows that it
 * has the address that its requests come from.
 */

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "message.h"
#include "siphash.h"

/*
 * Writes the server's part behind the client's one, in r->cookie: answers have it. Without a cookie: nothing.
 */
void nm_cookie_make(const uint8_t key[NM_SIPHASH_KEY], uint32_t now_s, const struct in6_addr *client,
		    struct nm_request *r);

/* Whether the request has a cookie of ours, for this client, that is not old. */
bool nm_cookie_good(const uint8_t key[NM_SIPHASH_KEY], uint32_t now_s, const struct in6_addr *client,
		    const struct nm_request *r);

#endif
