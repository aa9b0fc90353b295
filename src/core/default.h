/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_CORE_DEFAULT_H
#define VS_CORE_DEFAULT_H

#include <vdestack.h>

/* If the stack is the process's default, there is none any more. */
void vs_default_forget(struct vdestack *stack);

#endif
