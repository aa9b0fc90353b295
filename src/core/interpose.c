/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The library's own socket(2).
 *
 * A program that is linked with libvdestack calls this function instead of libc's. So the default stack
 * works for code that does not know of stacks. It is the one symbol in which the two variants of the
 * library differ. libvdestack-nointerpose does not have it, for libraries that use stacks by
 * vdestack_msocket() and must not change the program that loads them.
 */

#include "interpose.h"

#include <sys/socket.h>

#ifndef VS_INTERPOSE
#define VS_INTERPOSE 1
#endif

const bool vs_has_socket = VS_INTERPOSE;

#if VS_INTERPOSE
__attribute__((visibility("default"))) int socket(int domain, int type, int protocol)
{
	return vs_default_socket(domain, type, protocol);
}
#endif
