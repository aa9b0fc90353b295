/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "word.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define MAX_WORD 255

static const char *const forms[] = {
	[VS_PUBLISH_IN] = "[HOSTADDR:]PORT:[STACKADDR:]PORT[/tcp|/udp][,proxy][,from=stack]",
	[VS_PUBLISH_OUT] = "[STACKADDR:]PORT:[HOSTADDR:]PORT[/tcp|/udp][,proxy]",
};

/* A port of digits alone. false: it is none. */
static bool parse_port(const char *text, uint16_t *port)
{
	unsigned long value = 0;
	size_t n = strspn(text, "0123456789");

	if (n == 0 || n > 5 || text[n] != '\0')
		return false;
	for (size_t i = 0; i < n; i++)
		value = value * 10 + (unsigned long)(text[i] - '0');
	if (value > 65535)
		return false;
	*port = (uint16_t)value;
	return true;
}

/* Cuts off the text before the next ':', or all of it. */
static char *cut(char **rest)
{
	char *text = *rest, *colon = text != NULL ? strchr(text, ':') : NULL;

	*rest = colon != NULL ? colon + 1 : NULL;
	if (colon != NULL)
		*colon = '\0';
	return text;
}

/* [ADDRESS:]PORT at the front of *rest. NULL, or what is wrong. */
static const char *parse_side(char **rest, union vs_endpoint *addr, uint16_t *port)
{
	char *text = *rest;

	addr->sa.sa_family = AF_UNSPEC;
	if (text != NULL && text[0] == '[') {
		char *end = strchr(text, ']');
		if (end == NULL || end[1] != ':')
			return "a \"[\" without \"]:\"";
		*end = '\0';
		if (!vs_endpoint_parse(text + 1, 0, addr) || addr->sa.sa_family != AF_INET6)
			return "no IPv6 address in the brackets";
		*rest = end + 2;
		text = cut(rest);
	} else {
		text = cut(rest);
		if (text != NULL && strchr(text, '.') != NULL) {
			if (!vs_endpoint_parse(text, 0, addr))
				return "no IPv4 address before a \":\"";
			text = cut(rest);
		}
	}
	if (text == NULL)
		return "a port is missing";
	return parse_port(text, port) ? NULL : "no port, 0 to 65535, where one is expected";
}

static const char *parse_option(const char *option, struct vs_word *w)
{
	if (strcmp(option, "proxy") == 0)
		w->proxy = true;
	else if (strcmp(option, "from=stack") == 0 && w->way == VS_PUBLISH_IN)
		w->from_stack = true;
	else
		return "an unknown option after \",\"";
	return NULL;
}

static const char *parse_all(char *text, struct vs_word *w)
{
	const char *wrong = NULL;
	char *options = strchr(text, ',');

	if (options != NULL)
		*options++ = '\0';
	while (options != NULL && wrong == NULL) {
		char *next = strchr(options, ',');
		if (next != NULL)
			*next++ = '\0';
		wrong = parse_option(options, w);
		options = next;
	}
	char *protocol = strchr(text, '/');
	if (protocol != NULL) {
		*protocol++ = '\0';
		w->udp = strcmp(protocol, "udp") == 0;
		if (!w->udp && strcmp(protocol, "tcp") != 0)
			return "neither tcp nor udp after \"/\"";
	}
	if (wrong == NULL)
		wrong = parse_side(&text, &w->listen, &w->listen_port);
	if (wrong == NULL)
		wrong = parse_side(&text, &w->target, &w->target_port);
	if (wrong != NULL)
		return wrong;
	if (text != NULL)
		return "more than two ports";
	if (w->target_port == 0)
		return "0 as the port that clients get to";
	return w->proxy && w->udp ? "proxy is for TCP only" : NULL;
}

int vs_word_parse(enum vs_publish_way way, const char *text, struct vs_word *word, char *message, size_t size)
{
	struct vs_word w = { .way = way };
	char copy[MAX_WORD + 1];
	const char *wrong = "too long";

	if (strlen(text) <= MAX_WORD) {
		(void)snprintf(copy, sizeof(copy), "%s", text);
		wrong = parse_all(copy, &w);
	}
	if (wrong != NULL) {
		(void)snprintf(message, size, "\"%.80s\": %s; the form is %s", text, wrong, forms[way]);
		return -EINVAL;
	}
	*word = w;
	return 0;
}
