/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * libvdeplug reads a locator as SCHEME://REST or a path, and a plugin that nests gives it the text
 * behind a brace as another one. On the way plugins take quotes and backslashes away and decode %XX,
 * some of them, at some depth. Here that is done everywhere: what is refused by mistake is text that
 * nobody writes, what is let through by mistake would be a hole.
 */

#include "locator.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/error.h"

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The next character as a plugin may come to see it; 0 at the end. */
static char next_char(const char **at)
{
	while (**at == '\'' || **at == '"' || **at == '\\')
		++*at;
	if (**at == '\0')
		return '\0';
	char c = *(*at)++;
	if (c != '%' || hex_digit((*at)[0]) < 0 || hex_digit((*at)[1]) < 0)
		return c;
	c = (char)(hex_digit((*at)[0]) << 4 | hex_digit((*at)[1]));
	*at += 2;
	return c != '\0' ? c : '%';
}

/* What follows the word, or NULL. */
static const char *behind(const char *at, const char *word)
{
	for (; *word != '\0'; word++)
		if (next_char(&at) != *word)
			return NULL;
	return at;
}

static bool contains(const char *at, const char *word)
{
	do {
		if (behind(at, word) != NULL)
			return true;
	} while (next_char(&at) != '\0');
	return false;
}

/* A parameter behind a slash: libvdeplug takes any beginning of a name for the name. */
static bool is_parameter(const char *at, const char *name)
{
	for (size_t i = 0;; i++) {
		char c = next_char(&at);
		if (c == '=')
			return i > 0;
		if (c == '\0' || name[i] == '\0' || c != name[i])
			return false;
	}
}

/* slirp://…/cmdfwd=PORT:COMMAND starts a command for each connection. */
static bool slirp_has_command(const char *at)
{
	char c;

	while ((c = next_char(&at)) != '\0')
		if (c == '/' && is_parameter(at, "cmdfwd"))
			return true;
	return false;
}

/* The name of the file is made of the scheme, and with a slash in it the loader takes it for a path. */
static bool scheme_is_path(const char *piece)
{
	const char *end = strstr(piece, "://");

	return end != NULL && memchr(piece, '/', (size_t)(end - piece)) != NULL;
}

static enum vs_locator judge_piece(const char *piece)
{
	const char *rest;

	if (piece[0] == '=' || behind(piece, "cmd://") != NULL)
		return VS_LOCATOR_COMMAND;
	if (behind(piece, "seqpacket://") != NULL)
		return VS_LOCATOR_DESCRIPTOR;
	if ((rest = behind(piece, "slirp://")) != NULL && slirp_has_command(rest))
		return VS_LOCATOR_COMMAND;
	/*
	 * libpcap knows D-Bus as an interface, whose library may start a daemon, or what the
	 * environment says.
	 */
	if ((rest = behind(piece, "pcap://")) != NULL && contains(rest, "dbus"))
		return VS_LOCATOR_COMMAND;
	return scheme_is_path(piece) ? VS_LOCATOR_PLUGIN : VS_LOCATOR_FINE;
}

enum vs_locator vs_locator_judge(const char *text)
{
	enum vs_locator verdict = judge_piece(text);
	unsigned braces = 0;

	for (const char *at = text; verdict == VS_LOCATOR_FINE && *at != '\0';) {
		char c = next_char(&at);
		if ((c == '{' || c == '}') && ++braces > VS_LOCATOR_BRACES_MAX)
			return VS_LOCATOR_DEEP;
		if (c == '{')
			verdict = judge_piece(at);
	}
	return verdict;
}

static const struct {
	int err;
	const char *why;
} refusals[] = {
	[VS_LOCATOR_DESCRIPTOR] = { ENOTSUP, "a descriptor of this program is not one of the keeper, which opens the "
					     "network; let the other side be at a ptp:// or vde:// path, or give "
					     "\"=COMMAND\", whose standard input and output carry the frames" },
	[VS_LOCATOR_COMMAND] = { ENOTSUP, "the keeper, which opens the network, executes nothing; give \"=COMMAND\" as "
					  "the whole of vnl=, which the program itself starts" },
	[VS_LOCATOR_PLUGIN] = { EPROTONOSUPPORT, "the name of a network's kind, before ://, has no slash" },
	[VS_LOCATOR_DEEP] = { EINVAL, "it leads through too many braces or files" },
};

int vs_locator_refuse(const char *ifname, const char *text, enum vs_locator verdict)
{
	if (verdict == VS_LOCATOR_FINE)
		return 0;
	return vs_fail(refusals[verdict].err, "cannot plug interface %s into \"%.150s\": %s", ifname, text,
		       refusals[verdict].why);
}

int vs_locator_check(const char *ifname, const char *text)
{
	return vs_locator_refuse(ifname, text, vs_locator_judge(text));
}
