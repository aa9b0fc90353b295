/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_CORE_CREATION_STEPS_H
#define VS_CORE_CREATION_STEPS_H

#include "creation.h"

/*
 * The files, each uses only those before it: creation_calls, creation_ready, creation_impair,
 * creation_sources, creation_capture, creation_steps, creation.
 */

/* creation_calls.c */

#define VS_CREATION_REPLY_GRACE_MS 2000 /* the keeper answers at the limit; its answer needs a moment */

/* Prepares c->call: a request about nothing yet, with the time limit of a step. */
void vs_creation_prepare(struct vs_creation *c, struct vs_sock door, enum vs_op op);
/* Sends the request. 0 or -errno. */
int vs_creation_send(struct vs_creation *c);
/* Waits for its reply, or takes it: VS_NOT_YET or the result. */
int vs_creation_await(struct vs_creation *c);
/* The next step, in another state, waits for the reply. */
int vs_creation_now_await(struct vs_creation *c, enum vs_creation_state state);
/* The next step is due when wanted is ready, but not later than due_ms. */
int vs_creation_wait_for(struct vs_creation *c, struct pollfd wanted, int64_t due_ms);
/* Opens c->nl. 0 or -errno. */
int vs_creation_open_netlink(struct vs_creation *c);
void vs_creation_close_netlink(struct vs_creation *c);

/* creation_ready.c */

/* After the sources have been started: READY, LEARNING or TRIAL. */
int vs_creation_go_ready(struct vs_creation *c);
/* READY for the addresses that sources have set; then TRIAL. */
int vs_creation_go_learned(struct vs_creation *c);
int vs_creation_step_ready(struct vs_creation *c);

/* creation_impair.c */

int vs_creation_step_impair(struct vs_creation *c);
int vs_creation_step_impaired(struct vs_creation *c);

/* creation_sources.c */

int vs_creation_open_leases(struct vs_creation *c);
int vs_creation_step_prepare(struct vs_creation *c);
int vs_creation_step_prepared(struct vs_creation *c);
int vs_creation_step_sources(struct vs_creation *c);
int vs_creation_step_started(struct vs_creation *c);
int vs_creation_step_learning(struct vs_creation *c);
int vs_creation_step_learned(struct vs_creation *c);
int vs_creation_step_late(struct vs_creation *c);

/* creation_capture.c */

int vs_creation_step_capture(struct vs_creation *c);
int vs_creation_step_capturing(struct vs_creation *c);
int vs_creation_step_captured(struct vs_creation *c);

/* creation_steps.c */

/* One for each state but the last. */
extern int (*const vs_creation_steps[VS_CREATION_DONE])(struct vs_creation *c);
void vs_creation_close_directories(struct vs_creation *c);
/* The channel that the request under way was to register. */
void vs_creation_give_up_channel(struct vs_creation *c);

#endif
