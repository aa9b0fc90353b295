/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The side door: where processes that have closed their doors request new ones.
 *
 * wire/claims.h says which stacks stay when all their doors are closed, and wire/side_door.h who may request
 * a new door. All of this is the main thread. It makes the door and sends one end. The other end goes to the
 * networking thread (regain.c), or is the new front door:
 *
 *     process                   main thread                       networking thread
 *        ├── secret, id ──────▶ side door
 *        │◀── end of new door ──┤
 *        │                      ├── other end, in n->joining ─────▶ taken
 *        ├── requests ──────────┼───────────────────────────────────▶ served
 *
 * What strangers can do: nothing. The kernel drops a message without the secret when it is sent, with the
 * descriptors in it. If it were received here, the keeper would have to close those, which may take minutes
 * (closer.c).
 */

#include "side_door.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
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
#include "regain.h"
#include "variant.h"
#include "wire/fdmsg.h"
#include "wire/messages.h"

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

void vs_side_door_claim(struct vs_keeper *k, struct vs_call *call)
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

static int new_door(struct vs_keeper *k, const struct vs_wanted_door *wanted, int *programs_end)
{
	int pair[2];
	int r = vs_socketpair(pair);

	if (r < 0)
		return r;
	r = vs_auth_watch(k, pair[0]);
	if (r == 0)
		r = wanted->stack == 0 ? vs_keeper_replace_front(k, pair[0])
				       : vs_regain_join(k, wanted, pair[0]);
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

void vs_side_door_serve(struct vs_keeper *k)
{
	struct vs_call *call = vs_call_new();

	if (call == NULL)
		return;
	int r = vs_call_recv(k->side_door, call, MSG_DONTWAIT);
	bool serve = r > 0 && call->req.op == VS_OP_REGAIN &&
		     vs_side_door_same(k->side.secret, call->req.key.half) &&
		     call->reply >= 0 && vs_auth_takes_replies(k, call, call->reply);
	if (r > 0 || r == -EPROTO)
		vs_keeper_count_request(k, serve);
	if (serve)
		answer(k, call);
	vs_call_drop(call);
	free(call);
}
