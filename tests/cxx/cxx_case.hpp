/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_TESTS_CXX_CASE_HPP
#define VDESTACK_TESTS_CXX_CASE_HPP

/* What the cases in C++ share: case.h, checks of errors, and stacks whose options are those of the cases. */

#include <cerrno>
#include <cstdlib>
#include <new>

extern "C" {
#include "case.h"
#include "net.h"
}
#include <vdestack.hpp>

/* A standard that only the C++ library of gcc has everywhere: these cases are not those of the sanitizers. */
#ifdef CASES_WITHOUT_SANITIZER
#undef CASE_FLAGS
#define CASE_FLAGS(name, flags) CASE_TIMED(name, (flags) | CASE_F_NO_SANITIZER, 0)
#endif

using namespace std::chrono_literals;

/* Upper bound for what happens soon. */
inline constexpr std::chrono::seconds limit(20);

inline vds::options quick()
{
	return vds::options().flags(case_opts_flags() | VDESTACK_NODAD).whole(limit);
}

inline vds::result<vds::stack> try_make(vds::cstring config)
{
	return vds::stack::try_create(config, quick());
}

/* A result that must be an error with this errno, and a message. */
#define CHECK_REFUSED(call, expected)                                                                        \
	do {                                                                                                 \
		const auto &refused_ = (call);                                                               \
		CHECK(!refused_.has_value());                                                                \
		CHECK_EQ(refused_.error().number(), (expected));                                             \
		CHECK(refused_.error().message()[0] != '\0');                                                \
	} while (0)

#if VDESTACK_CXX_EXCEPTIONS

inline vds::stack make(vds::cstring config)
{
	return vds::value(try_make(config));
}

/* A call that must throw vds::failure with this errno, and a message. */
#define CHECK_THROWS(call, expected)                                                                         \
	do {                                                                                                 \
		bool thrown_ = false;                                                                        \
		try {                                                                                        \
			(void)(call);                                                                        \
		} catch (const vds::failure &f_) {                                                           \
			thrown_ = true;                                                                      \
			CHECK_EQ(f_.code().value(), (expected));                                             \
			CHECK(f_.what()[0] != '\0');                                                         \
		}                                                                                            \
		CHECK(thrown_);                                                                              \
	} while (0)

#endif

#endif
