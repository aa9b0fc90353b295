/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Which variables of the program's environment its keeper and its runners get.
 *
 * In an ordinary program the environment belongs to its user, and VDEPLUGIN_PATH and LD_LIBRARY_PATH are
 * features. Keeper and runner get all variables except those of the dynamic linker: they would load the
 * program's preloaded objects into them, whose constructors could make stacks, or trace or stop them. Of
 * these, LD_LIBRARY_PATH stays: where the program finds the libraries that this library needs, its keeper and
 * its runners must find them too. A command gets the whole environment, with one exception. If the runner's
 * lacks something, the command's is in the request to the runner.
 *
 * The exception: an object in LD_PRELOAD that links this library is not preloaded into commands. It gives
 * programs a stack. A command is in a stack already. And if the object starts a command in a constructor, as
 * programs for libvdestack 0.1 do to set addresses, it would do the same in that command, without end.
 *
 * In a program with more rights than its caller (set-user-ID, set-group-ID, file capabilities) the
 * environment comes from the caller. The C library ignores and removes dangerous variables when such a
 * program starts. It does not remove what libvdeplug and other libraries read, and the start of the keeper
 * is an ordinary one. So keeper and runner get only the variables of a list, with values that cannot name a
 * file of the caller's, and a PATH of the system's directories. Not on the list: HOME, TMPDIR,
 * XDG_RUNTIME_DIR, and everything for the dynamic linker, the C library and libvdeplug. The environment of
 * a command of such a program is the program's responsibility, as with any exec.
 */

#include "environment.h"

#include <dlfcn.h>
#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "base/cleanup.h"

static char safe_path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";

bool vs_environment_secure(void)
{
	return getauxval(AT_SECURE) != 0;
}

static bool starts(const char *entry, const char *with)
{
	return strncmp(entry, with, strlen(with)) == 0;
}

/* In an ordinary program, see ld.so(8). GLIBC_TUNABLES stays: it loads nothing. */
static bool is_harmless(const char *entry)
{
	return !starts(entry, "LD_") || starts(entry, "LD_LIBRARY_PATH=");
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

bool vs_environment_differs(void)
{
	if (vs_environment_secure())
		return true;
	for (size_t i = 0; environ != NULL && environ[i] != NULL; i++)
		if (!is_harmless(environ[i]))
			return true;
	return false;
}

char **vs_environment_of_helper(void)
{
	return vs_environment_secure() ? choose(is_allowed, safe_path) : choose(is_harmless, NULL);
}

/* ------------------------------------------------------------------ commands */

#define PRELOAD "LD_PRELOAD="
#define BETWEEN " :" /* the entries of that variable, ld.so(8) */

/* The addresses in the dynamic section are absolute, or relative where the linker cannot write there. */
static const char *strings_of(const struct link_map *object)
{
	for (const ElfW(Dyn) *d = object->l_ld; d->d_tag != DT_NULL; d++)
		if (d->d_tag == DT_STRTAB)
			return (const char *)(d->d_un.d_ptr < object->l_addr ? object->l_addr + d->d_un.d_ptr
									      : d->d_un.d_ptr);
	return NULL;
}

/* True if the loaded object of that name links this library. */
static bool links_us(const char *name)
{
	void *handle = dlopen(name, RTLD_LAZY | RTLD_NOLOAD);
	struct link_map *object = NULL;
	bool found = false;

	if (handle == NULL)
		return false;
	if (dlinfo(handle, RTLD_DI_LINKMAP, &object) == 0 && strings_of(object) != NULL)
		for (const ElfW(Dyn) *d = object->l_ld; d->d_tag != DT_NULL; d++)
			found |= d->d_tag == DT_NEEDED &&
				 starts(strings_of(object) + d->d_un.d_val, "libvdestack");
	(void)dlclose(handle);
	return found;
}

/* Writes the variable without entries that link this library to `to`, which has the space. */
static char *write_preload(char *to, const char *entry)
{
	char *end = stpcpy(to, PRELOAD);

	for (const char *at = entry + strlen(PRELOAD); *at != '\0';) {
		size_t n = strcspn(at, BETWEEN);
		VS_AUTO_FREE char *name = strndup(at, n);
		if (n > 0 && (name == NULL || !links_us(name)))
			end = (char *)memcpy(end, at, n) + n, *end++ = ' ';
		at += n + strspn(at + n, BETWEEN);
	}
	*end = '\0';
	return to;
}

char **vs_environment_of_command(void)
{
	size_t n = 0, bytes = 1, kept = 0;

	for (; environ != NULL && environ[n] != NULL; n++)
		if (starts(environ[n], PRELOAD))
			bytes += strlen(environ[n]) + 2;
	char **copy = malloc((n + 1) * sizeof(*copy) + bytes);
	if (copy == NULL)
		return NULL;
	char *text = (char *)(copy + n + 1);
	for (size_t i = 0; i < n; i++) {
		copy[kept] = environ[i];
		if (starts(environ[i], PRELOAD)) {
			copy[kept] = write_preload(text, environ[i]);
			text += strlen(text) + 1;
			if (copy[kept][strlen(PRELOAD)] == '\0')
				continue; /* nothing is left */
		}
		kept++;
	}
	copy[kept] = NULL;
	return copy;
}
