/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PRELOAD_ANSWER_H
#define VS_PRELOAD_ANSWER_H

/* What the supervisor answers to one notification. */

#include "answer_socket.h"

/* The file of VS_ASK_RUN, close-on-exec, or -errno. */
int vs_answer_make_file(const struct vs_run *run);

/* Finds out which network namespace is the host's: that of this process. */
void vs_answer_start(struct vs_answer *a);

/* Answers notify.request. It never waits for a network or for the caller. */
void vs_answer(struct vs_answer *a);

#endif
