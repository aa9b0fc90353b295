/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * DHCPv4 messages of a server. The answer is written option by option into the room that the client has said
 * to have. The options that must come back, 61 and 82, stand at the end (82 must, RFC 3046 section 2.2), so
 * the writer's room is smaller by their size until then.
 */

#include "dhcp4_server.h"

#include <string.h>

#include "be.h"

#define MAX_SIZE_LEAST 576 /* RFC 2132 section 9.10 */
#define FQDN_HEAD 3        /* flags and two codes that are out of use */

/* ------------------------------------------------------------------ reading */

static bool get_numbers(struct vs_dhcp4_options *o, struct vs_dhcp4_query *out)
{
	uint32_t type = 0, max_size = MAX_SIZE_LEAST, nothing;

	bool ok = vs_dhcp4_options_number(o, VS_DHCP4_OPT_TYPE, 1, &type) &&
		  vs_dhcp4_options_number(o, VS_DHCP4_OPT_REQUESTED, 4, &out->requested) &&
		  vs_dhcp4_options_number(o, VS_DHCP4_OPT_SERVER, 4, &out->server) &&
		  vs_dhcp4_options_number(o, VS_DHCP4_OPT_LEASE, 4, &out->lease_s) &&
		  vs_dhcp4_options_number(o, VS_DHCP4_OPT_MAX_SIZE, 2, &max_size) &&
		  vs_dhcp4_options_number(o, VS_DHCP4_OPT_RAPID, 0, &nothing);
	out->rapid = o->found; /* of the last one */
	out->type = (enum vs_dhcp4_type)type;
	out->max_size = (uint16_t)(max_size < MAX_SIZE_LEAST ? MAX_SIZE_LEAST : max_size);
	return ok && (type == VS_DHCP4_DISCOVER || type == VS_DHCP4_REQUEST || type == VS_DHCP4_DECLINE ||
		      type == VS_DHCP4_RELEASE || type == VS_DHCP4_INFORM);
}

/* A name of letters, without the NUL or the dot that some clients write at its end. */
static void take_name(const uint8_t *bytes, size_t n, char name[VS_DNS_NAME_TEXT])
{
	char text[VS_DNS_NAME_TEXT + 1];

	while (n > 0 && bytes[n - 1] == '\0')
		n--;
	if (n == 0 || n >= sizeof(text) || memchr(bytes, '\0', n) != NULL)
		return;
	memcpy(text, bytes, n);
	text[n] = '\0';
	if (!vs_dns_name_valid(text))
		return;
	if (text[n - 1] == '.')
		text[--n] = '\0';
	if (n < VS_DNS_NAME_TEXT)
		memcpy(name, text, n + 1);
}

/* RFC 4702 section 2. What is too short to have a name has none. */
static void get_fqdn(struct vs_dhcp4_options *o, struct vs_dhcp4_query *out)
{
	if (!vs_dhcp4_options_join(o, VS_DHCP4_OPT_FQDN) || o->n_joined < FQDN_HEAD)
		return;
	out->has_fqdn = true;
	out->fqdn_flags = o->joined[0];
	if ((out->fqdn_flags & VS_DHCP4_FQDN_E) == 0)
		take_name(o->joined + FQDN_HEAD, o->n_joined - FQDN_HEAD, out->fqdn);
	else if (vs_dns_name_decode(o->joined + FQDN_HEAD, o->n_joined - FQDN_HEAD, 0, VS_DNS_PARTIAL,
				    out->fqdn) == 0)
		out->fqdn[0] = '\0';
}

static void get_parameters(struct vs_dhcp4_options *o, struct vs_dhcp4_query *out)
{
	vs_dhcp4_options_join(o, VS_DHCP4_OPT_PARAMETERS);
	size_t n = o->n_joined < sizeof(out->parameters) ? o->n_joined : sizeof(out->parameters);
	memcpy(out->parameters, o->joined, n);
	out->n_parameters = (uint8_t)n;
}

/* What is sent back as it is. False: it is too long for that. */
static bool get_echoes(struct vs_dhcp4_options *o, struct vs_dhcp4_query *out)
{
	out->has_client_id = vs_dhcp4_options_join(o, VS_DHCP4_OPT_CLIENT_ID);
	if (o->overflow || o->n_joined > sizeof(out->client_id))
		return false;
	memcpy(out->client_id, o->joined, o->n_joined);
	out->client_id_len = (uint8_t)o->n_joined;
	out->has_relay = vs_dhcp4_options_join(o, VS_DHCP4_OPT_RELAY);
	if (o->overflow || o->n_joined > sizeof(out->relay))
		return false;
	memcpy(out->relay, o->joined, o->n_joined);
	out->relay_len = (uint16_t)o->n_joined;
	return true;
}

static void get_header(const uint8_t *bytes, struct vs_dhcp4_query *out)
{
	out->htype = bytes[VS_DHCP4_AT_HTYPE];
	out->hlen = bytes[VS_DHCP4_AT_HLEN];
	memcpy(out->chaddr, bytes + VS_DHCP4_AT_CHADDR, sizeof(out->chaddr));
	out->xid = vs_be_get32(bytes + VS_DHCP4_AT_XID);
	out->flags = vs_be_get16(bytes + VS_DHCP4_AT_FLAGS);
	out->ciaddr = vs_be_get32(bytes + VS_DHCP4_AT_CIADDR);
	out->giaddr = vs_be_get32(bytes + VS_DHCP4_AT_GIADDR);
}

