/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * From bytes to struct vs_dhcp6.
 *
 * Options are in the message, in an IA, and in an address of an IA. A reader walks over the options of one of
 * these. It gets exactly the bytes of its container, so an option cannot reach beyond the option that
 * contains it. The depth is fixed by the code: nothing calls itself.
 *
 * Options that carry the lease must be right, or the message is no message. Others are for convenience: they
 * are skipped if they are malformed, so that a bad NTP server does not cost the address.
 */

#include "dhcp6.h"

#include <string.h>

#include "be.h"
#include "dhcp6_options.h"
#include "ip6.h"


static enum vs_dhcp6_result parse_status(const struct vs_dhcp6_read *o, bool *seen, uint16_t *status)
{
	if (o->data.n < 2)
		return VS_DHCP6_LENGTH;
	if (!*seen)
		*status = vs_be_get16(o->data.bytes);
	*seen = true;
	return VS_DHCP6_OK;
}

/* The status among options that may contain nothing else of interest. */
static enum vs_dhcp6_result find_status(struct vs_dhcp6_reader r, uint16_t *status)
{
	struct vs_dhcp6_read o;
	bool seen = false;
	int more;

	while ((more = vs_dhcp6_next(&r, &o)) > 0) {
		enum vs_dhcp6_result result = VS_DHCP6_OK;

		if (o.code == VS_DHCP6_STATUS)
			result = parse_status(&o, &seen, status);
		if (result != VS_DHCP6_OK)
			return result;
	}
	return more < 0 ? VS_DHCP6_OPTION : VS_DHCP6_OK;
}

/* RFC 8415 sections 21.6 and 21.22: preferred and valid lifetimes; address, or length and prefix. */
static enum vs_dhcp6_result parse_lease(const struct vs_dhcp6_read *o, struct vs_dhcp6_ia *ia)
{
	bool prefix = o->code == VS_DHCP6_IAPREFIX;
	uint16_t fixed = prefix ? 25 : 24;
	struct vs_dhcp6_lease lease = {.prefix_len = 128};

	if (o->data.n < fixed)
		return VS_DHCP6_LENGTH;
	const uint8_t *p = o->data.bytes;
	lease.preferred_s = vs_be_get32(prefix ? p : p + 16);
	lease.valid_s = vs_be_get32(prefix ? p + 4 : p + 20);
	if (prefix)
		lease.prefix_len = p[8];
	memcpy(lease.ip, prefix ? p + 9 : p, 16);
	enum vs_dhcp6_result result = find_status(vs_dhcp6_within(o, fixed), &lease.status);
	if (result != VS_DHCP6_OK)
		return result;
	if (lease.prefix_len > 128)
		return VS_DHCP6_LENGTH;
	vs_ip6_clear_behind(lease.ip, lease.prefix_len);
	if (lease.preferred_s <= lease.valid_s && ia->n < VS_DHCP6_ADDRS_MAX)
		ia->leases[ia->n++] = lease;
	return VS_DHCP6_OK;
}

static enum vs_dhcp6_result parse_ia_options(struct vs_dhcp6_reader r, uint32_t lease_code,
					     struct vs_dhcp6_ia *ia)
{
	struct vs_dhcp6_read o;
	bool seen = false;
	int more;

	while ((more = vs_dhcp6_next(&r, &o)) > 0) {
		enum vs_dhcp6_result result = VS_DHCP6_OK;

		if (o.code == lease_code)
			result = parse_lease(&o, ia);
		else if (o.code == VS_DHCP6_STATUS)
			result = parse_status(&o, &seen, &ia->status);
		if (result != VS_DHCP6_OK)
			return result;
	}
	return more < 0 ? VS_DHCP6_OPTION : VS_DHCP6_OK;
}

/* RFC 8415 sections 21.4 and 21.21: IAID, T1, T2, options. */
static enum vs_dhcp6_result parse_ia(const struct vs_dhcp6_read *o, uint32_t iaid, struct vs_dhcp6_ia *out)
{
	struct vs_dhcp6_ia ia = {.present = true};

	if (o->data.n < 12)
		return VS_DHCP6_LENGTH;
	ia.iaid = vs_be_get32(o->data.bytes);
	ia.t1_s = vs_be_get32(o->data.bytes + 4);
	ia.t2_s = vs_be_get32(o->data.bytes + 8);
	enum vs_dhcp6_result result = parse_ia_options(
		vs_dhcp6_within(o, 12), o->code == VS_DHCP6_IA_NA ? VS_DHCP6_IAADDR : VS_DHCP6_IAPREFIX, &ia);
	if (result != VS_DHCP6_OK)
		return result;
	bool impossible = ia.t2_s != 0 && ia.t1_s > ia.t2_s;
	if (!out->present && ia.iaid == iaid && !impossible)
		*out = ia;
	return VS_DHCP6_OK;
}

/* Returns whether the option is well-formed. */
static bool parse_addresses(const struct vs_dhcp6_read *o, uint8_t (*list)[16], uint8_t *n)
{
	if (o->data.n == 0 || o->data.n % 16 != 0 || *n != 0)
		return false;
	for (uint16_t at = 0; at < o->data.n && *n < VS_DHCP6_SERVERS_MAX; at = (uint16_t)(at + 16))
		memcpy(list[(*n)++], o->data.bytes + at, 16);
	return true;
}

