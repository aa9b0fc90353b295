/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * An option is copied as the bytes that getsockopt(2) returns, with the few exceptions below. The tables
 * are in the order in which options must be set: those that change others stand before these.
 */

#include "move.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/tcp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define VALUE_MAX 256 /* bytes; IPv4 options have 40, extension headers of IPv6 are rarely longer */
#define FILTER_MAX                                                                                           \
	512 /* instructions; the kernel takes 4096, for which the stack of a signal may be too small */

/* Not in all headers. */
#define VS_SO_TIMESTAMP_OLD 29
#define VS_SO_TIMESTAMPNS_OLD 35
#define VS_SO_TIMESTAMPING_OLD 37
#define VS_SO_TIMESTAMP_NEW 63
#define VS_SO_TIMESTAMPNS_NEW 64
#define VS_SO_TIMESTAMPING_NEW 65
#define VS_SO_BUF_LOCK 72
#define VS_SO_TXREHASH 74
#define VS_SO_RCVMARK 75
#define VS_IP_LOCAL_PORT_RANGE 51
#define VS_IPV6_FLOWINFO_SEND 33
#define VS_TCP_RTO_MAX_MS 44
#define VS_TCP_RTO_MIN_US 45
#define VS_TCP_DELACK_MAX_US 46

/* Bits of SO_BUF_LOCK: the program has set the size itself. */
#define VS_SNDBUF_LOCK 1
#define VS_RCVBUF_LOCK 2

struct option {
	int level, name;
	const char *text;
};

#define S(name) { SOL_SOCKET, name, #name }
#define VS_S(name) { SOL_SOCKET, VS_##name, #name }
#define I4(name) { IPPROTO_IP, name, #name }
#define I6(name) { IPPROTO_IPV6, name, #name }
#define T(name) { IPPROTO_TCP, name, #name }
#define U(name) { IPPROTO_UDP, name, #name }

static const struct option options[] = {
	/* what bind(2) depends on, too */
	S(SO_REUSEADDR),
	S(SO_REUSEPORT),
	I6(IPV6_V6ONLY),
	I4(IP_FREEBIND),
	I6(IPV6_FREEBIND),
	I4(IP_TRANSPARENT),
	I6(IPV6_TRANSPARENT),
	I4(IP_BIND_ADDRESS_NO_PORT),
	{ IPPROTO_IP, VS_IP_LOCAL_PORT_RANGE, "IP_LOCAL_PORT_RANGE" },

	S(SO_DEBUG),
	S(SO_DONTROUTE),
	S(SO_BROADCAST),
	S(SO_KEEPALIVE),
	S(SO_OOBINLINE),
	S(SO_LINGER),
	S(SO_RCVTIMEO),
	S(SO_SNDTIMEO),
	S(SO_RCVLOWAT),
	S(SO_MARK),
	S(SO_PASSCRED),
	S(SO_PASSSEC),
	S(SO_RXQ_OVFL),
	S(SO_WIFI_STATUS),
	S(SO_PEEK_OFF),
	S(SO_NOFCS),
	S(SO_SELECT_ERR_QUEUE),
	S(SO_BUSY_POLL),
	S(SO_MAX_PACING_RATE),
	S(SO_ZEROCOPY),
	S(SO_TXTIME),
	S(SO_PREFER_BUSY_POLL),
	S(SO_BUSY_POLL_BUDGET),
	VS_S(SO_TXREHASH),
	VS_S(SO_RCVMARK),
	VS_S(SO_TIMESTAMP_OLD),
	VS_S(SO_TIMESTAMPNS_OLD),
	VS_S(SO_TIMESTAMPING_OLD),
	VS_S(SO_TIMESTAMP_NEW),
	VS_S(SO_TIMESTAMPNS_NEW),
	VS_S(SO_TIMESTAMPING_NEW),

	I4(IP_TOS),
	I4(IP_TTL),
	I4(IP_OPTIONS),
	I4(IP_RECVOPTS),
	I4(IP_RETOPTS),
	I4(IP_PKTINFO),
	I4(IP_MTU_DISCOVER),
	I4(IP_RECVERR),
	I4(IP_RECVTTL),
	I4(IP_RECVTOS),
	I4(IP_PASSSEC),
	I4(IP_RECVORIGDSTADDR),
	I4(IP_MINTTL),
	I4(IP_CHECKSUM),
	I4(IP_RECVFRAGSIZE),
	I4(IP_RECVERR_RFC4884),
	I4(IP_MULTICAST_IF),
	I4(IP_MULTICAST_TTL),
	I4(IP_MULTICAST_LOOP),
	I4(IP_MULTICAST_ALL),
	I4(IP_UNICAST_IF),

	I6(IPV6_UNICAST_HOPS),
	I6(IPV6_MULTICAST_IF),
	I6(IPV6_MULTICAST_HOPS),
	I6(IPV6_MULTICAST_LOOP),
	I6(IPV6_MULTICAST_ALL),
	I6(IPV6_UNICAST_IF),
	I6(IPV6_MTU_DISCOVER),
	I6(IPV6_RECVERR),
	I6(IPV6_RECVERR_RFC4884),
	I6(IPV6_RECVPKTINFO),
	I6(IPV6_RECVHOPLIMIT),
	I6(IPV6_RECVHOPOPTS),
	I6(IPV6_RECVRTHDR),
	I6(IPV6_RECVDSTOPTS),
	I6(IPV6_RECVPATHMTU),
	I6(IPV6_RECVTCLASS),
	I6(IPV6_RECVORIGDSTADDR),
	I6(IPV6_RECVFRAGSIZE),
	I6(IPV6_TCLASS),
	I6(IPV6_DONTFRAG),
	I6(IPV6_AUTOFLOWLABEL),
	I6(IPV6_ADDR_PREFERENCES),
	I6(IPV6_MINHOPCOUNT),
	I6(IPV6_HOPOPTS),
	I6(IPV6_RTHDRDSTOPTS),
	I6(IPV6_RTHDR),
	I6(IPV6_DSTOPTS),
	{ IPPROTO_IPV6, VS_IPV6_FLOWINFO_SEND, "IPV6_FLOWINFO_SEND" },

	S(SO_PRIORITY), /* IP_TOS changes it */

	T(TCP_NODELAY),
	T(TCP_MAXSEG),
	T(TCP_CORK),
	T(TCP_KEEPIDLE),
	T(TCP_KEEPINTVL),
	T(TCP_KEEPCNT),
	T(TCP_SYNCNT),
	T(TCP_LINGER2),
	T(TCP_DEFER_ACCEPT),
	T(TCP_WINDOW_CLAMP),
	T(TCP_CONGESTION),
	T(TCP_THIN_LINEAR_TIMEOUTS),
	T(TCP_THIN_DUPACK),
	T(TCP_USER_TIMEOUT),
	T(TCP_FASTOPEN),
	T(TCP_NOTSENT_LOWAT),
	T(TCP_SAVE_SYN),
	T(TCP_FASTOPEN_CONNECT),
	T(TCP_FASTOPEN_NO_COOKIE),
	T(TCP_INQ),
	T(TCP_TX_DELAY),
	{ IPPROTO_TCP, VS_TCP_RTO_MAX_MS, "TCP_RTO_MAX_MS" },
	{ IPPROTO_TCP, VS_TCP_RTO_MIN_US, "TCP_RTO_MIN_US" },
	{ IPPROTO_TCP, VS_TCP_DELACK_MAX_US, "TCP_DELACK_MAX_US" },

	U(UDP_CORK),
	U(UDP_ENCAP),
	U(UDP_NO_CHECK6_TX),
	U(UDP_NO_CHECK6_RX),
	U(UDP_SEGMENT),
	U(UDP_GRO),
};

