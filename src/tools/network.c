/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The checks that make stacks. They report the library's own error messages. */

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/diagnose.h"
#include "checks.h"
#include <vdestack.h>

/* Whether an echo request is answered within two seconds. */
static bool ping(struct vdestack *from, const char *addr)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct icmphdr echo = { .type = ICMP_ECHO }, reply = { 0 };
	int s = vdestack_msocket(from, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_ICMP);

	(void)inet_pton(AF_INET, addr, &to.sin_addr);
	for (int i = 0; s >= 0 && i < 20; i++) {
		struct pollfd p = { .fd = s, .events = POLLIN };
		if (sendto(s, &echo, sizeof(echo), 0, (struct sockaddr *)&to, sizeof(to)) < 0)
			continue;
		if (poll(&p, 1, 100) > 0 && recv(s, &reply, sizeof(reply), MSG_DONTWAIT) == sizeof(reply))
			return reply.type == ICMP_ECHOREPLY;
	}
	return false;
}

/* Two stacks on a segment: what is found is of that severity if it does not work. */
static void check_segment(struct vs_finding *f, const char *segment, enum vs_severity severity,
			  const char *fine)
{
	char config[96];
	struct vdestack *b = NULL;

	(void)snprintf(config, sizeof(config), "vnl=%s ip=10.0.0.1/24", segment);
	struct vdestack *a = vdestack_new(config, NULL);
	(void)snprintf(config, sizeof(config), "vnl=%s ip=10.0.0.2/24", segment);
	if (a != NULL)
		b = vdestack_new(config, NULL);
	if (b == NULL)
		vs_find(f, severity, "%s", vdestack_last_error());
	else if (!ping(a, "10.0.0.2"))
		vs_find(f, severity, "two stacks on a segment do not hear each other; please report this");
	else
		vs_find(f, VS_SEVERITY_FINE, "%s", fine);
	(void)vdestack_delete(b);
	(void)vdestack_delete(a);
}

void vs_check_stack(struct vs_finding *f, const char *arg)
{
	(void)arg;
	check_segment(f, "inproc://doctor", VS_SEVERITY_FAILURE, "two stacks hear each other");
}

/* Programs that do not use it need none. */
void vs_check_local(struct vs_finding *f, const char *arg)
{
	char segment[64];

	(void)arg;
	(void)snprintf(segment, sizeof(segment), "local://doctor-%d", (int)getpid());
	check_segment(f, segment, VS_SEVERITY_WARNING, "programs can share segments (local://)");
}

/* A network of libvdeplug that drops every frame. It takes a tap or a packet device, and a pump. */
void vs_check_null(struct vs_finding *f, const char *arg)
{
	struct vdestack *s = vdestack_new("vnl=null:// ip=10.0.0.1/24", NULL);

	(void)arg;
	if (s == NULL)
		return vs_find(f, VS_SEVERITY_FAILURE, "%s", vdestack_last_error());
	vs_find(f, VS_SEVERITY_FINE, "a stack with an interface on a network can be made");
	(void)vdestack_delete(s);
}

/* ------------------------------------------------------------------ a network that was named */

#define LARGEST 9216 /* VDE_MAXMTU */

static struct vdestack *joined(const char *vnl, unsigned host, unsigned mtu, unsigned flags)
{
	struct vdestack_opts opts = { .size = sizeof(opts), .step_timeout_ms = 5000, .flags = flags };
	char config[PATH_MAX + 96];

	(void)snprintf(config, sizeof(config), "vnl=%s ip=169.254.77.%u/30 mtu=%u", vnl, host, mtu);
	return vdestack_new(config, &opts);
}

/* Whether a packet of that length passes from one stack to the other. */
static bool passes(struct vdestack *from, struct vdestack *to, size_t length)
{
	static char payload[LARGEST];
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(7) };
	int out = vdestack_msocket(from, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int in = vdestack_msocket(to, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool passed = false;

	(void)inet_pton(AF_INET, "169.254.77.2", &at.sin_addr);
	if (bind(in, (struct sockaddr *)&at, sizeof(at)) < 0)
		length = 0;
	for (int i = 0; length > 0 && !passed && i < 5; i++) {
		struct pollfd p = { .fd = in, .events = POLLIN };
		/* 28: the headers of IPv4 and UDP. */
		(void)sendto(out, payload, length - 28, 0, (struct sockaddr *)&at, sizeof(at));
		passed = poll(&p, 1, 100) > 0 &&
			 recv(in, payload, sizeof(payload), MSG_DONTWAIT) == (ssize_t)length - 28;
	}
	close(out);
	close(in);
	return passed;
}

/* Sends longer and longer packets between two ports of the network. */
static void probe(struct vs_finding *f, const char *vnl, struct vdestack *a, bool stock)
{
	static const size_t lengths[] = { 576, 1500, 9000, LARGEST };
	struct vdestack *b = joined(vnl, 2, LARGEST, VDESTACK_FORCE_MTU);
	const char *kind = stock ? ", a vde_switch of vde2" : "";
	size_t longest = 0;

	for (size_t i = 0; b != NULL && i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		if (!passes(a, b, lengths[i]))
			break;
		longest = lengths[i];
	}
	if (longest > 0)
		vs_find(f, VS_SEVERITY_FINE,
			"%.800s can be joined%s; packets of %zu bytes pass between its ports", vnl, kind,
			longest);
	else
		vs_find(f, VS_SEVERITY_FINE,
			"%.800s can be joined%s; nothing passed between two ports of it, as is normal for "
			"slirp://",
			vnl, kind);
	(void)vdestack_delete(b);
}

/*
 * A stock vde_switch is recognised by the library's error for an MTU that is larger than the switch's. The
 * addresses are link-local, with a prefix for two hosts, so they do not disturb other hosts of the network.
 */
void vs_check_network(struct vs_finding *f, const char *vnl)
{
	if (vnl[strcspn(vnl, " \t\n\"'\\")] != '\0')
		return vs_find(f, VS_SEVERITY_FAILURE,
			       "\"%.200s\" has a blank, a quote or a backslash, which doctor does not "
			       "pass on", vnl);
	if (strlen(vnl) > PATH_MAX)
		return vs_find(f, VS_SEVERITY_FAILURE, "\"%.200s...\": %s", vnl,
			       vs_cause_text(VS_CAUSE_NETWORK_LONG, ENAMETOOLONG));
	struct vdestack *a = joined(vnl, 1, LARGEST, 0);
	bool stock = a == NULL && errno == EMSGSIZE;

	if (stock)
		a = joined(vnl, 1, LARGEST, VDESTACK_FORCE_MTU);
	if (a == NULL)
		return vs_find(f, VS_SEVERITY_FAILURE, "%s", vdestack_last_error());
	probe(f, vnl, a, stock);
	(void)vdestack_delete(a);
}