/* RFC 5908: suboptions; those with unicast addresses are of use. The option may come more than once. */
static bool parse_ntp(const struct vs_dhcp6_read *o, struct vs_dhcp6 *out)
{
	struct vs_dhcp6_reader r = vs_dhcp6_within(o, 0);
	struct vs_dhcp6_read sub;
	uint8_t n = out->n_ntp;
	int more;

	while ((more = vs_dhcp6_next(&r, &sub)) > 0) {
		if (sub.code != VS_DHCP6_NTP_ADDRESS)
			continue;
		if (sub.data.n != 16)
			return false;
		if (n < VS_DHCP6_SERVERS_MAX)
			memcpy(out->ntp[n++], sub.data.bytes, 16);
	}
	out->n_ntp = more == 0 ? n : out->n_ntp;
	return more == 0;
}

static bool parse_seconds(const struct vs_dhcp6_read *o, uint32_t *out)
{
	if (o->data.n != 4 || *out != 0)
		return false;
	*out = vs_be_get32(o->data.bytes);
	return true;
}

static bool parse_bytes(const struct vs_dhcp6_read *o, uint16_t least, struct vs_dhcp6_bytes *out)
{
	if (o->data.n < least || out->bytes != NULL)
		return false;
	*out = o->data;
	return true;
}

static bool parse_elapsed(const struct vs_dhcp6_read *o, struct vs_dhcp6 *out)
{
	if (o->data.n != 2 || out->has_elapsed)
		return false;
	out->has_elapsed = true;
	out->elapsed_cs = vs_be_get16(o->data.bytes);
	return true;
}

static bool parse_preference(const struct vs_dhcp6_read *o, struct vs_dhcp6 *out)
{
	if (o->data.n != 1)
		return false;
	out->preference = o->data.bytes[0];
	return true;
}

static bool parse_rapid(const struct vs_dhcp6_read *o, struct vs_dhcp6 *out)
{
	out->rapid = out->rapid || o->data.n == 0;
	return o->data.n == 0;
}

/* Options that a message can do without. Returns whether this one is well-formed, or unknown. */
static bool parse_extra(const struct vs_dhcp6_read *o, struct vs_dhcp6 *out)
{
	switch (o->code) {
	case VS_DHCP6_ORO:
		return o->data.n % 2 == 0 && parse_bytes(o, 0, &out->wanted);
	case VS_DHCP6_PREFERENCE:
		return parse_preference(o, out);
	case VS_DHCP6_ELAPSED:
		return parse_elapsed(o, out);
	case VS_DHCP6_RAPID_COMMIT:
		return parse_rapid(o, out);
	case VS_DHCP6_DNS:
		return parse_addresses(o, out->dns, &out->n_dns);
	case VS_DHCP6_SEARCH:
		return parse_bytes(o, 1, &out->search);
	case VS_DHCP6_REFRESH:
		return parse_seconds(o, &out->refresh_s);
	case VS_DHCP6_FQDN:
		return parse_bytes(o, 1, &out->fqdn);
	case VS_DHCP6_NTP:
		return parse_ntp(o, out);
	case VS_DHCP6_SOL_MAX_RT:
		return parse_seconds(o, &out->sol_max_rt_s);
	case VS_DHCP6_INF_MAX_RT:
		return parse_seconds(o, &out->inf_max_rt_s);
	default:
		return true;
	}
}

static enum vs_dhcp6_result parse_option(const struct vs_dhcp6_read *o, uint32_t iaid, bool *status_seen,
					 struct vs_dhcp6 *out)
{
	switch (o->code) {
	case VS_DHCP6_CLIENT_ID:
		return vs_dhcp6_take_duid(o, &out->client);
	case VS_DHCP6_SERVER_ID:
		return vs_dhcp6_take_duid(o, &out->server);
	case VS_DHCP6_IA_NA:
		return parse_ia(o, iaid, &out->na);
	case VS_DHCP6_IA_PD:
		return parse_ia(o, iaid, &out->pd);
	case VS_DHCP6_STATUS:
		return parse_status(o, status_seen, &out->status);
	default:
		if (!parse_extra(o, out) && out->skipped < UINT8_MAX)
			out->skipped++;
		return VS_DHCP6_OK;
	}
}

static enum vs_dhcp6_result parse_options(struct vs_dhcp6_reader r, uint32_t iaid, struct vs_dhcp6 *out)
{
	struct vs_dhcp6_read o;
	bool status_seen = false;
	int more;

	while ((more = vs_dhcp6_next(&r, &o)) > 0) {
		enum vs_dhcp6_result result = parse_option(&o, iaid, &status_seen, out);

		if (result != VS_DHCP6_OK)
			return result;
	}
	return more < 0 ? VS_DHCP6_OPTION : VS_DHCP6_OK;
}

bool vs_dhcp6_wants(const struct vs_dhcp6 *message, enum vs_dhcp6_option option)
{
	return vs_dhcp6_lists(&message->wanted, option);
}

enum vs_dhcp6_result vs_dhcp6_parse(const uint8_t *bytes, size_t n, uint32_t iaid, struct vs_dhcp6 *out)
{
	struct vs_dhcp6 message = {.status = VS_DHCP6_SUCCESS};

	if (n < VS_DHCP6_HEADER)
		return VS_DHCP6_SHORT;
	if (bytes[0] < VS_DHCP6_SOLICIT || bytes[0] > VS_DHCP6_INFORMATION_REQUEST)
		return VS_DHCP6_TYPE;
	message.type = (enum vs_dhcp6_type)bytes[0];
	message.xid = vs_be_get32(bytes) & 0xffffff;
	enum vs_dhcp6_result result =
		parse_options((struct vs_dhcp6_reader){bytes + VS_DHCP6_HEADER, n - VS_DHCP6_HEADER}, iaid,
			      &message);
	if (result == VS_DHCP6_OK)
		*out = message;
	return result;
}
