/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Three lines to a connection: a stack, vdestack_dial(), and what the program does with the socket. The other
 * side needs as many. Here both are in one program, and addresses stand where names would: with dns= in the
 * configuration of `here`, or with DHCP, "www.example.org:http" works as well.
 *
 * Links libvdestack-dns, too.
 */

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vdestack.h>
#include <vdestack/dial.h>
#include <vdestack/dns.h>

static int fail(const char *why)
{
	fprintf(stderr, "dial: %s\n", why);
	return 1;
}

static int greet(struct vdestack *here, const char *address, int listener)
{
	char text[16] = "";
	int fd = vdestack_dial(here, "tcp", address, 5000);

	if (fd < 0)
		return -1;
	int peer = accept(listener, NULL, NULL);
	if (peer < 0 || send(peer, "welcome", 7, 0) != 7 || recv(fd, text, sizeof(text) - 1, 0) <= 0)
		return -1;
	printf("%s: %s\n", address, text);
	close(peer);
	return close(fd);
}

int main(void)
{
	struct vdestack *there = vdestack_new("vnl=inproc://lan ip=10.0.0.1/24 ip=fc00::1/64 nodad", NULL);
	struct vdestack *here = vdestack_new("vnl=inproc://lan ip=10.0.0.2/24 ip=fc00::2/64 nodad", NULL);

	if (there == NULL || here == NULL)
		return fail(vdestack_last_error());
	int listener = vdestack_listen(there, "tcp", "[::]:80");
	if (listener < 0 || greet(here, "10.0.0.1:80", listener) < 0 ||
	    greet(here, "[fc00::1]:http", listener) < 0)
		return fail(vdestack_dns_last_error());
	close(listener);
	if (vdestack_dial(here, "tcp", "10.0.0.1:80", 5000) >= 0)
		return fail("nobody listens, but there is a connection");
	printf("%s\n", vdestack_dns_last_error());
	return vdestack_delete(here) < 0 || vdestack_delete(there) < 0;
}
