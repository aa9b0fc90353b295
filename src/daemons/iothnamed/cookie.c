/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cookie.h"

#include <string.h>

#define CLIENT_BYTES 8
#define HEAD_BYTES 8 /* version, three reserved bytes, time */
#define OLDEST_S 3600
#define NEWEST_S 300 /* servers that share a key have clocks of their own */

/* The hash of a cookie whose first 16 bytes are there, RFC 9018 section 4.4. */
static void hash(const uint8_t key[NM_SIPHASH_KEY], const struct in6_addr *client, const uint8_t *cookie,
		 uint8_t result[8])
{
	uint8_t data[CLIENT_BYTES + HEAD_BYTES + 16];
	bool v4 = IN6_IS_ADDR_V4MAPPED(client);
	size_t n = v4 ? 4 : 16;

	memcpy(data, cookie, CLIENT_BYTES + HEAD_BYTES);
	memcpy(data + CLIENT_BYTES + HEAD_BYTES, &client->s6_addr[16 - n], n);
	nm_siphash(key, data, CLIENT_BYTES + HEAD_BYTES + n, result);
}

void nm_cookie_make(const uint8_t key[NM_SIPHASH_KEY], uint32_t now_s, const struct in6_addr *client,
		    struct nm_request *r)
{
	const uint8_t head[HEAD_BYTES] = { 1,
					   0,
					   0,
					   0,
					   (uint8_t)(now_s >> 24),
					   (uint8_t)(now_s >> 16),
					   (uint8_t)(now_s >> 8),
					   (uint8_t)now_s };

	if (r->cookie_n < CLIENT_BYTES)
		return;
	memcpy(r->cookie + CLIENT_BYTES, head, HEAD_BYTES);
	hash(key, client, r->cookie, r->cookie + CLIENT_BYTES + HEAD_BYTES);
	r->cookie_n = CLIENT_BYTES + HEAD_BYTES + 8;
}

bool nm_cookie_good(const uint8_t key[NM_SIPHASH_KEY], uint32_t now_s, const struct in6_addr *client,
		    const struct nm_request *r)
{
	const uint8_t *head = r->cookie + CLIENT_BYTES;
	uint8_t expected[8], different = 0;

	if (r->cookie_n != CLIENT_BYTES + HEAD_BYTES + 8 || head[0] != 1)
		return false;
	uint32_t made = (uint32_t)head[4] << 24 | (uint32_t)head[5] << 16 | (uint32_t)head[6] << 8 | head[7];
	int32_t age = (int32_t)(now_s - made); /* serial numbers, RFC 1982 */
	if (age > OLDEST_S || age < -NEWEST_S)
		return false;
	hash(key, client, r->cookie, expected);
	for (int i = 0; i < 8; i++)
		different |= expected[i] ^ head[HEAD_BYTES + i];
	return different == 0;
}
