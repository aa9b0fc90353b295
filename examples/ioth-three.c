/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One program on three stacks of three kinds, which talk to each other over one VDE network.
 *
 *     ioth-three          makes such a network, and a network of its own for the process
 *     ioth-three VNL      uses this network; the process has the address 10.0.0.1 in it
 *
 *     kernel, 10.0.0.1 ── network ── vdestack, 10.0.0.2
 *                            │
 *                     picox, 10.0.0.3
 */

#include <arpa/inet.h>
#include <iothconf.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <vdestack.h>

static const char *const kinds[3] = { "kernel", "vdestack", "picox" };

static void give_up(const char *what)
{
	fprintf(stderr, "ioth-three: ");
	perror(what);
	exit(1);
}

static struct ioth *make_stack(int i, const char *vnl)
{
	char config[512];

	snprintf(config, sizeof(config), "stack=%s,vnl='%s',eth,ip=10.0.0.%d/24", kinds[i], vnl, i + 1);
	struct ioth *stack = ioth_newstackc(i == 0 ? "stack=kernel" : config);
	if (stack == NULL) {
		fprintf(stderr, "ioth-three: %s\n", ioth_last_error());
		exit(1);
	}
	return stack;
}

/* Sends a line from one stack to another. */
static void talk(struct ioth *const stacks[3], int from, int to)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons((uint16_t)(7000 + from)) };
	char line[64], got[64] = "";
	ssize_t n;

	snprintf(line, sizeof(line), "10.0.0.%d", to + 1);
	inet_pton(AF_INET, line, &addr.sin_addr);
	int listener = ioth_msocket(stacks[to], AF_INET, SOCK_STREAM, 0);
	if (ioth_bind(listener, (struct sockaddr *)&addr, sizeof(addr)) < 0 || ioth_listen(listener, 1) < 0)
		give_up(kinds[to]);
	int client = ioth_msocket(stacks[from], AF_INET, SOCK_STREAM, 0);
	if (ioth_connect(client, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		give_up(kinds[from]);
	int conn = ioth_accept(listener, NULL, NULL);
	snprintf(line, sizeof(line), "from %s to %s", kinds[from], kinds[to]);
	if (conn < 0 || ioth_send(client, line, strlen(line), MSG_NOSIGNAL) < 0)
		give_up(kinds[from]);
	ioth_close(client); /* the end of the line */
	for (size_t len = 0; (n = ioth_recv(conn, got + len, sizeof(got) - 1 - len, 0)) > 0;)
		len += (size_t)n;
	puts(got);
	ioth_close(conn);
	ioth_close(listener);
}

static int talk_all(const char *vnl)
{
	struct ioth *stacks[3];

	ioth_set_license("LGPL-2.1-or-later");
	for (int i = 0; i < 3; i++)
		stacks[i] = make_stack(i, vnl);
	for (int from = 0; from < 3; from++)
		for (int to = 0; to < 3; to++)
			if (from != to)
				talk(stacks, from, to);
	for (int i = 0; i < 3; i++)
		ioth_delstack(stacks[i]);
	return 0;
}

/* Runs this program once more, in a stack that is on the network: that is what it sees as the kernel's. */
static int run_inside(const char *program)
{
	char dir[] = "/tmp/ioth-three.XXXXXX", config[128], vnl[64];
	char *argv[] = { (char *)program, vnl, NULL };
	int done = -1, status = 1;

	if (mkdtemp(dir) == NULL)
		give_up(dir);
	snprintf(vnl, sizeof(vnl), "vde://%s/net", dir);
	snprintf(config, sizeof(config), "vnl=hub://%s/net ip=10.0.0.1/24", dir);
	struct vdestack *stack = vdestack_new(config, NULL);
	int pidfd = stack != NULL ? vdestack_spawn(stack, argv, NULL, &done) : -1;
	if (pidfd < 0 || vdestack_cmd_wait(done, &status, -1) < 0)
		fprintf(stderr, "ioth-three: %s\n", vdestack_last_error());
	if (stack != NULL)
		vdestack_delete(stack);
	/* The socket of the network goes when the stack has ended, a little later. */
	for (int i = 0; i < 200 && rmdir(dir) < 0; i++)
		usleep(10000);
	return status == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	return argc == 2 ? talk_all(argv[1]) : run_inside(argv[0]);
}
