/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The least that a network of unix datagrams costs: what remains if a pump does nothing to frames.
 *
 *     floor [-2] [-m MTU] [-p BYTES] [-b DATAGRAMS] [-s BYTES] COMMAND...
 *
 * Two namespaces with a tap each, and two processes that move what their taps send, by a pair of connected
 * datagram sockets like those of ptp://:
 *
 *     tap ──super-frame──▶ cut into pieces ──datagrams, in batches──▶ put together ──super-frame──▶ tap
 *
 * A piece has as many bytes as a frame (-p, the MTU and 14), but is no frame. It has no headers of its own,
 * no checksum is computed or verified, and nothing is searched for what belongs together: the first piece
 * begins with the length. So the system calls and the copies are those of a pump with one datagram a frame,
 * and the rest is missing. With pieces of 70000 bytes each super-frame is one datagram.
 *
 * -b: how many datagrams are sent or received with one system call, at most (64). -s: the send buffer of the
 * sockets, in bytes (1 MiB). -2: each piece is sent as two parts, as by a pump that keeps headers apart.
 *
 * Runs COMMAND with two more arguments, "ns:PATH ns:PATH", the namespaces. The addresses are 10.0.0.1 and
 * 10.0.0.2. At its end prints the processor time of both movers, and how full the batches were. As root.
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef TUN_F_USO4 /* headers before Linux 6.2 */
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

#define BATCH_MAX 256
#define PIECE_MIN 512
#define SUPER_MAX (65536 + 128)
#define HEADERS 66 /* Ethernet, IPv4, TCP with timestamps */
#define SLOTS_BYTES (4 << 20)

static size_t piece;
static unsigned batch = 64, mtu = 1500, send_buffer = 1 << 20;
static bool two_parts;

/* One end. */
static struct {
	int tap, socket;
	/* What was read of the tap, as pieces; those before `done` are sent. */
	unsigned n, done;
	struct iovec pieces[4 * BATCH_MAX], halves[BATCH_MAX][2];
	unsigned char arena[8 * SUPER_MAX];
	/* What was received of a super-frame; its end is missing. */
	unsigned slot, n_slots, n_parts;
	uint32_t missing;
	struct iovec parts[SUPER_MAX / PIECE_MIN + 2];
	unsigned char slots[SLOTS_BYTES];
	unsigned long long sends, sent, receives, received, writes;
} o;

static void die(const char *what)
{
	fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
	_exit(1);
}

/* ------------------------------------------------------------------ moving */

static void read_tap(void)
{
	size_t used = 0;

	o.n = o.done = 0;
	while (o.n < batch && used + SUPER_MAX <= sizeof(o.arena)) {
		unsigned char *at = o.arena + used;
		ssize_t len = read(o.tap, at + sizeof(uint32_t), SUPER_MAX - sizeof(uint32_t));
		if (len <= 0)
			return;
		uint32_t whole = (uint32_t)len + (uint32_t)sizeof(uint32_t);
		memcpy(at, &whole, sizeof(whole));
		for (size_t cut = 0; cut < whole; cut += piece)
			o.pieces[o.n++] =
				(struct iovec){ at + cut, whole - cut < piece ? whole - cut : piece };
		used += (whole + 63u) & ~63u;
	}
}

/* Of one part, or as a pump has it that does not copy: its headers are elsewhere. */
static struct msghdr message_of(struct iovec *whole, struct iovec halves[2])
{
	if (!two_parts || whole->iov_len <= HEADERS)
		return (struct msghdr){ .msg_iov = whole, .msg_iovlen = 1 };
	halves[0] = (struct iovec){ whole->iov_base, HEADERS };
	halves[1] = (struct iovec){ (char *)whole->iov_base + HEADERS, whole->iov_len - HEADERS };
	return (struct msghdr){ .msg_iov = halves, .msg_iovlen = 2 };
}

