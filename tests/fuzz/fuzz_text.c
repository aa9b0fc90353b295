/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The parsers of text: command lines, words, addresses, prefixes, MACs, numbers, locators. An accepted value
 * can be written as text and parses to the same value. Nothing is read beyond the end. The first byte of the
 * input chooses the parser.
 */

#include <errno.h>
#include <fuzz.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "config/addr_text.h"
#include "config/argv.h"
#include "config/locator.h"
#include "config/words.h"

/* Each byte behind a backslash, which quotes it outside of quotes. */
static char *quote(char *at, const char *word)
{
	if (*word == '\0') {
		*at++ = '\'';
		*at++ = '\'';
	}
	for (; *word != '\0'; word++) {
		*at++ = '\\';
		*at++ = *word;
	}
	return at;
}

static char *room_for(size_t len)
{
	char *room = malloc(4 * len + 16);

	if (room == NULL)
		abort();
	return room;
}

static void check_argv(const char *text, size_t len)
{
	char **first = vs_argv_split(text);

	if (first == NULL) {
		CHECK(errno == EINVAL || errno == ENOMEM);
		return;
	}
	char *again = room_for(len), *at = again;
	size_t words = 0, commands = 0;
	for (char **argv = first; argv != NULL && argv[0] != NULL; argv = vs_argv_next(argv)) {
		commands++;
		for (size_t i = 0; argv[i] != NULL; i++) {
			at = quote(at, argv[i]);
			*at++ = ' ';
			words++;
		}
		*at++ = ';';
	}
	*at = '\0';
	char **second = vs_argv_split(again);
	CHECK(second != NULL);
	for (char **a = first, **b = second; a != NULL && a[0] != NULL;
	     a = vs_argv_next(a), b = vs_argv_next(b)) {
		CHECK(b != NULL && b[0] != NULL);
		size_t i = 0;
		for (; a[i] != NULL; i++) {
			CHECK(b[i] != NULL && strcmp(a[i], b[i]) == 0);
			words--;
		}
		CHECK(b[i] == NULL);
		commands--;
	}
	CHECK(words == 0 && commands == 0);
	free(again);
	free(first);
	free(second);
}

static void check_words(const char *text, size_t len)
{
	struct vs_words words = { 0 };
	struct vs_config_error error;
	int r = vs_words_split(text, &error, &words);

	CHECK(r == 0 || r == -EINVAL || r == -E2BIG);
	if (r < 0)
		return;
	CHECK(words.n <= VS_CONFIG_WORDS_MAX);
	size_t last = 0;
	for (size_t i = 0; i < words.n; i++) {
		CHECK(words.list[i].position > last && words.list[i].position <= len);
		CHECK(strlen(words.list[i].text) <= len);
		last = words.list[i].position;
	}
	vs_words_free(&words);
	CHECK(words.n == 0);
}

static void check_addr(const char *text, size_t len)
{
	struct vs_conf_addr addr, again;
	char written[VS_PREFIX_TEXT_MAX];

	if (vs_addr_from_text(text, len, &addr)) {
		CHECK(addr.prefixlen == vs_addr_bits(&addr));
		vs_addr_to_text(&addr, written);
		CHECK(strlen(written) < VS_ADDR_TEXT_MAX);
		CHECK(vs_addr_from_text(written, strlen(written), &again) && vs_addr_equal(&addr, &again));
	}
	if (vs_prefix_from_text(text, len, &addr) == VS_PREFIX_OK) {
		CHECK(addr.prefixlen <= vs_addr_bits(&addr));
		vs_prefix_to_text(&addr, written);
		CHECK(strlen(written) < VS_PREFIX_TEXT_MAX);
		CHECK(vs_prefix_from_text(written, strlen(written), &again) == VS_PREFIX_OK);
		CHECK(vs_addr_equal(&addr, &again) && addr.prefixlen == again.prefixlen);
		(void)vs_prefix_clear_host(&addr);
		CHECK(!vs_prefix_clear_host(&addr));
	}
}

static void check_numbers(const char *text, size_t len)
{
	unsigned char mac[6], again[6];
	char written[18];
	unsigned n;

	if (vs_mac_from_text(text, mac)) {
		(void)snprintf(written, sizeof(written), "%02x-%02x-%02x-%02x-%02x-%02x", mac[0], mac[1],
			       mac[2], mac[3], mac[4], mac[5]);
		CHECK(vs_mac_from_text(written, again) && memcmp(mac, again, sizeof(mac)) == 0);
	}
	for (size_t digits = 1; digits <= 9; digits++)
		if (vs_number_from_text(text, len, digits, &n))
			CHECK(len <= digits && len > 0 && n == strtoul(text, NULL, 10));
}

/* A locator says the same of itself when it is parsed again from what it was parsed into. */
static void check_locator(const char *text, size_t len)
{
	struct vs_locator locator, again;
	char *copy = room_for(len);

	vs_locator_parse(text, &locator);
	CHECK(locator.text == text && locator.rest >= text + locator.scheme_bytes &&
	      locator.rest <= text + len);
	CHECK(locator.verdict == vs_locator_judge(text));
	CHECK(locator.kind != VS_KIND_COMMAND || locator.verdict == VS_LOCATOR_COMMAND);
	CHECK(locator.kind == VS_KIND_PLUGIN || (!locator.needs_directory && !locator.opens_terminal));
	(void)snprintf(copy, 4 * len + 16, "%.*s%s%s", (int)locator.scheme_bytes, text,
		       locator.rest == text ? "" : text[0] == '=' ? "=" : "://", locator.rest);
	CHECK(strcmp(copy, text) == 0);
	vs_locator_parse(copy, &again);
	CHECK(again.kind == locator.kind && again.verdict == locator.verdict &&
	      strcmp(again.rest, locator.rest) == 0);
	CHECK(again.needs_directory == locator.needs_directory &&
	      again.opens_terminal == locator.opens_terminal);
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const checks[])(const char *, size_t) = { check_argv, check_words, check_addr,
								check_numbers, check_locator };
	size_t len = size > 0 ? size - 1 : 0;
	char *text = malloc(len + 1); /* of its exact size, so that the sanitizer sees its end */

	if (text == NULL)
		return 0;
	if (len > 0)
		memcpy(text, data + 1, len);
	text[len] = '\0';
	if (size > 0)
		checks[data[0] % 5](text, strlen(text));
	free(text);
	return 0;
}
