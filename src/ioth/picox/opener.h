/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PX_OPENER_H
#define PX_OPENER_H

/* Opening networks, which may take for ever. */

#include <stdint.h>

struct vs_link;

/* iface.c: makes the interface on a link that is open, which it takes. Its index, or -errno. */
int px_iface_attach(const char *name, const char *vnl, struct vs_link *link);

/* Opens the network of an interface again; px_regain_opened() follows if 0 is returned. -ENOMEM, -EAGAIN. */
int px_opener_again(const char *vnl, uint64_t serial);

int px_opener_start(void);

#endif
