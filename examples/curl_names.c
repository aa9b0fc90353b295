/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * libcurl with a name that only the network of a stack knows. libcurl itself would ask in the host network. So the
 * program looks the name up in the stack and gives libcurl the addresses (CURLOPT_RESOLVE). The sockets come from
 * the stack too (CURLOPT_OPENSOCKETFUNCTION).
 *
 * Here a hosts file of the stack has the name. With dns= in the configuration, or with DHCP, name servers are
 * asked.
 *
 * Needs libcurl (pkg-config: libcurl) and libvdestack-dns.
 */

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <vdestack.h>
#include <vdestack/dial.h>
#include <vdestack/dns.h>

#define NAME "www.example.org"

static char hosts_path[] = "/tmp/curl_names.XXXXXX";

static void fail(const char *why)
{
	fprintf(stderr, "curl_names: %s\n", why);
	exit(1);
}

/* ------------------------------------------------------------------ a server and a hosts file */

/* Answers one request. */
static void *serve(void *listener)
{
	static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\nwelcome";
	char request[4096];
	int conn = accept(*(int *)listener, NULL, NULL);

	if (conn >= 0 && read(conn, request, sizeof(request)) > 0 &&
	    write(conn, reply, sizeof(reply) - 1) < 0)
		perror("curl_names");
	close(conn);
	return NULL;
}

static void use_hosts_file(struct vdestack *stack, const char *text)
{
	struct vdestack_dns_opts opts = { .size = sizeof(opts), .hosts = hosts_path };
	int fd = mkstemp(hosts_path);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		fail("no hosts file");
	close(fd);
	if (vdestack_dns_set(stack, &opts) < 0)
		fail(vdestack_dns_last_error());
}

/* ------------------------------------------------------------------ the client */

/* "www.example.org:80:10.0.0.1,[fc00::1]", as CURLOPT_RESOLVE takes it. */
static struct curl_slist *look_up(struct vdestack *stack, const char *name, const char *port)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list;
	char entry[1024];
	size_t n;

	if (vdestack_getaddrinfo(stack, name, port, &hints, &list) != 0)
		fail(vdestack_dns_last_error());
	n = (size_t)snprintf(entry, sizeof(entry), "%s:%s:", name, port);
	for (struct addrinfo *at = list; at != NULL && n < sizeof(entry); at = at->ai_next) {
		char addr[64];
		if (vdestack_getnameinfo(stack, at->ai_addr, at->ai_addrlen, addr, sizeof(addr), NULL, 0,
					 NI_NUMERICHOST) == 0)
			n += (size_t)snprintf(entry + n, sizeof(entry) - n,
					      at->ai_family == AF_INET6 ? "%s[%s]" : "%s%s",
					      at == list ? "" : ",", addr);
	}
	vdestack_freeaddrinfo(list);
	printf("%s\n", entry);
	return curl_slist_append(NULL, entry);
}

static curl_socket_t open_in_stack(void *stack, curlsocktype purpose, struct curl_sockaddr *address)
{
	(void)purpose;
	return vdestack_msocket(stack, address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

int main(void)
{
	struct vdestack *server = vdestack_new("vnl=inproc://lan ip=10.0.0.1/24", NULL);
	struct vdestack *client = vdestack_new("vnl=inproc://lan ip=10.0.0.2/24", NULL);
	pthread_t thread;

	if (server == NULL || client == NULL)
		fail(vdestack_last_error());
	int listener = vdestack_listen(server, "tcp", ":80");
	if (listener < 0 || pthread_create(&thread, NULL, serve, &listener) != 0)
		fail(vdestack_dns_last_error());
	use_hosts_file(client, "10.0.0.1 " NAME "\n");

	curl_global_init(CURL_GLOBAL_DEFAULT);
	CURL *easy = curl_easy_init();
	struct curl_slist *addresses = look_up(client, NAME, "80");
	unlink(hosts_path);
	curl_easy_setopt(easy, CURLOPT_URL, "http://" NAME "/");
	curl_easy_setopt(easy, CURLOPT_RESOLVE, addresses);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_in_stack);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, client);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_TIMEOUT, 20L);
	fflush(stdout); /* libcurl writes the page to it */
	CURLcode result = curl_easy_perform(easy);
	printf("\n%s\n", curl_easy_strerror(result));
	curl_easy_cleanup(easy);
	curl_slist_free_all(addresses);
	curl_global_cleanup();

	if (result != CURLE_OK)
		return 1; /* the thread may wait for ever */
	pthread_join(thread, NULL);
	close(listener);
	return vdestack_delete(client) < 0 || vdestack_delete(server) < 0;
}
