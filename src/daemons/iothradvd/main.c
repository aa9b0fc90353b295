/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * iothradvd: advertises a router and prefixes. The work is the library's; the program reads settings, makes
 * the stack, and waits for signals.
 */

#include <errno.h>
#include <ifaddrs.h>
#include <ioth.h>
#include <iothconf.h>
#include <iothradvd.h>
#include <limits.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "daemons/common/daemon.h"
#include "daemons/common/options.h"
#include "settings.h"

#define ABOUT                                                                                                \
	"Advertises a router and prefixes (RFC 4861).\n"                                                     \
	"PREFIX is ADDR[/LEN[/FLAGS[/VALID[/PREFERRED]]]]: flags are letters of L (on the link), A (hosts\n" \
	"make addresses of it), R (an address of the router); lifetimes are seconds or infinite.\n"
#define MORE                                                                                                 \
	"SIGHUP reads FILE again; if something is wrong in it, the settings stay. SIGTERM ends the router "  \
	"with\n"                                                                                             \
	"a last advertisement.\n"

struct program {
	int argc;
	char **argv;
	const char *rcfile; /* absolute, or "-"; NULL: none */
	struct ra_settings *settings;
	struct ioth *stack; /* NULL: the network of the process, or there is none */
	struct iothradvd *server;
};

/* ------------------------------------------------------------------ settings */

static int take_arguments(struct ra_settings *s, char *const *arguments)
{
	struct dm_where where = { .file = NULL };

	if (*arguments != NULL && s->n_prefixes > 0)
		return dm_wrong(&where,
				"prefixes are arguments and in the file or --prefix; use one of them");
	for (; *arguments != NULL; arguments++)
		(void)ra_settings_prefix(s, *arguments, &where);
	return where.errors == 0 ? 0 : -1;
}

/* What concerns several values. */
static int check_whole(const struct ra_settings *s)
{
	struct iothradvd_opts opts = ra_settings_opts(s);

	if (iothradvd_check(&opts) == 0)
		return 0;
	dm_report(DM_ERROR, "%s", ioth_last_error());
	return -1;
}

/* *settings is written for DM_RUN only. */
static enum dm_parsed read_settings(struct program *p, struct ra_settings **settings)
{
	struct dm_options options = { .program = "iothradvd",
				      .arguments = "[PREFIX...]",
				      .about = ABOUT,
				      .table = ra_options,
				      .n = ra_n_options,
				      .most = UINT_MAX,
				      .more = MORE,
				      .has_rcfile = true,
				      .rcfile = &p->rcfile };
	struct ra_settings *s = ra_settings_new();
	int first = 0;

	if (s == NULL) {
		dm_report(DM_ERROR, "out of memory");
		return DM_WRONG;
	}
	enum dm_parsed parsed = dm_options_parse(&options, p->argc, p->argv, s, &first);
	if (parsed != DM_DONE && first > 0 && take_arguments(s, p->argv + first) < 0)
		parsed = DM_WRONG;
	if (parsed == DM_RUN) {
		ra_settings_finish(s);
		if (check_whole(s) < 0)
			parsed = DM_WRONG;
	}
	if (parsed == DM_RUN)
		*settings = s;
	else
		ra_settings_free(s);
	return parsed;
}

/* ------------------------------------------------------------------ the stack */

static bool is_up(struct ioth *stack, const char *ifname)
{
	struct ifaddrs *list;
	bool up = false;

	if (ioth_getifaddrs(stack, &list) < 0)
		return false;
	for (const struct ifaddrs *i = list; i != NULL; i = i->ifa_next)
		up = up || (strcmp(i->ifa_name, ifname) == 0 && (i->ifa_flags & IFF_UP) != 0);
	ioth_freeifaddrs(list);
	return up;
}

/* A stack of its own is there for the router: the interface gets the MAC address, and is up. */
static int prepare_interface(struct ioth *stack, const struct ra_settings *s, const char *ifname,
			     unsigned ifindex)
{
	if (s->has_mac && ioth_linksetaddr(stack, ifindex, s->mac) < 0) {
		dm_report(DM_ERROR, "cannot set the MAC address of %s: %s", ifname, strerror(errno));
		return -1;
	}
	if (!is_up(stack, ifname) && ioth_linksetupdown(stack, ifindex, 1) < 0) {
		dm_report(DM_ERROR, "cannot bring %s up: %s", ifname, strerror(errno));
		return -1;
	}
	return 0;
}

