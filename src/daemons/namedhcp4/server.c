/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One thread serves. A request is handled in one go, from its bytes on:
 *
 *     frame -> message -> aim, name -> address of the name -> verdict -> terms -> answer -> frame
 *                                           |                      |
 *                                           '--- a lookup is needed: the request waits as it came
 *                                                and is handled anew from its bytes when the lookup ends
 *
 * So there is no state of a client, and a server that was killed goes on where it was. Nothing of a request
 * stays but the copy that waits, whose number and time are limited.
 */

#include "server.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "turn.h"

#define AT_ONCE 64 /* packets, before signals and lookups have their turn */

/*
 * RELEASE and DECLINE change nothing here: the name keeps its address. The second is for the administrator.
 */
static void note_end(const struct n4_turn *t, enum n4_aim aim)
{
	uint32_t addr = aim == N4_RELEASE ? t->query.ciaddr : t->query.requested;
	char text[256];

	(void)snprintf(text, sizeof(text), "%s %s%s%s", n4_addr_text(addr).bytes,
		       aim == N4_RELEASE ? "is not used any more" : "is used by another station already",
		       t->query.text[0] != '\0' ? ": " : "", t->query.text);
	n4_turn_note(t, DM_NOTICE, text);
}

/* ------------------------------------------------------------------ answers */

/* 0; -ENODATA: the answer does not fit into what the client takes; or another -errno. */
static int write_and_send(const struct n4_turn *t, const struct n4_facts *f)
{
	struct n4_target to = n4_reply_target(f, t->origin.mac);
	uint8_t bytes[N4_REPLY_MAX];

	size_t n = n4_reply_write(f, bytes);
	return n == 0 ? -ENODATA : n4_frames_send(&t->server->frames, &to, f->serverid, bytes, n);
}

/* A client may take more than the interface of the server does. */
static void send_answer(struct n4_turn *t, struct n4_facts *f)
{
	static const char *const names[] = { [N4_OFFER] = "OFFER", [N4_ACK] = "ACK", [N4_NAK] = "NAK" };
	char text[256];
	int r = write_and_send(t, f);

	if (r == -EMSGSIZE) {
		f->small = true;
		r = write_and_send(t, f);
	}
	if (r == -ENODATA) {
		n4_turn_silence(t, "it does not fit into what the client takes");
		return;
	}
	(void)snprintf(text, sizeof(text), "%s %s%s%s", names[f->verdict.what],
		       f->verdict.what == N4_NAK ? f->verdict.why
		       : f->verdict.addr == 0    ? "without an address"
						 : n4_addr_text(f->verdict.addr).bytes,
		       r < 0 ? ": cannot send it: " : "", r < 0 ? strerror(-r) : "");
	n4_turn_note(t, r < 0 ? DM_NOTICE : DM_DEBUG, text);
}

/* An address that is given without what belongs to it may be used for ever: no answer is better. */
static void answer(struct n4_turn *t, enum n4_aim aim, const struct n4_known *known)
{
	const struct n4_place *place = &t->server->ground.place;
	struct n4_facts f = { .q = &t->query, .name = t->name, .serverid = place->serverid };

	f.verdict = n4_decide(&t->query, aim, known, place);
	if (f.verdict.what == N4_SILENT) {
		n4_turn_silence(t, f.verdict.why);
		return;
	}
	if (f.verdict.what != N4_NAK) {
		if (!n4_turn_terms(t, &f.terms))
			return;
		if (t->failed) {
			n4_turn_silence(
				t, "no name server answers for its TXT record, or a name in the options");
			return;
		}
		f.terms.mask = n4_mask(f.verdict.addr != 0 ? f.verdict.addr : t->query.ciaddr, f.terms.mask,
				       place, t->server->settings);
	}
	send_answer(t, &f);
}

static void handle(void *arg, const struct dh_request *request)
{
	struct dh_request kept = *request;
	struct n4_turn t = { .server = arg, .request = &kept };
	struct n4_known known;
	const char *why = "";

	memcpy(&t.origin, request->origin, sizeof(t.origin));
	if (!vs_dhcp4_query_parse(request->bytes, request->n, &t.query)) {
		n4_notice(&t.server->notices, t.server->now_ms, DM_DEBUG,
			  "a message that is malformed, or not of a client");
		return;
	}
	bool named = n4_name(&t.query, t.server->settings, t.name);
	const struct n4_place *place = &t.server->ground.place;
	if (!n4_is_honest(&t.query, t.origin.dst != UINT32_MAX, t.origin.src, place, &why)) {
		n4_turn_silence(&t, why);
		return;
	}
	kept.client = n4_client(&t.query, t.origin.mac, t.origin.src, place);
	dh_names_for(t.server->names, &kept.client, kept.since_ms);
	enum n4_aim aim = n4_aim(&t.query, t.origin.unicast, place->serverid, &why);
	if (aim == N4_IGNORED)
		n4_turn_silence(&t, why);
	else if (aim == N4_RELEASE || aim == N4_DECLINE)
		note_end(&t, aim);
	else if (!named)
		n4_turn_silence(&t, "the client sends no name (option 81)");
	else if (n4_turn_addresses(&t, &known))
		answer(&t, aim, &known);
}

