/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Questions of many lookups in one channel of c-ares.
 *
 *     lookup ── asker ──┬── place 0 ──┐
 *                       └── place 1   ├── question ── c-ares
 *     lookup ── asker ───── place 0 ──┘
 *
 * c-ares cannot end a single question. So a question lives until c-ares has an answer or gives up, even if no
 * place waits for it any more. An asker that cancels or leaves ends all questions of the lane if no place
 * waits for any of them. Then c-ares closes its sockets. So a lane without askers has no questions.
 *
 * The id of a question is a random number of the kernel. A second question of the same name and type at the
 * same time would double the chance of a forged reply (RFC 5452 section 5), so askers share one.
 *
 * Each asker learns what the servers did to its own questions. What a socket reports belongs to all questions
 * that wait: c-ares asks all of them again.
 */

#include "asker.h"

#include <arpa/nameser.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "answer.h"
#include "lane_state.h"
#include "message.h"

#define REFERRAL 16 /* above all RCODEs */

/* ------------------------------------------------------------------ joining and leaving */

void vs_asker_join(struct vs_asker *asker, struct vs_lane *lane)
{
	memset(asker, 0, sizeof(*asker));
	asker->lane = lane;
	for (int i = 0; i < VS_ASKER_PLACES; i++)
		asker->places[i].asker = asker;
	LIST_INSERT_HEAD(&lane->askers, asker, others);
}

static void not_ended(struct vs_asker *asker)
{
	if (asker->ended)
		STAILQ_REMOVE(&asker->lane->ended, asker, vs_asker, next_ended);
	asker->ended = false;
}

void vs_asker_leave(struct vs_asker *asker)
{
	if (asker->lane == NULL)
		return;
	vs_asker_cancel(asker);
	not_ended(asker);
	LIST_REMOVE(asker, others);
	for (int i = 0; i < VS_ASKER_PLACES; i++)
		vs_answer_unref(vs_asker_take(asker, i));
	asker->lane = NULL;
}

bool vs_asker_busy(const struct vs_asker *asker)
{
	return asker->places[0].question != NULL || asker->places[1].question != NULL;
}

static bool is_awaited(const struct vs_lane *lane)
{
	const struct vs_question *q;

	for (q = LIST_FIRST(&lane->questions); q != NULL; q = LIST_NEXT(q, others))
		if (!LIST_EMPTY(&q->places))
			return true;
	return false;
}

/* Also closes the sockets. Must not be called inside done(). */
static void end_unless_awaited(struct vs_lane *lane)
{
	if (!LIST_EMPTY(&lane->questions) && !is_awaited(lane))
		ares_cancel(lane->channel);
}

void vs_asker_cancel(struct vs_asker *asker)
{
	if (asker->lane == NULL)
		return;
	for (int i = 0; i < VS_ASKER_PLACES; i++) {
		if (asker->places[i].question == NULL)
			continue;
		LIST_REMOVE(&asker->places[i], sharing);
		asker->places[i].question = NULL;
	}
	/* Also if the asker has its answers. Other askers may have left their questions behind. */
	end_unless_awaited(asker->lane);
}

bool vs_asker_any_ended(const struct vs_lane *lane)
{
	return !STAILQ_EMPTY(&lane->ended);
}

struct vs_asker *vs_asker_next_ended(struct vs_lane *lane)
{
	struct vs_asker *asker = STAILQ_FIRST(&lane->ended);

	if (asker != NULL) {
		STAILQ_REMOVE_HEAD(&lane->ended, next_ended);
		asker->ended = false;
	}
	return asker;
}

/* ------------------------------------------------------------------ questions */

static void end_place(struct vs_place *place, struct vs_answer *answer)
{
	struct vs_asker *asker = place->asker;

	LIST_REMOVE(place, sharing);
	place->question = NULL;
	place->answer = answer != NULL ? vs_answer_ref(answer) : NULL;
	if (vs_asker_busy(asker) || asker->ended)
		return;
	asker->ended = true;
	STAILQ_INSERT_TAIL(&asker->lane->ended, asker, next_ended);
}

