/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The requests to a networking thread. There is one thread per stack. It lives in the stack's namespace.
 *
 * It does what can only be done there, in short steps that never wait for a network: it makes sockets, opens
 * taps, and reads and writes the namespace's sysctls. Work that may take long goes to a job, with the
 * descriptors that it needs.
 */

#include "net.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diagnose.h"
#include "base/error.h"
#include "base/own_socket.h"
#include "base/timens.h"
#include "call.h"
#include "carrier.h"
#include "channel.h"
#include "config/locator.h"
#include "events.h"
#include "guests.h"
#include "iface.h"
#include "job.h"
#include "keeper.h"
#include "regain.h"
#include "rtnl/netdev.h"
#include "rtnl/talk.h"
#include "sources.h"
#include "sysctl.h"
#include "wire/fdmsg.h"
#include "wire/messages.h"

static int raw_socket(int domain, int type, int protocol)
{
	int fd = vs_own_socket(domain, type, protocol);

	return fd < 0 ? -errno : fd;
}

/* ------------------------------------------------------------------ requests */

static int open_namespace(int *ns)
{
	VS_AUTO_CLOSE s = raw_socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (s < 0)
		return s;
	*ns = ioctl(s, SIOCGSKNS);
	if (*ns < 0) /* EPERM: on threads of a program without CAP_NET_ADMIN */
		*ns = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	return *ns < 0 ? -errno : 0;
}

static void do_channel(struct vs_net *n)
{
	struct vs_call *call = n->call;

	/* If this fails, the caller gets end of file on its channel. */
	if (call->msg.n_fds == 0 || !vs_auth_takes_replies(n->keeper, call, call->msg.fds[0]))
		return;
	if (n->via != VS_DOOR_ATTACHED)
		atomic_store(&n->keeper->user, call->msg.creds.pid);
	(void)vs_registry_add(n->keeper, call->req.channel, call->msg.creds.pid, vs_call_take_fd(call, 0));
}

/*
 * The kernel checks who makes a socket of this family, and not who uses it. So a process that gets one could
 * configure IPsec. For NETLINK_XFRM, which does the same, the kernel checks both.
 */
static bool is_refused(int family)
{
	return family == AF_KEY;
}

/* Only for others to see. The program knows the name anyway. */
static void do_name(struct vs_net *n)
{
	const struct vs_call *call = n->call;

	if (!vs_auth_has_key(n->keeper, call) || call->text_len >= sizeof(n->name) ||
	    strpbrk(call->text, "\n") != NULL)
		return;
	pthread_mutex_lock(&n->keeper->lock);
	memcpy(n->name, call->text, call->text_len + 1);
	pthread_mutex_unlock(&n->keeper->lock);
}

static void do_msocket(struct vs_net *n)
{
	const int32_t *arg = n->call->req.arg;
	uint32_t count = n->call->req.count;

	for (uint32_t i = 0; i < count && i < VS_SOCKETS_MAX; i++) {
		VS_AUTO_CLOSE fd = is_refused(arg[0]) ? -EAFNOSUPPORT
						      : raw_socket(arg[0], arg[1] | SOCK_CLOEXEC, arg[2]);
		vs_call_reply(n->keeper, n->call, fd < 0 ? fd : 0, NULL, &fd, fd < 0 ? 0 : 1);
	}
}

/*
 * A socket that hangs up when the stack ends. Each caller has one of its own. A caller that shuts it down
 * ends only what it has started itself.
 */
static int new_life(struct vs_net *n, bool guest, int *life)
{
	int pair[2];
	int r = vs_socketpair(pair);

	if (r == 0)
		r = vs_registry_add_life(n->keeper, n, guest, n->call->msg.creds.pid, pair[0]); /* takes it */
	if (r < 0)
		vs_close(pair[1]);
	else
		*life = pair[1];
	return r;
}

