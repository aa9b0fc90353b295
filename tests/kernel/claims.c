/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A memfd cannot be sealed against writing while a process maps it for writing: memfd_create(2), fcntl(2)
 * F_ADD_SEALS. So its owner finds out whether the memory of any such process exists.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "case.h"

#define BYTES 4096

static int new_file(void)
{
	int fd = (int)MUST(memfd_create("claims", MFD_CLOEXEC | MFD_ALLOW_SEALING));

	MUST(ftruncate(fd, BYTES));
	MUST(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW));
	return fd;
}

static void *map(int fd)
{
	void *page = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	CHECK(page != MAP_FAILED);
	return page;
}

static int seal(int fd)
{
	return fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE);
}

CASE(a_mapped_file_is_not_sealed_and_can_be_read_meanwhile)
{
	int fd = new_file();
	char *page = map(fd), byte;

	page[0] = 'x';
	CHECK_ERRNO(seal(fd), EBUSY);
	CHECK_EQ(pread(fd, &byte, 1, 0), 1);
	CHECK_EQ(byte, 'x');
	CHECK_ERRNO(seal(fd), EBUSY);
	MUST(munmap(page, BYTES));
	MUST(seal(fd));
	MUST(seal(fd)); /* again changes nothing */
	CHECK(mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED && errno == EPERM);
}

/* A process that maps the file, closes all but two, and does `next` at the end of file of `go`. */
static pid_t start(int fd, int door, int go, void (*next)(void))
{
	pid_t pid = (pid_t)MUST(fork());
	char byte;

	if (pid > 0)
		return pid;
	(void)map(fd);
	MUST(dup2(door, 3));
	MUST(dup2(go, 4));
	MUST(fcntl(3, F_SETFD, FD_CLOEXEC));
	MUST(fcntl(4, F_SETFD, FD_CLOEXEC));
	MUST(syscall(SYS_close_range, 5u, ~0u, 0));
	MUST(write(3, "x", 1));
	(void)!read(4, &byte, 1);
	next();
	_exit(1);
}

static void end(void)
{
	_exit(0);
}

static void *sleep_for_ever(void *unused)
{
	(void)pause();
	return unused;
}

static void end_with_threads(void)
{
	pthread_t thread;

	for (int i = 0; i < 8; i++)
		CHECK_EQ(pthread_create(&thread, NULL, sleep_for_ever, NULL), 0);
	_exit(0);
}

static void exec(void)
{
	execl("/bin/sleep", "sleep", "0.1", NULL);
}

/* The file can be sealed at the end of file on a descriptor of the process, and not before. */
static void check_order(void (*next)(void))
{
	for (int i = 0; i < 20; i++) {
		int fd = new_file(), door[2], go[2];
		char byte;

		MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, door));
		MUST(pipe2(go, O_CLOEXEC));
		pid_t pid = start(fd, door[1], go[0], next);
		close(door[1]);
		close(go[0]);
		CHECK_EQ(read(door[0], &byte, 1), 1);
		CHECK_ERRNO(seal(fd), EBUSY); /* without a descriptor of it, in the other process */
		close(go[1]);
		CHECK_EQ(read(door[0], &byte, 1), 0);
		MUST(seal(fd));
		MUST(waitpid(pid, NULL, 0));
		close(door[0]);
		close(fd);
	}
}

CASE(the_memory_of_a_process_ends_before_its_descriptors)
{
	check_order(end);
}

CASE(the_memory_of_a_process_with_threads_ends_before_its_descriptors)
{
	check_order(end_with_threads);
}

CASE(exec_takes_the_memory_away_before_it_closes_descriptors)
{
	check_order(exec);
}

CASE(a_forked_child_has_the_mapping_after_its_parent_has_ended)
{
	int fd = new_file(), go[2];

	MUST(pipe2(go, O_CLOEXEC));
	pid_t parent = (pid_t)MUST(fork());
	if (parent == 0) {
		char byte;
		close(go[1]);
		(void)map(fd);
		if (fork() == 0)
			(void)!read(go[0], &byte, 1);
		_exit(0);
	}
	close(go[0]);
	MUST(waitpid(parent, NULL, 0));
	CHECK_ERRNO(seal(fd), EBUSY);
	close(go[1]);
	int attempts = 0;
	while (seal(fd) < 0 && attempts++ < 10000)
		sleep_ms(1);
	CHECK(attempts < 10000);
}
