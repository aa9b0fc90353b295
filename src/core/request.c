/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Calls to the keeper.
 *
 * A long call brings its own reply channel and leaves nothing behind. A quick call, which has
 * to cost little and to use no descriptor numbers of the program (the lowest free one belongs to
 * the socket it asks for), uses one of a few channels that the process has registered with the
 * keeper, each for one call at a time, with all signals blocked: nothing can interrupt it
 * between request and reply. A reply that comes too late for its call is recognised by its
 * sequence number and dropped by the next one.
 *
 * A program that makes many sockets of one kind in quick succession gets them without waiting: the
 * networking thread is asked for several at once, and those that no call waits for yet lie in the
 * channel as undelivered messages. They get their descriptor number when a call takes them, so the
 * lowest-number rule and the program's limit hold as ever, and waiting for them costs no wake-ups. One
 * that makes them now and then, of one kind, has one waiting: the next is asked for when it is taken,
 * and nobody waits for that either. Only kinds are asked for ahead that receive nothing before they
 * are bound. Another kind or another stack on the channel, or the stack's deletion, drops them.
 *
 * Every descriptor is checked to be what it was before it is used: the program may have
 * closed it, and the number may be somebody else's by now.
 */

#include "request.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/diagnose.h"
#include "base/error.h"
#include "numbers.h"
#include "process.h"

#define QUICK_TIMEOUT_S 5
#define SPARE_NUMBERS 16 /* nearer to the limit of descriptors, calls share channels */

static const char keeper_gone[] = "the keeper of this stack has ended, or the program has closed its descriptors; "
				  "delete the stack and make a new one";

static const char keeper_silent[] = "the keeper does not answer in time; is it stopped?";

/* ------------------------------------------------------------------ long calls */

static int keeper_lost(void)
{
	return vs_fail(ENETDOWN, "%s", keeper_gone);
}

/* Who we are, in the form in which the keeper can tell that we still are (see its side). */
static struct ucred credentials(const struct vs_keeper_link *keeper)
{
	return (struct ucred){ .pid = keeper->proof != 0 ? keeper->proof : getpid(), .uid = keeper->uid, .gid = keeper->gid };
}

/* Sends as soon as there is room, until the deadline. */
static int send_by(int door, const struct vs_fdmsg *msg, int64_t deadline)
{
	struct pollfd room = { .fd = door, .events = POLLOUT };
	int r;

	while ((r = vs_fdmsg_send(door, msg, MSG_DONTWAIT)) == -EAGAIN) {
		int left = vs_left_ms(deadline);
		if (left == 0)
			return -ETIMEDOUT;
		(void)poll(&room, 1, left);
	}
	return r;
}

static int send_long(struct vs_long_call *c, int channel, int64_t deadline)
{
	struct vs_fdmsg msg = {
		.iov = { { &c->req, offsetof(struct vs_request, key) }, { &c->keeper->key, sizeof(c->keeper->key) },
			 { (void *)c->text, c->text_len } },
		.n_iov = c->text_len > 0 ? 3 : 2,
		.fds = { channel },
		.n_fds = 1 + c->n_fds,
		.creds = credentials(c->keeper),
		.claim_creds = true,
	};

	memcpy(msg.fds + 1, c->fds, c->n_fds * sizeof(*c->fds));
	c->req.version = VS_WIRE_VERSION;
	c->req.channel = 0;
	c->req.seq = 1;
	if (!vs_sock_valid(&c->door))
		return keeper_lost();
	int r = send_by(c->door.fd, &msg, deadline);
	if (r == -EPERM || r == -ESRCH || r == -EINVAL) {
		/*
		 * We are not who we were (or the keeper is gone). Not every request minds, and the
		 * keeper judges.
		 */
		msg.claim_creds = false;
		r = send_by(c->door.fd, &msg, deadline);
	}
	if (r == -ETIMEDOUT)
		return vs_fail(ETIMEDOUT, "%s", keeper_silent);
	if (r == -EPIPE || r == -ECONNRESET || r == -ENOTCONN)
		return keeper_lost();
	return r < 0 ? vs_fail(-r, "cannot ask the keeper: %s", vs_cause_text(vs_diagnose_limit(-r), -r)) : 0;
}

