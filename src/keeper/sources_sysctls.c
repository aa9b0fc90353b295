/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The IPv6 sysctls of an interface that address sources rely on. By the networking thread, as it takes the
 * namespace.
 *
 * A stack that is made gets them before its interface is set up. So the kernel handles no router
 * advertisement by itself, and the link-local address has the interface id that was asked for. It can be
 * used at once, too, while the kernel still looks for duplicates (optimistic, RFC 4429). For an interface
 * that is up already they are written when a source is started.
 *
 * The values from before are kept, and are written again when the last source that needs them is stopped.
 * The secret of the link-local address is an exception: that address stays as long as the interface is up.
 */

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auto/ra.h"
#include "base/cleanup.h"
#include "guests.h"
#include "net.h"
#include "sources_inside.h"

#define RA_BITS (VS_SOURCES_RA | VS_SOURCES_SLAAC)
#define IP6_BITS (RA_BITS | VS_SOURCES_DHCP6)
#define OLD_MAX 16

struct vs_sources_sysctls {
	struct vs_sources_sysctls *next;
	char ifname[IF_NAMESIZE];
	int ifindex;
	uint32_t users; /* sources that need them: RA, DHCP6 */
	size_t n;
	struct {
		const char *name;
		char value[16];
	} old[OLD_MAX];
};

static int open_sysctl(const char *ifname, const char *name, int flags)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/%s", ifname, name);
	return open(path, flags | O_CLOEXEC);
}

/* A file that is not there: the kernel lacks the feature, or all of IPv6. */
static void write_sysctl(const char *ifname, const char *name, const char *value)
{
	VS_AUTO_CLOSE fd = open_sysctl(ifname, name, O_WRONLY);

	if (fd >= 0)
		(void)!write(fd, value, strlen(value));
}

bool vs_sources_sysctls_ip6(const char *ifname)
{
	char value = '1';
	VS_AUTO_CLOSE fd = open_sysctl(ifname, "disable_ipv6", O_RDONLY);

	return fd >= 0 && read(fd, &value, 1) == 1 && value == '0';
}

/* ------------------------------------------------------------------ what was there before */

static struct vs_sources_sysctls **find(struct vs_net *n, const char *ifname)
{
	struct vs_sources_sysctls **at = &n->sysctls;

	while (*at != NULL && strcmp((*at)->ifname, ifname) != 0)
		at = &(*at)->next;
	return at;
}

/* NULL: out of memory. Then nothing is restored later. */
static struct vs_sources_sysctls *record_of(struct vs_net *n, const char *ifname, int ifindex)
{
	struct vs_sources_sysctls **at = find(n, ifname);

	if (*at == NULL && (*at = calloc(1, sizeof(**at))) == NULL)
		return NULL;
	if ((*at)->ifindex != ifindex) { /* of an interface that is gone */
		(*at)->n = 0;
		(*at)->users = 0;
	}
	(*at)->ifindex = ifindex;
	(void)snprintf((*at)->ifname, sizeof((*at)->ifname), "%s", ifname);
	return *at;
}

static void keep_old(struct vs_sources_sysctls *record, const char *name)
{
	for (size_t i = 0; i < record->n; i++)
		if (strcmp(record->old[i].name, name) == 0)
			return;
	VS_AUTO_CLOSE fd = record->n < OLD_MAX ? open_sysctl(record->ifname, name, O_RDONLY) : -1;
	char *value = record->old[record->n].value;
	ssize_t len = fd >= 0 ? read(fd, value, sizeof(record->old[0].value) - 1) : -1;
	if (len <= 0)
		return;
	value[len] = '\0';
	record->old[record->n++].name = name;
}

void vs_sources_sysctls_drop(struct vs_net *n, const char *ifname)
{
	struct vs_sources_sysctls **at = ifname != NULL ? find(n, ifname) : &n->sysctls;

	while (*at != NULL) {
		struct vs_sources_sysctls *record = *at;
		*at = record->next;
		free(record);
		if (ifname != NULL)
			return;
	}
}

static void restore(struct vs_net *n, const struct vs_wire_sources *want, int ifindex)
{
	struct vs_sources_sysctls *record = *find(n, want->ifname);
	uint32_t stop = want->stop & ~want->start;

	if (record == NULL || record->ifindex != ifindex)
		return;
	record->users &= ~stop;
	if (record->users != 0 || stop == 0)
		return;
	for (size_t i = record->n; i > 0; i--)
		write_sysctl(record->ifname, record->old[i - 1].name, record->old[i - 1].value);
	vs_sources_sysctls_drop(n, want->ifname);
}

/* ------------------------------------------------------------------ what is written */

static void change(struct vs_sources_sysctls *record, const char *ifname, const char *name, const char *value)
{
	if (record != NULL)
		keep_old(record, name);
	write_sysctl(ifname, name, value);
}

static enum vs_auto_iid iid_of(const struct vs_wire_sources *want)
{
	return (want->start & VS_SOURCES_SLAAC) == 0 ? VS_IID_NONE
	       : want->fqdn[0] != '\0'               ? VS_IID_HASH
	       : (want->flags & VS_SOURCES_STABLE)   ? VS_IID_STABLE
						     : VS_IID_EUI64;
}

static void write_secret(const struct vs_wire_sources *want, int leases, const char *name)
{
	uint8_t secret[16];
	char text[INET6_ADDRSTRLEN];

	(void)vs_sources_leases_secret(leases, want->name, want->ifname, secret);
	if (inet_ntop(AF_INET6, secret, text, sizeof(text)) != NULL)
		write_sysctl(want->ifname, name, text);
}

void vs_sources_sysctls_write(struct vs_net *n, const struct vs_wire_sources *want, int ifindex, int leases)
{
	bool first = (want->flags & VS_SOURCES_PREPARE) != 0;
	uint32_t starts = want->start & IP6_BITS;

	restore(n, want, ifindex);
	if (starts == 0)
		return;
	vs_guests_note_change(n);
	struct vs_sources_sysctls *record = record_of(n, want->ifname, ifindex);
	if (record != NULL)
		record->users |= (starts & RA_BITS ? VS_SOURCES_RA : 0) | (starts & VS_SOURCES_DHCP6);
	/* Of the link-local address. DHCPv6 needs it as well. */
	change(record, want->ifname, "optimistic_dad", "1");
	if (want->flags & VS_SOURCES_NODAD)
		change(record, want->ifname, "accept_dad", "0");
	if ((starts & RA_BITS) == 0)
		return;
	for (const struct vs_ra_sysctl *s = vs_ra_sysctls; s->name != NULL; s++) {
		if ((s->iids & 1u << iid_of(want)) == 0)
			continue;
		if (s->value != NULL)
			change(record, want->ifname, s->name, s->value);
		else if (first) /* later the interface has its link-local address already */
			write_secret(want, leases, s->name);
	}
}
