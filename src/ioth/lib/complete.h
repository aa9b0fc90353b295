/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_IOTH_COMPLETE_H
#define VS_IOTH_COMPLETE_H

/*
 * Makes a table of functions complete: a call that the plugin does not have is made of another one that it
 * has, or fails with ENOSYS. Afterwards no member from delstack to socketpair is NULL.
 */

#include <ioth.h>

void vs_complete(struct ioth_functions *f);

#endif
