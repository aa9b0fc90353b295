/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "mover.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "count.h"
#include "impaired.h"
#include "link.h"
#include "pump.h"
#include "rx.h"
#include "tx.h"

#define LOOK_NS 100000000 /* while frames are impaired: the settings may have changed */

struct vs_mover *vs_mover_new(struct vs_pump *pump, bool sends, bool receives)
{
	struct vs_mover *w = calloc(1, sizeof(*w));
	int data = pump->link->data_fd, control = pump->link->control_fd;

	if (w == NULL)
		return NULL;
	w->pump = pump;
	w->sends = sends;
	w->receives = receives;
	w->due_ns = INT64_MAX;
	w->on[VS_ON_DEVICE] = (struct pollfd){ .fd = sends ? pump->device.fd : -1, .events = POLLIN };
	w->on[VS_ON_LINK] = (struct pollfd){ .fd = receives ? data : -1, .events = POLLIN };
	w->on[VS_ON_CONTROL] = (struct pollfd){ .fd = receives && control != data ? control : -1,
						.events = POLLIN | POLLRDHUP };
	w->on[VS_ON_WAKE] = (struct pollfd){ .fd = pump->wake, .events = POLLIN };
	return w;
}

void vs_mover_free(struct vs_mover *w)
{
	if (w == NULL)
		return;
	vs_tx_free(w->tx);
	vs_rx_free(w->rx);
	free(w);
}

/* ------------------------------------------------------------------ moving frames */

/* Takes a socket's pending error, so that it causes no further wake-up. False: not a socket. */
static bool take_error(int fd)
{
	int err;
	socklen_t len = sizeof(err);

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) == 0;
}

/* False: the link is dead. */
static bool move_rx(struct vs_mover *w)
{
	const struct pollfd *p = w->on;

	if (p[VS_ON_CONTROL].revents != 0) /* nothing is ever sent there: an event is its end */
		return false;
	if (p[VS_ON_LINK].revents & POLLIN) {
		bool alive = vs_rx_burst(w->rx) >= 0;
		vs_rx_pass(w->rx);
		return alive;
	}
	if (w->rx != NULL)
		vs_rx_pass(w->rx);
	if (p[VS_ON_LINK].revents == POLLERR)
		return take_error(p[VS_ON_LINK].fd); /* a peer that is not there now */
	return (p[VS_ON_LINK].revents & (POLLHUP | POLLNVAL)) == 0;
}

/* False: the link is dead, or the device is gone. */
static bool move_tx(struct vs_mover *w)
{
	if (vs_tx_pending(w->tx))
		return vs_tx_resume(w->tx) && vs_tx_pass(w->tx);
	if (!vs_tx_check_device(w->tx))
		return false;
	if (w->on[VS_ON_DEVICE].revents != 0 && !vs_tx_burst(w->tx))
		return false;
	return vs_tx_pass(w->tx);
}

static bool is_impaired(const struct vs_mover *w, enum vs_direction direction)
{
	return vs_impaired(w->pump, direction) != NULL;
}

/*
 * Makes the buffers that this turn needs. An impairment needs turns of its direction without a frame, too: so
 * it notices that it has been ended.
 */
static bool prepare(struct vs_mover *w)
{
	bool rx = w->receives && ((w->on[VS_ON_LINK].revents & POLLIN) != 0 || is_impaired(w, VS_RX));
	bool tx = w->sends && (w->on[VS_ON_DEVICE].revents != 0 || is_impaired(w, VS_TX));

	if (rx && w->rx == NULL)
		w->rx = vs_rx_new(w->pump);
	if (tx && w->tx == NULL)
		w->tx = vs_tx_new(w->pump);
	return (!rx || w->rx != NULL) && (!tx || w->tx != NULL);
}

/* No memory for buffers: frames are lost as on a full network. If they stayed, it would not sleep again. */
static enum vs_mover_state discard(struct vs_mover *w)
{
	struct vs_pump *pump = w->pump;
	const struct pollfd *p = w->on;
	unsigned char bytes[64];
	struct iovec frame = { bytes, sizeof(bytes) };
	int n = 0;

