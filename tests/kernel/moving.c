/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What moving a socket relies on (src/preload/move.c, watches.c): epoll(7), proc(5), socket(7). */

#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "case.h"

#ifndef SO_BUF_LOCK
#define SO_BUF_LOCK 72
#endif

#define NUMBER 100

static int udp(void)
{
	return (int)MUST(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
}

static int control(int epoll, int operation, int number, uint32_t events, uint64_t data)
{
	struct epoll_event event = { .events = events, .data.u64 = data };

	return epoll_ctl(epoll, operation, number, &event) < 0 ? -errno : 0;
}

/* The data of the one event that is there. */
static uint64_t event_of(int epoll)
{
	struct epoll_event event = { 0 };

	CHECK_EQ(MUST(epoll_wait(epoll, &event, 1, 10000)), 1);
	return event.data.u64;
}

CASE(epoll_knows_a_registration_by_file_and_number)
{
	int epoll = (int)MUST(epoll_create1(EPOLL_CLOEXEC)), s = udp(), other = (int)MUST(dup(s));

	CHECK_EQ(control(epoll, EPOLL_CTL_ADD, s, EPOLLOUT, 1), 0);
	CHECK_EQ(control(epoll, EPOLL_CTL_DEL, other, 0, 0), -ENOENT);
	CHECK_EQ(control(epoll, EPOLL_CTL_ADD, other, EPOLLOUT, 2), 0);
	MUST(dup2(udp(), s));
	CHECK_EQ(control(epoll, EPOLL_CTL_DEL, s, 0, 0), -ENOENT); /* another file now */
}

CASE(a_registration_stays_while_another_descriptor_refers_to_the_file)
{
	int epoll = (int)MUST(epoll_create1(EPOLL_CLOEXEC)), s = udp(), other = (int)MUST(dup(s));
	struct epoll_event event;

	CHECK_EQ(control(epoll, EPOLL_CTL_ADD, s, EPOLLOUT, 7), 0);
	MUST(dup2(udp(), s));
	CHECK_EQ(event_of(epoll), 7);
	MUST(close(other));
	CHECK_EQ(MUST(epoll_wait(epoll, &event, 1, 0)), 0);
}

struct foreign {
	int epoll, old, fresh, result;
};

static void *run_foreign(void *arg)
{
	struct foreign *f = arg;

	f->result = unshare(CLONE_FILES) < 0 ? -errno : 0;
	if (f->result == 0)
		f->result =
			dup2(f->old, NUMBER) < 0 ? -errno : control(f->epoll, EPOLL_CTL_DEL, NUMBER, 0, 0);
	if (f->result == 0)
		f->result = dup2(f->fresh, NUMBER) < 0
				    ? -errno
				    : control(f->epoll, EPOLL_CTL_ADD, NUMBER, EPOLLOUT, 9);
	return NULL;
}

CASE(a_thread_with_a_table_of_its_own_registers_a_number_of_another_table)
{
	struct foreign f = { .epoll = (int)MUST(epoll_create1(EPOLL_CLOEXEC)), .old = udp(), .fresh = udp() };
	pthread_t thread;

	MUST(dup2(f.old, NUMBER));
	CHECK_EQ(control(f.epoll, EPOLL_CTL_ADD, NUMBER, EPOLLOUT, 5), 0);
	CHECK_EQ(pthread_create(&thread, NULL, run_foreign, &f), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(f.result, 0);
	struct stat old, here;
	MUST(fstat(f.old, &old));
	MUST(fstat(NUMBER, &here));
	CHECK_EQ(old.st_ino, here.st_ino); /* our table is as it was */
	MUST(dup2(f.fresh, NUMBER));
	CHECK_EQ(event_of(f.epoll), 9);
	CHECK_EQ(control(f.epoll, EPOLL_CTL_DEL, NUMBER, 0, 0), 0);
}

CASE(fdinfo_of_epoll_has_number_events_data_and_inode)
{
	int epoll = (int)MUST(epoll_create1(EPOLL_CLOEXEC)), s = udp();
	uint32_t events = EPOLLIN | EPOLLET | EPOLLEXCLUSIVE;
	char path[64], text[4096] = "", expected[128];
	struct stat st;

	MUST(fstat(s, &st));
	CHECK_EQ(control(epoll, EPOLL_CTL_ADD, s, events, 0xfeedfacecafef00dull), 0);
	(void)snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", epoll);
	int fd = (int)MUST(open(path, O_RDONLY | O_CLOEXEC));
	MUST(read(fd, text, sizeof(text) - 1));
	(void)snprintf(expected, sizeof(expected), "tfd: %8d events: %8x data: %16llx ", s,
		       events | EPOLLERR | EPOLLHUP, 0xfeedfacecafef00dull);
	CHECK_CONTAINS(text, expected);
	(void)snprintf(expected, sizeof(expected), " ino:%lx ", (unsigned long)st.st_ino);
	CHECK_CONTAINS(text, expected);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", epoll);
	ssize_t n = MUST(readlink(path, text, sizeof(text) - 1));
	text[n] = '\0';
	CHECK_STR(text, "anon_inode:[eventpoll]");
}

static int get_int(int fd, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	MUST(getsockopt(fd, SOL_SOCKET, name, &value, &len));
	return value;
}

CASE(so_buf_lock_tells_which_buffers_a_program_has_set)
{
	int s = udp(), size = 10000;

	CHECK_EQ(get_int(s, SO_BUF_LOCK), 0);
	MUST(setsockopt(s, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)));
	CHECK_EQ(get_int(s, SO_BUF_LOCK), 1);
	CHECK_EQ(get_int(s, SO_SNDBUF), 2 * size);
	MUST(setsockopt(s, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)));
	CHECK_EQ(get_int(s, SO_BUF_LOCK), 3);
}

CASE(so_get_filter_returns_the_instructions_of_a_classic_filter)
{
	struct sock_filter code[] = { BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0), BPF_STMT(BPF_RET | BPF_A, 0) };
	struct sock_fprog program = { .len = 2, .filter = code };
	struct sock_filter got[4] = { 0 };
	int s = udp();
	socklen_t n = 0;

	MUST(getsockopt(s, SOL_SOCKET, SO_GET_FILTER, NULL, &n));
	CHECK_EQ(n, 0);
	MUST(setsockopt(s, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)));
	MUST(getsockopt(s, SOL_SOCKET, SO_GET_FILTER, NULL, &n));
	CHECK_EQ(n, 2);
	n = 4;
	MUST(getsockopt(s, SOL_SOCKET, SO_GET_FILTER, got, &n));
	CHECK_EQ(n, 2);
	CHECK(memcmp(code, got, sizeof(code)) == 0);
}
