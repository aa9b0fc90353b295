/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * New doors for processes that have closed theirs.
 *
 * wire/claims.h says which stacks stay when all their doors are closed, and wire/side_door.h who may request
 * a new door. The main thread makes it, sends one end, and gives the other end to the networking thread:
 *
 *     process                   main thread                       networking thread
 *        ├── secret, id ──────▶ side door
 *        │◀── end of new door ──┤
 *        │                      ├── other end, in n->joining ─────▶ taken
 *        ├── requests ──────────┼───────────────────────────────────▶ served
 *
 * A stack may have several doors then: another process of the program may still have the first one. A
 * networking thread with one door sleeps in recvmsg(2) on it, as always. With more it sleeps in poll(2).
 *
 * The networking thread cannot watch for new doors while it sleeps in recvmsg(2). So the main thread
 * interrupts it by a signal, which makes the call fail with EINTR. The signal may come just before the call
 * begins. So it is repeated until the thread has taken its doors. Requests wait in the door meanwhile.
 *
 * What strangers can do: nothing. The kernel drops a message without the secret when it is sent, with the
 * descriptors in it. If it were received here, the keeper would have to close those, which may take minutes
 * (closer.c).
 */

#include "regain.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

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
#define MOST_MS 1000   /* the time between two checks doubles up to this */

/* ------------------------------------------------------------------ main thread: the side door */

static bool draw(struct vs_side_door *side)
{
	/* early at boot there is no randomness, and no default is kept */
	return getrandom(side, sizeof(*side), GRND_NONBLOCK) == (ssize_t)sizeof(*side);
}

/* The words at the key of a request, which the kernel compares in the order of bytes of networks. */
#define SECRET_WORDS (sizeof(struct vs_key) / sizeof(uint32_t))

/* From now on the socket receives nothing but messages with this secret. */
static int keep_out_strangers(int fd, const struct vs_side_door *side)
{
	uint32_t words[SECRET_WORDS];
	struct sock_filter code[2 * SECRET_WORDS + 2];
	struct sock_fprog program = { .len = 0, .filter = code };

	memcpy(words, side->secret, sizeof(words));
	for (unsigned i = 0; i < SECRET_WORDS; i++) {
		unsigned at = offsetof(struct vs_request, key) + i * (unsigned)sizeof(*words);
		unsigned char to_refusal = (unsigned char)(2 * (SECRET_WORDS - 1 - i) + 1);
		/* a load beyond the end of the message refuses it */
		code[program.len++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, at);
		code[program.len++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
								   ntohl(words[i]), 0, to_refusal);
	}
	code[program.len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, UINT32_MAX);
	code[program.len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0);
	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0 ? -errno : 0;
}

