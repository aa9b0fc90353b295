/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a keeper needs that is built with the thread sanitizer.
 *
 * A race ends the keeper, so that the test that runs notices. The keeper has no standard error:
 * TSAN_OPTIONS=log_path=FILE shows the report. It may not start the program that finds names for addresses.
 *
 * libvdeplug loads plugins with RTLD_DEEPBIND, which the sanitizer refuses, because such objects would use
 * another malloc(). Here they are loaded without. Plugins have races of their own: one sends on a socket
 * while another thread accepts the next one. Reports with a function of a plugin in them are left out.
 */

#include <dlfcn.h>

extern const char *__tsan_default_options(void);
extern const char *__tsan_default_suppressions(void);
extern void *__interceptor_dlopen(const char *file, int mode);

__attribute__((visibility("default"), used)) const char *__tsan_default_options(void)
{
	return "halt_on_error=1:symbolize=0:report_thread_leaks=0";
}

__attribute__((visibility("default"), used)) const char *__tsan_default_suppressions(void)
{
	return "race:libvdeplug_\n";
}

__attribute__((visibility("default"), used)) void *dlopen(const char *file, int mode)
{
	return __interceptor_dlopen(file, mode & ~RTLD_DEEPBIND);
}
