/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Pumps that share threads: frames pass, in order, whatever thread moves them, and none stops another one.
 * Each is between two socket pairs, whose other ends the test has.
 */

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "pump/link.h"
#include "pump/places.h"
#include "pump/pump.h"
#include "pump/rx.h"
#include "pump/shared.h"
#include "pump/tx.h"
#include "unit.h"

#define DEADLINE_MS 20000
#define PUMPS 150
#define FRAME 60
#define SUPER (sizeof(struct virtio_net_hdr) + FRAME)

struct one {
	struct vs_pump pump;
	struct vs_link link;
	int device, data, control; /* the other ends */
	atomic_bool full;          /* the link takes no frame */
	bool keeps;                /* it returns one frame at a time, and shows the others as kept */
	atomic_int died, ended;
	int hold;                  /* eventfd: the callback `ended` waits for it; 0: it does not wait */
	uint32_t sent;
};

static struct vs_shared *shared;
static struct one all[PUMPS];
static unsigned n_all;
static atomic_int starts_left; /* threads that can still be started; -1: any number */

int __real_vs_thread_start(void *(*fn)(void *), void *arg, pthread_t *id);
int __wrap_vs_thread_start(void *(*fn)(void *), void *arg, pthread_t *id);

int __wrap_vs_thread_start(void *(*fn)(void *), void *arg, pthread_t *id)
{
	if (starts_left == 0)
		return -EAGAIN;
	if (starts_left > 0)
		starts_left--;
	return __real_vs_thread_start(fn, arg, id);
}

static atomic_bool no_memory; /* for buffers */

struct vs_rx *__real_vs_rx_new(struct vs_pump *pump);
struct vs_rx *__wrap_vs_rx_new(struct vs_pump *pump);
struct vs_tx *__real_vs_tx_new(struct vs_pump *pump);
struct vs_tx *__wrap_vs_tx_new(struct vs_pump *pump);

struct vs_rx *__wrap_vs_rx_new(struct vs_pump *pump)
{
	return no_memory ? NULL : __real_vs_rx_new(pump);
}

struct vs_tx *__wrap_vs_tx_new(struct vs_pump *pump)
{
	return no_memory ? NULL : __real_vs_tx_new(pump);
}

/* ------------------------------------------------------------------ the pumps */

static struct one *of(struct vs_pump *pump)
{
	return (struct one *)(void *)pump;
}

static void link_died(struct vs_pump *pump, int err)
{
	(void)err;
	of(pump)->died++;
}

static void device_gone(struct vs_pump *pump)
{
	vs_pump_stop(pump);
}

static void ended(struct vs_pump *pump)
{
	eventfd_t ignored;

	if (of(pump)->hold > 0)
		(void)eventfd_read(of(pump)->hold, &ignored);
	of(pump)->ended++;
}

static const struct vs_pump_callbacks callbacks = {
	.died = link_died,
	.device_gone = device_gone,
	.ended = ended,
};

