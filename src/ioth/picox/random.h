/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PX_RANDOM_H
#define PX_RANDOM_H

/* Before lwIP starts. 0 or -errno. */
int px_random_start(void);
/* The secret of sequence numbers; the same. */
int px_sequence_start(void);

#endif
