/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * From bytes to struct vs_dhcp6_request.
 *
 * Relays wrap a message: each puts its header before, and the message into an option. They are unwrapped in a
 * loop that ends at their greatest number. Then the options of the client's message are read, and those of
 * its IAs. Nothing calls itself.
 */

#include "dhcp6_server.h"

#include <string.h>

#include "be.h"
#include "dhcp6_options.h"

#define RELAY_HEADER 34

/* ------------------------------------------------------------------ relays */

/* RFC 8415 sections 9 and 19.3. *inner: the message in it. */
static enum vs_dhcp6_result unwrap(struct vs_dhcp6_reader *r, struct vs_dhcp6_relay *relay)
{
	struct vs_dhcp6_reader inner = { NULL, 0 };
	struct vs_dhcp6_read o;
	int more;

	if (r->n < RELAY_HEADER)
		return VS_DHCP6_SHORT;
	*relay = (struct vs_dhcp6_relay){ .hops = r->bytes[1] };
	memcpy(relay->link, r->bytes + 2, 16);
	memcpy(relay->peer, r->bytes + 18, 16);
	r->bytes += RELAY_HEADER;
	r->n -= RELAY_HEADER;
	while ((more = vs_dhcp6_next(r, &o)) > 0) {
		if (o.code == VS_DHCP6_RELAY_MSG && inner.bytes == NULL)
			inner = vs_dhcp6_within(&o, 0);
		else if (o.code == VS_DHCP6_INTERFACE_ID && relay->interface_id.bytes == NULL)
			relay->interface_id = o.data;
		else if (o.code == VS_DHCP6_REMOTE_ID && relay->remote_id.bytes == NULL)
			relay->remote_id = o.data;
	}
	*r = inner;
	return more < 0 ? VS_DHCP6_OPTION : inner.bytes == NULL ? VS_DHCP6_RELAYS : VS_DHCP6_OK;
}

static enum vs_dhcp6_result unwrap_all(struct vs_dhcp6_reader *r, struct vs_dhcp6_request *out)
{
	while (r->n > 0 && r->bytes[0] == VS_DHCP6_RELAY_FORW) {
		if (out->n_relays == VS_DHCP6_RELAYS_MAX)
			return VS_DHCP6_RELAYS;
		struct vs_dhcp6_relay *relay = &out->relays[out->n_relays++];
		enum vs_dhcp6_result result = unwrap(r, relay);
		if (result != VS_DHCP6_OK)
			return result;
		if (relay->hops > VS_DHCP6_HOPS_MAX)
			return VS_DHCP6_RELAYS;
	}
	return VS_DHCP6_OK;
}

/* ------------------------------------------------------------------ options */

static enum vs_dhcp6_result read_ia(const struct vs_dhcp6_read *o, struct vs_dhcp6_request *out)
{
	uint16_t fixed = o->code == VS_DHCP6_IA_TA ? 4 : 12;
	struct vs_dhcp6_asked ia = { .code = (enum vs_dhcp6_option)o->code };
	struct vs_dhcp6_read inner;
	int more;

	if (o->data.n < fixed)
		return VS_DHCP6_LENGTH;
	ia.iaid = vs_be_get32(o->data.bytes);
	struct vs_dhcp6_reader r = vs_dhcp6_within(o, fixed);
	while ((more = vs_dhcp6_next(&r, &inner)) > 0) {
		if (inner.code != VS_DHCP6_IAADDR || o->code == VS_DHCP6_IA_PD)
			continue;
		if (inner.data.n < 24)
			return VS_DHCP6_LENGTH;
		if (ia.n < VS_DHCP6_ADDRS_MAX)
			memcpy(ia.addrs[ia.n++], inner.data.bytes, 16);
	}
	if (more < 0)
		return VS_DHCP6_OPTION;
	if (out->n_ias < VS_DHCP6_IAS_MAX)
		out->ias[out->n_ias++] = ia;
	else if (out->skipped < UINT8_MAX)
		out->skipped++;
	return VS_DHCP6_OK;
}

static void read_extra(struct vs_dhcp6_bytes *to, const struct vs_dhcp6_read *o, bool fits, uint8_t *skipped)
{
	if (fits && to->bytes == NULL)
		*to = o->data;
	else if (*skipped < UINT8_MAX)
		(*skipped)++;
}

static enum vs_dhcp6_result read_option(const struct vs_dhcp6_read *o, struct vs_dhcp6_request *out)
{
	switch (o->code) {
	case VS_DHCP6_CLIENT_ID:
		return vs_dhcp6_take_duid(o, &out->client);
	case VS_DHCP6_SERVER_ID:
		return vs_dhcp6_take_duid(o, &out->server);
	case VS_DHCP6_IA_NA:
	case VS_DHCP6_IA_TA:
	case VS_DHCP6_IA_PD:
		return read_ia(o, out);
	case VS_DHCP6_ORO:
		read_extra(&out->wanted, o, o->data.n % 2 == 0, &out->skipped);
		break;
	case VS_DHCP6_FQDN:
		read_extra(&out->fqdn, o, o->data.n >= 1, &out->skipped);
		break;
	case VS_DHCP6_RAPID_COMMIT:
		out->rapid = true;
		break;
	default:
		break;
	}
	return VS_DHCP6_OK;
}

static bool is_client_type(uint8_t type)
{
	return type >= VS_DHCP6_SOLICIT && type <= VS_DHCP6_INFORMATION_REQUEST &&
	       type != VS_DHCP6_ADVERTISE && type != VS_DHCP6_REPLY && type != VS_DHCP6_RECONFIGURE;
}

enum vs_dhcp6_result vs_dhcp6_request_parse(const uint8_t *bytes, size_t n, struct vs_dhcp6_request *out)
{
	struct vs_dhcp6_request request = { .xid = 0 };
	struct vs_dhcp6_reader r = { bytes, n };
	struct vs_dhcp6_read o;
	int more;

	enum vs_dhcp6_result result = unwrap_all(&r, &request);
	if (result != VS_DHCP6_OK)
		return result;
	if (r.n < VS_DHCP6_HEADER)
		return VS_DHCP6_SHORT;
	if (!is_client_type(r.bytes[0]))
		return VS_DHCP6_TYPE;
	request.type = (enum vs_dhcp6_type)r.bytes[0];
	request.xid = vs_be_get32(r.bytes) & 0xffffff;
	r.bytes += VS_DHCP6_HEADER;
	r.n -= VS_DHCP6_HEADER;
	while ((more = vs_dhcp6_next(&r, &o)) > 0) {
		result = read_option(&o, &request);
		if (result != VS_DHCP6_OK)
			return result;
	}
	if (more < 0)
		return VS_DHCP6_OPTION;
	*out = request;
	return VS_DHCP6_OK;
}

bool vs_dhcp6_request_wants(const struct vs_dhcp6_request *request, enum vs_dhcp6_option option)
{
	return vs_dhcp6_lists(&request->wanted, option);
}
