/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Messages with descriptors: none is lost without a report, none stays open that the caller does not get. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "send_fds.h"
#include "unit.h"
#include "wire/fdmsg.h"

static int pair[2];
static int n_dropped;

static int make_pair(void **state)
{
	(void)state;
	n_dropped = 0;
	return vs_socketpair(pair);
}

static int close_pair(void **state)
{
	(void)state;
	vs_close(pair[0]);
	vs_close(pair[1]);
	return 0;
}

static void send_many(size_t n, const char *text)
{
	int fd = eventfd(0, EFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(send_fds(pair[0], text, strlen(text), fd, n), (ssize_t)strlen(text));
	close(fd);
}

static char bytes[16];

static struct vs_fdmsg receiver(void)
{
	return (struct vs_fdmsg){ .iov = { { bytes, sizeof(bytes) } }, .n_iov = 1 };
}

/* From now on n more descriptors can be made. The numbers below the new limit are all in use but these. */
static void leave_numbers(int n, struct rlimit *was)
{
	int taken[8], first = -1;

	for (int i = 0; i < n; i++) {
		taken[i] = fcntl(pair[0], F_DUPFD_CLOEXEC, 0);
		assert_true(taken[i] >= 0);
		first = taken[i];
	}
	if (n == 0) {
		first = fcntl(pair[0], F_DUPFD_CLOEXEC, 0);
		close(first--);
	}
	for (int i = 0; i < n; i++)
		close(taken[i]);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, was), 0);
	struct rlimit limit = { .rlim_cur = (rlim_t)first + 1, .rlim_max = was->rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void descriptors_arrive_with_their_message(void **state)
{
	struct vs_fdmsg msg = receiver();
	int before = vs_unit_count_fds();

	(void)state;
	send_many(VS_FDS_MAX, "four");
	assert_int_equal(vs_fdmsg_recv(pair[1], &msg, MSG_CMSG_CLOEXEC), 4);
	assert_int_equal(msg.n_fds, VS_FDS_MAX);
	assert_false(msg.fds_lost);
	for (size_t i = 0; i < msg.n_fds; i++)
		assert_int_equal(fcntl(msg.fds[i], F_GETFD), FD_CLOEXEC);
	vs_fdmsg_drop(&msg);
	assert_int_equal(msg.n_fds, 0);
	assert_int_equal(vs_unit_count_fds(), before);
}

static void descriptors_without_a_free_number_are_reported(void **state)
{
	struct vs_fdmsg msg = receiver();
	int before = vs_unit_count_fds();
	struct rlimit was;

	(void)state;
	for (int n = 0; n < 3; n++) {
		send_many(3, "three");
		leave_numbers(n, &was);
		ssize_t len = vs_fdmsg_recv(pair[1], &msg, MSG_CMSG_CLOEXEC);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
		assert_int_equal(len, 5);
		assert_int_equal(msg.n_fds, n);
		assert_true(msg.fds_lost);
		vs_fdmsg_drop(&msg);
		assert_int_equal(vs_unit_count_fds(), before);
	}
	/* The next message says nothing of the last one. */
	send_many(1, "one");
	assert_int_equal(vs_fdmsg_recv(pair[1], &msg, MSG_CMSG_CLOEXEC), 3);
	assert_false(msg.fds_lost);
	vs_fdmsg_drop(&msg);
}

/* As many as the space takes that credentials would have. */
static void surplus_descriptors_are_closed_and_reported(void **state)
{
	struct vs_fdmsg msg = receiver();
	int before = vs_unit_count_fds();

	(void)state;
	for (size_t n = VS_FDS_MAX + 1; n < 20; n++) {
		send_many(n, "many");
		assert_int_equal(vs_fdmsg_recv(pair[1], &msg, MSG_CMSG_CLOEXEC), 4);
		assert_int_equal(msg.n_fds, VS_FDS_MAX);
		assert_true(msg.fds_lost);
		assert_int_equal(vs_unit_count_fds(), before + VS_FDS_MAX);
		vs_fdmsg_drop(&msg);
		assert_int_equal(vs_unit_count_fds(), before);
	}
}

static void drop(int fd)
{
	n_dropped++;
	close(fd);
}

static void a_receiver_with_a_closer_of_its_own_closes_all_by_it(void **state)
{
	struct vs_fdmsg msg = receiver();
	int before = vs_unit_count_fds();

	(void)state;
	msg.drop = drop;
	send_many(253, "all");
	assert_int_equal(vs_fdmsg_recv(pair[1], &msg, MSG_CMSG_CLOEXEC), 3);
	assert_int_equal(msg.n_fds, VS_FDS_MAX);
	assert_true(msg.fds_lost);
	assert_int_equal(n_dropped, 253 - VS_FDS_MAX);
	vs_fdmsg_drop(&msg);
	assert_int_equal(n_dropped, 253);
	assert_int_equal(vs_unit_count_fds(), before);
}

static void an_empty_message_with_descriptors_is_no_end_of_file(void **state)
{
	struct vs_fdmsg msg = receiver();
	int before = vs_unit_count_fds();

	(void)state;
	send_many(2, "");
	assert_int_equal(vs_fdmsg_recv(pair[1], &msg, MSG_CMSG_CLOEXEC), -EBADMSG);
	assert_int_equal(msg.n_fds, 0);
	assert_int_equal(vs_unit_count_fds(), before);
	vs_close(vs_steal_fd(&pair[0]));
	assert_int_equal(vs_fdmsg_recv(pair[1], &msg, MSG_CMSG_CLOEXEC), 0);
}

static void send_one_byte(int sig)
{
	static const char byte[] = "x";
	struct vs_fdmsg msg = { .iov = { { (void *)byte, 1 } }, .n_iov = 1 };

	(void)sig;
	assert_int_equal(vs_fdmsg_send(pair[0], &msg, MSG_DONTWAIT), 0);
}

static void a_signal_does_not_end_a_receive(void **state)
{
	struct sigaction action = { .sa_handler = send_one_byte }; /* no SA_RESTART */
	struct itimerval soon = { .it_value = { .tv_usec = 20000 } };
	struct vs_fdmsg msg = receiver();

	(void)state;
	assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &soon, NULL), 0);
	assert_int_equal(vs_fdmsg_recv(pair[1], &msg, 0), 1);
}

