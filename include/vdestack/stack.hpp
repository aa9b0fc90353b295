/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_STACK_HPP
#define VDESTACK_STACK_HPP

/*
 * Stacks. stack owns one and deletes it. stack_ref refers to one that something else owns: another object, a
 * laboratory, C code. Both have the same calls. A stack converts to a stack_ref, so functions take that.
 */

#include <ifaddrs.h>
#include <optional>

#include <vdestack/conf.h>
#include <vdestack/registry.h>
#include <vdestack/sources.h>
#include <vdestack/values.hpp>

namespace vds
{
inline namespace VDESTACK_CXX_VARIANT
{

namespace detail
{
/* The calls that stack and stack_ref have. */
template <class Self> class stack_calls
{
public:
	/* socket(2) in the stack, with its flags in type. */
	result<vds::socket> try_socket(int domain, int type, int protocol = 0) const noexcept
	{
		const int fd = ::vdestack_msocket(handle(), domain, type, protocol);
		if (fd < 0)
			return fails_with(error::last());
		return vds::socket(fd);
	}
	/* The network namespace, for setns(2). */
	result<descriptor> try_netns() const noexcept
	{
		return owned(::vdestack_netns(handle()));
	}
	/* A descriptor that stands for the stack in another process, see stack::receive(). */
	result<descriptor> try_pass(unsigned flags = 0) const noexcept
	{
		return owned(::vdestack_pass(handle(), flags));
	}
	/* Adds the interfaces of config, all of them or none. */
	result<void> try_add(cstring config, const options &opts = {}) const noexcept
	{
		if (have_nul(config))
			return nul_refused();
		return done(::vdestack_iface_add(handle(), config.get(), opts.get()));
	}
	/* Removes an interface. */
	result<void> try_remove(cstring ifname) const noexcept
	{
		if (have_nul(ifname))
			return nul_refused();
		return done(::vdestack_iface_del(handle(), ifname.get()));
	}
	/* Changes interfaces and address sources by words of a configuration. */
	result<void> try_configure(cstring config, const options &opts = {}) const noexcept
	{
		if (have_nul(config))
			return nul_refused();
		return done(::vdestack_configure(handle(), config.get(), opts.get()));
	}
	result<void> try_wait_ready(timeout longest) const noexcept
	{
		return done(::vdestack_wait_ready(handle(), longest.ms()));
	}
	/* The name, written into buf; empty: it has none. 64 bytes are enough. */
	result<std::string_view> try_name(char *buf, std::size_t size) const noexcept
	{
		const int length = ::vdestack_name(handle(), buf, size);
		if (length < 0)
			return fails_with(error::last());
		return std::string_view(buf, static_cast<std::size_t>(length));
	}

#if VDESTACK_CXX_EXCEPTIONS
	vds::socket socket(int domain, int type, int protocol = 0) const
	{
		return value(try_socket(domain, type, protocol));
	}
	descriptor netns() const
	{
		return value(try_netns());
	}
	descriptor pass(unsigned flags = 0) const
	{
		return value(try_pass(flags));
	}
	void add(cstring config, const options &opts = {}) const
	{
		value(try_add(config, opts));
	}
	void remove(cstring ifname) const
	{
		value(try_remove(ifname));
	}
	void configure(cstring config, const options &opts = {}) const
	{
		value(try_configure(config, opts));
	}
	void wait_ready(timeout longest) const
	{
		value(try_wait_ready(longest));
	}
	std::string_view name(char *buf, std::size_t size) const
	{
		return value(try_name(buf, size));
	}
#endif

private:
	struct ::vdestack *handle() const noexcept
	{
		return static_cast<const Self *>(this)->get();
	}
	static result<descriptor> owned(int fd) noexcept
	{
		if (fd < 0)
			return fails_with(error::last());
		return descriptor(fd);
	}
};
} // namespace detail

/* Refers to a stack and does not own it. A call after its end is refused by the library. */
class stack_ref : public detail::stack_calls<stack_ref>
{
public:
	stack_ref(struct ::vdestack *handle) noexcept : handle_(handle)
	{
	}
	struct ::vdestack *get() const noexcept
	{
		return handle_;
	}

private:
	struct ::vdestack *handle_;
};

/* Owns a stack, or none. */
class stack : public detail::stack_calls<stack>
{
public:
	stack() noexcept = default;
	/* Owns a handle that C code has made. */
	explicit stack(struct ::vdestack *handle) noexcept : handle_(handle)
	{
	}

	static result<stack> try_create(cstring config, const options &opts = {}) noexcept
	{
		if (config.has_nul())
			return detail::nul_refused();
		return owned(::vdestack_new(config.get(), opts.get()));
	}
	/* On a namespace that exists, by descriptor (which stays open) or by path. */
	static result<stack> try_adopt(int netns, cstring config, const options &opts = {}) noexcept
	{
		if (config.has_nul())
			return detail::nul_refused();
		return owned(::vdestack_adopt_fd(netns, config.get(), opts.get()));
	}
	static result<stack> try_adopt(cstring path, cstring config, const options &opts = {}) noexcept
	{
		if (detail::have_nul(path, config))
			return detail::nul_refused();
		return owned(::vdestack_adopt_path(path.get(), config.get(), opts.get()));
	}
	/* From a descriptor of pass(), which stays open. */
	static result<stack> try_receive(int fd) noexcept
	{
		return owned(::vdestack_receive(fd));
	}
	/* A stack of another program of this user, by name or number. Its end is not that of the stack. */
	static result<stack> try_attach(pid_t pid, cstring name = nullptr) noexcept
	{
		if (name.has_nul())
			return detail::nul_refused();
		return owned(::vdestack_attach(pid, name.get(), nullptr));
	}

#if VDESTACK_CXX_EXCEPTIONS
	explicit stack(cstring config, const options &opts = {}) : stack(value(try_create(config, opts)))
	{
	}
	/* Without this one a std::string would not convert: it would need two conversions. */
	static stack adopt(int netns, cstring config, const options &opts = {})
	{
		return value(try_adopt(netns, config, opts));
	}
	static stack adopt(cstring path, cstring config, const options &opts = {})
	{
		return value(try_adopt(path, config, opts));
	}
	static stack receive(int fd)
	{
		return value(try_receive(fd));
	}
	static stack attach(pid_t pid, cstring name = nullptr)
	{
		return value(try_attach(pid, name));
	}
#endif

	struct ::vdestack *get() const noexcept
	{
		return handle_.get();
	}
	explicit operator bool() const noexcept
	{
		return handle_ != nullptr;
	}
	operator stack_ref() const &noexcept
	{
		return stack_ref(get());
	}
	operator stack_ref() const && = delete; /* it would end with the expression */
	/* The handle, which belongs to the caller now. */
	[[nodiscard]] struct ::vdestack *release() noexcept
	{
		return handle_.release();
	}
	/* Deletes the stack now. */
	void reset() noexcept
	{
		handle_.reset();
	}

private:
	static result<stack> owned(struct ::vdestack *handle) noexcept
	{
		if (handle == nullptr)
			return fails_with(error::last());
		return stack(handle);
	}
	std::unique_ptr<struct ::vdestack, detail::freed_by<::vdestack_delete>> handle_;
};

/*
 * A stack that is being made, for programs with an event loop. The destructor cancels it.
 *
 *     vds::creation creation("vnl=vde:///tmp/net dhcp");
 *     // whenever creation.fd() is readable:
 *     if (std::optional<vds::stack> made = creation.finish())
 */
class creation
{
public:
	static result<creation> try_create(cstring config, const options &opts = {}) noexcept
	{
		if (config.has_nul())
			return detail::nul_refused();
		creation made(::vdestack_new_start(config.get(), opts.get()));
		if (!made)
			return fails_with(error::last());
		return made;
	}
	/* The stack, or nothing as long as it goes on. After a stack or an error this object is empty. */
	result<std::optional<stack>> try_finish() noexcept
	{
		struct ::vdestack *made = nullptr;

		if (!handle_)
			return detail::refused("this creation has ended");
		const int state = ::vdestack_new_finish(handle_.get(), &made);
		if (state != 0)
			(void)handle_.release(); /* the library has freed it */
		if (state < 0)
			return fails_with(error::last());
		return state == 0 ? std::nullopt : std::optional<stack>(stack(made));
	}

#if VDESTACK_CXX_EXCEPTIONS
	explicit creation(cstring config, const options &opts = {})
	    : creation(value(try_create(config, opts)))
	{
	}
	std::optional<stack> finish()
	{
		return value(try_finish());
	}
#endif

	/* Belongs to the creation: it must not be read or closed. -1: it has ended. */
	int fd() const noexcept
	{
		return handle_ ? ::vdestack_new_fd(handle_.get()) : -1;
	}
	explicit operator bool() const noexcept
	{
		return handle_ != nullptr;
	}

private:
	explicit creation(struct ::vdestack_creation *handle) noexcept : handle_(handle)
	{
	}
	std::unique_ptr<struct ::vdestack_creation, detail::freed_by<::vdestack_new_cancel>> handle_;
};

/*
 * Makes a stack the default of this thread, until the end of the object. Then the default before is restored.
 * To be used by one thread, and ended in the reverse order.
 */
class thread_default
{
public:
	static result<thread_default> try_create(stack_ref stack) noexcept
	{
		struct ::vdestack *before = nullptr;
		if (::vdestack_swap_thread_default(stack.get(), &before) < 0)
			return fails_with(error::last());
		return thread_default(before);
	}
	thread_default(thread_default &&other) noexcept
	    : before_(other.before_), active_(std::exchange(other.active_, false))
	{
	}
	thread_default &operator=(thread_default &&) = delete;
	~thread_default()
	{
		const int saved = errno;
		struct ::vdestack *ours = nullptr;
		if (active_)
			(void)!::vdestack_swap_thread_default(before_, &ours);
		errno = saved;
	}

#if VDESTACK_CXX_EXCEPTIONS
	explicit thread_default(stack_ref stack) : thread_default(value(try_create(stack)))
	{
	}
#endif

private:
	explicit thread_default(struct ::vdestack *before, bool active = true) noexcept
	    : before_(before), active_(active)
	{
	}
	struct ::vdestack *before_;
	bool active_;
};

/* getifaddrs(3) of a stack: a range of struct ifaddrs. */
using interface_list = list<struct ::ifaddrs, &::ifaddrs::ifa_next, ::vdestack_freeifaddrs>;

inline result<interface_list> try_interfaces(stack_ref stack) noexcept
{
	struct ::ifaddrs *first = nullptr;
	if (::vdestack_getifaddrs(stack.get(), &first) < 0)
		return fails_with(error::last());
	return interface_list(first);
}

#if VDESTACK_CXX_EXCEPTIONS
inline interface_list interfaces(stack_ref stack)
{
	return value(try_interfaces(stack));
}
#endif

} // namespace VDESTACK_CXX_VARIANT
} // namespace vds

#endif
