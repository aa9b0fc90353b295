/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * DHCPv4 messages.
 *
 * A message is 236 bytes of fixed fields, a magic number, and options up to its end. Option 52 says that
 * options go on in the fields `file` and `sname` (RFC 2131 section 4.1). An option of more than 255 bytes is
 * cut into several of the same number. Its pieces are joined in the order options, file, sname (RFC 3396).
 *
 * The reader first checks that the options of each field end within it. Then it collects the pieces of each
 * option it knows into a buffer and interprets that. It passes over the message once for each known option.
 * That is cheap enough for a message that comes twice a day, and needs no index of a size that a sender could
 * choose.
 */

#include "dhcp4.h"

#include <string.h>

#include "be.h"
#include "dns_name.h"

#define OP_REQUEST 1
#define OP_REPLY 2
#define HTYPE_ETHERNET 1

#define AT_XID 4
#define AT_SECS 8
#define AT_CIADDR 12
#define AT_YIADDR 16
#define AT_CHADDR 28
#define AT_SNAME 44
#define SNAME_BYTES 64
#define AT_FILE 108
#define FILE_BYTES 128
#define AT_MAGIC 236
#define AT_OPTIONS 240
#define BOOTP_MIN 300 /* bytes: servers and relays may drop what is shorter, RFC 1542 section 2.1 */

static const uint8_t magic[4] = { 99, 130, 83, 99 };

enum option {
	OPT_PAD = 0,
	OPT_MASK = 1,
	OPT_ROUTER = 3,
	OPT_DNS = 6,
	OPT_DOMAIN = 15,
	OPT_MTU = 26,
	OPT_NTP = 42,
	OPT_REQUESTED = 50,
	OPT_LEASE = 51,
	OPT_OVERLOAD = 52,
	OPT_TYPE = 53,
	OPT_SERVER = 54,
	OPT_PARAMETERS = 55,
	OPT_TEXT = 56,
	OPT_MAX_SIZE = 57,
	OPT_T1 = 58,
	OPT_T2 = 59,
	OPT_CLIENT_ID = 61,
	OPT_RAPID = 80,
	OPT_FQDN = 81,
	OPT_IPV6_ONLY = 108,
	OPT_SEARCH = 119,
	OPT_ROUTES = 121,
	OPT_END = 255,
};

#define OVERLOAD_FILE 1
#define OVERLOAD_SNAME 2

/* Writing */

struct writer {
	uint8_t *out;
	size_t n, room;
	bool full;
};

/* An option; a long one in pieces of 255 bytes (RFC 3396 section 6). */
static void put(struct writer *w, enum option code, const void *bytes, size_t n)
{
	const uint8_t *from = bytes;

	do {
		size_t piece = n < 255 ? n : 255;
		if (w->full || w->room - w->n < piece + 2) {
			w->full = true;
			return;
		}
		w->out[w->n++] = (uint8_t)code;
		w->out[w->n++] = (uint8_t)piece;
		memcpy(w->out + w->n, from, piece);
		w->n += piece;
		from += piece;
		n -= piece;
	} while (n > 0);
}

static void put_u32(struct writer *w, enum option code, uint32_t v)
{
	uint8_t bytes[4];

	vs_be_put32(bytes, v);
	put(w, code, bytes, sizeof(bytes));
}

/*
 * 121 stands before 3, as RFC 3442 wants it. T1 and T2 are asked for because some servers send them to those
 * only that ask.
 */
static void put_parameters(struct writer *w, bool ipv6_only)
{
	static const uint8_t codes[] = { OPT_MASK, OPT_ROUTES, OPT_ROUTER, OPT_DNS, OPT_DOMAIN, OPT_SEARCH,
					 OPT_MTU, OPT_NTP, OPT_T1, OPT_T2, OPT_IPV6_ONLY };

	put(w, OPT_PARAMETERS, codes, sizeof(codes) - (ipv6_only ? 0 : 1));
}

/* RFC 4702 section 2.1. S: the server updates the address record. E: the name is in the form of the wire. */
static bool put_fqdn(struct writer *w, const char *name)
{
	uint8_t bytes[3 + VS_DNS_NAME_WIRE] = { 0x01 | 0x04, 0, 0 };
	size_t n = vs_dns_name_encode(name, bytes + 3);

	if (n == 0)
		return false;
	put(w, OPT_FQDN, bytes, 3 + n);
	return true;
}

/* What a client says of itself whenever it asks for something. */
static bool put_wishes(struct writer *w, const struct vs_dhcp4_request *r)
{
	static const uint8_t max_size[2] = { VS_DHCP4_MESSAGE_MAX >> 8, VS_DHCP4_MESSAGE_MAX & 0xff };

	put(w, OPT_MAX_SIZE, max_size, sizeof(max_size));
	put_parameters(w, r->ipv6_only);
	if (r->rapid)
		put(w, OPT_RAPID, "", 0);
	return r->fqdn == NULL || put_fqdn(w, r->fqdn);
}

