/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "table.h"

#include <stdlib.h>
#include <string.h>

#include "escape.h"

/* Characters of valid UTF-8. */
static size_t count(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

void vs_table_row(struct vs_table *t)
{
	void *rows = reallocarray(t->rows, t->n_rows + 1, sizeof(*t->rows));

	if (rows == NULL) {
		t->incomplete = true;
		return;
	}
	t->rows = rows;
	memset(t->rows[t->n_rows++], 0, sizeof(*t->rows));
}

void vs_table_cell(struct vs_table *t, size_t column, int at_most, const char *text)
{
	if (t->n_rows > 0 && column < t->n_columns)
		(void)vs_escape_fit(t->rows[t->n_rows - 1][column], VS_TABLE_CELL, text, at_most);
}

static void measure(const struct vs_table *t, size_t widths[VS_TABLE_COLUMNS])
{
	for (size_t column = 0; column < t->n_columns; column++) {
		widths[column] = 0;
		for (size_t row = 0; row < t->n_rows; row++) {
			size_t n = count(t->rows[row][column]);
			widths[column] = n > widths[column] ? n : widths[column];
		}
	}
}

/* The end of the row's first `columns` characters. */
static size_t cut(const char *line, size_t columns)
{
	size_t i = 0;

	for (size_t n = 0; line[i] != '\0'; i++)
		if (((unsigned char)line[i] & 0xc0) != 0x80 && n++ == columns)
			break;
	return i;
}

void vs_table_write(const struct vs_table *t, FILE *out, size_t first, size_t last, size_t width)
{
	size_t widths[VS_TABLE_COLUMNS];

	measure(t, widths);
	for (size_t row = first; row < last && row < t->n_rows; row++) {
		char line[VS_TABLE_COLUMNS * (VS_TABLE_CELL * 2)];
		size_t at = 0;
		for (size_t column = 0; column < t->n_columns; column++) {
			const char *cell = t->rows[row][column];
			int blanks = (int)(widths[column] - count(cell));
			bool right = (t->right >> column & 1) != 0;
			at += (size_t)snprintf(line + at, sizeof(line) - at, "%s%*s%s%*s",
					       column > 0 ? "  " : "", right ? blanks : 0, "", cell,
					       right ? 0 : blanks, "");
		}
		while (at > 0 && line[at - 1] == ' ')
			line[--at] = '\0';
		(void)fprintf(out, "%.*s\n", (int)(width > 0 ? cut(line, width) : at), line);
	}
}

void vs_table_end(struct vs_table *t)
{
	free(t->rows);
	t->rows = NULL;
	t->n_rows = 0;
}

const char *vs_table_number(char text[16], double number)
{
	static const char units[] = { ' ', 'k', 'M', 'G', 'T', 'P' };
	size_t unit = 0;

	while (number >= 999.5 && unit + 1 < sizeof(units)) {
		number /= 1000;
		unit++;
	}
	if (unit == 0)
		(void)snprintf(text, 16, "%.0f", number);
	else
		(void)snprintf(text, 16, number < 9.95 ? "%.1f%c" : "%.0f%c", number, units[unit]);
	return text;
}
