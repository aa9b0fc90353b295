/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef N4_SERVER_H
#define N4_SERVER_H

/* The server: requests from frames, names from name servers, answers. */

#include "daemons/common/daemon.h"
#include "daemons/dhcp/link.h"
#include "settings.h"

struct n4_server;

/* NULL after a report. settings and link live longer than it does. */
struct n4_server *n4_server_new(const struct n4_settings *settings, const struct dh_link *link);
/* False: lookups are still on their way. Then the link has to stay, see dh_names_end(). */
bool n4_server_end(struct n4_server *server);

enum n4_end {
	N4_STOP,   /* a signal to stop */
	N4_RELOAD, /* the settings are to be read again; then n4_server_reload(), and it goes on */
	N4_FAILED  /* the interface or the stack is gone; it has been reported */
};

/* Serves until something ends it. */
enum n4_end n4_server_run(struct n4_server *server, struct dm_daemon *daemon);

/* The settings have changed, or stay. Forgets what name servers have said, and reads their file again. */
void n4_server_reload(struct n4_server *server);

#endif