static void send_pieces(void)
{
	static struct mmsghdr m[BATCH_MAX];

	while (o.done < o.n) {
		unsigned n = o.n - o.done < batch ? o.n - o.done : batch;
		for (unsigned i = 0; i < n; i++)
			m[i].msg_hdr = message_of(&o.pieces[o.done + i], o.halves[i]);
		int r = sendmmsg(o.socket, m, n, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (r <= 0)
			return;
		o.sends++;
		o.sent += (unsigned)r;
		o.done += (unsigned)r;
	}
}

static void put_together(unsigned char *at, uint32_t len)
{
	uint32_t skip = 0;

	if (o.n_parts == 0) {
		if (len < sizeof(o.missing))
			return;
		memcpy(&o.missing, at, sizeof(o.missing));
		skip = sizeof(o.missing);
	}
	o.parts[o.n_parts++] = (struct iovec){ at + skip, len - skip };
	o.missing -= len;
	if (o.missing > 0)
		return;
	(void)!writev(o.tap, o.parts, (int)o.n_parts);
	o.writes++;
	o.n_parts = 0;
}

/* Pieces of a super-frame stay in their slots until it is complete: there are slots for many. */
static void receive_pieces(void)
{
	static struct mmsghdr m[BATCH_MAX];
	static struct iovec iov[BATCH_MAX];
	size_t room = (piece + 63) & ~(size_t)63;
	unsigned n = o.n_slots - o.slot < batch ? o.n_slots - o.slot : batch;

	for (unsigned i = 0; i < n; i++) {
		iov[i] = (struct iovec){ o.slots + (o.slot + i) * room, piece };
		m[i].msg_hdr = (struct msghdr){ .msg_iov = &iov[i], .msg_iovlen = 1 };
	}
	int r = recvmmsg(o.socket, m, n, MSG_DONTWAIT, NULL);
	if (r <= 0)
		return;
	o.receives++;
	o.received += (unsigned)r;
	for (int i = 0; i < r; i++)
		put_together(iov[i].iov_base, m[i].msg_len);
	o.slot = (o.slot + (unsigned)r) % o.n_slots;
}

static volatile sig_atomic_t ended;

static void end(int sig)
{
	(void)sig;
	ended = 1;
}

static void move(void)
{
	struct pollfd p[2] = { { .fd = o.tap }, { .fd = o.socket } };

	while (!ended) {
		bool pending = o.done < o.n;
		p[0].events = pending ? 0 : POLLIN;
		p[1].events = (short)(POLLIN | (pending ? POLLOUT : 0));
		if (poll(p, 2, -1) <= 0)
			continue;
		if (p[1].revents & POLLIN)
			receive_pieces();
		if (!pending && (p[0].revents & POLLIN))
			read_tap();
		send_pieces();
	}
}

/* ------------------------------------------------------------------ an end */

static void set(int fd, unsigned long request, struct ifreq *ifr)
{
	if (ioctl(fd, request, ifr) < 0)
		die("the tap");
}

static void make_tap(const char *address)
{
	struct ifreq ifr = { .ifr_name = "vde0", .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	struct sockaddr_in *in = (struct sockaddr_in *)&ifr.ifr_addr;
	unsigned long offloads = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	o.tap = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || o.tap < 0)
		die("/dev/net/tun");
	set(o.tap, TUNSETIFF, &ifr);
	if (ioctl(o.tap, TUNSETOFFLOAD, offloads | TUN_F_USO4 | TUN_F_USO6) < 0 &&
	    ioctl(o.tap, TUNSETOFFLOAD, offloads) < 0)
		die("TUNSETOFFLOAD");
	ifr.ifr_mtu = (int)mtu;
	set(fd, SIOCSIFMTU, &ifr);
	*in = (struct sockaddr_in){ .sin_family = AF_INET };
	inet_pton(AF_INET, address, &in->sin_addr);
	set(fd, SIOCSIFADDR, &ifr);
	inet_pton(AF_INET, "255.255.255.0", &in->sin_addr);
	set(fd, SIOCSIFNETMASK, &ifr);
	ifr.ifr_flags = IFF_UP;
	set(fd, SIOCSIFFLAGS, &ifr);
	close(fd);
}

static double mean(unsigned long long sum, unsigned long long n)
{
	return n > 0 ? (double)sum / (double)n : 0;
}

static void report(const char *who)
{
	struct rusage use;

	getrusage(RUSAGE_SELF, &use);
	printf("floor.%s.cpu %.3f s\n", who,
	       (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
		       (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6);
	printf("floor.%s.sent_at_once %.1f datagrams\n", who, mean(o.sent, o.sends));
	printf("floor.%s.received_at_once %.1f datagrams\n", who, mean(o.received, o.receives));
	printf("floor.%s.written_at_once %.1f datagrams\n", who, mean(o.received, o.writes));
	fflush(stdout);
}

static pid_t start_end(const char *who, int own, int other, const char *address)
{
	int ready[2];
	char c;

	if (pipe(ready) < 0)
		die("pipe");
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		struct sigaction action = { .sa_handler = end };
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(other);
		if (unshare(CLONE_NEWNET) < 0)
			die("unshare");
		make_tap(address);
		o.socket = own;
		o.n_slots = (unsigned)(sizeof(o.slots) / ((piece + 63) & ~(size_t)63));
		setsockopt(own, SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof(send_buffer));
		sigaction(SIGTERM, &action, NULL);
		(void)!write(ready[1], "", 1);
		move();
		report(who);
		_exit(0);
	}
	close(ready[1]);
	if (pid < 0 || read(ready[0], &c, 1) != 1)
		die("an end");
	close(ready[0]);
	return pid;
}

int main(int argc, char **argv)
{
	char where[2][64];
	int fds[2], c, status = 1;

	while ((c = getopt(argc, argv, "+m:p:b:s:2")) != -1) {
		switch (c) {
		case 'm': mtu = (unsigned)atoi(optarg); break;
		case 'p': piece = (size_t)atol(optarg); break;
		case 'b': batch = (unsigned)atoi(optarg); break;
		case 's': send_buffer = (unsigned)atoi(optarg); break;
		case '2': two_parts = true; break;
		default: return 2;
		}
	}
	if (piece == 0)
		piece = mtu + 14;
	if (optind == argc || batch < 1 || batch > BATCH_MAX || piece < PIECE_MIN || piece > SUPER_MAX * 2) {
		fprintf(stderr, "usage: floor [-2] [-m MTU] [-p BYTES] [-b DATAGRAMS] [-s BYTES] "
				"COMMAND...\n");
		return 2;
	}
	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, fds) < 0)
		die("socketpair");
	pid_t a = start_end("a", fds[0], fds[1], "10.0.0.1");
	pid_t b = start_end("b", fds[1], fds[0], "10.0.0.2");
	close(fds[0]);
	close(fds[1]);
	snprintf(where[0], sizeof(where[0]), "ns:/proc/%d/ns/net", a);
	snprintf(where[1], sizeof(where[1]), "ns:/proc/%d/ns/net", b);
	pid_t command = fork();
	if (command == 0) {
		char **words = calloc((size_t)(argc - optind) + 3, sizeof(*words));
		int n = argc - optind;
		memcpy(words, argv + optind, (size_t)n * sizeof(*words));
		words[n] = where[0];
		words[n + 1] = where[1];
		execvp(words[0], words);
		die(words[0]);
	}
	if (command > 0)
		waitpid(command, &status, 0);
	kill(a, SIGTERM);
	kill(b, SIGTERM);
	waitpid(a, NULL, 0);
	waitpid(b, NULL, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
