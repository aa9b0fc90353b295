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
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/own_socket.h"
#include "base/timens.h"
#include "call.h"
#include "capture.h"
#include "carrier.h"
#include "channel.h"
#include "closer.h"
#include "events.h"
#include "guests.h"
#include "iface.h"
#include "impair_requests.h"
#include "keeper.h"
#include "keeper_stats.h"
#include "net_ifaces.h"
#include "pump/offload.h"
#include "pump/watch.h"
#include "regain.h"
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

	if (call->msg.n_fds == 0 || !vs_auth_takes_replies(n->keeper, call, call->msg.fds[0]))
		return;
	if (n->via != VS_DOOR_ATTACHED)
		atomic_store(&n->keeper->user, call->msg.creds.pid);
	int fd = vs_call_take_fd(call, 0);
	if (vs_registry_add(n->keeper, call->req.channel, call->msg.creds.pid, fd) < 0)
		vs_close_pair_end(fd); /* the caller gets end of file */
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
		if (fd >= 0)
			atomic_fetch_add(&n->keeper->counts.sockets, 1);
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

	if (r < 0)
		return r;
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

	struct vs_iface *iface = vs_net_find_iface(n);
	int r = iface == NULL           ? -ENODEV
		: call->refusal != NULL ? -EPERM
					: vs_carrier_request(iface, call->req.arg[0] != 0);
	const char *why = call->refusal != NULL ? call->refusal : r < 0 ? strerror(-r) : NULL;
	vs_call_reply(n->keeper, call, r, why, NULL, 0);
}

static void do_stats(struct vs_net *n)
{
	struct vs_call *call = n->call;

	struct vs_iface *iface = vs_net_find_iface(n);
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
	if (!atomic_load(&pump->has_containers)) /* it takes a network that may carry it */
		offloads &= ~(unsigned)VS_OFFLOAD_SUPER;
	/* A locator may contain a path or a command: not for a process of another user. */
	const char *locator = n->via != VS_DOOR_APART ? iface->locator : NULL;
	const struct vs_watch_totals *w = vs_watchers_totals(vs_watchers_of(&pump->watchers));
	(void)snprintf(call->text, sizeof(call->text),
		       "%u %llu %llu %llu %llu %llu %llu %u %u %u %llu %llu%s%s", offloads, s->tx_frames,
		       s->tx_dropped + iface->tx_lost, s->tx_refused, s->rx_frames, s->rx_writes,
		       s->rx_dropped, iface->reconnected, w->captures, w->taps, w->captured, w->uncaptured,
		       locator != NULL ? "\n" : "", locator != NULL ? locator : "");
	vs_call_reply(n->keeper, call, 0, call->text, NULL, 0);
}

static void do_frames(struct vs_net *n)
{
	struct vs_call *call = n->call;

	struct vs_iface *iface = vs_net_find_iface(n);
	if (call->req.op == VS_OP_CAPTURE)
		vs_capture_request(n, iface);
	else
		vs_wiretap_request(n, iface);
}

static void do_add(struct vs_net *n)
{
	(void)vs_net_add(n);
}

static void do_sources(struct vs_net *n)
{
	(void)vs_net_iface_request(n, vs_sources_request);
}

/* ------------------------------------------------------------------ which request is served where */

/*
 * What can be requested at doors that were made for other processes, whatever these know: at doors apart, at
 * attached doors. At a full one everything can be requested.
 */
#define APART (1U << VS_DOOR_APART)
#define ATTACHED (1U << VS_DOOR_ATTACHED)

static const struct request {
	uint32_t op;
	unsigned doors;
	void (*serve)(struct vs_net *n); /* answers, or passes the call on */
} requests[] = {
	{ VS_OP_MSOCKET, APART | ATTACHED, do_msocket },
	{ VS_OP_CHANNEL, APART | ATTACHED, do_channel },
	{ VS_OP_ENTRY, ATTACHED, do_entry },
	{ VS_OP_SYSCTL_GET, APART | ATTACHED, vs_sysctl_do },
	{ VS_OP_SYSCTL_SET, 0, vs_sysctl_do },
	{ VS_OP_EVENTS, APART | ATTACHED, do_events },
	{ VS_OP_CARRIER, 0, do_carrier },
	{ VS_OP_IMPAIR, ATTACHED, vs_impair_request },
	{ VS_OP_IMPAIRED, APART | ATTACHED, vs_impair_request },
	{ VS_OP_FLAP, ATTACHED, vs_impair_request },
	{ VS_OP_SECRET, 0, vs_regain_tell_secret },
	{ VS_OP_NAME, 0, do_name },
	{ VS_OP_PASS, APART, do_pass },
	{ VS_OP_RECEIVE, APART | ATTACHED, do_receive },
	{ VS_OP_STATS, APART | ATTACHED, do_stats },
	{ VS_OP_KEEPER_STATS, ATTACHED, vs_keeper_stats_request },
	{ VS_OP_CAPTURE, ATTACHED, do_frames },
	{ VS_OP_WIRETAP, ATTACHED, do_frames },
	{ VS_OP_SOURCES, 0, do_sources },
	{ VS_OP_SOURCES_WAIT, APART | ATTACHED, do_sources },
	{ VS_OP_LEARNED, APART | ATTACHED, do_sources },
	{ VS_OP_ADD, 0, do_add },
	{ VS_OP_REMOVE, 0, vs_net_remove },
};

static const struct request *find_request(uint32_t op)
{
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
		if (requests[i].op == op)
			return &requests[i];
	return NULL;
}

static const char not_there[] =
	"this handle stands for a stack of another process, and can only make sockets and read; ask the "
	"process that made the stack";

void vs_net_serve(struct vs_net *n)
{
	const struct request *request = find_request(n->call->req.op);
	unsigned doors = request != NULL ? request->doors : 0;

	if (n->call->reply >= 0 && !vs_auth_takes_replies(n->keeper, n->call, n->call->reply)) {
		atomic_fetch_add(&n->keeper->counts.refused, 1);
		vs_call_drop(n->call); /* without a reply, which may not be sent there */
		return;
	}
	if (n->call->req.op != VS_OP_MSOCKET && n->call->req.op != VS_OP_CHANNEL)
		n->call->refusal = vs_auth_refusal(n->keeper, n->call);
	if (n->via != VS_DOOR_FULL && (doors & (1U << n->via)) == 0) {
		atomic_fetch_add(&n->keeper->counts.refused, 1);
		vs_call_reply(n->keeper, n->call, -EPERM, not_there, NULL, 0);
	} else if (request == NULL) {
		vs_call_reply(n->keeper, n->call, -ENOSYS, "the keeper does not know this request", NULL, 0);
	} else {
		request->serve(n);
	}
	vs_call_drop(n->call);
}
