/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_CORE_INTERPOSE_H
#define VS_CORE_INTERPOSE_H

#include <stdbool.h>

/* Whether this variant of the library has a socket(2) of its own. */
extern const bool vs_has_socket;

/* What that socket(2) does: a socket in the default stack, or in the host network if there is none. */
int vs_default_socket(int domain, int type, int protocol);

#endif
