/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* namedhcp4: gives clients of DHCPv4 the addresses that their names have. */

#include <ioth.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "daemons/dhcp/link.h"
#include "server.h"
#include "settings.h"

#define ABOUT                                                                                                \
	"Gives clients of DHCP the addresses that their names have in the DNS. A client sends its name\n"    \
	"(option 81); the TXT record of the name may have more for it: mask, router, dns...\n"
#define MORE                                                                                                 \
	"SIGHUP reads FILE again, for what clients get; if something is wrong in it, the settings stay.\n"

struct program {
	int argc;
	char **argv;
	const char *rcfile; /* absolute, or "-"; NULL: none */
	struct n4_settings settings;
};

/* *s is all zero. dh_settings_clear() is needed behind it. */
static enum dm_parsed read_settings(struct program *p, struct n4_settings *s)
{
	const struct dm_options options = { .program = "namedhcp4",
					    .arguments = "",
					    .about = ABOUT,
					    .table = n4_options,
					    .n = n4_n_options,
					    .has_rcfile = true,
					    .rcfile = &p->rcfile,
					    .more = MORE };
	int first = 0;

	dm_report_name(options.program);
	if (p->argc < 2) {
		dm_report(DM_ERROR, "no options; usage: namedhcp4 [OPTION...]; see --help");
		return DM_WRONG;
	}
	enum dm_parsed parsed = dm_options_parse(&options, p->argc, p->argv, s, &first);
	if (parsed == DM_RUN && dh_settings_complete(&s->shared) < 0)
		parsed = DM_WRONG;
	return parsed;
}

/* A file with a mistake changes nothing. */
static void reload(struct program *p)
{
	struct n4_settings fresh = { .serverid = 0 };

	if (p->rcfile == NULL || strcmp(p->rcfile, "-") == 0)
		dm_report(DM_NOTICE, "SIGHUP: there is no file to read again");
	else if (read_settings(p, &fresh) != DM_RUN)
		dm_report(DM_ERROR, "the settings stay as they were");
	else if (n4_settings_take(&p->settings, &fresh))
		dm_report(DM_NOTICE, "%s has been read again", p->rcfile);
	else
		dm_report(
			DM_NOTICE,
			"%s has been read again; stack, iface, macaddr, serverid, daemon, pidfile and those "
			"of name servers change at the next start",
			p->rcfile);
	dm_report_verbose(p->settings.shared.verbose);
	dh_settings_clear(&fresh.shared);
}

static int serve(struct program *p, struct n4_server *server)
{
	enum n4_end end;

	while ((end = n4_server_run(server, &p->settings.shared.daemon)) == N4_RELOAD) {
		reload(p);
		n4_server_reload(server);
	}
	return end == N4_STOP ? 0 : 1;
}

static int run(struct program *p)
{
	struct dm_daemon *daemon = &p->settings.shared.daemon;
	struct dh_link link = { .stack = NULL };
	struct n4_server *server = NULL;
	int r = 1;

	if (dm_daemon_begin(daemon) < 0)
		return 1;
	if (dh_link_open(&link, &p->settings.shared) == 0 &&
	    (server = n4_server_new(&p->settings, &link)) != NULL && dm_daemon_ready(daemon) == 0)
		r = serve(p, server);
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
	struct program p = { .argc = argc, .argv = argv };
	VS_AUTO_FREE char *path = NULL;
	int r = 1;

	ioth_set_license("LGPL-2.1-or-later");
	enum dm_parsed parsed = read_settings(&p, &p.settings);
	if (parsed == DM_DONE)
		r = 0;
	else if (parsed == DM_RUN && dm_keep_rcfile(&p.rcfile, &path) == 0)
		r = run(&p);
	dh_settings_clear(&p.settings.shared);
	return r;
}
