/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The resolver and dialling in C++, with a name server of the case. */

#include <arpa/nameser.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <set>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include "cxx_case.hpp"
#include <vdestack/dial.hpp>
#include <vdestack/lookups.hpp>

/*
 * A name server on 10.0.0.1 on a thread. It answers questions for A, SRV and TXT with one record each. Names
 * that begin with "no" do not exist.
 */
class name_server
{
public:
	explicit name_server(const vds::stack &stack)
	    : socket(vds::listen(stack, "udp", "10.0.0.1:53")), thread([this] { serve(); })
	{
	}
	~name_server()
	{
		(void)::shutdown(socket.get(), SHUT_RDWR);
		thread.join();
	}

private:
	void serve()
	{
		unsigned char message[1024];
		struct sockaddr_storage from;
		socklen_t len = sizeof(from);
		ssize_t n;

		while ((n = recvfrom(socket.get(), message, 512, 0, reinterpret_cast<sockaddr *>(&from),
				     &len)) > 12) {
			const std::size_t size = answer(message, static_cast<std::size_t>(n));
			(void)!sendto(socket.get(), message, size, 0, reinterpret_cast<sockaddr *>(&from),
				      len);
			len = sizeof(from);
		}
	}
	static std::size_t answer(unsigned char *m, std::size_t n)
	{
		static const unsigned char a[] = { 10, 0, 0, 1 };
		static const unsigned char srv[] = { 0, 1, 0, 2, 0, 80, 1, 'w', 0 };
		static const unsigned char txt[] = { 3, 'a', 0, 'b', 1, 'c' };
		std::size_t at = 12;

		while (at < n && m[at] != 0)
			at += 1u + m[at];
		const int type = m[at + 2];
		const bool exists = !(m[13] == 'n' && m[14] == 'o');
		at += 5;
		m[2] = 0x81;
		m[3] = exists ? 0x80 : 0x83;
		m[6] = m[8] = m[9] = m[10] = m[11] = m[7] = 0;
		const unsigned char *data = type == ns_t_a     ? a
					    : type == ns_t_srv ? srv
					    : type == ns_t_txt ? txt
							       : nullptr;
		if (!exists || data == nullptr)
			return at;
		const unsigned char size = type == ns_t_a     ? sizeof(a)
					   : type == ns_t_srv ? sizeof(srv)
							      : sizeof(txt);
		const unsigned char head[] = { 0xc0, 12, 0,   static_cast<unsigned char>(type), 0, 1, 0, 0, 0,
					       60,   0,  size };
		m[7] = 1;
		std::memcpy(m + at, head, sizeof(head));
		std::memcpy(m + at + sizeof(head), data, size);
		return at + sizeof(head) + size;
	}
	vds::socket socket;
	std::thread thread;
};

struct ground {
	vds::stack there = make("vnl=inproc://lan ip=10.0.0.1/24");
	vds::stack here = make("vnl=inproc://lan ip=10.0.0.2/24 dns=10.0.0.1");
	name_server server{ there };
};

CASE(names_records_services_and_texts_are_looked_up)
{
	ground g;
	vds::resolver moved(g.here, vds::resolver_options().deadline(limit)), dns(std::move(moved));
	int n = 0;

	for (const addrinfo &found : dns.addresses("web.test", "80")) {
		CHECK_EQ(found.ai_family, AF_INET);
		n++;
	}
	CHECK(n > 0);
	const vds::answer answer = dns.query("web.test", ns_t_a);
	CHECK_EQ(answer.size(), 1);
	for (const vdestack_dns_record &record : answer)
		CHECK_EQ(record.size, 4);
	CHECK_STR(answer.get()->name, "web.test");
	const vds::service_list services = dns.services("_http._tcp.test");
	CHECK_EQ(services.begin()->port, 80);
	CHECK_STR(services.begin()->target, "w");
	const vds::text_list texts = dns.texts("text.test");
	CHECK(vds::text_of(*texts.begin()) == std::string_view("a\0bc", 4));
	CHECK(vds::text_of(texts.begin()->strings[1]) == "c");
	CHECK(!dns.query("text.test", ns_t_txt).texts().empty());
	CHECK(!dns.query("_http._tcp.test", ns_t_srv).services().empty());
	CHECK_REFUSED(moved.try_query("web.test", ns_t_a), EINVAL); // NOLINT
}

