/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What the process needs that is built with the address sanitizer.
 *
 * A memory error ends the process, so calls of the stack fail and the test notices. The process has no
 * standard error: ASAN_OPTIONS=log_path=FILE shows the report.
 *
 * libvdeplug loads plugins with RTLD_DEEPBIND, which the sanitizer refuses, because such objects would use
 * another malloc(). Here they are loaded without.
 */

#include <dlfcn.h>

extern const char *__asan_default_options(void);
extern void *__interceptor_dlopen(const char *file, int mode);

/* The process ends by _exit(2), with its stack still in memory. */
__attribute__((visibility("default"), used)) const char *__asan_default_options(void)
{
	return "detect_leaks=0:symbolize=0";
}

__attribute__((visibility("default"), used)) void *dlopen(const char *file, int mode)
{
	return __interceptor_dlopen(file, mode & ~RTLD_DEEPBIND);
}
