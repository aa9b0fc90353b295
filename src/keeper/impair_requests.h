/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_KEEPER_IMPAIR_REQUESTS_H
#define VS_KEEPER_IMPAIR_REQUESTS_H

struct vs_net;

/* Serves the request VS_OP_IMPAIR, VS_OP_IMPAIRED or VS_OP_FLAP under way (n->call), and replies. */
void vs_impair_request(struct vs_net *n);

#endif
