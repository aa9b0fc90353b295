/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One program on two separate networks.
 *
 *     two_networks                      runs on two segments inside the program
 *     two_networks CONFIG CONFIG        answers on two networks until it is killed
 *
 * It answers each datagram to port 7 with the name of the network on which it was asked. Both
 * networks may use the same addresses, as they do here: each stack has its own.
 */

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <vdestack.h>

#define ADDR "192.168.1.1"

static const char *const names[2] = { "office", "factory" };

static struct vdestack *make_stack(const char *config)
{
	struct vdestack *stack = vdestack_new(config, NULL);

	if (stack == NULL) {
		fprintf(stderr, "two_networks: %s\n", vdestack_last_error());
		exit(1);
	}
	return stack;
}

static int udp_socket(struct vdestack *stack)
{
	int fd = vdestack_msocket(stack, AF_INET, SOCK_DGRAM, 0);

	if (fd < 0) {
		fprintf(stderr, "two_networks: %s\n", vdestack_last_error());
		exit(1);
	}
	return fd;
}

static int udp_server(struct vdestack *stack)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(7) };
	int fd = udp_socket(stack);

	if (bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0) {
		perror("two_networks");
		exit(1);
	}
	return fd;
}

/* Answers requests from both networks: sockets of all stacks go into one poll(2). */
static void answer_one(const int fds[2])
{
	struct pollfd waiting[2] = { { .fd = fds[0], .events = POLLIN }, { .fd = fds[1], .events = POLLIN } };

	if (poll(waiting, 2, -1) <= 0)
		return;
	for (int i = 0; i < 2; i++) {
		struct sockaddr_in from;
		socklen_t len = sizeof(from);
		char question[64];

		if (waiting[i].revents == 0 ||
		    recvfrom(fds[i], question, sizeof(question), 0, (struct sockaddr *)&from, &len) < 0)
			continue;
		if (sendto(fds[i], names[i], strlen(names[i]), 0, (struct sockaddr *)&from, len) < 0)
			perror("two_networks");
	}
}

/* A neighbour on each segment asks the same address and gets another answer. */
static void try_it(const int fds[2])
{
	static const char *const neighbours[2] = {
		"vnl=inproc://office ip=192.168.1.2/24", "vnl=inproc://factory ip=192.168.1.2/24"
	};
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(7) };

	inet_pton(AF_INET, ADDR, &to.sin_addr);
	for (int i = 0; i < 2; i++) {
		struct vdestack *stack = make_stack(neighbours[i]);
		int fd = udp_socket(stack);
		char text[64] = "";

		if (sendto(fd, "?", 1, 0, (struct sockaddr *)&to, sizeof(to)) < 0)
			perror("two_networks");
		answer_one(fds);
		if (recv(fd, text, sizeof(text) - 1, 0) < 0)
			perror("two_networks");
		printf("in the %s, " ADDR " says: %s\n", names[i], text);
		close(fd);
		vdestack_delete(stack);
	}
}

int main(int argc, char **argv)
{
	struct vdestack *office = make_stack(argc == 3 ? argv[1] : "vnl=inproc://office ip=" ADDR "/24");
	struct vdestack *factory = make_stack(argc == 3 ? argv[2] : "vnl=inproc://factory ip=" ADDR "/24");
	int fds[2] = { udp_server(office), udp_server(factory) };

	if (argc != 3)
		try_it(fds);
	while (argc == 3)
		answer_one(fds);
	vdestack_delete(office); /* the sockets live on until they are closed */
	vdestack_delete(factory);
	return 0;
}
