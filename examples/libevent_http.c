/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * libevent in two stacks: a web server (evhttp) in one, two clients in the other.
 *
 * Three ways to put libevent's sockets into a stack:
 *  - A listener: evconnlistener_new() takes a socket that is bound, and evhttp takes the listener.
 *  - A connection: bufferevent_socket_new() takes a socket, and bufferevent_socket_connect() connects it.
 *  - The client of evhttp makes its sockets itself, and closes one that its bufferevent has. So the thread has
 *    the stack as its default while libevent may make a socket: in evhttp_make_request(), and in the loop if
 *    there are retries.
 *
 * Needs libevent (pkg-config: libevent).
 */

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <vdestack.h>

static const struct timeval limit = { .tv_sec = 20 };

static void fail(const char *why)
{
	fprintf(stderr, "libevent_http: %s\n", why);
	exit(1);
}

static struct sockaddr_in server_address(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(80) };

	inet_pton(AF_INET, "10.0.0.1", &at.sin_addr);
	return at;
}

/* ------------------------------------------------------------------ the server */

static void greet(struct evhttp_request *request, void *arg)
{
	struct evbuffer *page = evbuffer_new();
	char *peer;
	ev_uint16_t port;

	(void)arg;
	evhttp_connection_get_peer(evhttp_request_get_connection(request), &peer, &port);
	evbuffer_add_printf(page, "hello %s", peer);
	evhttp_add_header(evhttp_request_get_output_headers(request), "Connection", "close");
	evhttp_send_reply(request, 200, "OK", page);
	evbuffer_free(page);
}

static struct evhttp *serve(struct event_base *base, struct vdestack *stack)
{
	struct evhttp *http = evhttp_new(base);
	struct sockaddr_in at = server_address();
	int fd = vdestack_msocket(stack, AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		fail("the address cannot be used");
	struct evconnlistener *listener = evconnlistener_new(base, NULL, NULL, LEV_OPT_CLOSE_ON_FREE, 16, fd);
	if (listener == NULL || evhttp_bind_listener(http, listener) == NULL)
		fail("no listener");
	evhttp_set_gencb(http, greet, NULL);
	return http;
}

/* ------------------------------------------------------------------ a client with a bufferevent */

static void finished(struct bufferevent *connection, short what, void *base)
{
	struct evbuffer *input = bufferevent_get_input(connection);
	char *line;

	if (what & BEV_EVENT_CONNECTED)
		return;
	if (!(what & BEV_EVENT_EOF))
		fail("the connection has failed");
	while ((line = evbuffer_readln(input, NULL, EVBUFFER_EOL_CRLF)) != NULL)
		free(line); /* the head of the answer */
	printf("bufferevent: %.*s\n", (int)evbuffer_get_length(input), (char *)evbuffer_pullup(input, -1));
	event_base_loopbreak(base);
}

static void get_by_bufferevent(struct event_base *base, struct vdestack *stack)
{
	struct sockaddr_in at = server_address();
	int fd = vdestack_msocket(stack, AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct bufferevent *connection = fd < 0 ? NULL : bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);

	if (connection == NULL)
		fail("no connection");
	bufferevent_setcb(connection, NULL, NULL, finished, base);
	bufferevent_set_timeouts(connection, &limit, &limit);
	bufferevent_enable(connection, EV_READ | EV_WRITE);
	evbuffer_add_printf(bufferevent_get_output(connection), "GET / HTTP/1.0\r\n\r\n");
	if (bufferevent_socket_connect(connection, (struct sockaddr *)&at, sizeof(at)) < 0)
		fail("cannot connect");
	event_base_dispatch(base);
	bufferevent_free(connection); /* closes the socket */
}

/* ------------------------------------------------------------------ a client with evhttp */

static void got(struct evhttp_request *request, void *base)
{
	if (request == NULL || evhttp_request_get_response_code(request) != 200)
		fail("evhttp has no answer");
	struct evbuffer *page = evhttp_request_get_input_buffer(request);
	printf("evhttp: %.*s\n", (int)evbuffer_get_length(page), (char *)evbuffer_pullup(page, -1));
	event_base_loopbreak(base);
}

static void get_by_evhttp(struct event_base *base, struct vdestack *stack)
{
	struct evhttp_connection *connection = evhttp_connection_base_new(base, NULL, "10.0.0.1", 80);
	struct evhttp_request *request = evhttp_request_new(got, base);
	struct vdestack *before;

	evhttp_connection_set_timeout_tv(connection, &limit);
	if (vdestack_swap_thread_default(stack, &before) < 0)
		fail(vdestack_last_error());
	int r = evhttp_make_request(connection, request, EVHTTP_REQ_GET, "/"); /* makes the socket */
	if (vdestack_set_thread_default(before) < 0 || r < 0)
		fail("no request");
	event_base_dispatch(base);
	evhttp_connection_free(connection);
}

int main(void)
{
	struct vdestack *there = vdestack_new("vnl=inproc://lan ip=10.0.0.1/24", NULL);
	struct vdestack *here = vdestack_new("vnl=inproc://lan ip=10.0.0.2/24", NULL);
	struct event_base *base = event_base_new();

	if (there == NULL || here == NULL)
		fail(vdestack_last_error());
	struct evhttp *http = serve(base, there);
	get_by_bufferevent(base, here);
	get_by_evhttp(base, here);
	evhttp_free(http); /* closes the sockets; then the stacks can be deleted */
	event_base_free(base);
	return vdestack_delete(here) < 0 || vdestack_delete(there) < 0;
}
