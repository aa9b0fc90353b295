/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_CONFIG_UNITS_H
#define VS_CONFIG_UNITS_H

/*
 * Numbers with units. Pure, and the same in every locale. A number is digits, with a point and digits behind
 * it perhaps; no sign, no exponent, no white space. For a text that is anything else, has a unit that is not
 * known, or is out of range, all return false and leave *out as it is.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All parse the n bytes at text. */

/* "20ms": ns, us, ms or s. A unit is needed, except for 0. Up to VS_UNITS_TIME_MAX_NS. */
#define VS_UNITS_TIME_MAX_NS (3600 * INT64_C(1000000000))
bool vs_units_time_ns(const char *text, size_t n, uint64_t *out);

/* "10mbit": bit, kbit, mbit or gbit, of a second. A unit is needed. From 1 to VS_UNITS_RATE_MAX. */
#define VS_UNITS_RATE_MAX UINT64_C(1000000000000)
bool vs_units_rate(const char *text, size_t n, uint64_t *out);

/* "64k": bytes; k is 1024, m 1048576. A whole number, 1 to UINT32_MAX of bytes. */
bool vs_units_bytes(const char *text, size_t n, uint32_t *out);

/* "1%", "0.01": 0 to 1. */
bool vs_units_probability(const char *text, size_t n, double *out);

/* "12": a whole number, up to most. */
bool vs_units_whole(const char *text, size_t n, uint64_t most, uint64_t *out);

#endif
