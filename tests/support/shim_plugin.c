/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* An object for RTLD_DEEPBIND (shim_probe.c): its calls of libc's functions are libc's. */

#include <ifaddrs.h>
#include <netdb.h>
#include <stddef.h>
#include <sys/socket.h>

int plugin_socket(int domain, int type, int protocol);
int plugin_getaddrinfo(const char *name, struct addrinfo **list);
void plugin_free(struct addrinfo *list, struct ifaddrs *interfaces);

int plugin_socket(int domain, int type, int protocol)
{
	return socket(domain, type, protocol);
}

int plugin_getaddrinfo(const char *name, struct addrinfo **list)
{
	return getaddrinfo(name, "80", NULL, list);
}

void plugin_free(struct addrinfo *list, struct ifaddrs *interfaces)
{
	freeaddrinfo(list);
	freeifaddrs(interfaces);
}
