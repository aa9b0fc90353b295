/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PUMP_IMPAIR_RANDOM_H
#define VS_PUMP_IMPAIR_RANDOM_H

/*
 * Random numbers that a seed repeats, on every machine: xoshiro256** (Blackman and Vigna), started by
 * SplitMix64. Not for secrets.
 */

#include <stdbool.h>
#include <stdint.h>

struct vs_random {
	uint64_t s[4];
};

/* Streams of one seed do not depend on each other. */
void vs_random_start(struct vs_random *random, uint64_t seed, unsigned stream);

uint64_t vs_random_next(struct vs_random *random);

/* 0 <= result < 1. */
static inline double vs_random_unit(struct vs_random *random)
{
	return (double)(vs_random_next(random) >> 11) * 0x1p-53;
}

/* True with this probability. Takes one number, whatever the probability. */
static inline bool vs_random_happens(struct vs_random *random, double probability)
{
	return vs_random_unit(random) < probability;
}

/* The 2nd or 3rd root of a normal positive number. */
double vs_random_root(double x, unsigned n);

/* Mean 0, standard deviation 1; the number u, 0 <= u < 1, chooses. For u and 1 - u: opposite values. */
double vs_random_normal(double u);
/* Pareto with shape 3, moved to mean 0 and standard deviation 1. The smallest value is -0.577. */
double vs_random_pareto(double u);

#endif
