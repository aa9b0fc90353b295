/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_CONFIG_IMPAIR_WORDS_H
#define VS_CONFIG_IMPAIR_WORDS_H

/* Words about impairment, one by one. */

#include <stdbool.h>

#include "impair.h"
#include "words.h"

#define VS_CONF_REORDER_GAP_MAX 1000

/* Whether the word, whatever its value, is one about impairment. */
bool vs_impair_is_word(const char *text);

/* Adds what a word says. 0, or -EINVAL with *error filled; then *impair is not to be used. */
int vs_impair_take(struct vs_conf_impair *impair, const struct vs_word *word, struct vs_config_error *error);

#endif
