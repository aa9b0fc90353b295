/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The keeper's own seccomp filter.
 *
 * Plugins run in the keeper, and any release of the C library. So the filter has a list of calls that the
 * keeper never makes, and allows all others. A process that makes a call on the list has been taken over, and
 * is ended. Some calls fail instead: those that an honest plugin may try, and can do without.
 *
 * The action depends on the number of the call. For six calls it depends on arguments, too. So the
 * actions are a step function of the number: sorted steps, each valid up to the next. The filter is a binary
 * tree of comparisons:
 *
 *     other architecture -> kill     (32-bit calls of a 64-bit kernel)
 *     number >= step[n/2] ?
 *         no: the same with the steps below        yes: the same with the steps above
 *
 * A call costs seven comparisons. From Linux 5.11 the kernel finds out in advance which numbers are always
 * allowed, and does not run the filter for these at all. For that the filter must read arguments only after
 * the comparison of the number.
 *
 * clone3 fails with ENOSYS, as if the kernel did not have it: its flags are in memory, which a filter cannot
 * read. The C library then makes its threads by clone. This also helps if a filter of the program refuses
 * clone3 with EPERM, as container managers older than that call do. Of two filters that both return an errno,
 * the newer one's is used, see seccomp(2).
 *
 * Rejected: a list of allowed calls. It would have to know the calls of every plugin and every C library.
 */

#include "filter.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/audit_arch.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "filter_calls.h"

#if VS_AUDIT_ARCH == 0
#warning "the keeper has no seccomp filter on this architecture: add it to base/audit_arch.h"
#endif

#ifdef __s390x__
#define CLONE_FLAGS_ARG 1 /* the stack comes first */
#else
#define CLONE_FLAGS_ARG 0
#endif

#ifndef SECCOMP_RET_KILL_PROCESS /* on kernels that do not know it, only the thread ends */
#define SECCOMP_RET_KILL_PROCESS 0x80000000U
#endif
#ifndef SECCOMP_FILTER_FLAG_SPEC_ALLOW
#define SECCOMP_FILTER_FLAG_SPEC_ALLOW (1UL << 2)
#endif

/* Without CLONE_NEWTIME, which in the flags of clone is a part of the exit signal. */
#define NAMESPACES                                                                                           \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |        \
	 CLONE_NEWNET)
#define UNSHARED (CLONE_NEWNET | CLONE_FS | CLONE_FILES)

#define X32_BIT 0x40000000u
#define NO_CALL 0xffffffffu /* the number that a tracer sets for a call that it skips */

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define IF(what, value, yes, no) BPF_JUMP(BPF_JMP | (what) | BPF_K, (unsigned)(value), (yes), (no))
#define RETURN(value) BPF_STMT(BPF_RET | BPF_K, (unsigned)(value))

/* The half of an argument that holds ints and flags. */
#if __BYTE_ORDER == __LITTLE_ENDIAN
#define LOAD_ARG(n) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[n]))
#else
#define LOAD_ARG(n) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[n]) + 4)
#endif

#define ACTION_MAX 6

struct program {
	struct sock_filter *code;
	size_t n;
};