static int await_long(struct vs_long_call *c, int channel, int64_t deadline)
{
	struct vs_fdmsg msg = { .iov = { { &c->reply, sizeof(c->reply) }, { c->answer, VS_TEXT_MAX } }, .n_iov = 2 };
	struct pollfd answer = { .fd = channel, .events = POLLIN };
	int n;

	do {
		n = poll(&answer, 1, vs_left_ms(deadline));
	} while (n < 0 && (errno == EINTR || vs_left_ms(deadline) > 0)); /* what was asked for is being done */
	if (n < 0)
		return vs_fail(errno, "cannot wait for the keeper: %s", strerror(errno));
	if (n == 0)
		return vs_fail(ETIMEDOUT, "%s", keeper_silent);
	ssize_t len = vs_fdmsg_recv(channel, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	if (len < (ssize_t)sizeof(c->reply) || c->reply.type != VS_REPLY_TYPE) {
		vs_fdmsg_drop(&msg);
		return keeper_lost();
	}
	c->answer[(size_t)len - sizeof(c->reply)] = '\0';
	if (msg.fds_lost) {
		vs_fdmsg_drop(&msg);
		return vs_fail(EMFILE, "cannot take the keeper's descriptors: %s", vs_cause_text(VS_CAUSE_DESCRIPTORS, EMFILE));
	}
	memcpy(c->got, msg.fds, sizeof(c->got));
	c->n_got = msg.n_fds;
	if (c->reply.result == -EPERM) {
		const char *elsewhere = vs_keeper_elsewhere(c->keeper);
		if (elsewhere != NULL)
			return vs_fail(EPERM, "%s", elsewhere);
	}
	return c->reply.result < 0 ? vs_fail_text(-c->reply.result, c->answer) : c->reply.result;
}

int vs_call_long(struct vs_long_call *c)
{
	VS_NO_CANCEL;
	int64_t deadline = vs_now_ms() + c->timeout_ms;
	int pair[2];
	int r = vs_socketpair(pair);
	if (r < 0) {
		r = vs_fail(-r, "cannot ask the keeper: %s", vs_cause_text(vs_diagnose_limit(-r), -r));
	} else {
		r = send_long(c, pair[1], deadline);
		vs_close(pair[1]);
		if (r == 0)
			r = await_long(c, pair[0], deadline);
		vs_close(pair[0]);
	}
	return r;
}

/* ------------------------------------------------------------------ quick calls */

static int door_send(struct vs_slot *slot, const struct vs_fdmsg *msg)
{
	if (!vs_sock_valid(&slot->door))
		return -ENETDOWN;
	int r = vs_fdmsg_send(slot->door.fd, msg, 0);
	if (r == -EPIPE || r == -ECONNRESET || r == -ENOTCONN)
		return -ENETDOWN;
	return r == -EAGAIN ? -ETIMEDOUT : r;
}

/*
 * What each channel's descriptor was when it was last opened, in this process or the one it was
 * forked from. A child's channels are closed as far as it knows, but it has copies of the
 * parent's descriptors, and could take replies of the parent's out of them. See fork.c.
 */
static struct vs_sock opened[VS_CHANNELS]; /* each under its channel's lock */

static void inherited_close(struct vs_process *p, size_t i)
{
	if (!p->channels[i].open)
		vs_sock_close(&opened[i]);
}

void vs_channels_close_inherited(void)
{
	for (size_t i = 0; i < VS_CHANNELS; i++)
		vs_sock_close(&opened[i]);
}

static void channel_close(struct vs_channel *ch)
{
	if (ch->open)
		vs_sock_close(&ch->sock);
	ch->open = false;
	ch->ahead = 0;
	ch->streak = 0;
}

/*
 * A request about a channel, whose number the kernel copies from the record that a forked child finds
 * zeroed. It is never in a register of this library: that would leave traces on stacks, which the
 * child has copies of.
 */
static struct vs_fdmsg about_channel(struct vs_request *req, struct vs_channel *ch)
{
	return (struct vs_fdmsg){
		.iov = { { req, offsetof(struct vs_request, channel) },
			 { &ch->number, sizeof(ch->number) },
			 { &req->seq, sizeof(*req) - offsetof(struct vs_request, seq) } },
		.n_iov = 3,
	};
}

/* The number of a channel; whoever has it can have sockets sent there. */
static void draw_number(struct vs_channel *ch)
{
	if (getrandom(&ch->number, sizeof(ch->number), GRND_NONBLOCK) != (ssize_t)sizeof(ch->number))
		ch->number = vs_random(); /* early at boot */
}

/*
 * Registers a channel, whose number has been drawn; gives our end of it. The program's last numbers
 * are for its sockets: -EMFILE when fewer than `spare` would be left.
 */
static int channel_register(struct vs_channel *ch, struct vs_slot *slot, unsigned spare)
{
	struct vs_request req = { .version = VS_WIRE_VERSION, .op = VS_OP_CHANNEL };
	struct vs_fdmsg msg = about_channel(&req, ch);
	struct timeval limit = { .tv_sec = QUICK_TIMEOUT_S };
	struct rlimit numbers;
	int pair[2];
	int r = vs_socketpair(pair);

	if (r < 0)
		return r;
	msg.fds[0] = pair[1];
	msg.n_fds = 1;
	if (getrlimit(RLIMIT_NOFILE, &numbers) == 0 && (rlim_t)pair[1] + spare >= numbers.rlim_cur)
		r = -EMFILE;
	if (r == 0)
		r = door_send(slot, &msg);
	vs_close(pair[1]);
	if (r == 0)
		r = vs_fd_raise(&pair[0], vs_number_floor());
	if (r == 0 && setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0)
		r = -errno;
	if (r < 0)
		vs_close(pair[0]);
	return r < 0 ? r : pair[0];
}

static int channel_open(struct vs_process *p, struct vs_channel *ch, struct vs_slot *slot, unsigned spare)
{
	draw_number(ch);
	int fd = channel_register(ch, slot, spare);

	if (fd < 0)
		return fd;
	inherited_close(p, (size_t)(ch - p->channels));
	ch->sock = opened[ch - p->channels] = vs_sock_of(fd);
	ch->keeper = slot->keeper->front.cookie;
	ch->open = true;
	return 0;
}

static bool channel_fits(const struct vs_channel *ch, const struct vs_slot *slot)
{
	return ch->open && ch->keeper == slot->keeper->front.cookie && vs_sock_valid(&ch->sock);
}

/*
 * A channel for this call, locked: preferably a free one that is registered with the right
 * keeper, then any other free one, then whichever becomes free first among them.
 */
static struct vs_channel *channel_claim(struct vs_process *p, const struct vs_slot *slot)
{
	struct vs_channel *other = NULL;

	for (size_t i = 0; i < VS_CHANNELS; i++) {
		struct vs_channel *ch = &p->channels[i];
		if (pthread_mutex_trylock(&ch->lock) != 0)
			continue;
		if (ch->open && ch->keeper == slot->keeper->front.cookie) {
			if (other != NULL)
				pthread_mutex_unlock(&other->lock);
			return ch;
		}
		if (other == NULL)
			other = ch;
		else
			pthread_mutex_unlock(&ch->lock);
	}
	if (other == NULL) {
		other = &p->channels[((uintptr_t)&other >> 12) % VS_CHANNELS]; /* differs from thread to thread */
		pthread_mutex_lock(&other->lock);
	}
	return other;
}

/*
 * Any channel that is registered with the keeper, locked, waiting for calls under way on it.
 * NULL when there is none.
 */
static struct vs_channel *channel_await(struct vs_process *p, const struct vs_slot *slot)
{
	for (size_t i = 0; i < VS_CHANNELS; i++) {
		struct vs_channel *ch = &p->channels[i];
		pthread_mutex_lock(&ch->lock);
		if (channel_fits(ch, slot))
			return ch;
		pthread_mutex_unlock(&ch->lock);
	}
	return NULL;
}

/* Waits for a reply to a request that still counts, dropping others. 0 and *fd, or -errno. */
static int next_reply(struct vs_channel *ch, int recv_flags, int *fd)
{
	struct vs_reply reply;
	struct vs_fdmsg msg = { .iov = { { &reply, sizeof(reply) } }, .n_iov = 1 };

	for (int last_look = 0;;) {
		ssize_t n = vs_fdmsg_recv(ch->sock.fd, &msg, recv_flags | (last_look ? MSG_DONTWAIT : 0));
		if (n == -EAGAIN && !last_look) {
			last_look = 1; /* the program may have been stopped all the while */
			continue;
		}
		if (n == -EAGAIN)
			return -ETIMEDOUT;
		if (n < (ssize_t)sizeof(reply) || reply.type != VS_REPLY_TYPE) {
			if (n > 0)
				vs_fdmsg_drop(&msg);
			channel_close(ch);
			return n == 0 ? -ENETDOWN : n < 0 ? (int)n : -EPROTO;
		}
		if (reply.seq >= ch->valid_seq)
			break;
		vs_fdmsg_drop(&msg);
	}
	if (reply.result < 0) {
		vs_fdmsg_drop(&msg);
		return reply.result;
	}
	if (msg.n_fds == 0) /* there was no free number for it, and then the kernel gives none */
		return -EMFILE;
	*fd = msg.fds[0];
	return 0;
}

/* ------------------------------------------------------------------ sockets ahead of their calls */

#define STREAK_APART_US 1000 /* calls further apart are not in quick succession */
#define STREAK_BEGIN 3       /* so many calls make a streak */
#define ALIVE_US 200         /* how long a keeper counts as living that was asked */
#define NOW_AND_THEN 2       /* the one that is asked for, and one more */

/* Unbound sockets of these kinds receive nothing, so it does not matter how old they are. */
static bool keeps(const struct vs_kind *kind)
{
	int type = kind->type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);

	return (kind->domain == AF_INET || kind->domain == AF_INET6) &&
	       ((type == SOCK_STREAM && (kind->protocol == 0 || kind->protocol == IPPROTO_TCP)) ||
		(type == SOCK_DGRAM && (kind->protocol == 0 || kind->protocol == IPPROTO_UDP)));
}

