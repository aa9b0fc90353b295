/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * libuv in two stacks: an echo server over TCP and UDP in one, its client in the other, both in one loop.
 *
 * uv_tcp_open() and uv_udp_open() give a handle a socket that the program has made. uv_tcp_bind(), uv_listen(),
 * uv_tcp_connect(), uv_udp_bind() and uv_udp_send() then use it, and make none of their own. A connection that
 * uv_accept() returns is in the network of its listener. uv_getaddrinfo() asks in the host network.
 *
 * Needs libuv (pkg-config: libuv).
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>
#include <vdestack.h>

static void must(int r, const char *what)
{
	if (r < 0) {
		fprintf(stderr, "libuv_echo: %s: %s\n", what, uv_strerror(r));
		exit(1);
	}
}

static struct vdestack *make_stack(const char *config)
{
	struct vdestack *stack = vdestack_new(config, NULL);

	if (stack == NULL) {
		fprintf(stderr, "libuv_echo: %s\n", vdestack_last_error());
		exit(1);
	}
	return stack;
}

/* ------------------------------------------------------------------ handles with a socket of a stack */

static void open_tcp(uv_loop_t *loop, uv_tcp_t *tcp, struct vdestack *stack)
{
	int fd = vdestack_msocket(stack, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	must(fd < 0 ? -1 : uv_tcp_init(loop, tcp), "tcp");
	must(uv_tcp_open(tcp, fd), "uv_tcp_open"); /* makes it non-blocking; closing the handle closes it */
}

static void open_udp(uv_loop_t *loop, uv_udp_t *udp, struct vdestack *stack)
{
	int fd = vdestack_msocket(stack, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	must(fd < 0 ? -1 : uv_udp_init(loop, udp), "udp");
	must(uv_udp_open(udp, fd), "uv_udp_open");
}

/* ------------------------------------------------------------------ the callbacks of both sides */

static uv_tcp_t listener, accepted, client;
static uv_udp_t udp_server, udp_client;
static char text[] = "hello";
static char buffer[256];
static uv_write_t writing;
static uv_udp_send_t sending;

static void use_buffer(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
	(void)handle;
	(void)size;
	*buf = uv_buf_init(buffer, sizeof(buffer));
}

static void send_back(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	uv_buf_t copy = uv_buf_init(buf->base, n > 0 ? (unsigned)n : 0);

	if (n > 0)
		must(uv_write(&writing, stream, &copy, 1, NULL), "uv_write");
}

static void accept_one(uv_stream_t *stream, int status)
{
	must(status, "connection");
	must(uv_tcp_init(stream->loop, &accepted), "tcp");
	must(uv_accept(stream, (uv_stream_t *)&accepted), "uv_accept");
	must(uv_read_start((uv_stream_t *)&accepted, use_buffer, send_back), "uv_read_start");
}

static void udp_answer(uv_udp_t *udp, ssize_t n, const uv_buf_t *buf, const struct sockaddr *from, unsigned flags)
{
	uv_buf_t copy = uv_buf_init(buf->base, n > 0 ? (unsigned)n : 0);
	char name[64] = "";

	(void)flags;
	if (n <= 0 || from == NULL)
		return;
	uv_ip4_name((const struct sockaddr_in *)from, name, sizeof(name));
	printf("udp: %.*s from %s\n", (int)n, buf->base, name);
	if (udp == &udp_server)
		must(uv_udp_send(&sending, udp, &copy, 1, from, NULL), "uv_udp_send");
	else
		uv_stop(udp->loop);
}

/* The answer over TCP has come: now the same over UDP. */
static void tcp_done(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	uv_buf_t datagram = uv_buf_init(text, sizeof(text) - 1);
	struct sockaddr_in at;

	must(n < 0 ? (int)n : 0, "uv_read");
	printf("tcp: %.*s\n", (int)n, buf->base);
	uv_read_stop(stream);
	uv_ip4_addr("10.0.0.1", 7, &at);
	must(uv_udp_send(&sending, &udp_client, &datagram, 1, (struct sockaddr *)&at, NULL), "uv_udp_send");
}

static void connected(uv_connect_t *request, int status)
{
	uv_buf_t line = uv_buf_init(text, sizeof(text) - 1);

	must(status, "uv_tcp_connect");
	must(uv_read_start(request->handle, use_buffer, tcp_done), "uv_read_start");
	must(uv_write(&writing, request->handle, &line, 1, NULL), "uv_write");
}

static void close_handle(uv_handle_t *handle, void *arg)
{
	(void)arg;
	uv_close(handle, NULL);
}

int main(void)
{
	struct vdestack *there = make_stack("vnl=inproc://lan ip=10.0.0.1/24");
	struct vdestack *here = make_stack("vnl=inproc://lan ip=10.0.0.2/24");
	struct sockaddr_in at, any;
	uv_connect_t connecting;
	uv_loop_t *loop = uv_default_loop();

	uv_ip4_addr("10.0.0.1", 7, &at);
	open_tcp(loop, &listener, there);
	must(uv_tcp_bind(&listener, (struct sockaddr *)&at, 0), "uv_tcp_bind");
	must(uv_listen((uv_stream_t *)&listener, 4, accept_one), "uv_listen");
	open_udp(loop, &udp_server, there);
	must(uv_udp_bind(&udp_server, (struct sockaddr *)&at, 0), "uv_udp_bind");
	must(uv_udp_recv_start(&udp_server, use_buffer, udp_answer), "uv_udp_recv_start");

	uv_ip4_addr("10.0.0.2", 1000, &any);
	open_udp(loop, &udp_client, here);
	must(uv_udp_bind(&udp_client, (struct sockaddr *)&any, 0), "uv_udp_bind");
	must(uv_udp_recv_start(&udp_client, use_buffer, udp_answer), "uv_udp_recv_start");
	open_tcp(loop, &client, here);
	must(uv_tcp_connect(&connecting, &client, (struct sockaddr *)&at, connected), "uv_tcp_connect");
	uv_run(loop, UV_RUN_DEFAULT);

	uv_walk(loop, close_handle, NULL); /* closes the sockets; then the stacks can be deleted */
	uv_run(loop, UV_RUN_DEFAULT);
	must(uv_loop_close(loop), "uv_loop_close");
	return vdestack_delete(here) < 0 || vdestack_delete(there) < 0;
}
