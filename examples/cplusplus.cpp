/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The library from C++ by <vdestack.hpp>: owning types, and exceptions with the reason.
 *
 * Two stacks exchange a datagram over IPv6. A stack is returned only when its addresses are
 * past duplicate address detection, so they can be used at once.
 */

#include <cerrno>
#include <iostream>
#include <stdexcept>
#include <system_error>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <vdestack.hpp>

namespace {

sockaddr_in6 address(const char *text, unsigned short port)
{
	sockaddr_in6 addr{};

	addr.sin6_family = AF_INET6;
	addr.sin6_port = htons(port);
	if (inet_pton(AF_INET6, text, &addr.sin6_addr) != 1)
		throw std::invalid_argument(text);
	return addr;
}

void check(ssize_t result, const char *what)
{
	if (result < 0)
		throw std::system_error(errno, std::generic_category(), what);
}

} // namespace

int main()
try {
	vds::stack left("vnl=inproc://lan ip=fc00::1/64"), right("vnl=inproc://lan ip=fc00::2/64");
	vds::socket in = left.socket(AF_INET6, SOCK_DGRAM), out = right.socket(AF_INET6, SOCK_DGRAM);
	sockaddr_in6 addr = address("fc00::1", 7);
	char text[64] = "";

	check(bind(in.get(), reinterpret_cast<sockaddr *>(&addr), sizeof(addr)), "bind");
	check(sendto(out.get(), "hello", 5, 0, reinterpret_cast<sockaddr *>(&addr), sizeof(addr)), "sendto");
	check(recv(in.get(), text, sizeof(text) - 1, 0), "recv");
	std::cout << "fc00::1 got: " << text << "\n";

	try {
		vds::stack wrong("vnl=inproc://lan ip=10.0.0.1/99");
	} catch (const vds::failure &error) {
		std::cout << "as expected: " << error.code().message() << "\n";
	}
	/* The same without an exception. */
	const auto made = vds::stack::try_create("vnl=inproc://lan ip=10.0.0.1/99");
	if (!made)
		std::cout << "once more: " << made.error().code().message() << "\n";
	return 0;
} catch (const std::exception &error) {
	std::cerr << "cplusplus: " << error.what() << "\n";
	return 1;
}
