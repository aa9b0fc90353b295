/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Plugin liar, for tests: a stack whose netlink sockets answer what the option of the stack's name says. A
 * socket is one end of a pair; the stack writes the answers to the other end while a request is sent. The
 * last request is read by getsockopt, at a level of its own.
 */

#include <errno.h>
#include <ioth.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct stack {
	char mode[32];
	int peer;
	unsigned n_dumps;
	unsigned n_ends;
	size_t request_len;
	unsigned char request[4096];
};

struct part {
	size_t len;
	_Alignas(struct nlmsghdr) unsigned char bytes[8192];
};

static void *(*stackdata)(void);
static int (*fail)(int err, const char *message);

/* ------------------------------------------------------------------ messages */

static struct nlmsghdr *put(struct part *part, unsigned type, unsigned flags, const void *data, size_t len)
{
	const struct stack *s = stackdata();
	const struct nlmsghdr *request = (const void *)s->request;
	struct nlmsghdr *hdr = (void *)(part->bytes + part->len);

	*hdr = (struct nlmsghdr){ .nlmsg_len = (unsigned)NLMSG_LENGTH(len),
				  .nlmsg_type = (unsigned short)type,
				  .nlmsg_flags = (unsigned short)flags,
				  .nlmsg_seq = request->nlmsg_seq };
	memcpy(NLMSG_DATA(hdr), data, len);
	part->len += NLMSG_ALIGN(hdr->nlmsg_len);
	return hdr;
}

/* To the last message of the part. length: what the attribute says of itself. */
static void put_attr(struct part *part, struct nlmsghdr *hdr, unsigned type, size_t length, const void *data,
		     size_t len)
{
	struct rtattr *attr = (void *)(part->bytes + part->len);

	*attr = (struct rtattr){ .rta_len = (unsigned short)length, .rta_type = (unsigned short)type };
	memcpy(RTA_DATA(attr), data, len);
	part->len += RTA_ALIGN(RTA_LENGTH(len));
	hdr->nlmsg_len += (unsigned)RTA_ALIGN(RTA_LENGTH(len));
}

static void put_error(struct part *part, int error)
{
	const struct nlmsgerr result = { .error = error };

	(void)put(part, NLMSG_ERROR, 0, &result, sizeof(result));
}

static void put_done(struct part *part, unsigned flags, int error)
{
	(void)put(part, NLMSG_DONE, NLM_F_MULTI | flags, &error, sizeof(error));
}

static void put_link(struct part *part, unsigned flags, int ifindex, const char *name)
{
	const struct ifinfomsg info = { .ifi_index = ifindex };
	struct nlmsghdr *hdr = put(part, RTM_NEWLINK, flags, &info, sizeof(info));

	put_attr(part, hdr, IFLA_IFNAME, RTA_LENGTH(strlen(name) + 1), name, strlen(name) + 1);
	put_attr(part, hdr, IFLA_ADDRESS, RTA_LENGTH(6), "\2\0\0\0\0\7", 6);
}

static void put_addr(struct part *part, int family, unsigned ifindex, unsigned prefixlen, size_t bytes)
{
	static const unsigned char addr[32] = { 10, 0, 0, 1 };
	const struct ifaddrmsg info = { .ifa_family = (unsigned char)family,
					.ifa_prefixlen = (unsigned char)prefixlen,
					.ifa_index = ifindex };
	struct nlmsghdr *hdr = put(part, RTM_NEWADDR, NLM_F_MULTI, &info, sizeof(info));

	put_attr(part, hdr, IFA_LOCAL, RTA_LENGTH(bytes), addr, bytes);
}

/* ------------------------------------------------------------------ answers */

static bool is_mode(const struct stack *s, const char *mode)
{
	return strcmp(s->mode, mode) == 0;
}

