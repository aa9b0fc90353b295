/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PX_CONTROL_H
#define PX_CONTROL_H

/* Serves the control socket, see message.h. 0 or -errno. */
int px_control_start(int fd);

#endif
