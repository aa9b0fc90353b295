/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PROTO_HASH_ADDR_H
#define VS_PROTO_HASH_ADDR_H

/*
 * Interface ids and MAC addresses that are computed, and not assigned.
 *
 * The hashes of names are those of the Internet-of-Threads family, bit by bit: a name server computes the
 * same address from the same name. They use MD5. That is good enough, because the name is no secret. A final
 * dot of the name is ignored, case is not. password may be NULL, which is the same as "".
 *
 * An address parameter comes in as the base, a prefix of 64 bits and an id, and goes out with another id.
 */

#include <stdbool.h>
#include <stdint.h>

/* otiptime: the period of a one-time address, from vs_otip_time(); 0: the address does not change. */
void vs_hash_addr(uint8_t addr[16], const char *name, const char *password, uint32_t otiptime);

/* A locally administered unicast MAC address. */
void vs_hash_mac(uint8_t mac[6], const char *name, const char *password);

/* The id from a MAC address, RFC 4291 appendix A. The low 24 bits of the base are added by exclusive or. */
void vs_eui64_addr(uint8_t addr[16], const uint8_t mac[6]);

/* The same for the MAC address that belongs to the name. */
void vs_hash_eui64_addr(uint8_t addr[16], const char *name, const char *password);

/*
 * The number of the period that a time belongs to. now_s: seconds since 1970. offset_s is added to it.
 * period_s 0: the result is 0.
 */
uint32_t vs_otip_time(int64_t now_s, int32_t offset_s, uint32_t period_s);

/*
 * The stable id of RFC 7217 for the prefix in the first 8 bytes of addr. ifname, up to 15 characters, is the
 * RFC's Net_Iface; there is no Network_ID. The secret belongs to one interface of one stack: two interfaces
 * with the same name and secret get the same address. *dad_counter is 0 for the first address, and one more
 * after each address that another host uses. It is increased here, too, while the id is a reserved one.
 */
void vs_stable_addr(uint8_t addr[16], const char *ifname, const uint8_t secret[16], uint8_t *dad_counter);

/* An id that no host may choose: RFC 5453 with the registry of IANA. */
bool vs_iid_is_reserved(const uint8_t iid[8]);

#endif
