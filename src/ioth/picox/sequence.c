/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Initial sequence numbers as RFC 6528 asks for: a clock of 4 microseconds, plus a hash of the addresses, the
 * ports and a secret. Who can open connections to the stack learns nothing about those of others.
 *
 * liblwip calls its own tcp_next_iss() through its table of symbols, and the dynamic linker finds this one
 * first: symbols of the program come before those of its libraries. A liblwip that does not ask would be weak
 * and not wrong: system.ioth_picoxnet.initial_sequence_numbers_do_not_follow_from_each_other proves that it
 * asks.
 */

#include "random.h"

#include <errno.h>
#include <lwip/priv/tcp_priv.h>
#include <sha2.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"

static unsigned char secret[32];

static void add_addr(SHA2_CTX *hash, const ip_addr_t *addr)
{
	if (IP_IS_V6_VAL(*addr))
		SHA256Update(hash, (const unsigned char *)ip_2_ip6(addr)->addr, 16);
	else
		SHA256Update(hash, (const unsigned char *)&ip_2_ip4(addr)->addr, 4);
}

/* lwIP's, with its lock. The addresses and ports of the pcb are set. */
u32_t tcp_next_iss(struct tcp_pcb *pcb)
{
	u16_t ports[2] = { pcb->local_port, pcb->remote_port };
	unsigned char digest[SHA256_DIGEST_LENGTH];
	SHA2_CTX hash;
	u32_t number;

	SHA256Init(&hash);
	SHA256Update(&hash, secret, sizeof(secret));
	add_addr(&hash, &pcb->local_ip);
	add_addr(&hash, &pcb->remote_ip);
	SHA256Update(&hash, (const unsigned char *)ports, sizeof(ports));
	SHA256Final(digest, &hash);
	memcpy(&number, digest, sizeof(number));
	return number + (u32_t)(vs_now_ns() / 4000);
}

int px_sequence_start(void)
{
	return getrandom(secret, sizeof(secret), 0) == (ssize_t)sizeof(secret) ? 0 : -EIO;
}
