/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_CORE_CAPTURE_H
#define VS_CORE_CAPTURE_H

/*
 * The program's side of a capture, in pieces none of which waits. wire/capture.h describes the conversation.
 */

#include <stdbool.h>
#include <stdint.h>

#include "wire/capture.h"

#define VS_CAPTURE_BUFFER_DEFAULT (8u << 20)

/*
 * Opens a file for a capture, with the rights of this thread. is_new: it may not exist. Returns a descriptor,
 * or -errno with a message.
 */
int vs_capture_open_file(const char *path, bool is_new);

/*
 * Sends a question, with a descriptor if file is not NULL. 0 or -errno; -EPIPE: the capture has ended;
 * -ETIMEDOUT: it does not read any more.
 */
int vs_capture_ask(int control, uint32_t question, const int *file);

/* Receives an answer. flags: 0 or MSG_PEEK. 0; -EAGAIN: there is none yet; -EPIPE; -errno. */
int vs_capture_hear(int control, struct vs_wire_capture_answer *answer, int flags);

/* The result of the start that an answer reports. 0, or -errno with a message. */
int vs_capture_started(const struct vs_wire_capture_answer *answer, const char *ifname);

#endif
