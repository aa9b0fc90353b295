/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_TOOLS_TABLE_H
#define VS_TOOLS_TABLE_H

/* A table as text: columns as wide as their longest cell, with two blanks between them. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define VS_TABLE_COLUMNS 12
#define VS_TABLE_CELL 160 /* bytes */

struct vs_table {
	unsigned right; /* bits of columns that stand at the right: numbers */
	size_t n_columns;
	char (*rows)[VS_TABLE_COLUMNS][VS_TABLE_CELL];
	size_t n_rows;
	bool incomplete; /* no memory */
};

/* An empty row is added; cells are set in it. */
void vs_table_row(struct vs_table *t);
/* A cell of the last row. The text may be any bytes; it is shown in at most so many characters. */
void vs_table_cell(struct vs_table *t, size_t column, int at_most, const char *text);
/* Writes rows first to last-1, each cut to `width` characters; 0: not cut. Widths are those of all rows. */
void vs_table_write(const struct vs_table *t, FILE *out, size_t first, size_t last, size_t width);
void vs_table_end(struct vs_table *t);

/* A number in at most five characters: "999", "1.5k", "20M". */
const char *vs_table_number(char text[16], double number);

#endif
