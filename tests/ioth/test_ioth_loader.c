/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Where plugins are found, which are refused and why, and what those get that lack functions. */

#include <fcntl.h>
#include <ioth.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "case.h"

static void use_planted(void)
{
	MUST(setenv("IOTH_PATH", "/nonexistent::" PLANTED_DIR, 1));
}

#define REFUSED(name, err, part)                                                                             \
	do {                                                                                                 \
		errno = 0;                                                                                   \
		CHECK(ioth_newstack(name, NULL) == NULL);                                                    \
		CHECK_EQ(errno, err);                                                                        \
		CHECK_CONTAINS(ioth_last_error(), part);                                                     \
	} while (0)

static int number_of(int fd)
{
	int number = 0;
	socklen_t len = sizeof(number);

	MUST(ioth_getsockopt(fd, -1, 0, &number, &len));
	return number;
}

CASE(names_that_could_be_paths_are_refused)
{
	REFUSED("../kernel", EINVAL, "../kernel");
	REFUSED("a/b", EINVAL, "slash");
	REFUSED(".kernel", EINVAL, "dot");
	REFUSED(",options", EINVAL, "empty");
}

CASE(what_cannot_be_loaded_is_told_for_each_place)
{
	char name[301];

	use_planted();
	REFUSED("absent", ENOTSUP, "/nonexistent/ioth_absent-r.so");
	CHECK_CONTAINS(ioth_last_error(), PLANTED_DIR "/ioth_absent.so: No such file");
	CHECK_CONTAINS(ioth_last_error(), "/ioth/ioth_absent");
	REFUSED("text", ENOTSUP, PLANTED_DIR "/ioth_text-r.so");
	REFUSED("none", ENOENT, "ioth_none_newstack");
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	REFUSED(name, ENOTSUP, "File name too long");
}

CASE(home_comes_after_the_path_and_before_the_system)
{
	MUST(setenv("HOME", case_tmp(), 1));
	MUST(unsetenv("IOTH_PATH"));
	MUST(mkdir(case_path(".ioth"), 0700));
	REFUSED("shared", ENOTSUP, ".ioth/ioth_shared-r.so");
	MUST(symlink(PLANTED_DIR "/ioth_shared-r.so", case_path(".ioth/ioth_shared-r.so")));
	struct ioth *stack = ioth_newstack("shared", NULL);
	CHECK(stack != NULL);
	MUST(ioth_delstack(stack));
	MUST(setenv("HOME", ".", 1)); /* the current directory is no place for code */
	MUST(chdir(case_tmp()));
	REFUSED("shared", ENOTSUP, "ioth_shared");
	CHECK(strstr(ioth_last_error(), "./.ioth") == NULL);
}

static void plant(const char *directory, const char *file, const char *as)
{
	char from[512], to[512];

	(void)snprintf(from, sizeof(from), PLANTED_DIR "/%s", file);
	(void)snprintf(to, sizeof(to), "%s/%s", case_path(directory), as);
	if (mkdir(case_path(directory), 0700) < 0)
		CHECK_EQ(errno, EEXIST);
	MUST(symlink(from, to));
}

/* A file that is no plugin shows which one was taken: the first that can be loaded. */
CASE(the_path_comes_before_home_and_a_shared_plugin_before_one_of_its_own)
{
	MUST(setenv("HOME", case_tmp(), 1));
	MUST(setenv("IOTH_PATH", case_path("path"), 1));
	plant(".ioth", "ioth_none-r.so", "ioth_shared-r.so");
	REFUSED("shared", ENOENT, "ioth_shared_newstack");
	plant("path", "ioth_shared-r.so", "ioth_shared-r.so");
	struct ioth *stack = ioth_newstack("shared", NULL);
	CHECK(stack != NULL);
	MUST(ioth_delstack(stack));
	plant("path", "ioth_none-r.so", "ioth_own-r.so");
	plant("path", "ioth_shared-r.so", "ioth_own.so");
	REFUSED("own", ENOENT, "ioth_own_newstack");
	plant("path", "ioth_text-r.so", "ioth_gpl-r.so"); /* what cannot be loaded is passed over */
	plant(".ioth", "ioth_shared-r.so", "ioth_gpl-r.so");
	REFUSED("gpl", ENOENT, "ioth_gpl_newstack");
}

CASE_FLAGS(a_plugin_of_its_own_namespace_has_variables_for_each_stack,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_NO_SANITIZER)
{
	static const struct {
		const char *name;
		int second;
	} kinds[] = { { "shared", 2 }, { "own", 1 } };

	use_planted();
	for (size_t i = 0; i < 2; i++) {
		struct ioth *a = ioth_newstack(kinds[i].name, NULL), *b = ioth_newstack(kinds[i].name, NULL);
		CHECK(a != NULL && b != NULL);
		int of_a = (int)MUST(ioth_msocket(a, AF_INET, SOCK_STREAM, 0));
		int of_b = (int)MUST(ioth_msocket(b, AF_INET, SOCK_STREAM, 0));
		CHECK_EQ(number_of(of_a), 1);
		CHECK_EQ(number_of(of_b), kinds[i].second);
		CHECK_ERRNO(ioth_getsockopt(of_a, SOL_SOCKET, 9999, NULL, NULL),
			    EFAULT); /* errno of another libc */
		CHECK_ERRNO(ioth_listen(of_a, 1), ENOSYS);
		MUST(ioth_close(of_a));
		MUST(ioth_close(of_b));
		MUST(ioth_delstack(a));
		MUST(ioth_delstack(b));
	}
}

