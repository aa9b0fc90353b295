/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * rtnetlink on a socket.
 *
 * libnl makes the messages and parses the answers. Three things are done here instead of by its defaults:
 *
 *  - Errors. libnl maps errno values to its own, smaller set. The kernel's errno and text are taken from the
 *    error message itself.
 *  - Time-outs. A receive time-out of the socket starts again after every signal, so with many signals it
 *    never ends. The socket does not block; the wait is poll(2) up to a deadline.
 *  - Which messages belong to a request. After a subscription, notifications arrive between the parts of an
 *    answer, and have the sequence number of the request that caused them, perhaps of another process. A
 *    message belongs to our request only if the kernel sent it, to our netlink port, with our sequence
 *    number. All others are dropped. A request is complete when its own last message has come, not when a
 *    read returns.
 *
 * An answer is always read to its end, also after an error of the reader. So the next request on the
 * descriptor does not get parts of it.
 */

#include "nl.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <netlink/errno.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "talk.h"

#define ANSWER_BYTES 32768 /* the largest part of a dump the kernel makes */
#define DUMP_ATTEMPTS 32
#define EVENTS_AT_ONCE 1024

static const struct {
	int err;
	const char *text;
} remedies[] = {
	{ EPERM, "only the user who made the stack, with the same privileges, may configure it" },
	{ EEXIST, "remove the old one first" },
	{ ENODEV, "there is no such interface, check the name" },
	{ ESRCH, "there is no such route" },
	{ ENOENT, "there is no such entry" },
	{ EADDRNOTAVAIL, "check that the interface has, or may have, this address" },
	{ ENETUNREACH, "give an interface of the stack an address in the gateway's network first" },
	{ EHOSTUNREACH, "give an interface of the stack an address in the gateway's network first" },
	{ ENETDOWN, "bring the interface up first" },
	{ EACCES, "IPv6 may be switched off there (sysctl ipv6/conf/*/disable_ipv6)" },
	{ EAGAIN, "the stack changes faster than it can be read, try again" },
	{ ENOBUFS, "the stack changes faster than it can be read, try again" },
	{ ETIMEDOUT, "the kernel did not answer in time, try again" },
	{ EMFILE, "close descriptors or raise the limit (ulimit -n)" },
};

static const char *remedy(int err)
{
	for (size_t i = 0; i < VS_COUNT(remedies); i++)
		if (remedies[i].err == err)
			return remedies[i].text;
	return "check the arguments";
}

int vs_nl_fail(const struct vs_nl *nl, int err, const char *step, ...)
{
	char text[VS_MESSAGE_MAX / 2];
	bool words = nl->result == -err && nl->reason[0] != '\0';
	va_list ap;

	va_start(ap, step);
	(void)vsnprintf(text, sizeof(text), step, ap);
	va_end(ap);
	return vs_fail(err, "%s: %s%s%s%s; %s", text, strerror(err), words ? " (" : "",
		       words ? nl->reason : "", words ? ")" : "", remedy(err));
}

/* ------------------------------------------------------------------ what libnl calls */

/* Skips notifications and messages that belong to no request of ours. */
static int check_sequence(struct nl_msg *msg, void *arg)
{
	struct vs_nl *nl = arg;
	const struct nlmsghdr *hdr = nlmsg_hdr(msg);

	if (!nl->done && nlmsg_get_src(msg)->nl_pid == 0 &&
	    hdr->nlmsg_pid == nl_socket_get_local_port(nl->sock) && hdr->nlmsg_seq == nl->seq)
		return NL_OK;
	nl->noticed = true;
	return NL_SKIP;
}

static int take_valid(struct nl_msg *msg, void *arg)
{
	struct vs_nl *nl = arg;

	if (nl->each != NULL && nl->result == 0)
		nl->result = nl->each(nl->arg, nlmsg_hdr(msg));
	return NL_OK;
}

static int take_ack(struct nl_msg *msg, void *arg)
{
	struct vs_nl *nl = arg;

	(void)msg; /* an acknowledgement has no content */
	nl->done = true;
	return NL_OK;
}

/* The kernel's errno values end at 4095. */
static int as_errno(int result)
{
	return result >= -4095 && result <= 0 ? result : -EBADMSG;
}

/* The end of a dump carries its result. */
static int take_finish(struct nl_msg *msg, void *arg)
{
	struct vs_nl *nl = arg;
	const struct nlmsghdr *hdr = nlmsg_hdr(msg);
	int result = 0;

	if (nlmsg_datalen(hdr) >= (int)sizeof(result))
		memcpy(&result, nlmsg_data(hdr), sizeof(result));
	if (nl->result == 0)
		nl->result = as_errno(result);
	nl->done = true;
	return NL_OK;
}

