/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <vdestack.h>

const char *vdestack_version(void)
{
	return VS_VERSION;
}

unsigned vdestack_version_number(void)
{
	return VDESTACK_VERSION_NUMBER;
}
