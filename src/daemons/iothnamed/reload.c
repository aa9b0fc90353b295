/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Bases can be names, and the servers that know them may be slow. So a thread reads the file and looks them
 * up. It lives for one reading, and has the new configuration for itself: the server's is not touched. Its
 * end is an event for the loop, which joins it before it looks at what it has made. Messages are lines of
 * their own.
 *
 *     idle --begin--> running --ready, take--> idle, or running if it was asked for meanwhile
 */

#include "reload.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "bases.h"

int nm_reload_open(struct nm_reload *r, const char *path, struct ioth *forward)
{
	*r = (struct nm_reload){ .path = path, .forward = forward };
	r->ready = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return r->ready < 0 ? -errno : 0;
}

/* What the program has been started with may be a pipe: it is empty, or without an end. */
static bool is_file(const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
		dm_report(DM_ERROR, "cannot read %s again: it is no regular file", path);
		return false;
	}
	return true;
}

static void *read_file(void *arg)
{
	struct nm_reload *r = arg;

	r->fresh = is_file(r->path) ? nm_config_read(r->path) : NULL;
	if (r->fresh != NULL && nm_bases_find(r->fresh, r->forward, r->path, &r->stop) < 0) {
		nm_config_free(r->fresh);
		r->fresh = NULL;
	}
	(void)eventfd_write(r->ready, 1);
	return NULL;
}

void nm_reload_begin(struct nm_reload *r)
{
	if (r->running) {
		r->again = true;
		return;
	}
	int e = pthread_create(&r->thread, NULL, read_file, r);
	if (e != 0)
		dm_report(DM_ERROR, "cannot read %s: %s; the old configuration stays in use", r->path,
			  strerror(e));
	r->running = e == 0;
}

struct nm_config *nm_reload_take(struct nm_reload *r)
{
	eventfd_t count;

	if (!r->running || eventfd_read(r->ready, &count) < 0)
		return NULL;
	(void)pthread_join(r->thread, NULL);
	struct nm_config *fresh = vs_steal_ptr(r->fresh);
	r->running = false;
	if (r->again) {
		r->again = false;
		nm_reload_begin(r);
	}
	return fresh;
}

void nm_reload_close(struct nm_reload *r)
{
	atomic_store(&r->stop, true);
	if (r->running)
		(void)pthread_join(r->thread, NULL);
	nm_config_free(vs_steal_ptr(r->fresh));
	r->running = false;
	vs_close(vs_steal_fd(&r->ready));
}