/* The kernel's own errno for it says nothing to a user. */
static void too_many_descriptors_in_messages_are_emfile(void **state)
{
	struct vs_fdmsg msg = receiver();
	struct rlimit was;
	int r = 0;

	(void)state;
	if (geteuid() == 0) {
		fprintf(stderr, "skipped: the limit is not for uid 0\n");
		exit(77);
	}
	msg.n_fds = VS_FDS_MAX;
	for (size_t i = 0; i < msg.n_fds; i++)
		msg.fds[i] = pair[0];
	msg.iov[0].iov_len = 1;
	leave_numbers(1, &was);
	for (int i = 0; i < 100 && r == 0; i++)
		r = vs_fdmsg_send(pair[0], &msg, MSG_DONTWAIT);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	assert_int_equal(r, -EMFILE);
}

static void a_descriptor_moves_to_the_number_wanted_or_above_the_streams(void **state)
{
	struct rlimit was;
	int before = vs_unit_count_fds();
	int fd = eventfd(0, EFD_CLOEXEC), was_fd = fd;

	(void)state;
	assert_int_equal(vs_fd_raise(&fd, 700), 0);
	assert_true(fd >= 700);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fcntl(was_fd, F_GETFD), -1);
	close(fd);
	/* No number so high: it keeps its own. */
	fd = was_fd = eventfd(0, EFD_CLOEXEC);
	leave_numbers(1, &was);
	assert_int_equal(vs_fd_raise(&fd, 700), 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	assert_int_equal(fd, was_fd);
	close(fd);
	assert_int_equal(vs_unit_count_fds(), before);
}

