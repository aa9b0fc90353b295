/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What kind of program a file is: small ELF files made here, whole and broken, and scripts. */

#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/image.h"
#include "unit.h"

/* An ELF file with two segments behind its head and their contents behind these. */
struct file {
	ElfW(Ehdr) head;
	ElfW(Phdr) segments[2];
	char loader[64];
	char note[64];
};

static struct file whole(const char *loader, const char *note, size_t note_len)
{
	struct file f = { 0 };
	int own = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	assert_true(own >= 0 && pread(own, &f.head, sizeof(f.head), 0) == sizeof(f.head));
	(void)close(own);
	f.head.e_phoff = offsetof(struct file, segments);
	f.head.e_phentsize = sizeof(f.segments[0]);
	f.head.e_phnum = 2;
	f.segments[0].p_type = loader != NULL ? PT_INTERP : PT_NULL;
	f.segments[0].p_offset = offsetof(struct file, loader);
	f.segments[1].p_type = note != NULL ? PT_NOTE : PT_NULL;
	f.segments[1].p_offset = offsetof(struct file, note);
	if (loader != NULL) {
		f.segments[0].p_filesz = strlen(loader) + 1;
		(void)strcpy(f.loader, loader);
	}
	if (note != NULL) {
		f.segments[1].p_filesz = note_len;
		memcpy(f.note, note, note_len);
	}
	return f;
}

static enum vs_image look_at(const void *bytes, size_t len)
{
	char path[] = "/tmp/vs-image-XXXXXX";
	int fd = mkostemp(path, O_CLOEXEC);

	assert_true(fd >= 0 && write(fd, bytes, len) == (ssize_t)len);
	(void)close(fd);
	enum vs_image kind = vs_image_look(path);
	(void)unlink(path);
	return kind;
}

static enum vs_image look_at_file(struct file f)
{
	return look_at(&f, sizeof(f));
}

static void the_loader_tells_the_c_library(void **state)
{
	(void)state;
	assert_int_equal(look_at_file(whole("/lib64/ld-linux-x86-64.so.2", NULL, 0)), VS_IMAGE_GLIBC);
	assert_int_equal(look_at_file(whole("/lib/ld-linux-aarch64.so.1", NULL, 0)), VS_IMAGE_GLIBC);
	assert_int_equal(look_at_file(whole("/lib/ld64.so.2", NULL, 0)), VS_IMAGE_GLIBC);
	assert_int_equal(look_at_file(whole("/lib/ld.so.1", NULL, 0)), VS_IMAGE_GLIBC);
	assert_int_equal(look_at_file(whole("ld-linux.so.2", NULL, 0)), VS_IMAGE_GLIBC);
	assert_int_equal(look_at_file(whole("/lib/ld-musl-x86_64.so.1", NULL, 0)), VS_IMAGE_OTHER_LIBC);
	assert_int_equal(look_at_file(whole("/system/bin/linker64", NULL, 0)), VS_IMAGE_OTHER_LIBC);
	assert_int_equal(look_at_file(whole("", NULL, 0)), VS_IMAGE_OTHER_LIBC);
	assert_int_equal(look_at_file(whole(NULL, NULL, 0)), VS_IMAGE_STATIC);
}

static void a_go_program_has_a_note(void **state)
{
	/* sizes of name and content, type, name, content */
	static const uint32_t go[] = { 4, 4, 4, 0, 0x41424344 }, gnu[] = { 4, 4, 1, 0, 0 };
	uint32_t words[10];

	(void)state;
	memcpy(words, gnu, sizeof(gnu));
	memcpy(words + 3, "GNU", 4);
	assert_int_equal(look_at_file(whole(NULL, (char *)words, sizeof(gnu))), VS_IMAGE_STATIC);
	memcpy(words + 5, go, sizeof(go));
	memcpy(words + 8, "Go\0", 4);
	assert_int_equal(look_at_file(whole(NULL, (char *)words, sizeof(words))), VS_IMAGE_GO);
	assert_int_equal(look_at_file(whole("/lib64/ld-linux-x86-64.so.2", (char *)words, sizeof(words))),
			 VS_IMAGE_GO);
	/* A note that is longer than its segment, or has no end. */
	words[1] = 1000;
	assert_int_equal(look_at_file(whole(NULL, (char *)words, sizeof(words))), VS_IMAGE_STATIC);
	words[1] = UINT32_MAX;
	assert_int_equal(look_at_file(whole(NULL, (char *)words, sizeof(words))), VS_IMAGE_STATIC);
}