static void answer_hostile(const struct stack *s, struct part *part)
{
	static const char long_name[200] = { [0 ... 199] = 'n' };
	const struct ifinfomsg info = { .ifi_index = 7 };

	if (is_mode(s, "short")) {
		part->len = 3;
	} else if (is_mode(s, "tiny")) {
		put(part, NLMSG_ERROR, 0, "", 0)->nlmsg_len = 4;
	} else if (is_mode(s, "long")) {
		put(part, RTM_NEWLINK, 0, &info, sizeof(info))->nlmsg_len = 0x7fffffff;
	} else if (is_mode(s, "cut_error")) {
		(void)put(part, NLMSG_ERROR, 0, "\0\0\0", 4);
	} else if (is_mode(s, "cut_link")) {
		(void)put(part, RTM_NEWLINK, 0, &info, 4);
	} else if (is_mode(s, "positive")) {
		put_error(part, EPERM);
	} else if (is_mode(s, "huge")) {
		put_error(part, -100000);
	} else if (is_mode(s, "least")) {
		put_error(part, (int)0x80000000);
	} else if (is_mode(s, "done_error")) {
		put_done(part, 0, -EPERM);
	} else if (is_mode(s, "attrs")) {
		struct nlmsghdr *hdr = put(part, RTM_NEWLINK, NLM_F_MULTI, &info, sizeof(info));
		put_attr(part, hdr, IFLA_IFNAME, RTA_LENGTH(sizeof(long_name)), long_name, sizeof(long_name));
		put_attr(part, hdr, IFLA_ADDRESS, RTA_LENGTH(sizeof(long_name)), long_name,
			 sizeof(long_name));
		put_attr(part, hdr, IFLA_STATS, RTA_LENGTH(2), "ab", 2);
		put_attr(part, hdr, IFLA_BROADCAST, 0xffff, "abcd", 4);
		put_attr(part, hdr, IFLA_MTU, 0, "abcd", 4);
		put_done(part, 0, 0);
	}
}

static void answer_dump(struct stack *s, const struct nlmsghdr *request, struct part *part)
{
	unsigned interrupted =
		is_mode(s, "interrupted") || (is_mode(s, "twice") && s->n_dumps < 2) ? NLM_F_DUMP_INTR : 0;

	if (is_mode(s, "attrs") && request->nlmsg_type == RTM_GETLINK) {
		answer_hostile(s, part);
	} else if (request->nlmsg_type == RTM_GETLINK) {
		s->n_dumps++;
		put_link(part, NLM_F_MULTI, 7, "vde0");
		put_done(part, interrupted, 0);
	} else {
		put_addr(part, AF_INET, 8, 24, 4); /* of an interface that is not there */
		put_addr(part, 99, 7, 24, 4);
		put_addr(part, AF_INET, 7, 255, 4);
		put_addr(part, AF_INET6, 7, 64, 4);
		put_done(part, 0, 0);
	}
}