static const struct option device = S(SO_BINDTODEVICE), lock = S(SO_LOCK_FILTER);

struct value {
	unsigned char bytes[VALUE_MAX];
	socklen_t len;
};

/* False: this socket has no such option. */
static bool get(int fd, const struct option *o, struct value *v)
{
	*v = (struct value){ .len = sizeof(v->bytes) };
	return getsockopt(fd, o->level, o->name, v->bytes, &v->len) == 0;
}

static bool same(const struct value *a, const struct value *b)
{
	return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

/* The three sockets of a move. */
struct move {
	int old, reference, fresh;
	const char *what;
};

static int fail(struct move *m, const char *what, int err)
{
	m->what = what;
	return -err;
}

static int copy_option(struct move *m, const struct option *o)
{
	struct value old, reference, fresh;

	if (!get(m->old, o, &old) || !get(m->reference, o, &reference) || same(&old, &reference))
		return 0;
	if (get(m->fresh, o, &fresh) && same(&old, &fresh))
		return 0;
	if (setsockopt(m->fresh, o->level, o->name, old.bytes, old.len) < 0)
		return fail(m, o->text, errno);
	return 0;
}

static int get_int(int fd, int level, int name, int missing)
{
	int value = missing;
	socklen_t len = sizeof(value);

	return getsockopt(fd, level, name, &value, &len) == 0 ? value : missing;
}

/*
 * The kernel doubles a size that is set, and returns the doubled one. Without SO_BUF_LOCK (before Linux
 * 5.15) a size counts as set by the program if it is another one. A size above the limit of the system is
 * set if the caller may, otherwise it becomes the limit: a connection with smaller buffers is better than
 * none.
 */
static void copy_buffer(const struct move *m, int name, int force, int locked)
{
	int size = get_int(m->old, SOL_SOCKET, name, 0);
	int locks = get_int(m->old, SOL_SOCKET, VS_SO_BUF_LOCK, -1);
	bool set = locks >= 0 ? (locks & locked) != 0 : size != get_int(m->reference, SOL_SOCKET, name, 0);

	if (!set)
		return;
	int half = size / 2;
	(void)setsockopt(m->fresh, SOL_SOCKET, name, &half, sizeof(half));
	if (get_int(m->fresh, SOL_SOCKET, name, 0) < size)
		(void)setsockopt(m->fresh, SOL_SOCKET, force, &half, sizeof(half));
}

/* Of classic BPF. One of eBPF can be replaced, not read: EACCES. */
static int copy_filter(struct move *m)
{
	struct sock_filter code[FILTER_MAX];
	socklen_t n = 0; /* instructions, not bytes */

	if (getsockopt(m->old, SOL_SOCKET, SO_GET_FILTER, NULL, &n) < 0)
		return fail(m, "SO_ATTACH_FILTER", errno);
	if (n == 0)
		return 0;
	if (n > FILTER_MAX)
		return fail(m, "SO_ATTACH_FILTER", E2BIG);
	if (getsockopt(m->old, SOL_SOCKET, SO_GET_FILTER, code, &n) < 0)
		return fail(m, "SO_ATTACH_FILTER", errno);
	struct sock_fprog program = { .len = (unsigned short)n, .filter = code };
	if (setsockopt(m->fresh, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0)
		return fail(m, "SO_ATTACH_FILTER", errno);
	return 0;
}

static int copy_flags(struct move *m)
{
	struct f_owner_ex owner = { 0 };
	int flags = fcntl(m->old, F_GETFL), signal = fcntl(m->old, F_GETSIG);

	if (flags < 0 || fcntl(m->fresh, F_SETFL, flags & O_NONBLOCK) < 0)
		return fail(m, "O_NONBLOCK", errno);
	if (fcntl(m->old, F_GETOWN_EX, &owner) == 0 && owner.pid != 0 &&
	    fcntl(m->fresh, F_SETOWN_EX, &owner) < 0)
		return fail(m, "F_SETOWN", errno);
	if (signal > 0 && fcntl(m->fresh, F_SETSIG, signal) < 0)
		return fail(m, "F_SETSIG", errno);
	return 0;
}

static bool is_any(const struct sockaddr_storage *addr)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)addr;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)addr;

	if (addr->ss_family == AF_INET6)
		return in6->sin6_port == 0 && IN6_IS_ADDR_UNSPECIFIED(&in6->sin6_addr);
	return in->sin_port == 0 && in->sin_addr.s_addr == INADDR_ANY;
}

