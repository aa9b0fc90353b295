/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * libpq in a stack: one query to a PostgreSQL server at 10.0.0.1, and the cancellation of another.
 *
 * libpq has no callback for its sockets, and takes no descriptor. It calls socket(2), so the thread has the
 * stack as its default in the calls that connect: PQconnectdb(), PQconnectPoll(), PQreset() and PQcancel(), which
 * connects a second time. Queries need no default. Give the address by hostaddr=, because a name in host= is
 * looked up in the host network.
 *
 * The server here is a thread that knows as much of the protocol as this needs. A real one works as well.
 *
 * Needs libpq (pkg-config: libpq).
 */

#include <arpa/inet.h>
#include <libpq-fe.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vdestack.h>

static void fail(const char *why)
{
	fprintf(stderr, "libpq_query: %s\n", why);
	exit(1);
}

/* ------------------------------------------------------------------ a server */

#define CANCEL_REQUEST 80877102

/* Authentication is not needed, the key for a cancellation is 1 2, ready for a query. */
static const unsigned char welcome[] = "R\0\0\0\x08\0\0\0\0" "K\0\0\0\x0c\0\0\0\1\0\0\0\2" "Z\0\0\0\5I";
/* One column of text named "answer", one row with 42, SELECT 1, ready. */
static const unsigned char rows[] = "T\0\0\0\x1f\0\1answer\0\0\0\0\0\0\0\0\0\0\x19\xff\xff\xff\xff\xff\xff\0\0"
				    "D\0\0\0\x0c\0\1\0\0\0\0024" "2" "C\0\0\0\x0dSELECT 1\0" "Z\0\0\0\5I";

/* The first message has a length, and a version or a request instead of one. Returns the second number. */
static uint32_t read_first(int conn)
{
	uint32_t head[2], rest[64];

	if (recv(conn, head, sizeof(head), MSG_WAITALL) != sizeof(head))
		fail("no first message");
	size_t left = ntohl(head[0]) - sizeof(head);
	if (left > sizeof(rest) || recv(conn, rest, left, MSG_WAITALL) != (ssize_t)left)
		fail("a first message that is not understood");
	return ntohl(head[1]);
}

static void put(int conn, const void *message, size_t size)
{
	if (send(conn, message, size, MSG_NOSIGNAL) != (ssize_t)size)
		fail("the server cannot answer");
}

/* A connection with one query, then a connection that asks to cancel it. */
static void *serve(void *listener)
{
	char query[256];
	int conn = accept(*(int *)listener, NULL, NULL);

	if (conn < 0 || read_first(conn) == CANCEL_REQUEST)
		fail("no connection");
	put(conn, welcome, sizeof(welcome) - 1);
	if (recv(conn, query, sizeof(query), 0) <= 0)
		fail("no query");
	put(conn, rows, sizeof(rows) - 1);

	int second = accept(*(int *)listener, NULL, NULL);
	if (second < 0)
		fail("no second connection");
	printf("the server: %s\n", read_first(second) == CANCEL_REQUEST ? "asked to cancel" : "no cancellation");
	close(second);
	close(conn);
	return NULL;
}

static int listen_in(struct vdestack *stack)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(5432) };
	int fd = vdestack_msocket(stack, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(fd, 4) < 0)
		fail("no server");
	return fd;
}

/* ------------------------------------------------------------------ the client */

static struct vdestack *enter(struct vdestack *stack)
{
	struct vdestack *before;

	if (vdestack_swap_thread_default(stack, &before) < 0)
		fail(vdestack_last_error());
	return before;
}

static void ask(struct vdestack *stack)
{
	char why[256];

	struct vdestack *before = enter(stack);
	PGconn *conn = PQconnectdb("hostaddr=10.0.0.1 user=me dbname=db sslmode=disable gssencmode=disable "
				   "connect_timeout=20");
	(void)enter(before);
	if (PQstatus(conn) != CONNECTION_OK)
		fail(PQerrorMessage(conn));
	PGresult *result = PQexec(conn, "SELECT 42 AS answer");
	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		fail(PQerrorMessage(conn));
	printf("%s: %s\n", PQfname(result, 0), PQgetvalue(result, 0, 0));
	fflush(stdout);
	PQclear(result);

	PGcancel *cancel = PQgetCancel(conn);
	before = enter(stack);
	int cancelled = PQcancel(cancel, why, sizeof(why));
	(void)enter(before);
	if (!cancelled)
		fail(why);
	PQfreeCancel(cancel);
	PQfinish(conn); /* closes the socket; then the stack can be deleted */
}

int main(void)
{
	struct vdestack *there = vdestack_new("vnl=inproc://lan ip=10.0.0.1/24", NULL);
	struct vdestack *here = vdestack_new("vnl=inproc://lan ip=10.0.0.2/24", NULL);
	pthread_t thread;

	if (there == NULL || here == NULL)
		fail(vdestack_last_error());
	int listener = listen_in(there);
	if (pthread_create(&thread, NULL, serve, &listener) != 0)
		fail("no thread");
	ask(here);
	pthread_join(thread, NULL);
	close(listener);
	return vdestack_delete(here) < 0 || vdestack_delete(there) < 0;
}
