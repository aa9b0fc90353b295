/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_KEEPER_CAPTURE_H
#define VS_KEEPER_CAPTURE_H

/* Captures and wire taps of interfaces: the requests, on the networking thread of the stack. */

struct vs_iface;
struct vs_net;

/* Each answers n->call. iface: NULL if there is none of that name. */
void vs_capture_request(struct vs_net *n, struct vs_iface *iface);
void vs_wiretap_request(struct vs_net *n, struct vs_iface *iface);

/* Whether the sender may see and send frames; else answers. */
int vs_capture_allowed(struct vs_net *n, const struct vs_iface *iface);

#endif
