/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The calls of <iothaddr.h>. The computations are those of src/proto, which the address sources use, too. */

#include <iothaddr.h>
#include <stddef.h>
#include <time.h>

#include "proto/hash_addr.h"

static const char *or_empty(const char *name)
{
	return name != NULL ? name : "";
}

void iothaddr_hash(void *addr, const char *name, const char *passwd, uint32_t otiptime)
{
	vs_hash_addr(addr, or_empty(name), passwd, otiptime);
}

uint32_t iothaddr_otiptime(int period, int offset)
{
	return vs_otip_time(time(NULL), offset, period > 0 ? (uint32_t)period : 0);
}

void iothaddr_hashmac(void *mac, const char *name, const char *passwd)
{
	vs_hash_mac(mac, or_empty(name), passwd);
}

void iothaddr_eui64(void *addr, void *mac)
{
	vs_eui64_addr(addr, mac);
}

void iothaddr_hasheui64(void *addr, const char *name, const char *passwd)
{
	vs_hash_eui64_addr(addr, or_empty(name), passwd);
}