static int link_send(struct vs_link *link, const struct vs_frame *frames, size_t n, size_t *lost)
{
	const struct one *p = (const struct one *)(const void *)((char *)link - offsetof(struct one, link));
	size_t taken = 0;

	(void)lost;
	while (taken < n && !p->full) {
		struct msghdr m = { .msg_iov = (struct iovec *)frames[taken].iov,
				    .msg_iovlen = (size_t)frames[taken].n_iov };
		if (sendmsg(link->data_fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			break;
		taken++;
	}
	return (int)taken;
}

static int link_recv(struct vs_link *link, struct iovec *frames, size_t n)
{
	const struct one *p = (const struct one *)(const void *)((char *)link - offsetof(struct one, link));
	size_t got = 0, most = p->keeps ? 1 : n;

	for (ssize_t len; got < most; frames[got++].iov_len = (size_t)len) {
		len = recv(link->data_fd, frames[got].iov_base, frames[got].iov_len, MSG_DONTWAIT);
		if (len <= 0)
			break;
	}
	link->more = p->keeps && got > 0;
	return (int)got;
}

static void link_close(struct vs_link *link)
{
	close(link->data_fd);
	close(link->control_fd);
}

static const struct vs_link_ops link_ops = { .send = link_send, .recv = link_recv, .close = link_close };

static struct one *make_pump(void)
{
	int device[2], data[2], control[2];

	assert_true(n_all < PUMPS);
	struct one *p = &all[n_all++];
	memset(p, 0, sizeof(*p));
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, device), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, data), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, control), 0);
	assert_int_equal(vs_pump_init(&p->pump, &callbacks, "vde7"), 0);
	p->link = (struct vs_link){ .ops = &link_ops, .data_fd = data[0], .control_fd = control[0],
				    .never_waits = true, .frame_max = VS_FRAME_MAX };
	p->pump.device = (struct vs_device){ .ops = &vs_device_tap, .fd = device[0] };
	p->pump.link = &p->link;
	p->pump.keeps_capabilities = true;
	p->pump.shared = shared;
	p->device = device[1];
	p->data = data[1];
	p->control = control[1];
	return p;
}

static struct one *start_pump(void)
{
	struct one *p = make_pump();

	assert_int_equal(vs_pump_start(&p->pump), 0);
	return p;
}

static bool happens(bool (*what)(void))
{
	for (int i = 0; i < DEADLINE_MS; i++) {
		if (what())
			return true;
		(void)poll(NULL, 0, 1);
	}
	return false;
}

static bool all_ended(void)
{
	for (unsigned i = 0; i < n_all; i++)
		if (all[i].ended == 0)
			return false;
	return true;
}

static void stop_all(void)
{
	for (unsigned i = 0; i < n_all; i++)
		vs_pump_stop(&all[i].pump);
	assert_true(happens(all_ended));
}

static void drop_pumps(void)
{
	for (unsigned i = 0; i < n_all; i++) {
		assert_int_equal(all[i].ended, 1);
		vs_pump_free(&all[i].pump);
		vs_close(all[i].device);
		vs_close(all[i].data);
		vs_close(all[i].control);
		if (all[i].hold > 0)
			close(all[i].hold);
	}
	n_all = 0;
}

static int threads(void)
{
	DIR *d = opendir("/proc/self/task");
	int n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n - 2;
}

static int threads_before; /* a sanitizer has some of its own */

static bool no_thread_is_left(void)
{
	return threads() <= threads_before;
}

static void *nothing(void *arg)
{
	return arg;
}

static int set_up(void **state)
{
	pthread_t first;

	(void)state;
	/* With the first thread of a program a sanitizer starts one of its own. */
	assert_int_equal(pthread_create(&first, NULL, nothing, NULL), 0);
	assert_int_equal(pthread_join(first, NULL), 0);
	starts_left = -1;
	n_all = 0;
	threads_before = threads();
	shared = vs_shared_new(true);
	return shared == NULL;
}

static int tear_down(void **state)
{
	(void)state;
	stop_all();
	starts_left = -1;
	assert_true(happens(no_thread_is_left));
	assert_int_equal(vs_shared_threads(shared), 0);
	drop_pumps();
	vs_shared_unref(shared);
	return 0;
}

/* ------------------------------------------------------------------ frames */

static void await_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	assert_int_equal(poll(&p, 1, DEADLINE_MS), 1);
}

static const unsigned char header[] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xb5 };

/* With a number behind the header. */
static void send_frame(struct one *p)
{
	unsigned char super[SUPER] = { 0 };

	memcpy(super + sizeof(struct virtio_net_hdr), header, sizeof(header));
	memcpy(super + sizeof(struct virtio_net_hdr) + sizeof(header), &p->sent, sizeof(p->sent));
	p->sent++;
	assert_int_equal(write(p->device, super, sizeof(super)), sizeof(super));
}

