/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The way of a message:
 *
 *     port --> parsed --> checked --> facts ----------> decided --> built --> port
 *                                      |    ^
 *                                      v    |
 *                                  waiting: a lookup is under way
 *
 * One thread does all of this. A message that waits is kept as bytes, and goes the whole way anew when the
 * lookup has ended. So there is no state of a client, except the name that it has said last.
 */

#include "server.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "daemons/dhcp/names.h"
#include "daemons/dhcp/waiting.h"
#include "daemons/dhcp/watch.h"
#include "known.h"
#include "log.h"
#include "port.h"

#define AT_ONCE 64       /* messages between two looks at signals and lookups */
#define FAILURES_MAX 100 /* of receiving, one behind the other, until the socket counts as dead */

struct nd_server {
	const struct nd_settings *settings;
	struct nd_self self;
	const struct dh_link *link;
	struct nd_port port;
	int watch; /* of the interface; -1: none */
	struct dh_names *names;
	struct dh_waiting waiting;
	struct nd_known known;
	struct nd_log log;
	int64_t now_ms;
	unsigned failures;
	uint8_t bytes[ND_MESSAGE_MAX], answer[ND_MESSAGE_MAX];
};

_Static_assert(sizeof(struct nd_peer) <= DH_ORIGIN_MAX, "a request keeps where it came from");

/* ------------------------------------------------------------------ messages */

static enum dh_got get(void *arg, const char *name, enum dh_kind kind, const struct dh_answer **answer,
		       uint64_t *ticket)
{
	struct nd_server *s = arg;

	return dh_names_get(s->names, name, kind, s->now_ms, answer, ticket);
}

/* Behind relays it is who the first of them, next to it, has seen. */
static struct dh_client client_of(const struct nd_peer *peer, const struct vs_dhcp6_request *request)
{
	struct dh_client client = { .station = { 0 } };

	memcpy(client.station, &peer->from.sin6_addr, sizeof(client.station));
	if (request->n_relays > 0) {
		const struct vs_dhcp6_relay *first = &request->relays[request->n_relays - 1];
		memcpy(client.relay, first->link, sizeof(client.relay));
		memcpy(client.behind, first->peer, sizeof(client.behind));
	}
	return client;
}

/* Waits for a lookup if one is missing. Returns whether the facts are known. */
static bool find_facts(struct nd_server *s, const struct dh_request *kept, const struct nd_peer *peer,
		       const struct vs_dhcp6_request *request, struct nd_facts *facts)
{
	const struct nd_lookup lookup = { get, s };
	struct dh_request waiter = *kept;
	uint64_t ticket = 0;

	waiter.client = client_of(peer, request);
	dh_names_for(s->names, &waiter.client, kept->since_ms);
	enum dh_got got =
		nd_facts_find(facts, request, nd_needs_addresses(request), s->settings, &lookup, &ticket);

	if (got == DH_WAIT &&
	    (dh_waiting_has(&s->waiting, &waiter) || dh_waiting_add(&s->waiting, &waiter, ticket, s->now_ms)))
		return false;
	if (got != DH_KNOWN)
		nd_log_count(&s->log, ND_N_BUSY, &peer->from.sin6_addr, NULL, s->now_ms);
	return got == DH_KNOWN;
}

static void answer(struct nd_server *s, const struct nd_peer *peer, const struct vs_dhcp6_request *request,
		   const struct nd_way *way, const struct nd_facts *facts)
{
	uint8_t fqdn[VS_DNS_NAME_WIRE];
	struct vs_dhcp6_answer a;
	enum nd_verdict verdict = nd_decide(request, &s->self, way, facts, fqdn, &a);

	if (verdict != ND_ANSWER) {
		nd_log_count(&s->log, nd_log_of(verdict), &peer->from.sin6_addr, facts->name, s->now_ms);
		return;
	}
	size_t n = vs_dhcp6_answer_build(&a, s->answer, sizeof(s->answer));
	int r = n == 0 ? -EMSGSIZE : nd_port_send(&s->port, peer, request->n_relays > 0, s->answer, n);
	if (r < 0)
		nd_log_count(&s->log, ND_N_UNSENT, &peer->from.sin6_addr, strerror(-r), s->now_ms);
	else
		nd_log_answer(&s->log, &a, &peer->from.sin6_addr, facts->name, s->now_ms);
	if (r == 0 && request->fqdn.bytes != NULL && facts->n_addrs > 0) {
		const struct dh_client client = client_of(peer, request);
		nd_known_put(&s->known, &client, &request->client, facts->name);
	}
}

/* A client without an option says the name of before; but a Solicit has to say it. */
static bool find_name(const struct nd_server *s, const struct vs_dhcp6_request *request,
		      char name[VS_DNS_NAME_TEXT])
{
	if (request->fqdn.bytes != NULL || request->type == VS_DHCP6_SOLICIT)
		return nd_facts_name(request, s->settings->dh.domain, name);
	const char *before = nd_known_get(&s->known, &request->client);
	if (before != NULL)
		memcpy(name, before, strlen(before) + 1);
	return before != NULL;
}

