/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "turn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "proto/be.h"
#include "txt.h"

#define AT_A_TIME 8 /* lookups of a request */

/* ------------------------------------------------------------------ messages */

struct n4_text n4_addr_text(uint32_t addr)
{
	struct n4_text t;

	(void)snprintf(t.bytes, sizeof(t.bytes), "%u.%u.%u.%u", addr >> 24, addr >> 16 & 255, addr >> 8 & 255,
		       addr & 255);
	return t;
}

void n4_turn_note(const struct n4_turn *t, enum dm_level level, const char *what)
{
	static const char *const types[] = { [VS_DHCP4_DISCOVER] = "DISCOVER",
					     [VS_DHCP4_REQUEST] = "REQUEST",
					     [VS_DHCP4_DECLINE] = "DECLINE",
					     [VS_DHCP4_RELEASE] = "RELEASE",
					     [VS_DHCP4_INFORM] = "INFORM" };
	const struct vs_dhcp4_query *q = &t->query;
	const uint8_t *mac = q->chaddr;

	n4_notice(&t->server->notices, t->server->now_ms, level,
		  "%s of %02x:%02x:%02x:%02x:%02x:%02x%s%s: %s", types[q->type], mac[0], mac[1], mac[2],
		  mac[3], mac[4], mac[5], t->name[0] != '\0' ? " " : "", t->name, what);
}

void n4_turn_silence(const struct n4_turn *t, const char *why)
{
	char text[128];

	(void)snprintf(text, sizeof(text), "no answer: %s", why);
	n4_turn_note(t, DM_DEBUG, text);
}

/* ------------------------------------------------------------------ names */

/* A lookup for this request. False: it waits for one, or has been dropped. */
static bool look_up(struct n4_turn *t, const char *name, enum dh_kind kind, const struct dh_answer **answer)
{
	struct n4_server *s = t->server;
	uint64_t ticket;

	switch (dh_names_get(s->names, name, kind, s->now_ms, answer, &ticket)) {
	case DH_KNOWN:
		return true;
	case DH_WAIT:
		if (t->n_unknown++ == 0 && !dh_waiting_add(&s->waiting, t->request, ticket, s->now_ms))
			n4_turn_note(t, DM_DEBUG, "dropped: it waits already, or too long, or too many do");
		return false;
	default:
		n4_turn_note(t, DM_DEBUG, "dropped: too many lookups wait");
		return false;
	}
}

/* A client that says to have the name of the server does not get the server's address. */
static bool may_give(const struct n4_server *s, uint32_t addr)
{
	return n4_is_host(addr) && !n4_is_of_all(addr, &s->ground.place) &&
	       !n4_ground_is_own(&s->ground, addr);
}

bool n4_turn_addresses(struct n4_turn *t, struct n4_known *known)
{
	const struct dh_answer *answer;

	*known = (struct n4_known){ .n = 0 };
	if (!look_up(t, t->name, DH_A, &answer)) {
		uint64_t ticket;
		/* Its record is needed next, and the first answer is kept for a moment only. */
		(void)dh_names_get(t->server->names, t->name, DH_TXT, t->server->now_ms, &answer, &ticket);
		return false;
	}
	known->failed = answer->outcome == DH_FAILED;
	for (unsigned i = 0; i < answer->n && known->n < VS_COUNT(known->addrs); i++)
		if (may_give(t->server, vs_be_get32(answer->addrs[i])))
			known->addrs[known->n++] = vs_be_get32(answer->addrs[i]);
	return true;
}

/*
 * Of names in the terms. Several are looked up at a time: with a slow name server the answers to the first
 * would be forgotten before the last one comes. Not all of them, as the text may be an attacker's.
 */
static bool resolve(void *arg, const char *name, struct n4_list *list)
{
	const struct dh_answer *answer;
	struct n4_turn *t = arg;

	if (!look_up(t, name, DH_A, &answer))
		return t->n_unknown > 0 && t->n_unknown < AT_A_TIME;
	t->failed = t->failed || answer->outcome == DH_FAILED;
	for (unsigned i = 0; i < answer->n; i++)
		n4_list_add(list, vs_be_get32(answer->addrs[i]));
	return true;
}

/* What the TXT record does not say is what the settings say. False: a name is not known yet. */
bool n4_turn_terms(struct n4_turn *t, struct n4_terms *terms)
{
	const struct dh_settings *s = &t->server->settings->shared;
	const struct dh_answer *answer;

	*terms = (struct n4_terms){ .mask = 0 };
	if (!look_up(t, t->name, DH_TXT, &answer))
		return false;
	t->failed = answer->outcome == DH_FAILED;
	if (answer->text != NULL) {
		VS_AUTO_FREE char *text = strdup(answer->text); /* it is gone with the next lookup */
		if (text == NULL || !n4_txt_read(text, resolve, t, terms))
			return false;
	}
	if (terms->dns.n == 0 && s->dns != NULL && !n4_txt_addresses(s->dns, resolve, t, &terms->dns))
		return false;
	if (terms->ntp.n == 0 && s->ntp != NULL && !n4_txt_addresses(s->ntp, resolve, t, &terms->ntp))
		return false;
	if (terms->search[0] == '\0' && s->dnssearch != NULL)
		n4_txt_domains(s->dnssearch, terms->search);
	if (t->n_unknown > 0)
		return false;
	if (terms->lease_s == 0)
		terms->lease_s = s->lease_s;
	terms->lease_s = n4_lease(t->query.lease_s, terms->lease_s);
	return true;
}
