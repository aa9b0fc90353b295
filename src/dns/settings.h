/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_DNS_SETTINGS_H
#define VS_DNS_SETTINGS_H

/*
 * Whom to ask, and for what: name servers, search list, limits. From lists in options and from the text of
 * a resolv.conf. Pure.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VS_SERVERS_MAX 8
#define VS_SEARCH_MAX 16
#define VS_SEARCH_BYTES 1024

struct vs_server {
	uint8_t family;    /* AF_INET, AF_INET6 */
	uint8_t bytes[16]; /* network order */
	uint16_t port;
	char zone[16];     /* "fe80::1%vde0": the interface; "": none */
	uint32_t scope;    /* its index; 0: none or not looked up */
};

struct vs_settings {
	struct vs_server servers[VS_SERVERS_MAX];
	size_t n_servers;
	char search[VS_SEARCH_BYTES];   /* domains, each with a NUL */
	uint16_t domains[VS_SEARCH_MAX]; /* where they begin */
	size_t n_search;
	int ndots, timeout_ms, tries; /* 0: not said; ndots -1 */
	bool tcp;
	char refused[48]; /* a loopback name server of a file of the host; "": none */
};

void vs_settings_init(struct vs_settings *s);

/* A list of servers: "10.0.0.53 10.0.0.53:54 fc00::53 [fc00::53]:54 fe80::1%vde0". 0, or -EINVAL, -E2BIG. */
int vs_settings_servers(struct vs_settings *s, const char *list);
/* A search list, in place of the one before. 0, or -EINVAL, -E2BIG. */
int vs_settings_search(struct vs_settings *s, const char *list);
/*
 * The text of a resolv.conf. As resolvers do, it ignores lines and words that it does not know or that are
 * malformed. of_host: loopback addresses are addresses of the host; they are left out, and named in
 * `refused`.
 */
void vs_settings_resolv_conf(struct vs_settings *s, const char *text, bool of_host);

bool vs_settings_same(const struct vs_settings *a, const struct vs_settings *b);

/* "10.0.0.53" or "10.0.0.53 port 54". */
void vs_server_text(const struct vs_server *server, char *text, size_t size);

#endif
