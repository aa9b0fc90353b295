/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Leases and identities as text. */

#include "lease.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define WORDS_MAX 6

/* ------------------------------------------------------------------ writing */

struct writer {
	char *text;
	size_t n;
};

__attribute__((format(printf, 2, 3))) static void line(struct writer *w, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(w->text + w->n, VS_LEASE_TEXT_MAX - w->n, fmt, ap);
	va_end(ap);
	w->n += n > 0 ? (size_t)n : 0;
	if (w->n >= VS_LEASE_TEXT_MAX) /* the longest lease is a third of that */
		w->n = VS_LEASE_TEXT_MAX - 1;
}

static void hex(struct writer *w, const char *word, const uint8_t *bytes, size_t n)
{
	line(w, "%s ", word);
	for (size_t i = 0; i < n; i++)
		line(w, "%02x", bytes[i]);
	line(w, "\n");
}

/* FNV-1a: against damage by accident. It is no protection from a user who may write there. */
static uint64_t sum_of(const char *text, size_t n)
{
	uint64_t sum = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < n; i++)
		sum = (sum ^ (uint8_t)text[i]) * UINT64_C(0x100000001b3);
	return sum;
}

static size_t finish(struct writer *w)
{
	line(w, "sum %016" PRIx64 "\n", sum_of(w->text, w->n));
	return w->n;
}

static const char *ip_text(const struct vs_auto_ip *ip, char buf[INET6_ADDRSTRLEN])
{
	return inet_ntop(ip->family, ip->bytes, buf, INET6_ADDRSTRLEN) != NULL ? buf : "";
}

size_t vs_lease_write(const struct vs_auto_lease *lease, const char *name, int64_t obtained_ms,
		      char text[VS_LEASE_TEXT_MAX])
{
	struct writer w = { .text = text };
	char buf[INET6_ADDRSTRLEN];

	line(&w, "vdestack lease 1\nsource %s\nobtained %" PRId64 "\n", name, obtained_ms);
	for (int i = 0; i < lease->n_addrs && i < VS_AUTO_LEASE_ADDRS_MAX; i++) {
		const struct vs_auto_addr *a = &lease->addrs[i];
		line(&w, "address %s/%u %" PRIu32 " %" PRIu32 "%s%s\n", ip_text(&a->ip, buf), a->prefix_len,
		     a->valid_s, a->preferred_s, a->nodad ? " nodad" : "",
		     a->no_prefix_route ? " noroute" : "");
	}
	if (lease->server_len > 0 && lease->server_len <= VS_AUTO_DUID_MAX)
		hex(&w, "server", lease->server, lease->server_len);
	if (lease->prefix.family != 0)
		line(&w, "prefix %s/%u\n", ip_text(&lease->prefix, buf), lease->prefix_len);
	return finish(&w);
}

size_t vs_lease_write_bytes(const uint8_t *bytes, size_t n, const char *name, char text[VS_LEASE_TEXT_MAX])
{
	struct writer w = { .text = text };

	line(&w, "vdestack %s 1\n", name);
	hex(&w, name, bytes, n);
	return finish(&w);
}

/* ------------------------------------------------------------------ reading */

/* A line, cut into words. */
struct words {
	char copy[VS_AUTO_DUID_MAX * 2 + 64];
	char *word[WORDS_MAX];
	int n;
};

/* The next line. False: there is none, or it is malformed. */
static bool next_line(const char **at, const char *end, struct words *out)
{
	const char *stop = memchr(*at, '\n', (size_t)(end - *at));
	size_t len = stop != NULL ? (size_t)(stop - *at) : sizeof(out->copy);
	char *rest = out->copy, *word;

	if (len >= sizeof(out->copy) || memchr(*at, '\0', len) != NULL)
		return false;
	memcpy(out->copy, *at, len);
	out->copy[len] = '\0';
	*at = stop + 1;
	for (out->n = 0; (word = strsep(&rest, " ")) != NULL; out->word[out->n++] = word)
		if (word[0] == '\0' || out->n == WORDS_MAX)
			return false;
	return true;
}

