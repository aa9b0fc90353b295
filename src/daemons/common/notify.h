/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef DM_NOTIFY_H
#define DM_NOTIFY_H

/*
 * Tells the service manager of $NOTIFY_SOCKET about the state of this program, for example "READY=1": one
 * datagram (sd_notify(3), whose protocol is documented as stable). Without such a manager it does nothing.
 * 0, or -errno. Never blocks.
 */
int dm_notify(const char *state);

#endif