/* c-ares has an answer, or has given up. It also calls this inside ares_send(), cancel and destroy. */
static void done(void *arg, int status, int timeouts, unsigned char *reply, int n)
{
	struct vs_question *q = arg;
	struct vs_answer *answer = NULL;

	(void)status; /* REFUSED, SERVFAIL and NXDOMAIN are in the reply */
	(void)timeouts;
	if (reply != NULL && n > 0 && !LIST_EMPTY(&q->places))
		answer = vs_answer_new(reply, (size_t)n, q->type, 0);
	if (answer != NULL && answer->kind == VS_MESSAGE_FAILURE) {
		vs_answer_unref(answer);
		answer = NULL;
	}
	while (!LIST_EMPTY(&q->places))
		end_place(LIST_FIRST(&q->places), answer);
	vs_answer_unref(answer);
	LIST_REMOVE(q, others);
	free(q);
}

/* One system call for many ids. */
static int get_ids(struct vs_lane *lane)
{
	ssize_t n = lane->n_ids > 0 ? 0 : getrandom(lane->ids, sizeof(lane->ids), 0);

	if (n > 0)
		lane->n_ids = (size_t)n / sizeof(lane->ids[0]);
	return n < 0 ? -errno : 0;
}

static struct vs_question *find_same(struct vs_lane *lane, const char *name, int type)
{
	struct vs_question *q;

	for (q = LIST_FIRST(&lane->questions); q != NULL; q = LIST_NEXT(q, others))
		if (q->type == type && !LIST_EMPTY(&q->places) && strcasecmp(q->name, name) == 0)
			return q;
	return NULL;
}

static void wait_for(struct vs_place *place, struct vs_question *q)
{
	vs_answer_unref(place->answer);
	place->answer = NULL;
	place->question = q;
	LIST_INSERT_HEAD(&q->places, place, sharing);
	not_ended(place->asker);
}

/* The asker learns of the servers what the one knows that asked first. */
static void join_question(struct vs_place *place, struct vs_question *q)
{
	struct vs_asker *first = LIST_FIRST(&q->places)->asker;

	for (size_t i = 0; i < VS_SERVERS_MAX && first != place->asker; i++) {
		struct vs_note *to = &place->asker->notes[i], *from = &first->notes[i];
		to->asked |= from->asked;
		if (to->error == 0)
			to->error = from->error;
	}
	wait_for(place, q);
}

int vs_asker_ask(struct vs_asker *asker, int place, const char *name, int type, bool share)
{
	uint8_t message[VS_MESSAGE_QUESTION_MAX];
	struct vs_lane *lane = asker->lane;
	struct vs_question *q = share ? find_same(lane, name, type) : NULL;

	if (q != NULL) {
		join_question(&asker->places[place], q);
		return 0;
	}
	int err = get_ids(lane);
	if (err < 0)
		return err;
	uint16_t id = lane->ids[--lane->n_ids];
	int n = vs_message_ask(message, name, type, id, lane->config.edns);
	if (n < 0)
		return n;
	q = malloc(sizeof(*q) + strlen(name) + 1);
	if (q == NULL)
		return -ENOMEM;
	*q = (struct vs_question){ .lane = lane, .id = id, .type = type };
	memcpy(q->name, name, strlen(name) + 1);
	LIST_INSERT_HEAD(&lane->questions, q, others);
	wait_for(&asker->places[place], q);
	ares_send(lane->channel, message, n, done, q);
	lane->n_asked++;
	return 0;
}

struct vs_answer *vs_asker_take(struct vs_asker *asker, int place)
{
	struct vs_answer *answer = asker->places[place].answer;

	asker->places[place].answer = NULL;
	return answer;
}

/* ------------------------------------------------------------------ what servers did */

void vs_lane_note_error(struct vs_lane *lane, int server, int error)
{
	struct vs_asker *asker;

	for (asker = LIST_FIRST(&lane->askers); asker != NULL; asker = LIST_NEXT(asker, others))
		if (server >= 0 && vs_asker_busy(asker)) {
			asker->notes[server].asked = true;
			asker->notes[server].error = error;
		}
}