static void expect_frame(const struct one *p, uint32_t number)
{
	unsigned char got[200];
	uint32_t value;

	await_readable(p->data);
	assert_int_equal(read(p->data, got, sizeof(got)), FRAME);
	memcpy(&value, got + sizeof(header), sizeof(value));
	assert_int_equal(value, number);
}

static void frame_passes_to_the_device(const struct one *p)
{
	unsigned char frame[FRAME] = { 0 }, got[200];

	memcpy(frame, header, sizeof(header));
	assert_int_equal(write(p->data, frame, sizeof(frame)), sizeof(frame));
	await_readable(p->device);
	assert_int_equal(read(p->device, got, sizeof(got)), SUPER);
	assert_memory_equal(got + sizeof(struct virtio_net_hdr), frame, sizeof(frame));
}

static void frames_pass(struct one *p)
{
	uint32_t number = p->sent;

	send_frame(p);
	expect_frame(p, number);
	frame_passes_to_the_device(p);
}

/* More than a shared thread puts up with. */
static void be_busy(struct one *p)
{
	for (int i = 0; i < 400; i++)
		frames_pass(p);
}

/* ------------------------------------------------------------------ cases */

static unsigned processors(void)
{
	cpu_set_t set;

	assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
	return (unsigned)CPU_COUNT(&set);
}

static void many_pumps_have_no_more_threads_than_processors(void **state)
{
	(void)state;
	for (int i = 0; i < PUMPS; i++)
		frames_pass(start_pump());
	unsigned n = vs_shared_threads(shared);
	assert_true(n >= 1 && n <= processors());
	assert_true(threads() <= threads_before + (int)n);
	for (unsigned i = 0; i < n_all; i++)
		frames_pass(&all[i]);
}

static void the_last_pump_ends_the_threads_and_the_next_one_starts_one(void **state)
{
	(void)state;
	for (int i = 0; i < 10; i++) {
		frames_pass(start_pump());
		stop_all();
		assert_true(happens(no_thread_is_left));
		assert_int_equal(vs_shared_threads(shared), 0);
	}
}

static bool one_thread(void)
{
	return threads() == threads_before + 1;
}

static void a_busy_pump_gets_a_thread_and_gives_it_up_when_it_is_idle(void **state)
{
	struct one *busy = start_pump(), *other = start_pump();
	bool had_one = false;

	(void)state;
	frames_pass(other);
	assert_true(one_thread());
	for (int i = 0; i < 1000 && !had_one; i++) {
		be_busy(busy);
		had_one = threads() > threads_before + 1;
	}
	assert_true(had_one);
	assert_true(happens(one_thread));
	frames_pass(busy);
	frames_pass(other);
}

static void frames_keep_their_order_from_thread_to_thread(void **state)
{
	struct one *p = start_pump();
	uint32_t expected = 0;

	(void)state;
	(void)start_pump();
	for (int i = 0; i < 3; i++) {
		for (int n = 0; n < 2000; n++) { /* a few are under way all the time */
			send_frame(p);
			if (n % 4 == 3)
				while (expected + 1 < p->sent)
					expect_frame(p, expected++);
		}
		while (expected < p->sent)
			expect_frame(p, expected++);
		assert_true(happens(one_thread)); /* it is back on the shared one */
	}
}

static void a_pump_whose_link_has_no_room_stops_no_other_one(void **state)
{
	struct one *full = start_pump(), *other = start_pump();

	(void)state;
	frames_pass(full);
	full->full = true;
	send_frame(full);
	for (int i = 0; i < 3; i++) {
		frames_pass(other);
		frame_passes_to_the_device(full); /* nor its own other direction */
	}
	full->full = false;
	expect_frame(full, 1);
	frames_pass(full);
}

