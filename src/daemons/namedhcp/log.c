/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "log.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "daemons/common/report.h"

#define EVERY_MS 60000

static const char *const counters[ND_N_COUNTED] = {
	[ND_N_RECEIVED] = "messages",
	[ND_N_ANSWERED] = "answered",
	[ND_N_BROKEN] = "malformed",
	[ND_N_MALFORMED] = "with wrong identifiers",
	[ND_N_NOT_OURS] = "for another server",
	[ND_N_UNICAST] = "by unicast",
	[ND_N_NO_NAME] = "without a name",
	[ND_N_NO_ADDRESS] = "with a name without address",
	[ND_N_NO_SERVER] = "without an answer of a name server",
	[ND_N_NO_QUESTION] = "without a question",
	[ND_N_BUSY] = "dropped, as too many lookups were under way",
	[ND_N_DECLINED] = "declined",
	[ND_N_UNSENT] = "whose answer could not be sent",
};

/* What an administrator should see. The others are usual. */
static bool needs_care(enum nd_counted what)
{
	return what == ND_N_BROKEN || what == ND_N_NO_SERVER || what == ND_N_BUSY || what == ND_N_DECLINED ||
	       what == ND_N_UNSENT;
}

enum nd_counted nd_log_of(enum nd_verdict verdict)
{
	return (enum nd_counted)((int)ND_N_MALFORMED + (int)verdict - (int)ND_MALFORMED);
}

static void count(struct nd_log *log, enum nd_counted what, const char *text, int64_t now_ms)
{
	log->counted[what]++;
	if (log->verbose) {
		dm_report(DM_NOTICE, "%s", text);
		return;
	}
	if (!needs_care(what) || now_ms < log->next_ms[what])
		return;
	uint64_t more = log->counted[what] - log->reported[what] - 1;
	if (more > 0)
		dm_report(DM_NOTICE, "%s; and %" PRIu64 " more since the last line about one", text, more);
	else
		dm_report(DM_NOTICE, "%s", text);
	log->reported[what] = log->counted[what];
	log->next_ms[what] = now_ms + EVERY_MS;
}

void nd_log_count(struct nd_log *log, enum nd_counted what, const struct in6_addr *from, const char *why,
		  int64_t now_ms)
{
	char addr[INET6_ADDRSTRLEN], text[512];

	(void)snprintf(text, sizeof(text), "from %s: a message %s%s%s",
		       inet_ntop(AF_INET6, from, addr, sizeof(addr)), counters[what], why != NULL ? ": " : "",
		       why != NULL ? why : "");
	count(log, what, text, now_ms);
}

static const char *type_name(enum vs_dhcp6_type type)
{
	static const char *const names[] = {
		[VS_DHCP6_SOLICIT] = "Solicit", [VS_DHCP6_ADVERTISE] = "Advertise",
		[VS_DHCP6_REQUEST] = "Request", [VS_DHCP6_CONFIRM] = "Confirm",
		[VS_DHCP6_RENEW] = "Renew",     [VS_DHCP6_REBIND] = "Rebind",
		[VS_DHCP6_REPLY] = "Reply",     [VS_DHCP6_RELEASE] = "Release",
		[VS_DHCP6_DECLINE] = "Decline", [VS_DHCP6_INFORMATION_REQUEST] = "Information-request"
	};

	return (size_t)type < VS_COUNT(names) && names[type] != NULL ? names[type] : "?";
}

/* Appends ", ADDRESS (status N)" for each IA. */
static void add_ias(char *text, size_t size, const struct vs_dhcp6_answer *a)
{
	char addr[INET6_ADDRSTRLEN];

	for (uint8_t i = 0; i < a->n_ias; i++) {
		const struct vs_dhcp6_given *ia = &a->ias[i];
		size_t n = strlen(text);
		if (ia->said.text != NULL)
			(void)snprintf(text + n, size - n, ", %s", ia->said.text);
		for (uint8_t j = 0; j < ia->n; j++) {
			n = strlen(text);
			(void)snprintf(text + n, size - n, ", %s%s",
				       ia->addrs[j].lifetime_s == 0 ? "not " : "",
				       inet_ntop(AF_INET6, ia->addrs[j].ip, addr, sizeof(addr)));
		}
	}
}

static void log_decline(struct nd_log *log, const struct vs_dhcp6_request *r, const struct in6_addr *from,
			int64_t now_ms)
{
	char addr[INET6_ADDRSTRLEN], declined[INET6_ADDRSTRLEN], text[512];

	for (uint8_t i = 0; i < r->n_ias; i++)
		for (uint8_t j = 0; j < r->ias[i].n; j++) {
			(void)snprintf(text, sizeof(text),
				       "from %s: the address %s is declined: another host uses it",
				       inet_ntop(AF_INET6, from, addr, sizeof(addr)),
				       inet_ntop(AF_INET6, r->ias[i].addrs[j], declined, sizeof(declined)));
			count(log, ND_N_DECLINED, text, now_ms);
		}
}

void nd_log_answer(struct nd_log *log, const struct vs_dhcp6_answer *answer, const struct in6_addr *from,
		   const char *name, int64_t now_ms)
{
	char addr[INET6_ADDRSTRLEN], text[900];

	log->counted[ND_N_ANSWERED]++;
	if (answer->to->type == VS_DHCP6_DECLINE)
		log_decline(log, answer->to, from, now_ms);
	if (!log->verbose)
		return;
	(void)snprintf(text, sizeof(text), "from %s%s: %s of %s: %s",
		       inet_ntop(AF_INET6, from, addr, sizeof(addr)),
		       answer->to->n_relays > 0 ? " (relayed)" : "", type_name(answer->to->type),
		       *name != '\0' ? name : "a client without a name", type_name(answer->type));
	if (answer->said.text != NULL) {
		size_t n = strlen(text);
		(void)snprintf(text + n, sizeof(text) - n, ", %s", answer->said.text);
	}
	add_ias(text, sizeof(text), answer);
	dm_report(DM_NOTICE, "%s", text);
}

void nd_log_report(const struct nd_log *log)
{
	char text[900] = "";
	size_t n = 0;

	for (int i = 0; i < ND_N_COUNTED; i++)
		if (i == ND_N_RECEIVED || i == ND_N_ANSWERED || log->counted[i] > 0)
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%" PRIu64 " %s",
					      n > 0 ? ", " : "", log->counted[i], counters[i]);
	dm_report(DM_NOTICE, "%s", text);
}
