/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_LAB_HPP
#define VDESTACK_LAB_HPP

/* A laboratory: <vdestack/lab.h>, in libvdestack-lab. */

#include <cstdlib>

#include <vdestack/command.hpp>
#include <vdestack/lab.h>

namespace vds
{
inline namespace VDESTACK_CXX_VARIANT
{

namespace detail
{
inline fails_with lab_failed() noexcept
{
	const int number = errno;
	return fails_with(error(number, ::vdestack_lab_last_error()));
}
inline result<void> lab_done(int returned) noexcept
{
	if (returned < 0)
		return lab_failed();
	return {};
}
inline result<int> lab_check(int returned) noexcept
{
	if (returned < 0)
		return lab_failed();
	return returned;
}
} // namespace detail

/* struct vdestack_lab_opts. */
class laboratory_options
{
public:
	laboratory_options() noexcept
	{
		raw_.size = sizeof(raw_);
	}
	/* VDESTACK_LAB_CAPTURE */
	laboratory_options &flags(unsigned bits) noexcept
	{
		raw_.flags = bits;
		return *this;
	}
	/* Of start(). */
	laboratory_options &whole(timeout longest) noexcept
	{
		raw_.timeout_ms = longest.option_ms();
		return *this;
	}
	laboratory_options &seed(std::uint64_t number) noexcept
	{
		raw_.seed = number;
		return *this;
	}
	/* A directory for failures. The text must live until the laboratory is made. */
	laboratory_options &artefacts(const char *path) noexcept
	{
		raw_.artefacts = path;
		return *this;
	}
	const ::vdestack_lab_opts *get() const noexcept
	{
		return &raw_;
	}

private:
	::vdestack_lab_opts raw_ = {};
};

/* A laboratory, used by one thread at a time. The destructor kills what runs and removes all stacks. */
class laboratory
{
public:
	/* The text is checked as a whole; nothing is started. */
	static result<laboratory> try_create(cstring text, const laboratory_options &opts = {}) noexcept
	{
		if (text.has_nul())
			return detail::nul_refused();
		laboratory made(::vdestack_lab_new(text.get(), opts.get()));
		if (!made.handle_)
			return detail::lab_failed();
		return made;
	}
	result<void> try_add(cstring lines) noexcept
	{
		if (lines.has_nul())
			return detail::nul_refused();
		return detail::lab_done(::vdestack_lab_add(get(), lines.get()));
	}
	result<void> try_start() noexcept
	{
		return detail::lab_done(::vdestack_lab_start(get()));
	}
	/* The stack of a host, which belongs to the laboratory. */
	result<stack_ref> try_host(cstring name) noexcept
	{
		if (name.has_nul())
			return detail::nul_refused();
		struct ::vdestack *found = ::vdestack_lab_host(get(), name.get());
		if (found == nullptr)
			return detail::lab_failed();
		return stack_ref(found);
	}
	/* An address of a host or port as text, written into buf: INET6_ADDRSTRLEN bytes are enough. */
	result<std::string_view> try_address(cstring where, int family, char *buf, std::size_t size) noexcept
	{
		if (where.has_nul())
			return detail::nul_refused();
		const int length = ::vdestack_lab_addr(get(), where.get(), family, buf, size);
		if (length < 0)
			return detail::lab_failed();
		return std::string_view(buf, static_cast<std::size_t>(length));
	}
	/* Commands in a host, which know the names of all hosts. */
	result<command> try_spawn(cstring host, char *const *argv, const command_options &opts = {}) noexcept
	{
		if (host.has_nul())
			return detail::nul_refused();
		return command::owned(detail::start_command(opts, [&](const ::vdestack_cmd_opts *raw,
								      int *status) {
			return detail::lab_check(::vdestack_lab_spawn(get(), host.get(), argv, raw, status));
		}));
	}
	result<int> try_run(cstring host, char *const *argv, const command_options &opts = {}) noexcept
	{
		if (host.has_nul())
			return detail::nul_refused();
		return detail::lab_check(::vdestack_lab_run(get(), host.get(), argv, opts.get()));
	}

#if VDESTACK_CXX_EXCEPTIONS
	explicit laboratory(cstring text, const laboratory_options &opts = {})
	    : laboratory(value(try_create(text, opts)))
	{
	}
	void add(cstring lines)
	{
		value(try_add(lines));
	}
	void start()
	{
		value(try_start());
	}
	stack_ref host(cstring name)
	{
		return value(try_host(name));
	}
	std::string_view address(cstring where, int family, char *buf, std::size_t size)
	{
		return value(try_address(where, family, buf, size));
	}
	command spawn(cstring host, char *const *argv, const command_options &opts = {})
	{
		return value(try_spawn(host, argv, opts));
	}
	int run(cstring host, char *const *argv, const command_options &opts = {})
	{
		return value(try_run(host, argv, opts));
	}
	/* For the other calls of a laboratory: `lab.check(vdestack_lab_cut(lab.get(), "web:lan"))`. */
	static int check(int returned)
	{
		return value(detail::lab_check(returned));
	}
#endif

	::vdestack_lab *get() const noexcept
	{
		return handle_.get();
	}

private:
	explicit laboratory(::vdestack_lab *handle) noexcept : handle_(handle)
	{
	}
	std::unique_ptr<::vdestack_lab, detail::freed_by<::vdestack_lab_delete>> handle_;
};

/* A laboratory as text or picture. */
using drawing = std::unique_ptr<char, detail::freed_by<std::free>>;

inline result<drawing> try_draw(laboratory &lab, ::vdestack_lab_format format) noexcept
{
	drawing made(::vdestack_lab_draw(lab.get(), format));
	if (!made)
		return detail::lab_failed();
	return made;
}

#if VDESTACK_CXX_EXCEPTIONS
inline drawing draw(laboratory &lab, ::vdestack_lab_format format)
{
	return value(try_draw(lab, format));
}
#endif

} // namespace VDESTACK_CXX_VARIANT
} // namespace vds

#endif
