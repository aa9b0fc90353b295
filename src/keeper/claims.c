/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Whether a program that has closed its doors may come back.
 *
 * The length is sealed, so the program's memory cannot lose the page. Whether more seals may be added is
 * not.
 */

#include "claims.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

int vs_claims_new(void)
{
	const unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	VS_AUTO_CLOSE file = memfd_create("vdestack-claims", flags | MFD_NOEXEC_SEAL);

	if (file < 0 && errno == EINVAL) /* before Linux 6.3 */
		file = memfd_create("vdestack-claims", flags);
	if (file < 0 || ftruncate(file, VS_CLAIMS_BYTES) < 0 ||
	    fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) < 0)
		return -errno;
	return vs_steal_fd(&file);
}

static bool is_on_page(int file, uint64_t stack)
{
	uint64_t ids[VS_CLAIMS_PLACES];

	if (pread(file, ids, sizeof(ids), 0) != (ssize_t)sizeof(ids))
		return false;
	for (size_t i = 0; i < VS_CLAIMS_PLACES; i++)
		if (ids[i] == stack)
			return true;
	return false;
}

bool vs_claims_over(int file)
{
	return (fcntl(file, F_GET_SEALS) & F_SEAL_WRITE) != 0;
}

enum vs_claim vs_claims_ask(int file, uint64_t stack)
{
	if (file < 0 || !is_on_page(file, stack))
		return VS_CLAIM_NONE;
	if (fcntl(file, F_ADD_SEALS, F_SEAL_WRITE) < 0 && errno == EBUSY)
		return VS_CLAIM_KEPT;
	return VS_CLAIM_OVER;
}
