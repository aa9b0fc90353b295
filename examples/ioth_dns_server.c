/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A name server in a stack of any kind: every name that ends in .lab has the address of the server, other
 * names do not exist. Clients by TCP have threads, so that datagrams never wait for one that is silent. Links
 * libioth and libiothdns.
 *
 *     ioth_dns_server STACK VNL ADDR        for example: ioth_dns_server vdestack vde:///tmp/hub 10.0.0.1
 */

#include <arpa/inet.h>
#include <errno.h>
#include <iothdns.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static struct in_addr addr;

static struct iothdns_pkt *answer(struct iothdns_header *h, void *arg)
{
	struct iothdns_rr rr = { h->qname, IOTHDNS_TYPE_A, IOTHDNS_CLASS_IN, 60, 0 };
	size_t n = strlen(h->qname);
	int known = n > 4 && strcasecmp(h->qname + n - 4, ".lab") == 0;

	(void)arg;
	h->flags = IOTHDNS_RESPONSE | IOTHDNS_AA | (h->flags & IOTHDNS_RD);
	h->flags |= known ? IOTHDNS_RCODE_OK : IOTHDNS_RCODE_ENOENT;
	struct iothdns_pkt *reply = iothdns_put_header(h);
	if (reply != NULL && known && h->qtype == IOTHDNS_TYPE_A) {
		iothdns_put_rr(IOTHDNS_SEC_ANSWER, reply, &rr);
		iothdns_put_a(reply, &addr);
	}
	return reply;
}

/* A socket on port 53 of the server's address. */
static int open_port(struct ioth *stack, int type)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(53), .sin_addr = addr };
	int fd = ioth_msocket(stack, AF_INET, type | SOCK_CLOEXEC, 0);

	if (fd >= 0 && ioth_bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == 0 &&
	    (type == SOCK_DGRAM || ioth_listen(fd, 100) == 0))
		return fd;
	fprintf(stderr, "ioth_dns_server: port 53: %s\n", strerror(errno));
	return -1;
}

/* One client after another, one request of each. */
static void *serve_clients(void *listener)
{
	for (int client; (client = ioth_accept(*(int *)listener, NULL, NULL)) >= 0 || errno != EBADF;) {
		(void)iothdns_tcp_process_request(client, answer, NULL);
		(void)ioth_close(client);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	struct ioth *stack = argc == 4 ? ioth_newstack(argv[1], argv[2]) : NULL;

	if (argc != 4 || inet_pton(AF_INET, argv[3], &addr) != 1 || stack == NULL) {
		fprintf(stderr, "usage: ioth_dns_server STACK VNL ADDR; %s\n", ioth_last_error());
		return 2;
	}
	int ifindex = ioth_if_nametoindex(stack, "vde0");
	if (ioth_linksetupdown(stack, (unsigned)ifindex, 1) < 0 ||
	    ioth_ipaddr_add(stack, AF_INET, &addr, 24, ifindex) < 0)
		return 1;
	int udp = open_port(stack, SOCK_DGRAM), tcp = open_port(stack, SOCK_STREAM);
	pthread_t thread;
	for (int i = 0; i < 8; i++) /* clients at the same time; a silent one ends after ten seconds */
		if (udp < 0 || tcp < 0 || pthread_create(&thread, NULL, serve_clients, &tcp) != 0)
			return 1;
	while (iothdns_udp_process_request(udp, answer, NULL) >= 0 || errno != EBADF)
		; /* a client that cannot be reached does not end the server */
	return 1;
}
