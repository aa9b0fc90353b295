/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* DHCPv4 messages of a client, and those it reads. */

#include "dhcp4.h"

#include <string.h>

#include "be.h"
#include "dhcp4_options.h"
#include "dns_name.h"

/*
 * 121 stands before 3, as RFC 3442 wants it. T1 and T2 are asked for because some servers send them to those
 * only that ask.
 */
static void put_parameters(struct vs_dhcp4_writer *w, bool ipv6_only)
{
	static const uint8_t codes[] = { VS_DHCP4_OPT_MASK, VS_DHCP4_OPT_ROUTES,   VS_DHCP4_OPT_ROUTER,
					 VS_DHCP4_OPT_DNS,  VS_DHCP4_OPT_DOMAIN,   VS_DHCP4_OPT_SEARCH,
					 VS_DHCP4_OPT_MTU,  VS_DHCP4_OPT_NTP,      VS_DHCP4_OPT_T1,
					 VS_DHCP4_OPT_T2,   VS_DHCP4_OPT_IPV6_ONLY };

	vs_dhcp4_put(w, VS_DHCP4_OPT_PARAMETERS, codes, sizeof(codes) - (ipv6_only ? 0 : 1));
}

/* RFC 4702 section 2.1. S: the server updates the address record. E: the name is in the form of the wire. */
static bool put_fqdn(struct vs_dhcp4_writer *w, const char *name)
{
	uint8_t bytes[3 + VS_DNS_NAME_WIRE] = { VS_DHCP4_FQDN_S | VS_DHCP4_FQDN_E, 0, 0 };
	size_t n = vs_dns_name_encode(name, bytes + 3);

	if (n == 0)
		return false;
	vs_dhcp4_put(w, VS_DHCP4_OPT_FQDN, bytes, 3 + n);
	return true;
}

/* What a client says of itself whenever it asks for something. */
static bool put_wishes(struct vs_dhcp4_writer *w, const struct vs_dhcp4_request *r)
{
	static const uint8_t max_size[2] = { VS_DHCP4_MESSAGE_MAX >> 8, VS_DHCP4_MESSAGE_MAX & 0xff };

	vs_dhcp4_put(w, VS_DHCP4_OPT_MAX_SIZE, max_size, sizeof(max_size));
	put_parameters(w, r->ipv6_only);
	if (r->rapid)
		vs_dhcp4_put(w, VS_DHCP4_OPT_RAPID, "", 0);
	return r->fqdn == NULL || put_fqdn(w, r->fqdn);
}

static void put_header(uint8_t *out, const struct vs_dhcp4_request *r)
{
	memset(out, 0, VS_DHCP4_AT_OPTIONS);
	out[0] = VS_DHCP4_OP_REQUEST;
	out[1] = VS_DHCP4_ETHERNET;
	out[2] = sizeof(r->mac);
	vs_be_put32(out + VS_DHCP4_AT_XID, r->xid);
	vs_be_put16(out + VS_DHCP4_AT_SECS, r->secs);
	vs_be_put32(out + VS_DHCP4_AT_CIADDR, r->ciaddr);
	memcpy(out + VS_DHCP4_AT_CHADDR, r->mac, sizeof(r->mac));
	memcpy(out + VS_DHCP4_AT_MAGIC, vs_dhcp4_magic, sizeof(vs_dhcp4_magic));
}

size_t vs_dhcp4_encode(const struct vs_dhcp4_request *r, uint8_t *out, size_t room)
{
	struct vs_dhcp4_writer w = { .out = out, .n = VS_DHCP4_AT_OPTIONS, .room = room };
	const uint8_t type = (uint8_t)r->type;
	bool ok = true;

	if (room < VS_DHCP4_BOOTP_MIN)
		return 0;
	put_header(out, r);
	vs_dhcp4_put(&w, VS_DHCP4_OPT_TYPE, &type, 1);
	if (r->client_id_len != 0)
		vs_dhcp4_put(&w, VS_DHCP4_OPT_CLIENT_ID, r->client_id, r->client_id_len);
	if (r->requested != 0)
		vs_dhcp4_put_u32(&w, VS_DHCP4_OPT_REQUESTED, r->requested);
	if (r->server != 0)
		vs_dhcp4_put_u32(&w, VS_DHCP4_OPT_SERVER, r->server);
	if (r->text != NULL)
		vs_dhcp4_put(&w, VS_DHCP4_OPT_TEXT, r->text, strnlen(r->text, 255));
	if (r->type == VS_DHCP4_DISCOVER || r->type == VS_DHCP4_REQUEST || r->type == VS_DHCP4_INFORM)
		ok = put_wishes(&w, r);
	return ok ? vs_dhcp4_finish(&w) : 0;
}