static void frames_that_a_link_keeps_come_on_whatever_thread(void **state)
{
	struct one *p = make_pump(), *other = start_pump();
	unsigned char frame[FRAME] = { 0 }, got[200];

	(void)state;
	p->keeps = true;
	memcpy(frame, header, sizeof(header));
	assert_int_equal(vs_pump_start(&p->pump), 0);
	for (uint32_t round = 0; round < 200; round++) {
		for (uint32_t i = 0; i < 8; i++) {
			frame[20] = (unsigned char)i;
			assert_int_equal(write(p->data, frame, sizeof(frame)), sizeof(frame));
		}
		for (uint32_t i = 0; i < 8; i++) {
			await_readable(p->device);
			assert_int_equal(read(p->device, got, sizeof(got)), SUPER);
			assert_int_equal(got[sizeof(struct virtio_net_hdr) + 20], i);
		}
		frames_pass(other);
	}
}

static bool has_dropped(void)
{
	return all[0].pump.stats.tx_dropped > 0;
}

static void a_frame_that_finds_no_room_is_dropped_at_its_time(void **state)
{
	struct one *full = start_pump(), *other = start_pump();

	(void)state;
	full->full = true;
	send_frame(full);
	frames_pass(other);
	assert_true(happens(has_dropped));
	assert_int_equal(full->pump.stats.tx_dropped, 1);
	full->full = false;
	frames_pass(full);
}

static void an_end_that_takes_long_stops_no_other_pump(void **state)
{
	struct one *slow = make_pump(), *other = start_pump();

	(void)state;
	slow->hold = eventfd(0, EFD_CLOEXEC);
	assert_true(slow->hold > 0);
	assert_int_equal(vs_pump_start(&slow->pump), 0);
	frames_pass(slow);
	vs_pump_stop(&slow->pump);
	for (int i = 0; i < 100; i++)
		frames_pass(other);
	assert_int_equal(slow->ended, 0);
	assert_int_equal(eventfd_write(slow->hold, 1), 0);
}

static void without_more_threads_busy_pumps_have_turns_on_the_shared_one(void **state)
{
	struct one *p[4];

	(void)state;
	starts_left = 1;
	for (int i = 0; i < 4; i++)
		p[i] = start_pump();
	for (int i = 0; i < 4; i++)
		be_busy(p[i]);
	assert_true(one_thread());
	p[0]->full = true; /* what waits has a time, also among others */
	send_frame(p[0]);
	be_busy(p[1]);
	p[0]->full = false;
	assert_int_equal(vs_shared_threads(shared), 1);
	stop_all(); /* the ends are on that thread, too */
	assert_int_equal(p[0]->died, 0);
}

static void without_any_thread_the_start_is_a_death_and_an_end(void **state)
{
	struct one *p = make_pump();

	(void)state;
	starts_left = 0;
	assert_int_equal(vs_pump_start(&p->pump), -EAGAIN);
	assert_int_equal(p->died, 1);
	assert_int_equal(p->ended, 1);
}

static bool first_has_ended(void)
{
	return all[0].ended == 1;
}

static struct one *forgetful;

static bool both_frames_are_lost(void)
{
	return forgetful->pump.stats.rx_dropped == 1 && forgetful->pump.stats.tx_dropped == 1;
}

static void without_memory_frames_are_lost_and_the_link_stays(void **state)
{
	unsigned char frame[FRAME] = { 0 };

	(void)state;
	forgetful = start_pump();
	no_memory = true;
	send_frame(forgetful);
	assert_int_equal(write(forgetful->data, frame, sizeof(frame)), sizeof(frame));
	assert_true(happens(both_frames_are_lost));
	no_memory = false;
	frames_pass(forgetful);
	assert_int_equal(forgetful->died, 0);
}

static void a_link_that_hangs_up_ends_its_pump_alone(void **state)
{
	struct one *p = start_pump(), *other = start_pump();

	(void)state;
	frames_pass(p);
	vs_close(vs_steal_fd(&p->control));
	assert_true(happens(first_has_ended));
	assert_int_equal(p->died, 1);
	frames_pass(other);
	assert_int_equal(other->ended, 0);
}

