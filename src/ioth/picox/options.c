/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Options and ioctls: those of the queues are the socketpair's, the others the stack's. */

#include <errno.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>

#include "ask.h"
#include "base/cleanup.h"
#include "plugin.h"

static bool is_of_queue(int level, int name)
{
	static const int names[] = { SO_RCVTIMEO, SO_SNDTIMEO, SO_RCVBUF, SO_SNDBUF };

	for (size_t i = 0; level == SOL_SOCKET && i < VS_COUNT(names); i++)
		if (names[i] == name)
			return true;
	return false;
}

/*
 * A bigger SO_SNDBUF is cut, as the kernel does it with what is above net.core.wmem_max. Until it is
 * connected, the queue of a TCP socket holds as much as makes it "not writable" with this size.
 */
static int set_of_queue(int fd, int name, const void *value, socklen_t len)
{
	const int max = PX_SNDBUF_MAX / 2; /* the kernel doubles it */
	int wanted = 0;

	if (name == SO_SNDBUF && len >= sizeof(wanted)) {
		memcpy(&wanted, value, sizeof(wanted));
		if ((wanted < 0 || wanted > max) && px_ask_pair(fd) == SOCK_STREAM)
			return setsockopt(fd, SOL_SOCKET, name, &max, sizeof(max));
	}
	return setsockopt(fd, SOL_SOCKET, name, value, len);
}

static int px_setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	struct px_call call = {
		.op = PX_SETSOCKOPT, .args = { level, name }, .data = value, .len = value == NULL ? 0 : len
	};

	if (is_of_queue(level, name))
		return set_of_queue(fd, name, value, len);
	return px_ask_call_of(fd, &call);
}

/* Of an ended connection, which the process has forgotten: what is known without it. -1: nothing. */
static int option_of_ended(int level, int name)
{
	if (level != SOL_SOCKET)
		return -1;
	return name == SO_ERROR || name == SO_ACCEPTCONN ? 0
	       : name == SO_TYPE                         ? SOCK_STREAM
	       : name == SO_PROTOCOL                     ? IPPROTO_TCP
							 : -1;
}

static int px_getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
	struct px_call call = {
		.op = PX_GETSOCKOPT, .args = { level, name, (int32_t)*len }, .result = value, .room = *len
	};

	if (is_of_queue(level, name))
		return getsockopt(fd, level, name, value, len);
	if (px_ask_call_of(fd, &call) < 0) {
		int known = errno == ENOTCONN ? option_of_ended(level, name) : -1;
		if (known < 0)
			return -1;
		call.got = sizeof(known);
		memcpy(value, &known, *len < sizeof(known) ? *len : sizeof(known));
	}
	*len = (socklen_t)(call.got < *len ? call.got : *len);
	return 0;
}

/* The bytes of the next datagram. */
static int first_datagram(int fd, int *bytes)
{
	char head[sizeof(struct px_datagram)];
	ssize_t n = recv(fd, head, sizeof(head), MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);

	if (n < 0 && errno != EAGAIN)
		return -1;
	*bytes = n <= (ssize_t)sizeof(head) ? 0 : (int)(n - (ssize_t)sizeof(head));
	return 0;
}

/* ioctls whose argument is a struct ifreq. */
static bool is_of_interface(unsigned long cmd)
{
	static const unsigned long numbers[] = {
		SIOCGIFNAME,    SIOCGIFINDEX,   SIOCGIFFLAGS,   SIOCSIFFLAGS,  SIOCGIFADDR,
		SIOCGIFDSTADDR, SIOCGIFBRDADDR, SIOCGIFNETMASK, SIOCGIFMETRIC, SIOCGIFMTU,
		SIOCSIFMTU,     SIOCGIFHWADDR,  SIOCSIFHWADDR,  SIOCGIFTXQLEN,
	};

	for (size_t i = 0; i < VS_COUNT(numbers); i++)
		if (numbers[i] == cmd)
			return true;
	return false;
}

/* ifc_buf NULL: how many bytes there would be. */
static int list_interfaces(int fd, struct ifconf *conf)
{
	bool asks = conf->ifc_buf == NULL;
	struct px_call call = { .op = PX_IOCTL,
				.args = { SIOCGIFCONF },
				.result = conf->ifc_buf,
				.room = asks || conf->ifc_len < 0 ? 0 : (size_t)conf->ifc_len };

	call.room -= call.room % sizeof(struct ifreq);
	if (px_ask_call_of(fd, &call) < 0)
		return -1;
	conf->ifc_len = (int)(asks || call.got < call.room ? call.got : call.room);
	return 0;
}

static int px_ioctl(int fd, unsigned long cmd, void *argp)
{
	struct px_call call = { .op = PX_IOCTL,
				.args = { (int32_t)cmd },
				.data = argp,
				.len = sizeof(struct ifreq),
				.result = argp,
				.room = sizeof(struct ifreq) };
	int type = px_ask_pair(fd);

	if (type < 0)
		return -1;
	if (cmd == FIONREAD && type != SOCK_STREAM)
		return first_datagram(fd, argp);
	if (cmd == FIONBIO || cmd == FIONREAD || cmd == SIOCOUTQ || cmd == FIOCLEX || cmd == FIONCLEX)
		return ioctl(fd, cmd, argp);
	if (cmd == SIOCGIFCONF)
		return list_interfaces(fd, argp);
	if (is_of_interface(cmd))
		return px_ask_call_of(fd, &call);
	errno = ENOTTY;
	return -1;
}

void px_plugin_options(struct ioth_functions *f)
{
	f->setsockopt = px_setsockopt;
	f->getsockopt = px_getsockopt;
	f->ioctl = px_ioctl;
}
