/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The seccomp filter of the processes of a run.
 *
 *     architecture of the kernel's calls
 *       ├─ this one ───┐
 *       ├─ 32-bit one ─┼─ socket      numbers of the shim?  yes: allow
 *       │              │              family of the stack?  yes: notify     no: allow
 *       │              ├─ bind, connect, ...   the same, if rules look at addresses
 *       │              ├─ ioctl       notify what asks about interfaces (this architecture only)
 *       │              ├─ io_uring_setup       fails with ENOSYS, unless allowed
 *       │              ├─ socketcall           fails with ENOSYS where it makes a socket
 *       │              └─ others      allow
 *       └─ others      fail with ENOSYS
 *
 * Rule: no path from socket(2) with a family of the stack to "allow", except with the shim's numbers.
 *
 * io_uring makes sockets without socket(2), where no filter sees it. Programs that use it have another way
 * for kernels without io_uring.
 *
 * socketcall(2) has its arguments in memory, which a filter cannot read. The C libraries of today use it only
 * on kernels older than those that have listeners.
 *
 * A filter that reads arguments only after it has compared the number does not slow other calls: from Linux
 * 5.11 the kernel finds out in advance which numbers are always allowed.
 */

#include "filter.h"

#include <endian.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/net.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/ask.h"
#include "base/audit_arch.h"
#include "questions.h"

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif
#ifndef SECCOMP_FILTER_FLAG_SPEC_ALLOW
#define SECCOMP_FILTER_FLAG_SPEC_ALLOW (1UL << 2)
#endif

/* ------------------------------------------------------------------ the calls of each architecture */

#define X32_BIT 0x40000000u /* the numbers below it that matter here are those of x86-64 */
#define NO_CALL 0xffffffffu

#ifdef SYS_socketcall
#define NATIVE_SOCKETCALL SYS_socketcall
#else
#define NATIVE_SOCKETCALL NO_CALL
#endif

struct calls {
	uint32_t arch;
	uint32_t socket, bind, connect, sendto, sendmsg, sendmmsg, ioctl, io_uring_setup, socketcall;
};

/* The first is that of this program. */
static const struct calls known[] = {
	{ VS_AUDIT_ARCH, SYS_socket, SYS_bind, SYS_connect, SYS_sendto, SYS_sendmsg, SYS_sendmmsg, SYS_ioctl,
	  SYS_io_uring_setup, NATIVE_SOCKETCALL },
#if defined(__x86_64__)
	{ AUDIT_ARCH_I386, 359, 361, 362, 369, 370, 345, NO_CALL, 425, 102 },
#elif defined(__aarch64__)
	{ AUDIT_ARCH_ARM, 281, 282, 283, 290, 296, 374, NO_CALL, 425, NO_CALL },
#endif
};
#define N_KNOWN (sizeof(known) / sizeof(known[0]))

static uint32_t number_of(uint32_t arch, int nr)
{
#if defined(__x86_64__)
	if (arch == AUDIT_ARCH_X86_64)
		return (uint32_t)nr & ~X32_BIT;
#endif
	(void)arch;
	return (uint32_t)nr;
}

enum vs_call vs_filter_call(uint32_t arch, int nr)
{
	uint32_t n = number_of(arch, nr);

	for (const struct calls *c = known; c < known + N_KNOWN; c++) {
		if (c->arch != arch)
			continue;
		return n == c->socket     ? VS_CALL_SOCKET
		       : n == c->bind     ? VS_CALL_BIND
		       : n == c->connect  ? VS_CALL_CONNECT
		       : n == c->sendto   ? VS_CALL_SENDTO
		       : n == c->sendmsg  ? VS_CALL_SENDMSG
		       : n == c->sendmmsg ? VS_CALL_SENDMMSG
		       : n == c->ioctl    ? VS_CALL_IOCTL
					  : VS_CALL_OTHER;
	}
	return VS_CALL_OTHER;
}

bool vs_filter_is_narrow(uint32_t arch)
{
	return (arch & __AUDIT_ARCH_64BIT) == 0;
}

/* ------------------------------------------------------------------ instructions with labels */

#define MAX_CODE 200 /* a jump reaches 255 instructions */
#define MAX_LABELS 32
#define NEXT 0 /* the label of the instruction behind */

