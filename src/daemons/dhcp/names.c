/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What is known of names, and what is asked for:
 *
 *     FREE ---> ASKED: the threads have it ---> KNOWN for some seconds ---> ASKED, or another name's
 *
 * All clients that need a name wait for one lookup. A name whose servers are dead is known as failed
 * afterwards. Entries that are ASKED are not replaced. There are fewer of them than entries, so that answers
 * can be kept. A domain has a part of them at most, and clients share them (share.h): else the next is
 * refused.
 */

#include "names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "askers.h"
#include "share.h"

#define ENTRIES 1024
#define ASKED_MAX 512
#define ASKED_OF_A_DOMAIN 384
#define KEPT_LEAST_MS 2000
#define KEPT_MOST_MS 5000

enum state { FREE, ASKED, KNOWN };

struct entry {
	struct dh_question question; /* the threads', while it is ASKED; name and kind do not change then */
	enum state state;
	uint64_t ticket;
	int64_t known_ms, until_ms; /* KNOWN: since when, and when it is forgotten */
};

struct dh_names {
	struct dh_resolver resolver;
	struct dh_askers askers;
	struct dh_client client; /* who asks now */
	int64_t since_ms;        /* answers that have come since then are right for it */
	uint64_t tickets;
	unsigned n_asked;
	struct entry entries[ENTRIES];
};

struct dh_names *dh_names_new(const struct dh_settings *settings, const struct dh_link *link)
{
	struct dh_names *names = calloc(1, sizeof(*names));

	if (names == NULL) {
		dm_report(DM_ERROR, "out of memory");
		return NULL;
	}
	names->since_ms = INT64_MAX;
	int r = dh_resolver_open(&names->resolver, settings, link);
	bool started = dh_askers_start(&names->askers, &names->resolver) == 0;
	if (r == 0 && !started)
		dm_report(DM_ERROR, "cannot start a thread for lookups: %s", strerror(errno));
	if (r == 0 && started)
		return names;
	(void)dh_names_end(names);
	return NULL;
}

bool dh_names_end(struct dh_names *names)
{
	if (names == NULL)
		return true;
	if (!dh_askers_end(&names->askers))
		return false;
	for (unsigned i = 0; i < ENTRIES; i++)
		free(names->entries[i].question.answer.text);
	dh_resolver_close(&names->resolver);
	free(names);
	return true;
}

void dh_names_for(struct dh_names *names, const struct dh_client *client, int64_t since_ms)
{
	names->client = *client;
	names->since_ms = since_ms;
}

static struct entry *find(struct dh_names *names, const char *name, enum dh_kind kind)
{
	for (unsigned i = 0; i < ENTRIES; i++) {
		struct entry *e = &names->entries[i];
		if (e->state != FREE && e->question.kind == kind && strcmp(e->question.name, name) == 0)
			return e;
	}
	return NULL;
}

/* A free entry, or the answer that is forgotten first. */
static struct entry *find_room(struct dh_names *names)
{
	struct entry *oldest = NULL;

	for (unsigned i = 0; i < ENTRIES; i++) {
		struct entry *e = &names->entries[i];
		if (e->state == FREE)
			return e;
		if (e->state == KNOWN && (oldest == NULL || e->until_ms < oldest->until_ms))
			oldest = e;
	}
	return oldest;
}

/* Whether one more lookup may begin. */
static bool has_room(const struct dh_names *names, const char *name)
{
	const char *domain = dh_domain(name);
	struct dh_share share = { .client = 0 };
	unsigned of_domain = 0;

	if (names->n_asked < ASKED_MAX / 2) /* nobody has as many as are free */
		return true;
	if (names->n_asked == ASKED_MAX)
		return false;
	for (unsigned i = 0; i < ENTRIES; i++) {
		const struct entry *e = &names->entries[i];
		if (e->state != ASKED)
			continue;
		of_domain += strcasecmp(dh_domain(e->question.name), domain) == 0;
		dh_share_add(&share, &names->client, &e->question.clients[0]);
	}
	return of_domain < ASKED_OF_A_DOMAIN && dh_share_leaves(&share, ASKED_MAX - names->n_asked);
}

/* The name fits. */
static void begin(struct dh_names *names, struct entry *e, const char *name, enum dh_kind kind)
{
	free(e->question.answer.text);
	e->question = (struct dh_question){ .kind = kind, .clients = { names->client }, .n_clients = 1 };
	memcpy(e->question.name, name, strlen(name) + 1);
	e->state = ASKED;
	e->ticket = ++names->tickets;
	names->n_asked++;
	dh_askers_put(&names->askers, &e->question);
}

static bool is_known(const struct dh_names *names, const struct entry *e, int64_t now_ms)
{
	return e != NULL && e->state == KNOWN && (now_ms < e->until_ms || e->known_ms >= names->since_ms);
}

enum dh_got dh_names_get(struct dh_names *names, const char *name, enum dh_kind kind, int64_t now_ms,
			 const struct dh_answer **answer, uint64_t *ticket)
{
	struct entry *e = find(names, name, kind);

	if (is_known(names, e, now_ms)) {
		*answer = &e->question.answer;
		return DH_KNOWN;
	}
	if (e == NULL || e->state == KNOWN) {
		if (strlen(name) >= sizeof(e->question.name) || !has_room(names, name))
			return DH_BUSY;
		if (e == NULL && (e = find_room(names)) == NULL)
			return DH_BUSY;
		begin(names, e, name, kind);
	} else {
		dh_askers_share(&names->askers, &e->question, &names->client);
	}
	*ticket = e->ticket;
	return DH_WAIT;
}

void dh_names_flush(struct dh_names *names)
{
	for (unsigned i = 0; i < ENTRIES; i++)
		if (names->entries[i].state == KNOWN)
			names->entries[i].until_ms = names->entries[i].known_ms = INT64_MIN;
	dh_resolver_flush(&names->resolver);
}

int dh_names_ready(const struct dh_names *names)
{
	return names->askers.event;
}

static int64_t kept_ms(const struct dh_answer *a)
{
	int64_t ttl = (int64_t)a->ttl_s * 1000;

	return ttl < KEPT_LEAST_MS ? KEPT_LEAST_MS : ttl > KEPT_MOST_MS ? KEPT_MOST_MS : ttl;
}

bool dh_names_take(struct dh_names *names, int64_t now_ms, uint64_t *ticket)
{
	struct entry *e = (struct entry *)(void *)dh_askers_take(&names->askers); /* its first member */

	if (e == NULL)
		return false;
	e->state = KNOWN;
	e->known_ms = now_ms;
	e->until_ms = now_ms + kept_ms(&e->question.answer);
	names->n_asked--;
	*ticket = e->ticket;
	return true;
}
