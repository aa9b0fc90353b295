/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_ERROR_HPP
#define VDESTACK_ERROR_HPP

/*
 * How C++ programs see errors: a value (error), an exception that has it (failure), and a type that is either
 * a result or an error (result).
 *
 * result<T> is std::expected<T, error> where the standard library has that, else a small type with the same
 * names: has_value(), operator bool, *, ->, error(). Two parts of one program may be compiled as C++17 and as
 * C++23, so the inline namespace differs, and the linker does not mix their functions.
 */

#include <cerrno>
#include <cstring>
#include <netdb.h>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#if __has_include(<version>)
#include <version>
#endif
#if defined(__cpp_lib_expected) && __cpp_lib_expected >= 202202L
#include <expected>
#define VDESTACK_CXX_VARIANT v1_expected
#else
#include <optional>
#include <variant>
#define VDESTACK_CXX_VARIANT v1
#endif

#include <vdestack.h>

/* Whether the functions that throw exist: not with -fno-exceptions. */
#if defined(__cpp_exceptions)
#define VDESTACK_CXX_EXCEPTIONS 1
#else
#define VDESTACK_CXX_EXCEPTIONS 0
#endif

namespace vds
{
inline namespace VDESTACK_CXX_VARIANT
{

/* The category of errors EAI_... of lookups. */
class lookup_category_type : public std::error_category
{
public:
	const char *name() const noexcept override
	{
		return "vdestack lookup";
	}
	std::string message(int number) const override
	{
		return ::gai_strerror(number);
	}
};

inline const std::error_category &lookup_category() noexcept
{
	static const lookup_category_type category;
	return category;
}

/* An error: its number, and a copy of the message of the library. Longer messages are cut. */
class error
{
public:
	/* The error of the last call of libvdestack in this thread, which has failed. */
	static error last() noexcept
	{
		const int number = errno;
		return error(number, ::vdestack_last_error());
	}

	error(int number, const char *text) noexcept : error(number, text, false)
	{
	}

	/* Of a function like getaddrinfo(3): result is EAI_..., and EAI_SYSTEM means errno. */
	static error of_lookup(int result, const char *text) noexcept
	{
		const int number = errno;
		return result == EAI_SYSTEM ? error(number, text, false) : error(result, text, true);
	}

	/* In the generic category an errno, so that `code() == std::errc::timed_out` works. */
	std::error_code code() const noexcept
	{
		return std::error_code(number_, lookup_ ? lookup_category() : std::generic_category());
	}
	/* The errno; 0 if the error is EAI_... */
	int number() const noexcept
	{
		return lookup_ ? 0 : number_;
	}
	/* One line with the step that failed, the cause and the remedy. */
	const char *message() const noexcept
	{
		return text_;
	}

private:
	error(int number, const char *text, bool lookup) noexcept : number_(number), lookup_(lookup)
	{
		const std::size_t length = ::strnlen(text, sizeof(text_) - 1);
		std::memcpy(text_, text, length);
		text_[length] = '\0';
	}

	int number_;
	bool lookup_;
	char text_[512];
};

#if defined(__cpp_lib_expected) && __cpp_lib_expected >= 202202L

template <class T> using result = std::expected<T, error>;
using fails_with = std::unexpected<error>;

#else

/* An error, as it is returned in place of a result. */
class fails_with
{
public:
	explicit fails_with(const vds::error &e) noexcept : error_(e)
	{
	}
	const vds::error &error() const noexcept
	{
		return error_;
	}

private:
	vds::error error_;
};

template <class T> class [[nodiscard]] result
{
public:
	result(T value) noexcept : content(std::in_place_index<0>, std::move(value))
	{
	}
	result(const fails_with &e) noexcept : content(std::in_place_index<1>, e.error())
	{
	}
	bool has_value() const noexcept
	{
		return content.index() == 0;
	}
	explicit operator bool() const noexcept
	{
		return has_value();
	}
	/* As with std::expected, these are for results that have a value... */
	T &operator*() &noexcept
	{
		return *std::get_if<0>(&content);
	}
	const T &operator*() const &noexcept
	{
		return *std::get_if<0>(&content);
	}
	T &&operator*() &&noexcept
	{
		return std::move(*std::get_if<0>(&content));
	}
	T *operator->() noexcept
	{
		return std::get_if<0>(&content);
	}
	const T *operator->() const noexcept
	{
		return std::get_if<0>(&content);
	}
	/* ... and this one for those that have none. */
	const vds::error &error() const noexcept
	{
		return *std::get_if<1>(&content);
	}

private:
	std::variant<T, vds::error> content;
};

template <> class [[nodiscard]] result<void>
{
public:
	result() noexcept = default;
	result(const fails_with &e) noexcept : content(e.error())
	{
	}
	bool has_value() const noexcept
	{
		return !content;
	}
	explicit operator bool() const noexcept
	{
		return has_value();
	}
	const vds::error &error() const noexcept
	{
		return *content;
	}

private:
	std::optional<vds::error> content;
};

#endif

/* What a C call has returned, or the error of a negative value: `try_check(vdestack_...(...))`. */
inline result<int> try_check(int returned) noexcept
{
	if (returned < 0)
		return fails_with(error::last());
	return returned;
}

namespace detail
{
/* The same for calls that have no value. */
inline result<void> done(int returned) noexcept
{
	if (returned < 0)
		return fails_with(error::last());
	return {};
}

/* An error that is found here, and not by the library. */
inline fails_with refused(const char *text) noexcept
{
	return fails_with(error(EINVAL, text));
}
} // namespace detail

#if VDESTACK_CXX_EXCEPTIONS

/* The exception of all functions that throw. what() is the message of the library. */
class failure : public std::system_error
{
public:
	explicit failure(const error &e) : std::system_error(e.code()), why_(e)
	{
	}
	const char *what() const noexcept override
	{
		return why_.message();
	}
	const error &why() const noexcept
	{
		return why_;
	}

private:
	error why_;
};

/* The value of a result. Throws its error if there is none. */
template <class T> T value(result<T> r)
{
	if (!r)
		throw failure(r.error());
	if constexpr (!std::is_void_v<T>)
		return std::move(*r);
}

/* What a C call has returned. Throws if it is negative. */
inline int check(int returned)
{
	return value(try_check(returned));
}

#endif

} // namespace VDESTACK_CXX_VARIANT
} // namespace vds

#endif
