/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Exceptions that pass through the library: out of its callback, and while unwinding deletes stacks. */

#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <thread>

#include <dirent.h>
#include <sys/socket.h>
#include <unistd.h>

#include <vdestack.h>

#define CHECK(x)                                                                 \
	do {                                                                     \
		if (!(x)) {                                                      \
			std::fprintf(stderr, "line %d: %s\n", __LINE__, #x);     \
			std::exit(1);                                            \
		}                                                                \
	} while (0)

static int entries_of(const char *path)
{
	int n = 0;
	DIR *dir = opendir(path);

	CHECK(dir != nullptr);
	while (readdir(dir) != nullptr)
		n++;
	closedir(dir);
	return n;
}

struct stack {
	struct vdestack *s;
	explicit stack(const char *config) : s(vdestack_new(config, nullptr))
	{
		if (s == nullptr)
			throw std::runtime_error(vdestack_last_error());
	}
	~stack() { vdestack_delete(s); }
	stack(const stack &) = delete;
	stack &operator=(const stack &) = delete;
};

static void throwing(void *, int level, const char *text)
{
	if (level <= 3)
		throw std::runtime_error(text);
}

/* Every kind of failing call, each with an exception out of the callback instead of a result. */
static void fail_in_every_way(struct vdestack *s)
{
	static const char *const configs[] = { "bogus", "vnl=vde:///nowhere", "vnl=inproc://lan ip=10.0.0.1/24 gw=192.0.2.1",
					       "vnl=inproc://a vnl=ptp:///no/such/folder", "iface=vde0 vnl=inproc://b" };
	int caught = 0;

	for (const char *config : configs) {
		try {
			if (config[0] == 'i')
				(void)vdestack_iface_add(s, config, nullptr);
			else
				(void)!vdestack_new(config, nullptr);
		} catch (const std::runtime_error &e) {
			CHECK(std::string(e.what()) == vdestack_last_error());
			caught++;
		}
	}
	try {
		(void)vdestack_iface_del(s, "nobody");
	} catch (const std::runtime_error &) {
		caught++;
	}
	CHECK(caught == 6);
}

static void check_alive(struct vdestack *s)
{
	int fd = vdestack_msocket(s, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHECK(fd >= 0);
	close(fd);
}

static void unwind(int depth)
{
	stack s("vnl=inproc://lan ip=10.0.0.9/24");

	check_alive(s.s);
	if (depth == 0)
		throw std::logic_error("up");
	unwind(depth - 1);
}

int main()
{
	stack stays("vnl=inproc://lan ip=10.0.0.1/24");
	int descriptors = 0;

	for (int i = 0; i < 12; i++) {
		if (i == 5)
			descriptors = entries_of("/proc/self/fd");
		vdestack_set_log(throwing, nullptr);
		fail_in_every_way(stays.s);
		vdestack_set_log(nullptr, nullptr);
		check_alive(stays.s);
		bool caught = false;
		try {
			unwind(2);
		} catch (const std::logic_error &) {
			caught = true;
		}
		CHECK(caught);
	}
	std::thread other([] {
		try {
			unwind(1);
		} catch (const std::logic_error &) {
		}
	});
	other.join();
	CHECK(entries_of("/proc/self/fd") == descriptors);
	CHECK(entries_of("/proc/self/task") == 3); /* . and .. */
	check_alive(stays.s);
	return 0;
}
