/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Which rule decides a call.
 *
 * A rule holds, or does not, or is open: each condition that is known holds, and others are known only in
 * a later call. The first rule that holds decides. Open rules before it can decide later, which matters
 * only if they have another target.
 */

#include <netinet/in.h>
#include <string.h>

#include "pattern.h"
#include "set.h"

#define TYPE_MASK 0xf /* without SOCK_NONBLOCK, SOCK_CLOEXEC */

/* What protocol 0 means. */
static int protocol_of(const struct vs_rules_call *call)
{
	if (call->protocol != 0 || (call->family != AF_INET && call->family != AF_INET6))
		return call->protocol;
	switch (call->type & TYPE_MASK) {
	case SOCK_STREAM:
		return IPPROTO_TCP;
	case SOCK_DGRAM:
		return IPPROTO_UDP;
	case SOCK_SEQPACKET:
		return IPPROTO_SCTP;
	default:
		return 0;
	}
}

static enum vs_rules_answer yes_if(bool holds)
{
	return holds ? VS_RULES_HOLDS : VS_RULES_FAILS;
}

static enum vs_rules_answer test_address(const struct vs_rules_condition *c, const struct vs_rules_call *call,
					 enum vs_rules_stage known, const struct sockaddr *addr)
{
	if (c->endpoint.family == AF_INET6 && call->family == AF_INET)
		return VS_RULES_FAILS;
	if (call->stage < known)
		return VS_RULES_LATER;
	return yes_if(addr != NULL && vs_rules_endpoint_matches(&c->endpoint, addr));
}

static bool test_name(const char *pattern, const char *name)
{
	char copy[256]; /* a name has at most 253 bytes */
	size_t n = strnlen(name, sizeof(copy));

	if (n == sizeof(copy))
		return false;
	memcpy(copy, name, n);
	if (n > 0 && copy[n - 1] == '.')
		n--;
	copy[n] = '\0';
	return vs_rules_pattern_matches(pattern, copy, true);
}

static enum vs_rules_answer test_names(const struct vs_rules_condition *c, const struct vs_rules_call *call)
{
	if (call->stage < VS_RULES_AT_CONNECT)
		return VS_RULES_LATER;
	for (size_t i = 0; i < call->n_names; i++)
		if (test_name(c->pattern, call->names[i]))
			return VS_RULES_HOLDS;
	return VS_RULES_FAILS;
}

static enum vs_rules_answer test_condition(const struct vs_rules_condition *c,
					   const struct vs_rules_call *call)
{
	/* such a rule does not concern a socket that could not be moved then */
	if (c->kind <= VS_RULES_NAME && !vs_rules_movable(call->family, call->type, call->protocol))
		return VS_RULES_FAILS;
	switch (c->kind) {
	case VS_RULES_LOCAL:
		return test_address(c, call, VS_RULES_AT_BIND, call->local);
	case VS_RULES_REMOTE:
		return test_address(c, call, VS_RULES_AT_CONNECT, call->remote);
	case VS_RULES_NAME:
		return test_names(c, call);
	case VS_RULES_FAMILY:
		return yes_if(call->family == c->number);
	case VS_RULES_TYPE:
		return yes_if((call->type & TYPE_MASK) == c->number);
	case VS_RULES_PROTOCOL:
		return yes_if((call->family == AF_INET || call->family == AF_INET6) &&
			      protocol_of(call) == c->number);
	default:
		return yes_if(call->thread != NULL &&
			      vs_rules_pattern_matches(c->pattern, call->thread, false));
	}
}

/* *why: the first condition that does not hold, or else the first that is not known yet, or NULL. */
static enum vs_rules_answer test_rule(const struct vs_rules_rule *rule, const struct vs_rules_call *call,
				      const struct vs_rules_condition **why)
{
	enum vs_rules_answer result = VS_RULES_HOLDS;

	*why = NULL;
	for (size_t i = 0; i < rule->n; i++) {
		enum vs_rules_answer answer = test_condition(&rule->conditions[i], call);
		if (answer == VS_RULES_HOLDS || (answer == VS_RULES_LATER && result == VS_RULES_LATER))
			continue;
		*why = &rule->conditions[i];
		result = answer;
		if (answer == VS_RULES_FAILS)
			break;
	}
	return result;
}

