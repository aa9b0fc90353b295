/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_WIRE_ROLES_H
#define VS_WIRE_ROLES_H

/* The names under which the library's file is executed as a program. */

#define VS_KEEPER_NAME "vdestack-keeper" /* 15 bytes: all that fits in a task's name */
#define VS_KEEPER_LOCAL "local" /* its argument: it shares a user namespace, see keeper/local.c */
#define VS_RUNNER_NAME "vdestack-runner"

#endif
