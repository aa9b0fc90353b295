/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The answer. What DHCP itself needs comes first, then what the client has asked for, in its order: the
 * message may be full before the list ends. Two options do not wait for their place. The mask is always
 * there, and stands before the routers (RFC 2132 section 3.3). So do the classless routes (RFC 3442).
 *
 * A client that takes 576 bytes, and has a long name and a long identifier, has little room for the rest. So
 * the mask stands before the name, and the room for the routers is kept until their turn. Lists of addresses
 * lose those at their end; other options are there as a whole or not at all.
 */

#include "reply.h"

#include <string.h>

#include "proto/be.h"

#define HEADERS 28 /* of IP and UDP */
#define SMALL 576  /* bytes of a packet that each host takes */
#define VALUE_MAX (N4_SEARCH_MAX + VS_DNS_NAME_WIRE + 9 * (N4_ROUTES_MAX + 1)) /* bytes of any option */

static size_t put_list(uint8_t *out, const struct n4_list *list)
{
	for (unsigned i = 0; i < list->n; i++)
		vs_be_put32(out + 4 * (size_t)i, list->addrs[i]);
	return 4 * (size_t)list->n;
}

static size_t put_route(uint8_t *out, const struct n4_route *r)
{
	uint8_t dst[4];
	size_t n = (r->len + 7) / 8;

	vs_be_put32(dst, r->dst);
	out[0] = (uint8_t)r->len;
	memcpy(out + 1, dst, n);
	vs_be_put32(out + 1 + n, r->gw);
	return n + 5;
}

/* RFC 3442. A client that takes these routes ignores option 3: its router is one of them. */
static size_t put_routes(uint8_t *out, const struct n4_terms *t)
{
	bool has_default = t->routers.n == 0;
	size_t n = 0;

	for (unsigned i = 0; i < t->n_routes; i++) {
		n += put_route(out + n, &t->routes[i]);
		has_default = has_default || t->routes[i].len == 0;
	}
	if (n > 0 && !has_default)
		n += put_route(out + n, &(struct n4_route){ .gw = t->routers.addrs[0] });
	return n;
}

/* The domains as a list of names (RFC 3397), not compressed. Option 15 has the first as text. */
static size_t put_search(uint8_t *out, const char *search)
{
	char name[VS_DNS_NAME_TEXT];
	size_t n = 0;

	while (*search != '\0') {
		size_t len = strcspn(search, " ");
		if (len < sizeof(name)) {
			memcpy(name, search, len);
			name[len] = '\0';
			n += vs_dns_name_encode(name, out + n);
		}
		search += len;
		search += strspn(search, " ");
	}
	return n;
}

/* The value of an option, 0: there is none. value has room for any. */
static size_t value_of(uint8_t code, const struct n4_terms *t, uint8_t *value)
{
	switch (code) {
	case VS_DHCP4_OPT_ROUTER:
		return put_list(value, &t->routers);
	case VS_DHCP4_OPT_DNS:
		return put_list(value, &t->dns);
	case VS_DHCP4_OPT_NTP:
		return put_list(value, &t->ntp);
	case VS_DHCP4_OPT_ROUTES:
		return put_routes(value, t);
	case VS_DHCP4_OPT_SEARCH:
		return put_search(value, t->search);
	case VS_DHCP4_OPT_DOMAIN:
		memcpy(value, t->search, strcspn(t->search, " "));
		return strcspn(t->search, " ");
	case VS_DHCP4_OPT_MTU:
		vs_be_put16(value, t->mtu);
		return t->mtu != 0 ? 2 : 0;
	case VS_DHCP4_OPT_BROADCAST:
		vs_be_put32(value, t->broadcast);
		return t->broadcast != 0 ? 4 : 0;
	case VS_DHCP4_OPT_MASK:
		vs_be_put32(value, t->mask);
		return t->mask != 0 ? 4 : 0;
	default:
		return 0;
	}
}

/* The options that the client wants, while they are written. */
struct wanted {
	struct vs_dhcp4_writer *w;
	const struct n4_terms *terms;
	uint8_t way; /* the option with the way to other networks */
	size_t kept; /* bytes of the writer's room that wait for it */
	bool done[256];
};

static bool is_list(uint8_t code)
{
	return code == VS_DHCP4_OPT_ROUTER || code == VS_DHCP4_OPT_DNS || code == VS_DHCP4_OPT_NTP;
}

static void put_wanted(struct wanted *o, uint8_t code)
{
	uint8_t value[VALUE_MAX];

	if (o->done[code])
		return;
	o->done[code] = true;
	if (code == VS_DHCP4_OPT_ROUTER)
		put_wanted(o, VS_DHCP4_OPT_ROUTES);
	if (code == o->way) {
		o->w->room += o->kept;
		o->kept = 0;
	}
	size_t n = value_of(code, o->terms, value), left = o->w->room - o->w->n;
	if (is_list(code) && n + 2 > left)
		n = left < 6 ? 0 : (left - 2) / 4 * 4;
	if (n > 0 && vs_dhcp4_answer_put(o->w, (enum vs_dhcp4_option)code, value, n))
		return;
	/* Without them the address may be of no use, and is kept for the time of the lease. */
	if ((code == VS_DHCP4_OPT_MASK && o->terms->mask != 0) ||
	    (code == VS_DHCP4_OPT_ROUTER && o->terms->routers.n > 0))
		o->w->full = true;
}

