/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PUMP_SELFTEST_H
#define VS_PUMP_SELFTEST_H

/* Whether segmentation and coalescing do on this machine what they should, tried on known frames. */

/* Tries them. Gives the VS_OFFLOAD_... that are sound; without memory none. Takes less than a millisecond. */
unsigned vs_selftest_run(void);

/* The same, tried once in the life of the process. From any thread. */
unsigned vs_selftest_sound(void);

#endif
