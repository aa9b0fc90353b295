/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * From which address a server made of iothdns_udp_process_request() replies. Clients drop what comes from
 * another address than the one that they have asked.
 */

#include "iothdns_ground.h"

static int udp; /* the server's, of ioth_msocket() */

static struct iothdns_pkt *reply(struct iothdns_header *h, void *arg)
{
	(void)arg;
	h->flags |= IOTHDNS_RESPONSE;
	return iothdns_put_header(h);
}

static void begin(void)
{
	home = ground_stack("10.9.0.9");
	far = new_stack("vnl=inproc://names nodad ip=10.9.0.2/24 ip=fd00::2/64");
}

static void end(void)
{
	MUST(ioth_close(udp));
	ground_end();
}

/* A client asks that address of the server. */
static void check_source(const char *asked)
{
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6, .sin6_port = htons(53) };
	struct sockaddr_in a4 = { .sin_family = AF_INET, .sin_port = htons(53) };
	bool v6 = inet_pton(AF_INET6, asked, &a6.sin6_addr) == 1;
	struct dns_message m;
	uint8_t answer[512];
	int fd = (int)MUST(vdestack_msocket(far, v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));

	CHECK(v6 || inet_pton(AF_INET, asked, &a4.sin_addr) == 1);
	MUST(connect(fd, v6 ? (struct sockaddr *)&a6 : (struct sockaddr *)&a4, v6 ? sizeof(a6) : sizeof(a4)));
	dns_begin(&m, 0x1234, 0x0100, "a.example", IOTHDNS_TYPE_A);
	CHECK_EQ(send(fd, m.bytes, m.n, 0), m.n);
	CHECK(wait_readable(udp, SOON_MS));
	CHECK_EQ(iothdns_udp_process_request(udp, reply, NULL), m.n);
	CHECK(wait_readable(fd, SOON_MS));
	CHECK_EQ(recv(fd, answer, sizeof(answer), 0), m.n);
	close(fd);
}

static void bind_to_any(int family)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(53) };
	struct sockaddr_in any4 = { .sin_family = AF_INET, .sin_port = htons(53) };

	udp = (int)MUST(ioth_msocket(home, family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	if (family == AF_INET6)
		MUST(ioth_bind(udp, (struct sockaddr *)&any, sizeof(any)));
	else
		MUST(ioth_bind(udp, (struct sockaddr *)&any4, sizeof(any4)));
}

CASE(a_reply_leaves_from_the_address_that_was_asked)
{
	begin();
	ground_address(home, "10.9.0.19");
	bind_to_any(AF_INET);
	for (int i = 0; i < 4; i++)
		check_source(i % 2 ? "10.9.0.19" : "10.9.0.9");
	end();
}

static bool can_bind(void *arg)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6 };
	int fd = (int)MUST(ioth_msocket(home, AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));

	CHECK_EQ(inet_pton(AF_INET6, arg, &a.sin6_addr), 1);
	int r = ioth_bind(fd, (struct sockaddr *)&a, sizeof(a));
	MUST(ioth_close(fd));
	return r == 0;
}

/* A socket of both families serves clients of both. */
CASE(a_reply_by_ipv6_leaves_from_the_address_that_was_asked)
{
	static const char *const addrs[] = { "fd00::9", "fd00::19" };

	begin();
	for (int i = 0; i < 2; i++) {
		ground_address(home, addrs[i]);
		CHECK(wait_until(can_bind, (void *)(uintptr_t)addrs[i], SOON_MS)); /* it is not a duplicate */
	}
	ground_address(home, "10.9.0.19");
	bind_to_any(AF_INET6);
	for (int i = 0; i < 4; i++)
		check_source(addrs[i % 2]);
	for (int i = 0; i < 4; i++)
		check_source(i % 2 ? "10.9.0.19" : "10.9.0.9");
	end();
}
