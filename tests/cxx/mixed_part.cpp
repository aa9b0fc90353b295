/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The part of test_mixed.cpp in C++23. */

#include <sys/socket.h>

#include <vdestack.hpp>

int mixed_socket(struct vdestack *stack);
int mixed_refused();

int mixed_socket(struct vdestack *stack)
{
	return vds::stack_ref(stack).socket(AF_INET, SOCK_DGRAM).release();
}

int mixed_refused()
{
	const std::expected<vds::stack, vds::error> made = vds::stack::try_create("bogus");
	return made ? 0 : made.error().number();
}
