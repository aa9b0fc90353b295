/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Memory that one process writes and others read: memfd_create(2), fcntl(2) F_ADD_SEALS, mmap(2). */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "case.h"

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

#define BYTES 4096

static int sealed_file(atomic_uint **writable)
{
	int fd = (int)MUST(memfd_create("shared", MFD_CLOEXEC | MFD_ALLOW_SEALING));

	MUST(ftruncate(fd, BYTES));
	*writable = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(*writable != MAP_FAILED);
	MUST(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL));
	return fd;
}

CASE(a_sealed_file_is_written_through_the_older_mapping_alone)
{
	atomic_uint *writable;
	int fd = sealed_file(&writable);
	atomic_uint *reader = mmap(NULL, BYTES, PROT_READ, MAP_SHARED, fd, 0);

	CHECK(reader != MAP_FAILED);
	CHECK(mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED && errno == EPERM);
	CHECK_ERRNO(mprotect(reader, BYTES, PROT_READ | PROT_WRITE), EACCES);
	CHECK_ERRNO(write(fd, "x", 1), EPERM);
	CHECK_ERRNO(ftruncate(fd, 0), EPERM);
	atomic_fetch_add(writable, 7);
	CHECK_EQ(atomic_load(reader), 7);
}

CASE(a_mapping_is_inherited_by_children_and_stays_after_the_end_of_its_writer)
{
	int pair[2], status;
	atomic_uint *writable;
	char byte = 0;

	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair));
	int fd = sealed_file(&writable);
	pid_t writer = (pid_t)MUST(fork());
	if (writer == 0) {
		atomic_fetch_add(writable, 1); /* before the message: its receiver sees the number */
		_exit(send(pair[1], &byte, 1, 0) == 1 ? 0 : 1);
	}
	atomic_uint *reader = mmap(NULL, BYTES, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(reader != MAP_FAILED);
	MUST(munmap(writable, BYTES));
	close(fd);
	pid_t child = (pid_t)MUST(fork());
	if (child == 0)
		_exit(recv(pair[0], &byte, 1, 0) == 1 && atomic_load(reader) == 1 ? 0 : 1);
	MUST(waitpid(child, &status, 0));
	CHECK_EQ(status, 0);
	MUST(waitpid(writer, &status, 0));
	CHECK_EQ(status, 0);
	CHECK_EQ(atomic_load(reader), 1);
}

/* Why the page has one fixed length, and why a program without it must work. */
CASE(a_limit_of_file_sizes_holds_for_memory_files)
{
	struct rlimit none = { 0, 0 };
	int fd = (int)MUST(memfd_create("shared", MFD_CLOEXEC | MFD_ALLOW_SEALING));

	CHECK(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	MUST(setrlimit(RLIMIT_FSIZE, &none));
	CHECK_ERRNO(ftruncate(fd, BYTES), EFBIG);
}
