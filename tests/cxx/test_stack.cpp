/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Stacks in C++: making, moving, and ending them, with exceptions in the middle, and from several threads. */

#include <fcntl.h>
#include <poll.h>
#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <type_traits>
#include <unistd.h>
#include <vector>

#include "cxx_case.hpp"

static int stacks()
{
	return vdestack_list(nullptr, 0);
}

static void check_works(const vds::stack &stack)
{
	const vds::socket socket = stack.socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC);

	CHECK(socket);
	CHECK(net_namespace_of(socket.get()) != 0);
}

/* ------------------------------------------------------------------ owning */

static_assert(!std::is_copy_constructible_v<vds::stack> && !std::is_copy_assignable_v<vds::stack>);
static_assert(!std::is_copy_constructible_v<vds::socket> && !std::is_copy_assignable_v<vds::socket>);
static_assert(std::is_nothrow_move_constructible_v<vds::stack>);
static_assert(std::is_nothrow_move_constructible_v<vds::socket>);
static_assert(std::is_nothrow_move_constructible_v<vds::creation>);
static_assert(std::is_nothrow_move_constructible_v<vds::command>);
static_assert(sizeof(vds::stack) == sizeof(void *) && sizeof(vds::socket) == sizeof(int));
/* A text that is not terminated is no configuration. */
static_assert(!std::is_constructible_v<vds::stack, std::string_view>);
static_assert(std::is_convertible_v<vds::stack &, vds::stack_ref>);
static_assert(!std::is_convertible_v<vds::stack, vds::stack_ref>); /* it would dangle */

CASE(a_stack_is_deleted_with_its_object)
{
	{
		vds::stack stack = make("vnl=inproc://lan ip=10.0.0.1/24");
		CHECK_EQ(stacks(), 1);
		check_works(stack);
	}
	CHECK_EQ(stacks(), 0);
	vds::stack configured(std::string("name=one"), quick());
	char name[64];
	CHECK(configured.name(name, sizeof(name)) == "one");
	configured.reset();
	CHECK_EQ(stacks(), 0);
}

CASE(a_move_leaves_nothing_in_the_old_object)
{
	vds::stack first = make(""), second;

	second = std::move(first);
	CHECK(second);
	CHECK(!first); // NOLINT: that is what is tested
	check_works(second);
	CHECK_REFUSED(first.try_socket(AF_INET, SOCK_STREAM), EINVAL);
	CHECK_REFUSED(first.try_netns(), EINVAL);
	CHECK_REFUSED(first.try_add("vnl=inproc://lan"), EINVAL);
	CHECK_REFUSED(first.try_remove("vde0"), EINVAL);
	CHECK_REFUSED(first.try_configure("ip=10.0.0.1/24"), EINVAL);
	CHECK_REFUSED(first.try_wait_ready(1s), EINVAL);
	CHECK_REFUSED(first.try_pass(), EINVAL);
	CHECK_REFUSED(vds::events::try_create(first), EINVAL);
	CHECK_REFUSED(vds::try_interfaces(first), EINVAL);
	CHECK_REFUSED(vds::capture::try_create(first, "lo", case_path("x")), EINVAL);
	CHECK_REFUSED(vds::wiretap::try_create(first, "lo"), EINVAL);
	CHECK_REFUSED(vds::command::try_create(first, vds::arguments("true").data()), EINVAL);
	CHECK_REFUSED(vds::try_run(first, vds::arguments("true").data()), EINVAL);
	CHECK_THROWS(first.socket(AF_INET, SOCK_STREAM), EINVAL);
	first = make("");
	check_works(first);
	CHECK_EQ(stacks(), 2);
	first = std::move(second); /* the one that it had is deleted */
	CHECK_EQ(stacks(), 1);
	check_works(first);
}

/* By a reference, so that compilers do not warn of it. */
template <class T> static void move_to_itself(T &object)
{
	T &same = object;
	object = std::move(same);
}

CASE(a_move_to_itself_changes_nothing)
{
	vds::stack stack = make("");
	vds::socket socket = stack.socket(AF_INET, SOCK_DGRAM);
	const int fd = socket.get();

	move_to_itself(stack);
	check_works(stack);
	move_to_itself(socket);
	CHECK_EQ(socket.get(), fd);
	MUST(fcntl(fd, F_GETFD));
}