static void put_header(uint8_t *out, const struct vs_dhcp4_request *r)
{
	memset(out, 0, AT_OPTIONS);
	out[0] = OP_REQUEST;
	out[1] = HTYPE_ETHERNET;
	out[2] = sizeof(r->mac);
	vs_be_put32(out + AT_XID, r->xid);
	vs_be_put16(out + AT_SECS, r->secs);
	vs_be_put32(out + AT_CIADDR, r->ciaddr);
	memcpy(out + AT_CHADDR, r->mac, sizeof(r->mac));
	memcpy(out + AT_MAGIC, magic, sizeof(magic));
}

size_t vs_dhcp4_encode(const struct vs_dhcp4_request *r, uint8_t *out, size_t room)
{
	struct writer w = { .out = out, .n = AT_OPTIONS, .room = room };
	const uint8_t type = (uint8_t)r->type;
	bool ok = true;

	if (room < BOOTP_MIN)
		return 0;
	put_header(out, r);
	put(&w, OPT_TYPE, &type, 1);
	if (r->client_id_len != 0)
		put(&w, OPT_CLIENT_ID, r->client_id, r->client_id_len);
	if (r->requested != 0)
		put_u32(&w, OPT_REQUESTED, r->requested);
	if (r->server != 0)
		put_u32(&w, OPT_SERVER, r->server);
	if (r->text != NULL)
		put(&w, OPT_TEXT, r->text, strnlen(r->text, 255));
	if (r->type == VS_DHCP4_DISCOVER || r->type == VS_DHCP4_REQUEST || r->type == VS_DHCP4_INFORM)
		ok = put_wishes(&w, r);
	if (!ok || w.full || w.n == w.room)
		return 0;
	out[w.n++] = OPT_END;
	if (w.n < BOOTP_MIN) {
		memset(out + w.n, OPT_PAD, BOOTP_MIN - w.n);
		w.n = BOOTP_MIN;
	}
	return w.n;
}

/* Reading */

/* A field with options. */
struct field {
	const uint8_t *bytes;
	size_t n;
};

struct message {
	struct field fields[3]; /* options, file, sname */
	size_t n_fields;
	uint8_t joined[VS_DHCP4_MESSAGE_MAX]; /* the pieces of one option */
	size_t n_joined;
	bool found;             /* it was there, maybe empty */
	bool overflow;          /* its pieces do not fit */
};

/* An option at offset *at of a field; *at moves behind it. False: there is no other, or it is cut off. */
static bool next_option(const struct field *f, size_t *at, uint8_t *code, struct field *value)
{
	while (*at < f->n && f->bytes[*at] == OPT_PAD)
		++*at;
	if (f->n - *at < 2 || f->bytes[*at] == OPT_END)
		return false;
	size_t len = f->bytes[*at + 1];
	if (len > f->n - *at - 2)
		return false;
	*code = f->bytes[*at];
	*value = (struct field){ .bytes = f->bytes + *at + 2, .n = len };
	*at += 2 + len;
	return true;
}

/* The options end with END, or exactly at the end of the field, which some servers do. */
static bool well_formed(const struct field *f)
{
	struct field value;
	uint8_t code;
	size_t at = 0;

	while (next_option(f, &at, &code, &value))
		;
	return at == f->n || f->bytes[at] == OPT_END;
}

/* Joins the pieces of an option. Returns whether it is there. */
static bool join(struct message *m, enum option wanted)
{
	struct field value;
	uint8_t code;

	m->n_joined = 0;
	m->found = m->overflow = false;
	for (size_t i = 0; i < m->n_fields; i++) {
		size_t at = 0;
		while (next_option(&m->fields[i], &at, &code, &value)) {
			if (code != wanted)
				continue;
			m->found = true;
			m->overflow = m->overflow || value.n > sizeof(m->joined) - m->n_joined;
			if (m->overflow)
				continue;
			memcpy(m->joined + m->n_joined, value.bytes, value.n);
			m->n_joined += value.n;
		}
	}
	return m->found && !m->overflow;
}

/* Finds the fields with options. Option 52 counts only where it is not itself in an overloaded field. */
static bool find_fields(struct message *m, const uint8_t *bytes, size_t n)
{
	uint8_t overload = 0;

	m->fields[0] = (struct field){ .bytes = bytes + AT_OPTIONS, .n = n - AT_OPTIONS };
	m->n_fields = 1;
	if (!well_formed(&m->fields[0]))
		return false;
	if (join(m, OPT_OVERLOAD)) {
		overload = m->n_joined == 1 ? m->joined[0] : 0;
		if (overload < OVERLOAD_FILE || overload > (OVERLOAD_FILE | OVERLOAD_SNAME))
			return false;
	}
	if (overload & OVERLOAD_FILE)
		m->fields[m->n_fields++] = (struct field){ .bytes = bytes + AT_FILE, .n = FILE_BYTES };
	if (overload & OVERLOAD_SNAME)
		m->fields[m->n_fields++] = (struct field){ .bytes = bytes + AT_SNAME, .n = SNAME_BYTES };
	for (size_t i = 1; i < m->n_fields; i++)
		if (!well_formed(&m->fields[i]))
			return false;
	return true;
}

