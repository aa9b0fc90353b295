/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * iothnamed: a DNS server, forwarder and cache for networks whose hosts have computed addresses.
 *
 * SIGHUP reads the file anew. All of it is checked, and its names are found, before the old one is replaced:
 * a file that is wrong changes nothing. Stacks stay as they are, so their lines cannot change.
 */

#include <errno.h>
#include <ioth.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/cleanup.h"
#include "bases.h"
#include "daemons/common/daemon.h"
#include "daemons/common/options.h"
#include "reload.h"
#include "server.h"

struct settings {
	struct dm_daemon daemon;
};

struct program {
	struct dm_daemon *daemon;
	struct nm_config *config;
	struct nm_server *server;
	struct nm_reload reload;
	struct ioth *stacks[NM_N_STACKS];
	const char *path;
	bool stop;
};

static int set_daemon(void *to, const char *value, struct dm_where *where)
{
	(void)value;
	(void)where;
	((struct settings *)to)->daemon.background = true;
	return 0;
}

static int set_pidfile(void *to, const char *value, struct dm_where *where)
{
	(void)where;
	((struct settings *)to)->daemon.pidfile = value;
	return 0;
}

static int set_verbose(void *to, const char *value, struct dm_where *where)
{
	(void)to;
	(void)value;
	(void)where;
	dm_report_verbose(true);
	return 0;
}

static const struct dm_option table[] = {
	{ "daemon", 'd', NULL, "serves in the background", DM_NO_TAG, set_daemon },
	{ "pidfile", 'p', "FILE", "writes its process number there", DM_NO_TAG, set_pidfile },
	{ "verbose", 'v', NULL, "reports more", DM_NO_TAG, set_verbose },
};

static const struct dm_options options = {
	.program = "iothnamed",
	.arguments = "CONFIG",
	.about = "Serves names by DNS, as the file CONFIG says: iothnamed(8).\n",
	.table = table,
	.n = VS_COUNT(table),
	.least = 1,
	.most = 1,
	.more = "Signals: SIGHUP reads CONFIG anew; SIGTERM and SIGINT end.\n"
};

static void reloaded(void *arg)
{
	struct program *p = arg;
	struct nm_config *fresh = nm_reload_take(&p->reload);

	if (fresh != NULL && nm_config_same_stacks(fresh, p->config)) {
		nm_server_set(p->server, fresh);
		nm_config_free(p->config);
		p->config = fresh;
		dm_report(DM_NOTICE, "the new configuration is in use");
		return;
	}
	if (fresh != NULL)
		dm_report(DM_ERROR, "%s: the lines stack, rstack and fstack change at a restart only",
			  p->path);
	nm_config_free(fresh);
	dm_report(DM_ERROR, "the old configuration stays in use");
}

static void signalled(void *arg)
{
	struct program *p = arg;

	switch (dm_daemon_signal(p->daemon)) {
	case DM_STOP:
		p->stop = true;
		break;
	case DM_RELOAD:
		nm_server_report(p->server);
		nm_reload_begin(&p->reload);
		break;
	case DM_NONE:
		break;
	}
}

/* Queries and clients each need a descriptor, and 1024 may be fewer. */
static void raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max &&
	    limit.rlim_cur < 65536) {
		limit.rlim_cur = limit.rlim_max < 65536 ? limit.rlim_max : 65536;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int serve(struct program *p)
{
	if (nm_stacks_open(p->config, p->stacks) < 0 ||
	    nm_bases_find(p->config, p->stacks[NM_FORWARD], p->path, NULL) < 0)
		return -1;
	p->server = nm_server_new(p->config, p->stacks);
	if (p->server == NULL)
		return -1;
	int r = nm_reload_open(&p->reload, p->path, p->stacks[NM_FORWARD]);
	if (r == 0)
		r = nm_server_watch(p->server, NM_WATCH_SIGNALS, dm_daemon_signals(p->daemon), signalled, p);
	if (r == 0)
		r = nm_server_watch(p->server, NM_WATCH_RELOAD, p->reload.ready, reloaded, p);
	if (r < 0)
		dm_report(DM_ERROR, "cannot wait for signals: %s", strerror(-r));
	if (r < 0 || dm_daemon_ready(p->daemon) < 0)
		return -1;
	while (!p->stop && r == 0)
		r = nm_server_once(p->server);
	nm_server_report(p->server);
	return r;
}

int main(int argc, char **argv)
{
	struct settings s = { .daemon = { .pidfile = NULL } };
	struct program p = { .daemon = &s.daemon, .reload = { .ready = -1 } };
	int first = 0, r = -1;

	enum dm_parsed parsed = dm_options_parse(&options, argc, argv, &s, &first);
	if (parsed != DM_RUN)
		return parsed == DM_DONE ? 0 : 1;
	VS_AUTO_FREE char *path = dm_path(argv[first]); /* the background has another directory */
	if (path == NULL) {
		dm_report(DM_ERROR, "cannot find %s: %s", argv[first], strerror(errno));
		return 1;
	}
	p.path = path;
	ioth_set_license("LGPL-2.1-or-later");
	raise_limit();
	p.config = nm_config_read(p.path);
	if (p.config != NULL && dm_daemon_begin(&s.daemon) == 0) {
		r = serve(&p);
		nm_server_free(p.server);
		nm_reload_close(&p.reload);
		nm_stacks_close(p.stacks);
		dm_daemon_end(&s.daemon);
	}
	nm_config_free(p.config);
	return r < 0 ? 1 : 0;
}
