/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_CORE_RECEIVE_H
#define VS_CORE_RECEIVE_H

#include <vdestack.h>

/*
 * Makes a handle of a door that another process has made or sent. Takes fd. step begins the message of a
 * failure, e.g. "cannot receive a stack". 0 or -errno, message recorded.
 */
int vs_receive(int fd, const char *step, int timeout_ms, struct vdestack **out);

#endif