static void answer(struct stack *s)
{
	const struct nlmsghdr *request = (const void *)s->request;
	bool normal = is_mode(s, "honest") || is_mode(s, "twice") || is_mode(s, "interrupted") ||
		      is_mode(s, "attrs");
	struct part part = { 0 };

	if (is_mode(s, "silent"))
		return;
	if (is_mode(s, "end")) {
		(void)send(s->peer, "", 0, 0);
		return;
	}
	if (is_mode(s, "endless") || is_mode(s, "other")) { /* receive() makes more of it */
		(void)send(s->peer, "x", 1, 0);
		return;
	}
	if (!normal)
		answer_hostile(s, &part);
	else if ((request->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP)
		answer_dump(s, request, &part);
	else if (request->nlmsg_type == RTM_GETLINK)
		put_link(&part, 0, 7, "vde0");
	if (normal && (request->nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP)
		put_error(&part, 0);
	(void)send(s->peer, part.bytes, part.len, 0);
}

/* ------------------------------------------------------------------ the plugin */

void *ioth_liar_newstack(const char *vnlv[], const char *options, struct ioth_functions *functions);
int ioth_liar_delstack(void *data);
int ioth_liar_events(void *data);
int ioth_liar_getifaddrs(void *data, struct ifaddrs **list);
int ioth_liar_socket(int domain, int type, int protocol);
int ioth_liar_close(int fd);
int ioth_liar_bind(int fd, const struct sockaddr *addr, socklen_t addrlen);
int ioth_liar_getsockopt(int fd, int level, int optname, void *optval, socklen_t *optlen);
ssize_t ioth_liar_recvmsg(int fd, struct msghdr *msg, int flags);
ssize_t ioth_liar_sendmsg(int fd, const struct msghdr *msg, int flags);

void *ioth_liar_newstack(const char *vnlv[], const char *options, struct ioth_functions *functions)
{
	struct stack *s = calloc(1, sizeof(*s));

	if (s == NULL || vnlv == NULL) { /* ioth_plugin(7): never NULL */
		free(s);
		errno = EFAULT;
		return NULL;
	}
	(void)snprintf(s->mode, sizeof(s->mode), "%s", options);
	s->peer = -1;
	stackdata = functions->getstackdata;
	fail = functions->fail;
	return s;
}

int ioth_liar_delstack(void *data)
{
	struct stack *s = data;

	if (is_mode(s, "stays") && s->n_ends++ == 0)
		return fail(EDOM, "it stays once");
	free(s);
	return 0;
}

int ioth_liar_events(void *data)
{
	(void)data;
	return fail(EDOM, "no events");
}

/* Without freeifaddrs: it must not be called. */
int ioth_liar_getifaddrs(void *data, struct ifaddrs **list)
{
	(void)data;
	(void)list;
	abort();
}

int ioth_liar_socket(int domain, int type, int protocol)
{
	struct stack *s = stackdata();
	int sv[2];

	(void)domain;
	(void)protocol;
	if (socketpair(AF_UNIX, SOCK_DGRAM | (type & (SOCK_CLOEXEC | SOCK_NONBLOCK)), 0, sv) < 0)
		return -1;
	s->peer = sv[1];
	return sv[0];
}

int ioth_liar_close(int fd)
{
	struct stack *s = stackdata();

	(void)close(s->peer);
	s->peer = -1;
	return close(fd);
}

int ioth_liar_bind(int fd, const struct sockaddr *addr, socklen_t addrlen)
{
	(void)fd;
	(void)addr;
	(void)addrlen;
	return 0;
}

int ioth_liar_getsockopt(int fd, int level, int optname, void *optval, socklen_t *optlen)
{
	const struct stack *s = stackdata();

	(void)fd;
	(void)optname;
	if (level != -1 || *optlen < s->request_len) {
		errno = EINVAL;
		return -1;
	}
	memcpy(optval, s->request, s->request_len);
	*optlen = (socklen_t)s->request_len;
	return 0;
}

ssize_t ioth_liar_recvmsg(int fd, struct msghdr *msg, int flags)
{
	const struct stack *s = stackdata();
	struct part part = { 0 };
	const struct rtgenmsg nothing = { 0 };

	if (!is_mode(s, "endless") && !is_mode(s, "other"))
		return recvmsg(fd, msg, flags);
	while (part.len < 4096) {
		struct nlmsghdr *hdr = put(&part, RTM_NEWROUTE, NLM_F_MULTI, &nothing, sizeof(nothing));
		if (is_mode(s, "other"))
			hdr->nlmsg_seq++;
	}
	memcpy(msg->msg_iov[0].iov_base, part.bytes, part.len);
	return (ssize_t)part.len;
}

ssize_t ioth_liar_sendmsg(int fd, const struct msghdr *msg, int flags)
{
	struct stack *s = stackdata();

	(void)fd;
	(void)flags;
	s->request_len = msg->msg_iov[0].iov_len;
	if (s->request_len > sizeof(s->request)) {
		errno = EMSGSIZE;
		return -1;
	}
	memcpy(s->request, msg->msg_iov[0].iov_base, s->request_len);
	answer(s);
	return (ssize_t)s->request_len;
}
