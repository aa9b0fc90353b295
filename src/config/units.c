/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A number is read as a whole number and a power of ten. So nothing depends on the locale, and what is asked
 * for in whole units is exact.
 */

#include "units.h"

#include <string.h>

#define DIGITS_MAX 18 /* fit into 64 bits */

struct number {
	uint64_t digits;   /* without the point */
	unsigned behind;   /* digits behind the point */
	const char *unit;  /* what follows */
	size_t unit_bytes;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Takes digits at *at. Returns how many, or -1: too many. */
static int take_digits(const char **at, const char *end, uint64_t *value, int most)
{
	int n = 0;

	for (; *at < end && is_digit(**at); ++*at) {
		if (++n > most)
			return -1;
		*value = *value * 10 + (uint64_t)(**at - '0');
	}
	return n;
}

static bool take_number(const char *text, size_t n, struct number *out)
{
	const char *at = text, *end = text + n;
	uint64_t value = 0;
	int before = take_digits(&at, end, &value, DIGITS_MAX), behind = 0;

	if (before < 1)
		return false;
	if (at < end && *at == '.') {
		at++;
		behind = take_digits(&at, end, &value, DIGITS_MAX - before);
		if (behind < 1)
			return false;
	}
	*out = (struct number){ value, (unsigned)behind, at, (size_t)(end - at) };
	return true;
}

static bool unit_is(const struct number *number, const char *unit)
{
	return number->unit_bytes == strlen(unit) && memcmp(number->unit, unit, number->unit_bytes) == 0;
}

/* The number times scale, rounded; false: more than most, which is less than 2^62. */
static bool scaled(const struct number *number, uint64_t scale, uint64_t most, uint64_t *out)
{
	uint64_t digits = number->digits, divisor = 1;

	for (unsigned i = 0; i < number->behind; i++) {
		if (scale % 10 == 0)
			scale /= 10;
		else
			divisor *= 10;
	}
	if (digits != 0 && scale > UINT64_MAX / digits)
		return false;
	uint64_t product = digits * scale;
	uint64_t value = product / divisor + (product % divisor >= divisor - divisor / 2 && divisor > 1);
	if (value > most)
		return false;
	*out = value;
	return true;
}

struct unit {
	const char *name;
	uint64_t scale;
};

static bool with_unit(const char *text, size_t n, const struct unit *units, uint64_t most, uint64_t *out)
{
	struct number number;

	if (!take_number(text, n, &number))
		return false;
	for (; units->name != NULL; units++)
		if (unit_is(&number, units->name))
			return scaled(&number, units->scale, most, out);
	return false;
}

bool vs_units_time_ns(const char *text, size_t n, uint64_t *out)
{
	static const struct unit units[] = {
		{ "ns", 1 }, { "us", 1000 }, { "ms", 1000000 }, { "s", 1000000000 }, { NULL, 0 },
	};

	if (n == 1 && text[0] == '0') {
		*out = 0;
		return true;
	}
	return with_unit(text, n, units, VS_UNITS_TIME_MAX_NS, out);
}

bool vs_units_rate(const char *text, size_t n, uint64_t *out)
{
	static const struct unit units[] = {
		{ "bit", 1 }, { "kbit", 1000 }, { "mbit", 1000000 }, { "gbit", 1000000000 }, { NULL, 0 },
	};
	uint64_t rate;

	if (!with_unit(text, n, units, VS_UNITS_RATE_MAX, &rate) || rate == 0)
		return false;
	*out = rate;
	return true;
}

bool vs_units_bytes(const char *text, size_t n, uint32_t *out)
{
	static const struct unit units[] = { { "", 1 }, { "k", 1024 }, { "m", 1048576 }, { NULL, 0 } };
	uint64_t bytes;

	if (memchr(text, '.', n) != NULL || !with_unit(text, n, units, UINT32_MAX, &bytes) || bytes == 0)
		return false;
	*out = (uint32_t)bytes;
	return true;
}

bool vs_units_probability(const char *text, size_t n, double *out)
{
	struct number number;

	if (!take_number(text, n, &number) || (number.unit_bytes != 0 && !unit_is(&number, "%")))
		return false;
	unsigned behind = number.behind + (number.unit_bytes != 0 ? 2 : 0);
	double scale = 1;
	for (unsigned i = 0; i < behind; i++)
		scale *= 10; /* exact: at most 10^20 */
	double p = (double)number.digits / scale;
	if (p > 1)
		return false;
	*out = p;
	return true;
}

bool vs_units_whole(const char *text, size_t n, uint64_t most, uint64_t *out)
{
	static const struct unit none[] = { { "", 1 }, { NULL, 0 } };

	return memchr(text, '.', n) == NULL && with_unit(text, n, none, most, out);
}