	if (w->receives && (p[VS_ON_LINK].revents & POLLIN))
		n = pump->link->ops->recv(pump->link, &frame, 1);
	if (n < 0 || p[VS_ON_CONTROL].revents != 0 || (p[VS_ON_LINK].revents & (POLLHUP | POLLNVAL)) != 0)
		return VS_MOVER_DEAD;
	count(&pump->stats.rx_dropped, (size_t)n);
	if (w->sends && !vs_mover_is_pending(w) && p[VS_ON_DEVICE].revents != 0) {
		if (read(pump->device.fd, bytes, sizeof(bytes)) > 0)
			count(&pump->stats.tx_dropped, 1);
		else if (pump->device.ops->gone(&pump->device))
			return VS_MOVER_NO_DEVICE;
	}
	return VS_MOVER_GOES_ON;
}

enum vs_mover_state vs_mover_move(struct vs_mover *w)
{
	bool alive = true;

	/* `wake` may stand in the place of the device: it must not be read when the pump is to end. */
	if (atomic_load(&w->pump->state) != VS_PUMP_RUNNING)
		return w->state = VS_MOVER_STOPPED;
	if (!prepare(w))
		return w->state = discard(w);
	w->moved = w->moved || w->on[VS_ON_DEVICE].revents != 0 || w->on[VS_ON_LINK].revents != 0;
	if (w->receives)
		alive = move_rx(w);
	if (alive && w->tx != NULL)
		alive = move_tx(w);
	/* A turn that began before the state changed may have read `wake` in the place of the device. */
	if (alive && atomic_load(&w->pump->state) != VS_PUMP_RUNNING)
		w->state = VS_MOVER_STOPPED;
	else if (!alive)
		w->state = w->tx != NULL && vs_tx_device_gone(w->tx) ? VS_MOVER_NO_DEVICE : VS_MOVER_DEAD;
	return w->state;
}

/* ------------------------------------------------------------------ what it waits for */

bool vs_mover_is_pending(const struct vs_mover *w)
{
	return w->tx != NULL && vs_tx_pending(w->tx);
}

bool vs_mover_wants_room(const struct vs_mover *w)
{
	return vs_mover_is_pending(w) && !vs_tx_pauses(w->tx);
}

bool vs_mover_has_more(const struct vs_mover *w)
{
	return w->receives && w->pump->link->more;
}

static int64_t shorter_ns(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* When the next frame that is impaired is due; INT64_MAX: none waits. */
static int64_t next_due_ns(const struct vs_mover *w)
{
	int64_t tx = w->tx != NULL && !vs_tx_pending(w->tx) ? vs_tx_due_ns(w->tx) : INT64_MAX;
	int64_t rx = w->rx != NULL ? vs_rx_due_ns(w->rx) : INT64_MAX;

	return shorter_ns(tx, rx);
}

bool vs_mover_is_timed(const struct vs_mover *w)
{
	return vs_mover_is_pending(w) || next_due_ns(w) != INT64_MAX;
}

int64_t vs_mover_limit_ns(const struct vs_mover *w, int64_t now_ns)
{
	int64_t limit = vs_mover_is_pending(w) ? vs_tx_patience_ns(w->tx) : INT64_MAX;
	int64_t check_ms = w->tx != NULL ? vs_tx_check_ms(w->tx) : -1;
	int64_t due = next_due_ns(w);

	if (check_ms >= 0)
		limit = shorter_ns(limit, check_ms * 1000000);
	if (due != INT64_MAX)
		limit = shorter_ns(limit, shorter_ns(due - now_ns, LOOK_NS));
	return limit > 0 ? limit : 0;
}

static bool is_impaired_at_all(const struct vs_mover *w)
{
	return (w->sends && is_impaired(w, VS_TX)) || (w->receives && is_impaired(w, VS_RX));
}

bool vs_mover_was_round_trip(const struct vs_mover *w)
{
	return (!w->sends || (w->tx != NULL && vs_tx_was_single(w->tx))) &&
	       (!w->receives || (w->rx != NULL && vs_rx_was_single(w->rx))) && !is_impaired_at_all(w);
}

bool vs_mover_rest(struct vs_mover *w)
{
	bool moved = w->moved;

	w->moved = false;
	if (moved || vs_mover_is_timed(w) || (w->tx != NULL && vs_tx_check_ms(w->tx) >= 0))
		return false;
	if (is_impaired_at_all(w)) /* it may have frames in the buffers; no wake-ups for that */
		return true;
	vs_tx_free(w->tx);
	vs_rx_free(w->rx);
	w->tx = NULL;
	w->rx = NULL;
	return true;
}
