/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_CORE_KEEPER_START_H
#define VS_CORE_KEEPER_START_H

#include <stdint.h>
#include <sys/types.h>

#include "keepers.h"

/*
 * As vs_keepers_hold(), but always starts a new keeper, which belongs to the caller. The caller holds the
 * process lock.
 */
int vs_keepers_start(enum vs_variant variant, int adopt, int64_t deadline_ms, struct vs_keeper_link **out);

/* Unmaps its change page and its claim page. */
void vs_keeper_forget_pages(struct vs_keeper_link *k);

/* The PID namespace that this process is in; 0: not known. */
ino_t vs_keepers_pid_ns(void);

#endif
