/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Without exceptions: this program is compiled with -fno-exceptions. It also counts what C++ allocates. */

#include <sys/socket.h>

#include "cxx_case.hpp"

static_assert(!VDESTACK_CXX_EXCEPTIONS);

static int allocations;

void *operator new(std::size_t size)
{
	allocations++;
	void *p = std::malloc(size);
	if (p == nullptr)
		std::abort();
	return p;
}
void operator delete(void *p) noexcept
{
	std::free(p);
}
void operator delete(void *p, std::size_t) noexcept
{
	std::free(p);
}

static void use_all()
{
	auto stack = try_make("vnl=inproc://lan ip=10.0.0.1/24");
	CHECK(stack.has_value());
	CHECK(stack->try_socket(AF_INET, SOCK_STREAM).has_value());
	CHECK(stack->try_netns().has_value());
	CHECK(stack->try_pass().has_value());
	CHECK(stack->try_add("iface=eth1 vnl=inproc://lan").has_value());
	CHECK(stack->try_configure("iface=eth1 ip=10.0.1.1/24").has_value());
	CHECK(stack->try_remove("eth1").has_value());
	CHECK(stack->try_wait_ready(limit).has_value());
	char name[64];
	CHECK(stack->try_name(name, sizeof(name))->empty());
	CHECK(vds::try_interfaces(*stack).has_value());
	CHECK(vds::thread_default::try_create(*stack).has_value());

	auto events = vds::events::try_create(*stack);
	CHECK(events.has_value());
	CHECK(!*events->try_read(0s));
	auto capture = vds::capture::try_create(*stack, "vde0", case_path("file.pcapng"));
	CHECK(capture.has_value() && capture->try_stats().has_value() && capture->try_stop().has_value());
	CHECK(vds::wiretap::try_create(*stack, "vde0").has_value());
	CHECK_EQ(*vds::try_run(*stack, vds::arguments("true").data()), 0);
	auto command = vds::command::try_create(*stack, vds::arguments("true").data());
	CHECK(command.has_value() && **command->try_wait(limit) == 0);

	auto creation = vds::creation::try_create("vnl=inproc://lan ip=10.0.0.2/24");
	CHECK(creation.has_value());
	for (bool made = false; !made;) {
		CHECK(wait_readable(creation->fd(), 20000));
		auto state = creation->try_finish();
		CHECK(state.has_value());
		made = state->has_value();
	}
	CHECK_REFUSED(try_make("bogus"), EINVAL);
	CHECK_REFUSED(vds::try_check(vdestack_link_set_mtu(stack->get(), "vde9", 1500)), ENODEV);
}

CASE(nothing_is_allocated_but_what_c_allocates)
{
	const int before = allocations;

	use_all();
	CHECK_EQ(allocations, before);
}