void vs_lane_note_asked(struct vs_lane *lane, int server)
{
	struct vs_asker *asker;

	for (asker = LIST_FIRST(&lane->askers); asker != NULL; asker = LIST_NEXT(asker, others))
		if (server >= 0 && vs_asker_busy(asker))
			asker->notes[server].asked = true;
}

void vs_lane_note_no_socket(struct vs_lane *lane, int error)
{
	struct vs_asker *asker;

	for (asker = LIST_FIRST(&lane->askers); asker != NULL; asker = LIST_NEXT(asker, others))
		if (vs_asker_busy(asker))
			asker->socket_error = error;
}

static struct vs_question *find_id(const struct vs_lane *lane, const uint8_t *message, size_t n)
{
	uint16_t id = n >= 2 ? (uint16_t)(message[0] << 8 | message[1]) : 0;
	struct vs_question *q;

	for (q = LIST_FIRST(&lane->questions); q != NULL; q = LIST_NEXT(q, others))
		if (n >= 2 && q->id == id)
			return q;
	return NULL;
}

void vs_lane_note_sent(struct vs_lane *lane, int server, const uint8_t *message, size_t n)
{
	struct vs_question *q = server >= 0 ? find_id(lane, message, n) : NULL;
	struct vs_place *place;

	if (q == NULL)
		return;
	for (place = LIST_FIRST(&q->places); place != NULL; place = LIST_NEXT(place, sharing))
		place->asker->notes[server].asked = true;
}

void vs_lane_note_reply(struct vs_lane *lane, int server, const uint8_t *message, size_t n)
{
	struct vs_question *q = server >= 0 && n >= 12 ? find_id(lane, message, n) : NULL;
	struct vs_place *place;

	if (q == NULL)
		return;
	uint8_t rcode = message[3] & 0xf;
	for (place = LIST_FIRST(&q->places); place != NULL; place = LIST_NEXT(place, sharing)) {
		struct vs_note *note = &place->asker->notes[server];
		if (message[2] & 0x02)
			note->truncated = true;
		else if (vs_message_is_referral(message, n))
			note->rcode = REFERRAL;
		else if (rcode == ns_r_noerror || rcode == ns_r_nxdomain)
			note->answered = true;
		else
			note->rcode = rcode;
	}
}

static const char *rcode_text(int rcode)
{
	switch (rcode) {
	case ns_r_formerr:
		return "it finds the question malformed (FORMERR)";
	case ns_r_servfail:
		return "it has failed (SERVFAIL)";
	case ns_r_notimpl:
		return "it does not implement this (NOTIMP)";
	case ns_r_refused:
		return "it has refused (REFUSED)";
	case REFERRAL:
		return "it only refers to other servers";
	default:
		return "it has answered with an error";
	}
}

static const char *server_failure(const struct vs_note *note)
{
	if (note->rcode != 0)
		return rcode_text(note->rcode);
	if (note->error != 0)
		return strerrordesc_np(note->error);
	if (note->answered)
		return "its answer is malformed";
	if (note->truncated)
		return "its answer by UDP is truncated, and by TCP it timed out";
	return note->asked ? "timed out" : "not asked";
}

int vs_asker_socket_error(const struct vs_asker *asker)
{
	return asker->socket_error;
}

bool vs_asker_silent(const struct vs_asker *asker)
{
	for (size_t i = 0; i < VS_SERVERS_MAX; i++)
		if (asker->notes[i].answered || asker->notes[i].truncated || asker->notes[i].rcode != 0)
			return false;
	return true;
}

void vs_asker_failures(const struct vs_asker *asker, char *text, size_t size)
{
	const struct vs_settings *settings = &asker->lane->settings;
	char name[INET6_ADDRSTRLEN + 32];
	size_t n = 0;

	text[0] = '\0';
	for (size_t i = 0; i < settings->n_servers && n < size; i++) {
		vs_server_text(&settings->servers[i], name, sizeof(name));
		n += (size_t)snprintf(text + n, size - n, "%s%s: %s", i > 0 ? "; " : "", name,
				      server_failure(&asker->notes[i]));
	}
}
