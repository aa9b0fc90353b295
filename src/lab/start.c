/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * From a topology to networks that run, under one deadline:
 *
 *     stacks, several at a time, by creations that wait with poll(2) together
 *       ▶ routers forward and translate  ▶ events, captures, impairments  ▶ servers, in the order of the text
 *
 * What fails ends the start: the artefacts are written while all is still there, then everything is ended.
 * Duplicate address detection is off: the parser has seen to it that no address is there twice, and it
 * would cost a second.
 */

#include "start.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "deadline.h"
#include "directory.h"
#include "error.h"
#include "fail.h"
#include "keep.h"
#include "links.h"
#include "router.h"
#include "server.h"
#include "state.h"
#include <vdestack/events.h>
#include <vdestack/lab.h>

#define AT_A_TIME 16 /* creations: each has descriptors while it lasts */

/* ------------------------------------------------------------------ stacks */

static int begin_stack(struct vdestack_lab *lab, size_t host, int64_t deadline)
{
	struct vdestack_opts opts = { .size = sizeof(opts), .flags = VDESTACK_NODAD };
	char prefix[48];
	int left = vs_lab_left_ms(deadline);

	opts.timeout_ms = left == 0 ? 1 : left;
	(void)snprintf(prefix, sizeof(prefix), "lab%d-%u", (int)getpid(), lab->number);
	char *config = vs_lab_config(lab->t, host, prefix);
	if (config == NULL)
		return vs_lab_error(ENOMEM, "out of memory for host %s", lab->t->hosts[host].name);
	lab->members[host].creation = vdestack_new_start(config, &opts);
	free(config);
	return lab->members[host].creation != NULL ? 0
						   : vs_lab_error_below("host %s", lab->t->hosts[host].name);
}

static int finish_stack(struct vdestack_lab *lab, size_t host)
{
	struct vs_lab_member *m = &lab->members[host];
	int r = vdestack_new_finish(m->creation, &m->stack);

	if (r == 0)
		return 0;
	m->creation = NULL;
	return r > 0 ? 1 : vs_lab_error_below("host %s", lab->t->hosts[host].name);
}

/* Waits for the creations in progress, and finishes those that are done. Returns how many. */
static int wait_for_stacks(struct vdestack_lab *lab, size_t begun, int64_t deadline)
{
	struct pollfd polls[AT_A_TIME];
	size_t hosts[AT_A_TIME], n = 0;
	int done = 0, left = vs_lab_left_ms(deadline);

	for (size_t i = 0; i < begun && n < AT_A_TIME; i++)
		if (lab->members[i].creation != NULL) {
			hosts[n] = i;
			polls[n++] = (struct pollfd){ .fd = vdestack_new_fd(lab->members[i].creation),
						      .events = POLLIN };
		}
	/* a creation has the same limit and says what it waits for */
	if (poll(polls, n, left < 0 ? -1 : left + 100) < 0 && errno != EINTR)
		return vs_lab_error(errno, "poll: %s", strerror(errno));
	for (size_t i = 0; i < n; i++) {
		int r = finish_stack(lab, hosts[i]);
		if (r < 0)
			return r;
		done += r;
	}
	return done;
}

static int start_stacks(struct vdestack_lab *lab, int64_t deadline)
{
	size_t begun = 0, done = 0;

	while (done < lab->t->n_hosts) {
		for (; begun < lab->t->n_hosts && begun - done < AT_A_TIME; begun++) {
			int r = begin_stack(lab, begun, deadline);
			if (r < 0)
				return r;
		}
		int r = wait_for_stacks(lab, begun, deadline);
		if (r < 0)
			return r;
		done += (size_t)r;
	}
	return 0;
}

/* ------------------------------------------------------------------ all the rest */

static int start_events(struct vdestack_lab *lab)
{
	for (size_t i = 0; lab->artefacts != NULL && i < lab->t->n_hosts; i++) {
		lab->members[i].events = vdestack_events(lab->members[i].stack);
		if (lab->members[i].events < 0)
			return vs_lab_error_below("events of host %s", lab->t->hosts[i].name);
	}
	return 0;
}

static int start_servers(struct vdestack_lab *lab, int64_t deadline)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < lab->t->n_hosts; i++)
		if (lab->t->hosts[i].run != NULL)
			r = vs_lab_server_begin(lab, i, deadline);
	return r;
}

static int make_members(struct vdestack_lab *lab)
{
	size_t n = lab->t->n_hosts;

	lab->members = calloc(n + 1, sizeof(*lab->members));
	if (lab->members == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		lab->members[i].events = lab->members[i].server = lab->members[i].status = -1;
	for (size_t i = 0; i < n; i++) {
		lab->members[i].seeded = calloc(lab->t->hosts[i].n_ports + 1, sizeof(bool));
		lab->members[i].captures = calloc(lab->t->hosts[i].n_ports + 1, sizeof(int));
		if (lab->members[i].seeded == NULL || lab->members[i].captures == NULL)
			return -ENOMEM;
		for (size_t j = 0; j < lab->t->hosts[i].n_ports; j++)
			lab->members[i].captures[j] = -1;
	}
	return 0;
}

static int start(struct vdestack_lab *lab, int64_t deadline)
{
	int r = make_members(lab);

	if (r < 0)
		return vs_lab_error(-r, "out of memory for a lab");
	r = start_stacks(lab, deadline);
	if (r == 0)
		r = vs_lab_routers_start(lab, deadline);
	if (r == 0)
		r = start_events(lab);
	if (r == 0)
		r = vs_lab_links_start(lab);
	return r == 0 ? start_servers(lab, deadline) : r;
}

int vdestack_lab_start(struct vdestack_lab *lab)
{
	int r;

	if (lab == NULL)
		return vs_lab_edge(vs_lab_error(EINVAL, "no lab"));
	if (lab->phase != VS_LAB_NEW)
		return vs_lab_edge(vs_lab_error(EBUSY, "the lab has been started before; make another one"));
	r = vs_lab_resolve(lab);
	if (r < 0)
		return vs_lab_edge(r);
	vs_lab_keep();
	r = start(lab, vs_lab_deadline(lab->timeout_ms));
	lab->phase = VS_LAB_RUNNING;
	if (r < 0) {
		char why[1024];
		(void)snprintf(why, sizeof(why), "%s", vdestack_lab_last_error());
		(void)vs_lab_fail(lab, why);
		vs_lab_stop(lab);
		lab->phase = VS_LAB_FAILED;
		(void)vs_lab_error(-r, "%s", why);
	}
	return vs_lab_edge(r);
}

void vs_lab_stop(struct vdestack_lab *lab)
{
	vs_lab_links_stop_captures(lab);
	for (size_t i = 0; lab->members != NULL && i < lab->t->n_hosts; i++) {
		struct vs_lab_member *m = &lab->members[i];
		vs_lab_server_forget(m);
		if (m->events >= 0)
			(void)close(m->events);
		vdestack_new_cancel(m->creation);
		if (m->stack != NULL)
			(void)vdestack_delete(m->stack);
		free(m->seeded);
		free(m->captures);
	}
	free(lab->members);
	lab->members = NULL;
	vs_lab_directory_remove(lab);
}
