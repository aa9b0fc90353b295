/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_RUNNER_RUNNER_H
#define VS_RUNNER_RUNNER_H

/* The runner's main(): from its start to its end. Returns the exit status of its process. */
int vs_runner_main(void);

#endif