CASE(a_lookup_that_fails_has_the_error_of_getaddrinfo)
{
	ground g;
	vds::resolver dns(g.here);
	bool caught = false;

	try {
		(void)dns.addresses("no.test");
	} catch (const vds::failure &f) {
		caught = true;
		CHECK(f.code() == std::error_code(EAI_NONAME, vds::lookup_category()));
		CHECK_STR(f.what(), vdestack_dns_last_error());
	}
	CHECK(caught);
	CHECK_REFUSED(dns.try_addresses(std::string("a\0b", 3)), EINVAL);
	CHECK_REFUSED(vds::resolver::try_create(g.here, vds::resolver_options().servers("nonsense")), EINVAL);
}

CASE(lookups_go_on_in_an_event_loop)
{
	ground g;
	vds::resolver dns(g.here);
	vds::lookup lookup(dns, "web.test"), records(dns, "web.test", ns_t_a);
	std::optional<vds::address_list> found;
	std::optional<vds::answer> answer;

	while (!found) {
		CHECK(wait_readable(lookup.fd(), 20000));
		found = lookup.finish();
	}
	while (!answer) {
		CHECK(wait_readable(records.fd(), 20000));
		answer = records.finish_records();
	}
	CHECK(!found->empty() && answer->size() == 1);
	CHECK_EQ(lookup.fd(), -1);
	CHECK_REFUSED(lookup.try_finish(), EINVAL);
	vds::lookup other(dns, "other.test", ns_t_a);
	CHECK_REFUSED(other.try_finish(), EINVAL); /* it is of records */
	CHECK(other.fd() >= 0);
	vds::lookup cancelled(dns, "other.test"), moved(std::move(cancelled));
	CHECK_REFUSED(cancelled.try_finish(), EINVAL); // NOLINT
}

CASE(a_group_returns_each_lookup_once)
{
	ground g;
	vds::resolver dns(g.here);
	vds::lookup_group group(dns);
	int numbers[4] = { 0, 1, 2, 3 };
	std::set<int> ended;

	for (int &number : numbers)
		group.start("host" + std::to_string(number) + ".test", nullptr, nullptr, &number);
	group.start("web.test", ns_t_a, nullptr);
	group.start("never.finished.test", nullptr, nullptr, nullptr); /* freed with the group */
	while (ended.size() < 5) {
		std::optional<vds::ended_lookup> next = group.next();
		if (!next) {
			CHECK(wait_readable(group.fd(), 20000));
			continue;
		}
		const int *number = static_cast<const int *>(next->data());
		if (number != nullptr) {
			CHECK(ended.insert(*number).second);
			CHECK(!next->finish()->empty());
			CHECK_REFUSED(next->try_finish(), EINVAL);
		} else {
			ended.insert(100);
		}
	}
}

CASE(a_connection_is_dialled_by_name)
{
	ground g;
	const vds::socket listener = vds::listen(g.there, "tcp", ":80");
	const vds::socket connection = vds::dial(g.here, "tcp", "web.test:80", limit);
	vds::dialling dialling(g.here, "tcp", "web.test:80", limit);
	std::optional<vds::socket> dialled;

	while (!dialled) {
		CHECK(wait_readable(dialling.fd(), 20000));
		dialled = dialling.finish();
	}
	CHECK(connection && *dialled);
	CHECK_REFUSED(dialling.try_finish(), EINVAL);
	CHECK_REFUSED(vds::try_dial(g.here, "tcp", "web.test:81", limit), ECONNREFUSED);
	CHECK_REFUSED(vds::try_dial(g.here, "tcp", "no.test:80", limit), ENOENT);
	CHECK_REFUSED(vds::try_listen(g.here, "ctp", ":80"), EINVAL);
	CHECK_REFUSED(vds::try_listen(g.there, "tcp", ":80"), EADDRINUSE);
	vds::dialling moved(std::move(dialling));
	CHECK_EQ(moved.fd(), -1);
}
