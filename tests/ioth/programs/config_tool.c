/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * config_tool STACK [VNL]...
 *
 * Makes a stack and obeys the lines of its standard input:
 *
 *  rc [CONFIG]     the text of resolv.conf
 *  addr            interfaces and addresses
 *  mac IFNAME      the MAC address of an interface
 *  set IFNAME ADDRESS LEN, route ADDRESS LEN GATEWAY, up IFNAME
 *                  by the calls of ioth.h
 *  hash BASE NAME  the hash address
 *  anything else   for ioth_config()
 *
 * Prints one line or more for each.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ioth.h>
#include <iothaddr.h>
#include <iothconf.h>

static void show(const char *what, int result)
{
	if (result < 0)
		printf("%s: %s\n", what, strerror(errno));
	else
		printf("%s: %d\n", what, result);
}

static void show_addresses(struct ioth *stack)
{
	struct ifaddrs *list;

	if (ioth_getifaddrs(stack, &list) < 0)
		return show("addr", -1);
	for (struct ifaddrs *ifa = list; ifa != NULL; ifa = ifa->ifa_next) {
		char text[INET6_ADDRSTRLEN] = "-", mask[INET6_ADDRSTRLEN] = "-";
		if (ifa->ifa_addr != NULL && ifa->ifa_addr->sa_family == AF_INET) {
			inet_ntop(AF_INET, &((struct sockaddr_in *)ifa->ifa_addr)->sin_addr, text,
				  sizeof(text));
			if (ifa->ifa_netmask != NULL)
				inet_ntop(AF_INET, &((struct sockaddr_in *)ifa->ifa_netmask)->sin_addr, mask,
					  sizeof(mask));
		} else if (ifa->ifa_addr != NULL && ifa->ifa_addr->sa_family == AF_INET6) {
			inet_ntop(AF_INET6, &((struct sockaddr_in6 *)ifa->ifa_addr)->sin6_addr, text,
				  sizeof(text));
			if (ifa->ifa_netmask != NULL)
				inet_ntop(AF_INET6, &((struct sockaddr_in6 *)ifa->ifa_netmask)->sin6_addr,
					  mask, sizeof(mask));
		} else {
			continue;
		}
		printf("addr: %s %s %s\n", ifa->ifa_name, text, mask);
	}
	ioth_freeifaddrs(list);
	printf("addr: end\n");
}

static void show_resolvconf(struct ioth *stack, const char *config)
{
	errno = 0;
	char *text = ioth_resolvconf(stack, config);

	if (text != NULL)
		printf("%s", text);
	else if (errno != 0)
		return show("rc", -1);
	printf("rc: %s\n", text != NULL ? "end" : "nothing new");
	free(text);
}

static void show_mac(struct ioth *stack, const char *name)
{
	unsigned char mac[6];
	char text[18];

	if (ioth_linkgetaddr(stack, ioth_if_nametoindex(stack, name), mac) < 0)
		return show("mac", -1);
	printf("mac: %s\n", ioth_ntomac(mac, text, sizeof(text)));
}

static int family_of(const char *text, void *addr)
{
	if (inet_pton(AF_INET, text, addr) == 1)
		return AF_INET;
	return inet_pton(AF_INET6, text, addr) == 1 ? AF_INET6 : 0;
}

static void obey(struct ioth *stack, char *line)
{
	char a[64], b[64];
	unsigned char addr[16], gw[16];
	int len;

	if (strcmp(line, "addr") == 0)
		show_addresses(stack);
	else if (strcmp(line, "rc") == 0 || strncmp(line, "rc ", 3) == 0)
		show_resolvconf(stack, line[2] == ' ' ? line + 3 : "");
	else if (sscanf(line, "mac %63s", a) == 1)
		show_mac(stack, a);
	else if (sscanf(line, "up %63s", a) == 1)
		show("up", ioth_linksetupdown(stack, ioth_if_nametoindex(stack, a), 1));
	else if (sscanf(line, "set %63s %63s %d", a, b, &len) == 3)
		show("set",
		     ioth_ipaddr_add(stack, family_of(b, addr), addr, len, ioth_if_nametoindex(stack, a)));
	else if (sscanf(line, "route %63s %d %63s", a, &len, b) == 3 &&
		 family_of(b, gw) == family_of(a, addr))
		show("route", ioth_iproute_add(stack, family_of(a, addr), addr, len, gw, 0));
	else if (sscanf(line, "hash %63s %63s", a, b) == 2 && family_of(a, addr) == AF_INET6) {
		iothaddr_hash(addr, b, NULL, 0);
		inet_ntop(AF_INET6, addr, a, sizeof(a));
		printf("hash: %s\n", a);
	} else
		show("config", ioth_config(stack, line));
}

int main(int argc, char *argv[])
{
	char line[1024];
	const char **vnlv = calloc(argc + 1, sizeof(*vnlv));

	ioth_set_license("LGPL-2.1-or-later");
	if (argc < 2 || vnlv == NULL)
		return 2;
	for (int i = 2; i < argc; i++)
		vnlv[i - 2] = argv[i];
	struct ioth *stack = ioth_newstackv(argv[1], vnlv);
	if (stack == NULL) {
		perror("stack");
		return 1;
	}
	while (fgets(line, sizeof(line), stdin) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		obey(stack, line);
		fflush(stdout);
	}
	free(vnlv);
	if (ioth_delstack(stack) < 0) {
		perror("delstack");
		return 1;
	}
	return 0;
}