/* ------------------------------------------------------------------ the loop */

/* One that is down may come up again; without it there is nothing to serve. */
static void check_interface(struct n4_server *s, int error)
{
	if (ioth_if_nametoindex(s->link->stack, s->link->ifname) == (int)s->link->ifindex) {
		n4_notice(&s->notices, s->now_ms, DM_NOTICE, "%s: %s", s->link->ifname, strerror(error));
		return;
	}
	if (!s->failed)
		dm_report(DM_ERROR, "the interface %s is gone", s->link->ifname);
	s->failed = true;
}

static void read_packets(struct n4_server *s)
{
	uint8_t packet[N4_PACKET_MAX];

	for (int i = 0; i < AT_ONCE; i++) {
		struct dh_request request = { .since_ms = s->now_ms };
		struct n4_origin origin;
		ssize_t n = n4_frames_receive(&s->frames, packet, &request.bytes, &origin);
		if (n < 0 && n != -EAGAIN)
			check_interface(s, (int)-n);
		if (n < 0)
			return;
		n4_ground_refresh(&s->ground, s->link, s->settings, s->now_ms);
		if (n == 0 || !n4_ground_is_for(&s->ground, origin.dst))
			continue; /* one that this host forwards is for another server */
		request.n = (size_t)n;
		memcpy(request.origin, &origin, sizeof(origin));
		handle(s, &request);
	}
}

static void take_lookups(struct n4_server *s)
{
	uint64_t ticket;

	while (dh_names_take(s->names, s->now_ms, &ticket))
		dh_waiting_wake(&s->waiting, ticket, handle, s);
}

enum n4_end n4_server_run(struct n4_server *s, struct dm_daemon *daemon)
{
	struct pollfd fds[] = { { .fd = dm_daemon_signals(daemon), .events = POLLIN },
				{ .fd = s->frames.packets, .events = POLLIN },
				{ .fd = dh_names_ready(s->names), .events = POLLIN } };

	while (!s->failed) {
		(void)poll(fds, VS_COUNT(fds), -1);
		s->now_ms = vs_now_ms();
		enum dm_signal signal = dm_daemon_signal(daemon);
		if (signal == DM_STOP)
			return N4_STOP;
		if (signal == DM_RELOAD)
			return N4_RELOAD;
		take_lookups(s);
		read_packets(s);
		if ((fds[1].revents & (POLLHUP | POLLNVAL)) != 0 && !s->failed) {
			dm_report(DM_ERROR, "the stack has failed");
			s->failed = true;
		}
	}
	return N4_FAILED;
}

void n4_server_reload(struct n4_server *s)
{
	s->notices.verbose = s->settings->shared.verbose;
	dh_names_flush(s->names);
}

/* The address may come later. */
static void check_identifier(const struct n4_server *s)
{
	uint32_t id = s->settings->serverid;

	if (id != 0 && !n4_ground_has(&s->ground, id))
		dm_report(
			DM_NOTICE,
			"--serverid: no interface of the stack has %s now; without it clients renew late, by "
			"broadcast",
			n4_addr_text(id).bytes);
}

struct n4_server *n4_server_new(const struct n4_settings *settings, const struct dh_link *link)
{
	struct n4_server *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		dm_report(DM_ERROR, "out of memory");
		return NULL;
	}
	s->settings = settings;
	s->link = link;
	s->notices.verbose = settings->shared.verbose;
	s->now_ms = vs_now_ms();
	s->frames.packets = s->frames.port = -1;
	if (n4_ground_prepare(link, settings) == 0 && n4_frames_open(&s->frames, link) == 0 &&
	    (s->names = dh_names_new(&settings->shared, link)) != NULL) {
		n4_ground_refresh(&s->ground, link, settings, s->now_ms);
		check_identifier(s);
		return s;
	}
	(void)n4_server_end(s); /* no lookup has begun */
	return NULL;
}

bool n4_server_end(struct n4_server *s)
{
	if (s == NULL)
		return true;
	dh_waiting_clear(&s->waiting);
	bool ended = dh_names_end(s->names);
	n4_frames_close(&s->frames);
	free(s);
	return ended;
}
