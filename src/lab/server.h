/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_LAB_SERVER_H
#define VS_LAB_SERVER_H

#include <stddef.h>
#include <stdint.h>

struct vdestack_lab;
struct vs_lab_member;

/* Starts the command of a host and waits until it is ready. */
int vs_lab_server_begin(struct vdestack_lab *lab, size_t host, int64_t deadline);

/* Closes what is known of a server. Its stack ends it. */
void vs_lab_server_forget(struct vs_lab_member *member);

#endif
