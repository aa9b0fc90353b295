/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_LAB_DEADLINE_H
#define VS_LAB_DEADLINE_H

#include <stdint.h>

/* A moment until which something may take, of CLOCK_MONOTONIC; -1: no limit. */
int64_t vs_lab_deadline(int timeout_ms);
int64_t vs_lab_sooner(int64_t a, int64_t b);
/* What is left in milliseconds, for poll(2): -1 without limit, 0 when it has passed. */
int vs_lab_left_ms(int64_t deadline);

#endif