static void do_entry(struct vs_net *n)
{
	bool guest = n->call->req.arg[0] != VS_ENTRY_LIFE;
	VS_AUTO_CLOSE ns = -1;
	VS_AUTO_CLOSE life = -1;
	int r = n->via == VS_DOOR_ATTACHED || vs_auth_has_key(n->keeper, n->call) ? 0 : -EPERM;

	if (r == 0 && guest)
		r = open_namespace(&ns);
	if (r == 0 && n->call->req.arg[0] != VS_ENTRY_NAMESPACE)
		r = new_life(n, guest, &life);
	if (r == 0 && guest)
		vs_guests_enter(n);
	int fds[2];
	size_t n_fds = 0;
	if (ns >= 0)
		fds[n_fds++] = ns;
	if (life >= 0)
		fds[n_fds++] = life;
	const char *why = r == -EPERM && !n_fds ? vs_auth_no_key : strerror(-r);
	vs_call_reply(n->keeper, n->call, r, r < 0 ? why : NULL, fds, r < 0 ? 0 : n_fds);
}

/* ------------------------------------------------------------------ doors for other processes */

static void do_pass(struct vs_net *n)
{
	VS_AUTO_CLOSE fd = -1;
	int r = vs_regain_pass(n, &fd);

	vs_call_reply(n->keeper, n->call, r, r < 0 ? strerror(-r) : NULL, &fd, r < 0 ? 0 : 1);
}

static void do_receive(struct vs_net *n)
{
	char text[64];
	int page = n->keeper->changes_file;

	(void)snprintf(text, sizeof(text), "%llu %llu %d", (unsigned long long)n->id,
		       (unsigned long long)n->keeper->id, (int)n->via);
	vs_call_reply(n->keeper, n->call, 0, text, &page, page < 0 ? 0 : 1);
}

/* What can be requested at a door that was made for another process, whatever that process knows. */
static bool door_has(enum vs_door door, uint32_t op)
{
	switch (op) {
	case VS_OP_CHANNEL:
	case VS_OP_MSOCKET:
	case VS_OP_SYSCTL_GET:
	case VS_OP_EVENTS:
	case VS_OP_STATS:
	case VS_OP_SOURCES_WAIT:
	case VS_OP_LEARNED:
	case VS_OP_RECEIVE:
		return true;
	case VS_OP_PASS:
		return door == VS_DOOR_APART;
	case VS_OP_ENTRY:
		return door == VS_DOOR_ATTACHED;
	default:
		return false;
	}
}

/* ------------------------------------------------------------------ interfaces */

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

/*
 * How far the sender's clock is ahead of ours. The text is the sender's offset to the initial time namespace.
 */
static int64_t clock_ahead_ns(const struct vs_call *call)
{
	int64_t offset;

	if (call->text_len != sizeof(offset))
		return 0;
	memcpy(&offset, call->text, sizeof(offset));
	return (int64_t)((uint64_t)offset - (uint64_t)vs_timens_offset_ns());
}

static void do_events(struct vs_net *n)
{
	int netlink = raw_socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	int r = netlink < 0 ? netlink : n->events == NULL ? -ENOMEM : 0;

	if (r == 0)
		r = vs_events_subscribe(n->events, vs_steal_fd(&netlink), clock_ahead_ns(n->call));
	VS_AUTO_CLOSE fd = r;
	vs_close(netlink);
	vs_call_reply(n->keeper, n->call, r < 0 ? r : 0, r < 0 ? strerror(-r) : NULL, &fd, r < 0 ? 0 : 1);
}

static void do_carrier(struct vs_net *n)
{
	struct vs_call *call = n->call;

	call->req.iface.name[IF_NAMESIZE - 1] = '\0';
	struct vs_iface *iface = *find_iface(n, call->req.iface.name);
	int r = iface == NULL           ? -ENODEV
		: call->refusal != NULL ? -EPERM
					: vs_carrier_request(iface, call->req.arg[0] != 0);
	const char *why = call->refusal != NULL ? call->refusal : r < 0 ? strerror(-r) : NULL;
	vs_call_reply(n->keeper, call, r, why, NULL, 0);
}

