/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Whether a program that has closed its doors may come back.
 *
 * The length is sealed, so the program's memory cannot lose the page. Whether more seals may be added is
 * not.
 */

#include "holds.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

int vs_holds_new(void)
{
	const unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	VS_AUTO_CLOSE file = memfd_create("vdestack-holds", flags | MFD_NOEXEC_SEAL);

	if (file < 0 && errno == EINVAL) /* before Linux 6.3 */
		file = memfd_create("vdestack-holds", flags);
	if (file < 0 || ftruncate(file, VS_HOLDS_BYTES) < 0 ||
	    fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) < 0)
		return -errno;
	return vs_steal_fd(&file);
}

static bool is_on_page(int file, uint64_t stack)
{
	uint64_t ids[VS_HOLDS_PLACES];

	if (pread(file, ids, sizeof(ids), 0) != (ssize_t)sizeof(ids))
		return false;
	for (size_t i = 0; i < VS_HOLDS_PLACES; i++)
		if (ids[i] == stack)
			return true;
	return false;
}

bool vs_holds_over(int file)
{
	return (fcntl(file, F_GET_SEALS) & F_SEAL_WRITE) != 0;
}

enum vs_hold vs_holds_ask(int file, uint64_t stack)
{
	if (file < 0 || !is_on_page(file, stack))
		return VS_HOLD_NONE;
	if (fcntl(file, F_ADD_SEALS, F_SEAL_WRITE) < 0 && errno == EBUSY)
		return VS_HOLD_KEPT;
	return VS_HOLD_OVER;
}