static int take_interrupted(struct nl_msg *msg, void *arg)
{
	struct vs_nl *nl = arg;

	(void)msg; /* the flag is all it has */
	nl->interrupted = true;
	return NL_OK;
}

/* Copies the kernel's text from an error message. Without a text `reason` stays empty. */
static void take_reason(struct vs_nl *nl, const struct nlmsghdr *hdr, const struct nlmsgerr *error)
{
	size_t skip = sizeof(*error);

	if ((hdr->nlmsg_flags & NLM_F_ACK_TLVS) == 0)
		return;
	if ((hdr->nlmsg_flags & NLM_F_CAPPED) == 0) /* the whole request is repeated before the attributes */
		skip += NLMSG_ALIGN(error->msg.nlmsg_len) - sizeof(error->msg);
	if (skip >= (size_t)nlmsg_datalen(hdr))
		return; /* there are none; libnl would read beyond the message */
	struct nlattr *attr = nlmsg_find_attr((struct nlmsghdr *)hdr, (int)skip, NLMSGERR_ATTR_MSG);
	if (attr != NULL)
		(void)nla_strlcpy(nl->reason, attr, sizeof(nl->reason));
}

static int take_error(struct sockaddr_nl *from, struct nlmsgerr *error, void *arg)
{
	struct vs_nl *nl = arg;

	(void)from; /* check_sequence() has checked it */
	nl->result = as_errno(error->error);
	nl->done = true;
	take_reason(nl, (const struct nlmsghdr *)(void *)((char *)error - NLMSG_HDRLEN), error);
	return NL_SKIP;
}

/* ------------------------------------------------------------------ opening and closing */

/* The callbacks begin as libnl's silent set. Its default set depends on the environment and may print. */
static struct nl_sock *make_sock(struct vs_nl *nl)
{
	struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);

	if (cb == NULL)
		return NULL;
	(void)nl_cb_set(cb, NL_CB_SEQ_CHECK, NL_CB_CUSTOM, check_sequence, nl);
	(void)nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, take_valid, nl);
	(void)nl_cb_set(cb, NL_CB_ACK, NL_CB_CUSTOM, take_ack, nl);
	(void)nl_cb_set(cb, NL_CB_FINISH, NL_CB_CUSTOM, take_finish, nl);
	(void)nl_cb_set(cb, NL_CB_DUMP_INTR, NL_CB_CUSTOM, take_interrupted, nl);
	(void)nl_cb_err(cb, NL_CB_CUSTOM, take_error, nl);
	struct nl_sock *sock = nl_socket_alloc_cb(cb);
	nl_cb_put(cb);
	return sock;
}

/* Binds before libnl does, which then reads the port that the kernel chose. libnl would choose one itself. */
static int prepare_fd(int fd)
{
	const struct sockaddr_nl any = { .nl_family = AF_NETLINK };
	const int on = 1;

	if (bind(fd, (const struct sockaddr *)&any, sizeof(any)) < 0)
		return -errno;
	/* Without this option errors have no text. */
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	return 0;
}

int vs_nl_open(struct vs_nl *nl, int fd)
{
	*nl = (struct vs_nl){ .done = true, .no_cancel = true };
	/* Send and receive are cancellation points. A cancelled call would leak the socket and memory. */
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &nl->cancel_state);
	VS_AUTO_CLOSE owned = fd;
	int r = prepare_fd(fd);
	if (r < 0)
		return r;
	nl->sock = make_sock(nl);
	if (nl->sock == NULL || nl_socket_set_fd(nl->sock, NETLINK_ROUTE, fd) < 0)
		return -ENOMEM;
	(void)vs_steal_fd(&owned);
	nl_socket_disable_msg_peek(nl->sock); /* then a read is one system call; the buffer is large enough */
	(void)nl_socket_set_msg_buf_size(nl->sock, ANSWER_BYTES);
	return 0;
}

void vs_nl_keep(struct vs_nl *nl)
{
	if (nl->no_cancel)
		(void)pthread_setcancelstate(nl->cancel_state, NULL);
	nl->no_cancel = false;
}

void vs_nl_close(struct vs_nl *nl)
{
	int saved = errno;

	nl_socket_free(nl->sock);
	nl->sock = NULL;
	vs_nl_keep(nl);
	errno = saved;
}

int vs_nl_subscribe(struct vs_nl *nl, int group)
{
	if (setsockopt(nl_socket_get_fd(nl->sock), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group,
		       sizeof(group)) < 0)
		return -errno;
	return 0;
}

/* ------------------------------------------------------------------ talking */

struct nl_msg *vs_nl_request(int type, int flags, const void *header, size_t len)
{
	VS_AUTO_MSG *msg = nlmsg_alloc_simple(type, flags);

