/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_EVENTS_HPP
#define VDESTACK_EVENTS_HPP

/* Events of a stack. */

#include <vdestack/events.h>
#include <vdestack/stack.hpp>

namespace vds
{
inline namespace VDESTACK_CXX_VARIANT
{

/* A queue of the events that happen from its creation on. */
class events
{
public:
	static result<events> try_create(stack_ref stack) noexcept
	{
		const int fd = ::vdestack_events(stack.get());
		if (fd < 0)
			return fails_with(error::last());
		return events(descriptor(fd));
	}
	/* The next event, or nothing within this time. EPIPE: the last one of the stack has been read. */
	result<std::optional<::vdestack_event>> try_read(timeout longest) const noexcept
	{
		::vdestack_event event;
		const int n = ::vdestack_event_read(fd_.get(), &event, longest.ms());
		if (n < 0)
			return fails_with(error::last());
		return n == 0 ? std::nullopt : std::optional<::vdestack_event>(event);
	}

#if VDESTACK_CXX_EXCEPTIONS
	explicit events(stack_ref stack) : events(value(try_create(stack)))
	{
	}
	std::optional<::vdestack_event> read(timeout longest) const
	{
		return value(try_read(longest));
	}
#endif

	/* For an event loop: readable when read() has something to return. */
	int fd() const noexcept
	{
		return fd_.get();
	}
	/* The descriptor, which belongs to the caller now. */
	[[nodiscard]] int release() noexcept
	{
		return fd_.release();
	}

private:
	explicit events(descriptor &&fd) noexcept : fd_(std::move(fd))
	{
	}
	descriptor fd_;
};

} // namespace VDESTACK_CXX_VARIANT
} // namespace vds

#endif