static void handle(void *arg, const struct dh_request *kept)
{
	struct nd_server *s = arg;
	struct vs_dhcp6_request request;
	struct nd_facts facts = { .name = "" };
	struct nd_peer peer;

	memcpy(&peer, kept->origin, sizeof(peer));
	if (vs_dhcp6_request_parse(kept->bytes, kept->n, &request) != VS_DHCP6_OK) {
		nd_log_count(&s->log, ND_N_BROKEN, &peer.from.sin6_addr, NULL, s->now_ms);
		return;
	}
	const struct nd_way way = { .unicast = !IN6_IS_ADDR_MULTICAST(&peer.to) &&
					       !IN6_IS_ADDR_UNSPECIFIED(&peer.to) };
	bool name = find_name(s, &request, facts.name);
	enum nd_verdict verdict = nd_check(&request, &s->self, &way, name);
	if (verdict == ND_NEEDS && !find_facts(s, kept, &peer, &request, &facts))
		return;
	if (verdict == ND_NEEDS || verdict == ND_ANSWER)
		answer(s, &peer, &request, &way, &facts);
	else
		nd_log_count(&s->log, nd_log_of(verdict), &peer.from.sin6_addr, name ? facts.name : NULL,
			     s->now_ms);
}

/* 0, or -1: the socket gives nothing but errors. */
static int receive(struct nd_server *s)
{
	struct nd_peer peer;

	for (int i = 0; i < AT_ONCE; i++) {
		ssize_t n = nd_port_receive(&s->port, s->bytes, sizeof(s->bytes), &peer);
		if (n == -EAGAIN || n == -EINTR)
			return 0;
		s->failures = n < 0 ? s->failures + 1 : 0;
		if (s->failures == FAILURES_MAX) {
			dm_report(DM_ERROR, "cannot receive messages any more: %s", strerror((int)-n));
			return -1;
		}
		if (n <= 0)
			continue;
		struct dh_request request = { .bytes = s->bytes, .n = (size_t)n, .since_ms = s->now_ms };
		memcpy(request.origin, &peer, sizeof(peer));
		s->log.counted[ND_N_RECEIVED]++;
		handle(s, &request);
	}
	return 0;
}

static void take_lookups(struct nd_server *s)
{
	uint64_t ticket;

	while (dh_names_take(s->names, s->now_ms, &ticket))
		dh_waiting_wake(&s->waiting, ticket, handle, s);
}

/* ------------------------------------------------------------------ the server */

struct nd_server *nd_server_new(const struct nd_settings *settings, const struct dh_link *link,
				const struct nd_duid *duid)
{
	struct nd_server *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		dm_report(DM_ERROR, "out of memory");
		return NULL;
	}
	s->settings = settings;
	s->link = link;
	s->port.fd = s->watch = -1;
	s->self = (struct nd_self){ duid->bytes, duid->n, settings->dh.lease_s };
	s->log.verbose = settings->dh.verbose;
	if (nd_port_open(&s->port, link) < 0 || (s->names = dh_names_new(&settings->dh, link)) == NULL) {
		(void)nd_server_end(s); /* no lookup has begun */
		return NULL;
	}
	s->watch = dh_watch_open(link);
	return s;
}

bool nd_server_end(struct nd_server *server)
{
	if (server == NULL)
		return true;
	nd_port_close(&server->port);
	if (server->watch >= 0)
		(void)ioth_close(server->watch);
	bool ended = dh_names_end(server->names);
	dh_waiting_clear(&server->waiting);
	free(server);
	return ended;
}

/* 0, or -1 after a report. */
static int check_interface(const struct nd_server *s)
{
	if (!dh_watch_gone(s->watch, s->port.fd, s->link))
		return 0;
	dm_report(DM_ERROR, "the interface %s is gone", s->link->ifname);
	return -1;
}

static enum dm_signal take_signal(struct nd_server *s, struct dm_daemon *daemon)
{
	enum dm_signal what = dm_daemon_signal(daemon);

	if (what == DM_RELOAD) {
		dh_names_flush(s->names);
		nd_log_report(&s->log);
	}
	return what;
}

int nd_server_run(struct nd_server *s, struct dm_daemon *daemon)
{
	struct pollfd fds[] = { { dm_daemon_signals(daemon), POLLIN, 0 },
				{ dh_names_ready(s->names), POLLIN, 0 },
				{ s->port.fd, POLLIN, 0 },
				{ s->watch, POLLIN, 0 } };
	enum dm_signal what = DM_NONE;
	int r = s->watch < 0 ? 0 : check_interface(s); /* it may have gone before the watch began */

	while (what != DM_STOP && r == 0) {
		if (poll(fds, VS_COUNT(fds), -1) < 0 && errno != EINTR) {
			dm_report(DM_ERROR, "cannot wait for messages: %s", strerror(errno));
			return -1;
		}
		s->now_ms = vs_now_ms();
		if (fds[0].revents != 0)
			what = take_signal(s, daemon);
		if (fds[1].revents != 0)
			take_lookups(s);
		if (fds[2].revents != 0)
			r = receive(s);
		if (fds[3].revents != 0 && r == 0)
			r = check_interface(s);
		if ((fds[3].revents & (POLLHUP | POLLNVAL)) != 0)
			fds[3].fd = -1; /* it has no more messages */
	}
	nd_log_report(&s->log);
	return r;
}