	if (msg == NULL || nlmsg_append(msg, (void *)header, len, NLMSG_ALIGNTO) < 0)
		return NULL;
	return vs_steal_ptr(msg);
}

void vs_nl_cleanup_msg(struct nl_msg **msg)
{
	int saved = errno;

	nlmsg_free(*msg);
	errno = saved;
}

uint32_t vs_nl_u32(const struct nlattr *attr, uint32_t otherwise)
{
	return attr != NULL && nla_len(attr) == (int)sizeof(otherwise) ? nla_get_u32(attr) : otherwise;
}

/* Reads what is there. 0, -EAGAIN: nothing was, -ENOBUFS: notifications were lost, or -errno. */
static int read_some(struct vs_nl *nl)
{
	switch (-nl_recvmsgs_default(nl->sock)) {
	case NLE_SUCCESS:
	case NLE_DUMP_INTR:
		return 0;
	case NLE_AGAIN:
		return -EAGAIN;
	case NLE_NOMEM: /* the buffer is full, or there is no memory */
		return -ENOBUFS;
	case NLE_MSG_TRUNC:
		return -EMSGSIZE;
	default:
		return -EIO;
	}
}

static int send_request(struct vs_nl *nl, struct nl_msg *msg)
{
	struct nlmsghdr *hdr = nlmsg_hdr(msg);

	hdr->nlmsg_seq = NL_AUTO_SEQ;
	nl_complete_msg(nl->sock, msg); /* sets port, sequence number, and the flag for an acknowledgement */
	nl->seq = hdr->nlmsg_seq;
	nl->result = 0;
	nl->reason[0] = '\0';
	nl->done = nl->interrupted = false;
	return vs_talk_send(nl_socket_get_fd(nl->sock), hdr);
}

/* Reads until the request is complete. -ETIMEDOUT or another error: it is not. */
static int finish_request(struct vs_nl *nl)
{
	int64_t deadline_ms = vs_now_ms() + VS_TALK_ANSWER_MS;

	while (!nl->done) {
		int r = read_some(nl);
		if (r == -EAGAIN) {
			int n = vs_talk_wait(nl_socket_get_fd(nl->sock), deadline_ms);
			r = n == 0 ? -ETIMEDOUT : n < 0 ? n : 0;
		} else if (r == -ENOBUFS) {
			r = 0; /* notifications may be lost; answers are kept until they are read */
			nl->interrupted = nl->noticed = true;
		}
		if (r < 0)
			return r;
	}
	return 0;
}

int vs_nl_talk(struct vs_nl *nl, struct nl_msg *msg, vs_nl_each_fn *each, void *arg)
{
	nl->each = each;
	nl->arg = arg;
	int r = send_request(nl, msg);
	if (r == 0)
		r = finish_request(nl);
	nl->done = true;
	return r < 0 ? r : nl->result;
}

/* ------------------------------------------------------------------ dumps and notifications */

/* Up to a bound, as there may be an endless stream of it. */
int vs_nl_drain(struct vs_nl *nl)
{
	int r = 0;

	for (int i = 0; i < EVENTS_AT_ONCE && (r == 0 || r == -ENOBUFS); i++) {
		r = read_some(nl);
		if (r == -ENOBUFS)
			nl->noticed = true;
	}
	return r == -ENOBUFS || r == -EAGAIN ? 0 : r;
}

int vs_nl_fd(const struct vs_nl *nl)
{
	return nl_socket_get_fd(nl->sock);
}

static int dump_once(struct vs_nl *nl, const struct vs_nl_dump *what)
{
	VS_AUTO_MSG *msg = vs_nl_request(what->type, NLM_F_DUMP, what->header, what->len);

	if (msg == NULL)
		return -ENOMEM;
	if (what->begin != NULL)
		what->begin(what->arg);
	return vs_nl_talk(nl, msg, what->each, what->arg);
}

int vs_nl_dump(struct vs_nl *nl, const struct vs_nl_dump *what)
{
	for (int i = 0; i < DUMP_ATTEMPTS; i++) {
		int r = dump_once(nl, what);
		/* Notifications have filled the buffer. The kernel goes on with the dump when it is read. */
		if (r == -ENOBUFS || r == -EBUSY) {
			r = vs_nl_drain(nl);
			nl->interrupted = true;
		}
		if (r < 0 || !nl->interrupted)
			return r;
	}
	return -EAGAIN;
}

static void begin_list(void *arg)
{
	const struct vs_nl_reader *reader = arg;

	reader->begin(reader->arg);
}

int vs_nl_list(struct vs_nl *nl, int type, const void *header, size_t len, vs_nl_each_fn *each,
	       const struct vs_nl_reader *reader)
{
	const struct vs_nl_dump dump = { type, header, len, begin_list, each, (void *)reader };

	return vs_nl_dump(nl, &dump);
}
