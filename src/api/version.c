/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <vdestack.h>

const char *vdestack_version(void)
{
	return VS_VERSION;
}
