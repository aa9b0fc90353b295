/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_DIAL_HPP
#define VDESTACK_DIAL_HPP

/* Connections and listening sockets by name: <vdestack/dial.h>, in libvdestack-dns. */

#include <vdestack/dial.h>
#include <vdestack/dns.hpp>

namespace vds
{
inline namespace VDESTACK_CXX_VARIANT
{

namespace detail
{
inline result<vds::socket> dialled(int fd) noexcept
{
	if (fd < 0)
		return dns_failed();
	return vds::socket(fd);
}
} // namespace detail

/* A connected socket: try_dial(stack, "tcp", "www.example.org:80", 10s). */
inline result<vds::socket> try_dial(stack_ref stack, cstring network, cstring address,
				    timeout longest) noexcept
{
	if (detail::have_nul(network, address))
		return detail::nul_refused();
	return detail::dialled(::vdestack_dial(stack.get(), network.get(), address.get(), longest.ms()));
}

/* A socket that is bound, and for TCP listens. */
inline result<vds::socket> try_listen(stack_ref stack, cstring network, cstring address) noexcept
{
	if (detail::have_nul(network, address))
		return detail::nul_refused();
	return detail::dialled(::vdestack_listen(stack.get(), network.get(), address.get()));
}

#if VDESTACK_CXX_EXCEPTIONS
inline vds::socket dial(stack_ref stack, cstring network, cstring address, timeout longest)
{
	return value(try_dial(stack, network, address, longest));
}
inline vds::socket listen(stack_ref stack, cstring network, cstring address)
{
	return value(try_listen(stack, network, address));
}
#endif

/* A dial that goes on, for programs with an event loop. The destructor cancels it. */
class dialling
{
public:
	static result<dialling> try_create(stack_ref stack, cstring network, cstring address,
					   timeout longest) noexcept
	{
		if (detail::have_nul(network, address))
			return detail::nul_refused();
		dialling made(::vdestack_dial_start(stack.get(), network.get(), address.get(), longest.ms()));
		if (!made.handle_)
			return detail::dns_failed();
		return made;
	}
	/* The connected socket, or nothing as long as it goes on. After a socket or an error it is empty. */
	result<std::optional<vds::socket>> try_finish() noexcept
	{
		int fd = -1;

		if (!handle_)
			return detail::refused("this dial has ended");
		const int state = ::vdestack_dial_finish(handle_.get(), &fd);
		if (state != 0)
			(void)handle_.release(); /* the library has freed it */
		if (state < 0)
			return detail::dns_failed();
		return state == 0 ? std::nullopt : std::optional<vds::socket>(vds::socket(fd));
	}

#if VDESTACK_CXX_EXCEPTIONS
	dialling(stack_ref stack, cstring network, cstring address, timeout longest)
	    : dialling(value(try_create(stack, network, address, longest)))
	{
	}
	std::optional<vds::socket> finish()
	{
		return value(try_finish());
	}
#endif

	/* Readable when finish() has something to do. It belongs to the dial. -1: it has ended. */
	int fd() const noexcept
	{
		return handle_ ? ::vdestack_dial_fd(handle_.get()) : -1;
	}

private:
	explicit dialling(struct ::vdestack_dial *handle) noexcept : handle_(handle)
	{
	}
	std::unique_ptr<struct ::vdestack_dial, detail::freed_by<::vdestack_dial_cancel>> handle_;
};

} // namespace VDESTACK_CXX_VARIANT
} // namespace vds

#endif