/* A number of `size` bytes. False: it is there with another length. */
static bool get_number(struct message *m, enum option code, size_t size, uint32_t bit,
		       struct vs_dhcp4_reply *out, uint32_t *v)
{
	if (!join(m, code))
		return !m->found;
	if (m->n_joined != size)
		return false;
	*v = 0;
	for (size_t i = 0; i < size; i++)
		*v = *v << 8 | m->joined[i];
	out->has |= bit;
	return true;
}

static bool get_numbers(struct message *m, struct vs_dhcp4_reply *out)
{
	uint32_t type = 0, mtu = 0, rapid;

	bool ok = get_number(m, OPT_TYPE, 1, 0, out, &type) &&
		  get_number(m, OPT_SERVER, 4, VS_DHCP4_HAS_SERVER, out, &out->server) &&
		  get_number(m, OPT_MASK, 4, VS_DHCP4_HAS_MASK, out, &out->mask) &&
		  get_number(m, OPT_LEASE, 4, VS_DHCP4_HAS_LEASE, out, &out->lease_s) &&
		  get_number(m, OPT_T1, 4, VS_DHCP4_HAS_T1, out, &out->t1_s) &&
		  get_number(m, OPT_T2, 4, VS_DHCP4_HAS_T2, out, &out->t2_s) &&
		  get_number(m, OPT_MTU, 2, VS_DHCP4_HAS_MTU, out, &mtu) &&
		  get_number(m, OPT_RAPID, 0, VS_DHCP4_HAS_RAPID, out, &rapid) &&
		  get_number(m, OPT_IPV6_ONLY, 4, VS_DHCP4_HAS_IPV6_ONLY, out, &out->ipv6_only_s);
	out->mtu = (uint16_t)mtu;
	out->type = (enum vs_dhcp4_type)type;
	return ok && (type == VS_DHCP4_OFFER || type == VS_DHCP4_ACK || type == VS_DHCP4_NAK);
}

/* An identifier of another length than ours is kept as too long: it cannot be ours. */
static void get_client_id(struct message *m, struct vs_dhcp4_reply *out)
{
	join(m, OPT_CLIENT_ID);
	if (!m->found)
		return;
	out->has |= VS_DHCP4_HAS_CLIENT_ID;
	if (!m->overflow && m->n_joined <= sizeof(out->client_id)) {
		out->client_id_len = (uint8_t)m->n_joined;
		memcpy(out->client_id, m->joined, m->n_joined);
	}
}

/* Addresses; those that do not fit are left out. */
static uint8_t get_list(struct message *m, enum option code, uint32_t *list)
{
	if (!join(m, code) || m->n_joined % 4 != 0)
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
static void get_routes(struct message *m, struct vs_dhcp4_reply *out)
{
	size_t at = 0;
	uint8_t n = 0;

	if (!join(m, OPT_ROUTES) || m->n_joined == 0)
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
static size_t next_word(const struct message *m, size_t *at, char *word, size_t room)
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
static void get_domain(struct message *m, struct vs_dhcp4_reply *out)
{
	char word[VS_DNS_NAME_TEXT + 2];
	size_t at = 0, n = 0, len;

	if (!join(m, OPT_DOMAIN))
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

static void get_search(struct message *m, struct vs_dhcp4_reply *out)
{
	if (join(m, OPT_SEARCH) && vs_dns_name_list(m->joined, m->n_joined, VS_DNS_POINTERS, out->search,
						    sizeof(out->search)) > 0)
		return;
	out->search[0] = '\0';
	get_domain(m, out);
}

static void get_text(struct message *m, struct vs_dhcp4_reply *out)
{
	size_t n = 0;

	join(m, OPT_TEXT);
	for (; n < m->n_joined && n < sizeof(out->text) - 1 && m->joined[n] != '\0'; n++)
		out->text[n] = m->joined[n] >= ' ' && m->joined[n] <= '~' ? (char)m->joined[n] : '?';
	out->text[n] = '\0';
}

bool vs_dhcp4_parse(const uint8_t *bytes, size_t n, struct vs_dhcp4_reply *out)
{
	struct message m;

	if (n < AT_OPTIONS || n - AT_OPTIONS > sizeof(m.joined) || bytes[0] != OP_REPLY ||
	    bytes[1] != HTYPE_ETHERNET || bytes[2] != sizeof(out->mac) ||
	    memcmp(bytes + AT_MAGIC, magic, sizeof(magic)) != 0)
		return false;
	if (!find_fields(&m, bytes, n))
		return false;
	memset(out, 0, sizeof(*out));
	out->xid = vs_be_get32(bytes + AT_XID);
	out->yiaddr = vs_be_get32(bytes + AT_YIADDR);
	memcpy(out->mac, bytes + AT_CHADDR, sizeof(out->mac));
	if (!get_numbers(&m, out))
		return false;
	get_client_id(&m, out);
	out->n_routers = get_list(&m, OPT_ROUTER, out->routers);
	out->n_dns = get_list(&m, OPT_DNS, out->dns);
	out->n_ntp = get_list(&m, OPT_NTP, out->ntp);
	get_routes(&m, out);
	get_search(&m, out);
	get_text(&m, out);
	return true;
}
