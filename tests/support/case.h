/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_TESTS_CASE_H
#define VDESTACK_TESTS_CASE_H

/*
 * A system test: a program of cases, each run in a process of its own under tests/support/wrap.
 *
 *     CASE(a_stack_without_interfaces_has_lo)
 *     {
 *             struct vdestack *s = vdestack_new("", case_opts());
 *             CHECK(s != NULL);
 *             ...
 *     }
 *
 *     PROGRAM NAME      runs one case: 0 passed, 1 failed, 77 skipped
 *     PROGRAM --list    prints "NAME FLAG..." for each case of this build
 *
 * A case has passed when its body returns. It waits for events with wait_until() and has no
 * time limit of its own: the wrapper kills it, and everything it started, at the time limit.
 */

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* ------------------------------------------------------------------ declaring cases */

#define CASE_F_ROOT 0x01u         /* runs as root */
#define CASE_F_USER 0x02u         /* runs as an ordinary user */
#define CASE_F_INPROCESS 0x04u    /* as root, runs once more with the in-process variant */
#define CASE_F_TSAN 0x08u         /* worth running under the thread sanitizer: gets the label "tsan" */
#define CASE_F_NO_SANITIZER 0x10u /* not built with a sanitizer */
#define CASE_F_VDE 0x20u          /* has a link of libvdeplug, see below */
#define CASE_F_ONLY_INPROCESS 0x40u /* with CASE_F_INPROCESS: no variant with a keeper process */
#define CASE_F_NO_TUN 0x80u       /* runs once more without a tun device, as the ordinary user if it may */
#define CASE_F_ALONE 0x100u       /* runs beside no other test: its limits count all processes of its user */
#define CASE_F_USERNS 0x200u      /* needs user namespaces as root, too; as user every case does */
#define CASE_F_SLOW 0x400u        /* takes a minute or more: gets the label "slow" */

/*
* With the address sanitizer, CASE_F_VDE has no in-process variant: the sanitizer refuses
 * the way in which libvdeplug loads plugins.
 */

#define CASE(name) CASE_FLAGS(name, CASE_F_ROOT | CASE_F_USER)
#define CASE_ROOT(name) CASE_FLAGS(name, CASE_F_ROOT)
#define CASE_USER(name) CASE_FLAGS(name, CASE_F_USER)
#define CASE_BOTH(name) CASE_FLAGS(name, CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS)
#define CASE_BOTH_ROOT(name) CASE_FLAGS(name, CASE_F_ROOT | CASE_F_INPROCESS)

/* Any combination of the flags above. */
#define CASE_FLAGS(name, flags) CASE_TIMED(name, flags, 0)

