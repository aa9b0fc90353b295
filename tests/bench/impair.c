/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * How exact an impaired pump is, and what a frame costs.
 *
 *     impair delay MS FRAMES_PER_S SECONDS    what is added to the time of each frame, in us
 *     impair rate BIT_PER_S SECONDS           what passes when twice as much is sent, in bit/s
 *     impair cost                             processor time of a frame that is delayed by 20 ms, in ns
 *
 * The pump is the library's. Its device and its link are pairs of sockets, so that nothing else takes time. A
 * frame has the time at which it was sent; its delay counts until it is read, with the way through
 * both sockets and two wake-ups. Prints "name value unit" lines.
 */

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "pump/impair.h"
#include "pump/link.h"
#include "pump/pump.h"

#define VNET sizeof(struct virtio_net_hdr)
#define SAMPLES_MAX 4000000
#define BUFFER (4 << 20)

static struct {
	struct vs_pump pump;
	struct vs_link link;
	int device, data; /* our ends */
	atomic_bool over;
	size_t len;       /* of a frame */
	double per_s;     /* frames to be sent */
} b;

static void on_died(struct vs_pump *pump, int err)
{
	(void)pump;
	(void)err;
}

static void on_end(struct vs_pump *pump)
{
	(void)pump;
	atomic_store(&b.over, true);
}

static const struct vs_pump_callbacks callbacks = { on_died, on_end, on_end };

static int link_send(struct vs_link *link, const struct vs_frame *frames, size_t n, size_t *lost)
{
	for (size_t i = 0; i < n; i++) {
		struct msghdr msg = { .msg_iov = (struct iovec *)frames[i].iov,
				      .msg_iovlen = (size_t)frames[i].n_iov };
		if (sendmsg(link->data_fd, &msg, MSG_DONTWAIT) < 0)
			++*lost;
	}
	return (int)n;
}

static int link_recv(struct vs_link *link, struct iovec *frames, size_t n)
{
	(void)link;
	(void)frames;
	(void)n;
	return 0;
}

static const struct vs_link_ops link_ops = { .send = link_send, .recv = link_recv };

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void make_pair(int fds[2], int flags)
{
	int size = BUFFER;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | flags, 0, fds) < 0)
		fail("socketpair");
	for (int i = 0; i < 2; i++)
		if (setsockopt(fds[i], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
			(void)setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}

static void start(const struct vdestack_impairment *tx)
{
	int device[2], data[2];

	make_pair(device, 0);
	make_pair(data, 0);
	if (vs_pump_init(&b.pump, &callbacks, "bench") < 0)
		fail("pump");
	b.pump.device = (struct vs_device){ .ops = &vs_device_tap, .fd = device[0] };
	b.device = device[1];
	b.data = data[1];
	b.link = (struct vs_link){ .ops = &link_ops,
				   .data_fd = data[0],
				   .control_fd = -1,
				   .never_waits = true,
				   .frame_max = VS_FRAME_MAX };
	b.pump.link = &b.link;
	(void)prctl(PR_SET_TIMERSLACK, 1000);
	if (fcntl(device[0], F_SETFL, O_NONBLOCK) < 0 || vs_pump_impair(&b.pump, tx, NULL) < 0 ||
	    vs_pump_start(&b.pump) < 0)
		fail("start");
}

/* Sends the frames that are due every 100 us; those that find no room are not sent. */
static void *sender(void *arg)
{
	unsigned char super[VNET + 1600] = { 0 };
	int64_t begin = vs_now_ns();
	double sent = 0;

	(void)arg;
	while (!atomic_load(&b.over)) {
		int64_t now = vs_now_ns();
		for (; sent < (double)(now - begin) * b.per_s / 1e9; sent++) {
			int64_t stamp = vs_now_ns();
			memcpy(super + VNET + 14, &stamp, sizeof(stamp));
			(void)send(b.device, super, VNET + b.len, MSG_DONTWAIT | MSG_NOSIGNAL);
		}
		struct timespec pause = { .tv_nsec = 100000 };
		(void)nanosleep(&pause, NULL);
	}
	return NULL;
}

static int64_t *samples;
static size_t n_samples;
static int64_t first_ns, last_ns;

/* Reads for so long, from the first frame on. */
static void receive(double seconds)
{
	unsigned char frame[1600];
	int64_t stamp;
	struct pollfd p = { .fd = b.data, .events = POLLIN };

	while (n_samples < SAMPLES_MAX && poll(&p, 1, 5000) == 1) {
		if (recv(b.data, frame, sizeof(frame), 0) < 22)
			break;
		last_ns = vs_now_ns();
		if (n_samples == 0)
			first_ns = last_ns;
		memcpy(&stamp, frame + 14, sizeof(stamp));
		samples[n_samples++] = last_ns - stamp;
		if ((double)(last_ns - first_ns) > seconds * 1e9)
			break;
	}
}

static int by_value(const void *a, const void *c)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)c;

	return x < y ? -1 : x > y;
}

