/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "endpoint.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ADDRESS_MAX INET6_ADDRSTRLEN

static const unsigned char mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

/* The parts of the text. */
struct parts {
	const char *address, *length, *port; /* NULL: there is none */
	size_t address_bytes, length_bytes;
};

__attribute__((format(printf, 3, 4))) static const char *say(char *problem, size_t size, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(problem, size, fmt, ap);
	va_end(ap);
	return problem;
}

/* Splits text[0..n) at its '/'. */
static void split_prefix(const char *text, size_t n, struct parts *p)
{
	const char *slash = memchr(text, '/', n);

	p->address = text;
	p->address_bytes = slash != NULL ? (size_t)(slash - text) : n;
	if (slash != NULL) {
		p->length = slash + 1;
		p->length_bytes = n - p->address_bytes - 1;
	}
}

/* The place where the text is wrong, or NULL. */
static const char *split(const char *text, struct parts *p)
{
	const char *colon = strchr(text, ':');

	*p = (struct parts){ 0 };
	if (*text == '[') {
		const char *close = strchr(text, ']');
		if (close == NULL)
			return text;
		split_prefix(text + 1, (size_t)(close - text - 1), p);
		if (close[1] == ':')
			p->port = close + 2;
		else if (close[1] != '\0')
			return close + 1;
		return NULL;
	}
	if (colon != NULL && strchr(colon + 1, ':') != NULL) /* IPv6 without a port */
		colon = NULL;
	if (colon != text)
		split_prefix(text, colon != NULL ? (size_t)(colon - text) : strlen(text), p);
	if (colon != NULL)
		p->port = colon + 1;
	return NULL;
}

/*
 * Decimal digits up to `end`, which they must reach, or the end of the text if it is NULL. -1: something
 * else.
 */
static long number(const char **at, const char *end, long most)
{
	const char *start = *at;
	long n = 0;

	for (; *at != end && **at >= '0' && **at <= '9' && n <= most; (*at)++)
		n = n * 10 + (**at - '0');
	return *at == start || n > most ? -1 : n;
}

static bool read_ports(const char *text, struct vs_rules_endpoint *e)
{
	long first = number(&text, NULL, 65535), last = first;

	if (*text == '-') {
		text++;
		last = number(&text, NULL, 65535);
	}
	if (first < 1 || last < first || *text != '\0')
		return false;
	e->first = (uint16_t)first;
	e->last = (uint16_t)last;
	return true;
}

static bool read_address(const struct parts *p, struct vs_rules_endpoint *e)
{
	char copy[ADDRESS_MAX];

	if (p->address_bytes >= sizeof(copy))
		return false;
	memcpy(copy, p->address, p->address_bytes);
	copy[p->address_bytes] = '\0';
	e->family = strchr(copy, ':') != NULL ? AF_INET6 : AF_INET;
	return inet_pton(e->family, copy, e->bytes) == 1;
}

/* Clears the bits behind the prefix. True: some were set. */
static bool clear_host_bits(struct vs_rules_endpoint *e)
{
	unsigned bits = e->family == AF_INET ? 32 : 128;
	bool found = false;

	for (unsigned bit = e->length; bit < bits; bit++) {
		unsigned char mask = (unsigned char)(0x80u >> (bit % 8));
		found = found || (e->bytes[bit / 8] & mask) != 0;
		e->bytes[bit / 8] &= (unsigned char)~mask;
	}
	return found;
}

static const char *parse_prefix(const struct parts *p, struct vs_rules_endpoint *e, char *problem,
				size_t size, const char **at)
{
	char text[ADDRESS_MAX];

	*at = p->address;
	if (!read_address(p, e))
		return say(
			problem, size,
			"this is no address; write 10.0.0.0/8, [2001:db8::/32] or, for all addresses, only "
			":PORT. A name is matched by name=");
	e->length = e->family == AF_INET ? 32 : 128;
	if (p->length != NULL) {
		const char *digits = p->length;
		long length = number(&digits, p->length + p->length_bytes, e->length);
		*at = p->length;
		if (length < 0 || digits != p->length + p->length_bytes)
			return say(problem, size,
				   "the length of the prefix is no number; write one from 0 to %u",
				   e->length);
		e->length = (unsigned)length;
	}
	*at = p->address;
	if (clear_host_bits(e))
		return say(problem, size, "the address has bits behind the prefix; write %s/%u",
			   inet_ntop(e->family, e->bytes, text, sizeof(text)), e->length);
	if (e->family == AF_INET6 && e->length >= 96 && memcmp(e->bytes, mapped, sizeof(mapped)) == 0)
		return say(problem, size, "an IPv4-mapped address is matched as IPv4 address; write %s/%u",
			   inet_ntop(AF_INET, e->bytes + 12, text, sizeof(text)), e->length - 96);
	return NULL;
}

