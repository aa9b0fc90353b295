// SPDX-License-Identifier: LGPL-2.1-or-later

// A C++ program with a default stack, a library of its own that does not use ours, and a wrapper
// around socket(2) like that of an interposer.

#include <cstdint>
#include <cstdio>
#include <dlfcn.h>
#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include <vdestack.h>
#include <vdestack/conf.h>

extern "C" int module_socket(void);

static std::uint64_t place_of(int fd)
{
	std::uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);

	if (fd < 0 || getsockopt(fd, SOL_SOCKET, 71 /* SO_NETNS_COOKIE */, &cookie, &len) < 0)
		throw std::runtime_error("socket");
	close(fd);
	return cookie;
}

static int checked(bool good, const char *what)
{
	if (!good)
		std::fprintf(stderr, "not so: %s\n", what);
	return good ? 0 : 1;
}

int main(int, char **argv)
{
	const std::uint64_t host = place_of(socket(AF_INET, SOCK_STREAM, 0));
	vdestack *stack = vdestack_new("vnl=inproc://lan ip=10.0.0.1/24", nullptr);
	int bad = 0;

	if (stack == nullptr) {
		std::fprintf(stderr, "%s\n", vdestack_last_error());
		return 1;
	}
	const std::uint64_t there = place_of(vdestack_msocket(stack, AF_INET, SOCK_STREAM, 0));
	bad += checked(there != host, "the stack is another network");
	bad += checked(place_of(module_socket()) == host, "a library of the program is in the host network");
	bad += checked(vdestack_set_default(stack) == 0, "a default is set");
	bad += checked(place_of(socket(AF_INET, SOCK_STREAM, 0)) == there, "the program is redirected");
	bad += checked(place_of(module_socket()) == there, "a library of the program is redirected");
	bad += checked(place_of(socket(AF_UNIX, SOCK_STREAM, 0)) == host, "AF_UNIX is not");
	auto next = reinterpret_cast<int (*)(int, int, int)>(dlsym(RTLD_NEXT, "socket"));
	bad += checked(place_of(next(AF_INET, SOCK_STREAM, 0)) == there, "the next socket() is redirected");

	void *late = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
	auto late_socket = late == nullptr ? nullptr : reinterpret_cast<int (*)()>(dlsym(late, "module_socket"));
	bad += checked(late_socket != nullptr && place_of(late_socket()) == there, "a library loaded later is redirected");

	bad += checked(vdestack_set_thread_default(stack) == 0, "a default is set");
	bad += checked(vdestack_set_default(nullptr) == 0, "a default is set");
	std::thread([&] { bad += checked(place_of(module_socket()) == host, "another thread has no default"); }).join();
	bad += checked(place_of(module_socket()) == there, "this thread has one");
	bad += checked(vdestack_set_thread_default(nullptr) == 0, "a default is set");
	bad += checked(place_of(module_socket()) == host, "sockets are no longer redirected");
	vdestack_delete(stack);
	return bad == 0 ? 0 : 1;
}
