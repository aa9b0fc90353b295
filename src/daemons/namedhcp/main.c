/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* namedhcp: a DHCPv6 server for networks whose hosts are known by their names. */

#include <ioth.h>
#include <unistd.h>

#include "daemons/common/daemon.h"
#include "daemons/dhcp/link.h"
#include "duid.h"
#include "server.h"
#include "settings.h"

/* *ended: false if threads are left that use the stacks, so that the program must not return. */
static int serve(struct nd_settings *settings, bool *ended)
{
	struct dh_link link;
	struct nd_duid duid = { .lock = -1 };
	struct nd_server *server = NULL;
	int r = dh_link_open(&link, &settings->dh);

	if (r == 0)
		r = nd_duid_open(&duid, settings->duidfile, link.mac);
	if (r == 0 && (server = nd_server_new(settings, &link, &duid)) == NULL)
		r = -1;
	if (r == 0)
		r = dm_daemon_ready(&settings->dh.daemon);
	if (r == 0)
		r = nd_server_run(server, &settings->dh.daemon);
	*ended = nd_server_end(server);
	nd_duid_close(&duid);
	if (*ended)
		dh_link_close(&link);
	return r;
}

int main(int argc, char **argv)
{
	struct nd_settings settings = { .duidfile = NULL };
	bool ended = true;
	int r = -1;

	enum dm_parsed parsed = nd_settings_read(&settings, argc, argv);
	ioth_set_license("LGPL-2.1-or-later");
	if (parsed == DM_RUN && dm_daemon_begin(&settings.dh.daemon) == 0) {
		r = serve(&settings, &ended);
		dm_daemon_end(&settings.dh.daemon);
		if (!ended)
			_exit(r < 0 ? 1 : 0);
	}
	nd_settings_clear(&settings);
	return parsed == DM_DONE ? 0 : r < 0 ? 1 : 0;
}
