/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_LOOKUPS_HPP
#define VDESTACK_LOOKUPS_HPP

/* Lookups that go on, for programs with an event loop: single ones, and groups with one descriptor. */

#include <vdestack/dns.hpp>

namespace vds
{
inline namespace VDESTACK_CXX_VARIANT
{

namespace detail
{
/* What finish() of a lookup may do with the handle, which the library frees unless the lookup goes on. */
inline result<std::optional<address_list>> finish_addresses(::vdestack_dns_lookup *handle,
							    bool &freed) noexcept
{
	struct ::addrinfo *first = nullptr;
	const int r = ::vdestack_dns_finish(handle, &first);

	freed = r != 0;
	if (r < 0)
		return lookup_failed(r);
	return r == 0 ? std::nullopt : std::optional<address_list>(address_list(first));
}
inline result<std::optional<answer>> finish_records(::vdestack_dns_lookup *handle, bool &freed) noexcept
{
	const ::vdestack_dns_answer *raw = nullptr;
	const int r = ::vdestack_dns_finish_type(handle, &raw);

	freed = r != 0;
	if (r < 0)
		return lookup_failed(r);
	return r == 0 ? std::nullopt : std::optional<answer>(answer(raw));
}
} // namespace detail

/* A lookup of addresses, or of records of one type. The destructor cancels it. */
class lookup
{
public:
	/* Of addresses. */
	static result<lookup> try_create(const resolver &dns, cstring node, cstring service = nullptr,
					 const struct ::addrinfo *hints = nullptr) noexcept
	{
		if (detail::have_nul(node, service))
			return detail::nul_refused();
		return owned(::vdestack_dns_start(dns.get(), node.get(), service.get(), hints), false);
	}
	/* Of records of a type of <arpa/nameser.h>. */
	static result<lookup> try_create(const resolver &dns, cstring name, int type) noexcept
	{
		if (name.has_nul())
			return detail::nul_refused();
		return owned(::vdestack_dns_start_type(dns.get(), name.get(), type), true);
	}
	/* The addresses, or nothing as long as it goes on. After addresses or an error it is empty. */
	result<std::optional<address_list>> try_finish() noexcept
	{
		return finished(detail::finish_addresses, false);
	}
	/* The same for records. */
	result<std::optional<answer>> try_finish_records() noexcept
	{
		return finished(detail::finish_records, true);
	}

#if VDESTACK_CXX_EXCEPTIONS
	explicit lookup(const resolver &dns, cstring node, cstring service = nullptr,
			const struct ::addrinfo *hints = nullptr)
	    : lookup(value(try_create(dns, node, service, hints)))
	{
	}
	lookup(const resolver &dns, cstring name, int type) : lookup(value(try_create(dns, name, type)))
	{
	}
	std::optional<address_list> finish()
	{
		return value(try_finish());
	}
	std::optional<answer> finish_records()
	{
		return value(try_finish_records());
	}
#endif

	/* Readable when finish() has something to do. It belongs to the lookup. -1: it has ended. */
	int fd() const noexcept
	{
		return handle_ ? ::vdestack_dns_fd(handle_.get()) : -1;
	}

private:
	lookup(::vdestack_dns_lookup *handle, bool records) noexcept : handle_(handle), records_(records)
	{
	}
	static result<lookup> owned(::vdestack_dns_lookup *handle, bool records) noexcept
	{
		if (handle == nullptr)
			return detail::dns_failed();
		return lookup(handle, records);
	}
	template <class T>
	result<T> finished(result<T> (*step)(::vdestack_dns_lookup *, bool &), bool records) noexcept
	{
		bool freed = false;

		if (!handle_)
			return detail::refused("this lookup has ended");
		if (records != records_)
			return detail::refused("this lookup is not of the kind that is finished");
		result<T> made = step(handle_.get(), freed);
		if (freed)
			(void)handle_.release();
		return made;
	}
	std::unique_ptr<::vdestack_dns_lookup, detail::freed_by<::vdestack_dns_cancel>> handle_;
	bool records_;
};

/*
 * A lookup of a group, which has ended. It belongs to the group: it is finished once, as the kind as which it
 * was started, or it is freed with the group.
 */
class ended_lookup
{
public:
	ended_lookup(::vdestack_dns_lookup *handle, void *data) noexcept : handle_(handle), data_(data)
	{
	}
	/* What the program has given with the lookup. */
	void *data() const noexcept
	{
		return data_;
	}
	result<std::optional<address_list>> try_finish() noexcept
	{
		bool freed = false;
		if (handle_ == nullptr)
			return detail::refused("this lookup has been finished");
		return detail::finish_addresses(std::exchange(handle_, nullptr), freed);
	}
	result<std::optional<answer>> try_finish_records() noexcept
	{
		bool freed = false;
		if (handle_ == nullptr)
			return detail::refused("this lookup has been finished");
		return detail::finish_records(std::exchange(handle_, nullptr), freed);
	}

#if VDESTACK_CXX_EXCEPTIONS
	std::optional<address_list> finish()
	{
		return value(try_finish());
	}
	std::optional<answer> finish_records()
	{
		return value(try_finish_records());
	}
#endif

private:
	::vdestack_dns_lookup *handle_;
	void *data_;
};

/* Owns many lookups, and their one descriptor. Used by one thread at a time. The destructor cancels all. */
class lookup_group
{
public:
	static result<lookup_group> try_create(const resolver &dns) noexcept
	{
		lookup_group made(::vdestack_dns_group_new(dns.get()));
		if (!made.handle_)
			return detail::dns_failed();
		return made;
	}
	/* Begins a lookup of addresses. data is returned with it. */
	result<void> try_start(cstring node, cstring service, const struct ::addrinfo *hints,
			       void *data) noexcept
	{
		if (detail::have_nul(node, service))
			return detail::nul_refused();
		if (::vdestack_dns_group_start(handle_.get(), node.get(), service.get(), hints, data) ==
		    nullptr)
			return detail::dns_failed();
		return {};
	}
	/* The same for records of a type. */
	result<void> try_start(cstring name, int type, void *data) noexcept
	{
		if (name.has_nul())
			return detail::nul_refused();
		if (::vdestack_dns_group_start_type(handle_.get(), name.get(), type, data) == nullptr)
			return detail::dns_failed();
		return {};
	}
	/* A lookup that has ended, or nothing: none has. Each is returned once. */
	result<std::optional<ended_lookup>> try_next() noexcept
	{
		void *data = nullptr;
		::vdestack_dns_lookup *ended = ::vdestack_dns_group_next(handle_.get(), &data);
		if (ended != nullptr)
			return std::optional<ended_lookup>(ended_lookup(ended, data));
		if (errno == EAGAIN)
			return std::optional<ended_lookup>();
		return detail::dns_failed();
	}

#if VDESTACK_CXX_EXCEPTIONS
	explicit lookup_group(const resolver &dns) : lookup_group(value(try_create(dns)))
	{
	}
	void start(cstring node, cstring service, const struct ::addrinfo *hints, void *data)
	{
		value(try_start(node, service, hints, data));
	}
	void start(cstring name, int type, void *data)
	{
		value(try_start(name, type, data));
	}
	std::optional<ended_lookup> next()
	{
		return value(try_next());
	}
#endif

	/* Readable when next() has something to do. It belongs to the group. */
	int fd() const noexcept
	{
		return handle_ ? ::vdestack_dns_group_fd(handle_.get()) : -1;
	}

private:
	explicit lookup_group(::vdestack_dns_group *handle) noexcept : handle_(handle)
	{
	}
	std::unique_ptr<::vdestack_dns_group, detail::freed_by<::vdestack_dns_group_delete>> handle_;
};

} // namespace VDESTACK_CXX_VARIANT
} // namespace vds

#endif
