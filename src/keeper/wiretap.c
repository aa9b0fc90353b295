/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A wire tap: a test reads the frames of an interface and writes some.
 *
 *     with a pump:      pump thread ──▶ watch ─────────┐        ┌──▶ device, as if from the network
 *                                                      ▼        │
 *                                            test's socket ◀──▶ thread of the wire tap
 *                                                      ▲        │
 *     on a segment:     packet socket with a ring ─────┘        ├──▶ packet socket, to the peer, the same
 *                                                               └──▶ packet socket in the stack's namespace,
 *                                                                    to the network
 *
 * The socket is a SOCK_SEQPACKET pair, a frame with each message. What the test does not read in time stays
 * in the socket's buffer; what this has no room for is dropped and counted. The hang-up of the test's end
 * ends the wire tap, and so does the end of the interface, after which the test reads an end of file.
 *
 * The thread owns everything but the socket's sending side and `lost`: these belong to the callbacks of the
 * watch, or to the thread itself if there is no pump. A wire tap without traffic causes no wake-ups.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "base/caps.h"
#include "base/cleanup.h"
#include "base/own_socket.h"
#include "base/thread.h"
#include "call.h"
#include "capture.h"
#include "capture_segment.h"
#include "iface.h"
#include "net.h"
#include "pump/link.h"
#include "pump/watch.h"
#include "variant.h"
#include "wire/capture.h"
#include "wire/fdmsg.h"
#include <vdestack/capture.h>

#define RING_BYTES (2 << 20)
#define RETIRE_MS 1
#define FRAME_MAX (65535 + 14 + 4)
#define QUEUE_BYTES (4 << 20) /* of the socket; the system's limit may be less */
#define TURN 64 /* frames of the test that are moved before others get their turn */

struct wiretap {
	struct vs_watcher watch; /* first */
	struct vs_keeper *keeper;
	int flags;             /* VS_WIRETAP_... */
	int socket, wake;
	int network;           /* packet socket for frames to the network; -1 */
	/* An interface on a segment; a counted use. NULL: it has a pump. */
	struct vs_iface *iface;
	struct vs_capture_segment segment;
	bool counted;          /* in the totals of the interface */
	bool isolated;         /* the port is off the bridge because of this wire tap */
	uint32_t lost;         /* frames that no header has counted yet */
	atomic_bool gone;      /* the interface has ended */
	unsigned char buffer[FRAME_MAX + 1];
};

/* ------------------------------------------------------------------ to the test */

static void pass(struct wiretap *t, bool rx, const struct iovec *iov, int n, int64_t time_ns)
{
	struct vdestack_tap_header header = { .direction = rx ? VDESTACK_TAP_RECEIVED : VDESTACK_TAP_SENT,
					      .lost = t->lost,
					      .time_ns = time_ns };
	struct iovec all[3] = { { &header, sizeof(header) } };
	bool headed = (t->flags & VS_WIRETAP_HEADER) != 0;

	if (rx && (t->flags & VS_WIRETAP_RX) == 0)
		return;
	for (int i = 0; i < n; i++)
		all[i + 1] = iov[i];
	struct msghdr message = { .msg_iov = headed ? all : all + 1, .msg_iovlen = (size_t)(n + headed) };
	if (sendmsg(t->socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		t->lost++;
	else if (headed)
		t->lost = 0;
}

static void frame_passes(struct vs_watcher *watch, bool rx, const struct iovec *iov, int n, size_t len,
			 int64_t time_ns)
{
	(void)len;
	pass((struct wiretap *)watch, rx, iov, n, time_ns);
}

static bool segment_frame(void *arg, bool rx, const struct iovec *iov, int n, size_t len, int64_t time_ns)
{
	(void)len;
	pass(arg, rx, iov, n, time_ns);
	return true;
}

static void interface_ended(struct vs_watcher *watch)
{
	struct wiretap *t = (struct wiretap *)watch;

	atomic_store(&t->gone, true);
	(void)eventfd_write(t->wake, 1);
}

/* ------------------------------------------------------------------ from the test */

static void deliver(struct wiretap *t, const unsigned char *frame, size_t len)
{
	/* What the kernel refuses is lost, as on a wire. */
	if (t->network >= 0)
		(void)send(t->network, frame, len, MSG_DONTWAIT);
	else if (t->iface != NULL)
		(void)vs_segment_deliver(t->iface, t->segment.packet, frame, len);
	else
		(void)vs_watcher_deliver(&t->watch, frame, len);
}

/* An empty message reads like the end of file. */
static bool has_hung_up(int socket)
{
	struct pollfd p = { .fd = socket, .events = POLLRDHUP };

	return poll(&p, 1, 0) != 0;
}

/* False: the test has closed its end. */
static bool take_frames(struct wiretap *t)
{
	for (int i = 0; i < TURN; i++) {
		ssize_t n = recv(t->socket, t->buffer, sizeof(t->buffer), MSG_DONTWAIT);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR || errno == ENOBUFS;
		if (n == 0 && has_hung_up(t->socket))
			return false;
		if (n >= VS_FRAME_MIN && n <= FRAME_MAX)
			deliver(t, t->buffer, (size_t)n);
	}
	return true;
}

/* ------------------------------------------------------------------ the thread */

static void wiretap_free(struct wiretap *t)
{
	if (t == NULL)
		return;
	if (t->counted)
		atomic_fetch_sub(&vs_watcher_totals(&t->watch)->taps, 1);
	vs_watcher_leave(&t->watch);
	if (t->isolated)
		(void)vs_segment_isolate(t->iface, false);
	vs_capture_segment_close(&t->segment);
	vs_iface_unref(t->iface);
	vs_close(t->network);
	vs_close(t->socket);
	vs_close(t->wake);
	free(t);
}

static void *wiretap_main(void *arg)
{
	struct wiretap *t = arg;
	struct vs_keeper *k = t->keeper;
	struct pollfd p[] = {
		{ .fd = t->socket, .events = POLLIN },
		{ .fd = t->wake, .events = POLLIN },
		{ .fd = t->segment.view.fd, .events = POLLIN },
	};
	bool open = true;

	(void)prctl(PR_SET_NAME, "vdestack-wire");
	if (!k->variant->same_credentials) /* a bridge is changed, and packets are sent there */
		(void)vs_caps_only(t->iface != NULL ? VS_CAPS_NETWORKING : VS_CAPS_NONE);
	while (open && !atomic_load(&t->gone)) {
		(void)poll(p, VS_COUNT(p), -1);
		if ((p[2].revents & ~POLLIN) != 0)
			vs_capture_segment_calm(&t->segment);
		for (int i = 0; p[2].revents != 0 && i < 4 &&
				vs_capture_segment_read(&t->segment, segment_frame, t); i++)
			;
		if (p[0].revents != 0)
			open = take_frames(t);
	}
	wiretap_free(t);
	vs_keeper_count(k, 0, -1);
	return NULL;
}

/* ------------------------------------------------------------------ the request */

/* In the stack's namespace: it sends on that device, and receives nothing. */
static int open_network(const char *ifname)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET };
	struct ifreq ifr = { 0 };
	VS_AUTO_CLOSE fd = vs_own_socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	memcpy(ifr.ifr_name, ifname, IF_NAMESIZE);
	if (fd < 0 || ioctl(fd, SIOCGIFINDEX, &ifr) < 0)
		return -errno;
	at.sll_ifindex = ifr.ifr_ifindex;
	return bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 ? -errno : vs_steal_fd(&fd);
}

