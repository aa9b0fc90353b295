/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The doors of a stack: those of processes that close them and come back, and those that are passed on.
 *
 * A process that comes back gets a new door at the side door (side_door.c). The stack may have several doors
 * then: another process of the program may still have the first one. A networking thread with one door sleeps
 * in recvmsg(2) on it, as always. With more it sleeps in poll(2). Without a door it waits as long as a
 * process may come back (wire/claims.h).
 *
 * The networking thread cannot watch for new doors while it sleeps in recvmsg(2). So the main thread
 * interrupts it by a signal, which makes the call fail with EINTR. The signal may come just before the call
 * begins. So it is repeated until the thread has taken its doors. Requests wait in the door meanwhile.
 *
 * A door that was made to look at the stack from outside does not keep it: with nothing but such doors the
 * stack is without a door, and they are not served.
 */

#include "regain.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "call.h"
#include "claims.h"
#include "keeper.h"
#include "net.h"
#include "variant.h"
#include "wire/fdmsg.h"
#include "wire/messages.h"

#define AGAIN_MS 2     /* until the next signal to a thread that has not taken its doors */
#define FIRST_MS 10    /* without a door: until the first check whether the program's memory is gone */
#define ATTACHED_MAX (VS_DOORS_MAX / 2) /* doors of other programs that a stack may have */
#define APART_ROOM 16  /* places that doors apart leave, so that processes of the program can come back */
#define MOST_MS 1000   /* the time between two checks doubles up to this */

/* ------------------------------------------------------------------ main thread */

static struct vs_net *find_locked(struct vs_keeper *k, uint64_t id)
{
	struct vs_net *n = k->nets;

	while (n != NULL && n->id != id)
		n = n->next;
	return n;
}

static bool has_room_locked(const struct vs_net *n, unsigned more)
{
	return n->n_doors + n->n_joining + more < VS_COUNT(n->joining);
}

static int join_locked(struct vs_net *n, int fd, enum vs_door kind)
{
	if (!has_room_locked(n, 0))
		return -EBUSY;
	n->joining[n->n_joining++] = (struct vs_net_door){ fd, kind };
	return 0;
}

int vs_regain_join(struct vs_keeper *k, const struct vs_wanted_door *wanted, int fd)
{
	pthread_mutex_lock(&k->lock);
	struct vs_net *n = find_locked(k, wanted->stack);
	bool may = n != NULL && vs_side_door_same(n->secret, wanted->secret);
	int r = may ? join_locked(n, fd, VS_DOOR_FULL) : -ENETDOWN;
	pthread_mutex_unlock(&k->lock);
	k->joins = k->joins || r == 0;
	return r;
}

int vs_regain_attach(struct vs_keeper *k, uint64_t stack, int fd)
{
	unsigned others = 0;

	pthread_mutex_lock(&k->lock);
	struct vs_net *n = find_locked(k, stack);
	for (unsigned i = 0; n != NULL && i < n->n_joining; i++)
		others += n->joining[i].kind == VS_DOOR_ATTACHED;
	if (n != NULL)
		others += n->n_doors - n->n_keeping;
	/* Others cannot take the places of the program's own processes. */
	int r = n == NULL || n->unregistered ? -ENETDOWN
		: others >= ATTACHED_MAX     ? -EBUSY
					     : join_locked(n, fd, VS_DOOR_ATTACHED);
	pthread_mutex_unlock(&k->lock);
	k->joins = k->joins || r == 0;
	return r;
}

int vs_regain_check(struct vs_keeper *k)
{
	if (!k->joins)
		return -1;
	k->joins = false;
	pthread_mutex_lock(&k->lock);
	for (struct vs_net *n = k->nets; n != NULL; n = n->next) {
		if (n->n_joining == 0)
			continue;
		k->variant->interrupt(n->thread, 0, 0); /* it is on the list, so the thread has not ended */
		k->joins = true;
	}
	pthread_mutex_unlock(&k->lock);
	return k->joins ? AGAIN_MS : -1;
}

/* ------------------------------------------------------------------ networking thread */

void vs_regain_begin(struct vs_net *n)
{
	struct vs_keeper *k = n->keeper;

	if (k->variant->same_process)
		return;
	n->thread = pthread_self();
	k->variant->accept_interrupts();
	pthread_mutex_lock(&k->lock);
	n->next = k->nets;
	n->prev = &k->nets;
	if (k->nets != NULL)
		k->nets->prev = &n->next;
	k->nets = n;
	pthread_mutex_unlock(&k->lock);
}

/* Draws the stack's secret if that is still to be done. 0 or -errno. */
static int get_secret_locked(struct vs_net *n, uint64_t secret[2])
{
	if ((n->secret[0] | n->secret[1]) == 0 &&
	    getrandom(n->secret, sizeof(n->secret), GRND_NONBLOCK) != (ssize_t)sizeof(n->secret))
		return -EAGAIN; /* early at boot, as for the side door */
	memcpy(secret, n->secret, sizeof(n->secret));
	return 0;
}

void vs_regain_tell_secret(struct vs_net *n)
{
	uint64_t secret[2] = { 0 };

	pthread_mutex_lock(&n->keeper->lock);
	int r = get_secret_locked(n, secret);
	pthread_mutex_unlock(&n->keeper->lock);
	struct vs_reply reply = { .type = VS_REPLY_TYPE, .result = r, .seq = n->call->req.seq };
	struct vs_fdmsg msg = {
		.iov = { { &reply, sizeof(reply) }, { secret, sizeof(secret) } },
		.n_iov = r < 0 ? 1 : 2,
	};
	if (n->call->reply >= 0)
		(void)vs_fdmsg_send(n->call->reply, &msg, MSG_DONTWAIT); /* if it fails: end of file */
}