static int open_stack(struct program *p, struct iothradvd_opts *opts)
{
	const struct ra_settings *s = p->settings;
	const char *ifname = s->iface != NULL ? s->iface : "vde0";

	if (s->stack != NULL && (p->stack = ioth_newstackc(s->stack)) == NULL) {
		dm_report(DM_ERROR, "cannot make the stack %s: %s", s->stack, ioth_last_error());
		return -1;
	}
	int ifindex = ioth_if_nametoindex(p->stack, ifname);
	if (ifindex <= 0) {
		dm_report(DM_ERROR, "no interface %s: %s; --iface names another one", ifname,
			  strerror(errno));
		return -1;
	}
	if (s->has_mac && p->stack == NULL) {
		dm_report(DM_ERROR, "--macaddr is for a stack or a network of --stack");
		return -1;
	}
	opts->stack = p->stack;
	opts->ifindex = (unsigned)ifindex;
	return p->stack == NULL ? 0 : prepare_interface(p->stack, s, ifname, (unsigned)ifindex);
}

static int start_server(struct program *p)
{
	const struct ra_settings *s = p->settings;
	struct iothradvd_opts opts = ra_settings_opts(s);

	if (s->stack != NULL && !ra_is_stack(s->stack)) {
		opts.vnl = s->stack;
		opts.macaddr = s->has_mac ? s->mac : NULL;
	} else if (open_stack(p, &opts) < 0) {
		return -1;
	}
	p->server = iothradvd_start_opts(&opts);
	if (p->server == NULL)
		dm_report(DM_ERROR, "%s", ioth_last_error());
	return p->server == NULL ? -1 : 0;
}

/* ------------------------------------------------------------------ signals */

static bool same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void swap(char **a, char **b)
{
	char *kept = *a;

	*a = *b;
	*b = kept;
}

static bool same_start(const struct ra_settings *a, const struct ra_settings *b)
{
	return same(a->stack, b->stack) && same(a->iface, b->iface) && a->has_mac == b->has_mac &&
	       memcmp(a->mac, b->mac, sizeof(a->mac)) == 0;
}

/* What was used at the start stays in force. */
static void keep_start(struct ra_settings *s, struct ra_settings *old)
{
	swap(&s->stack, &old->stack);
	swap(&s->iface, &old->iface);
	swap(&s->pidfile, &old->pidfile);
	s->has_mac = old->has_mac;
	memcpy(s->mac, old->mac, sizeof(s->mac));
}

static void reload(struct program *p)
{
	struct ra_settings *s;

	if (p->rcfile == NULL || strcmp(p->rcfile, "-") == 0) {
		dm_report(DM_NOTICE, "SIGHUP: there is no file to read again");
		return;
	}
	if (read_settings(p, &s) != DM_RUN) {
		dm_report(DM_ERROR, "the settings stay as they were");
		return;
	}
	struct iothradvd_opts opts = ra_settings_opts(s);
	if (iothradvd_update(p->server, &opts) < 0) {
		dm_report(DM_ERROR, "the settings stay as they were: %s", ioth_last_error());
		ra_settings_free(s);
		return;
	}
	if (!same_start(s, p->settings))
		dm_report(DM_NOTICE, "stack, iface and macaddr change at the next start");
	dm_report_verbose(s->verbose);
	dm_report(DM_NOTICE, "%s has been read again", p->rcfile);
	keep_start(s, p->settings);
	ra_settings_free(p->settings);
	p->settings = s;
}

static void serve(struct program *p, struct dm_daemon *d)
{
	struct pollfd signals = { .fd = dm_daemon_signals(d), .events = POLLIN };

	for (;;) {
		(void)poll(&signals, 1, -1);
		switch (dm_daemon_signal(d)) {
		case DM_STOP:
			return;
		case DM_RELOAD:
			reload(p);
			break;
		case DM_NONE:
			break;
		}
	}
}

static int run(struct program *p)
{
	struct dm_daemon d = { .pidfile = p->settings->pidfile, .background = p->settings->daemon };
	int r = 1;

	dm_report_verbose(p->settings->verbose);
	if (dm_daemon_begin(&d) < 0)
		return 1;
	if (start_server(p) == 0 && dm_daemon_ready(&d) == 0) {
		dm_report(DM_DEBUG, "advertises %u prefixes", p->settings->n_prefixes);
		serve(p, &d);
		r = 0;
	}
	iothradvd_stop(p->server);
	if (p->stack != NULL)
		(void)ioth_delstack(p->stack);
	dm_daemon_end(&d);
	return r;
}

int main(int argc, char **argv)
{
	struct program p = { .argc = argc, .argv = argv };
	VS_AUTO_FREE char *path = NULL;

	enum dm_parsed parsed = read_settings(&p, &p.settings);
	if (parsed != DM_RUN)
		return parsed == DM_DONE ? 0 : 1;
	int r = dm_keep_rcfile(&p.rcfile, &path) < 0 ? 1 : run(&p);
	ra_settings_free(p.settings);
	return r;
}
