/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "networks.h"

#include <stdio.h>
#include <string.h>

/* Schemes with the path of a switch. vde:// leads to the network that hub:// or switch:// has made there. */
static const char *const places[] = { "vde://", "hub://", "switch://" };

/* What follows `start` in text, or NULL. */
static const char *after(const char *text, const char *start)
{
	size_t n = strlen(start);

	return strncmp(text, start, n) == 0 ? text + n : NULL;
}

/* The path of a switch; NULL: it is no locator of one. */
static const char *path_of(const char *locator)
{
	const char *path = NULL;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]) && path == NULL; i++)
		path = after(locator, places[i]);
	return path == NULL && strstr(locator, "://") == NULL ? locator : path;
}

static bool has_own_network(const char *locator)
{
	static const char *const own[] = { "=", "cmd://", "slirp://", "null://" };

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (after(locator, own[i]) != NULL)
			return true;
	return false;
}

/* The path of a switch, without scheme and port; *len: its bytes. Other locators as they are. */
static const char *plain(const char *locator, size_t *len)
{
	const char *path = path_of(locator), *text = path != NULL ? path : locator;

	*len = path != NULL ? strcspn(text, "[") : strlen(text);
	while (path != NULL && *len > 1 && text[*len - 1] == '/')
		(*len)--;
	return text;
}

/* What it names depends on the program. */
static bool is_relative(const char *locator)
{
	const char *path = path_of(locator);

	if (path == NULL)
		path = after(locator, "ptp://");
	if (path != NULL)
		return *path != '/' && *path != '\0';
	return after(locator, "inproc://") != NULL;
}

bool vs_networks_same(const char *a, pid_t keeper_a, const char *b, pid_t keeper_b)
{
	size_t len_a, len_b;
	const char *plain_a = plain(a, &len_a), *plain_b = plain(b, &len_b);

	/* ptp:///x and /x are not the same. */
	if ((path_of(a) == NULL) != (path_of(b) == NULL))
		return false;
	if (has_own_network(a) || has_own_network(b) || len_a != len_b ||
	    memcmp(plain_a, plain_b, len_a) != 0)
		return false;
	return keeper_a == keeper_b || (!is_relative(a) && !is_relative(b));
}

void vs_networks_show(const char *locator, char *buf, size_t size)
{
	const char *scheme_end = strstr(locator, "://");
	const char *rest = scheme_end != NULL ? scheme_end + 3 : locator;
	const char *command = after(locator, "cmd://");

	if (command == NULL && *locator == '=')
		command = locator + 1;
	if (command != NULL) {
		while (*command == ' ')
			command++;
		(void)snprintf(buf, size, "=%.*s", (int)strcspn(command, " \t\n"), command);
		return;
	}
	/* A locator in braces is a part of another one: only the outer scheme is shown. */
	if (strchr(locator, '{') != NULL) {
		(void)snprintf(buf, size, "%.*s{...}", (int)(rest - locator), locator);
		return;
	}
	const char *at = scheme_end != NULL ? strchr(rest, '@') : NULL;
	(void)snprintf(buf, size, "%.*s%s%.*s", (int)(rest - locator), locator, at != NULL ? "...@" : "",
		       (int)strcspn(at != NULL ? at + 1 : rest, "?"), at != NULL ? at + 1 : rest);
}