/* Reading */

/* A number of `size` bytes. False: it is there with another length. */
static bool get_number(struct vs_dhcp4_options *m, enum vs_dhcp4_option code, size_t size, uint32_t bit,
		       struct vs_dhcp4_reply *out, uint32_t *v)
{
	if (!vs_dhcp4_options_number(m, code, size, v))
		return false;
	if (m->found)
		out->has |= bit;
	return true;
}

static bool get_numbers(struct vs_dhcp4_options *m, struct vs_dhcp4_reply *out)
{
	uint32_t type = 0, mtu = 0, rapid;

	bool ok = get_number(m, VS_DHCP4_OPT_TYPE, 1, 0, out, &type) &&
		  get_number(m, VS_DHCP4_OPT_SERVER, 4, VS_DHCP4_HAS_SERVER, out, &out->server) &&
		  get_number(m, VS_DHCP4_OPT_MASK, 4, VS_DHCP4_HAS_MASK, out, &out->mask) &&
		  get_number(m, VS_DHCP4_OPT_LEASE, 4, VS_DHCP4_HAS_LEASE, out, &out->lease_s) &&
		  get_number(m, VS_DHCP4_OPT_T1, 4, VS_DHCP4_HAS_T1, out, &out->t1_s) &&
		  get_number(m, VS_DHCP4_OPT_T2, 4, VS_DHCP4_HAS_T2, out, &out->t2_s) &&
		  get_number(m, VS_DHCP4_OPT_MTU, 2, VS_DHCP4_HAS_MTU, out, &mtu) &&
		  get_number(m, VS_DHCP4_OPT_RAPID, 0, VS_DHCP4_HAS_RAPID, out, &rapid) &&
		  get_number(m, VS_DHCP4_OPT_IPV6_ONLY, 4, VS_DHCP4_HAS_IPV6_ONLY, out, &out->ipv6_only_s);
	out->mtu = (uint16_t)mtu;
	out->type = (enum vs_dhcp4_type)type;
	return ok && (type == VS_DHCP4_OFFER || type == VS_DHCP4_ACK || type == VS_DHCP4_NAK);
}

/* An identifier of another length than ours is kept as too long: it cannot be ours. */
static void get_client_id(struct vs_dhcp4_options *m, struct vs_dhcp4_reply *out)
{
	vs_dhcp4_options_join(m, VS_DHCP4_OPT_CLIENT_ID);
	if (!m->found)
		return;
	out->has |= VS_DHCP4_HAS_CLIENT_ID;
	if (!m->overflow && m->n_joined <= sizeof(out->client_id)) {
		out->client_id_len = (uint8_t)m->n_joined;
		memcpy(out->client_id, m->joined, m->n_joined);
	}
}

/* Addresses; those that do not fit are left out. */
static uint8_t get_list(struct vs_dhcp4_options *m, enum vs_dhcp4_option code, uint32_t *list)
{
	if (!vs_dhcp4_options_join(m, code) || m->n_joined % 4 != 0)
		return 0;
	size_t n = m->n_joined / 4;
	if (n > VS_DHCP4_LIST_MAX)
		n = VS_DHCP4_LIST_MAX;
	for (size_t i = 0; i < n; i++)
		list[i] = vs_be_get32(m->joined + 4 * i);
	return (uint8_t)n;
}

/*
 * Routes (RFC 3442): the length of the prefix, as many bytes of it as are not all zero, the router. Routes
 * that do not fit are left out, but they are checked.
 */
