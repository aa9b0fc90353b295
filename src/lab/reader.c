/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "reader.h"

#include <string.h>

const char *vs_lab_peek(const struct vs_lab_reader *r)
{
	return r->at < r->line->n ? r->line->words[r->at].text : NULL;
}

const char *vs_lab_next(struct vs_lab_reader *r)
{
	const char *word = vs_lab_peek(r);

	r->at++;
	return word;
}

struct vs_lab_place vs_lab_here(const struct vs_lab_reader *r)
{
	bool inside = r->at > 0 && r->at <= r->line->n;

	return (struct vs_lab_place){ r->line->number,
				      inside ? r->line->words[r->at - 1].column : r->line->end };
}

const char *vs_lab_need(struct vs_lab_reader *r, const char *what)
{
	const char *word = vs_lab_next(r);

	if (word == NULL)
		(void)vs_lab_wrong(r->mistake, vs_lab_here(r), "the line ends too early; write %s", what);
	return word;
}

bool vs_lab_is_name(const char *word, size_t most)
{
	size_t len = strlen(word);

	return len > 0 && len <= most && word[0] != '-' && word[0] != '.' &&
	       strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == len;
}
