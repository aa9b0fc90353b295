/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "net_ifaces.h"

#include <errno.h>
#include <net/if.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diagnose.h"
#include "base/error.h"
#include "call.h"
#include "config/locator.h"
#include "events.h"
#include "iface.h"
#include "job.h"
#include "keeper.h"
#include "rtnl/netdev.h"
#include "rtnl/talk.h"
#include "sources.h"
#include "wire/messages.h"

/* Takes an interface off the list, so that calls no longer find it. */
static void unlist(struct vs_iface **at)
{
	struct vs_iface *iface = *at;

	*at = iface->next;
	vs_iface_unref(iface);
}

/* Drops interfaces that failed to start. Returns the place of the wanted one in the list, or the end. */
static struct vs_iface **lookup(struct vs_net *n, const char *name)
{
	struct vs_iface **at = &n->ifaces;

	while (*at != NULL) {
		if (atomic_load(&(*at)->failed))
			unlist(at);
		else if (strcmp((*at)->name, name) == 0)
			break;
		else
			at = &(*at)->next;
	}
	return at;
}

/*
 * The same, but an interface whose device has been deleted in the stack counts as removed. Usually its pump
 * has noticed that before. If the cable is cut or the network is absent, there is no pump that could.
 */
static struct vs_iface **find_iface(struct vs_net *n, const char *name)
{
	struct vs_iface **at = lookup(n, name);

	if (*at == NULL || !vs_iface_device_gone(*at))
		return at;
	vs_iface_stop(*at);
	(void)(*at)->kind->leave(*at);
	unlist(at);
	return lookup(n, name);
}

/*
 * Chooses an index for a device. One that has been chosen before is not chosen again, because a program may
 * remember the index of an interface that is gone. The kernel does the same, but when it chooses the index of
 * a tap it does not know the ones chosen here.
 */
static int free_index(struct vs_net *n, int netlink)
{
	char name[IF_NAMESIZE];

	do {
		n->last_ifindex++;
	} while (vs_netdev_name(netlink, n->last_ifindex, name) == 0);
	return n->last_ifindex;
}

int vs_net_rtnetlink(struct vs_net *n, const struct vs_wire_iface *want, int *ifindex)
{
	int fd = vs_talk_socket();

	if (fd < 0)
		return vs_fail(-fd, "cannot add interface %s: no rtnetlink socket: %s", want->name,
			       vs_cause_text(vs_diagnose_limit(-fd), -fd));
	*ifindex = free_index(n, fd);
	return fd;
}

/* Whether the stack has a device of that name, made by this library or not. */
static bool device_exists(const char *name)
{
	VS_AUTO_CLOSE netlink = vs_talk_socket();

	return netlink >= 0 && vs_netdev_index(netlink, name) >= 0;
}

static int job_prepare(struct vs_net *n, struct vs_job *job)
{
	struct vs_call *call = n->call;
	struct vs_wire_iface *want = &call->req.iface;

	if (job->iface->kind->made_by_job) {
		job->netlink = vs_net_rtnetlink(n, want, &job->ifindex);
		return job->netlink < 0 ? job->netlink : 0;
	}
	int r = vs_tap_open(want, &job->iface->pump.offloads);
	if (r < 0)
		return r;
	job->iface->pump.device.fd = r;
	return 0;
}