/* The same with a time limit of its own, in seconds; 0 = the program's. */
#define CASE_TIMED(name, flags, limit_s)                                                                     \
	static void case_body_##name(void);                                                                  \
	static struct case_entry case_entry_##name = { #name, case_body_##name, (flags), (limit_s), NULL };  \
	__attribute__((constructor)) static void case_register_##name(void)                                  \
	{                                                                                                    \
		case_register(&case_entry_##name);                                                           \
	}                                                                                                    \
	static void case_body_##name(void)

struct case_entry {
	const char *name;
	void (*body)(void);
	unsigned flags;
	int limit_s;
	struct case_entry *next;
};
void case_register(struct case_entry *entry);

/* ------------------------------------------------------------------ checking */

/* On failure each prints file, line and values, and ends the process with 1. For threads and children too. */
#define CHECK(cond) ((cond) ? (void)0 : case_fail(__FILE__, __LINE__, "not true: %s", #cond))

/* A call that must fail, with this errno. */
#define CHECK_ERRNO(call, expected)                                                                          \
	do {                                                                                                 \
		errno = 0;                                                                                   \
		int case_failed_ = CASE_FAILED(call);                                                        \
		case_check_errno(__FILE__, __LINE__, #call, case_failed_, errno, (expected));                \
	} while (0)

/* Integers; both are shown. */
#define CHECK_EQ(a, b) case_check_eq(__FILE__, __LINE__, #a, #b, (long long)(a), (long long)(b))

/* Strings; NULL equals nothing. */
#define CHECK_STR(a, b) case_check_str(__FILE__, __LINE__, #a, #b, (a), (b))
#define CHECK_CONTAINS(text, part) case_check_contains(__FILE__, __LINE__, #text, (text), (part))

/* A libc or library call that must not fail. Returns its value; a failure prints errno and the message. */
#define MUST(call) case_must(__FILE__, __LINE__, #call, (long)(call))

/* Fails with a text of your own. */
#define FAIL(...) case_fail(__FILE__, __LINE__, __VA_ARGS__)

/* The case cannot run here; the arguments are the reason, as text for a person. */
#define SKIP(...) case_skip(__VA_ARGS__)

/* ------------------------------------------------------------------ environment */

struct vdestack_opts;

/* The private directory of the case, removed afterwards. Short enough for socket names. */
const char *case_tmp(void);
/* "DIR/name" in it; a static ring of 8 results. */
const char *case_path(const char *name);

/* Skips the case if this user cannot open /dev/net/tun: for cases that need a tap outside the library. */
void case_need_tun(void);
bool case_is_root(void);
/* This run is the in-process variant. */
bool case_is_inprocess(void);
/* VDESTACK_INPROCESS or 0: for vdestack_opts.flags. */
unsigned case_opts_flags(void);
/* Options for this variant, everything else default; valid for ever. */
const struct vdestack_opts *case_opts(void);
/* Names the sanitizer of this build: "address", "thread", "" */
const char *case_sanitizer(void);

/* ------------------------------------------------------------------ waiting and counting */

/* Calls cond(arg), less and less often, until it is true or the time has passed. Returns its last result. */
bool wait_until(bool (*cond)(void *arg), void *arg, int timeout_ms);
/* poll(2) for reading on one descriptor. */
bool wait_readable(int fd, int timeout_ms);
void sleep_ms(int ms);
long long now_us(void);

int count_fds(void);
/* Descriptors of another process; 0 when it cannot be looked at. */
int count_fds_of(pid_t pid);
/* Threads of a process; 0 when there is no such process. */
int count_tasks_of(pid_t pid);
/* User and system time of a process, in clock ticks. */
long cpu_ticks(pid_t pid);
/* Its resident memory in KiB, its number of mappings; -1 when there is no such process. */
long rss_kib_of(pid_t pid);
int count_maps_of(pid_t pid);
/* Its name (comm) into a static buffer; "" when there is no such process. */
const char *name_of(pid_t pid);
/*
 * Processes whose parent is `parent` and that have this name (NULL: any); at most `max` go to
 * `pids`, which may be NULL. Returns how many there are.
 */
int find_children(pid_t parent, const char *name, pid_t *pids, int max);

/* ------------------------------------------------------------------ behind the macros */

/* What "failed" means for a call: a negative number or a null pointer. */
#define CASE_FAILED(call)                                                                                    \
	__builtin_choose_expr(__builtin_classify_type(call) == 5 /* a pointer */, (long)(call) == 0,         \
			      (long)(call) < 0)

__attribute__((noreturn, format(printf, 3, 4))) void case_fail(const char *file, int line, const char *fmt,
							       ...);
__attribute__((noreturn, format(printf, 1, 2))) void case_skip(const char *fmt, ...);
void case_check_errno(const char *file, int line, const char *call, int failed, int err, int expected);
void case_check_eq(const char *file, int line, const char *a, const char *b, long long va, long long vb);
void case_check_str(const char *file, int line, const char *a, const char *b, const char *va, const char *vb);
void case_check_contains(const char *file, int line, const char *text, const char *vtext, const char *part);
long case_must(const char *file, int line, const char *call, long value);

#endif