/* Keeps room for the routers, or for the classless routes of a client that wants only those. */
static void keep_room(struct wanted *o, const uint8_t *codes, size_t n)
{
	uint8_t value[VALUE_MAX];

	o->way = memchr(codes, VS_DHCP4_OPT_ROUTER, n) != NULL ? VS_DHCP4_OPT_ROUTER : VS_DHCP4_OPT_ROUTES;
	size_t size = o->done[o->way] ? 0 : value_of(o->way, o->terms, value);
	size_t left = o->w->room - o->w->n;
	size = size == 0 ? 0 : vs_dhcp4_option_size(size);
	o->kept = size < left ? size : left;
	o->w->room -= o->kept;
}

/* Everything, for a client that has no list. */
static const uint8_t all[] = { VS_DHCP4_OPT_ROUTER,   VS_DHCP4_OPT_DNS, VS_DHCP4_OPT_DOMAIN,
			       VS_DHCP4_OPT_NTP,      VS_DHCP4_OPT_MTU, VS_DHCP4_OPT_SEARCH,
			       VS_DHCP4_OPT_BROADCAST };

static void put_parameters(struct vs_dhcp4_writer *w, const struct n4_facts *f)
{
	const struct vs_dhcp4_query *q = f->q;
	const uint8_t *codes = q->n_parameters > 0 ? q->parameters : all;
	size_t n = q->n_parameters > 0 ? q->n_parameters : sizeof(all);
	struct wanted o = { .w = w, .terms = &f->terms };

	/* Routes are for those only that know them: without a list, option 3 says it all. */
	o.done[VS_DHCP4_OPT_ROUTES] = memchr(codes, VS_DHCP4_OPT_ROUTES, n) == NULL;
	put_wanted(&o, VS_DHCP4_OPT_MASK);
	keep_room(&o, codes, n);
	if (q->has_fqdn)
		(void)vs_dhcp4_answer_fqdn(w, q, f->name);
	for (size_t i = 0; i < n; i++)
		put_wanted(&o, codes[i]);
}

/* RFC 2131 section 4.4.5: T1 and T2. A lease without end has none. */
static void put_lease(struct vs_dhcp4_writer *w, uint32_t lease_s)
{
	vs_dhcp4_put_u32(w, VS_DHCP4_OPT_LEASE, lease_s);
	if (lease_s == VS_DHCP4_INFINITE)
		return;
	vs_dhcp4_put_u32(w, VS_DHCP4_OPT_T1, lease_s / 2);
	vs_dhcp4_put_u32(w, VS_DHCP4_OPT_T2, (uint32_t)((uint64_t)lease_s * 7 / 8));
}

/* What the client takes, and what fits into an Ethernet frame. */
static size_t room_of(const struct n4_facts *f)
{
	size_t room = (size_t)(f->small ? SMALL : f->q->max_size) - HEADERS;

	return room < N4_REPLY_MAX ? room : N4_REPLY_MAX;
}

size_t n4_reply_write(const struct n4_facts *f, uint8_t out[N4_REPLY_MAX])
{
	static const enum vs_dhcp4_type types[] = {
		[N4_OFFER] = VS_DHCP4_OFFER, [N4_ACK] = VS_DHCP4_ACK, [N4_NAK] = VS_DHCP4_NAK
	};
	const struct vs_dhcp4_query *q = f->q;
	const struct vs_dhcp4_answer a = { .type = types[f->verdict.what],
					   .ciaddr = f->verdict.what == N4_ACK ? q->ciaddr : 0,
					   .yiaddr = f->verdict.addr,
					   .server = f->serverid,
					   .to = q };
	struct vs_dhcp4_writer w;

	vs_dhcp4_answer_begin(&w, &a, out, room_of(f));
	if (f->verdict.what == N4_NAK) {
		(void)vs_dhcp4_answer_put(&w, VS_DHCP4_OPT_TEXT, f->verdict.why, strlen(f->verdict.why));
		return vs_dhcp4_answer_end(&w, q);
	}
	if (f->verdict.addr != 0)
		put_lease(&w, f->terms.lease_s);
	if (f->verdict.rapid)
		vs_dhcp4_put(&w, VS_DHCP4_OPT_RAPID, "", 0);
	if (!w.full)
		put_parameters(&w, f);
	return vs_dhcp4_answer_end(&w, q);
}

/*
 * RFC 2131 section 4.1. What has an address that can be used goes to it by the way the request has come: to
 * the sender on the link, which is the client, its relay, or the router to them. What has none is on this
 * link, and gets it at the Ethernet address that it names.
 */
struct n4_target n4_reply_target(const struct n4_facts *f, const uint8_t sender[6])
{
	static const uint8_t all_stations[6] = { 255, 255, 255, 255, 255, 255 };
	const struct vs_dhcp4_query *q = f->q;
	struct n4_target t = { .ip = UINT32_MAX, .port = VS_DHCP4_CLIENT_PORT };

	memcpy(t.mac, sender, sizeof(t.mac));
	if (q->giaddr != 0) {
		t.ip = q->giaddr;
		t.port = VS_DHCP4_SERVER_PORT;
	} else if (f->verdict.what != N4_NAK && q->ciaddr != 0) {
		t.ip = q->ciaddr;
	} else if (f->verdict.what == N4_NAK || (q->flags & VS_DHCP4_BROADCAST) != 0) {
		memcpy(t.mac, all_stations, sizeof(t.mac));
	} else {
		t.ip = f->verdict.addr;
		if (q->htype == VS_DHCP4_ETHERNET && q->hlen == sizeof(t.mac))
			memcpy(t.mac, q->chaddr, sizeof(t.mac));
	}
	return t;
}
