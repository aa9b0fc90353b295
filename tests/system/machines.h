/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_TESTS_MACHINES_H
#define VDESTACK_TESTS_MACHINES_H

/*
 * Two machines: two network namespaces with their own addresses, joined by a cable.
 *
 *     the case: machine A                     a child: machine B
 *     192.0.2.1, 2001:db8::1   cable0 ─── cable1   192.0.2.2, 2001:db8::2
 *
 * Each machine has a keeper of its own, which opens links in the network of its machine. The child makes the
 * stacks of machine B and passes them, so the case has sockets of both stacks and compares bytes itself.
 *
 * The child ends when the case closes its end of the socket pair, or ends.
 */

#include "bulk.h"
#include "send_fds.h"

struct far {
	pid_t peer;
	int order; /* to the child: configurations; from it: descriptors of stacks */
};

/* An end of the cable: addresses, and the way of multicast packets. */
static inline void far_plug(const char *cable, const char *ipv4, const char *ipv6)
{
	tool_run(WORDS("ip", "link", "set", "lo", "up"));
	tool_run(WORDS("ip", "link", "set", cable, "up"));
	tool_run(WORDS("ip", "addr", "add", ipv4, "dev", cable));
	tool_run(WORDS("ip", "addr", "add", ipv6, "dev", cable, "nodad"));
	tool_run(WORDS("ip", "route", "add", "224.0.0.0/4", "dev", cable));
}

/* Machine B: makes the stacks that the case asks for, until the case closes its end. */
static inline void far_peer(int order)
{
	struct vdestack_opts opts = *case_opts();
	char config[1024];
	ssize_t n;

	MUST(unshare(CLONE_NEWNET));
	MUST(send(order, "n", 1, MSG_NOSIGNAL)); /* the namespace is made */
	CHECK_EQ(recv(order, config, 1, 0), 1);  /* the cable is there */
	far_plug("cable1", "192.0.2.2/24", "2001:db8::2/64");
	MUST(send(order, "p", 1, MSG_NOSIGNAL));
	while ((n = recv(order, config, sizeof(config) - 1, 0)) > 0) {
		config[n] = '\0';
		if (strncmp(config, "mtu ", 4) == 0) {
			tool_run(WORDS("ip", "link", "set", "cable1", "mtu", config + 4));
			MUST(send(order, "m", 1, MSG_NOSIGNAL));
			continue;
		}
		struct vdestack *s = vdestack_new(config, &opts);
		if (s == NULL)
			FAIL("no stack from \"%s\": %s", config, vdestack_last_error());
		int fd = (int)MUST(vdestack_pass(s, 0));
		MUST(send_fds(order, "s", 1, fd, 1));
		close(fd);
	}
}

static inline void far_answer(struct far *m, char expected)
{
	char byte = 0;

	CHECK(wait_readable(m->order, SOON_MS));
	CHECK_EQ(recv(m->order, &byte, 1, 0), 1);
	CHECK_EQ(byte, expected);
}

/* Makes both machines. The case is machine A from now on. */
static inline void far_begin(struct far *m)
{
	int pair[2];
	char pid_text[16];

	own_namespaces(CLONE_NEWNET);
	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair));
	m->peer = (pid_t)MUST(fork());
	if (m->peer == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(pair[0]);
		far_peer(pair[1]);
		_exit(0);
	}
	close(pair[1]);
	m->order = pair[0];
	far_answer(m, 'n');
	(void)snprintf(pid_text, sizeof(pid_text), "%d", (int)m->peer);
	tool_run(WORDS("ip", "link", "add", "cable0", "type", "veth", "peer", "name", "cable1", "netns",
		       pid_text));
	far_plug("cable0", "192.0.2.1/24", "2001:db8::1/64");
	MUST(send(m->order, "c", 1, MSG_NOSIGNAL));
	far_answer(m, 'p');
}

/* The descriptor of the next message. */
static inline int far_take(int socket)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr h = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control.bytes,
			    .msg_controllen = sizeof(control.bytes) };
	int fd;

	CHECK(wait_readable(socket, SOON_MS));
	CHECK_EQ(recvmsg(socket, &h, MSG_CMSG_CLOEXEC), 1);
	struct cmsghdr *c = CMSG_FIRSTHDR(&h);
	CHECK(c != NULL && c->cmsg_type == SCM_RIGHTS);
	memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

