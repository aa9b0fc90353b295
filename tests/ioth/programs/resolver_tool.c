/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * resolver_tool CONFIG SERVERS a|aaaa|compat|addrinfo|nameinfo|udp|tcp NAME
 *
 * Asks the name servers (their addresses with commas, or the text of a resolv.conf) from a stack of its own,
 * and prints the addresses, one a line; nameinfo takes an address; udp and tcp print the records of the
 * answer. 0: there are some.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ioth.h>
#include <iothconf.h>
#include <iothdns.h>

#define MAX 16

static int lookup_a(struct iothdns *dns, const char *name)
{
	struct in_addr a[MAX];
	char text[INET6_ADDRSTRLEN];
	int n = iothdns_lookup_a(dns, name, a, MAX);

	for (int i = 0; i < n && i < MAX; i++)
		printf("%s\n", inet_ntop(AF_INET, &a[i], text, sizeof(text)));
	return n;
}

static int lookup_aaaa(struct iothdns *dns, const char *name, int compat)
{
	struct in6_addr a[MAX];
	char text[INET6_ADDRSTRLEN];
	int n = compat ? iothdns_lookup_aaaa_compat(dns, name, a, MAX)
		       : iothdns_lookup_aaaa(dns, name, a, MAX);

	for (int i = 0; i < n && i < MAX; i++)
		printf("%s\n", inet_ntop(AF_INET6, &a[i], text, sizeof(text)));
	return n;
}

static int addrinfo(struct iothdns *dns, const char *name)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list;
	int n = 0, err = iothdns_getaddrinfo(dns, name, NULL, &hints, &list);

	if (err != 0) {
		fprintf(stderr, "%s\n", iothdns_gai_strerror(err));
		return -1;
	}
	for (struct addrinfo *ai = list; ai != NULL; ai = ai->ai_next, n++) {
		char text[NI_MAXHOST];
		if (iothdns_getnameinfo(dns, ai->ai_addr, ai->ai_addrlen, text, sizeof(text), NULL, 0,
					NI_NUMERICHOST) != 0)
			return -1;
		printf("%s\n", text);
	}
	iothdns_freeaddrinfo(list);
	return n;
}

static int nameinfo(struct iothdns *dns, const char *address)
{
	struct sockaddr_in four = { .sin_family = AF_INET };
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
	char host[256];
	int err;

	if (inet_pton(AF_INET, address, &four.sin_addr) == 1)
		err = iothdns_getnameinfo(dns, (struct sockaddr *)&four, sizeof(four), host, sizeof(host),
					  NULL, 0, NI_NAMEREQD);
	else if (inet_pton(AF_INET6, address, &six.sin6_addr) == 1)
		err = iothdns_getnameinfo(dns, (struct sockaddr *)&six, sizeof(six), host, sizeof(host), NULL,
					  0, NI_NAMEREQD);
	else
		return -1;
	if (err != 0) {
		fprintf(stderr, "%s\n", iothdns_gai_strerror(err));
		return -1;
	}
	printf("%s\n", host);
	return 1;
}

static int show_record(int section, struct iothdns_rr *rr, struct iothdns_pkt *pkt, void *arg)
{
	unsigned char addr[16];
	char text[INET6_ADDRSTRLEN], name[IOTHDNS_MAXNAME];

	if (section != 1) /* the answer section */
		return 0;
	printf("%s %d ", rr->name, rr->type);
	if (rr->type == 1)
		printf("%s\n", inet_ntop(AF_INET, iothdns_get_a(pkt, addr), text, sizeof(text)));
	else if (rr->type == 28)
		printf("%s\n", inet_ntop(AF_INET6, iothdns_get_aaaa(pkt, addr), text, sizeof(text)));
	else if (rr->type == 12 || rr->type == 5)
		printf("%s\n", iothdns_get_name(pkt, name));
	else
		printf("%d bytes\n", rr->rdlength);
	++*(int *)arg;
	return 0;
}

static int records(struct iothdns *dns, const char *name, int tcp)
{
	int n = 0;
	int result = tcp ? iothdns_lookup_cb_tcp(dns, name, 28, show_record, &n)
			 : iothdns_lookup_cb(dns, name, 28, show_record, &n);

	return result < 0 ? -1 : n;
}

int main(int argc, char *argv[])
{
	int n = -1;

	ioth_set_license("LGPL-2.1-or-later");
	if (argc != 5)
		return 2;
	struct ioth *stack = ioth_newstackc(argv[1]);
	if (stack == NULL) {
		perror("stack");
		return 1;
	}
	struct iothdns *dns = iothdns_init_strcfg(stack, argv[2]);
	if (dns == NULL) {
		perror("dns");
		return 1;
	}
	const char *how = argv[3], *name = argv[4];
	if (strcmp(how, "a") == 0)
		n = lookup_a(dns, name);
	else if (strcmp(how, "aaaa") == 0 || strcmp(how, "compat") == 0)
		n = lookup_aaaa(dns, name, how[1] == 'o');
	else if (strcmp(how, "addrinfo") == 0)
		n = addrinfo(dns, name);
	else if (strcmp(how, "nameinfo") == 0)
		n = nameinfo(dns, name);
	else
		n = records(dns, name, strcmp(how, "tcp") == 0);
	if (n < 0)
		perror(name);
	iothdns_fini(dns);
	if (ioth_delstack(stack) < 0) {
		perror("delstack");
		return 1;
	}
	return n > 0 ? 0 : 1;
}
