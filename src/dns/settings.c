/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "settings.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "name.h"

#define BLANKS " \t\r\n"

void vs_settings_init(struct vs_settings *s)
{
	memset(s, 0, sizeof(*s));
	s->ndots = -1;
}

/* The next word of a text, at most size - 1 bytes; a longer one becomes "". Returns false at the end. */
static bool next_word(const char **text, const char *blanks, char *word, size_t size)
{
	const char *at = *text + strspn(*text, blanks);
	size_t n = strcspn(at, blanks);

	*text = at + n;
	if (n == 0)
		return false;
	if (n >= size)
		n = 0;
	memcpy(word, at, n);
	word[n] = '\0';
	return true;
}

/* A number from min to max, or -1. */
static long number(const char *text, long min, long max)
{
	char *end;

	if (*text < '0' || *text > '9')
		return -1;
	errno = 0;
	long value = strtol(text, &end, 10);
	return errno != 0 || *end != '\0' || value < min || value > max ? -1 : value;
}

/* Splits "[ADDR]:PORT" and "V4:PORT". The port is 53 without one. */
static int split_port(char *word, char **addr, uint16_t *port)
{
	char *colon = strchr(word, ':');
	const char *digits = NULL;

	*addr = word;
	*port = 53;
	if (word[0] == '[') {
		char *end = strchr(word, ']');
		if (end == NULL || (end[1] != '\0' && end[1] != ':'))
			return -EINVAL;
		*addr = word + 1;
		digits = end[1] == ':' ? end + 2 : NULL;
		*end = '\0';
	} else if (colon != NULL && strchr(colon + 1, ':') == NULL) {
		*colon = '\0';
		digits = colon + 1;
	}
	if (digits == NULL)
		return 0;
	long value = number(digits, 1, 65535);
	if (value < 0)
		return -EINVAL;
	*port = (uint16_t)value;
	return 0;
}

static int parse_server(const char *text, struct vs_server *out)
{
	char word[96], *addr;
	struct vs_server s = { 0 };

	if (*text == '\0' || strlen(text) >= sizeof(word))
		return -EINVAL;
	strcpy(word, text);
	if (split_port(word, &addr, &s.port) < 0)
		return -EINVAL;
	char *percent = strchr(addr, '%');
	if (percent != NULL) {
		size_t n = strlen(percent + 1);
		if (n == 0 || n >= sizeof(s.zone))
			return -EINVAL;
		memcpy(s.zone, percent + 1, n + 1);
		*percent = '\0';
	}
	if (inet_pton(AF_INET, addr, s.bytes) == 1 && percent == NULL)
		s.family = AF_INET;
	else if (inet_pton(AF_INET6, addr, s.bytes) == 1)
		s.family = AF_INET6;
	else
		return -EINVAL;
	*out = s;
	return 0;
}

int vs_settings_servers(struct vs_settings *s, const char *list)
{
	char word[96];

	s->n_servers = 0;
	while (next_word(&list, BLANKS ",", word, sizeof(word))) {
		if (s->n_servers == VS_SERVERS_MAX)
			return -E2BIG;
		if (parse_server(word, &s->servers[s->n_servers]) < 0)
			return -EINVAL;
		s->n_servers++;
	}
	return 0;
}

static int add_domain(struct vs_settings *s, const char *domain, size_t *used)
{
	uint8_t wire[VS_NAME_WIRE_MAX];
	size_t n = strlen(domain);

	if (vs_name_pack(domain, wire) < 0)
		return -EINVAL;
	if (n > 1 && vs_name_is_absolute(domain))
		n--;
	if (s->n_search == VS_SEARCH_MAX || *used + n + 1 > sizeof(s->search))
		return -E2BIG;
	s->domains[s->n_search++] = (uint16_t)*used;
	memcpy(s->search + *used, domain, n);
	s->search[*used + n] = '\0';
	*used += n + 1;
	return 0;
}

int vs_settings_search(struct vs_settings *s, const char *list)
{
	char word[VS_NAME_WIRE_MAX + 2];
	size_t used = 0;

	s->n_search = 0;
	while (next_word(&list, BLANKS ",", word, sizeof(word))) {
		int err = add_domain(s, word, &used);
		if (err < 0)
			return err;
	}
	return 0;
}

