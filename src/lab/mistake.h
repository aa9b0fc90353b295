/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_LAB_MISTAKE_H
#define VS_LAB_MISTAKE_H

#include "topology.h"

/* What is wrong with a text, and where. */
struct vs_lab_mistake {
	struct vs_lab_place place;
	char why[320]; /* cause and remedy, printable ASCII */
};

/* -EINVAL with a message about a place. "%s" of words that users wrote goes through vs_lab_shown(). */
__attribute__((format(printf, 3, 4))) int vs_lab_wrong(struct vs_lab_mistake *m, struct vs_lab_place place,
						       const char *fmt, ...);
/* A word for a message: at most 40 printable characters. The result is one of 4 buffers of this thread. */
const char *vs_lab_shown(const char *word);

#endif
