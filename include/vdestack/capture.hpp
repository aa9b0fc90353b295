/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_CAPTURE_HPP
#define VDESTACK_CAPTURE_HPP

/* Captures and wire taps of interfaces. */

#include <vdestack/capture.h>
#include <vdestack/stack.hpp>

namespace vds
{
inline namespace VDESTACK_CXX_VARIANT
{

/*
 * A capture that runs. The destructor ends it without waiting for the last frames to be written; stop()
 * waits. A capture with VDESTACK_CAPTURE_KEPT goes on.
 */
class capture
{
public:
	/* opts.size is set here. */
	static result<capture> try_create(stack_ref stack, cstring ifname,
					  ::vdestack_capture_opts opts) noexcept
	{
		if (ifname.has_nul())
			return detail::nul_refused();
		opts.size = sizeof(opts);
		const int fd = ::vdestack_capture_start(stack.get(), ifname.get(), &opts);
		if (fd < 0)
			return fails_with(error::last());
		return capture(descriptor(fd));
	}
	static result<capture> try_create(stack_ref stack, cstring ifname, cstring path) noexcept
	{
		::vdestack_capture_opts opts = {};

		if (path.has_nul())
			return detail::nul_refused();
		opts.path = path.get();
		return try_create(stack, ifname, opts);
	}
	/* Counters so far. */
	result<::vdestack_capture_stats> try_stats() const noexcept
	{
		::vdestack_capture_stats stats = {};

		stats.size = sizeof(stats);
		if (::vdestack_capture_get_stats(fd_.get(), &stats) < 0)
			return fails_with(error::last());
		return stats;
	}
	/* Ends it, and waits until all is written. This object is empty then, also after an error. */
	result<::vdestack_capture_stats> try_stop() noexcept
	{
		::vdestack_capture_stats stats = {};

		stats.size = sizeof(stats);
		if (::vdestack_capture_stop(fd_.release(), &stats) < 0)
			return fails_with(error::last());
		return stats;
	}

#if VDESTACK_CXX_EXCEPTIONS
	capture(stack_ref stack, cstring ifname, const ::vdestack_capture_opts &opts)
	    : capture(value(try_create(stack, ifname, opts)))
	{
	}
	capture(stack_ref stack, cstring ifname, cstring path)
	    : capture(value(try_create(stack, ifname, path)))
	{
	}
	::vdestack_capture_stats stats() const
	{
		return value(try_stats());
	}
	::vdestack_capture_stats stop()
	{
		return value(try_stop());
	}
#endif

	/* Readable when the capture has ended by itself. */
	int fd() const noexcept
	{
		return fd_.get();
	}

private:
	explicit capture(descriptor &&fd) noexcept : fd_(std::move(fd))
	{
	}
	descriptor fd_;
};

/* A wire tap: each read(2) of its descriptor returns a frame, each write(2) sends one. */
class wiretap
{
public:
	/* VDESTACK_TAP_... */
	static result<wiretap> try_create(stack_ref stack, cstring ifname, std::uint32_t flags = 0) noexcept
	{
		::vdestack_tap_opts opts = {};

		if (ifname.has_nul())
			return detail::nul_refused();
		opts.size = sizeof(opts);
		opts.flags = flags;
		const int fd = ::vdestack_tap_open(stack.get(), ifname.get(), &opts);
		if (fd < 0)
			return fails_with(error::last());
		return wiretap(descriptor(fd));
	}

#if VDESTACK_CXX_EXCEPTIONS
	wiretap(stack_ref stack, cstring ifname, std::uint32_t flags = 0)
	    : wiretap(value(try_create(stack, ifname, flags)))
	{
	}
#endif

	int fd() const noexcept
	{
		return fd_.get();
	}
	[[nodiscard]] int release() noexcept
	{
		return fd_.release();
	}

private:
	explicit wiretap(descriptor &&fd) noexcept : fd_(std::move(fd))
	{
	}
	descriptor fd_;
};

} // namespace VDESTACK_CXX_VARIANT
} // namespace vds

#endif
