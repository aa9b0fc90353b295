/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What of the program's environment a process gets that the library starts.
 *
 * An ordinary program's is its user's: VDEPLUGIN_PATH and LD_LIBRARY_PATH are features there. The
 * keeper gets all but what would load other code into it or trace it. A runner gets all,
 * because its command shall.
 *
 * The environment of a program with more rights than its caller (set-user-ID, set-group-ID, file
 * capabilities) is the caller's. The C library ignores and removes what is dangerous when such a
 * program starts, but not what libvdeplug and others read, and the keeper's own start is an
 * ordinary one. So both get only what is on a list, of values that cannot name a file of the
 * caller's, and a PATH of the system's directories. Not on it: HOME, TMPDIR, XDG_RUNTIME_DIR
 * and everything for the dynamic linker, the C library and libvdeplug. What a command of such a
 * program gets is the program's own affair, as with any exec: it travels with the order to the runner.
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

/* The C library looks for a time zone below its own directory, unless the value says otherwise. */
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
