/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef IOTHCONF_H
#define IOTHCONF_H

/*
 * libiothconf: configures a stack of libioth as one string says. ioth_config(3) has examples.
 *
 * A string has words. Blanks, tabs, newlines, ';' and ',' stand between them, any number of each. ' and "
 * quote, and so does a backslash the byte behind it. A '#' where a word could begin starts a comment, up to
 * the end of the line. A word is TAG or TAG=VALUE. The order of the words means nothing, except that gw=,
 * dns= and domain= are used in the order in which they stand.
 *
 *	iface=NAME           the interface, vde0 without this word
 *	ifindex=N            the interface by its index
 *	fqdn=NAME            the host's name: for DHCP and for hashes
 *	mac=MAC, macaddr=MAC the MAC address that eth sets
 *	eth                  brings the interface up; its MAC address: mac=, or else from fqdn=
 *	dhcp, dhcp4, dhcpv4  a DHCPv4 client
 *	dhcp6, dhcpv6        a DHCPv6 client
 *	rd, rd6              router discovery
 *	slaac                rd, and addresses from the prefixes of the router
 *	auto                 eth dhcp dhcp6 rd
 *	auto4, autov4        eth dhcp
 *	auto6, autov6        eth dhcp6 rd
 *	ip=ADDR[/LEN]        a static address; LEN is 24 or 64 without '/'
 *	gw=ADDR              a static default route
 *	dns=ADDR             a static name server
 *	domain=NAME          a static domain of the search list
 *	debug                accepted; see ioth_confinfo()
 *	timeout=SECONDS      how long to wait for dhcp, dhcp6, rd, slaac: 1 to 3600, 6 without this word
 *	-ip=ADDR[/LEN], -gw=ADDR, -dns=ADDR, -domain=NAME  takes back one static item
 *	-static              takes back all static items that this library has set on the interface
 *	-eth                 brings the interface down
 *	-dhcp, -dhcp6, -rd, -slaac, and the other names of these words: stops the source, what it has set goes
 *	-auto, -all          -eth and all sources; static items stay
 *	-auto4, -auto6       -eth and the sources
 *
 * Tags are compared as a whole. The family's earlier library compares their first 8 characters only; misspelt
 * words that it took, for example "macaddress=", are refused here.
 */

#include <ioth.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What ioth_config() has done: bits. */
#define IOTHCONF_STATIC (1 << 0)
#define IOTHCONF_ETH (1 << 1)
#define IOTHCONF_DHCP (1 << 2)
#define IOTHCONF_DHCPV6 (1 << 3)
#define IOTHCONF_RD (1 << 4)

/*
 * Configures one interface of a stack (NULL: the default stack). Returns the bits of what the string asks
 * for and has been done. errno is 0 then, and ioth_last_error() has the reason of the first bit that is
 * missing. It is "" if none is.
 *
 * What is undone is undone first. Then eth is done, the sources are started all at once, and the static
 * items are set. The call returns when the static addresses can be used, and each source has what it asks
 * the network for, or the time is over. A source that has nothing in time is a missing bit. It goes on: what
 * it gets later is used, and a later call that names it again waits for it again. Leases are renewed, and
 * lifetimes end, as long as the stack exists. In the network of the process sources end with the handle, and
 * static items stay.
 *
 * Each kind replaces what the same kind has set before: static items of an earlier call that are not in this
 * one are taken back, if this one has static items. A source that runs already goes on. It begins anew if
 * fqdn= is another one.
 *
 * Failure: -1, nothing has been changed, and ioth_last_error() names the word. errno: EINVAL (a word that is
 * not known, is there twice, or has a wrong value), E2BIG (the string is too long), ENODEV (no such
 * interface), EBADF (no such stack), ENOMEM. If something cannot be undone, the result is -1 with the error
 * of the stack, and nothing is done of what does not undo.
 *
 * Static items that cannot be set are a missing bit. Then those of before are there, with their order.
 *
 * In the network of the process static items and eth take CAP_NET_ADMIN, and sources CAP_SYS_ADMIN, too.
 * Without these rights their bits are missing. On lo, and for a kind of stack without the call configure of
 * struct ioth_functions, there are static items and eth, and no sources.
 *
 * Any thread may call this. Static items of an interface are changed by one call at a time: others wait, at
 * most a minute. The later one replaces the earlier one.
 */
int ioth_config(struct ioth *stack, const char *config);

/*
 * The text of a resolv.conf(5) for a stack: a line "search", if there is a domain, and lines "nameserver".
 * config: iface= or ifindex=; with neither, or NULL: all interfaces. Static name servers come first, then
 * those of DHCPv6, of DHCPv4, and of router advertisements.
 *
 * The caller frees the text with free(3). NULL and errno 0: the text is the same as at the last call for
 * this stack and the same interface, or nothing is known at the first call. When all is gone, the text is "".
 * NULL and another errno: EINVAL, E2BIG, ENODEV, EBADF, ENOMEM, or the stack's own.
 */
char *ioth_resolvconf(struct ioth *stack, const char *config);

/*
 * Makes a stack and configures it. Besides the words above:
 *
 *	stack=NAME[,OPTIONS] the kind, as in ioth_newstack(); without it the network of the process. A
 *	                     value with a comma needs quotes.
 *	vnl=[IFNAME:]VNL     a network, any number of times; an interface for each, vde0, vde1...
 *
 * The words configure one interface. NULL if the stack cannot be made (errno as ioth_newstackv()) or
 * ioth_config() would fail; then no stack is left. A missing bit is no failure.
 */
struct ioth *ioth_newstackc(const char *stack_config);

/*
 * What is known of an interface, as text for a person: the sources and their states, static items, and name
 * servers. The family's earlier library prints this for the word debug; this one does not print. config and
 * errors: as ioth_resolvconf(). The caller frees the text.
 */
char *ioth_confinfo(struct ioth *stack, const char *config);

#ifdef __cplusplus
}
#endif

#endif