/* What an action is in instructions. Each ends with a return. */
static const struct {
	unsigned n;
	struct sock_filter code[ACTION_MAX];
} actions[] = {
	[VS_FILTER_ALLOW] = { 1, { RETURN(SECCOMP_RET_ALLOW) } },
	[VS_FILTER_KILL] = { 1, { RETURN(SECCOMP_RET_KILL_PROCESS) } },
	[VS_FILTER_EPERM] = { 1, { RETURN(SECCOMP_RET_ERRNO | EPERM) } },
	[VS_FILTER_ENOSYS] = { 1, { RETURN(SECCOMP_RET_ERRNO | ENOSYS) } },
	[VS_FILTER_CLONE] = { 6,
			      { LOAD_ARG(CLONE_FLAGS_ARG), IF(BPF_JSET, NAMESPACES, 0, 1),
				RETURN(SECCOMP_RET_KILL_PROCESS), IF(BPF_JSET, CLONE_THREAD, 0, 1),
				RETURN(SECCOMP_RET_ALLOW), RETURN(SECCOMP_RET_ERRNO | EPERM) } },
	[VS_FILTER_UNSHARE] = { 4,
				{ LOAD_ARG(0), IF(BPF_JSET, ~(unsigned)UNSHARED, 1, 0),
				  RETURN(SECCOMP_RET_ALLOW), RETURN(SECCOMP_RET_KILL_PROCESS) } },
	[VS_FILTER_SETNS] = { 4,
			      { LOAD_ARG(1), IF(BPF_JEQ, CLONE_NEWNET, 0, 1), RETURN(SECCOMP_RET_ALLOW),
				RETURN(SECCOMP_RET_KILL_PROCESS) } },
	[VS_FILTER_PERSONALITY] = { 4,
				    { LOAD_ARG(0), IF(BPF_JEQ, 0xffffffff, 0, 1), RETURN(SECCOMP_RET_ALLOW),
				      RETURN(SECCOMP_RET_KILL_PROCESS) } },
	[VS_FILTER_FSCONFIG] = { 4,
				 { LOAD_ARG(1), IF(BPF_JEQ, VS_FSCONFIG_CMD_CREATE, 0, 1),
				   RETURN(SECCOMP_RET_ALLOW), RETURN(SECCOMP_RET_KILL_PROCESS) } },
	[VS_FILTER_FSMOUNT] = { 6,
				{ LOAD_ARG(1), IF(BPF_JEQ, VS_FSMOUNT_CLOEXEC, 0, 3), LOAD_ARG(2),
				  IF(BPF_JEQ, VS_MOUNT_ATTRS, 0, 1), RETURN(SECCOMP_RET_ALLOW),
				  RETURN(SECCOMP_RET_KILL_PROCESS) } },
};

/* ------------------------------------------------------------------ building */

struct step {
	unsigned from; /* the first number it is valid for */
	enum vs_filter_action action;
};

static int by_number(const void *a, const void *b)
{
	const struct vs_filter_rule *x = a, *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

static size_t add_step(struct step *steps, size_t n, unsigned from, enum vs_filter_action action)
{
	if (n > 0 && steps[n - 1].from == from)
		n--; /* the step before would have no numbers */
	if (n > 0 && steps[n - 1].action == action)
		return n;
	steps[n] = (struct step){ from, action };
	return n + 1;
}

#define STEPS_MAX (1 + 2 * VS_COUNT(vs_filter_rules))
#define WITH_ARGUMENT 28 /* instructions of the six actions that depend on arguments */

/*
 * A tree has a leaf for each step, and one comparison less. Between a comparison and its target is half of
 * the tree.
 */
static_assert(2 * STEPS_MAX + WITH_ARGUMENT + 8 <= VS_FILTER_MAX, "the filter fits");
static_assert(STEPS_MAX + WITH_ARGUMENT <= UINT8_MAX, "its comparisons reach");

static size_t make_steps(struct step steps[STEPS_MAX])
{
	struct vs_filter_rule rules[VS_COUNT(vs_filter_rules)];
	size_t n = add_step(steps, 0, 0, VS_FILTER_ALLOW);

	memcpy(rules, vs_filter_rules, sizeof(rules));
	qsort(rules, VS_COUNT(rules), sizeof(rules[0]), by_number);
	for (size_t i = 0; i < VS_COUNT(rules); i++) {
		n = add_step(steps, n, rules[i].number, rules[i].action);
		n = add_step(steps, n, rules[i].number + 1, VS_FILTER_ALLOW);
	}
	return n;
}

static void put(struct program *p, struct sock_filter instruction)
{
	p->code[p->n++] = instruction;
}

static void put_tree(struct program *p, const struct step *steps, size_t n)
{
	if (n == 1) {
		for (unsigned i = 0; i < actions[steps->action].n; i++)
			put(p, actions[steps->action].code[i]);
		return;
	}
	size_t half = n / 2, at = p->n;
	put(p, (struct sock_filter)IF(BPF_JGE, steps[half].from, 0, 0));
	put_tree(p, steps, half);
	p->code[at].jt = (uint8_t)(p->n - at - 1);
	put_tree(p, steps + half, n - half);
}

size_t vs_filter_build(struct sock_filter code[VS_FILTER_MAX])
{
	struct step steps[STEPS_MAX];
	struct program p = { code, 0 };

	if (VS_AUDIT_ARCH == 0)
		return 0;
	put(&p, (struct sock_filter)LOAD(arch));
	put(&p, (struct sock_filter)IF(BPF_JEQ, VS_AUDIT_ARCH, 1, 0));
	put(&p, (struct sock_filter)RETURN(SECCOMP_RET_KILL_PROCESS));
	put(&p, (struct sock_filter)LOAD(nr));
#ifdef __x86_64__
	/*
	 * There are two sets of numbers, one of them for 32-bit pointers (x32). Both have the same
	 * architecture here.
	 */
	bool own = (__NR_read & X32_BIT) != 0;
	put(&p, (struct sock_filter)IF(BPF_JEQ, NO_CALL, 2, 0));
	put(&p, (struct sock_filter)IF(BPF_JGE, X32_BIT, own, !own));
	put(&p, (struct sock_filter)RETURN(SECCOMP_RET_KILL_PROCESS));
#endif
	put_tree(&p, steps, make_steps(steps));
	return p.n;
}

/* ------------------------------------------------------------------ installing */

static char missing[VS_MESSAGE_MAX]; /* written before a request is served */

/* 0, or the errno of a filter that refuses clone3, so that the C library cannot make threads. */
static int clone3_refusal(void)
{
	/* With arguments of size 0 nothing is made: the kernel returns EINVAL. */
	if (syscall(__NR_clone3, NULL, 0) >= 0 || errno == EINVAL || errno == ENOSYS)
		return 0;
	return errno;
}

/* *all: for all threads, not only for this one. */
static int install(bool *all)
{
	struct sock_filter code[VS_FILTER_MAX];
	struct sock_fprog program = { .len = (unsigned short)vs_filter_build(code), .filter = code };

	if (program.len == 0)
		return -EOPNOTSUPP;
	/*
	 * Before Linux 5.16 the kernel disables a form of speculation in a process with a filter, which makes
	 * it slower (spec_store_bypass_disable). That protects a process from code in it that may not read
	 * all of its memory. The keeper has no such code.
	 */
	unsigned one = SECCOMP_FILTER_FLAG_SPEC_ALLOW, every = one | SECCOMP_FILTER_FLAG_TSYNC;
	*all = syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, every, &program) == 0;
	if (*all || syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, one, &program) == 0)
		return 0;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0 ? 0 : -errno;
}

