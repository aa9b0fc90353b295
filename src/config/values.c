/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The values of single words: MAC, MTU, addresses, gateways and routes. */

#include "section.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "addr_text.h"

void *vs_parser_make_room(void *array, size_t n, size_t item_bytes)
{
	size_t bytes;

	if (n != 0 && (n & (n - 1)) != 0)
		return array;
	if (__builtin_mul_overflow(n == 0 ? 1 : n, n == 0 ? item_bytes : 2 * item_bytes, &bytes))
		return NULL;
	return realloc(array, bytes);
}

int vs_take_mac(struct vs_parser *parser, struct vs_section *section, const struct vs_word *word,
		    const char *value)
{
	static const unsigned char zeros[6];
	unsigned char mac[6];

	if (section->mac != NULL)
		return vs_word_fail(parser->error, EINVAL, word,
				    "the interface has a hardware address already, at position %zu; "
				    "remove one",
				    section->mac->position);
	if (!vs_mac_from_text(value, mac))
		return vs_word_fail(parser->error, EINVAL, word,
				    "not a hardware address; write six bytes, mac=02:00:00:00:00:01");
	if ((mac[0] & 1) != 0)
		return vs_word_fail(parser->error, EINVAL, word,
				    "a group address; make the first byte even, as in mac=02:00:00:00:00:01");
	if (memcmp(mac, zeros, sizeof(mac)) == 0)
		return vs_word_fail(parser->error, EINVAL, word,
				    "all bytes are zero; write one like mac=02:00:00:00:00:01");
	section->mac = word;
	section->iface.has_mac = true;
	memcpy(section->iface.mac, mac, sizeof(mac));
	return 0;
}

int vs_fail_mtu(struct vs_parser *parser, const struct vs_word *word)
{
	return vs_word_fail(parser->error, EINVAL, word,
			    "the MTU must be %d to %d bytes, or to %d on an inproc:// or local:// link; "
			    "write mtu=1500",
			    MTU_MIN, MTU_MAX_LINK, MTU_MAX_SEGMENT);
}

int vs_take_mtu(struct vs_parser *parser, struct vs_section *section, const struct vs_word *word,
		    const char *value)
{
	unsigned mtu;

	if (section->mtu != NULL)
		return vs_word_fail(parser->error, EINVAL, word,
				    "the interface has an MTU already, at position %zu; remove one",
				    section->mtu->position);
	if (!vs_number_from_text(value, strlen(value), 5, &mtu) || mtu < MTU_MIN || mtu > MTU_MAX_SEGMENT)
		return vs_fail_mtu(parser, word);
	section->mtu = word;
	section->iface.mtu = mtu;
	return 0;
}

int vs_take_nodad(struct vs_parser *parser, struct vs_section *section, const struct vs_word *word,
		  const char *value)
{
	(void)parser;
	(void)value;
	section->nodad = word;
	section->iface.nodad = true;
	return 0;
}

int vs_take_capture(struct vs_parser *parser, struct vs_section *section, const struct vs_word *word,
		    const char *value)
{
	if (section->iface.capture != NULL)
		return vs_word_fail(parser->error, EINVAL, word,
				    "the interface is captured already; remove one of the two");
	section->iface.capture = strdup(value);
	return section->iface.capture == NULL ? vs_config_fail_memory(parser->error) : 0;
}

/* Refuses what cannot be the address of one host. */
static int check_host(struct vs_parser *parser, const struct vs_word *word, const struct vs_conf_addr *addr)
{
	static const char *const names[] = {
		[VS_ADDR_UNSPECIFIED] = "unspecified",
		[VS_ADDR_MULTICAST] = "multicast",
		[VS_ADDR_BROADCAST] = "broadcast",
	};
	enum vs_addr_kind kind = vs_addr_kind(addr);

	if (kind == VS_ADDR_ORDINARY)
		return 0;
	return vs_word_fail(parser->error, EINVAL, word,
			    "the %s address cannot be that of a host; write one like %s",
			    names[kind], addr->family == AF_INET ? "10.0.0.1" : "fc00::1");
}

/* key: "ip" or "route", for the remedy. addr has the length to propose. */
static int fail_prefixlen(struct vs_parser *parser, const struct vs_word *word, const char *key,
			  const struct vs_conf_addr *addr)
{
	struct vs_conf_addr shown = *addr;
	char text[VS_PREFIX_TEXT_MAX];

	if (strcmp(key, "route") == 0)
		(void)vs_prefix_clear_host(&shown); /* so that the proposed text is accepted */
	vs_prefix_to_text(&shown, text);
	return vs_word_fail(parser->error, EINVAL, word,
			    "prefix length must be 0 to %u; write %s=%s", vs_addr_bits(addr),
			    key, text);
}

static int add_addr(struct vs_parser *parser, struct vs_conf_iface *iface, const struct vs_conf_addr *addr)
{
	struct vs_conf_addr *addrs = vs_parser_make_room(iface->addrs, iface->n_addrs, sizeof(*addrs));

	if (addrs == NULL)
		return vs_config_fail_memory(parser->error);
	iface->addrs = addrs;
	addrs[iface->n_addrs++] = *addr;
	return 0;
}

int vs_read_host(struct vs_parser *parser, const struct vs_word *word, const char *value,
		 struct vs_conf_addr *out)
{
	if (!vs_addr_from_text(value, strlen(value), out))
		return vs_word_fail(parser->error, EINVAL, word,
				    "not an address; write one like 10.0.0.1 or fc00::1, without a prefix "
				    "length");
	return check_host(parser, word, out);
}

