/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sysctls of a stack. Names are checked here; the networking thread does the rest. */

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "core/keepers.h"
#include "core/stack.h"
#include <vdestack/conf.h>

#define NAME_MAX_BYTES 256

/* Not isalnum(3), which depends on the program's locale. */
static bool is_name_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
	       c == '-' || c == '.' || c == '/';
}

/* True for a path below a directory that cannot leave it: no empty, "." or ".." component. */
static bool is_path_below(const char *path)
{
	for (;;) {
		size_t len = strcspn(path, "/");
		if (len == 0 || (len == 1 && path[0] == '.') ||
		    (len == 2 && path[0] == '.' && path[1] == '.'))
			return false;
		if (path[len] == '\0')
			return true;
		path += len + 1;
	}
}

/* Name to path. Dots separate words only where no slash does: interfaces may have dots in their names. */
static int make_path(const char *name, char path[NAME_MAX_BYTES])
{
	size_t len = strlen(name);
	bool dotted = strchr(name, '/') == NULL;

	if (len >= NAME_MAX_BYTES)
		return -EINVAL;
	for (size_t i = 0; i <= len; i++) {
		if (i < len && !is_name_byte(name[i]))
			return -EINVAL;
		path[i] = (char)(dotted && name[i] == '.' ? '/' : name[i]);
	}
	return is_path_below(path) ? 0 : -EINVAL;
}

/* 0 and the path, or -EINVAL with a message; verb: "set". */
static int check_name(const char *verb, const char *name, char path[NAME_MAX_BYTES])
{
	if (name == NULL || make_path(name, path) < 0)
		return vs_fail(EINVAL,
			       "cannot %s sysctl \"%s\": not a name under /proc/sys/net; write it as "
			       "ipv4.ip_forward or ipv6/conf/vde0/accept_ra",
			       verb, name != NULL ? name : "(NULL)");
	return 0;
}

/* "; " and the remedy; "": there is none. */
static const char *remedy(int err)
{
	switch (err) {
	case ENOENT:
		return "; the running kernel has no such setting, or the stack no such interface";
	case EACCES:
		return "; some settings are read-only";
	case EINVAL:
	case ERANGE:
		return "; check the value";
	default:
		return "";
	}
}

static int set_sysctl(struct vdestack *stack, const char *name, const char *value)
{
	char path[NAME_MAX_BYTES];
	int r = check_name("set", name, path);

	if (r < 0)
		return r;
	if (value == NULL)
		return vs_fail(EINVAL, "cannot set sysctl %s: the value is NULL; give a text", name);
	r = vs_keepers_sealed("cannot set a sysctl");
	if (r < 0)
		return r;
	r = vs_stack_sysctl_set(stack, path, value);
	if (r == -EPERM) /* the keeper's message says who may */
		return vs_fail_step(EPERM, "cannot set sysctl %s", name);
	if (r < 0)
		return vs_fail(-r, "cannot set sysctl %s to \"%.64s\": %s%s", name, value, strerror(-r),
			       remedy(-r));
	return 0;
}

/* Reads into memory of its own, so that a value is never written to buf in part. */
static int get_sysctl(struct vdestack *stack, const char *name, char *buf, size_t size)
{
	char path[NAME_MAX_BYTES];
	VS_AUTO_FREE char *value = NULL;
	int len = check_name("get", name, path);

	if (len < 0)
		return len;
	if (buf == NULL || size == 0)
		return vs_fail(EINVAL, "cannot get sysctl %s: there is no buffer for the value; give one",
			       name);
	/* Besides the size - 1 bytes that are wanted there are a final newline and a NUL. */
	value = size < SIZE_MAX - 2 ? malloc(size + 2) : NULL;
	if (value == NULL)
		return vs_fail(ENOMEM, "cannot get sysctl %s: %s; give a smaller buffer", name,
			       strerror(ENOMEM));
	len = vs_stack_sysctl_get(stack, path, value, size + 2);
	if (len > 0 && value[len - 1] == '\n')
		len--;
	if (len >= 0 && (size_t)len >= size)
		len = -ERANGE;
	if (len < 0)
		return vs_fail(-len, "cannot get sysctl %s: %s%s", name, strerror(-len),
			       len == -ERANGE ? "; give a larger buffer" : remedy(-len));
	memcpy(buf, value, (size_t)len);
	buf[len] = '\0';
	return len;
}

int vdestack_sysctl_set(struct vdestack *stack, const char *name, const char *value)
{
	return vs_edge(set_sysctl(stack, name, value));
}

int vdestack_sysctl_get(struct vdestack *stack, const char *name, char *buf, size_t size)
{
	return vs_edge(get_sysctl(stack, name, buf, size));
}
