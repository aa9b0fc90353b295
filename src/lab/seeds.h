/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_LAB_SEEDS_H
#define VS_LAB_SEEDS_H

/*
 * The seeds of ports. Each direction of each port has one that comes from the seed of the lab and from names.
 * So one number repeats all choices, and a port that is added changes no other one's.
 */

#include <stdbool.h>
#include <stdint.h>

/* What the words of an impairment say about seeds. If "unimpaired" is there: those behind it. */
struct vs_lab_seed_words {
	bool anew;   /* "unimpaired" is there: seeds that were in force are not any more */
	bool works;  /* there are words that do something */
	bool tx, rx; /* this direction has a seed of its own */
};

struct vs_lab_seed_words vs_lab_seeds_read(const char *words);

/* The seed of a direction, 't' or 'r', of the port of a host on a network: from 1 to 2^63 - 1. */
uint64_t vs_lab_seeds_of(uint64_t lab, const char *host, const char *network, char direction);

/*
 * The words with a seed for each direction that has none, for free(3). Before them is a newline, which ends a
 * comment. NULL: no memory.
 */
char *vs_lab_seeds_add(uint64_t lab, const char *host, const char *network, const char *words);

#endif
