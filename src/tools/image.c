/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What kind of program a file is. Only its beginning is read: the ELF header, the table of segments, the name
 * of the loader and the notes. All of it is untrusted: each offset and length is checked against the file by
 * pread(2), and each name has a limit.
 *
 * A wrong result is not dangerous: the supervisor answers what a preloaded library does not see.
 */

#define _GNU_SOURCE
#include "image.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define MAX_SCRIPTS 4 /* like the kernel: a script's interpreter may be a script */
#define MAX_SEGMENTS 128
#define MAX_NOTES 4096

static const char *const texts[VS_IMAGE_KINDS] = {
	[VS_IMAGE_GLIBC] = "dynamic, with glibc",
	[VS_IMAGE_STATIC] = "static",
	[VS_IMAGE_OTHER_LIBC] = "dynamic, with another C library than glibc",
	[VS_IMAGE_GO] = "a Go program",
	[VS_IMAGE_PRIVILEGED] = "set-user-ID, set-group-ID or with file capabilities",
	[VS_IMAGE_OTHER_MACHINE] = "of another architecture",
	[VS_IMAGE_UNREADABLE] = "not readable",
	[VS_IMAGE_UNKNOWN] = "of an unknown format",
};

const char *vs_image_text(enum vs_image kind)
{
	return texts[kind];
}

/* ------------------------------------------------------------------ finding it */

static int try_path(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return errno == EACCES ? -ENOENT : -errno; /* a folder of PATH that is another user's */
	if (!S_ISREG(st.st_mode))
		return -EACCES;
	return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0 ? -errno : 0;
}

static int in_directory(const char *directory, size_t len, const char *name, char **path)
{
	char *p = malloc(len + strlen(name) + 2);

	if (p == NULL)
		return -ENOMEM;
	memcpy(p, directory, len);
	(void)stpcpy(stpcpy(p + len, len > 0 ? "/" : ""), name);
	int r = try_path(p);
	if (r == 0)
		*path = p;
	else
		free(p);
	return r;
}

int vs_image_find(const char *name, char **path)
{
	const char *list = getenv("PATH");
	int result = -ENOENT;

	if (strchr(name, '/') != NULL)
		return in_directory("", 0, name, path);
	if (list == NULL)
		list = "/bin:/usr/bin"; /* as execvp(3) does */
	for (bool more = name[0] != '\0'; more;) {
		size_t len = strcspn(list, ":");
		int r = in_directory(list, len, name, path);
		if (r == 0 || r == -ENOMEM)
			return r;
		if (r == -EACCES)
			result = r;
		more = list[len] != '\0';
		list += len + 1;
	}
	return result;
}

/* ------------------------------------------------------------------ looking at it */

static bool is_privileged(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return false;
	if (((st.st_mode & S_ISUID) != 0 && st.st_uid != geteuid()) ||
	    ((st.st_mode & S_ISGID) != 0 && st.st_gid != getegid()))
		return true;
	return fgetxattr(fd, "security.capability", NULL, 0) > 0;
}

static bool is_of_this_machine(const ElfW(Ehdr) * e)
{
	static ElfW(Ehdr) own;

	if (own.e_machine == 0) {
		int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
		bool known = fd >= 0 && pread(fd, &own, sizeof(own), 0) == sizeof(own);
		if (fd >= 0)
			(void)close(fd);
		if (!known)
			return true;
	}
	return e->e_machine == own.e_machine && e->e_ident[EI_CLASS] == own.e_ident[EI_CLASS] &&
	       e->e_ident[EI_DATA] == own.e_ident[EI_DATA];
}