static bool same_kind(const struct vs_kind *a, const struct vs_kind *b)
{
	return a->door == b->door && a->domain == b->domain && a->type == b->type && a->protocol == b->protocol;
}

/* Waits, but not long, for what has been asked for: it comes soon or not at all. */
static void await_ahead(struct vs_channel *ch)
{
	struct vs_reply reply;
	struct pollfd more = { .fd = ch->sock.fd, .events = POLLIN };

	while (ch->ahead > 0 && poll(&more, 1, 100) > 0 && recv(ch->sock.fd, &reply, sizeof(reply), MSG_DONTWAIT) > 0)
		ch->ahead--;
}

/* Takes what has arrived off the channel; without room for descriptors the kernel closes them. */
static void drop_ahead(struct vs_channel *ch)
{
	struct vs_reply reply;

	while (ch->ahead > 0 && recv(ch->sock.fd, &reply, sizeof(reply), MSG_DONTWAIT) > 0)
		ch->ahead--;
	ch->ahead = 0; /* what is still to come is recognised by its number */
	ch->valid_seq = ch->seq + 1;
}

/* Notes a call of this kind; gives how many sockets to ask for. */
static uint32_t note_call(struct vs_channel *ch, const struct vs_kind *kind)
{
	int64_t now = vs_now_ns() / 1000;
	bool again = same_kind(kind, &ch->kind);

	if (ch->ahead > 0 && !again)
		drop_ahead(ch);
	ch->streak = again && now - ch->last_us < STREAK_APART_US ? ch->streak + 1 : 0;
	ch->last_us = now;
	ch->kind = *kind;
	if (!again || !keeps(kind))
		return 1;
	return ch->streak >= STREAK_BEGIN ? VS_SOCKETS_MAX : NOW_AND_THEN;
}

