/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_KEEPER_KEEPER_STATS_H
#define VS_KEEPER_KEEPER_STATS_H

struct vs_net;

/* Serves the request VS_OP_KEEPER_STATS under way (n->call), and replies. */
void vs_keeper_stats_request(struct vs_net *n);

#endif
