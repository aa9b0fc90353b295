/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_LAB_READER_H
#define VS_LAB_READER_H

/* The words of a line, one after the other, with their places. Pure. */

#include <stdbool.h>
#include <stddef.h>

#include "line.h"
#include "mistake.h"
#include "topology.h"

/* What the passes of a text share. */
struct vs_lab_reader {
	struct vs_lab_topology *t;
	bool partial;
	struct vs_lab_line *line;
	size_t at; /* the next word */
	struct vs_lab_mistake *mistake;
};

/*
 * The next word, or NULL at the end; the place of the word that vs_lab_next() returned last, or of the end.
 */
const char *vs_lab_next(struct vs_lab_reader *r);
const char *vs_lab_peek(const struct vs_lab_reader *r);
struct vs_lab_place vs_lab_here(const struct vs_lab_reader *r);
/* The next word, which must be there; what: what it is. NULL: the mistake is recorded. */
const char *vs_lab_need(struct vs_lab_reader *r, const char *what);

/* Whether a word can be a name: letters, digits, '.', '_' and '-', not too long. */
bool vs_lab_is_name(const char *word, size_t most);

#endif
