/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_DNS_PROCESS_H
#define VS_DNS_PROCESS_H

#include <stdint.h>

/*
 * A number that this process has, and none of those it was forked from or has forked. A process identifier is
 * not enough: in a PID namespace of its own a child may have that of its parent. 0: out of memory.
 */
uint64_t vs_process_number(void);

#endif