bool vs_dhcp4_query_parse(const uint8_t *bytes, size_t n, struct vs_dhcp4_query *out)
{
	struct vs_dhcp4_options o;

	if (n < VS_DHCP4_AT_OPTIONS || n - VS_DHCP4_AT_OPTIONS > sizeof(o.joined) ||
	    bytes[0] != VS_DHCP4_OP_REQUEST || bytes[VS_DHCP4_AT_HLEN] > sizeof(out->chaddr) ||
	    memcmp(bytes + VS_DHCP4_AT_MAGIC, vs_dhcp4_magic, sizeof(vs_dhcp4_magic)) != 0)
		return false;
	if (!vs_dhcp4_options_find(&o, bytes, n))
		return false;
	memset(out, 0, sizeof(*out));
	get_header(bytes, out);
	if (!get_numbers(&o, out) || !get_echoes(&o, out))
		return false;
	get_fqdn(&o, out);
	if (vs_dhcp4_options_join(&o, VS_DHCP4_OPT_HOST))
		take_name(o.joined, o.n_joined, out->host);
	get_parameters(&o, out);
	vs_dhcp4_options_text(&o, out->text, sizeof(out->text));
	return true;
}

/* ------------------------------------------------------------------ writing */

/* What vs_dhcp4_answer_end() writes. */
static size_t size_of_end(const struct vs_dhcp4_query *to)
{
	return (to->has_client_id ? vs_dhcp4_option_size(to->client_id_len) : 0) +
	       (to->has_relay ? vs_dhcp4_option_size(to->relay_len) : 0) + 1;
}

/* RFC 2131 section 4.3.1, table 3. A NAK through a relay is broadcast by it (section 4.3.2). */
static void put_header(uint8_t *out, const struct vs_dhcp4_answer *a)
{
	const struct vs_dhcp4_query *to = a->to;
	bool broadcast = a->type == VS_DHCP4_NAK && to->giaddr != 0;

	memset(out, 0, VS_DHCP4_AT_OPTIONS);
	out[0] = VS_DHCP4_OP_REPLY;
	out[VS_DHCP4_AT_HTYPE] = to->htype;
	out[VS_DHCP4_AT_HLEN] = to->hlen;
	vs_be_put32(out + VS_DHCP4_AT_XID, to->xid);
	vs_be_put16(out + VS_DHCP4_AT_FLAGS, (uint16_t)(to->flags | (broadcast ? VS_DHCP4_BROADCAST : 0)));
	vs_be_put32(out + VS_DHCP4_AT_CIADDR, a->ciaddr);
	vs_be_put32(out + VS_DHCP4_AT_YIADDR, a->yiaddr);
	vs_be_put32(out + VS_DHCP4_AT_GIADDR, to->giaddr);
	memcpy(out + VS_DHCP4_AT_CHADDR, to->chaddr, sizeof(to->chaddr));
	memcpy(out + VS_DHCP4_AT_MAGIC, vs_dhcp4_magic, sizeof(vs_dhcp4_magic));
}

void vs_dhcp4_answer_begin(struct vs_dhcp4_writer *w, const struct vs_dhcp4_answer *a, uint8_t *out,
			   size_t room)
{
	const uint8_t type = (uint8_t)a->type;
	size_t end = size_of_end(a->to);

	*w = (struct vs_dhcp4_writer){ .out = out, .n = VS_DHCP4_AT_OPTIONS, .room = room - end };
	if (room < VS_DHCP4_BOOTP_MIN || room - VS_DHCP4_AT_OPTIONS < end) {
		*w = (struct vs_dhcp4_writer){ .out = out, .full = true };
		return;
	}
	put_header(out, a);
	vs_dhcp4_put(w, VS_DHCP4_OPT_TYPE, &type, 1);
	vs_dhcp4_put_u32(w, VS_DHCP4_OPT_SERVER, a->server);
}

bool vs_dhcp4_answer_put(struct vs_dhcp4_writer *w, enum vs_dhcp4_option code, const void *bytes, size_t n)
{
	if (w->full || w->room - w->n < vs_dhcp4_option_size(n))
		return false;
	vs_dhcp4_put(w, code, bytes, n);
	return true;
}

bool vs_dhcp4_answer_fqdn(struct vs_dhcp4_writer *w, const struct vs_dhcp4_query *to, const char *name)
{
	uint8_t bytes[FQDN_HEAD + VS_DNS_NAME_WIRE] = { VS_DHCP4_FQDN_N, 255, 255 };
	size_t n;

	if ((to->fqdn_flags & VS_DHCP4_FQDN_S) != 0)
		bytes[0] |= VS_DHCP4_FQDN_O;
	if ((to->fqdn_flags & VS_DHCP4_FQDN_E) != 0) {
		bytes[0] |= VS_DHCP4_FQDN_E;
		n = vs_dns_name_encode(name, bytes + FQDN_HEAD);
	} else {
		n = strnlen(name, VS_DNS_NAME_TEXT - 1);
		memcpy(bytes + FQDN_HEAD, name, n);
	}
	return vs_dhcp4_answer_put(w, VS_DHCP4_OPT_FQDN, bytes, FQDN_HEAD + n);
}

size_t vs_dhcp4_answer_end(struct vs_dhcp4_writer *w, const struct vs_dhcp4_query *to)
{
	if (w->full)
		return 0;
	w->room += size_of_end(to);
	if (to->has_client_id)
		vs_dhcp4_put(w, VS_DHCP4_OPT_CLIENT_ID, to->client_id, to->client_id_len);
	if (to->has_relay)
		vs_dhcp4_put(w, VS_DHCP4_OPT_RELAY, to->relay, to->relay_len);
	return vs_dhcp4_finish(w);
}
