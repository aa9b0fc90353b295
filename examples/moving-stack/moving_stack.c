/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A service whose address is its own, so it can move to another machine with it; and a client that measures how long
 * the service is silent meanwhile. move.sh moves the service between two machines.
 *
 *     moving_stack serve NAME CONFIG
 *         answers at port 7, UDP and TCP, with its name. Prints "NAME PID" when it serves. SIGTERM ends it.
 *     moving_stack watch CONFIG IPV4 IPV6 MOVES
 *         asks each 10 ms until the service has moved so often, over UDP with both addresses and over TCP.
 *
 * The client notes who answers and how long there is no answer:
 *
 *     time    ──▶
 *     A       answers answers ┤ SIGTERM, interface removed, process ended
 *     B                               started, addresses announced ├ answers answers
 *     client  A A A A A A A A ┤         longest silence            ├ B B B B
 *
 * An answer of A after one of B would mean that the address was in use twice. A TCP connection ends with its stack:
 * the new stack does not know it and resets it, and the client connects again.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <vdestack.h>

#define PORT 7
#define CONNECTIONS 8
#define ASK_MS 10       /* between two questions */
#define PATIENCE_MS 200 /* without an answer, a connection is given up */
#define SILENCE_MS 1000 /* the most that a move may take */
#define DEADLINE_MS 40000

static int fail(const char *what)
{
	fprintf(stderr, "moving_stack: %s: %s\n", what, strerror(errno));
	return 1;
}

static struct vdestack *arrive(const char *config)
{
	struct vdestack *stack = vdestack_new(config, NULL);

	if (stack == NULL)
		fprintf(stderr, "moving_stack: %s\n", vdestack_last_error());
	return stack;
}

/* ------------------------------------------------------------------ the service */

/* A socket for both families at the port. It is closed by the end of the process. */
static int at_port(struct vdestack *stack, int type)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(PORT) };
	int fd = vdestack_msocket(stack, AF_INET6, type | SOCK_NONBLOCK, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0 ||
	    (type == SOCK_STREAM && listen(fd, CONNECTIONS) < 0))
		return -1;
	return fd;
}

static void answer_datagrams(int fd, const char *name)
{
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	char text[64];

	while (recvfrom(fd, text, sizeof(text), 0, (struct sockaddr *)&from, &len) > 0) {
		(void)sendto(fd, name, strlen(name), 0, (struct sockaddr *)&from, len);
		len = sizeof(from);
	}
}

/* An answer for each byte. False: the connection has ended. */
static int answer_bytes(int fd, const char *name)
{
	char text[64];
	ssize_t n = recv(fd, text, sizeof(text), MSG_DONTWAIT);

	for (ssize_t i = 0; i < n; i++)
		(void)send(fd, name, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	return n > 0 || (n < 0 && errno == EAGAIN);
}

/* Serves until the descriptor `end` becomes readable. */
static void serve(int datagrams, int listener, int end, const char *name)
{
	struct pollfd fds[3 + CONNECTIONS] = { { end, POLLIN, 0 },
					       { datagrams, POLLIN, 0 },
					       { listener, POLLIN, 0 } };
	nfds_t n = 3;

	while (poll(fds, n, -1) >= 0 && fds[0].revents == 0) {
		if (fds[1].revents != 0)
			answer_datagrams(datagrams, name);
		for (nfds_t i = n; i-- > 3;)
			if (fds[i].revents != 0 && !answer_bytes(fds[i].fd, name)) {
				close(fds[i].fd);
				fds[i] = fds[--n];
			}
		int conn = fds[2].revents != 0 ? accept(listener, NULL, NULL) : -1;
		if (conn >= 0 && n < 3 + CONNECTIONS)
			fds[n++] = (struct pollfd){ .fd = conn, .events = POLLIN };
		else if (conn >= 0)
			close(conn);
	}
}

static int run_service(const char *name, const char *config)
{
	sigset_t term;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &term, NULL);
	int end = signalfd(-1, &term, SFD_CLOEXEC);
	struct vdestack *stack = arrive(config);
	if (stack == NULL)
		return 1;
	int datagrams = at_port(stack, SOCK_DGRAM), listener = at_port(stack, SOCK_STREAM);
	if (end < 0 || datagrams < 0 || listener < 0)
		return fail("cannot serve");
	printf("%s %d\n", name, (int)getpid());
	(void)fflush(stdout);
	serve(datagrams, listener, end, name);
	/* When this returns, the link is closed: no frame of this stack leaves any more. */
	if (vdestack_iface_del(stack, "vde0") < 0)
		fprintf(stderr, "moving_stack: %s\n", vdestack_last_error());
	return vdestack_delete(stack) < 0;
}

/* ------------------------------------------------------------------ the client */

struct watch {
	const char *what;
	struct sockaddr_storage to;
	socklen_t len;
	int fd, type;
	char names[64];       /* who has answered, each change */
	long long heard_ms;   /* the last answer; 0: none yet */
	long long asked_ms;   /* TCP: when the question or the connection began; 0: there is none */
	long long silence_ms; /* the longest time between two answers */
	int connections;
};

