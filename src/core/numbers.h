/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_CORE_NUMBERS_H
#define VS_CORE_NUMBERS_H

/*
 * Where the library's lasting descriptors go: high enough to leave the low numbers to the
 * program (programs with select(2), programs that count on the lowest free number), low
 * enough for its limit and for a small table.
 */
int vs_numbers_floor(void);

#endif
