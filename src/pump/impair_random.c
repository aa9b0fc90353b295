/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The mathematics stands here and not in libm: the library does not link it, and libm's last bits differ
 * between versions, which would change what a seed repeats.
 */

#include "impair_random.h"

#include <string.h>

static uint64_t split_mix(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

void vs_random_start(struct vs_random *random, uint64_t seed, unsigned stream)
{
	uint64_t of_seed = seed;
	uint64_t state = split_mix(&of_seed) + stream; /* near seeds must not share streams */

	for (int i = 0; i < 4; i++)
		random->s[i] = split_mix(&state);
}

static uint64_t rotate(uint64_t x, int bits)
{
	return (x << bits) | (x >> (64 - bits));
}

uint64_t vs_random_next(struct vs_random *random)
{
	uint64_t *s = random->s;
	uint64_t result = rotate(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotate(s[3], 45);
	return result;
}

/* Newton's method. Dividing the exponent gives a first value within 13 %. */
double vs_random_root(double x, unsigned n)
{
	const uint64_t one = 0x3ff0000000000000;
	uint64_t bits;
	double y;

	memcpy(&bits, &x, sizeof(bits));
	bits = bits / n + one / n * (n - 1);
	memcpy(&y, &bits, sizeof(y));
	for (int i = 0; i < 6; i++)
		y -= n == 2 ? (y - x / y) / 2 : (y - x / (y * y)) / 3;
	return y;
}

/* The natural logarithm of 0 < x < 1: exponent, and a series for what is left (0.7 to 1.4). */
static double logarithm(double x)
{
	int exponent = 0;

	for (; x < 0.7071; x *= 2)
		exponent--;
	double z = (x - 1) / (x + 1), square = z * z, sum = 0;
	for (int k = 21; k >= 1; k -= 2)
		sum = sum * square + 1.0 / k;
	return 2 * z * sum + exponent * 0.693147180559945309;
}

static double polynomial(const double *c, int n, double x)
{
	double sum = c[0];

	for (int i = 1; i < n; i++)
		sum = sum * x + c[i];
	return sum;
}

/*
 * The inverse of the normal distribution, by the rational functions of P. J. Acklam; the relative error is
 * below 1.2e-9.
 */
double vs_random_normal(double u)
{
	static const double a[] = { -3.969683028665376e+01, 2.209460984245205e+02, -2.759285104469687e+02,
				    1.383577518672690e+02, -3.066479806614716e+01, 2.506628277459239e+00 };
	static const double b[] = { -5.447609879822406e+01, 1.615858368580409e+02, -1.556989798598866e+02,
				    6.680131188771972e+01, -1.328068155288572e+01, 1 };
	static const double c[] = { -7.784894002430293e-03, -3.223964580411365e-01, -2.400758277161838e+00,
				    -2.549732539343734e+00, 4.374664141464968e+00, 2.938163982698783e+00 };
	static const double d[] = { 7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e+00,
				    3.754408661907416e+00, 1 };
	double low = u < 0.5 ? u : 1 - u;

	if (low >= 0.02425) {
		double q = u - 0.5, r = q * q;
		return polynomial(a, 6, r) * q / polynomial(b, 6, r);
	}
	if (low < 0x1p-54)
		low = 0x1p-54;
	double q = vs_random_root(-2 * logarithm(low), 2);
	double x = polynomial(c, 6, q) / polynomial(d, 5, q);
	return u < 0.5 ? x : -x;
}

double vs_random_pareto(double u)
{
	double x = 1 / vs_random_root(1 - u, 3); /* mean 3/2, variance 3/4 */

	return (x - 1.5) / 0.866025403784438647;
}
