/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_CONFIG_IMPAIR_TEXT_H
#define VS_CONFIG_IMPAIR_TEXT_H

/* Impairments as words, which can be given back, and their counters. Pure. */

#include <stdbool.h>
#include <stddef.h>

#include <vdestack/impair.h>

#define VS_IMPAIR_TEXT_MAX 640 /* bytes of the words of one direction, with the NUL */

/* Whether it does anything to a frame. */
bool vs_impair_is_set(const struct vdestack_impairment *settings);

/*
 * The words of one direction, each with the prefix ("tx.", "rx." or ""), the seed last. "": nothing is set
 * but perhaps a seed.
 */
void vs_impair_text_words(const struct vdestack_impairment *settings, const char *prefix,
			  char text[VS_IMPAIR_TEXT_MAX]);

/* A counter of the statistics by its number from 0 on; its name, or NULL: there is no such counter. */
const char *vs_impair_text_counter(const struct vdestack_impair_stats *stats, size_t number,
				   unsigned long long *value);

#endif
