/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Where plugins are, and how they are loaded.
 *
 * The places, in this order: each directory of IOTH_PATH, $HOME/.ioth, and the system's directory. In each,
 * ioth_NAME-r.so is loaded once for all stacks, into the program's own namespace of symbols. ioth_NAME.so is
 * loaded anew for each stack (dlmopen(3)) and so has variables of its own. The first that can be loaded is
 * taken. The environment does not count in a program with rights that its caller does not have (AT_SECURE).
 * A relative HOME, or none, does not count either: the current directory is no place to load code from.
 *
 * The system's directory is "ioth" beside the file of this library, in the build tree too, and then the one
 * that was configured.
 *
 * A plugin exports its functions as ioth_NAME_FUNCTION. A file with the name X_n is plugin X by another
 * name: what it does not export as ioth_X_n_... is taken from ioth_X_... . So its licence counts in both
 * cases.
 *
 * Plugins of the first kind are not unloaded: their threads and exit handlers may be anywhere in their
 * code.
 */

#include "loader.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "error.h"
#include "license.h"

/* A search: the name, what was found, and what went wrong in each place. */
struct search {
	const char *name;
	void *handle;
	bool own_copy; /* in a namespace of its own */
	char why[1600];
	size_t why_len;
};

/* ------------------------------------------------------------------ one file */

__attribute__((format(printf, 2, 3))) static void explain(struct search *s, const char *fmt, ...)
{
	size_t room = sizeof(s->why) - s->why_len;
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(s->why + s->why_len, room, fmt, ap);
	va_end(ap);
	if (n > 0)
		s->why_len += (size_t)n < room ? (size_t)n : room - 1;
}

static const char *remedy(const char *why)
{
	/* glibc has room for the variables of threads of a few namespaces only: that is used up first. */
	if (strstr(why, "namespace") != NULL || strstr(why, "static TLS") != NULL)
		return " (glibc has 16 namespaces of symbols, DL_NNS, for a process, and room for fewer "
		       "unless "
		       "GLIBC_TUNABLES=glibc.rtld.nns=16 is set: use fewer stacks of this kind, or the "
		       "plugin "
		       "whose file ends with -r.so, which all stacks share)";
	return "";
}

static bool try_file(struct search *s, const char *path, bool own_copy)
{
	if (access(path, F_OK) < 0) {
		explain(s, "; %s: %s", path, strerror(errno));
		return false;
	}
	s->handle = own_copy ? dlmopen(LM_ID_NEWLM, path, RTLD_NOW | RTLD_LOCAL)
			     : dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	s->own_copy = own_copy;
	if (s->handle != NULL)
		return true;
	const char *why = dlerror();
	if (why == NULL)
		why = "cannot be loaded";
	explain(s, "; %s: %s%s", path, why, remedy(why));
	return false;
}

/* ------------------------------------------------------------------ one directory */

static bool try_directory(struct search *s, const char *dir, size_t dir_len, const char *below)
{
	static const struct {
		const char *end;
		bool own_copy;
	} kinds[] = { { "-r.so", false }, { ".so", true } };

	for (size_t i = 0; i < 2; i++) {
		char *path = NULL;
		if (asprintf(&path, "%.*s%s/ioth_%s%s", (int)dir_len, dir, below, s->name, kinds[i].end) <
		    0) {
			explain(s, "; out of memory");
			return false;
		}
		bool found = try_file(s, path, kinds[i].own_copy);
		free(path);
		if (found)
			return true;
	}
	return false;
}

static bool try_list(struct search *s, const char *list)
{
	for (;;) {
		size_t len = strcspn(list, ":");
		if (len > 0 && len < PATH_MAX && try_directory(s, list, len, ""))
			return true;
		if (list[len] == '\0')
			return false;
		list += len + 1;
	}
}

/* ------------------------------------------------------------------ all places */

static bool try_environment(struct search *s)
{
	if (getauxval(AT_SECURE) != 0)
		return false;
	const char *list = getenv("IOTH_PATH"), *home = getenv("HOME");

	if (list != NULL && try_list(s, list))
		return true;
	return home != NULL && home[0] == '/' && strlen(home) < PATH_MAX &&
	       try_directory(s, home, strlen(home), "/.ioth");
}

static bool try_system(struct search *s)
{
	Dl_info info;
	const char *slash = NULL;

	if (dladdr((const void *)(uintptr_t)&vs_plugin_load, &info) != 0 && info.dli_fname != NULL)
		slash = strrchr(info.dli_fname, '/');
	if (slash != NULL && try_directory(s, info.dli_fname, (size_t)(slash - info.dli_fname), "/ioth"))
		return true;
	if (slash != NULL) {
		size_t len = (size_t)(slash - info.dli_fname);
		if (strncmp(info.dli_fname, VS_IOTH_DIR, len) == 0 && strcmp(&VS_IOTH_DIR[len], "/ioth") == 0)
			return false;
	}
	return try_directory(s, VS_IOTH_DIR, sizeof(VS_IOTH_DIR) - 1, "");
}