static void run(const struct vdestack_impairment *tx, double seconds)
{
	pthread_t thread;

	samples = malloc(SAMPLES_MAX * sizeof(*samples));
	if (samples == NULL)
		fail("malloc");
	start(tx);
	if (pthread_create(&thread, NULL, sender, NULL) != 0)
		fail("thread");
	receive(seconds);
	vs_pump_stop(&b.pump);
	(void)pthread_join(thread, NULL);
}

static double quantile_us(double q, double minus_ns)
{
	if (n_samples == 0)
		return -1;
	return ((double)samples[(size_t)(q * (double)(n_samples - 1))] - minus_ns) / 1e3;
}

static void delay(double ms, double per_s, double seconds)
{
	struct vdestack_impairment tx = { .size = sizeof(tx), .seed = 1, .delay_ns = (uint64_t)(ms * 1e6) };
	double sum = 0;

	b.len = 100;
	b.per_s = per_s;
	run(&tx, seconds);
	qsort(samples, n_samples, sizeof(*samples), by_value);
	for (size_t i = 0; i < n_samples; i++)
		sum += (double)samples[i];
	printf("delay.mean %.4f ms\n", sum / (double)n_samples / 1e6);
	printf("delay.late.median %.1f us\n", quantile_us(0.5, ms * 1e6));
	printf("delay.late.p99 %.1f us\n", quantile_us(0.99, ms * 1e6));
	printf("delay.late.p999 %.1f us\n", quantile_us(0.999, ms * 1e6));
	printf("delay.early %.1f us\n", -quantile_us(0, ms * 1e6));
	printf("delay.frames %.0f 1/s\n", (double)(n_samples - 1) * 1e9 / (double)(last_ns - first_ns));
}

static void rate(double bits, double seconds)
{
	struct vdestack_impairment tx = { .size = sizeof(tx), .seed = 1, .rate = (uint64_t)bits };
	b.len = 1500;
	b.per_s = 2 * bits / 8 / 1500;
	run(&tx, seconds);
	if (n_samples < 3)
		fail("too few frames");
	printf("rate.measured %.0f bit/s\n",
	       (double)(n_samples - 1) * 1500 * 8 * 1e9 / (double)(last_ns - first_ns));
}

static void cost(void)
{
	enum { N = 2000000 };
	static unsigned char bytes[100];
	struct iovec frame = { bytes, sizeof(bytes) };

	for (int with_jitter = 0; with_jitter < 2; with_jitter++) {
		struct vdestack_impairment s = { .size = sizeof(s),
						 .seed = 1,
						 .delay_ns = 20000000,
						 .jitter_ns = with_jitter ? 5000000 : 0 };
		struct vs_impair *im = vs_impair_new();
		struct timespec from, to;
		if (im == NULL)
			fail("impair");
		vs_impair_set(im, &s, 0);
		(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
		for (int64_t i = 0; i < N; i++) {
			vs_impair_put(im, &frame, 1, i * 10000);
			while (vs_impair_next(im, i * 10000) != NULL)
				;
			vs_impair_done(im);
		}
		(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
		printf("cost.%s %.0f ns\n", with_jitter ? "jitter" : "delay",
		       ((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) / N);
		vs_impair_free(im);
	}
}

int main(int argc, char **argv)
{
	const char *test = argc > 1 ? argv[1] : "";

	if (strcmp(test, "delay") == 0 && argc == 5)
		delay(atof(argv[2]), atof(argv[3]), atof(argv[4]));
	else if (strcmp(test, "rate") == 0 && argc == 4)
		rate(atof(argv[2]), atof(argv[3]));
	else if (strcmp(test, "cost") == 0 && argc == 2)
		cost();
	else
		return 2;
	return fflush(stdout) == 0 ? 0 : 1;
}
