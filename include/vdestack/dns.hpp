/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_DNS_HPP
#define VDESTACK_DNS_HPP

/*
 * The resolver of a stack: <vdestack/dns.h>, in libvdestack-dns. Errors of lookups are EAI_... in
 * vds::lookup_category(). A resolver must live as long as its lookups and groups (<vdestack/lookups.hpp>).
 */

#include <vdestack/dns.h>
#include <vdestack/stack.hpp>

namespace vds
{
inline namespace VDESTACK_CXX_VARIANT
{

/* Addresses: a range of struct addrinfo. */
using address_list = list<struct ::addrinfo, &::addrinfo::ai_next, ::vdestack_freeaddrinfo>;
/* Places of a service, in the order in which they are to be tried: a range of struct vdestack_dns_srv. */
using service_list = list<::vdestack_dns_srv, &::vdestack_dns_srv::next, ::vdestack_dns_free_srv>;
/* A range of struct vdestack_dns_txt. */
using text_list = list<::vdestack_dns_txt, &::vdestack_dns_txt::next, ::vdestack_dns_free_txt>;

/* These may hold any bytes, NUL included. */
inline std::string_view text_of(const ::vdestack_dns_txt &record) noexcept
{
	return { record.text, record.size };
}
inline std::string_view text_of(const ::vdestack_dns_string &string) noexcept
{
	return { string.text, string.size };
}

namespace detail
{
inline fails_with lookup_failed(int returned) noexcept
{
	return fails_with(error::of_lookup(returned, ::vdestack_dns_last_error()));
}
/* For calls that set errno. */
inline fails_with dns_failed() noexcept
{
	const int number = errno;
	return fails_with(error(number, ::vdestack_dns_last_error()));
}
} // namespace detail

/* struct vdestack_dns_opts, with times of <chrono>. Members of get() can be set as well. */
class resolver_options
{
public:
	resolver_options() noexcept
	{
		raw_.size = sizeof(raw_);
	}
	resolver_options &flags(unsigned bits) noexcept
	{
		raw_.flags = bits;
		return *this;
	}
	/* "10.0.0.53 [fc00::53]:5353". The text must live until the resolver is made; it is copied then. */
	resolver_options &servers(const char *text) noexcept
	{
		raw_.servers = text;
		return *this;
	}
	resolver_options &search(const char *text) noexcept
	{
		raw_.search = text;
		return *this;
	}
	/* Of one try at one server. */
	resolver_options &one_try(timeout longest) noexcept
	{
		raw_.timeout_ms = longest.option_ms();
		return *this;
	}
	/* Of a whole lookup. */
	resolver_options &deadline(timeout longest) noexcept
	{
		raw_.deadline_ms = longest.option_ms();
		return *this;
	}
	::vdestack_dns_opts *get() noexcept
	{
		return &raw_;
	}
	const ::vdestack_dns_opts *get() const noexcept
	{
		return &raw_;
	}

private:
	::vdestack_dns_opts raw_ = {};
};

/* Records of one type: a range of struct vdestack_dns_record. */
class answer
{
public:
	/* Owns an answer that a C function has returned. */
	explicit answer(const ::vdestack_dns_answer *raw) noexcept : raw_(raw)
	{
	}
	const ::vdestack_dns_record *begin() const noexcept
	{
		return raw_ ? raw_->records : nullptr;
	}
	const ::vdestack_dns_record *end() const noexcept
	{
		return raw_ ? raw_->records + raw_->n : nullptr;
	}
	std::size_t size() const noexcept
	{
		return raw_ ? raw_->n : 0;
	}
	/* Name, time to live, and the whole message. nullptr: moved from. */
	const ::vdestack_dns_answer *get() const noexcept
	{
		return raw_.get();
	}
	/* The same as places of a service, and as texts. */
	result<service_list> try_services() const noexcept
	{
		::vdestack_dns_srv *first = nullptr;
		if (!raw_)
			return detail::refused("this answer is empty");
		const int r = ::vdestack_dns_read_srv(raw_.get(), &first);
		if (r != 0)
			return detail::lookup_failed(r);
		return service_list(first);
	}
	result<text_list> try_texts() const noexcept
	{
		::vdestack_dns_txt *first = nullptr;
		if (!raw_)
			return detail::refused("this answer is empty");
		const int r = ::vdestack_dns_read_txt(raw_.get(), &first);
		if (r != 0)
			return detail::lookup_failed(r);
		return text_list(first);
	}

#if VDESTACK_CXX_EXCEPTIONS
	service_list services() const
	{
		return value(try_services());
	}
	text_list texts() const
	{
		return value(try_texts());
	}
#endif

private:
	std::unique_ptr<const ::vdestack_dns_answer, detail::freed_by<::vdestack_dns_free_answer>> raw_;
};

/* A resolver. Its const functions may be called from any thread. */
class resolver
{
public:
	static result<resolver> try_create(stack_ref stack, const resolver_options &opts = {}) noexcept
	{
		resolver made(::vdestack_dns_new(stack.get(), opts.get()));
		if (!made.handle_)
			return detail::dns_failed();
		return made;
	}
	/* getaddrinfo(3). nullptr: no node, no service, no hints. */
	result<address_list> try_addresses(cstring node, cstring service = nullptr,
					   const struct ::addrinfo *hints = nullptr) const noexcept
	{
		struct ::addrinfo *first = nullptr;
		if (detail::have_nul(node, service))
			return detail::nul_refused();
		const int r = ::vdestack_dns_getaddrinfo(get(), node.get(), service.get(), hints, &first);
		if (r != 0)
			return detail::lookup_failed(r);
		return address_list(first);
	}
	/* Records of a type of <arpa/nameser.h>. */
	result<answer> try_query(cstring name, int type) const noexcept
	{
		const ::vdestack_dns_answer *raw = nullptr;
		if (name.has_nul())
			return detail::nul_refused();
		const int r = ::vdestack_dns_query(get(), name.get(), type, &raw);
		if (r != 0)
			return detail::lookup_failed(r);
		return answer(raw);
	}
	result<service_list> try_services(cstring name) const noexcept
	{
		::vdestack_dns_srv *first = nullptr;
		if (name.has_nul())
			return detail::nul_refused();
		const int r = ::vdestack_dns_lookup_srv(get(), name.get(), &first);
		if (r != 0)
			return detail::lookup_failed(r);
		return service_list(first);
	}
	result<text_list> try_texts(cstring name) const noexcept
	{
		::vdestack_dns_txt *first = nullptr;
		if (name.has_nul())
			return detail::nul_refused();
		const int r = ::vdestack_dns_lookup_txt(get(), name.get(), &first);
		if (r != 0)
			return detail::lookup_failed(r);
		return text_list(first);
	}

#if VDESTACK_CXX_EXCEPTIONS
	explicit resolver(stack_ref stack, const resolver_options &opts = {})
	    : resolver(value(try_create(stack, opts)))
	{
	}
	address_list addresses(cstring node, cstring service = nullptr,
			       const struct ::addrinfo *hints = nullptr) const
	{
		return value(try_addresses(node, service, hints));
	}
	answer query(cstring name, int type) const
	{
		return value(try_query(name, type));
	}
	service_list services(cstring name) const
	{
		return value(try_services(name));
	}
	text_list texts(cstring name) const
	{
		return value(try_texts(name));
	}
#endif

	::vdestack_dns *get() const noexcept
	{
		return handle_.get();
	}

private:
	explicit resolver(::vdestack_dns *handle) noexcept : handle_(handle)
	{
	}
	std::unique_ptr<::vdestack_dns, detail::freed_by<::vdestack_dns_delete>> handle_;
};

} // namespace VDESTACK_CXX_VARIANT
} // namespace vds

#endif
