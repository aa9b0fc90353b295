/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Guests of a stack: other processes that may change its sysctls. A command with what it leaves behind is
 * one guest. A namespace that was handed out or adopted is one guest for as long as the stack lives.
 *
 * They are counted here and on the change page, where the program reads the number. A command's runner
 * says on its life that no process is left. A runner that is killed does not say it, nor does a caller that
 * fails between this request and the start of the runner: then the stack has a guest until its end, and the
 * program waits for each of its sockets.
 */

#include "guests.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "keeper.h"
#include "net.h"
#include "wire/changes.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

static int new_file(void)
{
	const unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int fd = memfd_create("vdestack-changes", flags | MFD_NOEXEC_SEAL);

	if (fd < 0 && errno == EINVAL) /* before Linux 6.3 */
		fd = memfd_create("vdestack-changes", flags);
	return fd;
}

/* After our own mapping. Nobody can make another one for writing from then on, or change the length. */
static int seal(int fd)
{
	return fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL);
}

struct vs_changes *vs_changes_new(int *fd)
{
	VS_AUTO_CLOSE file = new_file();
	void *page = MAP_FAILED;

	*fd = -1;
	if (file >= 0 && ftruncate(file, VS_CHANGES_BYTES) == 0)
		page = mmap(NULL, VS_CHANGES_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	if (page == MAP_FAILED)
		return NULL;
	if (seal(file) < 0) {
		(void)munmap(page, VS_CHANGES_BYTES);
		return NULL;
	}
	*fd = vs_steal_fd(&file);
	return page;
}

void vs_guests_begin(struct vs_net *n, uint64_t id)
{
	n->changes = vs_changes_of(n->keeper->changes, id);
	if (n->changes != NULL)
		atomic_fetch_add(&n->changes->guests, n->guests);
}

void vs_guests_note_change(struct vs_net *n)
{
	if (n->changes != NULL)
		atomic_fetch_add(&n->changes->changes, 1);
}

void vs_guests_enter(struct vs_net *n)
{
	pthread_mutex_lock(&n->keeper->lock);
	n->guests++;
	if (n->changes != NULL)
		atomic_fetch_add(&n->changes->guests, 1);
	pthread_mutex_unlock(&n->keeper->lock);
	vs_guests_note_change(n);
}

void vs_guests_leave_locked(struct vs_net *n)
{
	n->guests--;
	if (n->changes != NULL)
		atomic_fetch_sub(&n->changes->guests, 1);
}

void vs_guests_end(struct vs_net *n)
{
	pthread_mutex_lock(&n->keeper->lock);
	while (n->guests > 0)
		vs_guests_leave_locked(n);
	pthread_mutex_unlock(&n->keeper->lock);
}