/* A job may be about to make the device. What it has made stays until the watches have ended. */
static bool is_made(struct vs_iface *iface)
{
	if (iface->kind->device == NULL)
		return true;
	pthread_mutex_lock(&iface->keeper->lock);
	bool made = iface->pump.device.fd >= 0;
	pthread_mutex_unlock(&iface->keeper->lock);
	return made;
}

static int prepare(struct wiretap *t, struct vs_iface *iface)
{
	int size = QUEUE_BYTES, r = 0;

	if (!is_made(iface))
		return -ENODEV;
	(void)setsockopt(t->socket, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	t->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (t->wake < 0)
		return -errno;
	if ((t->flags & VS_WIRETAP_TO_NETWORK) != 0)
		r = t->network = open_network(iface->name);
	if (r >= 0)
		r = vs_watcher_join(&iface->pump, &t->watch);
	if (r == 0 && iface->kind->device == NULL) {
		vs_iface_ref(iface);
		t->iface = iface;
		t->segment.writes = t->network < 0;
		r = vs_capture_segment_open(&t->segment, iface, RING_BYTES, RETIRE_MS);
		if (r == 0 && (t->flags & VS_WIRETAP_ALONE) != 0)
			r = vs_segment_isolate(iface, true);
		t->isolated = r == 0 && (t->flags & VS_WIRETAP_ALONE) != 0;
	}
	r = r == 0 ? vs_watcher_begin(&t->watch) : r;
	t->counted = r == 0;
	if (t->counted)
		atomic_fetch_add(&vs_watcher_totals(&t->watch)->taps, 1);
	return r;
}

/* Returns the test's end, or -errno. */
static int begin(struct vs_net *n, struct vs_iface *iface, int flags)
{
	struct wiretap *t = calloc(1, sizeof(*t));
	int pair[2], r = t == NULL ? -ENOMEM : vs_socketpair(pair);

	if (r < 0) {
		free(t);
		return r;
	}
	t->watch = (struct vs_watcher){ .frame = frame_passes,
				      .ended = interface_ended,
				      .isolates = (flags & VS_WIRETAP_ALONE) != 0 };
	t->keeper = n->keeper;
	t->flags = flags;
	t->socket = pair[0];
	t->wake = t->network = t->segment.view.fd = t->segment.packet = -1;
	vs_keeper_count(n->keeper, 0, 1);
	r = prepare(t, iface);
	if (r == 0)
		r = vs_thread_start(wiretap_main, t, NULL);
	if (r == 0)
		return pair[1];
	wiretap_free(t);
	vs_close(pair[1]);
	vs_keeper_count(n->keeper, 0, -1);
	return r;
}

void vs_wiretap_request(struct vs_net *n, struct vs_iface *iface)
{
	int flags = n->call->req.arg[0];
	VS_AUTO_CLOSE fd = -1;

	if (vs_capture_allowed(n, iface) < 0)
		return;
	bool odd = (flags & ~VS_WIRETAP_FLAGS) != 0 ||
		   ((flags & VS_WIRETAP_ALONE) != 0 && (flags & VS_WIRETAP_TO_NETWORK) != 0);
	int r = odd ? -EINVAL : (fd = begin(n, iface, flags));
	vs_call_reply(n->keeper, n->call, r < 0 ? r : 0, r < 0 ? strerror(-r) : NULL, &fd, r < 0 ? 0 : 1);
}
