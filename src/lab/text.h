/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_LAB_TEXT_H
#define VS_LAB_TEXT_H

/* A text that grows in memory. */

#include <stdio.h>

struct vs_lab_text {
	FILE *out;
	char *bytes;
	size_t len;
};

int vs_lab_text_begin(struct vs_lab_text *text); /* -ENOMEM */
/* The text, for free(3); NULL: out of memory. */
char *vs_lab_text_end(struct vs_lab_text *text);

#endif