/* On success the job takes the call. */
static int add_iface(struct vs_net *n)
{
	struct vs_call *call = n->call;
	struct vs_wire_iface *want = &call->req.iface;
	struct vs_locator locator;

	vs_locator_parse(call->text, &locator);
	want->name[IF_NAMESIZE - 1] = '\0';
	if (call->refusal != NULL)
		return vs_fail(EPERM, "cannot add interface %s: %s; add interfaces before that", want->name,
			       call->refusal);
	if (*find_iface(n, want->name) != NULL || device_exists(want->name))
		return vs_fail(EEXIST,
			       "cannot add interface %s: the stack has one of that name; choose another with "
			       "iface=",
			       want->name);
	struct vs_iface *iface =
		vs_iface_new(n->keeper, want, call->text, vs_iface_kind_for(n->keeper, locator.kind));
	if (iface == NULL)
		return vs_fail(errno, "cannot add interface %s: %s", want->name,
			       vs_cause_text(vs_diagnose_limit(errno), errno));
	iface->events = vs_events_ref(n->events);
	enum vs_job_kind kind = iface->kind == &vs_iface_segment ? VS_JOB_JOIN_SEGMENT : VS_JOB_OPEN_LINK;
	struct vs_job *job = vs_job_new(n->keeper, kind, iface, call);
	int r = job == NULL ? vs_fail(ENOMEM, "cannot add interface %s: %s", want->name,
				      vs_cause_text(VS_CAUSE_MEMORY, ENOMEM))
			    : job_prepare(n, job);
	if (r == 0) {
		job->door = vs_steal_fd(&n->programs_end);
		r = vs_job_submit(job);
	}
	if (r < 0) {
		vs_job_free(job);
		vs_iface_unref(iface);
		return r;
	}
	iface->next = n->ifaces;
	n->ifaces = iface;
	return 0;
}

static int remove_iface(struct vs_net *n)
{
	struct vs_call *call = n->call;
	const char *name = call->req.iface.name;
	uint64_t addition = call->req.iface.addition;

	call->req.iface.name[IF_NAMESIZE - 1] = '\0';
	struct vs_iface **at = find_iface(n, name);
	struct vs_iface *iface = *at;
	/* Who undoes an addition cannot know whether the interface of that name is its own. */
	if (iface == NULL || (addition != 0 && addition != iface->addition))
		return vs_fail(ENODEV,
			       "cannot remove interface %s: this library has made none of that name in the "
			       "stack",
			       name);
	struct vs_job *job = vs_job_new(n->keeper, VS_JOB_REMOVE, iface, call);
	if (job == NULL)
		return vs_fail(ENOMEM, "cannot remove interface %s: %s", name,
			       vs_cause_text(VS_CAUSE_MEMORY, ENOMEM));
	job->netlink = vs_talk_socket();
	if (job->netlink < 0) { /* nothing has been done yet */
		int err = -job->netlink;
		vs_job_free(job);
		return vs_fail(err, "cannot remove interface %s: no rtnetlink socket: %s", name,
			       vs_cause_text(vs_diagnose_limit(err), err));
	}
	*at = iface->next;
	if (vs_sources_remove(n, name, job)) { /* it submits the job when they are stopped */
		vs_iface_unref(iface);
		return 0;
	}
	vs_iface_stop(iface);
	int r = vs_job_submit(job);
	if (r < 0) {
		vs_job_free(job);
		iface->next = n->ifaces;
		n->ifaces = iface;
		return r;
	}
	vs_iface_unref(iface); /* the list's use; the job has its own */
	return 0;
}

struct vs_iface *vs_net_find_iface(struct vs_net *n)
{
	n->call->req.iface.name[IF_NAMESIZE - 1] = '\0';
	return *find_iface(n, n->call->req.iface.name);
}

int vs_net_iface_request(struct vs_net *n, int (*act)(struct vs_net *))
{
	struct vs_call *fresh = vs_call_new();
	int r = fresh == NULL ? vs_fail(ENOMEM, "cannot change interfaces: %s",
					vs_cause_text(VS_CAUSE_MEMORY, ENOMEM))
			      : act(n);

	if (r < 0) {
		vs_call_fail(n->keeper, n->call, r);
		free(fresh);
		return r;
	}
	n->call = fresh; /* the job has the old one */
	return 0;
}

int vs_net_add(struct vs_net *n)
{
	return vs_net_iface_request(n, add_iface);
}

void vs_net_remove(struct vs_net *n)
{
	(void)vs_net_iface_request(n, remove_iface);
}
