/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_PRELOAD_SHIM_H
#define VS_PRELOAD_SHIM_H

/*
 * What the files of libvdestack-preload.so share. shim.c has the essay.
 *
 * Who writes what: the run is written once, before its state is VS_SHIM_IN_RUN or another final one, and is
 * only read after that.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "rules/rules.h"
#include <vdestack.h>

/* What a function of libc is called with: exported. All else of the shim is hidden. */
#define VS_SHIM_EXPORT __attribute__((visibility("default")))

enum vs_shim_state {
	VS_SHIM_UNKNOWN, /* nobody has asked yet */
	VS_SHIM_ASKING,  /* one thread asks; the others use the raw system calls meanwhile */
	VS_SHIM_NO_RUN,  /* every function is libc's */
	VS_SHIM_CLOSED,  /* no run although one is required: no inet socket */
	VS_SHIM_RAW,     /* a run, but the shim cannot help: the supervisor answers everything */
	VS_SHIM_IN_RUN,
};

struct vs_shim_run {
	uint32_t flags; /* VS_ASK_DEBUG... */
	long pass[2];
	struct vs_rules *rules; /* NULL: everything is of stack 0 */
	unsigned needs;         /* VS_RULES_NEED_... */
	size_t n_stacks;
};
extern struct vs_shim_run vs_shim_run;

/* The state; asks the supervisor if nobody has. Keeps errno. */
enum vs_shim_state vs_shim_state(void);

/*
 * In a call of ours: sockets of the resolver connect and send without rules. Initial-exec, four bytes.
 */
extern __thread unsigned vs_shim_inside __attribute__((tls_model("initial-exec")));

static inline void vs_shim_leave(unsigned *depth)
{
	(void)depth;
	vs_shim_inside--;
}
#define VS_SHIM_INSIDE                                                                                       \
	__attribute__((cleanup(vs_shim_leave))) __attribute__((unused)) unsigned vs_depth = ++vs_shim_inside

/* The function of that name behind the shim in the lookup order: libc's, or another preloaded library's. */
void *vs_shim_next(const char *name);

/* ------------------------------------------------------------------ stacks (shim_stack.c) */

#define VS_SHIM_HOST UINT32_MAX

/* The handle of a stack of the run, or NULL. Makes it if there is none. Keeps errno. */
struct vdestack *vs_shim_stack(unsigned index);
/* A handle in place of that one, which does not work any more. NULL: there is none. Keeps errno. */
struct vdestack *vs_shim_renew(unsigned index, struct vdestack *old);
/* The handle if this process has it already. */
struct vdestack *vs_shim_stack_if_made(unsigned index);

/* Not a child of vfork(2), which shares the memory of its parent. False before the constructor. */
bool vs_shim_own_process(void);

/* The door of a stack, from the supervisor: a descriptor, or -1. */
int vs_shim_door(unsigned index);

/* What the constructor has to do for socket(2). */
void vs_shim_socket_start(void);

/* A socket of a stack or of the host (VS_SHIM_HOST), or -errno. */
int vs_shim_socket_in(unsigned index, int domain, int type, int protocol);

/*
 * Puts `fresh` in the place of the socket `fd`, with what the program has set on it. `reference` is another
 * new socket in the network of `fd`, or -1. The caller closes both. 0, or -errno: `fd` is what it was.
 */
int vs_shim_move(int fd, int reference, int fresh);

/* ------------------------------------------------------------------ decisions */

bool vs_shim_redirected(int domain, int protocol);

/* What the rules say of this call. Fills in the thread. */
struct vs_rules_decision vs_shim_decide(struct vs_rules_call *call);
/* The stack that names and interfaces are of, VS_SHIM_HOST, or -errno for a call that is denied. */
int vs_shim_stack_of_name(const char *name, unsigned *index);

/* Makes bind(2), connect(2) and their relatives follow rules with these needs. Once, by the one who asks. */
void vs_shim_rules_start(unsigned needs);

/* Writes a line on the standard error of the program's start, with VS_ASK_DEBUG. Signal-safe, keeps errno. */
void vs_shim_log_start(void);
void vs_shim_log(const char *call, const struct sockaddr *addr, const struct vs_rules_decision *decision,
		 const char *note);
/* One line, in any case. */
void vs_shim_complain(const char *text);

/* ------------------------------------------------------------------ names and their addresses */

/* Remembers that `name` has this address. Signal-safe, never waits. Forgets the oldest. */
void vs_shim_known_add(const char *name, const struct sockaddr *addr);
#define VS_SHIM_NAMES_MAX 8
#define VS_SHIM_NAME_MAX 256
/* Copies the names of the address. Returns how many. */
size_t vs_shim_known_find(const struct sockaddr *addr, char names[VS_SHIM_NAMES_MAX][VS_SHIM_NAME_MAX]);

#endif