static void a_dropped_device_with_a_copy_elsewhere_disturbs_nobody(void **state)
{
	struct one *p = start_pump(), *other = start_pump();
	int copy = dup(p->pump.device.fd);

	(void)state;
	assert_true(copy >= 0);
	frames_pass(p);
	vs_pump_stop(&p->pump);
	vs_pump_drop_device(&p->pump);
	send_frame(p); /* the epoll set may have the copy still */
	assert_true(happens(first_has_ended));
	struct one *next = start_pump();
	for (int i = 0; i < 50; i++) {
		frames_pass(other);
		frames_pass(next);
	}
	close(copy);
}

static void *stop_some(void *arg)
{
	for (unsigned i = 0; i < 20; i++)
		vs_pump_stop(&((struct one *)arg)[i].pump);
	return NULL;
}

static void pumps_that_start_and_stop_at_the_same_time_end_once(void **state)
{
	(void)state;
	for (int round = 0; round < 20; round++) {
		pthread_t stopper;
		for (unsigned i = 0; i < 40; i++)
			(void)make_pump();
		for (unsigned i = 0; i < 20; i++)
			assert_int_equal(vs_pump_start(&all[i].pump), 0);
		assert_int_equal(pthread_create(&stopper, NULL, stop_some, all), 0);
		for (unsigned i = 20; i < 40; i++)
			assert_int_equal(vs_pump_start(&all[i].pump), 0);
		for (unsigned i = 20; i < 40; i++)
			send_frame(&all[i]);
		assert_int_equal(pthread_join(stopper, NULL), 0);
		stop_all();
		drop_pumps();
	}
}

static void places_that_are_used_again_have_other_data(void **state)
{
	struct vs_places places;
	struct vs_mover *movers = (struct vs_mover *)(void *)all;
	unsigned which;

	(void)state;
	vs_places_init(&places);
	assert_null(vs_places_find(&places, 0, &which));
	for (int i = 0; i < 100; i++)
		assert_int_equal(vs_places_add(&places, movers), i);
	uint64_t data = vs_places_data(&places, 7, 3);
	assert_ptr_equal(vs_places_find(&places, data, &which), movers);
	assert_int_equal(which, 3);
	vs_places_remove(&places, 7);
	assert_null(vs_places_find(&places, data, &which));
	assert_int_equal(vs_places_add(&places, movers), 7);
	assert_null(vs_places_find(&places, data, &which));
	assert_ptr_equal(vs_places_find(&places, vs_places_data(&places, 7, 0), &which), movers);
	assert_null(vs_places_find(&places, UINT64_MAX, &which));
	vs_places_free(&places);
}

#define CASE_OF(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static const struct CMUnitTest tests[] = {
	CASE_OF(many_pumps_have_no_more_threads_than_processors),
	CASE_OF(the_last_pump_ends_the_threads_and_the_next_one_starts_one),
	CASE_OF(a_busy_pump_gets_a_thread_and_gives_it_up_when_it_is_idle),
	CASE_OF(frames_keep_their_order_from_thread_to_thread),
	CASE_OF(a_pump_whose_link_has_no_room_stops_no_other_one),
	CASE_OF(frames_that_a_link_keeps_come_on_whatever_thread),
	CASE_OF(a_frame_that_finds_no_room_is_dropped_at_its_time),
	CASE_OF(an_end_that_takes_long_stops_no_other_pump),
	CASE_OF(without_more_threads_busy_pumps_have_turns_on_the_shared_one),
	CASE_OF(without_any_thread_the_start_is_a_death_and_an_end),
	CASE_OF(without_memory_frames_are_lost_and_the_link_stays),
	CASE_OF(a_link_that_hangs_up_ends_its_pump_alone),
	CASE_OF(a_dropped_device_with_a_copy_elsewhere_disturbs_nobody),
	CASE_OF(pumps_that_start_and_stop_at_the_same_time_end_once),
	CASE_OF(places_that_are_used_again_have_other_data),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
