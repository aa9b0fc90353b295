/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Doors that this process gets back.
 *
 * A program may close all descriptors that it does not know (closefrom(3)), and their numbers may be those of
 * other files by then. Nothing notices that before the next call: it finds that the door's number is no
 * longer that socket. If the stack has been a default, its keeper has kept it (wire/claims.h). Then the call
 * requests a new door at the keeper's side door, and goes on with that:
 *
 *     a door in this process, as the next call finds it
 *       OPEN    the number is that socket                    nothing to do
 *       CUT     it is, but its other end is closed           the stack or the keeper has ended: ENETDOWN
 *       LOST    the number is nothing, or another file's     a new door, or ENETDOWN with the remedy
 *
 * The old number is never closed. The new door gets a number as every other one. The handle stays the same,
 * because it leads to the slot. Reply channels are opened again when they are needed, as always.
 *
 * Threads of this process do that one after the other: the first gets the door, the others find it open. The
 * lock is in memory that a forked child finds zeroed, and it is taken with all signals blocked. A child that
 * was forked in between has the old number or the new one. With the old one it gets a door of its own.
 *
 * Readers of a slot's door take no lock. They may see the old number with the new cookie, or the reverse, and
 * then find the door lost. They come here, and wait for the lock.
 *
 * A sealed process has no key, and a new door does not change that. A process that has given up privileges
 * gets a door, as it had one before. The keeper checks each request as before.
 */

#include "regain.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "handle.h"
#include "keepers.h"
#include "numbers.h"
#include "process.h"
#include "wire/claims.h"
#include "wire/messages.h"

#define WAIT_MS 5000
#define BUSY_MS 5 /* between requests while the stack has too many doors */

static const char closed[] =
	"the program has closed the descriptors of this library, and the stack has ended; make stacks after "
	"that, or make the stack a default stack before (\"Programs that close all descriptors\" in "
	"vdestack(7))";

static const char not_kept[] =
	"the program has closed the descriptors of this library, and the stack has ended, as a default stack "
	"is not kept with VDESTACK_INPROCESS, without memory files, or for a process that has received it; "
	"make or receive stacks after that";

static const char out_of_reach[] =
	"the program has closed the descriptors of this library, and its keeper cannot be reached: it has "
	"ended, another process has deleted the stack, too many processes request new descriptors of it, or "
	"this process is in another network or PID namespace; make a new stack";

const char *vs_regain_why(const struct vs_sock *door, enum vs_slot_kept kept)
{
	static const char *const lost[] = { [VS_SLOT_NO_DEFAULT] = closed,
					    [VS_SLOT_NOT_KEPT] = not_kept,
					    [VS_SLOT_KEPT] = out_of_reach };

	return vs_sock_valid(door) ? vs_keepers_gone : lost[kept];
}

/* Sends it. There may be no room for a moment. */
static int send_there(int fd, const struct vs_fdmsg *msg, int64_t deadline)
{
	struct pollfd room = { .fd = fd, .events = POLLOUT };
	int r;

	while ((r = vs_fdmsg_send(fd, msg, MSG_DONTWAIT)) == -EAGAIN && vs_left_ms(deadline) > 0)
		(void)poll(&room, 1, vs_left_ms(deadline));
	return r;
}

/* What a reply has besides its head. */
struct answer {
	void *text;
	size_t text_len;
	size_t n_fds; /* 0 or 1 */
};