/* ld-linux-x86-64.so.2, ld-linux.so.2, ld64.so.2, ld.so.1: glibc's loaders on all architectures. */
static bool is_glibc_loader(int fd, const ElfW(Phdr) * segment)
{
	static const char *const prefixes[] = { "ld-linux", "ld64.so.", "ld.so." };
	char path[256];
	size_t len = segment->p_filesz < sizeof(path) - 1 ? segment->p_filesz : sizeof(path) - 1;

	ssize_t n = pread(fd, path, len, (off_t)segment->p_offset);
	if (n <= 0)
		return false;
	path[n] = '\0';
	const char *base = strrchr(path, '/');
	base = base != NULL ? base + 1 : path;
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (strncmp(base, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return false;
}

/* Go's linker adds a note of its own. */
static bool has_go_note(int fd, const ElfW(Phdr) * segment)
{
	char notes[MAX_NOTES];
	size_t len = segment->p_filesz < sizeof(notes) ? segment->p_filesz : sizeof(notes);
	ssize_t n = pread(fd, notes, len, (off_t)segment->p_offset);
	size_t at = 0;

	while (n > 0 && at + sizeof(ElfW(Nhdr)) + 4 <= (size_t)n) {
		ElfW(Nhdr) note;
		memcpy(&note, notes + at, sizeof(note));
		at += sizeof(note);
		if (note.n_namesz == 4 && memcmp(notes + at, "Go\0", 4) == 0)
			return true;
		if (note.n_namesz > MAX_NOTES || note.n_descsz > MAX_NOTES)
			return false;
		at += ((note.n_namesz + 3) & ~3U) + ((note.n_descsz + 3) & ~3U);
	}
	return false;
}

static enum vs_image look_at_elf(int fd)
{
	ElfW(Ehdr) e;
	ElfW(Phdr) segment;
	enum vs_image kind = VS_IMAGE_STATIC;

	if (pread(fd, &e, sizeof(e), 0) != sizeof(e))
		return VS_IMAGE_UNKNOWN;
	if (!is_of_this_machine(&e))
		return VS_IMAGE_OTHER_MACHINE;
	for (unsigned i = 0; i < e.e_phnum && i < MAX_SEGMENTS; i++) {
		off_t at = (off_t)(e.e_phoff + (size_t)i * e.e_phentsize);
		if (pread(fd, &segment, sizeof(segment), at) != sizeof(segment))
			return VS_IMAGE_UNKNOWN;
		if (segment.p_type == PT_NOTE && has_go_note(fd, &segment))
			return VS_IMAGE_GO;
		if (segment.p_type == PT_INTERP)
			kind = is_glibc_loader(fd, &segment) ? VS_IMAGE_GLIBC : VS_IMAGE_OTHER_LIBC;
	}
	return kind;
}

/* The interpreter of a script, in place: the first word behind "#!". False: there is none. */
static bool interpreter_of(char *head, char path[256])
{
	char *word = head + 2 + strspn(head + 2, " \t");
	size_t len = strcspn(word, " \t\n");

	if (len == 0 || len >= 256)
		return false;
	memcpy(path, word, len);
	path[len] = '\0';
	return true;
}

/* True: *path is now the interpreter's, which is to be looked at. */
static bool look_once(char path[256], const char *file, enum vs_image *kind)
{
	char head[256 + 2] = "";
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	bool script = false;

	*kind = VS_IMAGE_UNREADABLE;
	if (fd < 0)
		return false;
	ssize_t n = pread(fd, head, sizeof(head) - 1, 0);
	*kind = VS_IMAGE_UNKNOWN;
	if (n >= 2 && head[0] == '#' && head[1] == '!')
		script = interpreter_of(head, path);
	else if (is_privileged(fd))
		*kind = VS_IMAGE_PRIVILEGED;
	else if (n >= SELFMAG && memcmp(head, ELFMAG, SELFMAG) == 0)
		*kind = look_at_elf(fd);
	(void)close(fd);
	return script;
}

enum vs_image vs_image_look(const char *path)
{
	char interpreter[256];
	enum vs_image kind;

	for (int i = 0; i <= MAX_SCRIPTS; i++) {
		if (!look_once(interpreter, path, &kind))
			return kind;
		path = interpreter;
	}
	return VS_IMAGE_UNKNOWN;
}
