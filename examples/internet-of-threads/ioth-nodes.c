/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Nodes that were given only a name. Each is a pair of threads with a network stack of its own: one answers
 * on port 7 with the node's name, the other one asks each other node for its name, and is happy when it is
 * the one that it has asked for. Addresses, routes and name servers come from the network. Links libioth,
 * libiothconf and libiothdns.
 *
 *     ioth-nodes NETWORK DOMAIN COUNT [KIND...]     for example: ioth-nodes vde:///tmp/net iot.example 20
 *
 * Each second node takes its address from DHCPv6, the others make it of their names. Both ways give the same
 * address. KINDS are kinds of stacks, which the nodes have in turn; "vdestack" without them. When each has
 * reached each other one, or after 30 seconds, it prints a line. Then it waits for a signal, or for the end of
 * its standard input.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <iothconf.h>
#include <iothdns.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PORT 7
#define COUNT_MAX 200
#define LIMIT_S 30  /* then what was not reached is printed */
#define PAUSE_MS 50 /* before a name is tried again */

struct node {
	int number;
	char name[256];
	const char *kind;
	struct ioth *stack;
	int listener;
	pthread_t asks, answers;
	int reached;
	char problem[512]; /* of the last try that failed */
};

static const char *network, *domain;
static struct node nodes[COUNT_MAX];
static int count;
static struct timespec begin;

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - begin.tv_sec) + (double)(now.tv_nsec - begin.tv_nsec) / 1e9;
}

static void name_of(int number, char *name, size_t size)
{
	snprintf(name, size, "node%d.%s", number, domain);
}

/* The stack, which gets its addresses from the network. All that the network knows of it is its name. */
static struct ioth *make_stack(const struct node *node)
{
	char kind[64], config[1024];

	/* The word name= is for people who look at the stacks; only stacks of this kind have names. */
	if (strcmp(node->kind, "vdestack") == 0)
		snprintf(kind, sizeof(kind), "'vdestack,name=node%d'", node->number);
	else
		snprintf(kind, sizeof(kind), "%s", node->kind);
	snprintf(config, sizeof(config), "stack=%s,vnl='%s',%s,fqdn=%s,timeout=%d", kind, network,
		 node->number % 2 == 0 ? "auto6" : "eth,slaac", node->name, LIMIT_S);
	return ioth_newstackc(config);
}

static int open_port(struct ioth *stack)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(PORT) };
	int fd = ioth_msocket(stack, AF_INET6, SOCK_STREAM, 0);

	if (fd >= 0 && ioth_bind(fd, (struct sockaddr *)&any, sizeof(any)) == 0 &&
	    ioth_listen(fd, count) == 0)
		return fd;
	if (fd >= 0)
		ioth_close(fd);
	return -1;
}

static void *answer(void *arg)
{
	struct node *node = arg;

	for (;;) {
		int fd = ioth_accept(node->listener, NULL, NULL);
		if (fd < 0)
			return NULL;
		(void)ioth_send(fd, node->name, strlen(node->name), MSG_NOSIGNAL);
		(void)ioth_close(fd);
	}
}

/* What the host at this address says that its name is. */
static bool ask_address(struct node *node, const struct addrinfo *ai, char *said, size_t size)
{
	struct timeval limit = { .tv_sec = 2 };
	size_t len = 0;
	int fd = ioth_msocket(node->stack, ai->ai_family, SOCK_STREAM, 0);

	if (fd < 0)
		return false;
	(void)ioth_setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	(void)ioth_setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	bool done = ioth_connect(fd, ai->ai_addr, ai->ai_addrlen) == 0;
	if (done) {
		ssize_t n;
		while (len < size - 1 && (n = ioth_recv(fd, said + len, size - 1 - len, 0)) > 0)
			len += (size_t)n;
		said[len] = '\0';
	}
	int saved = errno;
	(void)ioth_close(fd);
	errno = saved;
	return done;
}

static bool reach(struct node *node, struct iothdns *dns, int other)
{
	struct addrinfo hints = { .ai_family = AF_INET6, .ai_socktype = SOCK_STREAM }, *found = NULL;
	char name[256], said[256] = "";

	name_of(other, name, sizeof(name));
	int error = iothdns_getaddrinfo(dns, name, "7", &hints, &found);
	if (error != 0) {
		snprintf(node->problem, sizeof(node->problem), "%s: %s", name, iothdns_gai_strerror(error));
		return false;
	}
	bool done = ask_address(node, found, said, sizeof(said));
	iothdns_freeaddrinfo(found);
	if (!done)
		snprintf(node->problem, sizeof(node->problem), "%s: %s", name, strerror(errno));
	else if (strcmp(said, name) != 0)
		snprintf(node->problem, sizeof(node->problem), "%s says that it is %s", name, said);
	return done && strcmp(said, name) == 0;
}

static void ask_all(struct node *node, struct iothdns *dns)
{
	bool reached[COUNT_MAX] = { false };

	reached[node->number] = true;
	while (node->reached < count - 1 && seconds() < LIMIT_S) {
		for (int i = 0; i < count; i++) {
			/* Not all nodes begin with the same one. */
			int other = (node->number + i) % count;
			if (!reached[other] && reach(node, dns, other)) {
				reached[other] = true;
				node->reached++;
			}
		}
		if (node->reached < count - 1)
			usleep(PAUSE_MS * 1000);
	}
}

static void *live(void *arg)
{
	struct node *node = arg;

	node->stack = make_stack(node);
	if (node->stack == NULL || (node->listener = open_port(node->stack)) < 0 ||
	    pthread_create(&node->answers, NULL, answer, node) != 0) {
		snprintf(node->problem, sizeof(node->problem), "%s", ioth_last_error());
		return NULL;
	}
	char *settings = ioth_resolvconf(node->stack, NULL);
	struct iothdns *dns = iothdns_init_strcfg(node->stack, settings != NULL ? settings : "");
	free(settings);
	if (dns != NULL) {
		ask_all(node, dns);
		iothdns_fini(dns);
	}
	return NULL;
}

static int report(void)
{
	int reached = 0;

	for (int i = 0; i < count; i++) {
		reached += nodes[i].reached;
		if (nodes[i].reached < count - 1)
			fprintf(stderr, "%s has reached %d of %d: %s\n", nodes[i].name, nodes[i].reached,
				count - 1, nodes[i].problem);
	}
	printf("%d nodes, %d of %d pairs by name, after %.1f s\n", count, reached, count * (count - 1),
	       seconds());
	fflush(stdout);
	return reached == count * (count - 1) ? 0 : 1;
}

int main(int argc, char **argv)
{
	char byte;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	count = argc >= 4 ? atoi(argv[3]) : 0;
	if (count < 2 || count > COUNT_MAX) {
		fprintf(stderr, "usage: ioth-nodes NETWORK DOMAIN COUNT [KIND...]   COUNT is from 2 to %d\n",
			COUNT_MAX);
		return 64;
	}
	network = argv[1];
	domain = argv[2];
	for (int i = 0; i < count; i++) {
		nodes[i].number = i;
		nodes[i].kind = argc > 4 ? argv[4 + i % (argc - 4)] : "vdestack";
		name_of(i, nodes[i].name, sizeof(nodes[i].name));
		if (pthread_create(&nodes[i].asks, NULL, live, &nodes[i]) != 0) {
			perror("ioth-nodes: a thread");
			return 1;
		}
	}
	for (int i = 0; i < count; i++)
		pthread_join(nodes[i].asks, NULL);
	int status = report();
	while (read(0, &byte, 1) > 0)
		;
	return status;
}
