/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PRELOAD_QUESTIONS_H
#define VS_PRELOAD_QUESTIONS_H

/*
 * Requests of ioctl(2) that read something about an interface, netdevice(7). Programs send them to sockets of
 * any family. On a socket of the stack they are about the stack. On a unix socket, which is in the host's
 * network, they would be about the host.
 */

#include <linux/sockios.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static const uint32_t vs_questions[] = {
	SIOCGIFNAME,    SIOCGIFCONF,    SIOCGIFFLAGS,  SIOCGIFADDR, SIOCGIFDSTADDR,
	SIOCGIFBRDADDR, SIOCGIFNETMASK, SIOCGIFMETRIC, SIOCGIFMTU,  SIOCGIFHWADDR,
	SIOCGIFINDEX,   SIOCGIFTXQLEN,  SIOCGIFMAP,    SIOCETHTOOL,
};
#define VS_N_QUESTIONS (sizeof(vs_questions) / sizeof(vs_questions[0]))

static inline bool vs_is_question(unsigned long request)
{
	for (size_t i = 0; (request & 0xff00) == (SIOCGIFNAME & 0xff00) && i < VS_N_QUESTIONS; i++)
		if (vs_questions[i] == (uint32_t)request)
			return true;
	return false;
}

#endif
