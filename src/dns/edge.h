/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_DNS_EDGE_H
#define VS_DNS_EDGE_H

/*
 * Calls of this library that report by errno, as those of libvdestack do: vdestack_dial(), vdestack_listen().
 */

/* Records a message, sets errno to err and returns -1. err > 0. */
__attribute__((format(printf, 2, 3))) int vs_dns_edge(int err, const char *fmt, ...);

/*
 * The errno for a failed lookup: ENOENT (no such name, no address of this kind, no such service), EAGAIN (no
 * useful answer), ENOMEM... For EAI_SYSTEM it is errno as it is now.
 */
int vs_dns_errno_of(int code);

/* The code says only that there is nothing of this kind; it is no failure of a server or of the program. */
int vs_dns_is_absence(int code);

#endif
