/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_CORE_COMMAND_END_H
#define VS_CORE_COMMAND_END_H

/* What a program waits for after it has started a command. */

#include <stdint.h>

#include "wire/command.h"

#define VS_COMMAND_REAP_MS 500 /* the runner exits right after its last message */

/* 0 when poll(2) reports something for fd, -ETIMEDOUT. A cancellation point. */
int vs_command_wait_for(int fd, short events, int64_t deadline_ms);

/*
 * Waits for the command's end until deadline_ms, a time of vs_now_ms(). It can be cancelled only while it
 * sleeps, and only if the caller can be. It owns nothing then.
 */
int vs_command_await_end(int control, int64_t deadline_ms, struct vs_command_message *end);

/* Records why the status could not be returned. Returns -errno. */
int vs_command_explain_wait(int r);

#endif
