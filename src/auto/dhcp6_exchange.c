/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Messages of the DHCPv6 client: which each state sends, when it is sent again (RFC 8415 section 15), and
 * what is in it.
 *
 * The first message of a search, of a confirmation and of an information-request is delayed by the caller
 * (sections 18.2.1, 18.2.3, 18.2.6), by less than the RFC's second: see docs/requirements-dhcp6.md.
 */

#include <netinet/in.h>
#include <string.h>

#include "dhcp6_machine.h"
#include "proto/dns_name.h"

#define TOKEN_MS 1000
#define SILENT_TRIES 3 /* a search is called silent when it sends for the third time, after about 3 s */

struct exchange {
	const char *name;
	enum vs_dhcp6_type type; /* 0: the state sends nothing */
	uint32_t irt_ms, mrt_ms; /* mrt_ms 0: none */
	uint8_t mrc;             /* 0: no limit */
	uint32_t mrd_ms;         /* 0: no limit, or that of the lease */
};

/* The figures are those of RFC 8415 section 7.6. */
static const struct exchange exchanges[VS_DHCP6_S_N] = {
	[VS_DHCP6_S_STOPPED] = {.name = "STOPPED"},
	[VS_DHCP6_S_SOLICIT] = {"SOLICIT", VS_DHCP6_SOLICIT, 1000, 3600000, 0, 0},
	[VS_DHCP6_S_REQUEST] = {"REQUEST", VS_DHCP6_REQUEST, 1000, 30000, 10, 0},
	[VS_DHCP6_S_BOUND] = {.name = "BOUND"},
	[VS_DHCP6_S_RENEW] = {"RENEW", VS_DHCP6_RENEW, 10000, 600000, 0, 0},
	[VS_DHCP6_S_REBIND] = {"REBIND", VS_DHCP6_REBIND, 10000, 600000, 0, 0},
	[VS_DHCP6_S_CONFIRM] = {"CONFIRM", VS_DHCP6_CONFIRM, 1000, 4000, 0, 10000},
	[VS_DHCP6_S_DECLINE] = {"DECLINE", VS_DHCP6_DECLINE, 1000, 0, 4, 0},
	[VS_DHCP6_S_RELEASE] = {"RELEASE", VS_DHCP6_RELEASE, 1000, 0, 4, 0},
	[VS_DHCP6_S_INFORM] = {"INFORMATION-REQUEST", VS_DHCP6_INFORMATION_REQUEST, 1000, 3600000, 0, 0},
	[VS_DHCP6_S_INFORMED] = {.name = "INFORMED"},
};

const char *vs_dhcp6_state_name(enum vs_dhcp6_state state)
{
	return exchanges[state].name;
}

uint32_t vs_dhcp6_random(struct vs_dhcp6_client *c, uint32_t n)
{
	uint32_t number;

	c->ops->random(c->arg, &number, sizeof(number));
	return number % n;
}

/* Section 15: ms and a random part of it, up to a tenth more or less; only more if `longer`. */
static uint32_t spread(struct vs_dhcp6_client *c, uint32_t ms, bool longer)
{
	uint32_t tenth = ms / 10;
	uint32_t random = vs_dhcp6_random(c, longer ? tenth : 2 * tenth + 1);

	return longer ? ms + 1 + random : ms - tenth + random;
}

/* MRT: servers may set that of Solicit and of Information-request. */
static uint32_t most_ms(const struct vs_dhcp6_client *c)
{
	if (c->state == VS_DHCP6_S_SOLICIT && c->sol_max_rt_s != 0)
		return c->sol_max_rt_s * 1000;
	if (c->state == VS_DHCP6_S_INFORM && c->inf_max_rt_s != 0)
		return c->inf_max_rt_s * 1000;
	return exchanges[c->state].mrt_ms;
}

/* Section 15. The first time of a Solicit must be longer than IRT (section 18.2.1). */
static uint32_t next_rt_ms(struct vs_dhcp6_client *c)
{
	uint32_t most = most_ms(c);

	if (c->rt_ms == 0)
		return spread(c, exchanges[c->state].irt_ms, c->state == VS_DHCP6_S_SOLICIT);
	uint32_t rt = c->rt_ms + spread(c, c->rt_ms, false);
	return most != 0 && rt > most ? spread(c, most, false) : rt;
}

