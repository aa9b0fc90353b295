/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * lwIP sums the bytes of each frame, in pieces of four bytes. liblwip calls that function by its name, so
 * this program has functions of the same names that sum faster; liblwip finds them first.
 *
 * The sums are not complemented, and in network order, as those of lwIP are. The address does not matter:
 * lwIP's own function gives the same sum for an odd address.
 */

#include <lwip/inet_chksum.h>
#include <string.h>

#include "proto/checksum.h"

u16_t lwip_standard_chksum(const void *bytes, int len);

u16_t lwip_standard_chksum(const void *bytes, int len)
{
	return len > 0 ? vs_csum_fold(vs_csum_add(0, bytes, (size_t)len)) : 0;
}

u16_t lwip_chksum_copy(void *to, const void *from, u16_t len)
{
	memcpy(to, from, len);
	return lwip_standard_chksum(to, len);
}
