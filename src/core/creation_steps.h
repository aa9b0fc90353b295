/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_CORE_CREATION_STEPS_H
#define VS_CORE_CREATION_STEPS_H

#include "creation.h"

/* One for each state but the last. */
extern int (*const vs_creation_steps[VS_CREATION_DONE])(struct vs_creation *c);

void vs_creation_close_directories(struct vs_creation *c);

#endif