/* A stack on machine B. Its link and keeper are there; the case has its sockets. */
__attribute__((format(printf, 2, 3))) static inline struct vdestack *far_stack(struct far *m, const char *fmt,
									       ...)
{
	char config[1024];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(config, sizeof(config), fmt, ap);
	va_end(ap);
	MUST(send(m->order, config, strlen(config), MSG_NOSIGNAL));
	int fd = far_take(m->order);
	struct vdestack *s = vdestack_receive(fd);
	if (s == NULL)
		FAIL("the stack of the other machine: %s", vdestack_last_error());
	close(fd);
	return s;
}

/* Machine B takes no longer packets from the cable. Machine A does not learn of it. */
static inline void far_cable_mtu(struct far *m, int mtu)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "mtu %d", mtu);
	MUST(send(m->order, text, strlen(text), MSG_NOSIGNAL));
	far_answer(m, 'm');
}

static inline void far_end(struct far *m)
{
	int status;

	close(m->order);
	MUST(waitpid(m->peer, &status, 0));
	CHECK_EQ(status, 0);
}

/* ------------------------------------------------------------------ networks between them */

#define FLAGS (CASE_F_ROOT | CASE_F_USER | CASE_F_VDE)
#define KEY "0123456789abcdef0123456789abcdef\n"
#define NOTHING_MS 700 /* what has not come by then does not come */

/* A network between the machines: the locators of its ends, and the MTU that the document gives. */
struct network {
	const char *a, *b;
	int mtu;
	bool ipv6; /* between the machines */
};

__attribute__((unused)) static const struct network vxvde = { "vxvde://239.1.2.3", "vxvde://239.1.2.3", 1450,
							      false };
__attribute__((unused)) static const struct network vxvde6 = { "vxvde://ff15::3/v6/if=cable0",
							       "vxvde://ff15::3/v6/if=cable1", 1430, true };
__attribute__((unused)) static const struct network udp = { "udp://192.0.2.1:4001->192.0.2.2:4002",
							    "udp://192.0.2.2:4002->192.0.2.1:4001", 1458,
							    false };
__attribute__((unused)) static const struct network udp6 = { "udp://2001:db8::1:4001->2001:db8::2:4002",
							     "udp://2001:db8::2:4002->2001:db8::1:4001", 1438,
							     true };
__attribute__((unused)) static const struct network agno_vxvde = { "agno://KEY{vxvde://239.1.2.3}",
								   "agno://KEY{vxvde://239.1.2.3}", 1424,
								   false };
__attribute__((unused)) static const struct network agno_udp = {
	"agno://KEY{udp://192.0.2.1:4001->192.0.2.2:4002}",
	"agno://KEY{udp://192.0.2.2:4002->192.0.2.1:4001}", 1440, false
};
__attribute__((unused)) static const struct network agno_vxvde6 = {
	"agno://KEY{vxvde://ff15::3/v6/if=cable0}", "agno://KEY{vxvde://ff15::3/v6/if=cable1}", 1408, true
};
__attribute__((unused)) static const struct network agno_udp6 = {
	"agno://KEY{udp://2001:db8::1:4001->2001:db8::2:4002}",
	"agno://KEY{udp://2001:db8::2:4002->2001:db8::1:4001}", 1408, true
};

/* The locator with the path of a key file in place of KEY. */
static inline const char *keyed(const char *locator, const char *key)
{
	static char ring[4][400];
	static unsigned next;
	char *text = ring[next++ % 4];
	const char *at = strstr(locator, "KEY");

	if (at == NULL)
		return locator;
	(void)snprintf(text, sizeof(ring[0]), "%.*s%s%s", (int)(at - locator), locator, key, at + 3);
	return text;
}

static inline const char *key_file(const char *name, const char *key)
{
	const char *path = case_path(name);
	int fd = (int)MUST(open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600));

	MUST(write(fd, key, strlen(key)));
	close(fd);
	return path;
}

struct joined {
	struct far far;
	struct vdestack *a, *b; /* 10.0.0.1 and 10.0.0.2 */
};

/* words: more of the configuration of the stack of machine A. */
static inline struct joined join(const struct network *n, int mtu, const char *words)
{
	struct joined p;
	const char *key = key_file("key", KEY);

	far_begin(&p.far);
	p.a = stack_of("vnl='%s' mtu=%d ip=10.0.0.1/24 %s", keyed(n->a, key), mtu, words);
	p.b = far_stack(&p.far, "vnl='%s' mtu=%d ip=10.0.0.2/24", keyed(n->b, key), mtu);
	return p;
}

static inline void part(struct joined *p)
{
	MUST(vdestack_delete(p->a));
	MUST(vdestack_delete(p->b));
	far_end(&p->far);
}

#endif