static bool take_token(struct vs_dhcp6_client *c, vs_auto_ms now)
{
	vs_auto_ms more = (now - c->tokens_at) / TOKEN_MS;

	if (more > 0) {
		vs_auto_ms all = c->tokens + more;

		c->tokens = all > VS_DHCP6_TOKENS_MAX ? VS_DHCP6_TOKENS_MAX : (uint8_t)all;
		c->tokens_at += more * TOKEN_MS;
	}
	if (c->tokens == 0)
		return false;
	c->tokens--;
	return true;
}

/* A lease with a prefix is verified by a Rebind (section 18.2.12). */
static enum vs_dhcp6_type type_of(const struct vs_dhcp6_client *c)
{
	if (c->state == VS_DHCP6_S_CONFIRM && c->prefix.prefix_len != 0)
		return VS_DHCP6_REBIND;
	return exchanges[c->state].type;
}

static void plan_held(const struct vs_dhcp6_client *c, struct vs_dhcp6_plan *plan)
{
	for (uint8_t i = 0; i < c->n; i++)
		if (c->addrs[i].declined == (plan->type == VS_DHCP6_DECLINE))
			memcpy(plan->addrs[plan->n_addrs++], c->addrs[i].ip, 16);
	if (c->prefix.prefix_len != 0 && plan->type != VS_DHCP6_CONFIRM && plan->type != VS_DHCP6_DECLINE) {
		plan->prefix_len = c->prefix.prefix_len;
		memcpy(plan->prefix, c->prefix.ip, 16);
	}
}

static void plan_offer(const struct vs_dhcp6_client *c, struct vs_dhcp6_plan *plan)
{
	plan->n_addrs = c->offer.n_addrs;
	memcpy(plan->addrs, c->offer.addrs, sizeof(plan->addrs));
	plan->prefix_len = c->offer.prefix_len;
	memcpy(plan->prefix, c->offer.prefix, sizeof(plan->prefix));
}

static void plan_hints(const struct vs_dhcp6_client *c, struct vs_dhcp6_plan *plan)
{
	if (c->has_hint) {
		plan->n_addrs = 1;
		memcpy(plan->addrs[0], c->hint, 16);
	}
}

static void plan_ias(const struct vs_dhcp6_client *c, struct vs_dhcp6_plan *plan)
{
	if (plan->type == VS_DHCP6_INFORMATION_REQUEST)
		return;
	if (plan->type == VS_DHCP6_SOLICIT)
		plan_hints(c, plan);
	else if (plan->type == VS_DHCP6_REQUEST)
		plan_offer(c, plan);
	else
		plan_held(c, plan);
	/* What is asked for is in each message. What is given back must be there. */
	bool asks = plan->type == VS_DHCP6_SOLICIT || plan->type == VS_DHCP6_REQUEST ||
		    plan->type == VS_DHCP6_RENEW || plan->type == VS_DHCP6_REBIND;
	plan->na = asks || plan->n_addrs != 0;
	plan->pd = (asks && c->config->pd_len != 0) || plan->prefix_len != 0;
	if (plan->pd && plan->prefix_len == 0)
		plan->prefix_len = c->config->pd_len; /* with the prefix "::" a hint for the length */
}

static void want(struct vs_dhcp6_plan *plan, enum vs_dhcp6_option option)
{
	plan->wanted[plan->n_wanted++] = (uint16_t)option;
}

static void plan_wanted(struct vs_dhcp6_plan *plan)
{
	bool inform = plan->type == VS_DHCP6_INFORMATION_REQUEST;

	want(plan, VS_DHCP6_DNS);
	want(plan, VS_DHCP6_SEARCH);
	want(plan, VS_DHCP6_NTP);
	if (inform)
		want(plan, VS_DHCP6_REFRESH);
	want(plan, inform ? VS_DHCP6_INF_MAX_RT : VS_DHCP6_SOL_MAX_RT);
	if (plan->fqdn != NULL)
		want(plan, VS_DHCP6_FQDN);
}

/* RFC 4704 section 4.2: a name of one label has no zero byte at its end. */
static void plan_fqdn(const struct vs_dhcp6_client *c, struct vs_dhcp6_plan *plan, uint8_t *wire)
{
	const char *name = c->config->fqdn;
	size_t n = name == NULL ? 0 : vs_dns_name_encode(name, wire);

	if (n < 2)
		return;
	plan->fqdn = wire;
	plan->fqdn_len = (uint16_t)(strchr(name, '.') == NULL ? n - 1 : n);
}

