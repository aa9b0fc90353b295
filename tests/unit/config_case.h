/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef UNIT_CONFIG_CASE_H
#define UNIT_CONFIG_CASE_H

/* Configuration strings that are read, and that are refused with the message that is expected. */

#include <stdlib.h>
#include <string.h>

#include "config/addr_text.h"
#include "config/config.h"
#include "unit.h"

static struct vs_config_error error; /* of the last refusal */

static struct vs_config *parse(const char *text)
{
	struct vs_config *config = NULL;
	int result = vs_config_parse(text, NULL, NULL, &error, &config);

	if (result != 0)
		fail_msg("\"%s\" was refused: %s", text, error.text);
	assert_non_null(config);
	return config;
}

/* The usual text of addr. */
static const char *addr_text(const struct vs_conf_addr *addr)
{
	static char text[VS_PREFIX_TEXT_MAX];

	vs_prefix_to_text(addr, text);
	return text;
}

struct refusal {
	const char *text;
	int err;
	const char *word; /* as the message shows it */
	size_t position;
	const char *says; /* a part of cause or remedy */
};

static void check_refused(const struct refusal *r, vs_conf_taken_fn *taken, void *arg)
{
	struct vs_config *config = NULL;
	char start[128];
	int result = vs_config_parse(r->text, taken, arg, &error, &config);

	if (result != -r->err)
		fail_msg("\"%s\" returned %d, not %d", r->text, result, -r->err);
	assert_null(config);
	assert_int_equal(error.err, r->err);
	assert_int_equal(error.position, r->position);
	(void)snprintf(start, sizeof(start), "configuration word \"%s\" at position %zu: ", r->word,
		       r->position);
	if (strncmp(error.text, start, strlen(start)) != 0)
		fail_msg("the message\n  %s\ndoes not begin with\n  %s", error.text, start);
	if (strstr(error.text + strlen(start), r->says) == NULL)
		fail_msg("the message\n  %s\ndoes not contain\n  %s", error.text, r->says);
}

static void check_refusals(const struct refusal *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		check_refused(&list[i], NULL, NULL);
}

#define CHECK_REFUSALS(list) check_refusals(list, sizeof(list) / sizeof((list)[0]))

/* A string of n times c behind prefix, freed by the caller. */
static char *long_text(const char *prefix, char c, size_t n)
{
	size_t length = strlen(prefix);
	char *text = malloc(length + n + 1);

	assert_non_null(text);
	memcpy(text, prefix, length);
	memset(text + length, c, n);
	text[length + n] = '\0';
	return text;
}

#endif
