/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "words.h"

#include <stdio.h>
#include <stdlib.h>

/* Words that are put together. `file` is NULL when memory is short. */
struct text {
	FILE *file;
	char *bytes;
	size_t n, words;
};

/* A name of an interface may have any printable character: each is quoted that is no letter and no digit. */
static void begin(struct text *text, const char *ifname)
{
	text->file = open_memstream(&text->bytes, &text->n);
	if (text->file == NULL)
		return;
	(void)fputs("iface=", text->file);
	for (const char *c = ifname; *c != '\0'; c++) {
		bool plain = (*c >= '0' && *c <= '9') || (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z');
		(void)fprintf(text->file, plain ? "%c" : "\\%c", *c);
	}
}

static void put(struct text *text, const char *sign, const char *word)
{
	text->words++;
	if (text->file != NULL)
		(void)fprintf(text->file, " %s%s", sign, word);
}

static char *end(struct text *text, bool *none)
{
	bool good = text->file != NULL && !ferror(text->file);

	if (text->file != NULL && fclose(text->file) != 0)
		good = false;
	*none = text->words == 0;
	if (good && !*none)
		return text->bytes;
	free(text->bytes);
	return NULL;
}

static void put_sources(struct text *text, const char *sign, unsigned parts)
{
	if (parts & VS_PLAN_RD)
		put(text, sign, "rd");
	if (parts & VS_PLAN_SLAAC)
		put(text, sign, "slaac");
	if (parts & VS_PLAN_DHCP6)
		put(text, sign, "dhcp6");
	if (parts & VS_PLAN_DHCP)
		put(text, sign, "dhcp");
}

char *vs_words_start(const struct vs_plan *plan, const char *ifname, unsigned parts, bool *none)
{
	struct text text = { 0 };

	begin(&text, ifname);
	put_sources(&text, "", parts & plan->want);
	if (text.words > 0 && plan->fqdn[0] != '\0')
		put(&text, "fqdn=", plan->fqdn);
	return end(&text, none);
}

char *vs_words_stop(const struct vs_plan *plan, const char *ifname, bool *none)
{
	struct text text = { 0 };

	begin(&text, ifname);
	put_sources(&text, "-", plan->undo);
	return end(&text, none);
}

char *vs_words_static(const char *ifname, const struct vs_items *gone, const struct vs_items *add, bool *none)
{
	struct text text = { 0 };

	begin(&text, ifname);
	for (size_t i = 0; i < gone->n; i++)
		put(&text, "-", gone->list[i]);
	for (size_t i = 0; i < add->n; i++)
		put(&text, "", add->list[i]);
	return end(&text, none);
}