static void do_stats(struct vs_net *n)
{
	struct vs_call *call = n->call;

	call->req.iface.name[IF_NAMESIZE - 1] = '\0';
	struct vs_iface *iface = *find_iface(n, call->req.iface.name);
	if (iface == NULL) {
		vs_call_reply(n->keeper, call, -ENODEV,
			      "this library has made no interface of that name in the stack", NULL, 0);
		return;
	}
	struct vs_pump *pump = &iface->pump;
	struct vs_pump_stats *s = &pump->stats;
	pthread_mutex_lock(&n->keeper->lock); /* a job may be about to set the device, or to take it away */
	if (pump->device.fd >= 0 && pump->device.ops->lost != NULL)
		iface->tx_lost += pump->device.ops->lost(&pump->device);
	unsigned offloads = pump->offloads;
	pthread_mutex_unlock(&n->keeper->lock);
	/* A locator may contain a path or a command: not for a process of another user. */
	const char *locator = n->via != VS_DOOR_APART ? iface->locator : NULL;
	(void)snprintf(call->text, sizeof(call->text), "%u %llu %llu %llu %llu %llu %llu %u%s%s", offloads,
		       s->tx_frames, s->tx_dropped + iface->tx_lost, s->tx_refused, s->rx_frames,
		       s->rx_writes, s->rx_dropped, iface->reconnected, locator != NULL ? "\n" : "",
		       locator != NULL ? locator : "");
	vs_call_reply(n->keeper, call, 0, call->text, NULL, 0);
}

/* On success the job has the call, and this thread goes on with a new one. */
static int do_iface(struct vs_net *n, int (*act)(struct vs_net *))
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
	return do_iface(n, add_iface);
}

static const char not_there[] =
	"this handle stands for a stack of another process, and can only make sockets and read; ask the "
	"process that made the stack";

void vs_net_serve(struct vs_net *n)
{
	if (n->call->reply >= 0 && !vs_auth_takes_replies(n->keeper, n->call, n->call->reply)) {
		vs_call_drop(n->call); /* without a reply, which may not be sent there */
		return;
	}
	if (n->call->req.op != VS_OP_MSOCKET && n->call->req.op != VS_OP_CHANNEL)
		n->call->refusal = vs_auth_refusal(n->keeper, n->call);
	if (n->via != VS_DOOR_FULL && !door_has(n->via, n->call->req.op)) {
		vs_call_reply(n->keeper, n->call, -EPERM, not_there, NULL, 0);
		vs_call_drop(n->call);
		return;
	}
	switch (n->call->req.op) {
	case VS_OP_MSOCKET:
		do_msocket(n);
		break;
	case VS_OP_CHANNEL:
		do_channel(n);
		break;
	case VS_OP_ENTRY:
		do_entry(n);
		break;
	case VS_OP_SYSCTL_GET:
	case VS_OP_SYSCTL_SET:
		vs_sysctl_do(n);
		break;
	case VS_OP_EVENTS:
		do_events(n);
		break;
	case VS_OP_CARRIER:
		do_carrier(n);
		break;
	case VS_OP_SECRET:
		vs_regain_tell_secret(n);
		break;
	case VS_OP_NAME:
		do_name(n);
		break;
	case VS_OP_PASS:
		do_pass(n);
		break;
	case VS_OP_RECEIVE:
		do_receive(n);
		break;
	case VS_OP_STATS:
		do_stats(n);
		break;
	case VS_OP_SOURCES:
	case VS_OP_SOURCES_WAIT:
	case VS_OP_LEARNED:
		(void)do_iface(n, vs_sources_request);
		break;
	case VS_OP_ADD:
		(void)vs_net_add(n);
		break;
	case VS_OP_REMOVE:
		(void)do_iface(n, remove_iface);
		break;
	default:
		vs_call_reply(n->keeper, n->call, -ENOSYS, "the keeper does not know this request", NULL, 0);
	}
	vs_call_drop(n->call);
}
