/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ND_SERVER_H
#define ND_SERVER_H

/* The server: messages of one interface, lookups, and signals. */

#include "daemons/common/daemon.h"
#include "daemons/dhcp/link.h"
#include "duid.h"
#include "settings.h"

struct nd_server;

/* NULL after a report. What is passed in lives longer than the server. */
struct nd_server *nd_server_new(const struct nd_settings *settings, const struct dh_link *link,
				const struct nd_duid *duid);

/* False: lookups are still on their way. Then what was passed in has to stay, see dh_names_end(). */
bool nd_server_end(struct nd_server *server);

/* Serves until a signal says that it ends: 0; or -1 after a report: the interface or its stack is gone. */
int nd_server_run(struct nd_server *server, struct dm_daemon *daemon);

#endif