const char *vs_filter_missing(void)
{
	return missing;
}

int vs_filter_install(bool *all)
{
	int refusal = clone3_refusal();
	int r = install(all);

	*all = *all || r < 0;

	if (r < 0 && refusal != 0)
		return vs_fail(refusal,
			       "cannot make threads: a filter of the program's refuses clone3 (%s); let it "
			       "return ENOSYS",
			       strerror(refusal));
	if (r < 0)
		(void)snprintf(missing, sizeof(missing),
			       "the keeper has no seccomp filter of its own (%s): the kernel has none, or a "
			       "filter of the program's refuses prctl(2)",
			       strerror(-r));
	return 0;
}

/* ------------------------------------------------------------------ no new code */

#ifdef __NR_mmap2
#define MMAP __NR_mmap2
#else
#define MMAP __NR_mmap
#endif
#ifndef __NR_pkey_mprotect
#define __NR_pkey_mprotect NO_CALL
#endif

int vs_filter_no_new_code(void)
{
	struct sock_filter code[] = {
		LOAD(arch),
		IF(BPF_JEQ, VS_AUDIT_ARCH, 0, 7), /* another architecture has other numbers */
		LOAD(nr),
		IF(BPF_JEQ, MMAP, 3, 0),
		IF(BPF_JEQ, __NR_mprotect, 2, 0),
		IF(BPF_JEQ, __NR_pkey_mprotect, 1, 0),
		RETURN(SECCOMP_RET_ALLOW),
		LOAD_ARG(2),
		IF(BPF_JSET, PROT_EXEC, 0, 1),
		RETURN(SECCOMP_RET_ERRNO | EPERM),
		RETURN(SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = VS_COUNT(code), .filter = code };

	if (VS_AUDIT_ARCH == 0)
		return -EOPNOTSUPP;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) < 0)
		return -errno;
	return 0;
}
