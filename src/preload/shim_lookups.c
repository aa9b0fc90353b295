/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Loads the library of lookups when it is first needed (lookups.c says why).
 *
 * libc loads its own modules for names as late (nsswitch.conf(5)), and needs for that what is needed here:
 * memory, a free descriptor for a moment, and the file. On failure a lookup fails with ELIBACC. It never
 * becomes libc's: libc would ask the host's name servers.
 *
 * The file stands beside the shim. By its path another file could be found after the program has changed its
 * root: one that another user has put there, and it would run with the program's rights. So a program that
 * calls chroot(2) gets the library before. And nothing is loaded if the root is another one than at the
 * start, which chroot(2) by a raw system call and pivot_root(2) lead to.
 *
 * A child of vfork(2) loads nothing: its parent would find a library that it has not loaded.
 */

#include "shim_lookups.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shim.h"

static struct stat root; /* at the start; constant after the constructor */
static bool root_known;
static _Atomic(const struct vs_lookups *) loaded;

void vs_shim_lookups_start(void)
{
	root_known = stat("/", &root) == 0;
}

static bool same_root(void)
{
	struct stat now;

	return root_known && stat("/", &now) == 0 && now.st_dev == root.st_dev && now.st_ino == root.st_ino;
}

/* The file beside the shim's own. False: the shim has no absolute path, or a very long one. */
static bool find_file(char path[PATH_MAX])
{
	static const char here; /* an address in this file */
	Dl_info own;

	if (dladdr(&here, &own) == 0 || own.dli_fname == NULL || own.dli_fname[0] != '/')
		return false;
	int folder = (int)(strrchr(own.dli_fname, '/') - own.dli_fname);
	return snprintf(path, PATH_MAX, "%.*s/" VS_LOOKUPS_FILE, folder, own.dli_fname) < PATH_MAX;
}

static const struct vs_lookups *load(void)
{
	char path[PATH_MAX];

	if (!vs_shim_own_process() || !same_root() || !find_file(path))
		return NULL;
	void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	void *found = library != NULL ? dlsym(library, VS_LOOKUPS_START) : NULL;
	if (found == NULL)
		return NULL;
	return ((vs_lookups_start_fn *)(uintptr_t)found)(VS_LOOKUPS_VERSION, vs_shim_door);
}

const struct vs_lookups *vs_shim_lookups(void)
{
	const struct vs_lookups *table = atomic_load(&loaded);

	if (table != NULL)
		return table;
	table = load(); /* two threads get the same table */
	if (table != NULL)
		atomic_store(&loaded, table);
	else
		errno = ELIBACC;
	return table;
}

VS_SHIM_EXPORT int chroot(const char *path)
{
	if (vs_shim_state() == VS_SHIM_IN_RUN) {
		VS_SHIM_INSIDE;
		int saved = errno;
		(void)vs_shim_lookups();
		errno = saved;
	}
	return (int)syscall(SYS_chroot, path);
}