/* Takes the reply, when the keeper has sent it. Its descriptor, 0 if it has none to have, or -errno. */
static int take_reply(const struct vs_keeper_link *k, int fd, const struct answer *answer, int64_t deadline)
{
	struct vs_reply reply;
	struct vs_fdmsg msg = { .iov = { { &reply, sizeof(reply) }, { answer->text, answer->text_len } },
				.n_iov = 2 };
	struct pollfd word = { .fd = fd, .events = POLLIN };

	while (poll(&word, 1, vs_left_ms(deadline)) < 0 && errno == EINTR)
		;
	ssize_t len = vs_fdmsg_recv(fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	bool its = len >= (ssize_t)sizeof(reply) && reply.type == VS_REPLY_TYPE && msg.creds.pid == k->pid &&
		   msg.creds.uid == k->uid;
	if (its && reply.result == 0 && msg.n_fds == answer->n_fds &&
	    (size_t)len == sizeof(reply) + answer->text_len)
		return msg.n_fds > 0 ? msg.fds[0] : 0;
	vs_fdmsg_drop(&msg);
	return !its ? -ENETDOWN : reply.result < 0 ? reply.result : -EMFILE;
}

/*
 * Sends a request with a reply channel of its own at this door. Returns as take_reply(). msg has the
 * request, without descriptors.
 */
static int request(const struct vs_keeper_link *k, int door, struct vs_fdmsg *msg,
		   const struct answer *answer)
{
	int64_t deadline = vs_deadline_ms(WAIT_MS);
	int pair[2], on = 1;
	int r = vs_socketpair(pair);

	if (r < 0)
		return r;
	msg->fds[0] = pair[1];
	msg->n_fds = 1;
	if (setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0)
		r = -errno;
	if (r == 0)
		r = send_there(door, msg, deadline);
	vs_close(pair[1]);
	if (r == 0)
		r = take_reply(k, pair[0], answer, deadline);
	vs_close(pair[0]);
	return r;
}

int vs_regain_request_page(struct vs_keeper_link *k, struct vs_side_door *side)
{
	struct vs_request req = { .version = VS_WIRE_VERSION, .op = VS_OP_CLAIM, .seq = 1 };
	struct vs_fdmsg msg = { .iov = { { &req, sizeof(req) } }, .n_iov = 1 };
	struct vs_sock front = vs_sock_load(&k->front);

	const struct answer answer = { side, sizeof(*side), 1 };

	return vs_sock_valid(&front) ? request(k, front.fd, &msg, &answer) : -ENETDOWN;
}

int vs_regain_request_secret(struct vs_slot *slot)
{
	struct vs_request req = { .version = VS_WIRE_VERSION, .op = VS_OP_SECRET, .seq = 1 };
	struct vs_fdmsg msg = { .iov = { { &req, sizeof(req) } }, .n_iov = 1 };
	struct vs_sock door = vs_sock_load(&slot->door);
	uint64_t secret[2];
	const struct answer answer = { secret, sizeof(secret), 0 };
	const struct vs_keeper_link *k = atomic_load(&slot->keeper);
	int r = vs_sock_valid(&door) ? request(k, door.fd, &msg, &answer) : -ENETDOWN;

	if (r == 0)
		memcpy(slot->secret, secret, sizeof(secret));
	return r;
}

/* Requests that door. The descriptor, or -errno. */
static int request_door(const struct vs_keeper_link *k, const struct vs_wanted_door *wanted)
{
	struct vs_request req = { .version = VS_WIRE_VERSION, .op = VS_OP_REGAIN, .seq = 1 };
	struct vs_fdmsg msg = {
		.iov = { { &req, offsetof(struct vs_request, key) },
			 { (void *)k->side.secret, sizeof(k->side.secret) },
			 { (void *)wanted, sizeof(*wanted) } },
		.n_iov = 3,
	};
	struct sockaddr_un address;
	socklen_t len = vs_side_door_address(&k->side, &address);
	const struct answer door = { .n_fds = 1 };
	VS_AUTO_CLOSE fd = (int)syscall(SYS_socket, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&address, len) < 0)
		return -ENETDOWN;
	return request(k, fd, &msg, &door);
}

/* Stores a new door of the keeper in *door. */
static int replace(const struct vs_keeper_link *k, const struct vs_wanted_door *wanted, struct vs_sock *door)
{
	struct timeval limit = { .tv_sec = WAIT_MS / 1000 };
	int64_t deadline = vs_deadline_ms(WAIT_MS);
	int fd;

	/* Doors of processes that have ended count until the stack has noticed. */
	while ((fd = request_door(k, wanted)) == -EBUSY && vs_left_ms(deadline) > 0)
		(void)poll(NULL, 0, BUSY_MS);
	if (fd < 0)
		return fd;
	int r = vs_fd_raise(&fd, vs_numbers_floor());
	if (r < 0)
		return r;
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	vs_sock_close(door); /* a front door whose place another process's has taken */
	vs_sock_store(door, fd);
	return 0;
}

bool vs_regain(struct vs_slot *slot, const struct vs_sock *used)
{
	struct vs_process *p = vs_process();
	const struct vs_keeper_link *k = atomic_load(&slot->keeper);
	int saved = errno;
	sigset_t signals;

	if (p == NULL || k == NULL || vs_sock_valid(used) || vs_slot_kept(slot) != VS_SLOT_KEPT)
		return false;
	vs_signals_block(&signals);
	pthread_mutex_lock(&p->regain);
	if (!vs_slot_retired(slot) && !vs_sock_valid(&slot->door)) {
		const struct vs_wanted_door wanted = { slot->id, { slot->secret[0], slot->secret[1] } };
		(void)replace(k, &wanted, &slot->door);
	}
	bool back = vs_sock_valid(&slot->door);
	pthread_mutex_unlock(&p->regain);
	vs_signals_restore(&signals);
	errno = saved;
	return back;
}

struct vs_sock vs_regain_door(struct vs_slot *slot)
{
	struct vs_sock door = vs_sock_load(&slot->door);

	return vs_regain(slot, &door) ? vs_sock_load(&slot->door) : door;
}

bool vs_regain_front(struct vs_keeper_link *k)
{
	struct vs_process *p = vs_process();
	struct vs_claims *page = atomic_load(&k->claims);
	const struct vs_wanted_door front = { .stack = 0 };

	if (p == NULL || page == NULL || !vs_claims_any(page))
		return false;
	pthread_mutex_lock(&p->regain);
	int r = replace(k, &front, &k->front);
	pthread_mutex_unlock(&p->regain);
	return r == 0;
}
