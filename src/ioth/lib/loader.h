/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_IOTH_LOADER_H
#define VS_IOTH_LOADER_H

/*
 * Finds and loads plugins. See loader.c.
 */

#include <ioth.h>

struct vs_plugin {
	void *handle;                 /* for vs_plugin_unload() */
	int *(*errno_location)(void); /* where the errno of its own libc is; NULL: it uses the program's */
	const char *license;          /* NULL: it tells none */
	struct ioth_functions f;      /* what it exports */
};

/*
 * Loads the plugin of this name, of len bytes. 0, or -1 with errno and a message: EINVAL, ENOTSUP (no file
 * can be loaded), ENOENT (it has no newstack), EPERM (licence), ENOMEM.
 */
int vs_plugin_load(const char *name, size_t len, struct vs_plugin *plugin);

/* One that is loaded for all stacks stays. NULL is allowed. */
void vs_plugin_unload(void *handle);

#endif
