/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "names.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auto/resolvconf.h"
#include "config/addr_text.h"
#include "ioth/lib/internal.h"
#include "record.h"

#define TEXT_MIN 2048
#define TEXT_MAX (1024 * 1024)
#define SEARCH "search "

static char *fail_memory(void)
{
	(void)ioth_internal_fail(ENOMEM, "cannot make a text: no memory");
	return NULL;
}

/* ------------------------------------------------------------------ what is remembered */

static struct vs_resolv_item item_at(const void *arg, size_t i)
{
	const struct vs_record_name *name = &((const struct vs_record_name *)arg)[i];
	struct vs_resolv_item item = { .source = VS_SOURCE_STATIC, .ifname = name->ifname };
	struct vs_conf_addr addr;

	if (strncmp(name->item, "domain=", 7) == 0) {
		item.domain = name->item + 7;
	} else if (vs_addr_from_text(name->item + 4, strlen(name->item + 4), &addr)) {
		item.addr.family = (uint8_t)addr.family;
		memcpy(item.addr.bytes, addr.bytes, sizeof(item.addr.bytes));
	}
	return item;
}

static char *read_remembered(const struct vs_target *t)
{
	struct vs_record_name *list;
	size_t n;

	if (!vs_record_names(t->stack, t->ifname, &list, &n))
		return fail_memory();
	size_t size = vs_resolv_write(item_at, list, n, NULL, 0) + 1;
	char *text = malloc(size);
	if (text != NULL)
		(void)vs_resolv_write(item_at, list, n, text, size);
	vs_record_names_free(list, n);
	return text != NULL ? text : fail_memory();
}

/* ------------------------------------------------------------------ what the stack knows */

static char *read_known(const struct vs_target *t)
{
	if (t->functions->resolvconf == NULL || !vs_target_takes_words(t)) {
		char *none = calloc(1, 1);
		if (none == NULL)
			return fail_memory();
		return none;
	}
	for (size_t size = TEXT_MIN; size <= TEXT_MAX; size *= 2) {
		char *text = malloc(size);
		if (text == NULL)
			return fail_memory();
		if (t->functions->resolvconf(t->data, t->ifname, text, size) >= 0)
			return text;
		int err = errno;
		free(text);
		errno = err;
		if (err != ERANGE)
			break;
	}
	int err = errno;
	(void)ioth_internal_fail(err, "cannot read the name servers of the stack: %s", strerror(err));
	return NULL;
}

/* ------------------------------------------------------------------ both */

/* Whether what is between two `separator`s of a text, or its ends, is this one. */
static bool has_part(const char *text, const char *part, size_t length, char separator)
{
	for (const char *at = text; *at != '\0';) {
		const char *end = strchrnul(at, separator);
		if ((size_t)(end - at) == length && memcmp(at, part, length) == 0)
			return true;
		at = *end != '\0' ? end + 1 : end;
	}
	return false;
}

/* The parts of `text` that are not in `but`, each with this before and that behind it. */
static void put_parts(FILE *file, const char *text, const char *but, char separator, const char *before,
		      const char *behind)
{
	for (const char *at = text; *at != '\0';) {
		const char *end = strchrnul(at, separator);
		if (end > at && !has_part(but, at, (size_t)(end - at), separator))
			(void)fprintf(file, "%s%.*s%s", before, (int)(end - at), at, behind);
		at = *end != '\0' ? end + 1 : end;
	}
}

/* Cuts the line "search" off: *domains is what it says, "" without one. Returns the rest. */
static const char *cut_search(char *text, const char **domains)
{
	*domains = "";
	if (strncmp(text, SEARCH, strlen(SEARCH)) != 0)
		return text;
	*domains = text + strlen(SEARCH);
	char *end = strchrnul(text, '\n');
	if (*end == '\0')
		return end;
	*end = '\0';
	return end + 1;
}

static void put_both(FILE *file, char *first, char *second)
{
	const char *domains[2];
	const char *servers[2] = { cut_search(first, &domains[0]), cut_search(second, &domains[1]) };

	if (domains[0][0] != '\0' || domains[1][0] != '\0') {
		(void)fputs("search", file);
		put_parts(file, domains[0], "", ' ', " ", "");
		put_parts(file, domains[1], domains[0], ' ', " ", "");
		(void)fputc('\n', file);
	}
	put_parts(file, servers[0], "", '\n', "", "\n");
	put_parts(file, servers[1], servers[0], '\n', "", "\n");
}

static char *join(char *first, char *second)
{
	char *text = NULL;
	size_t n;
	FILE *file = open_memstream(&text, &n);

	if (file == NULL)
		return fail_memory();
	put_both(file, first, second);
	bool good = !ferror(file);
	if (fclose(file) == 0 && good)
		return text;
	free(text);
	return fail_memory();
}

char *vs_names_text(const struct vs_target *t)
{
	char *remembered = read_remembered(t);
	char *known = remembered != NULL ? read_known(t) : NULL;
	char *text = known != NULL ? join(remembered, known) : NULL;
	int err = errno;

	free(remembered);
	free(known);
	errno = err;
	return text;
}