int vs_read_ip(struct vs_parser *parser, const struct vs_word *word, const char *value, bool *has_len,
	       struct vs_conf_addr *out)
{
	enum vs_prefix_text outcome = vs_prefix_from_text(value, strlen(value), out);

	if (outcome == VS_PREFIX_NO_ADDR)
		return vs_word_fail(parser->error, EINVAL, word,
				    "not an address; write one like ip=10.0.0.1/24 or ip=fc00::1/64");
	int result = check_host(parser, word, out);
	if (result < 0)
		return result;
	*has_len = outcome == VS_PREFIX_OK;
	return outcome == VS_PREFIX_BAD_LEN ? fail_prefixlen(parser, word, "ip", out) : 0;
}

int vs_take_ip(struct vs_parser *parser, struct vs_section *section, const struct vs_word *word,
		   const char *value)
{
	struct vs_conf_addr addr;
	bool has_len;
	int result = vs_read_ip(parser, word, value, &has_len, &addr);

	if (result < 0)
		return result;
	for (size_t i = 0; i < section->iface.n_addrs; i++)
		if (vs_addr_equal(&section->iface.addrs[i], &addr))
			return vs_word_fail(parser->error, EINVAL, word,
					    "the interface has this address already; remove one of the two");
	section->has_ip6 = section->has_ip6 || addr.family == AF_INET6;
	return add_addr(parser, &section->iface, &addr);
}

static int add_route(struct vs_parser *parser, struct vs_section *section, const struct vs_conf_route *route)
{
	struct vs_conf_iface *iface = &section->iface;
	struct vs_conf_route *routes = vs_parser_make_room(iface->routes, iface->n_routes, sizeof(*routes));

	if (routes == NULL)
		return vs_config_fail_memory(parser->error);
	iface->routes = routes;
	routes[iface->n_routes++] = *route;
	section->has_ip6 = section->has_ip6 || route->dst.family == AF_INET6;
	return 0;
}

static int read_gateway(struct vs_parser *parser, const struct vs_word *word, const char *text,
			struct vs_conf_route *route)
{
	if (!vs_addr_from_text(text, strlen(text), &route->gw))
		return vs_word_fail(parser->error, EINVAL, word,
				    "the gateway is not an address; write one like 10.0.0.254 or fc00::ff, "
				    "without a prefix length");
	route->has_gw = true;
	return check_host(parser, word, &route->gw);
}

int vs_read_gw(struct vs_parser *parser, const struct vs_word *word, const char *value,
	       struct vs_conf_route *out)
{
	int result = read_gateway(parser, word, value, out);

	if (result == 0)
		out->dst.family = out->gw.family;
	return result;
}

int vs_take_gw(struct vs_parser *parser, struct vs_section *section, const struct vs_word *word,
		   const char *value)
{
	struct vs_conf_route route = { 0 };
	int result = vs_read_gw(parser, word, value, &route);

	return result < 0 ? result : add_route(parser, section, &route);
}

/* The DST/LEN of route=, which is text[0..length). */
static int read_destination(struct vs_parser *parser, const struct vs_word *word, const char *text,
			    size_t length, struct vs_conf_addr *dst)
{
	char shown[VS_PREFIX_TEXT_MAX];

	switch (vs_prefix_from_text(text, length, dst)) {
	case VS_PREFIX_NO_ADDR:
		return vs_word_fail(parser->error, EINVAL, word,
				    "the destination is not a network; write one like "
				    "route=10.1.0.0/16@10.0.0.254 or route=default@10.0.0.254");
	case VS_PREFIX_BAD_LEN:
		return fail_prefixlen(parser, word, "route", dst);
	case VS_PREFIX_NO_LEN:
		vs_addr_to_text(dst, shown);
		return vs_word_fail(parser->error, EINVAL, word,
				    "the destination has no prefix length; write %s/%u for that host, or "
				    "the length of the network",
				    shown, vs_addr_bits(dst));
	case VS_PREFIX_OK:
		break;
	}
	if (!vs_prefix_clear_host(dst))
		return 0;
	vs_prefix_to_text(dst, shown);
	return vs_word_fail(parser->error, EINVAL, word,
			    "the destination has bits set below its prefix length; write %s",
			    shown);
}

int vs_read_route(struct vs_parser *parser, const struct vs_word *word, const char *value,
		  struct vs_conf_route *out)
{
	size_t length = strcspn(value, "@");
	bool is_default = length == strlen("default") && strncmp(value, "default", length) == 0;
	int result = 0;

	if (!is_default)
		result = read_destination(parser, word, value, length, &out->dst);
	else if (value[length] == '\0')
		result = vs_word_fail(parser->error, EINVAL, word,
				      "a default route needs a gateway; write route=default@10.0.0.254");
	if (result == 0 && value[length] == '@')
		result = read_gateway(parser, word, value + length + 1, out);
	if (result < 0)
		return result;
	if (is_default)
		out->dst.family = out->gw.family;
	if (out->has_gw && out->gw.family != out->dst.family)
		return vs_word_fail(parser->error, EINVAL, word,
				    "destination and gateway are of different families; write two IPv4 "
				    "addresses or two IPv6 addresses");
	return 0;
}

int vs_take_route(struct vs_parser *parser, struct vs_section *section, const struct vs_word *word,
		      const char *value)
{
	struct vs_conf_route route = { 0 };
	int result = vs_read_route(parser, word, value, &route);

	return result < 0 ? result : add_route(parser, section, &route);
}