static bool same_target(const struct vs_rules_target *a, const struct vs_rules_target *b)
{
	return a->verdict == b->verdict && (a->verdict != VS_RULES_STACK || a->stack == b->stack);
}

/* The rule that holds, or NULL: the default decides. */
static const struct vs_rules_rule *find_holding(const struct vs_rules *rules,
						const struct vs_rules_call *call)
{
	const struct vs_rules_condition *why;

	for (size_t i = 0; i < rules->n; i++)
		if (test_rule(&rules->list[i], call, &why) == VS_RULES_HOLDS)
			return &rules->list[i];
	return NULL;
}

/*
 * The first open rule before `rule` with another target than it. Not with a target of deny, if deny is
 * false.
 */
static const struct vs_rules_rule *find_open(const struct vs_rules *rules, const struct vs_rules_call *call,
					     const struct vs_rules_rule *rule, bool deny)
{
	const struct vs_rules_target *target = rule != NULL ? &rule->target : &rules->fallback;
	const struct vs_rules_condition *why;

	for (size_t i = 0; i < rules->n && &rules->list[i] != rule; i++) {
		const struct vs_rules_rule *other = &rules->list[i];
		if (!same_target(&other->target, target) &&
		    (deny || other->target.verdict != VS_RULES_DENY) &&
		    test_rule(other, call, &why) == VS_RULES_LATER)
			return other;
	}
	return NULL;
}

static struct vs_rules_decision decision_of(const struct vs_rules *rules, const struct vs_rules_rule *rule,
					    bool open)
{
	const struct vs_rules_target *target = rule != NULL ? &rule->target : &rules->fallback;

	return (struct vs_rules_decision){
		.verdict = target->verdict,
		.stack = target->stack,
		.line = rule != NULL ? target->line : 0,
		.open = open,
	};
}

/* A UDP socket with a port may be a server: what it sends does not move it. */
static bool is_bound_udp(const struct vs_rules_call *call)
{
	return (call->type & TYPE_MASK) == SOCK_DGRAM &&
	       (call->stage == VS_RULES_AT_BIND ||
		(call->stage == VS_RULES_AT_CONNECT && call->local != NULL &&
		 vs_rules_is_bound(call->local)));
}

/* The rule by which bind(2) has decided for good, or NULL. */
static const struct vs_rules_rule *find_bound(const struct vs_rules *rules, const struct vs_rules_call *call)
{
	struct vs_rules_call bound = *call;

	if (call->stage == VS_RULES_AT_SOCKET || call->local == NULL || !vs_rules_is_bound(call->local))
		return NULL;
	bound.stage = VS_RULES_AT_BIND;
	const struct vs_rules_rule *rule = find_holding(rules, &bound);
	return rule != NULL && vs_rules_find(rule, VS_RULES_LOCAL) != NULL ? rule : NULL;
}

struct vs_rules_decision vs_rules_decide(const struct vs_rules *rules, const struct vs_rules_call *call)
{
	const struct vs_rules_rule *rule = find_bound(rules, call);
	bool bound_udp = is_bound_udp(call);
	struct vs_rules_call bound = *call;

	if (bound_udp) {
		bound.stage = VS_RULES_AT_BIND;
		call = &bound;
	}
	if (rule != NULL)
		return decision_of(rules, rule, false);
	rule = find_holding(rules, call);
	if (call->stage == VS_RULES_AT_CONNECT || find_open(rules, call, rule, true) == NULL)
		return decision_of(rules, rule, false);
	/* the socket that a later call may let through must be somewhere until then */
	if (decision_of(rules, rule, true).verdict == VS_RULES_DENY)
		rule = find_open(rules, call, rule, false);
	return decision_of(rules, rule, !bound_udp);
}

bool vs_rules_explain(const struct vs_rules *rules, size_t index, const struct vs_rules_call *call,
		      struct vs_rules_reason *reason)
{
	const struct vs_rules_condition *why;

	if (index >= rules->n)
		return false;
	const struct vs_rules_rule *rule = &rules->list[index];
	enum vs_rules_answer answer = test_rule(rule, call, &why);
	*reason = (struct vs_rules_reason){
		.line = rule->target.line,
		.answer = answer,
		.condition = why != NULL ? why->text : NULL,
		.target = rule->target.name,
	};
	return true;
}