CASE(a_released_handle_belongs_to_the_caller)
{
	vds::stack stack = make("");
	vds::socket socket = stack.socket(AF_INET, SOCK_DGRAM);
	const int fd = socket.release();
	struct vdestack *handle = stack.release();

	CHECK(!socket && !stack);
	MUST(close(fd));
	vds::stack again(handle);
	check_works(again);
	vds::stack_ref ref = again;
	MUST(ref.socket(AF_INET, SOCK_DGRAM).get());
	again.reset();
	CHECK_REFUSED(ref.try_socket(AF_INET, SOCK_DGRAM), EINVAL);
}

CASE(destructors_keep_errno)
{
	errno = ENOTTY;
	{
		vds::descriptor(1000); /* close(2) fails */
	}
	CHECK_EQ(errno, ENOTTY);
	vds::stack stack = make("");
	errno = ENOTTY;
	stack.reset();
	CHECK_EQ(errno, ENOTTY);
}

/* ------------------------------------------------------------------ errors */

CASE(an_error_has_the_message_of_the_library)
{
	bool caught = false;

	try {
		vds::stack wrong("ip=10.0.0.1/99");
	} catch (const std::system_error &e) {
		caught = true;
		CHECK(e.code() == std::errc::invalid_argument);
		CHECK_STR(e.what(), vdestack_last_error());
		CHECK_CONTAINS(e.what(), "/99");
	}
	CHECK(caught);
	const auto r = vds::stack::try_create("ip=10.0.0.1/99");
	CHECK_REFUSED(r, EINVAL);
	CHECK_REFUSED(try_make("bogus"), EINVAL);
	CHECK_CONTAINS(r.error().message(), "/99"); /* a copy: another call has failed since */
	CHECK_THROWS(vds::check(vdestack_link_set_mtu(make("").get(), "vde9", 1500)), ENODEV);
}

CASE(a_text_with_a_nul_is_refused)
{
	const std::string text("vnl=inproc://lan\0 ip=10.0.0.1/24", 32);
	vds::stack stack = make("");

	CHECK_REFUSED(vds::stack::try_create(text), EINVAL);
	CHECK_REFUSED(vds::creation::try_create(text), EINVAL);
	CHECK_REFUSED(stack.try_add(text), EINVAL);
	CHECK_REFUSED(stack.try_configure(text), EINVAL);
	CHECK_REFUSED(stack.try_remove(text), EINVAL);
	CHECK_REFUSED(vds::wiretap::try_create(stack, text), EINVAL);
	CHECK_REFUSED(vds::stack::try_adopt(text, ""), EINVAL);
	CHECK_THROWS(vds::stack(text), EINVAL);
	CHECK_EQ(stacks(), 1);
}

static void deep(int depth)
{
	vds::stack stack = make("vnl=inproc://lan ip=10.0.0.1/24");
	vds::socket socket = stack.socket(AF_INET, SOCK_STREAM);
	vds::events events(stack);
	vds::creation creation("vnl=inproc://lan ip=10.0.0.2/24");
	vds::wiretap tap(stack, "vde0");
	vds::command command(stack, vds::arguments("sleep", "60").data(),
			     vds::command_options().out(VDESTACK_PIPE));
	vds::thread_default inside(stack);

	CHECK(command.out());
	if (depth > 0)
		deep(depth - 1);
	else
		throw std::runtime_error("in the middle");
}

CASE_FLAGS(exceptions_in_the_middle_leave_nothing_behind, CASE_F_ROOT | CASE_F_USER | CASE_F_TSAN)
{
	vds::stack keeper = make(""); /* so that the same keeper serves all */
	int fds = 0, caught = 0;

	for (int i = 0; i < 6; i++) {
		if (i == 2)
			fds = count_fds();
		try {
			deep(2);
		} catch (const std::runtime_error &) {
			caught++;
		}
	}
	CHECK_EQ(caught, 6);
	CHECK_EQ(stacks(), 1);
	CHECK_EQ(count_fds(), fds);
	CHECK(vdestack_get_thread_default() == nullptr);
	check_works(keeper);
}

/* ------------------------------------------------------------------ without waiting */

CASE(a_creation_goes_on_in_an_event_loop)
{
	vds::creation creation("vnl=inproc://lan ip=10.0.0.1/24 ip=fc00::1/64");
	std::optional<vds::stack> made;

	while (!made) {
		CHECK(wait_readable(creation.fd(), 20000));
		made = creation.finish();
	}
	check_works(*made);
	CHECK(!creation);
	CHECK_EQ(creation.fd(), -1);
	CHECK_REFUSED(creation.try_finish(), EINVAL);
	vds::creation other("vnl=inproc://lan"), moved(std::move(other));
	CHECK_REFUSED(other.try_finish(), EINVAL); // NOLINT
	CHECK(moved.fd() >= 0);
}