static void get_routes(struct vs_dhcp4_options *m, struct vs_dhcp4_reply *out)
{
	size_t at = 0;
	uint8_t n = 0;

	if (!vs_dhcp4_options_join(m, VS_DHCP4_OPT_ROUTES) || m->n_joined == 0)
		return;
	while (at < m->n_joined) {
		uint8_t len = m->joined[at++];
		size_t bytes = (len + 7u) / 8;
		if (len > 32 || m->n_joined - at < bytes + 4)
			return;
		uint8_t dst[4] = { 0 };
		memcpy(dst, m->joined + at, bytes);
		uint32_t mask = len == 0 ? 0 : UINT32_MAX << (32 - len);
		if (n < VS_DHCP4_ROUTES_MAX)
			out->routes[n++] = (struct vs_dhcp4_route){
				.dst = vs_be_get32(dst) & mask,
				.gw = vs_be_get32(m->joined + at + bytes),
				.prefix_len = len,
			};
		at += bytes + 4;
	}
	out->n_routes = n;
	out->has |= VS_DHCP4_HAS_ROUTES;
}

/* The word of m->joined that begins at *at, as a name. Returns its length, 0 if there is none any more. */
static size_t next_word(const struct vs_dhcp4_options *m, size_t *at, char *word, size_t room)
{
	size_t n = 0;

	while (*at < m->n_joined && (m->joined[*at] == ' ' || m->joined[*at] == '\0'))
		++*at;
	while (*at < m->n_joined && m->joined[*at] != ' ' && m->joined[*at] != '\0') {
		if (n + 1 < room)
			word[n++] = (char)m->joined[*at];
		++*at;
	}
	word[n] = '\0';
	return n;
}

/*
 * The domain name of option 15. Many servers are configured with several names and spaces between them, and
 * some send a NUL at the end. Words that are no host names are left out.
 */
static void get_domain(struct vs_dhcp4_options *m, struct vs_dhcp4_reply *out)
{
	char word[VS_DNS_NAME_TEXT + 2];
	size_t at = 0, n = 0, len;

	if (!vs_dhcp4_options_join(m, VS_DHCP4_OPT_DOMAIN))
		return;
	while ((len = next_word(m, &at, word, sizeof(word))) != 0) {
		if (!vs_dns_name_valid(word))
			continue;
		if (word[len - 1] == '.')
			len--;
		if (len == 0 || n + (n > 0) + len >= sizeof(out->search))
			continue;
		if (n > 0)
			out->search[n++] = ' ';
		memcpy(out->search + n, word, len);
		n += len;
	}
	out->search[n] = '\0';
}

static void get_search(struct vs_dhcp4_options *m, struct vs_dhcp4_reply *out)
{
	if (vs_dhcp4_options_join(m, VS_DHCP4_OPT_SEARCH) &&
	    vs_dns_name_list(m->joined, m->n_joined, VS_DNS_POINTERS, out->search, sizeof(out->search)) > 0)
		return;
	out->search[0] = '\0';
	get_domain(m, out);
}

bool vs_dhcp4_parse(const uint8_t *bytes, size_t n, struct vs_dhcp4_reply *out)
{
	struct vs_dhcp4_options m;

	if (n < VS_DHCP4_AT_OPTIONS || n - VS_DHCP4_AT_OPTIONS > sizeof(m.joined) ||
	    bytes[0] != VS_DHCP4_OP_REPLY || bytes[1] != VS_DHCP4_ETHERNET || bytes[2] != sizeof(out->mac) ||
	    memcmp(bytes + VS_DHCP4_AT_MAGIC, vs_dhcp4_magic, sizeof(vs_dhcp4_magic)) != 0)
		return false;
	if (!vs_dhcp4_options_find(&m, bytes, n))
		return false;
	memset(out, 0, sizeof(*out));
	out->xid = vs_be_get32(bytes + VS_DHCP4_AT_XID);
	out->yiaddr = vs_be_get32(bytes + VS_DHCP4_AT_YIADDR);
	memcpy(out->mac, bytes + VS_DHCP4_AT_CHADDR, sizeof(out->mac));
	if (!get_numbers(&m, out))
		return false;
	get_client_id(&m, out);
	out->n_routers = get_list(&m, VS_DHCP4_OPT_ROUTER, out->routers);
	out->n_dns = get_list(&m, VS_DHCP4_OPT_DNS, out->dns);
	out->n_ntp = get_list(&m, VS_DHCP4_OPT_NTP, out->ntp);
	get_routes(&m, out);
	get_search(&m, out);
	vs_dhcp4_options_text(&m, out->text, sizeof(out->text));
	return true;
}
