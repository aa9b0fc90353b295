/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * libvdeplug reads a locator as SCHEME://REST or as a path. A plugin that nests passes the text behind
 * a brace to libvdeplug as another locator. Some plugins remove quotes and backslashes and decode %XX,
 * some only at some depth. The judgement does so everywhere. What it refuses by mistake is text
 * that is not used in practice. What it accepts by mistake would be a hole.
 *
 * The kind of link is decided by the first bytes as they stand, without decoding: a locator that looks
 * like a segment only after decoding is one for a plugin, and judged as such.
 */

#include "locator.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "config/hex.h"

/* The next character as a plugin may come to see it; 0 at the end. */
static char next_char(const char **at)
{
	while (**at == '\'' || **at == '"' || **at == '\\')
		++*at;
	if (**at == '\0')
		return '\0';
	char c = *(*at)++;
	if (c != '%' || vs_hex_digit((*at)[0]) < 0 || vs_hex_digit((*at)[1]) < 0)
		return c;
	c = (char)(vs_hex_digit((*at)[0]) << 4 | vs_hex_digit((*at)[1]));
	*at += 2;
	return c != '\0' ? c : '%';
}

/* What follows the word, or NULL when at does not begin with it. */
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

/* At a parameter, behind its slash. libvdeplug accepts any prefix of a name for the name. */
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

/* libvdeplug builds the plugin's file name from the scheme. A slash makes a path of it for the loader. */
static bool scheme_is_path(const char *piece)
{
	const char *end = strstr(piece, "://");

	return end != NULL && memchr(piece, '/', (size_t)(end - piece)) != NULL;
}

static enum vs_locator_verdict judge_piece(const char *piece)
{
	const char *rest;

	if (piece[0] == '=' || behind(piece, "cmd://") != NULL)
		return VS_LOCATOR_COMMAND;
	if (behind(piece, "seqpacket://") != NULL)
		return VS_LOCATOR_DESCRIPTOR;
	if ((rest = behind(piece, "slirp://")) != NULL && slirp_has_command(rest))
		return VS_LOCATOR_COMMAND;
	/*
	 * libpcap has D-Bus as an interface. The library of D-Bus may start a daemon, or what the
	 * environment names.
	 */
	if ((rest = behind(piece, "pcap://")) != NULL && contains(rest, "dbus"))
		return VS_LOCATOR_COMMAND;
	return scheme_is_path(piece) ? VS_LOCATOR_PLUGIN : VS_LOCATOR_FINE;
}

enum vs_locator_verdict vs_locator_judge(const char *text)
{
	enum vs_locator_verdict verdict = judge_piece(text);
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
	[VS_LOCATOR_DESCRIPTOR] = { ENOTSUP,
				    "a descriptor of this program is not one of the keeper, which opens the "
				    "network; let the other side be at a ptp:// or vde:// path, or give "
				    "\"=COMMAND\", whose standard input and output carry the frames" },
	[VS_LOCATOR_COMMAND] = { ENOTSUP,
				 "the keeper, which opens the network, executes nothing; give \"=COMMAND\" "
				 "as the whole of vnl=, which the program itself starts" },
	[VS_LOCATOR_PLUGIN] = { EPROTONOSUPPORT, "the name of a network's kind, before ://, has no slash" },
	[VS_LOCATOR_DEEP] = { EINVAL, "it leads through too many braces or files" },
};

int vs_locator_refuse(const char *ifname, const char *text, enum vs_locator_verdict verdict,
		      struct vs_config_error *error)
{
	if (verdict == VS_LOCATOR_FINE)
		return 0;
	return vs_config_fail(error, refusals[verdict].err, "cannot plug interface %s into \"%.150s\": %s",
			      ifname, text, refusals[verdict].why);
}

/* ------------------------------------------------------------------ parsing */

static bool scheme_is(const struct vs_locator *locator, const char *scheme)
{
	return locator->scheme_bytes == strlen(scheme) && memcmp(locator->text, scheme, strlen(scheme)) == 0;
}

/* A relative path, or a nested locator, which may be one. These schemes have no path. */
static bool needs_directory(const struct vs_locator *locator)
{
	static const char *const without[] = { "udp", "vxvde", "vxlan", "slirp", "null", "tap", "pcap" };
	bool nests = strchr(locator->text, '{') != NULL;

	for (size_t i = 0; i < sizeof(without) / sizeof(without[0]); i++)
		if (scheme_is(locator, without[i]))
			return nests;
	return nests || locator->rest[0] != '/';
}

void vs_locator_parse(const char *text, struct vs_locator *out)
{
	const char *end = strstr(text, "://");

	*out = (struct vs_locator){ .text = text, .rest = text, .verdict = vs_locator_judge(text) };
	if (text[0] == '=') {
		out->kind = VS_KIND_COMMAND;
		out->rest = text + 1;
		return;
	}
	if (end != NULL) {
		out->scheme_bytes = (size_t)(end - text);
		out->rest = end + strlen("://");
	}
	if (scheme_is(out, "cmd")) {
		out->kind = VS_KIND_COMMAND;
	} else if (scheme_is(out, "inproc")) {
		out->kind = VS_KIND_SEGMENT;
	} else if (scheme_is(out, "local")) {
		out->kind = VS_KIND_LOCAL;
	} else {
		out->needs_directory = needs_directory(out);
		out->opens_terminal = contains(text, "vdesl://");
	}
}
