/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_TOOLS_RUN_PUBLISH_H
#define VS_TOOLS_RUN_PUBLISH_H

/* --publish and --publish-host of `vdestack run`: the relay is a thread of the supervisor. */

#include <stddef.h>

#include "publish/publish.h"

struct vs_run_beside;

/* Keeps a word of the command line. 0, or -errno and a message. */
int vs_run_publish_add(enum vs_publish_way way, const char *word, char *message, size_t size);

/* What the supervisor must do for these words. NULL: there are none. */
const struct vs_run_beside *vs_run_publish(void);

#endif
