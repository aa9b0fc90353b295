/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTHADDR_H
#define IOTHADDR_H

/*
 * libiothaddr: interface ids and hardware addresses that are computed from names. iothaddr(3).
 *
 * The same name gives the same address everywhere, so a name server computes what a host has given itself.
 * The results are those of the family's programs, bit by bit. The hash is MD5: an address is no secret.
 *
 * Conventions of this header:
 *  - an IPv6 address is 16 bytes, a MAC address 6, in the order in which they are sent. The memory is the
 *    caller's.
 *  - a name is hashed as its bytes are: case matters. One dot at its end is ignored. NULL is the same as "".
 *  - passwd may be NULL, which is the same as "".
 *  - nothing fails, nothing is kept, and every function may be called from any thread and signal handler.
 */

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Turns the base address in `addr` into the address of a name. The first 8 bytes stay. The last 8 become
 * their exclusive or with the hash. otiptime: from iothaddr_otiptime(), 0 for an address that does not
 * change with time.
 */
void iothaddr_hash(void *addr, const char *name, const char *passwd, uint32_t otiptime);

/*
 * The number of the period that it is now, for iothaddr_hash(). `period` and `offset` are in seconds; the
 * offset is added to the time and may be negative. It is 0 if the period is 0 or less. A server that takes
 * its next address early has a positive offset; its clients have 0.
 */
uint32_t iothaddr_otiptime(int period, int offset);

/* Writes the MAC address of a name: a unicast address, locally administered. */
void iothaddr_hashmac(void *mac, const char *name, const char *passwd);

/*
 * Turns the base address in `addr` into that of an interface with this MAC address (RFC 4291, appendix A).
 * The first 8 bytes stay. The last 3 become their exclusive or with those of the MAC address.
 */
void iothaddr_eui64(void *addr, void *mac);

/* iothaddr_eui64() with the MAC address of iothaddr_hashmac(). */
void iothaddr_hasheui64(void *addr, const char *name, const char *passwd);

#ifdef __cplusplus
}
#endif

#endif
