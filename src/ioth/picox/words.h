/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PX_WORDS_H
#define PX_WORDS_H

/* The words of vdestack_config(7) that change interfaces, done in this stack. */

#include <stddef.h>

/*
 * Parses and applies. Addresses and routes that are there already are no error. 0, or -errno with a message
 * in `why`, which names the interface and the word; what was done before the error stays.
 */
int px_words_change(const char *text, char *why, size_t size);

/*
 * 0: all required sources are ready and all addresses usable. -EAGAIN: not yet. -EADDRNOTAVAIL: a duplicate.
 * `why` then says what is missing.
 */
int px_words_ready(char *why, size_t size);

#endif