struct program {
	struct sock_filter code[MAX_CODE]; /* jt and jf are labels until resolve() */
	unsigned short at[MAX_LABELS];
	unsigned short n, labels;
};

static unsigned char new_label(struct program *p)
{
	return (unsigned char)++p->labels;
}

static void place(struct program *p, unsigned char label)
{
	p->at[label] = p->n;
}

static void emit(struct program *p, unsigned short code, uint32_t k, unsigned char yes, unsigned char no)
{
	p->code[p->n++] = (struct sock_filter){ code, yes, no, k };
}

static void load(struct program *p, size_t offset)
{
	emit(p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, NEXT, NEXT);
}

/* One half of an argument: 0 the low one, 1 the high one. */
static void load_half(struct program *p, unsigned arg, unsigned half)
{
	unsigned word = __BYTE_ORDER == __LITTLE_ENDIAN ? half : 1 - half;

	load(p, offsetof(struct seccomp_data, args) + 8 * arg + 4 * word);
}

static void if_equal(struct program *p, uint32_t k, unsigned char yes, unsigned char no)
{
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, k, yes, no);
}

static void jump(struct program *p, unsigned char label)
{
	emit(p, BPF_JMP | BPF_JGE | BPF_K, 0, label, label);
}

static void finish(struct program *p, unsigned char label, uint32_t action)
{
	place(p, label);
	emit(p, BPF_RET | BPF_K, action, NEXT, NEXT);
}

static void resolve(struct program *p)
{
	for (unsigned short i = 0; i < p->n; i++) {
		struct sock_filter *f = &p->code[i];
		if (f->jt != NEXT)
			f->jt = (unsigned char)(p->at[f->jt] - i - 1);
		if (f->jf != NEXT)
			f->jf = (unsigned char)(p->at[f->jf] - i - 1);
	}
}

/* ------------------------------------------------------------------ the filter */

/* Where its paths end. */
struct ends {
	unsigned char allow, notify, absent;
};

/* To `allow` if the fifth and sixth argument are the shim's numbers. */
static void check_pass(struct program *p, const uint64_t *pass, unsigned char allow)
{
	unsigned char other = new_label(p);

	for (unsigned i = 0; i < 4; i++) {
		unsigned long number = (unsigned long)pass[i / 2]; /* as the shim's call has it */
		load_half(p, 4 + i / 2, i % 2);
		if_equal(p, (uint32_t)((uint64_t)number >> (32 * (i % 2))), i == 3 ? allow : NEXT, other);
	}
	place(p, other);
}

static void decide_socket(struct program *p, const struct ends *to)
{
	unsigned char netlink = new_label(p);

	load_half(p, 0, 0);
	if_equal(p, AF_INET, to->notify, NEXT);
	if_equal(p, AF_INET6, to->notify, NEXT);
	if_equal(p, AF_PACKET, to->notify, NEXT);
	if_equal(p, VS_ASK_FAMILY, to->notify, NEXT);
	if_equal(p, AF_NETLINK, netlink, to->allow);
	place(p, netlink);
	load_half(p, 2, 0);
	if_equal(p, NETLINK_ROUTE, to->notify, to->allow);
}

static void decide_socketcall(struct program *p, bool addresses, const struct ends *to)
{
	static const uint32_t with_address[] = { SYS_BIND, SYS_CONNECT, SYS_SENDTO, SYS_SENDMSG,
						 SYS_SENDMMSG };

	load_half(p, 0, 0);
	for (unsigned i = 0; addresses && i < sizeof(with_address) / sizeof(with_address[0]); i++)
		if_equal(p, with_address[i], to->absent, NEXT);
	if_equal(p, SYS_SOCKET, to->absent, to->allow);
}

static void decide_ioctl(struct program *p, const uint64_t *pass, const struct ends *to)
{
	unsigned char question = new_label(p);

	load_half(p, 1, 0);
	for (size_t i = 0; i < VS_N_QUESTIONS; i++)
		if_equal(p, vs_questions[i], question, NEXT);
	jump(p, to->allow);
	place(p, question);
	if (pass != NULL)
		check_pass(p, pass, to->allow);
	jump(p, to->notify);
}