/* Decimal digits only, at most `max`. */
static bool number(const char *word, uint64_t max, uint64_t *value)
{
	uint64_t n = 0;

	if (*word == '\0')
		return false;
	for (; *word != '\0'; word++) {
		uint64_t digit = (uint64_t)(*word - '0');
		if (*word < '0' || *word > '9' || n > (max - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	*value = n;
	return true;
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* How many bytes; 0: malformed or too many. */
static size_t bytes(const char *word, uint8_t *out, size_t max)
{
	size_t n = strlen(word);

	if (n % 2 != 0 || n / 2 > max)
		return 0;
	for (size_t i = 0; i < n; i += 2) {
		int high = digit(word[i]), low = digit(word[i + 1]);
		if (high < 0 || low < 0)
			return 0;
		out[i / 2] = (uint8_t)(high << 4 | low);
	}
	return n / 2;
}

static bool prefix(char *word, struct vs_auto_ip *ip, uint8_t *len)
{
	char *slash = strchr(word, '/');
	uint64_t n;

	if (slash == NULL)
		return false;
	*slash = '\0';
	memset(ip, 0, sizeof(*ip));
	ip->family = strchr(word, ':') != NULL ? AF_INET6 : AF_INET;
	if (inet_pton(ip->family, word, ip->bytes) != 1 ||
	    !number(slash + 1, ip->family == AF_INET ? 32 : 128, &n))
		return false;
	*len = (uint8_t)n;
	return true;
}

static bool address(struct words *w, struct vs_auto_lease *lease)
{
	struct vs_auto_addr *a = &lease->addrs[lease->n_addrs];
	uint64_t valid, preferred;

	if (lease->n_addrs == VS_AUTO_LEASE_ADDRS_MAX || w->n < 4 ||
	    !prefix(w->word[1], &a->ip, &a->prefix_len) || !number(w->word[2], UINT32_MAX, &valid) ||
	    !number(w->word[3], UINT32_MAX, &preferred) || preferred > valid)
		return false;
	a->valid_s = (uint32_t)valid;
	a->preferred_s = (uint32_t)preferred;
	for (int i = 4; i < w->n; i++) {
		if (strcmp(w->word[i], "nodad") == 0)
			a->nodad = true;
		else if (strcmp(w->word[i], "noroute") == 0)
			a->no_prefix_route = true;
		else
			return false;
	}
	lease->n_addrs++;
	return true;
}

static bool item(struct words *w, const char *name, struct vs_auto_lease *lease, int64_t *obtained_ms)
{
	uint64_t n;

	if (strcmp(w->word[0], "address") == 0)
		return address(w, lease);
	if (w->n != 2)
		return false;
	if (strcmp(w->word[0], "source") == 0)
		return strcmp(w->word[1], name) == 0;
	if (strcmp(w->word[0], "obtained") == 0) {
		if (!number(w->word[1], INT64_MAX, &n))
			return false;
		*obtained_ms = (int64_t)n;
		return true;
	}
	if (strcmp(w->word[0], "server") == 0)
		return (lease->server_len = (uint8_t)bytes(w->word[1], lease->server, VS_AUTO_DUID_MAX)) > 0;
	return strcmp(w->word[0], "prefix") == 0 && prefix(w->word[1], &lease->prefix, &lease->prefix_len);
}

/* Checks the sum. The length of what stands before it; 0: it is damaged. */
static size_t checked(const char *text, size_t len)
{
	char expected[32];
	size_t n = (size_t)snprintf(expected, sizeof(expected), "sum %016x\n", 0u);

	if (len <= n)
		return 0;
	(void)snprintf(expected, sizeof(expected), "sum %016" PRIx64 "\n", sum_of(text, len - n));
	return memcmp(text + len - n, expected, n) == 0 ? len - n : 0;
}

/* The first line. The place of the second; NULL: it is something else. */
static const char *head(const char *text, const char *end, const char *kind)
{
	struct words w = { .n = 0 };
	const char *at = text;

	return next_line(&at, end, &w) && w.n == 3 && strcmp(w.word[0], "vdestack") == 0 &&
			       strcmp(w.word[1], kind) == 0 && strcmp(w.word[2], "1") == 0
		       ? at
		       : NULL;
}

bool vs_lease_read(const char *text, size_t len, const char *name, struct vs_auto_lease *lease,
		   int64_t *obtained_ms)
{
	const char *end = text + checked(text, len), *at = end > text ? head(text, end, "lease") : NULL;
	struct vs_auto_lease read = { 0 };
	int64_t obtained = -1;
	struct words w = { .n = 0 };

	if (at == NULL)
		return false;
	while (at < end)
		if (!next_line(&at, end, &w) || !item(&w, name, &read, &obtained))
			return false;
	if (obtained < 0 || (read.n_addrs == 0 && read.prefix.family == 0))
		return false;
	*lease = read;
	*obtained_ms = obtained;
	return true;
}

size_t vs_lease_read_bytes(const char *text, size_t len, const char *name, uint8_t *out, size_t max)
{
	const char *end = text + checked(text, len), *at = end > text ? head(text, end, name) : NULL;
	struct words w = { .n = 0 };

	if (at == NULL || !next_line(&at, end, &w) || at != end || w.n != 2 || strcmp(w.word[0], name) != 0)
		return 0;
	return bytes(w.word[1], out, max);
}

int64_t vs_lease_age_ms(int64_t obtained_ms, int64_t now_ms)
{
	return now_ms < obtained_ms ? INT64_MAX : now_ms - obtained_ms;
}
