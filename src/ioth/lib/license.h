/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_IOTH_LICENSE_H
#define VS_IOTH_LICENSE_H

/*
 * Whether a program may load a plugin. Licences are SPDX identifiers, in any case, and
 * "SPDX-License-Identifier:" may stand before them. NULL: unknown. Pure.
 */

#include <stdbool.h>

bool vs_license_allows(const char *plugin, const char *program);

/* The licence that ioth_set_license() has set; NULL: none. Valid for ever. */
const char *vs_license_of_program(void);

#endif
