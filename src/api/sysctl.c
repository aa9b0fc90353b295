/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sysctls of a stack. Names are checked here; the networking thread does the rest. */

#include <errno.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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

/* ------------------------------------------------------------------ why it failed */

/*
 * A failure has one of these causes, and each has its own remedy. The errno alone does not tell: ENOENT is a
 * setting that is not there, or a value that names something that is not there. So the stack is asked, and
 * the files that the program itself sees are looked at. As a rule these are the ones of the host network.
 */

/* The permissions of a setting where the program is. False: there is none. */
static bool look_outside(const char *path, mode_t *mode)
{
	char file[sizeof("/proc/sys/net/") + NAME_MAX_BYTES];
	struct stat st;

	(void)snprintf(file, sizeof(file), "/proc/sys/net/%s", path);
	if (stat(file, &st) < 0 || S_ISDIR(st.st_mode))
		return false;
	*mode = st.st_mode;
	return true;
}

/* True if path has the settings of one interface, "ipv4/conf/NAME/..."; then *name is its name. */
static bool names_interface(const char *path, char name[IF_NAMESIZE])
{
	const char *family = strchr(path, '/'), *at;

	if (family == NULL)
		return false;
	if (strncmp(family, "/conf/", 6) == 0)
		at = family + 6;
	else if (strncmp(family, "/neigh/", 7) == 0)
		at = family + 7;
	else
		return false;
	size_t len = strcspn(at, "/");
	if (at[len] == '\0' || len >= IF_NAMESIZE)
		return false;
	memcpy(name, at, len);
	name[len] = '\0';
	return strcmp(name, "all") != 0 && strcmp(name, "default") != 0;
}

static bool has_interface(struct vdestack *stack, const char *name)
{
	char path[NAME_MAX_BYTES], now[16];

	(void)snprintf(path, sizeof(path), "ipv4/conf/%s/forwarding", name);
	return vs_stack_sysctl_get(stack, path, now, sizeof(now)) >= 0;
}

/* The file is not there. */
static const char *explain_absent(struct vdestack *stack, const char *path, char *text, size_t size)
{
	char name[IF_NAMESIZE];
	mode_t mode;
	bool of_interface = names_interface(path, name);

	if (strncmp(path, "net/", 4) == 0) {
		(void)snprintf(text, size, "names begin behind \"net\"; write %s", path + 4);
		return text;
	}
	if (of_interface && !has_interface(stack, name)) {
		(void)snprintf(text, size, "the stack has no interface %s; make it first", name);
		return text;
	}
	if (!of_interface && look_outside(path, &mode))
		return "stacks do not have this setting, the kernel has one for all; set it on the host";
	return "the running kernel has no such setting; check the name";
}

/* The kernel has read the value and refuses it. */
static const char *explain_value(struct vdestack *stack, const char *path, char *text, size_t size)
{
	static const char algorithm[] = "ipv4/tcp_congestion_control";
	bool is_algorithm = strcmp(path, algorithm) == 0;
	char now[128];
	int len = vs_stack_sysctl_get(
		stack, is_algorithm ? "ipv4/tcp_available_congestion_control" : path, now, sizeof(now));

	if (len < 0)
		return "the kernel refuses the value; check it";
	now[strcspn(now, "\n")] = '\0';
	(void)snprintf(text, size,
		       is_algorithm ? "the running kernel has no such congestion control; it has %s"
				    : "the kernel refuses the value; it is \"%s\" now",
		       now);
	return text;
}

static const char *explain_read_only(const char *path)
{
	mode_t mode;

	if (look_outside(path, &mode) && (mode & (S_IWUSR | S_IWGRP | S_IWOTH)) != 0)
		return "it can only be read in a stack, the kernel has one for all; set it on the host";
	return "it can only be read";
}

/* "cause; remedy" of a setting that could not be set. text is memory for it. */
static const char *explain_set(struct vdestack *stack, int err, const char *path, char *text, size_t size)
{
	char now[1];

	switch (err) {
	case ENOENT:
		return vs_stack_sysctl_get(stack, path, now, sizeof(now)) == -ENOENT
			       ? explain_absent(stack, path, text, size)
			       : explain_value(stack, path, text, size);
	case EACCES:
		return explain_read_only(path);
	case EROFS:
		return "/proc/sys is mounted read-only here, as in most containers; mount it writable";
	case EINVAL:
	case ERANGE:
		return explain_value(stack, path, text, size);
	default:
		return strerror(err);
	}
}

static const char *explain_get(struct vdestack *stack, int err, const char *path, char *text, size_t size)
{
	switch (err) {
	case ENOENT:
		return explain_absent(stack, path, text, size);
	case EACCES:
		return "it can only be written";
	case ERANGE:
		return "the value is longer; give a larger buffer";
	default:
		return strerror(err);
	}
}

/* ------------------------------------------------------------------ setting and getting */

static int set_sysctl(struct vdestack *stack, const char *name, const char *value)
{
	char path[NAME_MAX_BYTES], text[VS_MESSAGE_MAX];
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
		return vs_fail(-r, "cannot set sysctl %s to \"%.64s\": %s", name, value,
			       explain_set(stack, -r, path, text, sizeof(text)));
	return 0;
}

/* Reads into memory of its own, so that a value is never written to buf in part. */
static int get_sysctl(struct vdestack *stack, const char *name, char *buf, size_t size)
{
	char path[NAME_MAX_BYTES], text[VS_MESSAGE_MAX];
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
	if (len == -EPERM) /* the keeper's message says who may */
		return vs_fail_step(EPERM, "cannot get sysctl %s", name);
	if (len < 0)
		return vs_fail(-len, "cannot get sysctl %s: %s", name,
			       explain_get(stack, -len, path, text, sizeof(text)));
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