static int ask_for(struct vs_channel *ch, struct vs_slot *slot, const struct vs_kind *kind, uint32_t count)
{
	struct vs_request req = {
		.version = VS_WIRE_VERSION,
		.op = VS_OP_MSOCKET,
		.seq = ++ch->seq,
		.arg = { kind->domain, kind->type, kind->protocol },
		.count = count,
	};
	struct vs_fdmsg msg = about_channel(&req, ch);

	int r = door_send(slot, &msg);
	if (r == 0)
		ch->ahead += count;
	return r;
}

/*
 * Sockets of a keeper that has died still lie in the channel, and are good for nothing. One that lived a
 * moment ago is taken to live: it could die right after being asked just as well.
 */
static bool hung_up(struct vs_channel *ch)
{
	struct pollfd other_end = { .fd = ch->sock.fd };

	if (ch->last_us - ch->alive_us < ALIVE_US)
		return false;
	ch->alive_us = ch->last_us;
	return poll(&other_end, 1, 0) > 0;
}

static int socket_on(struct vs_channel *ch, struct vs_slot *slot, const struct vs_kind *kind, int recv_flags, int *fd)
{
	uint32_t count = note_call(ch, kind);
	int r = 0;

	if (ch->ahead > 0 && hung_up(ch)) {
		channel_close(ch);
		return -ENETDOWN;
	}
	if (ch->ahead == 0) {
		ch->valid_seq = ch->seq + 1;
		r = ask_for(ch, slot, kind, count);
	} else if (count == VS_SOCKETS_MAX && ch->ahead == VS_SOCKETS_MAX / 2) {
		r = ask_for(ch, slot, kind, VS_SOCKETS_MAX / 2); /* in good time for the calls to come */
	}
	if (r < 0)
		return r;
	r = next_reply(ch, recv_flags, fd);
	if (ch->ahead > 0)
		ch->ahead--;
	if (r == -ETIMEDOUT)
		drop_ahead(ch);
	else if (r == 0 && count == NOW_AND_THEN && ch->ahead == 0)
		(void)ask_for(ch, slot, kind, 1); /* the next call sees for itself */
	return r;
}

