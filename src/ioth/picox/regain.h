/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PX_REGAIN_H
#define PX_REGAIN_H

/* Networks that have gone are opened again, until they are back or the interface is removed. */

#include <stdint.h>

struct px_iface;
struct vs_link;

/* The interface has lost its network, and has closed its link. */
void px_regain(struct px_iface *iface);
/* opener.c: an attempt for the interface with this serial number has ended. It takes the link. */
void px_regain_opened(uint64_t serial, int result, struct vs_link *link);

#endif
