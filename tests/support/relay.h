/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_TESTS_RELAY_H
#define VDESTACK_TESTS_RELAY_H

/*
 * An Ethernet that the case controls. Each stack has a port of it (a ptp:// network); a frame that comes from
 * one port goes to all others. Messages of DHCP, router discovery and ARP are recognised, logged and counted,
 * and rules say which are dropped, doubled or held.
 *
 *     stack A ══ ptp://…/relay0 ══╗
 *     stack B ══ ptp://…/relay1 ══╬══ the thread of the relay: log, rules
 *     stack C ══ ptp://…/relay2 ══╝
 *
 * Ports are added before or while it runs. All calls may come from any thread of the case. The relay
 * ends with the process.
 */

#include <stdbool.h>
#include <stdint.h>

/* What a frame is. The low byte of DHCP and ICMPv6 is the type of the message. */
enum relay_message {
	RELAY_OTHER = 0,
	D4_DISCOVER = 0x401,
	D4_OFFER,
	D4_REQUEST,
	D4_DECLINE,
	D4_ACK,
	D4_NAK,
	D4_RELEASE,
	D4_INFORM,
	D6_SOLICIT = 0x601,
	D6_ADVERTISE,
	D6_REQUEST,
	D6_CONFIRM,
	D6_RENEW,
	D6_REBIND,
	D6_REPLY,
	D6_RELEASE,
	D6_DECLINE,
	D6_RECONFIGURE,
	D6_INFORMATION,
	ND_RS = 0x3a85,
	ND_RA,
	ND_NS,
	ND_NA,
	ARP_REQUEST = 0x801,
	ARP_REPLY,
	RELAY_ANY = -1,
};

#define RELAY_PORTS 6
#define RELAY_LOG 4096

/* In the calls below: message RELAY_ANY: all; port: where a frame comes from, -1: all. */

struct relay_frame {
	int message, port;
	long long at_us;   /* when it came, as now_us() */
	bool passed;       /* it was forwarded, at once or later */
	uint8_t dst[6];    /* Ethernet address */
	uint32_t xid;      /* DHCP */
	uint8_t ip[4];     /* DHCPv4: yiaddr; ARP: the target */
	uint8_t ciaddr[4]; /* DHCPv4; ARP: the sender's */
	uint8_t to[16];    /* destination of the packet; IPv4 in the first four bytes */
};

/* Starts the thread. */
void relay_start(void);

/* "vnl=ptp://…" of the next port, to configure a stack. *port, unless NULL, becomes its number. */
const char *relay_plug(int *port);

/* How many such frames have come, dropped ones too. */
int relay_count(int message, int port);
/* Waits until n such frames have come, dropped ones too. False when the time has passed. */
bool relay_wait(int message, int port, int n, int timeout_ms);
/* The n-th such frame, from 0 on. It must be there. */
struct relay_frame relay_nth(int message, int port, int n);
/* Forgets the log and the counts. The rules stay, and count from 0 again. */
void relay_reset(void);

/* Drops the frames number first to last (from 0 on) that match; last -1: all that follow. */
void relay_drop(int message, int port, int first, int last);
/* Drops all that match and have the Ethernet address of one receiver. */
void relay_drop_unicast(int message, int port);
/* Sends each frame that matches twice. */
void relay_double(int message, int port);
/* Holds frames that match back until relay_release(). At most 64. */
void relay_hold(int message, int port);
void relay_release(void);
/* Removes all rules. */
void relay_obey(void);
/* A port that is cut passes nothing in both directions; its interface keeps the carrier. */
void relay_cut(int port, bool cut);
/* Sends a frame of the case to one port. */
void relay_inject(int port, const void *frame, unsigned len);
/* Writes all frames that come from now on to a pcap file. */
void relay_capture(const char *path);
/* Prints the log: for a case that fails. */
void relay_print(void);

#endif
