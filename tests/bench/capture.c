/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * How many frames a capture loses, and what it costs: datagrams at a rate, each as a frame of 100 bytes.
 *
 *     capture LOCATOR FRAMES-PER-SECOND SECONDS [FILE]
 *
 * Lines "name value unit": frames sent each second, share that arrived, processor time of the keeper for each
 * frame, frames that are not in the file. Without a file nothing is captured.
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <vdestack.h>
#include <vdestack/capture.h>
#include <vdestack/registry.h>

#define BATCH 20
#define PAYLOAD (100 - 42)

static int64_t now_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static struct vdestack *stack_on(const char *locator, int host)
{
	char config[600];

	(void)snprintf(config, sizeof(config), "vnl=%s ip=10.9.0.%d/24", locator, host);
	struct vdestack *s = vdestack_new(config, NULL);
	if (s == NULL) {
		fprintf(stderr, "%s\n", vdestack_last_error());
		exit(1);
	}
	return s;
}

/* Of the keeper, in ns; 0: it cannot be read. */
static double keeper_time(void)
{
	struct vdestack_registered list[64];
	int n = vdestack_registry_list(list, 64);
	char path[64], text[1024];
	unsigned long user = 0, system = 0;

	for (int i = 0; i < n && i < 64; i++) {
		if (list[i].pid != getpid())
			continue;
		(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)list[i].keeper);
		FILE *f = fopen(path, "re");
		if (f == NULL || fgets(text, sizeof(text), f) == NULL)
			return 0;
		fclose(f);
		char *at = strrchr(text, ')');
		if (at == NULL || sscanf(at + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
					 &system) != 2)
			return 0;
		return (double)(user + system) * 1e9 / (double)sysconf(_SC_CLK_TCK);
	}
	return 0;
}

/* Sends at the rate, in batches, and counts what arrives. */
static void run(int tx, int rx, const struct sockaddr_in *to, long rate, long seconds, long *sent, long *got)
{
	static char payload[PAYLOAD];
	struct mmsghdr messages[BATCH] = { 0 };
	struct iovec iov = { payload, sizeof(payload) };
	int64_t start = now_ns();

	for (int i = 0; i < BATCH; i++)
		messages[i].msg_hdr = (struct msghdr){ .msg_name = (void *)(uintptr_t)to,
						       .msg_namelen = sizeof(*to),
						       .msg_iov = &iov, .msg_iovlen = 1 };
	while (*sent < rate * seconds) {
		int64_t due = start + (int64_t)((double)*sent * 1e9 / (double)rate);
		while (recv(rx, payload, sizeof(payload), MSG_DONTWAIT) > 0)
			++*got;
		if (now_ns() < due)
			continue;
		int n = sendmmsg(tx, messages, BATCH, 0);
		*sent += n > 0 ? n : 0;
	}
	usleep(200000);
	while (recv(rx, payload, sizeof(payload), MSG_DONTWAIT) > 0)
		++*got;
}

int main(int argc, char *argv[])
{
	struct vdestack_capture_stats stats = { .size = sizeof(stats) };
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };
	int size = 8 << 20;

	if (argc < 4)
		return 64;
	struct vdestack *a = stack_on(argv[1], 1), *b = stack_on(argv[1], 2);
	struct vdestack_capture_opts opts = { .size = sizeof(opts), .path = argc > 4 ? argv[4] : NULL };
	int tx = vdestack_msocket(a, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int rx = vdestack_msocket(b, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	long sent = 0, got = 0;

	(void)inet_pton(AF_INET, "10.9.0.2", &to.sin_addr);
	(void)setsockopt(rx, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	(void)setsockopt(tx, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	if (bind(rx, (struct sockaddr *)&to, sizeof(to)) < 0)
		return 1;
	usleep(300000); /* the registry shows the keeper a moment after its start */
	int capture = argc > 4 ? vdestack_capture_start(a, "vde0", &opts) : -1;
	if (argc > 4 && capture < 0) {
		fprintf(stderr, "%s\n", vdestack_last_error());
		return 1;
	}
	double before = keeper_time();
	int64_t start = now_ns();
	run(tx, rx, &to, atol(argv[2]), atol(argv[3]), &sent, &got);
	double seconds = (double)(now_ns() - start) / 1e9 - 0.2, used = keeper_time() - before;
	if (capture >= 0 && vdestack_capture_stop(capture, &stats) < 0)
		return fprintf(stderr, "%s\n", vdestack_last_error()), 1;
	printf("capture.rate %.0f frames/s\ncapture.arrived %.4f %%\ncapture.keeper %.0f ns\n",
	       (double)sent / seconds, 100.0 * (double)got / (double)sent, used / (double)sent);
	if (capture >= 0)
		printf("capture.lost %llu frames\n", (unsigned long long)(stats.dropped + stats.os_dropped));
	return 0;
}