static void decide(struct program *p, const struct calls *c, const uint64_t *pass,
		   const struct vs_filter_opts *opts, const struct ends *to)
{
	unsigned char is_socket = new_label(p), is_sendto = new_label(p), is_address = new_label(p),
		      is_socketcall = new_label(p), is_ioctl = new_label(p);
	const uint32_t with_address[] = { c->bind, c->connect, c->sendmsg, c->sendmmsg };

	load(p, offsetof(struct seccomp_data, nr));
	if (number_of(c->arch, (int)X32_BIT) == 0)
		emit(p, BPF_ALU | BPF_AND | BPF_K, ~X32_BIT, NEXT, NEXT);
	if_equal(p, c->socket, is_socket, NEXT);
	if (opts->interfaces && c->ioctl != NO_CALL)
		if_equal(p, c->ioctl, is_ioctl, NEXT);
	if (!opts->io_uring)
		if_equal(p, c->io_uring_setup, to->absent, NEXT);
	if (c->socketcall != NO_CALL)
		if_equal(p, c->socketcall, is_socketcall, NEXT);
	if (opts->addresses) {
		for (unsigned i = 0; i < sizeof(with_address) / sizeof(with_address[0]); i++)
			if_equal(p, with_address[i], is_address, NEXT);
		if_equal(p, c->sendto, is_sendto, NEXT);
	}
	jump(p, to->allow);

	place(p, is_socket);
	if (pass != NULL)
		check_pass(p, pass, to->allow);
	decide_socket(p, to);
	if (c->socketcall != NO_CALL) {
		place(p, is_socketcall);
		decide_socketcall(p, opts->addresses, to);
	}
	if (opts->interfaces && c->ioctl != NO_CALL) {
		place(p, is_ioctl);
		decide_ioctl(p, pass, to);
	}
	if (!opts->addresses)
		return;
	place(p, is_sendto); /* send(2) is sendto(2) without an address */
	load_half(p, 4, 0);
	if_equal(p, 0, NEXT, to->notify);
	load_half(p, 4, 1);
	if_equal(p, 0, to->allow, to->notify);
	place(p, is_address);
	if (pass != NULL)
		check_pass(p, pass, to->allow);
	jump(p, to->notify);
}

static void build(struct program *p, const struct vs_filter_opts *opts)
{
	struct ends to;

	*p = (struct program){ 0 };
	to.allow = new_label(p);
	to.notify = new_label(p);
	to.absent = new_label(p);
	for (const struct calls *c = known; c < known + N_KNOWN; c++) {
		unsigned char this_one = new_label(p), others = new_label(p);
		load(p, offsetof(struct seccomp_data, arch));
		if_equal(p, c->arch, this_one, others);
		place(p, this_one);
		decide(p, c, c == known ? opts->pass : NULL, opts, &to);
		place(p, others);
	}
	finish(p, to.absent, SECCOMP_RET_ERRNO | ENOSYS);
	finish(p, to.notify, SECCOMP_RET_USER_NOTIF);
	finish(p, to.allow, SECCOMP_RET_ALLOW);
	resolve(p);
}

/* Newer kernels know more flags; the last set is the least that is needed. */
static int install(const struct sock_fprog *program)
{
	static const unsigned long optional[] = {
		SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV | SECCOMP_FILTER_FLAG_SPEC_ALLOW,
		SECCOMP_FILTER_FLAG_SPEC_ALLOW,
		0,
	};
	int fd = -1;

	for (unsigned i = 0; i < sizeof(optional) / sizeof(optional[0]); i++) {
		fd = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
				  SECCOMP_FILTER_FLAG_NEW_LISTENER | optional[i], program);
		if (fd >= 0 || errno != EINVAL)
			break;
	}
	return fd >= 0 ? fd : -errno;
}

int vs_filter_install(const struct vs_filter_opts *opts, bool *no_new_privs)
{
	struct program p;

	if (VS_AUDIT_ARCH == 0)
		return -ENOTSUP;
	build(&p, opts);
	struct sock_fprog program = { p.n, p.code };
	int fd = install(&program);
	bool without = fd == -EACCES;
	if (without) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
			return -errno;
		fd = install(&program);
	}
	if (fd >= 0)
		*no_new_privs = without;
	return fd;
}
