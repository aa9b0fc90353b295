/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* run_probe: questions about interfaces. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run_probe.h"

/* The stack has lo, and planet0 with 10.9.0.1/24. */
static struct ifreq about(const char *name)
{
	struct ifreq ifr = { 0 };

	(void)strcpy(ifr.ifr_name, name);
	return ifr;
}

static void functions_of_interfaces(void)
{
	char name[IF_NAMESIZE];
	unsigned index = if_nametoindex("planet0");
	struct ifaddrs *list, *at;
	struct if_nameindex *names = if_nameindex();

	CHECK(index > 1 && if_indextoname(index, name) != NULL && strcmp(name, "planet0") == 0);
	CHECK(names != NULL && strcmp(names[0].if_name, "lo") == 0 &&
	      strcmp(names[1].if_name, "planet0") == 0 && names[2].if_name == NULL);
	if_freenameindex(names);
	CHECK(getifaddrs(&list) == 0);
	for (at = list; at != NULL; at = at->ifa_next)
		CHECK(strcmp(at->ifa_name, "lo") == 0 || strcmp(at->ifa_name, "planet0") == 0);
	freeifaddrs(list);
}

static void list_of_interfaces(int fd)
{
	struct ifreq all[8];
	struct ifconf c = { .ifc_len = sizeof(all), .ifc_req = all };
	int found = 0;

	CHECK(ioctl(fd, SIOCGIFCONF, &c) == 0 && c.ifc_len == 2 * sizeof(all[0]));
	for (int i = 0; i < 2; i++)
		found += strcmp(all[i].ifr_name, "planet0") == 0;
	CHECK(found == 1);
	c = (struct ifconf){ .ifc_len = 0, .ifc_req = NULL };
	CHECK(ioctl(fd, SIOCGIFCONF, &c) == 0 && c.ifc_len == 2 * sizeof(all[0]));
	c = (struct ifconf){ .ifc_len = sizeof(all), .ifc_req = (struct ifreq *)1 };
	CHECK(ioctl(fd, SIOCGIFCONF, &c) < 0 && errno == EFAULT);
	c = (struct ifconf){ .ifc_len = -1, .ifc_req = all };
	CHECK(ioctl(fd, SIOCGIFCONF, &c) < 0 || c.ifc_len == 0);
}

static void questions_about_interfaces(int fd)
{
	struct ethtool_value link = { .cmd = ETHTOOL_GLINK };
	struct ifreq ifr = about("planet0");
	struct sockaddr_in sin;
	int waiting;

	CHECK(ioctl(fd, SIOCGIFADDR, &ifr) == 0);
	memcpy(&sin, &ifr.ifr_addr, sizeof(sin));
	CHECK(sin.sin_family == AF_INET && sin.sin_addr.s_addr == htonl(0x0a090001));
	CHECK(strcmp(ifr.ifr_name, "planet0") == 0);
	CHECK(ioctl(fd, SIOCGIFFLAGS, &ifr) == 0 && (ifr.ifr_flags & IFF_UP) != 0);
	CHECK(ioctl(fd, SIOCGIFMTU, &ifr) == 0 && ifr.ifr_mtu >= 1500);
	ifr.ifr_data = (char *)&link;
	CHECK(ioctl(fd, SIOCETHTOOL, &ifr) == 0 && link.data <= 1);
	ifr.ifr_data = (char *)1;
	CHECK(ioctl(fd, SIOCETHTOOL, &ifr) < 0 && errno == EFAULT);
	ifr = about("nowhere0");
	CHECK(ioctl(fd, SIOCGIFINDEX, &ifr) < 0 && errno == ENODEV);
	CHECK(ioctl(fd, SIOCGIFADDR, (void *)1) < 0 && errno == EFAULT);
	CHECK(ioctl(fd, SIOCGIFADDR, (void *)-4096L) < 0 && errno == EFAULT);
	CHECK(ioctl(fd, FIONREAD, &waiting) == 0 || errno == EINVAL); /* as it was */
}

static void interfaces(void)
{
	static const int kinds[] = { AF_UNIX, AF_INET };

	functions_of_interfaces();
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		int fd = socket(kinds[i], SOCK_DGRAM | SOCK_CLOEXEC, 0), descriptors = count_descriptors();
		CHECK(fd >= 0);
		list_of_interfaces(fd);
		questions_about_interfaces(fd);
		CHECK(count_descriptors() == descriptors);
		close(fd);
	}
	CHECK(ioctl(-1, SIOCGIFCONF, NULL) < 0 && errno == EBADF);
	CHECK(ioctl(0, SIOCGIFNAME, NULL) < 0 && errno != EBADF);
}

/* planet0 is in a stack that rules give no plain socket. */
static void interfaces_of_others(void)
{
	struct ifreq ifr = about("planet0");
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	CHECK(ioctl(fd, SIOCGIFINDEX, &ifr) < 0 && errno == ENODEV);
}

static void *change_list(void *arg)
{
	volatile struct ifconf *c = arg;

	for (;;) {
		c->ifc_len = -1;
		c->ifc_buf = (char *)1;
		c->ifc_len = 0x7fffffff;
	}
	return NULL;
}

/* Callers that are killed while they ask, and arguments that change meanwhile. */
static void attacks_by_questions(void)
{
	for (int i = 0; i < 100; i++) {
		pid_t pid = fork();
		CHECK(pid >= 0);
		if (pid == 0) {
			int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
			struct ifreq all[8];
			struct ifconf c = { .ifc_len = sizeof(all), .ifc_req = all };
			pthread_t thread;
			if (i % 2 == 0)
				CHECK(pthread_create(&thread, NULL, change_list, &c) == 0);
			for (;;) {
				c.ifc_req = all;
				(void)ioctl(fd, SIOCGIFCONF, &c);
			}
		}
		usleep((unsigned)(i * 37 % 1000));
		CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
	}
	interfaces();
}

const struct probe_case probe_interfaces[] = {
	PROBE_CASE(interfaces),
	PROBE_CASE(interfaces_of_others),
	PROBE_CASE(attacks_by_questions),
	{ NULL, NULL },
};
