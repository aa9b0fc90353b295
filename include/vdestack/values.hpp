/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_VALUES_HPP
#define VDESTACK_VALUES_HPP

/* What calls take and return: texts, times, descriptors, lists, options. */

#include <chrono>
#include <climits>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <unistd.h>

#include <vdestack/error.hpp>

namespace vds
{
inline namespace VDESTACK_CXX_VARIANT
{

/*
 * A text that is passed to C: a literal, or a std::string. It is not copied, so it must live until the call
 * returns. C would end the text at a NUL, so a std::string that has one is refused (EINVAL). A
 * std::string_view has no NUL behind it and does not convert: write std::string(view).
 */
class cstring
{
public:
	cstring(const char *text) noexcept : text_(text)
	{
	}
	cstring(const std::string &text) noexcept
	    : text_(text.c_str()), whole_(text.find('\0') == std::string::npos)
	{
	}
	cstring(std::string_view) = delete;

	const char *get() const noexcept
	{
		return text_;
	}
	bool has_nul() const noexcept
	{
		return !whole_;
	}

private:
	const char *text_;
	bool whole_ = true;
};

namespace detail
{
/* Whether one of these texts cannot be passed to C. */
template <class... T> bool have_nul(const T &...texts) noexcept
{
	return (texts.has_nul() || ...);
}
inline fails_with nul_refused() noexcept
{
	return refused("a text has a NUL byte in it");
}
} // namespace detail

/*
 * How long a call waits at most: any duration of <chrono>, or vds::forever. It is rounded up to milliseconds.
 * A duration that is not greater than zero does not wait; one of more than 24 days is INT_MAX milliseconds.
 */
class timeout
{
public:
	template <class Rep, class Period>
	timeout(std::chrono::duration<Rep, Period> longest) noexcept
	    : ms_(in_ms(std::chrono::duration<double, std::milli>(longest).count()))
	{
	}
	/* As an argument of C. */
	int ms() const noexcept
	{
		return ms_;
	}
	/* As a member of a struct of options, in which 0 is the default. */
	int option_ms() const noexcept
	{
		return ms_ == 0 ? 1 : ms_;
	}
	static constexpr timeout infinite() noexcept
	{
		return timeout(-1);
	}

private:
	explicit constexpr timeout(int ms) noexcept : ms_(ms)
	{
	}
	static int in_ms(double ms) noexcept
	{
		if (!(ms > 0)) /* NaN, too */
			return 0;
		return ms >= INT_MAX ? INT_MAX : static_cast<int>(std::ceil(ms));
	}
	int ms_;
};

inline constexpr timeout forever = timeout::infinite();

/* Owns a descriptor. The destructor closes it. */
class descriptor
{
public:
	descriptor() noexcept = default;
	explicit descriptor(int fd) noexcept : fd_(fd)
	{
	}
	descriptor(descriptor &&other) noexcept : fd_(other.release())
	{
	}
	descriptor &operator=(descriptor &&other) noexcept
	{
		reset(other.release()); /* of itself: closes nothing */
		return *this;
	}
	~descriptor()
	{
		reset();
	}
	/* The number, which stays with this object; -1: it owns none. */
	int get() const noexcept
	{
		return fd_;
	}
	explicit operator bool() const noexcept
	{
		return fd_ >= 0;
	}
	/* The number, which belongs to the caller now. */
	[[nodiscard]] int release() noexcept
	{
		return std::exchange(fd_, -1);
	}
	void reset(int fd = -1) noexcept
	{
		const int old = std::exchange(fd_, fd), saved = errno;
		if (old >= 0)
			(void)::close(old); /* Linux has closed it, whatever is returned */
		errno = saved;
	}

private:
	int fd_ = -1;
};

/* A socket of a stack. */
class socket : public descriptor
{
	using descriptor::descriptor;
};

namespace detail
{
/* For std::unique_ptr: frees by a C function, and keeps errno. */
template <auto Free> struct freed_by {
	template <class T> void operator()(T *p) const noexcept
	{
		const int saved = errno;
		(void)Free(p);
		errno = saved;
	}
};
} // namespace detail

/* Owns a list of C, whose elements have a pointer to the next one. A range of its elements. */
template <class T, T *T::*Next, auto Free> class list
{
public:
	class iterator
	{
	public:
		using iterator_category = std::forward_iterator_tag;
		using value_type = T;
		using difference_type = std::ptrdiff_t;
		using pointer = const T *;
		using reference = const T &;

		iterator() noexcept = default;
		explicit iterator(const T *at) noexcept : at_(at)
		{
		}
		const T &operator*() const noexcept
		{
			return *at_;
		}
		const T *operator->() const noexcept
		{
			return at_;
		}
		iterator &operator++() noexcept
		{
			at_ = at_->*Next;
			return *this;
		}
		iterator operator++(int) noexcept
		{
			const iterator before = *this;
			++*this;
			return before;
		}
		bool operator==(const iterator &other) const noexcept
		{
			return at_ == other.at_;
		}
		bool operator!=(const iterator &other) const noexcept
		{
			return at_ != other.at_;
		}

	private:
		const T *at_ = nullptr;
	};

	list() noexcept = default;
	/* Owns a list that a C function has returned. */
	explicit list(T *first) noexcept : first_(first)
	{
	}
	iterator begin() const noexcept
	{
		return iterator(first_.get());
	}
	iterator end() const noexcept
	{
		return iterator();
	}
	bool empty() const noexcept
	{
		return first_ == nullptr;
	}
	const T *get() const noexcept
	{
		return first_.get();
	}

private:
	std::unique_ptr<T, detail::freed_by<Free>> first_;
};

/* struct vdestack_opts. What is not set has its default. */
class options
{
public:
	options() noexcept
	{
		raw_.size = sizeof(raw_);
	}
	/* VDESTACK_NO_WAIT, VDESTACK_NODAD... */
	options &flags(unsigned bits) noexcept
	{
		raw_.flags = bits;
		return *this;
	}
	/* Of the whole creation or addition. */
	options &whole(timeout longest) noexcept
	{
		raw_.timeout_ms = longest.option_ms();
		return *this;
	}
	/* Of each step. */
	options &step(timeout longest) noexcept
	{
		raw_.step_timeout_ms = longest.option_ms();
		return *this;
	}
	/* VDESTACK_OFFLOAD_... that are off. */
	options &no_offload(unsigned bits) noexcept
	{
		raw_.no_offload = bits;
		return *this;
	}
	const ::vdestack_opts *get() const noexcept
	{
		return &raw_;
	}

private:
	::vdestack_opts raw_ = {};
};

} // namespace VDESTACK_CXX_VARIANT
} // namespace vds

#endif
