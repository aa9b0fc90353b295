/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Times, descriptors, errors and results, without a stack. */

#include <fcntl.h>
#include <limits>
#include <netdb.h>
#include <unistd.h>

#include "cxx_case.hpp"

static int ms(vds::timeout t)
{
	return t.ms();
}

CASE(times_are_rounded_up_and_never_wait_for_ever_by_mistake)
{
	const double nan = std::numeric_limits<double>::quiet_NaN();

	CHECK_EQ(ms(2s), 2000);
	CHECK_EQ(ms(1ns), 1);
	CHECK_EQ(ms(1000001ns), 2);
	CHECK_EQ(ms(20000000ns), 20);
	CHECK_EQ(ms(0s), 0);
	CHECK_EQ(ms(-1ms), 0);
	CHECK_EQ(ms(std::chrono::hours::min()), 0);
	CHECK_EQ(ms(std::chrono::hours::max()), INT_MAX);
	CHECK_EQ(ms(std::chrono::nanoseconds::max()), INT_MAX);
	CHECK_EQ(ms(std::chrono::duration<double>(nan)), 0);
	CHECK_EQ(ms(std::chrono::duration<double>(0.0005)), 1);
	CHECK_EQ(ms(std::chrono::duration<double>(std::numeric_limits<double>::infinity())), INT_MAX);
	CHECK_EQ(ms(vds::forever), -1);
	/* In options 0 would be the default. */
	CHECK_EQ(vds::options().whole(0s).get()->timeout_ms, 1);
	CHECK_EQ(vds::options().step(vds::forever).get()->step_timeout_ms, -1);
	CHECK_EQ(vds::options().get()->timeout_ms, 0);
	CHECK_EQ(vds::options().get()->size, sizeof(vdestack_opts));
}

CASE(a_descriptor_is_closed_once)
{
	int ends[2];

	MUST(pipe2(ends, O_CLOEXEC));
	{
		vds::descriptor a(ends[0]), b(std::move(a)), c;
		c = std::move(b);
		CHECK(!a && !b && c); // NOLINT
		c.reset(ends[1]);
		CHECK(fcntl(ends[0], F_GETFD) < 0 && errno == EBADF);
	}
	CHECK(fcntl(ends[1], F_GETFD) < 0 && errno == EBADF);
}

CASE(long_messages_are_cut_and_copied)
{
	std::string text(2000, 'x');
	const vds::error e(EINVAL, text.c_str());

	text.assign("y");
	CHECK_EQ(std::strlen(e.message()), 511);
	CHECK(e.code() == std::errc::invalid_argument);
	CHECK_EQ(std::strlen(vds::failure(e).what()), 511);
}

CASE(errors_of_lookups_have_a_category_of_their_own)
{
	const vds::error e = vds::error::of_lookup(EAI_AGAIN, "10.0.0.53: timed out");

	CHECK(&e.code().category() == &vds::lookup_category());
	CHECK_EQ(e.code().value(), EAI_AGAIN);
	CHECK_EQ(e.number(), 0);
	CHECK_STR(e.code().message().c_str(), gai_strerror(EAI_AGAIN));
	errno = ENOMEM;
	CHECK_EQ(vds::error::of_lookup(EAI_SYSTEM, "x").number(), ENOMEM);
}

CASE(a_result_is_a_value_or_an_error)
{
	vds::result<vds::descriptor> good = vds::descriptor(open("/dev/null", O_RDONLY | O_CLOEXEC));
	const vds::result<int> bad = vds::fails_with(vds::error(EPERM, "no"));
	const vds::result<void> nothing;

	CHECK(good && good->get() >= 0 && nothing && !bad);
	const vds::descriptor taken = *std::move(good);
	CHECK(taken);
	CHECK_STR(bad.error().message(), "no");
	CHECK_THROWS(vds::value(bad), EPERM);
	vds::value(nothing);
}