static long long now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static int set_target(struct watch *w, const char *what, const char *address, int type)
{
	struct sockaddr_in *in = (struct sockaddr_in *)&w->to;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&w->to;

	*w = (struct watch){ .what = what, .fd = -1, .type = type };
	in->sin_port = htons(PORT); /* at the same place in both */
	if (inet_pton(AF_INET, address, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		w->len = sizeof(*in);
	} else if (inet_pton(AF_INET6, address, &in6->sin6_addr) == 1) {
		in6->sin6_family = AF_INET6;
		w->len = sizeof(*in6);
	}
	return w->len > 0 ? 0 : -1;
}

/* Connects, without waiting. */
static int begin(struct watch *w, struct vdestack *stack)
{
	if (w->fd >= 0)
		close(w->fd);
	w->fd = vdestack_msocket(stack, w->to.ss_family, w->type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	w->connections++;
	w->asked_ms = w->type == SOCK_STREAM ? now_ms() : 0;
	if (w->fd < 0)
		return -1;
	return connect(w->fd, (struct sockaddr *)&w->to, w->len) < 0 && errno != EINPROGRESS ? -1 : 0;
}

static void note_answer(struct watch *w, char name)
{
	long long now = now_ms(), silence = w->heard_ms > 0 ? now - w->heard_ms : 0;
	size_t n = strlen(w->names);

	w->heard_ms = now;
	if (silence > w->silence_ms)
		w->silence_ms = silence;
	if ((n == 0 || w->names[n - 1] != name) && n < sizeof(w->names) - 1)
		w->names[n] = name;
}

/* Reads what has come. An ended connection is opened again. */
static int take(struct watch *w, struct vdestack *stack)
{
	char text[64];
	ssize_t n;

	while ((n = recv(w->fd, text, sizeof(text), MSG_DONTWAIT)) > 0) {
		note_answer(w, text[n - 1]);
		w->asked_ms = 0;
	}
	if (w->type == SOCK_DGRAM || (n < 0 && (errno == EAGAIN || errno == ENOTCONN)))
		return 0; /* ECONNREFUSED and the like are no answer */
	return begin(w, stack);
}

static int ask(struct watch *w, struct vdestack *stack)
{
	if (w->type == SOCK_STREAM && w->asked_ms > 0 && now_ms() - w->asked_ms > PATIENCE_MS)
		return begin(w, stack);
	if (send(w->fd, "?", 1, MSG_NOSIGNAL | MSG_DONTWAIT) == 1 && w->asked_ms == 0 &&
	    w->type == SOCK_STREAM)
		w->asked_ms = now_ms();
	return 0;
}

/* The least number of names that one of them has heard. */
static size_t heard_by_all(const struct watch *w, int n)
{
	size_t least = sizeof(w->names);

	for (int i = 0; i < n; i++)
		if (strlen(w[i].names) < least)
			least = strlen(w[i].names);
	return least;
}

/* Asks and listens until all have heard so many names. False: something failed, or it takes too long. */
static int watch_moves(struct watch *w, int n, struct vdestack *stack, size_t names)
{
	struct pollfd fds[3];
	long long end = now_ms() + DEADLINE_MS, next = now_ms();
	size_t reported = 0;

	while (heard_by_all(w, n) < names && now_ms() < end) {
		if (now_ms() >= next) {
			for (int i = 0; i < n; i++)
				if (ask(&w[i], stack) < 0)
					return 0;
			next = now_ms() + ASK_MS;
		}
		for (int i = 0; i < n; i++)
			fds[i] = (struct pollfd){ .fd = w[i].fd, .events = POLLIN };
		long long left = next - now_ms();
		if (poll(fds, (nfds_t)n, left > 0 ? (int)left : 0) < 0)
			return 0;
		for (int i = 0; i < n; i++)
			if (fds[i].revents != 0 && take(&w[i], stack) < 0)
				return 0;
		for (; reported < heard_by_all(w, n); reported++)
			printf("%c answers\n", w[0].names[reported]);
		(void)fflush(stdout);
	}
	return heard_by_all(w, n) >= names;
}

static int run_client(const char *config, const char *ipv4, const char *ipv6, int moves)
{
	struct watch w[3];
	int good = 1;
	struct vdestack *stack = arrive(config);

	if (stack == NULL)
		return 1;
	if (set_target(&w[0], "UDP over IPv4", ipv4, SOCK_DGRAM) < 0 ||
	    set_target(&w[1], "UDP over IPv6", ipv6, SOCK_DGRAM) < 0 ||
	    set_target(&w[2], "TCP over IPv4", ipv4, SOCK_STREAM) < 0) {
		errno = EINVAL;
		return fail("an address");
	}
	for (int i = 0; i < 3; i++)
		if (begin(&w[i], stack) < 0)
			return fail(w[i].what);
	good = watch_moves(w, 3, stack, (size_t)moves + 1);
	for (int i = 0; i < 3; i++) {
		fprintf(stderr, "%s: %lld ms, %d connections\n", w[i].what, w[i].silence_ms,
			w[i].connections);
		good &= w[i].silence_ms <= SILENCE_MS && strlen(w[i].names) == (size_t)moves + 1;
		printf("%s: answered by %s, silent for %s %d ms\n", w[i].what, w[i].names,
		       w[i].silence_ms <= SILENCE_MS ? "less than" : "MORE than", SILENCE_MS);
	}
	(void)vdestack_delete(stack);
	return !good;
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "serve") == 0)
		return run_service(argv[2], argv[3]);
	if (argc == 6 && strcmp(argv[1], "watch") == 0)
		return run_client(argv[2], argv[3], argv[4], atoi(argv[5]));
	fprintf(stderr, "usage: moving_stack serve NAME CONFIG\n"
			"       moving_stack watch CONFIG IPV4 IPV6 MOVES\n");
	return 2;
}
