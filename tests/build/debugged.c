/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A program to be run under tools: stacks, VDE and other links, threads, a command. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <vdestack.h>
#include <vdestack/conf.h>

static struct vdestack *a, *b;

/* A debugger stops here: three times in threads, once in main. */
__attribute__((noinline)) static void here(int who)
{
	__asm__ volatile("" : : "r"(who) : "memory");
}

static void fail(const char *what)
{
	printf("%s: %s\n", what, vdestack_last_error());
	exit(1);
}

static void talk(const char *to, int port)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons((unsigned short)port) };
	int rx = vdestack_msocket(b, AF_INET, SOCK_DGRAM, 0),
	    tx = vdestack_msocket(a, AF_INET, SOCK_DGRAM, 0);
	struct pollfd p = { .fd = rx, .events = POLLIN };
	char byte = 1;
	int i;

	inet_pton(AF_INET, to, &sa.sin_addr);
	if (rx < 0 || tx < 0 || bind(rx, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		fail("socket");
	for (i = 0; i < 100; i++)
		if (sendto(tx, &byte, 1, 0, (struct sockaddr *)&sa, sizeof(sa)) != 1 || poll(&p, 1, 200) > 0)
			break;
	if (recv(rx, &byte, 1, MSG_DONTWAIT) != 1)
		fail("recv");
	close(rx);
	close(tx);
}

static void *thread_main(void *arg)
{
	int port = *(int *)arg;

	here(port);
	talk("10.1.0.2", port);
	talk("10.2.0.2", port);
	return NULL;
}

int main(int argc, char **argv)
{
	static int ports[3] = { 1001, 1002, 1003 };
	char config[1024];
	pthread_t threads[3];
	char *command[] = { "true", NULL };
	const char *net = argc > 1 ? argv[1] : "net";
	struct vdestack_opts opts = { .size = sizeof(opts), .step_timeout_ms = 20000 };
	struct ifaddrs *list;

	snprintf(config, sizeof(config), "vnl=hub://%s ip=10.1.0.1/24 vnl=inproc://lan ip=10.2.0.1/24", net);
	a = vdestack_new(config, &opts);
	snprintf(config, sizeof(config), "vnl=vde://%s ip=10.1.0.2/24 vnl=inproc://lan ip=10.2.0.2/24", net);
	b = a != NULL ? vdestack_new(config, &opts) : NULL;
	if (a == NULL || b == NULL)
		fail("new");
	here(0);
	for (int i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, thread_main, &ports[i]);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	if (vdestack_new("no such word", NULL) != NULL ||
	    vdestack_iface_add(a, "vnl=nosuchscheme://x", NULL) == 0)
		fail("what cannot be");
	if (vdestack_iface_add(a, "iface=more vnl=inproc://more ip=10.3.0.1/24", NULL) < 0 ||
	    vdestack_iface_del(a, "more") < 0)
		fail("add");
	if (vdestack_getifaddrs(a, &list) < 0)
		fail("getifaddrs");
	vdestack_freeifaddrs(list);
	if (vdestack_run(a, command, NULL) != 0)
		fail("run");
	if (vdestack_delete(a) < 0 || vdestack_delete(b) < 0)
		fail("delete");
	puts("done");
	return 0;
}
