/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* An object that links the library and does nothing when it is loaded. */

#include <vdestack.h>

int linking_makes_stack(void);

__attribute__((visibility("default"))) int linking_makes_stack(void)
{
	return vde_addstack("null://", NULL) != NULL;
}
