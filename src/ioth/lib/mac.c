/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Hardware addresses as text. */

#include <errno.h>
#include <ioth.h>
#include <stdio.h>
#include <string.h>

#include "config/hex.h"

const char *ioth_ntomac(const void *src, char *dst, size_t size)
{
	const unsigned char *b = src;

	if (size < MAC_ADDRSTRLEN) {
		errno = ENOSPC;
		return NULL;
	}
	(void)snprintf(dst, size, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4], b[5]);
	return dst;
}

/* One or two digits. NULL: none. */
static const char *take_byte(const char *p, unsigned char *byte)
{
	int high = vs_hex_digit(p[0]);

	if (high < 0)
		return NULL;
	int low = vs_hex_digit(p[1]);
	*byte = (unsigned char)(low < 0 ? high : high << 4 | low);
	return low < 0 ? p + 1 : p + 2;
}

int ioth_macton(const char *src, void *dst)
{
	unsigned char mac[6];
	char separator = '\0';

	for (int i = 0; i < 6; i++) {
		if (i == 1)
			separator = *src;
		if (i > 0 && ((separator != ':' && separator != '-') || *src++ != separator))
			return 0;
		src = take_byte(src, &mac[i]);
		if (src == NULL)
			return 0;
	}
	if (*src != '\0')
		return 0;
	memcpy(dst, mac, sizeof(mac));
	return 1;
}