/* Also more than once. */
static void unlist_locked(struct vs_net *n)
{
	if (n->prev == NULL)
		return;
	*n->prev = n->next;
	if (n->next != NULL)
		n->next->prev = n->prev;
	n->prev = NULL;
}

void vs_regain_end(struct vs_net *n)
{
	pthread_mutex_lock(&n->keeper->lock);
	unlist_locked(n);
	pthread_mutex_unlock(&n->keeper->lock);
	/* no other thread finds it now */
	while (n->n_joining > 0)
		vs_close(n->joining[--n->n_joining].fd);
	while (n->n_doors > 0)
		vs_close(n->doors[--n->n_doors].fd);
}

/* There is room. */
static void take_locked(struct vs_net *n, struct vs_net_door door)
{
	n->doors[n->n_doors++] = door;
	n->n_keeping += door.kind != VS_DOOR_ATTACHED;
}

static void take_joining(struct vs_net *n)
{
	pthread_mutex_lock(&n->keeper->lock);
	while (n->n_joining > 0)
		take_locked(n, n->joining[--n->n_joining]); /* join_locked() has checked the room */
	pthread_mutex_unlock(&n->keeper->lock);
}

static void close_door(struct vs_net *n, unsigned i)
{
	vs_close(n->doors[i].fd);
	pthread_mutex_lock(&n->keeper->lock);
	n->n_keeping -= n->doors[i].kind != VS_DOOR_ATTACHED;
	n->doors[i] = n->doors[--n->n_doors];
	pthread_mutex_unlock(&n->keeper->lock);
}

int vs_regain_pass(struct vs_net *n, int *others_end)
{
	int pair[2];
	int r = vs_socketpair(pair);

	if (r < 0)
		return r;
	r = vs_auth_watch(n->keeper, pair[0]);
	pthread_mutex_lock(&n->keeper->lock);
	if (r == 0 && !has_room_locked(n, APART_ROOM))
		r = -EBUSY;
	if (r == 0)
		take_locked(n, (struct vs_net_door){ pair[0], VS_DOOR_APART });
	pthread_mutex_unlock(&n->keeper->lock);
	if (r < 0) {
		vs_close(pair[0]);
		vs_close(pair[1]);
		return r;
	}
	*others_end = pair[1];
	return 0;
}

/* Whether a process of the program has come back. */
static bool has_keeping_locked(const struct vs_net *n)
{
	for (unsigned i = 0; i < n->n_joining; i++)
		if (n->joining[i].kind != VS_DOOR_ATTACHED)
			return true;
	return false;
}

/*
 * Without a door. True: a process has come back. False: the stack ends, and from now on no process can come
 * back.
 */
static bool await_door(struct vs_net *n)
{
	struct vs_keeper *k = n->keeper;
	int wait_ms = FIRST_MS;

	for (;;) {
		enum vs_claim claim = vs_claims_ask(atomic_load(&k->claims), n->id);
		pthread_mutex_lock(&k->lock);
		bool back = has_keeping_locked(n);
		if (!back && claim != VS_CLAIM_KEPT)
			unlist_locked(n);
		pthread_mutex_unlock(&k->lock);
		if (back || claim != VS_CLAIM_KEPT)
			return back;
		(void)poll(NULL, 0, wait_ms); /* the main thread interrupts it */
		wait_ms = 2 * wait_ms < MOST_MS ? 2 * wait_ms : MOST_MS;
	}
}

/* The number of a door with a request or an end of file. -1: interrupted. */
static int await_any(struct vs_net *n)
{
	struct pollfd doors[VS_DOORS_MAX];

	for (unsigned i = 0; i < n->n_doors; i++)
		doors[i] = (struct pollfd){ .fd = n->doors[i].fd, .events = POLLIN };
	if (poll(doors, n->n_doors, -1) <= 0)
		return -1;
	for (unsigned i = 0; i < n->n_doors; i++) /* each in turn, so that none waits for ever */
		if (doors[(n->turn + i) % n->n_doors].revents != 0)
			return (int)(n->turn = (n->turn + i) % n->n_doors);
	return -1;
}

static int recv_one(struct vs_net *n, int i)
{
	n->call->msg.interruptible = true;
	int r = vs_call_recv(n->doors[i].fd, n->call, n->n_doors > 1 ? MSG_DONTWAIT : 0);
	n->via = n->doors[i].kind;
	n->turn++;
	if (r > 0 || r == -EPROTO)
		vs_keeper_count_request(n->keeper, r > 0);
	return r;
}

int vs_regain_recv(struct vs_net *n)
{
	for (;;) {
		if (atomic_load_explicit(&n->n_joining, memory_order_relaxed) > 0)
			take_joining(n);
		if (n->n_keeping == 0 && !await_door(n))
			return 0;
		if (n->n_keeping == 0)
			continue;
		int i = n->n_doors > 1 ? await_any(n) : 0;
		int r = i < 0 ? -EINTR : recv_one(n, i);
		if (r > 0 || r == -EPROTO)
			return r;
		if (r != -EINTR && r != -EAGAIN)
			close_door(n, (unsigned)i);
	}
}