static bool door_open(const struct vs_slot *slot)
{
	struct pollfd door = { .fd = slot->door.fd };

	return vs_sock_valid(&slot->door) && poll(&door, 1, 0) == 0;
}

/* A channel, locked; *r: 0, or why it cannot be used. */
static struct vs_channel *channel_ready(struct vs_process *p, struct vs_slot *slot, int *r)
{
	struct vs_channel *ch = channel_claim(p, slot);

	*r = 0;
	if (!channel_fits(ch, slot)) {
		channel_close(ch);
		*r = channel_open(p, ch, slot, SPARE_NUMBERS);
	}
	if (*r == -EMFILE) {
		pthread_mutex_unlock(&ch->lock);
		ch = channel_await(p, slot);
		*r = ch != NULL ? 0 : -EMFILE;
	}
	if (ch == NULL) {
		ch = channel_claim(p, slot);
		*r = channel_fits(ch, slot) ? 0 : channel_open(p, ch, slot, 0);
	}
	return ch;
}

static int socket_of_kind(struct vs_process *p, struct vs_slot *slot, const struct vs_kind *kind, int recv_flags, int *fd)
{
	int r;
	struct vs_channel *ch = channel_ready(p, slot, &r);

	if (r == 0)
		r = socket_on(ch, slot, kind, recv_flags, fd);
	if (r == -ENETDOWN && door_open(slot)) {
		/* The keeper has dropped the channel, for want of memory perhaps, and not the stack. */
		channel_close(ch);
		r = channel_open(p, ch, slot, 0);
		if (r == 0)
			r = socket_on(ch, slot, kind, recv_flags, fd);
	}
	pthread_mutex_unlock(&ch->lock);
	return r;
}

int vs_call_socket(struct vs_slot *slot, int domain, int type, int protocol, int *fd)
{
	struct vs_process *p = vs_process();
	struct vs_kind kind = { vs_sock_load(&slot->door).cookie, domain, type & ~SOCK_CLOEXEC, protocol };

	if (p == NULL)
		return vs_fail_static(ENOMEM, "cannot call the keeper");
	int r = socket_of_kind(p, slot, &kind, (type & SOCK_CLOEXEC) ? MSG_CMSG_CLOEXEC : 0, fd);
	if (r == -ENETDOWN)
		return vs_fail_static(ENETDOWN, keeper_gone);
	if (r == -EMFILE)
		return vs_fail_static(EMFILE, "cannot make a socket in the stack, raise RLIMIT_NOFILE (ulimit -n) or close descriptors");
	return r < 0 ? vs_fail_static(-r, "cannot make a socket in the stack") : 0;
}

/* ------------------------------------------------------------------ letting go */

void vs_channels_forget_stack(uint64_t door_cookie)
{
	struct vs_process *p = vs_process();

	for (size_t i = 0; p != NULL && i < VS_CHANNELS; i++) {
		struct vs_channel *ch = &p->channels[i];
		pthread_mutex_lock(&ch->lock);
		inherited_close(p, i); /* what is in them may be of this stack */
		if (ch->open && ch->ahead > 0 && ch->kind.door == door_cookie) {
			if (vs_sock_valid(&ch->sock))
				await_ahead(ch);
			drop_ahead(ch);
		}
		pthread_mutex_unlock(&ch->lock);
	}
}

void vs_channels_close(uint64_t keeper_cookie)
{
	struct vs_process *p = vs_process();

	for (size_t i = 0; p != NULL && i < VS_CHANNELS; i++) {
		struct vs_channel *ch = &p->channels[i];
		pthread_mutex_lock(&ch->lock);
		if (ch->open && ch->keeper == keeper_cookie)
			channel_close(ch);
		pthread_mutex_unlock(&ch->lock);
	}
}