CASE_FLAGS(the_limit_of_namespaces_is_explained_and_its_stacks_end,
	   CASE_F_ROOT | CASE_F_USER | CASE_F_NO_SANITIZER)
{
	struct ioth *stacks[20];
	int n = 0;

	use_planted();
	for (int turn = 0; turn < 3; turn++) { /* namespaces come back */
		for (n = 0; n < 20 && (stacks[n] = ioth_newstack("own", NULL)) != NULL; n++)
			continue;
		CHECK_EQ(errno, ENOTSUP);
		CHECK(n > 3 && n < 16);
		CHECK_CONTAINS(ioth_last_error(), "DL_NNS");
		CHECK_CONTAINS(ioth_last_error(), "-r.so");
		while (n > 0)
			MUST(ioth_delstack(stacks[--n]));
	}
}

CASE(a_plugin_tells_why_it_fails)
{
	use_planted();
	REFUSED("shared,fails", EDOM, "as it was asked to");
	REFUSED("shared,silent", ERANGE, "Numerical result");
}

CASE(licences_are_kept_also_by_second_names)
{
	use_planted();
	REFUSED("gpl", EPERM, "not known");
	REFUSED("gpl_n", EPERM, "GPL-2.0-only OR GPL-3.0-only");
	ioth_set_license("MIT");
	REFUSED("gpl_n", EPERM, "MIT");
	ioth_set_license("SPDX-License-Identifier: gpl-3.0-OR-later");
	struct ioth *stack = ioth_newstack("gpl", NULL), *second = ioth_newstack("gpl_n", NULL);
	CHECK(stack != NULL && second != NULL);
	MUST(ioth_delstack(stack));
	MUST(ioth_delstack(second));
	ioth_set_license(NULL);
	REFUSED("gpl", EPERM, "not known");
}

CASE(calls_that_a_plugin_lacks_are_made_of_others)
{
	int sv[2];
	char buf[8] = "", more[8] = "";
	struct iovec iov[2] = { { buf, 2 }, { more, 2 } };
	struct mmsghdr many[2] = { { .msg_hdr = { .msg_iov = &iov[0], .msg_iovlen = 1 } },
				   { .msg_hdr = { .msg_iov = &iov[1], .msg_iovlen = 1 } } };

	use_planted();
	struct ioth *stack = ioth_newstack("shared", NULL);
	CHECK(stack != NULL);
	MUST(ioth_socketpair(stack, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, sv));
	CHECK_EQ(ioth_write(sv[0], "ab", 2), 2);
	CHECK_EQ(ioth_read(sv[1], buf, sizeof(buf)), 2);
	CHECK_EQ(ioth_writev(sv[0], iov, 2), 4);
	CHECK_EQ(ioth_readv(sv[1], iov, 2), 4);
	CHECK_EQ(ioth_send(sv[0], "cd", 2, 0), 2);
	CHECK_EQ(ioth_recv(sv[1], buf, sizeof(buf), 0), 2);
	CHECK_EQ(ioth_sendto(sv[0], "ef", 2, 0, NULL, 0), 2);
	CHECK_EQ(ioth_recvfrom(sv[1], buf, sizeof(buf), 0, NULL, NULL), 2);
	CHECK_STR(buf, "ef");
	CHECK_EQ(ioth_sendmmsg(sv[0], many, 2, 0), 2);
	CHECK_EQ(ioth_recvmmsg(sv[1], many, 2, MSG_WAITFORONE, NULL), 2);
	CHECK_EQ(many[1].msg_len, 2);
	CHECK_ERRNO(ioth_readv(sv[1], iov, -1), EINVAL);
	CHECK_ERRNO(ioth_recvmmsg(sv[1], many, 1, 0, &(struct timespec){ .tv_nsec = -1 }), EINVAL);
	CHECK_ERRNO(ioth_accept4(sv[0], NULL, NULL, 0x40000000), EINVAL);
	CHECK_ERRNO(ioth_fcntl(sv[0], F_GETFD, 0), ENOSYS);
	CHECK_ERRNO(ioth_shutdown(sv[0], SHUT_RD), ENOSYS);
	MUST(ioth_close(sv[0])); /* close(2) */
	CHECK_ERRNO(ioth_delstack(stack), EBUSY);
	MUST(ioth_close(sv[1]));
	MUST(ioth_delstack(stack));
}
