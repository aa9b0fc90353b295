/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RP_SETTINGS_H
#define RP_SETTINGS_H

/* What the options say. */

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "slots.h"

#define RP_MOST_ADDRESSES 64 /* that live at the same time */

/* A name with one-time addresses. */
struct rp_name {
	char *text;
	struct in6_addr base;
};

/* A port outside, and the server inside that it leads to. */
struct rp_port {
	int type; /* SOCK_STREAM, SOCK_DGRAM */
	uint16_t number, inside_number;
	char *host; /* inside: an address or a name */
	char *name; /* NULL: that of --name */
	size_t name_index;
	struct sockaddr_storage target; /* host and inside_number, looked up */
	socklen_t target_len;
};

/* An address of --extaddr, a gateway of --extgw. */
struct rp_addr {
	int family, len;
	unsigned char bytes[16];
};

enum rp_source { RP_NOWHERE, RP_FILE, RP_LINE };

struct rp_settings {
	bool background, verbose;
	enum rp_source base_source, secret_source; /* of base and baseaddr; of passwd and passwdfile */
	char *pidfile, *extstack, *intstack, *name, *base, *password, *passwdfile, *dns;
	unsigned long period, preactive, postactive, backlog, tcp_timeout, udp_timeout, connections, flows;
	struct rp_addr *addrs, *gateways;
	size_t n_addrs, n_gateways;
	struct rp_port *ports;
	size_t n_ports;
	struct rp_name *names;
	size_t n_names;
};

enum rp_parsed { RP_RUN, RP_DONE, RP_WRONG };

/*
 * Reads the command line and the configuration file, and the password. All that is wrong is reported. The
 * settings are freed by rp_settings_free() whatever the result is.
 */
enum rp_parsed rp_settings_read(struct rp_settings *s, int argc, char **argv);
void rp_settings_free(struct rp_settings *s);

struct rp_period rp_settings_period(const struct rp_settings *s);

#endif
