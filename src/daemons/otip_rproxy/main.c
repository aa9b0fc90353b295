/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* otip_rproxy: a reverse proxy on one-time addresses. The parts are made here, and run by one event loop. */

#include <stdlib.h>
#include <string.h>

#include "accept.h"
#include "addresses.h"
#include "base/cleanup.h"
#include "daemons/common/daemon.h"
#include "daemons/common/report.h"
#include "loop.h"
#include "settings.h"
#include "stacks.h"
#include "tcp.h"
#include "udp.h"

struct proxy {
	struct rp_settings settings;
	struct dm_daemon daemon;
	struct rp_loop loop;
	struct rp_stacks stacks;
	struct rp_tcp tcp;
	struct rp_udp udp;
	struct rp_addresses addresses;
	struct rp_watch signals;
};

static void take_signal(struct rp_watch *w, uint32_t events)
{
	struct proxy *p = RP_OF(w, struct proxy, signals);
	enum dm_signal signal = dm_daemon_signal(&p->daemon);

	(void)events;
	if (signal == DM_STOP)
		p->loop.stop = true;
	else if (signal == DM_RELOAD)
		dm_report(DM_NOTICE, "the settings are read only once: start the program again");
}

static int begin_loop(struct proxy *p)
{
	const struct rp_settings *s = &p->settings;

	p->tcp = (struct rp_tcp){ .loop = &p->loop,
				  .timeout_ms = (int64_t)s->tcp_timeout * 1000,
				  .limit = (unsigned)s->connections,
				  .backlog = (int)s->backlog };
	p->udp = (struct rp_udp){ .loop = &p->loop,
				  .timeout_ms = (int64_t)s->udp_timeout * 1000,
				  .limit = (unsigned)s->flows };
	p->signals = (struct rp_watch){ .fd = dm_daemon_signals(&p->daemon), .ready = take_signal };
	int r = rp_loop_init(&p->loop);
	if (r == 0)
		r = rp_loop_watch(&p->loop, &p->signals, EPOLLIN);
	if (r == 0)
		r = rp_tcp_init(&p->tcp);
	if (r == 0) {
		rp_accept_init(&p->tcp);
		r = rp_udp_init(&p->udp);
	}
	if (r < 0)
		dm_report(DM_ERROR, "cannot make the event loop: %s", strerror(-r));
	return r;
}

/* The status of the program. */
static int serve(struct proxy *p)
{
	p->addresses = (struct rp_addresses){ .place = { .loop = &p->loop,
							 .settings = &p->settings,
							 .outside = p->stacks.outside,
							 .ifindex = p->stacks.ifindex,
							 .tcp = &p->tcp,
							 .udp = &p->udp } };
	p->tcp.inside = p->udp.inside = p->stacks.inside;
	int r = rp_addresses_begin(&p->addresses);
	if (r == 0)
		r = dm_daemon_ready(&p->daemon);
	if (r == 0) {
		r = rp_loop_run(&p->loop);
		if (r < 0 && !p->loop.failed)
			dm_report(DM_ERROR, "the event loop has failed: %s", strerror(-r));
	}
	rp_addresses_end(&p->addresses);
	return r < 0 ? 1 : 0;
}

static int run(struct proxy *p)
{
	int status = 1;

	if (begin_loop(p) == 0 && rp_stacks_begin(&p->stacks, &p->settings) == 0 &&
	    rp_stacks_lookup(&p->stacks, &p->settings) == 0)
		status = serve(p);
	if (p->tcp.relays.buffer != NULL)
		rp_tcp_fini(&p->tcp);
	rp_udp_fini(&p->udp);
	rp_stacks_end(&p->stacks);
	rp_loop_fini(&p->loop);
	return status;
}

int main(int argc, char **argv)
{
	static struct proxy p = { .loop.epoll = -1 };
	int status = 1;

	ioth_set_license("LGPL-2.1-or-later");
	enum rp_parsed parsed = rp_settings_read(&p.settings, argc, argv);
	if (parsed == RP_RUN) {
		dm_report_verbose(p.settings.verbose);
		p.daemon = (struct dm_daemon){ .pidfile = p.settings.pidfile,
					       .background = p.settings.background };
		if (dm_daemon_begin(&p.daemon) == 0) {
			status = run(&p);
			dm_daemon_end(&p.daemon);
		}
	}
	rp_settings_free(&p.settings);
	return parsed == RP_DONE ? 0 : status;
}
