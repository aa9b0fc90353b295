/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_DNS_SERVICES_H
#define VS_DNS_SERVICES_H

/* Names of ports: the text of a services(5) file, or a built-in one. Pure. */

#include <stdbool.h>
#include <stdint.h>

/* The port of a name, 1..65535, or -1. protocol: "tcp", "udp"... text NULL: the built-in list. */
int vs_services_port(const char *text, const char *name, const char *protocol);
/* The name of a port; false: it has none. name has 64 bytes. */
bool vs_services_name(const char *text, uint16_t port, const char *protocol, char *name);

#endif