static void other_machines_are_recognised(void **state)
{
	struct file f = whole("/lib/ld-linux.so.2", NULL, 0);

	(void)state;
	f.head.e_machine ^= 1;
	assert_int_equal(look_at_file(f), VS_IMAGE_OTHER_MACHINE);
	f.head.e_machine ^= 1;
	f.head.e_ident[EI_CLASS] ^= 3;
	assert_int_equal(look_at_file(f), VS_IMAGE_OTHER_MACHINE);
}

/* Nothing is read outside of the file, and nothing loops: each length, each value of a byte of the head. */
static void broken_files_are_survived(void **state)
{
	struct file f = whole("/lib/ld-linux.so.2", NULL, 0), broken;

	(void)state;
	for (size_t len = 0; len < offsetof(struct file, loader); len++)
		(void)look_at(&f, len);
	assert_int_equal(look_at(&f, sizeof(f.head) - 1), VS_IMAGE_UNKNOWN);
	assert_int_equal(look_at(&f, sizeof(f.head)), VS_IMAGE_UNKNOWN);
	for (size_t at = 0; at < offsetof(struct file, loader); at++) {
		broken = f;
		((unsigned char *)&broken)[at] = 0xff;
		(void)look_at_file(broken);
	}
}

static void scripts_are_what_their_interpreter_is(void **state)
{
	char own[4096], text[4200];
	ssize_t n = readlink("/proc/self/exe", own, sizeof(own) - 1);

	(void)state;
	assert_true(n > 0);
	own[n] = '\0';
	enum vs_image kind = vs_image_look(own);
	(void)snprintf(text, sizeof(text), "#!%s -e\nnothing\n", own);
	if (n < 250)
		assert_int_equal(look_at(text, strlen(text)), kind);
	assert_int_equal(look_at("#! /nonexistent/shell\n", 22), VS_IMAGE_UNREADABLE);
	assert_int_equal(look_at("#!\n", 3), VS_IMAGE_UNKNOWN);
	assert_int_equal(look_at("echo word\n", 10), VS_IMAGE_UNKNOWN);
	assert_int_equal(look_at("", 0), VS_IMAGE_UNKNOWN);
}

static void a_script_that_interprets_itself_ends(void **state)
{
	char path[] = "/tmp/vs-image-XXXXXX", text[64];
	int fd = mkostemp(path, O_CLOEXEC);

	(void)state;
	(void)snprintf(text, sizeof(text), "#!%s\n", path);
	assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	(void)close(fd);
	assert_int_equal(vs_image_look(path), VS_IMAGE_UNKNOWN);
	(void)unlink(path);
}

static void programs_are_found_like_execvp(void **state)
{
	char *path = NULL;

	(void)state;
	assert_int_equal(setenv("PATH", "/nonexistent::/bin:/usr/bin", 1), 0);
	assert_int_equal(vs_image_find("sh", &path), 0);
	assert_int_equal(access(path, X_OK), 0);
	free(path);
	assert_int_equal(vs_image_find("/bin/sh", &path), 0);
	assert_string_equal(path, "/bin/sh");
	free(path);
	assert_int_equal(vs_image_find("", &path), -ENOENT);
	assert_int_equal(vs_image_find("no-such-program", &path), -ENOENT);
	assert_int_equal(vs_image_find("/etc", &path), -EACCES);
	assert_int_equal(vs_image_find("/etc/passwd", &path), -EACCES);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(the_loader_tells_the_c_library),
	cmocka_unit_test(a_go_program_has_a_note),
	cmocka_unit_test(other_machines_are_recognised),
	cmocka_unit_test(broken_files_are_survived),
	cmocka_unit_test(scripts_are_what_their_interpreter_is),
	cmocka_unit_test(a_script_that_interprets_itself_ends),
	cmocka_unit_test(programs_are_found_like_execvp),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
