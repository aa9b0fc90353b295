/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_CORE_EXECUTED_H
#define VS_CORE_EXECUTED_H

#include <stdbool.h>

/*
 * True in a keeper or runner: the kernel has executed this library's file, and no program has loaded it. What
 * only programs need is not prepared then. False also if the dynamic linker was executed and has loaded the
 * file. Can be called in constructors.
 */
bool vs_executed(void);

#endif
