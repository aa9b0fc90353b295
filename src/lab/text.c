/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "text.h"

#include <errno.h>
#include <stdlib.h>

int vs_lab_text_begin(struct vs_lab_text *text)
{
	text->bytes = NULL;
	text->out = open_memstream(&text->bytes, &text->len);
	return text->out != NULL ? 0 : -ENOMEM;
}

char *vs_lab_text_end(struct vs_lab_text *text)
{
	int failed = ferror(text->out);

	if (fclose(text->out) != 0 || failed) {
		free(text->bytes);
		return NULL;
	}
	return text->bytes;
}
