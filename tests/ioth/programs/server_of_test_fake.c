/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * server_of_test_fake CONFIG
 *
 * A name server for the domain test.fake, by UDP and TCP: v4.test.fake has an IPv4 address, NAME.test.fake
 * the hash address of its name below fd00::/64, many.test.fake so many that they need TCP. Other names are
 * refused. Prints "ready", and ends with its standard input.
 */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include <ioth.h>
#include <iothaddr.h>
#include <iothconf.h>
#include <iothdns.h>

#define TYPE_A 1
#define TYPE_AAAA 28
#define CLASS_IN 1
#define ANSWER 1     /* section */
#define FLAGS 0x8400 /* QR, AA */
#define NXDOMAIN 3
#define REFUSED 5
#define MANY 60

static int ends_with(const char *name, const char *end)
{
	size_t n = strlen(name), e = strlen(end);

	return n >= e && strcmp(name + n - e, end) == 0;
}

static struct iothdns_pkt *reply(struct iothdns_header *h, int rcode)
{
	struct iothdns_header r = { h->id, FLAGS | (h->flags & 0x0100) | rcode, h->qname, h->qtype,
				    h->qclass };

	return iothdns_put_header(&r);
}

static struct iothdns_pkt *parse(struct iothdns_header *h, void *arg)
{
	struct iothdns_rr rr = { h->qname, h->qtype, CLASS_IN, 60, 0 };
	struct in_addr four;
	struct in6_addr six;
	int n = strcmp(h->qname, "many.test.fake") == 0 ? MANY : 1;

	++*(int *)arg;
	if (!ends_with(h->qname, ".test.fake"))
		return reply(h, REFUSED);
	if (strncmp(h->qname, "no.", 3) == 0)
		return reply(h, NXDOMAIN);
	struct iothdns_pkt *pkt = reply(h, 0);
	if (pkt == NULL)
		return NULL;
	if (h->qtype == TYPE_A && strcmp(h->qname, "v4.test.fake") == 0) {
		inet_pton(AF_INET, "10.1.2.3", &four);
		iothdns_put_rr(ANSWER, pkt, &rr);
		iothdns_put_a(pkt, &four);
	}
	for (int i = 0; i < n && h->qtype == TYPE_AAAA; i++) {
		inet_pton(AF_INET6, "fd00::", &six);
		iothaddr_hash(&six, h->qname, NULL, i);
		iothdns_put_rr(ANSWER, pkt, &rr);
		iothdns_put_aaaa(pkt, &six);
	}
	return pkt;
}

static int server_socket(struct ioth *stack, int type)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(53) };
	int fd = ioth_msocket(stack, AF_INET, type, 0), one = 1;

	if (fd >= 0 && type == SOCK_STREAM)
		ioth_setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fd < 0 || ioth_bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0 ||
	    (type == SOCK_STREAM && ioth_listen(fd, 5) < 0)) {
		perror("socket");
		return -1;
	}
	return fd;
}

int main(int argc, char *argv[])
{
	struct ioth *stack;
	int queries = 0;

	ioth_set_license("LGPL-2.1-or-later");
	if (argc != 2 || (stack = ioth_newstackc(argv[1])) == NULL) {
		perror("stack");
		return 1;
	}
	int udp = server_socket(stack, SOCK_DGRAM), tcp = server_socket(stack, SOCK_STREAM);
	if (udp < 0 || tcp < 0)
		return 1;
	struct pollfd fds[] = { { 0, POLLIN, 0 }, { udp, POLLIN, 0 }, { tcp, POLLIN, 0 } };
	printf("ready\n");
	fflush(stdout);
	while (poll(fds, 3, -1) > 0 && !fds[0].revents) {
		if (fds[1].revents)
			iothdns_udp_process_request(udp, parse, &queries);
		if (fds[2].revents) {
			int client = ioth_accept(tcp, NULL, NULL);
			if (client >= 0) {
				iothdns_tcp_process_request(client, parse, &queries);
				ioth_close(client);
			}
		}
	}
	printf("%d queries\n", queries);
	ioth_close(udp);
	ioth_close(tcp);
	if (ioth_delstack(stack) < 0) {
		perror("delstack");
		return 1;
	}
	return 0;
}