CASE(a_creation_that_fails_is_empty_afterwards)
{
	vds::creation creation("vnl=vde:///no/such/network");
	bool ended = false;

	while (!ended) {
		CHECK(wait_readable(creation.fd(), 20000));
		const auto state = creation.try_finish();
		ended = !state.has_value();
		CHECK(ended || !*state);
	}
	CHECK(!creation);
	CHECK_EQ(stacks(), 0);
}

/* ------------------------------------------------------------------ the other calls */

CASE(interfaces_are_added_listed_and_removed)
{
	vds::stack stack = make("");
	bool found = false;

	stack.add("iface=eth0 vnl=inproc://lan", quick());
	stack.configure("iface=eth0 ip=10.0.0.1/24", quick());
	stack.wait_ready(limit);
	const vds::interface_list list = vds::interfaces(stack);
	CHECK(!list.empty());
	for (const ifaddrs &entry : list)
		found = found || std::string_view(entry.ifa_name) == "eth0";
	CHECK(found);
	vds::check(vdestack_link_set_mtu(stack.get(), "eth0", 9000));
	CHECK_EQ(vds::check(vdestack_link_get_mtu(stack.get(), "eth0")), 9000);
	stack.remove("eth0");
	CHECK_THROWS(stack.remove("eth0"), ENODEV);
	vds::interface_list empty;
	CHECK(empty.begin() == empty.end());
}

CASE(a_default_of_the_thread_ends_with_its_object)
{
	vds::stack outer = make(""), inner = make("");
	{
		vds::thread_default first(outer);
		CHECK(vdestack_get_thread_default() == outer.get());
		{
			vds::thread_default second(inner), moved(std::move(second));
			CHECK(vdestack_get_thread_default() == inner.get());
		}
		CHECK(vdestack_get_thread_default() == outer.get());
	}
	CHECK(vdestack_get_thread_default() == nullptr);
	inner.reset();
	CHECK_REFUSED(vds::thread_default::try_create(vds::stack_ref(reinterpret_cast<struct vdestack *>(8))),
		      EINVAL);
}

CASE(a_stack_is_passed_received_and_adopted)
{
	vds::stack stack = make("vnl=inproc://lan ip=10.0.0.1/24");
	vds::stack received = vds::stack::receive(stack.pass().get());
	const vds::descriptor netns = stack.netns();
	const unsigned long long id = net_namespace_of(stack.socket(AF_INET, SOCK_STREAM).get());

	CHECK(net_namespace_of(received.socket(AF_INET, SOCK_STREAM).get()) == id);
	CHECK_REFUSED(vds::stack::try_receive(netns.get()), EINVAL);
	CHECK_REFUSED(vds::stack::try_adopt(-1, ""), EBADF);
	CHECK_REFUSED(vds::stack::try_adopt("/dev/null", ""), EINVAL);
	CHECK_REFUSED(vds::stack::try_attach(1), ESRCH);
	const auto adopted = vds::stack::try_adopt(netns.get(), "");
	if (case_is_root()) {
		CHECK(adopted.has_value());
		CHECK(net_namespace_of(adopted->socket(AF_INET, SOCK_STREAM).get()) == id);
	}
}

CASE_FLAGS(one_stack_serves_several_threads, CASE_F_ROOT | CASE_F_USER | CASE_F_TSAN)
{
	const vds::stack shared = make("vnl=inproc://lan ip=10.0.0.1/24");
	std::vector<std::thread> threads;

	for (int i = 0; i < 6; i++)
		threads.emplace_back([&shared, i] {
			vds::stack own = make("vnl=inproc://lan ip=10.0.0." + std::to_string(i + 2) + "/24");
			for (int n = 0; n < 20; n++) {
				check_works(shared);
				check_works(own);
				CHECK_THROWS(own.remove("nobody" + std::to_string(i)), ENODEV);
				CHECK_CONTAINS(vdestack_last_error(), std::to_string(i).c_str());
			}
		});
	for (std::thread &thread : threads)
		thread.join();
	CHECK_EQ(stacks(), 1);
}
