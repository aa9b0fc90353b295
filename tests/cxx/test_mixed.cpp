/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Parts of one program in C++17 and C++23, with different result types, work together. The sanitizers are clang's, whose
 * library for C++ has no std::expected everywhere.
 */

#include <sys/socket.h>

#include "cxx_case.hpp"

/* mixed_part.cpp. Weak: without std::expected there is no such part. */
__attribute__((weak)) int mixed_socket(struct vdestack *stack);
__attribute__((weak)) int mixed_refused();

CASE_FLAGS(parts_in_two_standards_do_not_mix_their_functions, CASE_F_ROOT | CASE_F_USER | CASE_F_NO_SANITIZER)
{
	if (mixed_socket == nullptr)
		SKIP("the standard library has no std::expected");
	vds::stack stack = make("");
	vds::socket ours = stack.socket(AF_INET, SOCK_DGRAM), theirs(mixed_socket(stack.get()));
	CHECK(net_namespace_of(ours.get()) == net_namespace_of(theirs.get()));
	CHECK_REFUSED(try_make("bogus"), EINVAL);
	CHECK_EQ(mixed_refused(), EINVAL);
	CHECK_THROWS(make("bogus"), EINVAL);
}
