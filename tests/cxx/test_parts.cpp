/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Events, captures, wire taps and commands in C++. */

#include <csignal>
#include <string>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cxx_case.hpp"
#include <vdestack/events.h>

CASE(events_are_read_within_a_time)
{
	vds::stack stack = make("vnl=inproc://lan ip=10.0.0.1/24");
	vds::events events(stack), moved(std::move(events));

	CHECK(!moved.read(0s));
	vds::check(vdestack_link_set_carrier(stack.get(), "vde0", 0));
	const std::optional<vdestack_event> event = moved.read(limit);
	CHECK(event && event->type == VDESTACK_EVENT_CARRIER_CUT);
	CHECK_REFUSED(events.try_read(0s), EBADF); // NOLINT
	stack.reset();
	while (const std::optional<vdestack_event> last = moved.read(limit))
		if (last->type == VDESTACK_EVENT_STACK_ENDED)
			break;
	CHECK_THROWS(moved.read(limit), EPIPE);
	CHECK_EQ(events.release(), -1);
}

CASE(a_capture_is_written_when_it_is_stopped)
{
	vds::stack stack = make("vnl=inproc://lan ip=10.0.0.1/24"),
		   peer = make("vnl=inproc://lan ip=10.0.0.2/24");
	const std::string file = case_path("all.pcapng");
	vds::capture capture(stack, "vde0", file);
	vdestack_capture_opts two = {};
	struct stat found;

	two.path = case_path("two.pcapng");
	two.frames = 2;
	vds::capture short_one(stack, "vde0", two);
	net_talk(stack.get(), "10.0.0.1", peer.get());
	CHECK(wait_readable(short_one.fd(), 20000)); /* it has ended by itself */
	CHECK_EQ(short_one.stats().written, 2);
	const vdestack_capture_stats stats = capture.stop();
	CHECK(stats.written > 2 && stats.ended);
	MUST(stat(file.c_str(), &found));
	CHECK(found.st_size > 0);
	CHECK_REFUSED(capture.try_stop(), EBADF);
	CHECK_REFUSED(capture.try_stats(), EBADF);
	CHECK_REFUSED(vds::capture::try_create(stack, "vde9", file), ENODEV);
}

CASE(a_wire_tap_shows_frames)
{
	vds::stack stack = make("vnl=inproc://lan ip=10.0.0.1/24"),
		   peer = make("vnl=inproc://lan ip=10.0.0.2/24");
	vds::wiretap tap(stack, "vde0", VDESTACK_TAP_NONBLOCK), moved(std::move(tap));
	char frame[2048];

	net_talk(stack.get(), "10.0.0.1", peer.get());
	CHECK(wait_readable(moved.fd(), 20000));
	CHECK(read(moved.fd(), frame, sizeof(frame)) >= 14);
	CHECK_EQ(tap.fd(), -1); // NOLINT
	MUST(close(moved.release()));
}

CASE(a_command_has_pipes_and_a_status)
{
	vds::stack stack = make("vnl=inproc://lan ip=10.0.0.1/24");
	vds::command cat(stack, vds::arguments("cat").data(),
			 vds::command_options().in(VDESTACK_PIPE).out(VDESTACK_PIPE).err(VDESTACK_NULL));
	char text[8] = "";

	CHECK(cat.in() && cat.out() && !cat.err());
	CHECK(!cat.wait(0s));
	CHECK_EQ(write(cat.in().get(), "hello", 5), 5);
	CHECK_EQ(read(cat.out().get(), text, 5), 5);
	CHECK_STR(text, "hello");
	cat.in().reset(); /* end of file */
	CHECK(wait_readable(cat.status_fd(), 20000));
	CHECK(cat.wait(limit) == 0);

	const int status = vds::run(stack, vds::arguments("sh", "-c", "exit 3").data());
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 3);
	const std::string here = case_tmp(), words = "[ \"$PWD\" = \"" + here + "\" ] && [ $A = b ]";
	const auto environment = vds::arguments("A=b", "PATH=/usr/bin:/bin");
	CHECK_EQ(vds::run(stack, vds::arguments("sh", "-c", words.c_str()).data(),
			  vds::command_options().directory(here.c_str()).environment(environment.data())),
		 0);
	CHECK_REFUSED(vds::try_run(stack, vds::arguments("/no/such/program").data()), ENOENT);
	CHECK_REFUSED(vds::try_run(stack, vds::arguments("sleep", "60").data(),
				   vds::command_options().limit(50ms)),
		      ETIMEDOUT);
	CHECK_REFUSED(vds::command::try_create(stack, vds::arguments("true").data(),
					       vds::command_options().out(999)),
		      EBADF);
}

CASE(a_command_goes_on_without_its_object)
{
	vds::stack stack = make("");
	vds::descriptor out;
	{
		vds::command command(stack, vds::arguments("sleep", "60").data(),
				     vds::command_options().out(VDESTACK_PIPE));
		out = std::move(command.out());
		CHECK(command.pidfd() >= 0);
	}
	CHECK(!wait_readable(out.get(), 100)); /* it still has the other end */
	stack.reset();
	CHECK(wait_readable(out.get(), 20000));
}
