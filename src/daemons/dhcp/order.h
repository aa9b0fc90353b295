/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef DH_ORDER_H
#define DH_ORDER_H

/* Questions that wait for a thread, and which one is next. Without locks and threads. */

#include "client.h"
#include "lookup.h"

#define DH_ASKERS 8  /* threads */
#define DH_SHARED 4  /* clients of a question that count */
#define DH_LATELY 32 /* questions that have begun, and are remembered */

struct dh_question {
	struct dh_client clients[DH_SHARED]; /* who needs the answer; the first has begun it, and stays */
	unsigned n_clients;                  /* 1 or more */
	unsigned charged;                    /* private: the client whose thread it has */
	bool begun;                          /* private: a thread has it, or has had it */
	struct dh_question *next;            /* private */
	enum dh_kind kind;
	struct dh_answer answer; /* its text is freed by the caller */
	char name[IOTHDNS_MAXNAME];
};

/* All zero: empty. */
struct dh_queue {
	struct dh_question *first, *last;
};

/* What the threads do, and for whom they have begun the last questions. */
struct dh_busy {
	unsigned n;                              /* threads */
	const struct dh_question *of[DH_ASKERS]; /* NULL: idle; the caller sets it when a question ends */
	struct dh_client lately[DH_LATELY];
	unsigned n_begun; /* all of them */
};

void dh_queue_put(struct dh_queue *q, struct dh_question *question);

/* The first one, or NULL. */
struct dh_question *dh_queue_take(struct dh_queue *q);

/* Takes out the question that an idle thread begins now. NULL: none may begin, also if some wait. */
struct dh_question *dh_order_next(struct dh_queue *todo, const struct dh_busy *busy);

/* The thread of this number begins it. */
void dh_order_begin(struct dh_busy *busy, unsigned thread, struct dh_question *question);

/* A client needs the answer to a question, too. False: nothing has changed. */
bool dh_order_share(struct dh_question *question, const struct dh_client *client, const struct dh_busy *busy);

/* Names with the same one may have the same servers: what is behind the first label, two labels at most. */
const char *dh_domain(const char *name);

#endif
