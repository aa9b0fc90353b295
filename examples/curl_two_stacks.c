/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * libcurl in two stacks. The office and the factory both have a server at http://192.168.1.1/. Each answers
 * with its own name.
 *
 * CURLOPT_OPENSOCKETFUNCTION makes the sockets of a transfer in a stack. libcurl keeps connections open and
 * uses them again for the next transfer to the same host, and it does not know that there are two hosts of
 * this address. So each stack has a multi handle of its own, because connections are kept per multi handle.
 * The last lines of the output show what happens with one multi handle for both.
 *
 * Needs libcurl (pkg-config: libcurl).
 */

#include <arpa/inet.h>
#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <vdestack.h>

#define ADDR "192.168.1.1"

/* ------------------------------------------------------------------ a network with a server */

struct site {
	const char *name;
	struct vdestack *server, *client;
	int listener;
	pthread_t thread;
};

static void serve_connection(int conn, const char *name)
{
	char request[4096], reply[128];
	ssize_t n;

	snprintf(reply, sizeof(reply), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(name), name);
	while ((n = read(conn, request, sizeof(request))) > 0) /* a GET of libcurl is one segment */
		if (write(conn, reply, strlen(reply)) < 0)
			break;
	close(conn);
}

/* One connection after the other. */
static void *serve(void *arg)
{
	struct site *site = arg;
	int conn;

	while ((conn = accept(site->listener, NULL, NULL)) >= 0)
		serve_connection(conn, site->name);
	return NULL;
}

static struct vdestack *make_stack(const char *segment, const char *ip)
{
	char config[128];

	snprintf(config, sizeof(config), "vnl=inproc://%s ip=%s/24", segment, ip);
	struct vdestack *stack = vdestack_new(config, NULL);
	if (stack == NULL) {
		fprintf(stderr, "curl_two_stacks: %s\n", vdestack_last_error());
		exit(1);
	}
	return stack;
}

static void open_site(struct site *site, const char *name)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(80) };

	site->name = name;
	site->server = make_stack(name, ADDR);
	site->client = make_stack(name, "192.168.1.2");
	site->listener = vdestack_msocket(site->server, AF_INET, SOCK_STREAM, 0);
	if (bind(site->listener, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(site->listener, 4) < 0 ||
	    pthread_create(&site->thread, NULL, serve, site) != 0) {
		perror("curl_two_stacks");
		exit(1);
	}
}

static void close_site(struct site *site)
{
	shutdown(site->listener, SHUT_RDWR); /* accept() fails, and the thread ends */
	pthread_join(site->thread, NULL);
	close(site->listener);
	vdestack_delete(site->client);
	vdestack_delete(site->server);
}

/* ------------------------------------------------------------------ the client */

static curl_socket_t open_in_stack(void *stack, curlsocktype purpose, struct curl_sockaddr *address)
{
	(void)purpose;
	return vdestack_msocket(stack, address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static size_t keep_text(char *data, size_t size, size_t n, void *text)
{
	strncat(text, data, size * n < 32 ? size * n : 32);
	return size * n;
}

static void get(CURLM *multi, struct vdestack *stack, const char *what)
{
	CURL *easy = curl_easy_init();
	CURLMsg *message;
	char text[64] = "";
	int running = 1, left;

	curl_easy_setopt(easy, CURLOPT_URL, "http://" ADDR "/");
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_in_stack);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, stack);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_TIMEOUT, 20L);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, keep_text);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, text);
	curl_multi_add_handle(multi, easy);
	while (running > 0) {
		curl_multi_perform(multi, &running);
		if (running > 0)
			curl_multi_poll(multi, NULL, 0, 1000, NULL);
	}
	message = curl_multi_info_read(multi, &left);
	if (message != NULL && message->data.result == CURLE_OK)
		printf("%s: %s\n", what, text);
	else
		printf("%s: %s\n", what, message != NULL ? curl_easy_strerror(message->data.result) : "no result");
	curl_multi_remove_handle(multi, easy);
	curl_easy_cleanup(easy);
}

int main(void)
{
	struct site office, factory;

	curl_global_init(CURL_GLOBAL_DEFAULT);
	open_site(&office, "office");
	open_site(&factory, "factory");

	CURLM *in_office = curl_multi_init(), *in_factory = curl_multi_init();
	get(in_office, office.client, "office, its own multi handle");
	get(in_factory, factory.client, "factory, its own multi handle");
	curl_multi_cleanup(in_factory); /* closes the connections; then the stack can be deleted */
	curl_multi_cleanup(in_office);

	CURLM *both = curl_multi_init();
	get(both, office.client, "office, one multi handle for both");
	get(both, factory.client, "factory, one multi handle for both");
	curl_multi_cleanup(both);

	close_site(&factory);
	close_site(&office);
	curl_global_cleanup();
	return 0;
}