static void a_pair_has_no_number_of_a_standard_stream(void **state)
{
	int saved = fcntl(0, F_DUPFD_CLOEXEC, 10), made[2];

	(void)state;
	close(0);
	assert_int_equal(vs_socketpair(made), 0);
	assert_int_equal(fcntl(0, F_GETFD), -1);
	assert_true(made[0] > 2 && made[1] > 2);
	close(made[0]);
	close(made[1]);
	if (saved >= 0) {
		(void)dup2(saved, 0);
		close(saved);
	}
}

/* A caller that closes both after an error closes nothing. */
static void a_pair_that_cannot_be_made_has_no_numbers(void **state)
{
	struct rlimit before, low;
	int made[2] = { pair[0], pair[1] };

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	low = (struct rlimit){ .rlim_cur = 3, .rlim_max = before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	assert_int_equal(vs_socketpair(made), -EMFILE);
	assert_int_equal(made[0], -1);
	assert_int_equal(made[1], -1);
	made[0] = pair[0];
	assert_int_equal(vs_stream_pair(made), -EMFILE);
	assert_int_equal(made[0], -1);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

static void a_number_that_is_another_file_now_is_not_the_socket(void **state)
{
	const struct vs_sock none = VS_NO_SOCK;

	(void)state;
	struct vs_sock sock = vs_sock_of(pair[0]);
	assert_true(vs_sock_valid(&sock));
	assert_int_equal(dup3(pair[1], pair[0], O_CLOEXEC), pair[0]); /* another socket */
	assert_false(vs_sock_valid(&sock));
	vs_sock_close(&sock);
	assert_true(fcntl(pair[0], F_GETFD) >= 0);
	vs_sock_refresh(&sock);
	assert_true(vs_sock_valid(&sock));
	int other = eventfd(0, EFD_CLOEXEC);
	assert_int_equal(dup3(other, pair[0], O_CLOEXEC), pair[0]); /* no socket */
	assert_false(vs_sock_valid(&sock));
	struct vs_sock no_socket = vs_sock_of(other);
	assert_false(vs_sock_valid(&no_socket));
	assert_false(vs_sock_valid(&none));
	close(other);
}

static void a_memory_file_is_mapped_only_if_it_cannot_become_shorter(void **state)
{
	(void)state;
	int fd = memfd_create("page", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 4096), 0);
	assert_null(vs_fd_map_sealed(fd, 4096, PROT_READ)); /* its owner could truncate it */
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	assert_null(vs_fd_map_sealed(fd, 8192, PROT_READ));
	assert_null(vs_fd_map_sealed(-1, 4096, PROT_READ));
	assert_null(vs_fd_map_sealed(pair[0], 4096, PROT_READ));
	char *page = vs_fd_map_sealed(fd, 4096, PROT_READ);
	assert_non_null(page);
	assert_int_equal(page[4095], 0);
	assert_int_equal(munmap(page, 4096), 0);
	close(fd);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, make_pair, close_pair)

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		CASE(descriptors_arrive_with_their_message),
		CASE(descriptors_without_a_free_number_are_reported),
		CASE(surplus_descriptors_are_closed_and_reported),
		CASE(a_receiver_with_a_closer_of_its_own_closes_all_by_it),
		CASE(an_empty_message_with_descriptors_is_no_end_of_file),
		CASE(a_signal_does_not_end_a_receive),
		CASE(too_many_descriptors_in_messages_are_emfile),
		CASE(a_descriptor_moves_to_the_number_wanted_or_above_the_streams),
		CASE(a_pair_has_no_number_of_a_standard_stream),
		CASE(a_pair_that_cannot_be_made_has_no_numbers),
		CASE(a_number_that_is_another_file_now_is_not_the_socket),
		CASE(a_memory_file_is_mapped_only_if_it_cannot_become_shorter),
	};

	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
