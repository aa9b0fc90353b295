/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The library from C++: owning classes, and exceptions with the reason.
 *
 * Two stacks exchange a datagram over IPv6. A stack is returned only when its addresses are
 * past duplicate address detection, so they can be used at once.
 */

#include <cerrno>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vdestack.h>

namespace {

/* errno and the library's message in one exception. */
class stack_error : public std::system_error {
public:
	stack_error() : std::system_error(errno, std::generic_category(), vdestack_last_error()) {}
};

class socket_fd {
public:
	explicit socket_fd(int number) : fd(number) {}
	socket_fd(socket_fd &&other) noexcept : fd(other.fd) { other.fd = -1; }
	socket_fd(const socket_fd &) = delete;
	socket_fd &operator=(const socket_fd &) = delete;
	~socket_fd()
	{
		if (fd >= 0)
			close(fd);
	}
	operator int() const { return fd; }

private:
	int fd;
};

class stack {
public:
	explicit stack(const std::string &config) : handle(vdestack_new(config.c_str(), nullptr))
	{
		if (!handle)
			throw stack_error();
	}

	socket_fd socket(int domain, int type, int protocol = 0) const
	{
		int fd = vdestack_msocket(handle.get(), domain, type, protocol);
		if (fd < 0)
			throw stack_error();
		return socket_fd(fd);
	}

private:
	struct deleter {
		void operator()(struct vdestack *s) const { vdestack_delete(s); }
	};
	std::unique_ptr<struct vdestack, deleter> handle;
};

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
	stack left("vnl=inproc://lan ip=fc00::1/64"), right("vnl=inproc://lan ip=fc00::2/64");
	socket_fd in = left.socket(AF_INET6, SOCK_DGRAM), out = right.socket(AF_INET6, SOCK_DGRAM);
	sockaddr_in6 addr = address("fc00::1", 7);
	char text[64] = "";

	check(bind(in, reinterpret_cast<sockaddr *>(&addr), sizeof(addr)), "bind");
	check(sendto(out, "hello", 5, 0, reinterpret_cast<sockaddr *>(&addr), sizeof(addr)), "sendto");
	check(recv(in, text, sizeof(text) - 1, 0), "recv");
	std::cout << "fc00::1 got: " << text << "\n";

	try {
		stack wrong("vnl=inproc://lan ip=10.0.0.1/99");
	} catch (const std::system_error &error) {
		std::cout << "as expected: " << error.code().message() << "\n";
	}
	return 0;
} catch (const std::exception &error) {
	std::cerr << "cplusplus: " << error.what() << "\n";
	return 1;
}
