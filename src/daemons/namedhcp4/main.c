/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* namedhcp4: gives clients of DHCPv4 the addresses that their names have. */

#include <ioth.h>
#include <unistd.h>

#include "daemons/dhcp/link.h"
#include "server.h"
#include "settings.h"

#define ABOUT                                                                                                \
	"Gives clients of DHCP the addresses that their names have in the DNS. A client sends its name\n"    \
	"(option 81); the TXT record of the name may have more for it: mask, router, dns...\n"

static enum dm_parsed read_settings(int argc, char **argv, struct n4_settings *s)
{
	const struct dm_options options = { .program = "namedhcp4",
					    .arguments = "",
					    .about = ABOUT,
					    .table = n4_options,
					    .n = n4_n_options,
					    .has_rcfile = true };
	int first = 0;

	dm_report_name(options.program);
	if (argc < 2) {
		dm_report(DM_ERROR, "no options; usage: namedhcp4 [OPTION...]; see --help");
		return DM_WRONG;
	}
	enum dm_parsed parsed = dm_options_parse(&options, argc, argv, s, &first);
	if (parsed == DM_RUN && dh_settings_complete(&s->shared) < 0)
		parsed = DM_WRONG;
	return parsed;
}

static int run(struct n4_settings *s)
{
	struct dm_daemon *daemon = &s->shared.daemon;
	struct dh_link link = { .stack = NULL };
	struct n4_server *server = NULL;
	int r = 1;

	if (dm_daemon_begin(daemon) < 0)
		return 1;
	if (dh_link_open(&link, &s->shared) == 0 && (server = n4_server_new(s, &link)) != NULL &&
	    dm_daemon_ready(daemon) == 0 && n4_server_run(server, daemon) == 0)
		r = 0;
	bool ended = n4_server_end(server);
	if (ended)
		dh_link_close(&link);
	dm_daemon_end(daemon);
	if (!ended)
		_exit(r);
	return r;
}

int main(int argc, char **argv)
{
	struct n4_settings s = { .serverid = 0 };

	ioth_set_license("LGPL-2.1-or-later");
	enum dm_parsed parsed = read_settings(argc, argv, &s);
	int r = parsed == DM_RUN ? run(&s) : parsed == DM_DONE ? 0 : 1;
	dh_settings_clear(&s.shared);
	return r;
}