const char *vs_rules_endpoint_parse(const char *text, struct vs_rules_endpoint *out, char *problem,
				    size_t size, size_t *at)
{
	struct vs_rules_endpoint e = { .last = 65535 };
	struct parts p = { 0 };
	const char *where = *text != '\0' ? split(text, &p) : text, *wrong = NULL;

	if (*text == '\0')
		wrong = say(problem, size, "nothing follows the =; write ADDRESS/LENGTH, :PORT or both");
	else if (where != NULL)
		wrong = say(problem, size, "the brackets are wrong; write [2001:db8::/32]:80");
	else if (p.address != NULL)
		wrong = parse_prefix(&p, &e, problem, size, &where);
	if (wrong == NULL && p.port != NULL && !read_ports(where = p.port, &e))
		wrong = say(
			problem, size,
			"this is no port or range of ports; write a number from 1 to 65535, or 8000-8080");
	if (wrong != NULL)
		*at = (size_t)(where - text);
	else
		*out = e;
	return wrong;
}

static bool same_bits(const unsigned char *a, const unsigned char *b, unsigned bits)
{
	unsigned char mask = (unsigned char)(0xff00u >> (bits % 8));

	return memcmp(a, b, bits / 8) == 0 && (bits % 8 == 0 || ((a[bits / 8] ^ b[bits / 8]) & mask) == 0);
}

/* Port and address in network byte order. Callers' buffers need not be aligned. */
struct plain {
	const unsigned char *bytes4, *bytes6; /* NULL: it is no such address */
	unsigned port;
};

static bool take_apart(const struct sockaddr *addr, struct plain *out)
{
	const unsigned char *bytes = (const unsigned char *)addr;
	sa_family_t family;

	memcpy(&family, bytes + offsetof(struct sockaddr, sa_family), sizeof(family));
	if (family != AF_INET && family != AF_INET6 && family != AF_UNSPEC)
		return false;
	*out = (struct plain){ .port = bytes[2] * 256u + bytes[3] };
	if (family == AF_INET6) {
		out->bytes6 = bytes + offsetof(struct sockaddr_in6, sin6_addr);
		if (memcmp(out->bytes6, mapped, sizeof(mapped)) == 0)
			out->bytes4 = out->bytes6 + sizeof(mapped);
	} else {
		out->bytes4 = bytes + offsetof(struct sockaddr_in, sin_addr);
	}
	return true;
}

bool vs_rules_endpoint_matches(const struct vs_rules_endpoint *endpoint, const struct sockaddr *addr)
{
	struct plain plain;

	if (!take_apart(addr, &plain) || plain.port < endpoint->first || plain.port > endpoint->last)
		return false;
	if (endpoint->family == AF_UNSPEC)
		return true;
	const unsigned char *bytes = endpoint->family == AF_INET ? plain.bytes4 : plain.bytes6;
	return bytes != NULL && same_bits(endpoint->bytes, bytes, endpoint->length);
}

bool vs_rules_endpoint_covers(const struct vs_rules_endpoint *outer, const struct vs_rules_endpoint *inner)
{
	if (inner->first < outer->first || inner->last > outer->last)
		return false;
	if (outer->family == AF_UNSPEC)
		return true;
	return outer->family == inner->family && outer->length <= inner->length &&
	       same_bits(outer->bytes, inner->bytes, outer->length);
}

bool vs_rules_is_bound(const struct sockaddr *addr)
{
	static const unsigned char zeros[16];
	struct plain plain;

	if (!take_apart(addr, &plain))
		return false;
	return plain.port != 0 || (plain.bytes6 != NULL ? memcmp(plain.bytes6, zeros, 16) != 0
							: memcmp(plain.bytes4, zeros, 4) != 0);
}
