/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Computed interface ids and MAC addresses. The hash functions are those of libmd. */

#include "hash_addr.h"

#include <md5.h>
#include <sha2.h>
#include <string.h>

static void hash(uint8_t digest[MD5_DIGEST_LENGTH], const char *name, const char *password, uint32_t otiptime)
{
	const uint8_t time[4] = { (uint8_t)(otiptime >> 24), (uint8_t)(otiptime >> 16),
				  (uint8_t)(otiptime >> 8), (uint8_t)otiptime };
	size_t n = strlen(name);
	MD5_CTX md5;

	if (n > 0 && name[n - 1] == '.')
		n--;
	MD5Init(&md5);
	MD5Update(&md5, (const uint8_t *)name, n);
	if (password != NULL)
		MD5Update(&md5, (const uint8_t *)password, strlen(password));
	if (otiptime != 0)
		MD5Update(&md5, time, sizeof(time));
	MD5Final(digest, &md5);
}

void vs_hash_addr(uint8_t addr[16], const char *name, const char *password, uint32_t otiptime)
{
	uint8_t digest[MD5_DIGEST_LENGTH];

	hash(digest, name, password, otiptime);
	for (int i = 0; i < 8; i++)
		addr[8 + i] ^= digest[i];
	addr[8] &= 0xfc; /* neither from a MAC address nor for a group */
}

void vs_hash_mac(uint8_t mac[6], const char *name, const char *password)
{
	uint8_t digest[MD5_DIGEST_LENGTH];

	hash(digest, name, password, 0);
	memcpy(mac, digest, 3);
	memcpy(mac + 3, digest + 5, 3);
	mac[0] = (uint8_t)((mac[0] | 0x02) & 0xfe);
}

void vs_eui64_addr(uint8_t addr[16], const uint8_t mac[6])
{
	memcpy(addr + 8, mac, 3);
	addr[8] ^= 0x02;
	addr[11] = 0xff;
	addr[12] = 0xfe;
	for (int i = 0; i < 3; i++)
		addr[13 + i] ^= mac[3 + i];
}

void vs_hash_eui64_addr(uint8_t addr[16], const char *name, const char *password)
{
	uint8_t mac[6];

	vs_hash_mac(mac, name, password);
	vs_eui64_addr(addr, mac);
}

uint32_t vs_otip_time(int64_t now_s, int32_t offset_s, uint32_t period_s)
{
	return period_s != 0 ? (uint32_t)((now_s + offset_s) / period_s) : 0;
}

bool vs_iid_is_reserved(const uint8_t iid[8])
{
	static const uint8_t zero[8];
	static const uint8_t iana[5] = { 0x02, 0x00, 0x5e, 0xff, 0xfe }; /* EUI-64 of IANA's MAC addresses */
	static const uint8_t anycast[7] = { 0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

	return memcmp(iid, zero, sizeof(zero)) == 0 || memcmp(iid, iana, sizeof(iana)) == 0 ||
	       (memcmp(iid, anycast, sizeof(anycast)) == 0 && iid[7] >= 0x80);
}

/* All inputs of F() have a fixed place, so different inputs are different bytes. */
static void stable_id(uint8_t iid[8], const uint8_t prefix[8], const char *ifname, const uint8_t secret[16],
		      uint8_t dad_counter)
{
	uint8_t digest[SHA256_DIGEST_LENGTH], name[16] = { 0 };
	SHA2_CTX sha;

	strncpy((char *)name, ifname, sizeof(name) - 1);
	SHA256Init(&sha);
	SHA256Update(&sha, secret, 16);
	SHA256Update(&sha, prefix, 8);
	SHA256Update(&sha, name, sizeof(name));
	SHA256Update(&sha, &dad_counter, 1);
	SHA256Final(digest, &sha);
	memcpy(iid, digest, 8);
}

void vs_stable_addr(uint8_t addr[16], const char *ifname, const uint8_t secret[16], uint8_t *dad_counter)
{
	for (;;) {
		stable_id(addr + 8, addr, ifname, secret, *dad_counter);
		if (!vs_iid_is_reserved(addr + 8))
			return;
		++*dad_counter;
	}
}
