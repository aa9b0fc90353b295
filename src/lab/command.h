/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_LAB_COMMAND_H
#define VS_LAB_COMMAND_H

#include <stddef.h>

struct vdestack_cmd_opts;
struct vdestack_lab;

/*
 * vdestack_spawn() in a host, with the names of the lab. *pidfd is written on success, *status_fd if
 * status_fd is not NULL.
 */
int vs_lab_spawn(struct vdestack_lab *lab, size_t host, char *const argv[],
		 const struct vdestack_cmd_opts *opts, int *pidfd, int *status_fd);

#endif