static void plan_server(const struct vs_dhcp6_client *c, struct vs_dhcp6_plan *plan)
{
	if (plan->type == VS_DHCP6_REQUEST) {
		plan->server = c->offer.server;
		plan->server_len = c->offer.server_len;
	} else if (plan->type == VS_DHCP6_RENEW || plan->type == VS_DHCP6_RELEASE ||
		   plan->type == VS_DHCP6_DECLINE) {
		plan->server = c->server;
		plan->server_len = c->server_len;
	}
}

static uint16_t elapsed_cs(const struct vs_dhcp6_client *c, vs_auto_ms now)
{
	vs_auto_ms cs = (now - c->began) / 10;

	return cs > UINT16_MAX ? UINT16_MAX : (uint16_t)cs;
}

static size_t build(struct vs_dhcp6_client *c, vs_auto_ms now, uint8_t *bytes, size_t room)
{
	uint8_t wire[VS_DNS_NAME_WIRE];
	struct vs_dhcp6_plan plan = {
		.type = type_of(c),
		.xid = c->xid,
		.client = c->duid,
		.client_len = c->duid_len,
		.elapsed_cs = elapsed_cs(c, now),
		.iaid = c->iaid,
	};

	plan.rapid = plan.type == VS_DHCP6_SOLICIT && c->config->rapid;
	plan_server(c, &plan);
	plan_ias(c, &plan);
	if (plan.type == VS_DHCP6_SOLICIT || plan.type == VS_DHCP6_REQUEST || plan.type == VS_DHCP6_RENEW ||
	    plan.type == VS_DHCP6_REBIND)
		plan_fqdn(c, &plan, wire);
	if (plan.type != VS_DHCP6_CONFIRM && plan.type != VS_DHCP6_RELEASE && plan.type != VS_DHCP6_DECLINE)
		plan_wanted(&plan);
	return vs_dhcp6_build(&plan, bytes, room);
}

static void send_message(struct vs_dhcp6_client *c, vs_auto_ms now)
{
	uint8_t bytes[VS_DHCP6_BYTES_MAX];
	struct vs_auto_packet packet = {
		.way = VS_WAY_UDP6,
		.bytes = bytes,
		/* All_DHCP_Relay_Agents_and_Servers */
		.peer = {AF_INET6, {0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2}},
	};

	packet.n = build(c, now, bytes, sizeof(bytes));
	if (packet.n == 0)
		return; /* cannot be: the room is enough for the longest name and the longest DUIDs */
	c->sent++;
	c->ops->send(c->arg, &packet);
}

static void report_silence(struct vs_dhcp6_client *c)
{
	bool searching = c->state == VS_DHCP6_S_SOLICIT || c->state == VS_DHCP6_S_INFORM;

	if (!searching || c->tries != SILENT_TRIES || c->silence_said || c->refusal_said)
		return;
	c->silence_said = true;
	c->problem = "no DHCPv6 server has answered";
	c->ops->news(c->arg, VS_NEWS_SILENT, NULL, c->problem);
}

void vs_dhcp6_transmit(struct vs_dhcp6_client *c, vs_auto_ms now)
{
	if (!take_token(c, now)) {
		c->next = now + TOKEN_MS;
		return;
	}
	if (c->tries == 0)
		c->began = now;
	c->asked = now;
	c->rt_ms = next_rt_ms(c);
	c->next = now + c->rt_ms;
	if (c->tries < UINT32_MAX)
		c->tries++;
	send_message(c, now);
	report_silence(c);
}

void vs_dhcp6_enter(struct vs_dhcp6_client *c, vs_auto_ms now, enum vs_dhcp6_state state, uint32_t delay_ms)
{
	c->state = state;
	c->since = now;
	c->tries = 0;
	c->rt_ms = 0;
	c->began = now;
	c->next = VS_AUTO_NEVER;
	if (exchanges[state].type == 0)
		return;
	/* Unpredictable, so that a host that does not see our messages cannot answer them. */
	c->ops->random(c->arg, &c->xid, sizeof(c->xid));
	c->xid &= 0xffffff;
	c->next = now + delay_ms;
	if (delay_ms == 0 && !c->down)
		vs_dhcp6_transmit(c, now);
}

bool vs_dhcp6_exhausted(const struct vs_dhcp6_client *c, vs_auto_ms now)
{
	uint8_t mrc = exchanges[c->state].mrc;

	return mrc != 0 && c->tries >= mrc && now >= c->next;
}

vs_auto_ms vs_dhcp6_exchange_end(const struct vs_dhcp6_client *c)
{
	uint32_t mrd = exchanges[c->state].mrd_ms;

	return mrd == 0 || c->tries == 0 ? VS_AUTO_NEVER : c->began + mrd;
}