static int open_side_door(struct vs_keeper *k)
{
	struct sockaddr_un address;
	struct vs_side_door side;
	VS_AUTO_CLOSE file = vs_claims_new();
	VS_AUTO_CLOSE fd = (int)syscall(SYS_socket, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (file < 0 || fd < 0)
		return file < 0 ? file : -errno;
	if (!draw(&side))
		return -EAGAIN;
	socklen_t len = vs_side_door_address(&side, &address);
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = VS_SIDE_DOOR_EVENT };
	int r = keep_out_strangers(fd, &side);
	if (r == 0)
		r = vs_auth_watch(k, fd);
	if (r < 0)
		return r;
	if (bind(fd, (struct sockaddr *)&address, len) < 0 ||
	    epoll_ctl(k->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		return -errno;
	k->side = side;
	k->side_door = vs_steal_fd(&fd);
	atomic_store(&k->claims, vs_steal_fd(&file));
	return 0;
}

/*
 * Processes that had the page have ended, and one that did not have it requests it. The sealed page is of no
 * use to that one, so there is a new one. Networking threads may use the file's number meanwhile, so it
 * stays.
 */
static int renew_page(struct vs_keeper *k)
{
	int old = atomic_load(&k->claims);

	if (!vs_claims_over(old))
		return 0;
	VS_AUTO_CLOSE file = vs_claims_new();
	if (file < 0)
		return file;
	return dup3(file, old, O_CLOEXEC) < 0 ? -errno : 0;
}

/* 0 or -errno: no stack of this keeper can be kept. */
static int prepare_page(struct vs_keeper *k)
{
	if (k->variant->same_process)
		return -ENOTSUP;
	return k->side_door < 0 ? open_side_door(k) : renew_page(k);
}

void vs_regain_claim(struct vs_keeper *k, struct vs_call *call)
{
	int r = prepare_page(k);
	struct vs_reply reply = { .type = VS_REPLY_TYPE, .result = r, .seq = call->req.seq };
	struct vs_fdmsg msg = {
		.iov = { { &reply, sizeof(reply) }, { &k->side, sizeof(k->side) } },
		.n_iov = r < 0 ? 1 : 2,
		.fds = { atomic_load(&k->claims) },
		.n_fds = r < 0 ? 0 : 1,
	};

	(void)vs_fdmsg_send(call->reply, &msg, MSG_DONTWAIT); /* if it fails, the caller gets end of file */
}

/* No early exit: the time that it takes must not depend on the secret. */
static bool same_secret(const uint64_t ours[2], const uint64_t its[2])
{
	return (ours[0] | ours[1]) != 0 && ((ours[0] ^ its[0]) | (ours[1] ^ its[1])) == 0;
}

static struct vs_net *find_locked(struct vs_keeper *k, uint64_t id)
{
	struct vs_net *n = k->nets;

	while (n != NULL && n->id != id)
		n = n->next;
	return n;
}

/* Gives the stack another door. Takes fd on success. -EBUSY: it has as many as it may have at the moment. */
static int join(struct vs_keeper *k, const struct vs_wanted_door *wanted, int fd)
{
	pthread_mutex_lock(&k->lock);
	struct vs_net *n = find_locked(k, wanted->stack);
	bool may = n != NULL && same_secret(n->secret, wanted->secret);
	int r = !may ? -ENETDOWN : n->n_doors + n->n_joining < VS_COUNT(n->joining) ? 0 : -EBUSY;
	if (r == 0)
		n->joining[n->n_joining++] = fd;
	pthread_mutex_unlock(&k->lock);
	k->joins = k->joins || r == 0;
	return r;
}

static int new_door(struct vs_keeper *k, const struct vs_wanted_door *wanted, int *programs_end)
{
	int pair[2];
	int r = vs_socketpair(pair);

	if (r < 0)
		return r;
	r = vs_auth_watch(k, pair[0]);
	if (r == 0)
		r = wanted->stack == 0 ? vs_keeper_replace_front(k, pair[0]) : join(k, wanted, pair[0]);
	if (r < 0) {
		vs_close(pair[0]);
		vs_close(pair[1]);
		return r;
	}
	*programs_end = pair[1];
	return 0;
}

static void answer(struct vs_keeper *k, struct vs_call *call)
{
	VS_AUTO_CLOSE fd = -1;
	struct vs_wanted_door wanted;

	call->refusal = NULL;
	if (call->text_len != sizeof(wanted))
		return;
	memcpy(&wanted, call->text, sizeof(wanted));
	int r = new_door(k, &wanted, &fd);
	vs_call_reply(k, call, r, r < 0 ? strerror(-r) : NULL, &fd, r < 0 ? 0 : 1);
}

void vs_regain_serve(struct vs_keeper *k)
{
	struct vs_call *call = vs_call_new();

	if (call == NULL)
		return;
	int r = vs_call_recv(k->side_door, call, MSG_DONTWAIT);
	if (r > 0 && call->req.op == VS_OP_REGAIN && same_secret(k->side.secret, call->req.key.half) &&
	    call->reply >= 0 && vs_auth_takes_replies(k, call, call->reply))
		answer(k, call);
	vs_call_drop(call);
	free(call);
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

static void unlist_locked(struct vs_net *n)
{
	for (struct vs_net **at = &n->keeper->nets; *at != NULL; at = &(*at)->next)
		if (*at == n) {
			*at = n->next;
			return;
		}
}

void vs_regain_end(struct vs_net *n)
{
	pthread_mutex_lock(&n->keeper->lock);
	unlist_locked(n);
	pthread_mutex_unlock(&n->keeper->lock);
	/* no other thread finds it now */
	while (n->n_joining > 0)
		vs_close(n->joining[--n->n_joining]);
	while (n->n_doors > 0)
		vs_close(n->doors[--n->n_doors]);
}

static void take_joining(struct vs_net *n)
{
	pthread_mutex_lock(&n->keeper->lock);
	while (n->n_joining > 0)
		n->doors[n->n_doors++] = n->joining[--n->n_joining]; /* join() has left room for all */
	pthread_mutex_unlock(&n->keeper->lock);
}

static void close_door(struct vs_net *n, unsigned i)
{
	vs_close(n->doors[i]);
	pthread_mutex_lock(&n->keeper->lock);
	n->doors[i] = n->doors[--n->n_doors];
	pthread_mutex_unlock(&n->keeper->lock);
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
		bool back = n->n_joining > 0;
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
		doors[i] = (struct pollfd){ .fd = n->doors[i], .events = POLLIN };
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
	int r = vs_call_recv(n->doors[i], n->call, n->n_doors > 1 ? MSG_DONTWAIT : 0);
	n->turn++;
	return r;
}

int vs_regain_recv(struct vs_net *n)
{
	for (;;) {
		if (__atomic_load_n(&n->n_joining, __ATOMIC_RELAXED) > 0)
			take_joining(n);
		if (n->n_doors == 0 && !await_door(n))
			return 0;
		if (n->n_doors == 0)
			continue;
		int i = n->n_doors > 1 ? await_any(n) : 0;
		int r = i < 0 ? -EINTR : recv_one(n, i);
		if (r > 0 || r == -EPROTO)
			return r;
		if (r != -EINTR && r != -EAGAIN)
			close_door(n, (unsigned)i);
	}
}
