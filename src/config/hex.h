/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Hexadecimal digits as numbers. */

#ifndef VS_CONFIG_HEX_H
#define VS_CONFIG_HEX_H

/* The value of a digit, in small or capital letters. -1: c is none. */
static inline int vs_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

#endif