static int copy_address(struct move *m)
{
	struct sockaddr_storage addr = { 0 };
	socklen_t len = sizeof(addr);

	if (getsockname(m->old, (struct sockaddr *)&addr, &len) < 0)
		return fail(m, "getsockname", errno);
	if (!is_any(&addr) && bind(m->fresh, (const struct sockaddr *)&addr, len) < 0)
		return fail(m, "bind", errno);
	return 0;
}

/* A connection cannot be moved. */
static int check_idle(struct move *m)
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof(peer);

	if (get_int(m->old, SOL_SOCKET, SO_ACCEPTCONN, 0) != 0)
		return fail(m, "listen", EISCONN);
	if (getpeername(m->old, (struct sockaddr *)&peer, &len) == 0)
		return fail(m, "connect", EISCONN);
	return errno == ENOTCONN ? 0 : fail(m, "getpeername", errno);
}

static int move(struct move *m)
{
	int r = check_idle(m);

	for (size_t i = 0; r == 0 && i < COUNT(options); i++)
		r = copy_option(m, &options[i]);
	if (r < 0)
		return r;
	copy_buffer(m, SO_SNDBUF, SO_SNDBUFFORCE, VS_SNDBUF_LOCK);
	copy_buffer(m, SO_RCVBUF, SO_RCVBUFFORCE, VS_RCVBUF_LOCK);
	r = copy_option(m, &device);
	if (r == 0)
		r = copy_filter(m);
	if (r == 0)
		r = copy_option(m, &lock);
	if (r == 0)
		r = copy_flags(m);
	return r == 0 ? copy_address(m) : r;
}

int vs_move_socket(int old, int reference, int fresh, const char **what)
{
	struct move m = { old, reference >= 0 ? reference : fresh, fresh, "" };
	int saved = errno;
	int r = move(&m);

	if (r < 0)
		*what = m.what;
	errno = saved;
	return r;
}

int vs_move_async(int old, int fd)
{
	int flags = fcntl(old, F_GETFL);

	if (flags < 0)
		return -errno;
	if ((flags & O_ASYNC) == 0)
		return 0;
	flags = fcntl(fd, F_GETFL);
	return flags >= 0 && fcntl(fd, F_SETFL, flags | O_ASYNC) == 0 ? 0 : -errno;
}