/* ------------------------------------------------------------------ what it exports */

static void *find_symbol(const struct search *s, const char *function)
{
	size_t len = strlen(s->name);
	char *symbol = NULL;
	void *address = NULL;

	if (asprintf(&symbol, "ioth_%s_%s", s->name, function) < 0)
		return NULL;
	address = dlsym(s->handle, symbol);
	free(symbol);
	if (address != NULL || len < 3 || strcmp(s->name + len - 2, "_n") != 0)
		return address;
	if (asprintf(&symbol, "ioth_%.*s_%s", (int)len - 2, s->name, function) < 0)
		return NULL;
	address = dlsym(s->handle, symbol);
	free(symbol);
	return address;
}

#define MEMBER(name)                                                                                         \
	{                                                                                                    \
#name, offsetof(struct ioth_functions, name)                                                 \
	}

static const struct {
	const char *name;
	size_t offset;
} members[] = {
	MEMBER(newstack),    MEMBER(delstack),   MEMBER(socket),   MEMBER(close),       MEMBER(bind),
	MEMBER(connect),     MEMBER(listen),     MEMBER(accept),   MEMBER(getsockname), MEMBER(getpeername),
	MEMBER(setsockopt),  MEMBER(getsockopt), MEMBER(shutdown), MEMBER(ioctl),       MEMBER(fcntl),
	MEMBER(read),        MEMBER(readv),      MEMBER(recv),     MEMBER(recvfrom),    MEMBER(recvmsg),
	MEMBER(write),       MEMBER(writev),     MEMBER(send),     MEMBER(sendto),      MEMBER(sendmsg),
	MEMBER(accept4),     MEMBER(recvmmsg),   MEMBER(sendmmsg), MEMBER(socketpair),  MEMBER(getifaddrs),
	MEMBER(freeifaddrs), MEMBER(configure),  MEMBER(sources),  MEMBER(resolvconf),  MEMBER(events),
	MEMBER(wake),
};

static void fill(const struct search *s, struct ioth_functions *f)
{
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		void *address = find_symbol(s, members[i].name);
		memcpy((char *)f + members[i].offset, &address, sizeof(address));
	}
}

static int examine(const struct search *s, struct vs_plugin *plugin)
{
	const char *const *license = find_symbol(s, "license");
	const char *program = vs_license_of_program();

	*plugin = (struct vs_plugin){ .handle = s->handle, .license = license != NULL ? *license : NULL };
	if (s->own_copy)
		*(void **)&plugin->errno_location = dlsym(s->handle, "__errno_location");
	fill(s, &plugin->f);
	if (plugin->f.newstack == NULL)
		return vs_ioth_fail(
			ENOENT, "plugin %s has no function ioth_%s_newstack: it is none, or of another name",
			s->name, s->name);
	if (!vs_license_allows(plugin->license, program))
		return vs_ioth_fail(EPERM,
				    "plugin %s has the licence %s, and that of the program is %s: set "
				    "a fitting one by ioth_set_license()",
				    s->name, plugin->license, program != NULL ? program : "not known");
	return 0;
}

/* ------------------------------------------------------------------ the calls */

static int load(const char *name, struct vs_plugin *plugin)
{
	struct search s = { .name = name };

	if (!try_environment(&s) && !try_system(&s))
		return vs_ioth_fail(ENOTSUP, "cannot load plugin %s%s", name, s.why);
	int r = examine(&s, plugin);
	if (r < 0) {
		int saved = errno;
		vs_plugin_unload(s.handle);
		errno = saved;
	}
	return r;
}

int vs_plugin_load(const char *name, size_t len, struct vs_plugin *plugin)
{
	if (len == 0 || name[0] == '.' || memchr(name, '/', len) != NULL)
		return vs_ioth_fail(
			EINVAL,
			"\"%.*s\" is no name of a plugin: it is empty, begins with a dot or has a slash",
			len < 256 ? (int)len : 256, name);
	char *copy = strndup(name, len);
	if (copy == NULL)
		return vs_ioth_fail(ENOMEM, "cannot load plugin: out of memory");
	int r = load(copy, plugin);
	int saved = errno;
	free(copy);
	errno = saved;
	return r;
}

void vs_plugin_unload(void *handle)
{
	if (handle != NULL)
		(void)dlclose(handle);
}
