/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_KEEPER_SYSCTL_H
#define VS_KEEPER_SYSCTL_H

struct vs_net;

/* Serves the request VS_OP_SYSCTL_SET or VS_OP_SYSCTL_GET under way (n->call), and replies. */
void vs_sysctl_do(struct vs_net *n);

#endif
