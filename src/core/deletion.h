/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_CORE_DELETION_H
#define VS_CORE_DELETION_H

#include <vdestack.h>

/* vdestack_delete() inside. */
int vs_delete(struct vdestack *stack);

#endif
