/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_TESTS_DHCP_CLIENT_H
#define VDESTACK_TESTS_DHCP_CLIENT_H

/* Clients of the DHCP servers by numbers. */

#include "daemons/dhcp/client.h"

/* A client behind a relay of a station; 0: none. */
static struct dh_client client_of(unsigned station, unsigned relay, unsigned behind)
{
	return (struct dh_client){ .station = { 1, (uint8_t)(station >> 8), (uint8_t)station },
				   .relay = { (uint8_t)(relay >> 8), (uint8_t)relay },
				   .behind = { (uint8_t)(behind >> 8), (uint8_t)behind } };
}

#endif
