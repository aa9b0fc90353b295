/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Input: a byte of switches, then what follows a request about impairment. The keeper's code serves it on an
 * interface of a kind that only remembers. For every input: there is one reply; what reaches the interface
 * has passed the check and has seeds; what is refused has changed nothing, its group included.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <fuzz.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "config/impair.h"
#include "keeper/call.h"
#include "keeper/iface.h"
#include "keeper/impair_requests.h"
#include "keeper/keeper.h"
#include "keeper/net.h"
#include "pump/impair.h"
#include "wire/fdmsg.h"
#include "wire/impair.h"

enum { FILL = 1, OP = 6, NAME = 8, REFUSED = 16, ATTACHED = 32, FAILS = 64, NO_KIND = 128 }; /* switches */

static struct {
	struct vdestack_impairment tx, rx;
	int group, fails;
	unsigned changes;
} in_force;

static void check_settings(const struct vdestack_impairment *s)
{
	const char *why;

	CHECK(s->size == sizeof(*s) && s->seed != 0 && vs_impair_check(s, &why) == 0);
}

static int impair(struct vs_iface *iface, const struct vdestack_impairment *tx,
		  const struct vdestack_impairment *rx)
{
	(void)iface;
	if (in_force.fails)
		return vs_fail(ENOMEM, "no memory");
	in_force.changes++;
	if (tx != NULL) {
		check_settings(tx);
		in_force.tx = *tx;
	}
	if (rx != NULL) {
		check_settings(rx);
		in_force.rx = *rx;
	}
	return 0;
}

static void impaired(struct vs_iface *iface, struct vdestack_impairment *tx, struct vdestack_impairment *rx,
		     struct vdestack_impair_stats *tx_stats, struct vdestack_impair_stats *rx_stats)
{
	(void)iface;
	*tx = in_force.tx;
	*rx = in_force.rx;
	memset(tx_stats, 0, sizeof(*tx_stats));
	memset(rx_stats, 0, sizeof(*rx_stats));
}

static int group(struct vs_iface *iface, int to)
{
	int before = in_force.group;

	(void)iface;
	CHECK(to <= VS_WIRE_GROUP_MAX);
	if (to >= 0)
		in_force.group = to;
	return before;
}

static int flap(struct vs_iface *iface)
{
	(void)iface;
	return 0;
}

static bool is_gone(struct vs_iface *iface)
{
	(void)iface;
	return false;
}

/* The bytes of the input, and for FILL all that is missing of a whole request. */
static void fill_text(struct vs_call *call, unsigned switches, const uint8_t *data, size_t size)
{
	call->text_len = size < VS_TEXT_MAX ? size : VS_TEXT_MAX;
	memcpy(call->text, data, call->text_len);
	if (switches & FILL) {
		struct vs_wire_impair change = { .group = VS_WIRE_GROUP_KEEP };
		memcpy(&change, data, size < sizeof(change) ? size : sizeof(change));
		change.tx.fields &= VS_IMPAIR_ALL;
		change.rx.fields &= VS_IMPAIR_ALL;
		memcpy(call->text, &change, sizeof(change));
		call->text_len = sizeof(change);
	}
	call->text[call->text_len] = '\0';
}

static int reply_of(int channel, unsigned op)
{
	struct vs_reply reply = { 0 };
	char text[VS_TEXT_MAX];
	struct iovec iov[] = { { &reply, sizeof(reply) }, { text, sizeof(text) } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
	ssize_t n = recvmsg(channel, &msg, MSG_DONTWAIT);

	CHECK(n >= (ssize_t)sizeof(reply) && reply.type == VS_REPLY_TYPE);
	CHECK(reply.result <= 0);
	CHECK(reply.result < 0 || n == (ssize_t)(sizeof(reply) + sizeof(struct vs_wire_impaired)));
	CHECK(reply.result == 0 || n > (ssize_t)sizeof(reply) || op != VS_OP_IMPAIR); /* it has a message */
	CHECK(recv(channel, text, 1, MSG_DONTWAIT) < 0);
	return reply.result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct vs_iface_kind full = { .gone = is_gone, .impair = impair, .impaired = impaired,
						   .group = group, .flap = flap },
					  bare = { .gone = is_gone };
	static const uint32_t ops[] = { VS_OP_IMPAIR, VS_OP_IMPAIR, VS_OP_IMPAIRED, VS_OP_FLAP };
	static struct vs_keeper keeper;
	struct vs_iface iface = { .kind = &full, .name = "vde0" };
	struct vs_net net = { .keeper = &keeper, .ifaces = &iface, .via = VS_DOOR_FULL };
	int pair[2];

	if (size < 1)
		return 0;
	unsigned switches = data[0];
	struct vs_call *call = vs_call_new();
	CHECK(call != NULL && vs_socketpair(pair) == 0);
	memset(&in_force, 0, sizeof(in_force));
	in_force.tx.size = in_force.rx.size = sizeof(in_force.tx);
	in_force.group = 7;
	in_force.fails = (switches & FAILS) != 0;
	if (switches & NO_KIND)
		iface.kind = &bare;
	call->req = (struct vs_request){ .version = VS_WIRE_VERSION, .op = ops[(switches & OP) >> 1] };
	memset(call->req.iface.name, 'x', sizeof(call->req.iface.name)); /* no NUL */
	if ((switches & NAME) == 0)
		memcpy(call->req.iface.name, "vde0", 5);
	call->reply = pair[1];
	call->refusal = switches & REFUSED ? "refused" : NULL;
	net.via = switches & ATTACHED ? VS_DOOR_ATTACHED : VS_DOOR_FULL;
	net.call = call;
	fill_text(call, switches, data + 1, size - 1);
	vs_impair_request(&net);
	int r = reply_of(pair[0], call->req.op);
	CHECK(r == 0 || r == -EINVAL || r == -ENODEV || r == -EPERM || r == -ENOTSUP || r == -ENOMEM);
	CHECK(r == 0 || (in_force.changes == 0 && in_force.group == 7));
	CHECK((switches & NAME) == 0 || r == -ENODEV);
	bool changes = call->req.op != VS_OP_IMPAIRED;
	CHECK(!changes || (switches & (REFUSED | ATTACHED)) != REFUSED || r < 0);
	vs_call_drop(call);
	free(call);
	close(pair[0]);
	return 0;
}
