/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_KEEPER_RTNL_H
#define VS_KEEPER_RTNL_H

struct nl_msg;

/*
 * Sends a request on a plain rtnetlink socket and waits for the kernel's verdict: 0 or the
 * kernel's -errno; -ETIMEDOUT after 5 s. Takes msg (NULL gives -ENOMEM).
 */
int vs_rtnl_talk(int fd, struct nl_msg *msg);

#endif