static bool is_loopback(const struct vs_server *server)
{
	static const uint8_t one[16] = { [15] = 1 };
	static const uint8_t mapped[13] = { [10] = 0xff, [11] = 0xff, [12] = 127 };
	static const uint8_t none[16];

	if (server->family == AF_INET) /* 0.0.0.0 is this host, too */
		return server->bytes[0] == 127 || memcmp(server->bytes, none, 4) == 0;
	return memcmp(server->bytes, one, 16) == 0 || memcmp(server->bytes, none, 16) == 0 ||
	       memcmp(server->bytes, mapped, 13) == 0;
}

static void take_server(struct vs_settings *s, const char *word, bool of_host)
{
	struct vs_server server;

	if (s->n_servers == VS_SERVERS_MAX || parse_server(word, &server) < 0)
		return;
	if (of_host && is_loopback(&server)) {
		if (s->refused[0] == '\0')
			vs_server_text(&server, s->refused, sizeof(s->refused));
		return;
	}
	s->servers[s->n_servers++] = server;
}

static int least(long value, int most)
{
	return value > most ? most : (int)value;
}

static void take_option(struct vs_settings *s, const char *word)
{
	const char *colon = strchr(word, ':');
	long value = colon != NULL ? number(colon + 1, 0, 1000) : -1;

	if (strcmp(word, "use-vc") == 0)
		s->tcp = true;
	if (value < 0)
		return;
	/* The limits of glibc. */
	if (strncmp(word, "ndots:", 6) == 0)
		s->ndots = least(value, 15);
	else if (strncmp(word, "timeout:", 8) == 0 && value > 0)
		s->timeout_ms = least(value, 30) * 1000;
	else if (strncmp(word, "attempts:", 9) == 0 && value > 0)
		s->tries = least(value, 5);
}

/* A search list of a file: malformed domains are left out. */
static void take_search(struct vs_settings *s, const char *rest, bool one)
{
	char word[VS_NAME_WIRE_MAX + 2];
	size_t used = 0;

	s->n_search = 0;
	while (next_word(&rest, BLANKS, word, sizeof(word))) {
		(void)add_domain(s, word, &used);
		if (one)
			return;
	}
}

static void take_line(struct vs_settings *s, const char *line, bool of_host)
{
	char key[32], word[96];

	if (*line == '#' || *line == ';' || !next_word(&line, BLANKS, key, sizeof(key)))
		return;
	if (strcmp(key, "nameserver") == 0) {
		if (next_word(&line, BLANKS, word, sizeof(word)))
			take_server(s, word, of_host);
	} else if (strcmp(key, "search") == 0 || strcmp(key, "domain") == 0) {
		take_search(s, line, *key == 'd');
	} else if (strcmp(key, "options") == 0) {
		while (next_word(&line, BLANKS, word, sizeof(word)))
			take_option(s, word);
	}
}

void vs_settings_resolv_conf(struct vs_settings *s, const char *text, bool of_host)
{
	char line[1024];

	while (*text != '\0') {
		size_t n = strcspn(text, "\n");
		if (n < sizeof(line)) { /* a longer one is malformed */
			memcpy(line, text, n);
			line[n] = '\0';
			take_line(s, line, of_host);
		}
		text += n;
		if (*text == '\n')
			text++;
	}
}

static bool same_server(const struct vs_server *a, const struct vs_server *b)
{
	return a->family == b->family && a->port == b->port && a->scope == b->scope &&
	       memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0 && strcmp(a->zone, b->zone) == 0;
}

bool vs_settings_same(const struct vs_settings *a, const struct vs_settings *b)
{
	if (a->n_servers != b->n_servers || a->n_search != b->n_search || a->ndots != b->ndots ||
	    a->timeout_ms != b->timeout_ms || a->tries != b->tries || a->tcp != b->tcp ||
	    strcmp(a->refused, b->refused) != 0)
		return false;
	for (size_t i = 0; i < a->n_servers; i++)
		if (!same_server(&a->servers[i], &b->servers[i]))
			return false;
	for (size_t i = 0; i < a->n_search; i++)
		if (strcmp(a->search + a->domains[i], b->search + b->domains[i]) != 0)
			return false;
	return true;
}

void vs_server_text(const struct vs_server *server, char *text, size_t size)
{
	char addr[INET6_ADDRSTRLEN];

	inet_ntop(server->family, server->bytes, addr, sizeof(addr));
	const char *percent = server->zone[0] != '\0' ? "%" : "";
	if (server->port == 53)
		snprintf(text, size, "%s%s%s", addr, percent, server->zone);
	else
		snprintf(text, size, "%s%s%s port %u", addr, percent, server->zone, server->port);
}
