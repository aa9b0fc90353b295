/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * GLib in two stacks: a GSocketService in one, a GSocketConnection in the other, in one main loop.
 *
 * g_socket_new_from_fd() makes a GSocket from a socket of a stack. A service takes it by
 * g_socket_listener_add_socket(). A connection takes it by g_socket_connection_factory_create_connection(), and
 * g_socket_connection_connect_async() connects it. GSocketClient makes its sockets itself and looks names up in
 * threads of GLib, in the host network: do not use it for a stack.
 *
 * Needs GLib (pkg-config: gio-2.0).
 */

#include <gio/gio.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vdestack.h>

static void fail(const char *what, const GError *error)
{
	fprintf(stderr, "glib_service: %s: %s\n", what, error != NULL ? error->message : vdestack_last_error());
	exit(1);
}

/* A socket of the stack. Its last reference closes it. */
static GSocket *socket_in(struct vdestack *stack)
{
	GError *error = NULL;
	int fd = vdestack_msocket(stack, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	GSocket *sock = fd < 0 ? NULL : g_socket_new_from_fd(fd, &error);

	if (sock == NULL)
		fail("no socket", error);
	return sock;
}

/* ------------------------------------------------------------------ the server */

static gboolean greet(GSocketService *service, GSocketConnection *connection, GObject *source, gpointer arg)
{
	GSocketAddress *peer = g_socket_connection_get_remote_address(connection, NULL);
	char *host = g_inet_address_to_string(g_inet_socket_address_get_address(G_INET_SOCKET_ADDRESS(peer)));
	char *text = g_strdup_printf("hello %s", host);

	(void)service;
	(void)source;
	(void)arg;
	/* a few bytes, which need not wait */
	g_output_stream_write_all(g_io_stream_get_output_stream(G_IO_STREAM(connection)), text, strlen(text), NULL,
				  NULL, NULL);
	g_free(text);
	g_free(host);
	g_object_unref(peer);
	return TRUE;
}

static GSocketService *serve(struct vdestack *stack, GSocketAddress *address)
{
	GSocketService *service = g_socket_service_new();
	GSocket *sock = socket_in(stack);
	GError *error = NULL;

	if (!g_socket_bind(sock, address, TRUE, &error) || !g_socket_listen(sock, &error) ||
	    !g_socket_listener_add_socket(G_SOCKET_LISTENER(service), sock, NULL, &error))
		fail("no service", error);
	g_object_unref(sock);
	g_signal_connect(service, "incoming", G_CALLBACK(greet), NULL);
	return service;
}

/* ------------------------------------------------------------------ the client */

static char answer[64];

static void received(GObject *stream, GAsyncResult *result, gpointer loop)
{
	GError *error = NULL;
	gsize n;

	if (!g_input_stream_read_all_finish(G_INPUT_STREAM(stream), result, &n, &error))
		fail("no answer", error);
	printf("%.*s\n", (int)n, answer);
	g_main_loop_quit(loop);
}

static void connected(GObject *connection, GAsyncResult *result, gpointer loop)
{
	GError *error = NULL;

	if (!g_socket_connection_connect_finish(G_SOCKET_CONNECTION(connection), result, &error))
		fail("cannot connect", error);
	g_input_stream_read_all_async(g_io_stream_get_input_stream(G_IO_STREAM(connection)), answer, sizeof(answer),
				      G_PRIORITY_DEFAULT, NULL, received, loop);
}

int main(void)
{
	struct vdestack *there = vdestack_new("vnl=inproc://lan ip=10.0.0.1/24", NULL);
	struct vdestack *here = vdestack_new("vnl=inproc://lan ip=10.0.0.2/24", NULL);
	GSocketAddress *address = g_inet_socket_address_new_from_string("10.0.0.1", 7);
	GMainLoop *loop = g_main_loop_new(NULL, FALSE);

	if (there == NULL || here == NULL)
		fail("no stack", NULL);
	GSocketService *service = serve(there, address);
	GSocket *sock = socket_in(here);
	GSocketConnection *connection = g_socket_connection_factory_create_connection(sock);
	g_object_unref(sock);
	g_socket_connection_connect_async(connection, address, NULL, connected, loop);
	g_main_loop_run(loop);

	g_object_unref(connection); /* closes the socket; then the stack can be deleted */
	g_socket_service_stop(service);
	g_socket_listener_close(G_SOCKET_LISTENER(service));
	g_object_unref(service);
	g_object_unref(address);
	g_main_loop_unref(loop);
	return vdestack_delete(here) < 0 || vdestack_delete(there) < 0;
}
