/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Which variables of the program's environment its keeper and its runners get.
 *
 * In an ordinary program the environment belongs to its user, and VDEPLUGIN_PATH and LD_LIBRARY_PATH are
 * features. The keeper gets all variables except those that would load other code into it or trace it. A
 * runner gets all, because its command needs them.
 *
 * In a program with more rights than its caller (set-user-ID, set-group-ID, file capabilities) the
 * environment comes from the caller. The C library ignores and removes dangerous variables when such a
 * program starts. It does not remove what libvdeplug and other libraries read, and the start of the keeper
 * is an ordinary one. So keeper and runner get only the variables of a list, with values that cannot name a
 * file of the caller's, and a PATH of the system's directories. Not on the list: HOME, TMPDIR,
 * XDG_RUNTIME_DIR, and everything for the dynamic linker, the C library and libvdeplug. The environment of
 * a command of such a program is the program's responsibility, as with any exec. It is in the request to
 * the runner.
 */

#include "environment.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

static char safe_path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";

bool vs_environment_secure(void)
{
	return getauxval(AT_SECURE) != 0;
}

static bool starts(const char *entry, const char *with)
{
	return strncmp(entry, with, strlen(with)) == 0;
}

/* For the keeper of an ordinary program. GLIBC_TUNABLES stays: it loads nothing. */
static bool is_harmless(const char *entry)
{
	static const char *const unwanted[] = {
		"LD_PRELOAD=", "LD_AUDIT=", "LD_DEBUG=", "LD_BIND_NOW=", "LD_PROFILE=", "LD_SHOW_AUXV=",
	};

	for (size_t i = 0; i < sizeof(unwanted) / sizeof(unwanted[0]); i++)
		if (starts(entry, unwanted[i]))
			return false;
	return true;
}

/* True if the C library looks for this time zone only below its own directory. */
static bool is_zone(const char *value)
{
	return value[0] != '/' && value[0] != ':' && strstr(value, "..") == NULL;
}

/* For all processes of a program with more rights than its caller. */
static bool is_allowed(const char *entry)
{
	static const char *const words[] = {
		"LANG=", "LANGUAGE=", "LC_", "TERM=", "VDESTACK_PORT=", "VDESTACK_NO_OFFLOAD=",
	};

	if (starts(entry, "TZ="))
		return is_zone(entry + 3);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (starts(entry, words[i]))
			return strpbrk(entry, "/%") == NULL; /* neither a path nor a format */
	return false;
}

static bool is_anything(const char *entry)
{
	(void)entry;
	return true;
}

static char **choose(bool (*wanted)(const char *entry), char *first)
{
	size_t n = 0, kept = 0;

	while (environ != NULL && environ[n] != NULL)
		n++;
	char **copy = calloc(n + 2, sizeof(*copy));
	if (copy != NULL && first != NULL)
		copy[kept++] = first;
	for (size_t i = 0; copy != NULL && i < n; i++)
		if (wanted(environ[i]))
			copy[kept++] = environ[i];
	return copy;
}

char **vs_environment_of_keeper(void)
{
	return vs_environment_secure() ? choose(is_allowed, safe_path) : choose(is_harmless, NULL);
}

char **vs_environment_of_runner(void)
{
	return vs_environment_secure() ? choose(is_allowed, safe_path) : choose(is_anything, NULL);
}
