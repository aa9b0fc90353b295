/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Stacks that go from one process to another.
 *
 * A door is all that a process needs to make sockets in a stack. So the descriptor that stands for a stack is
 * a door, in one of two forms:
 *
 *     a copy of ours     as after fork(2): requests of both processes go the same way, and nothing gets
 *                        slower
 *     apart              one that the keeper makes: it serves sockets and what reads, and no more. The
 *                        process that has it cannot end the stack for others. The networking thread waits
 *                        at several doors then, which costs it one system call more for each
 *
 * The process that has the descriptor asks at the door what it leads to: the id of the stack, the id of the
 * keeper, and the change page (wire/changes.h). With these it has a slot, as for a stack of its own. It has
 * neither the keeper's key nor a front door. So its keeper counts as foreign here, and what takes the key
 * fails with EPERM, whatever rights the process has.
 *
 * All stacks from one keeper share its entry in the list of keepers, and so the reply channels.
 *
 * Nothing depends on files, names, process ids or user ids. So this works after chroot(2), in other
 * namespaces, and after changes of uid. A process that closes all descriptors loses the door, and must be
 * sent another one: it has no claim page, as that would let it keep the stack with memory that its maker does
 * not know.
 *
 * The descriptor may be anything, and its other end any process. The wait for it has a limit, and
 * the page is mapped only if it is sealed.
 */

#include "receive.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diagnose.h"
#include "base/error.h"
#include "handle.h"
#include "keepers.h"
#include "long_call.h"
#include "numbers.h"
#include "regain.h"
#include "stack.h"
#include "wire/fdmsg.h"
#include "wire/messages.h"

#define ANSWER_MS 7000
#define SEND_S 5 /* how long a quick call waits for room in the door, as for a stack of our own */

/* ------------------------------------------------------------------ receiving */

struct origin {
	uint64_t stack, keeper;
	int door;    /* enum vs_door */
	int changes; /* -1: none */
};

static bool may_be_door(int fd)
{
	int domain = 0, type = 0;
	socklen_t len = sizeof(int);

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 && domain == AF_UNIX &&
	       getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_SEQPACKET;
}

static int fail_to(const char *step, int r)
{
	return vs_fail(-r, "%s: %s", step, vs_cause_text(vs_diagnose_limit(-r), -r));
}

/* Asks where the door leads. 0, and from->changes is the caller's; or -errno. */
static int ask_origin(struct vs_sock door, const char *step, int timeout_ms, struct origin *from)
{
	struct vs_keeper_link unknown = { .variant = VS_VARIANT_FOREIGN, .uid = geteuid(), .gid = getegid() };
	struct vs_long_call call = { .door = door, .keeper = &unknown, .timeout_ms = timeout_ms,
				     .req = { .op = VS_OP_RECEIVE } };
	int r = vs_long_call_run(&call);

	if (r == -ENETDOWN)
		return vs_fail(ENETDOWN, "%s: the stack has ended, or the process that keeps it has", step);
	if (r < 0)
		return r;
	int changes = call.n_got > 0 ? vs_steal_fd(&call.got[0]) : -1;
	for (size_t i = 1; i < call.n_got; i++)
		vs_close(call.got[i]);
	int n = sscanf(call.answer, "%" SCNu64 " %" SCNu64 " %d", &from->stack, &from->keeper, &from->door);
	if (n != 3 ||
	    from->door < VS_DOOR_FULL || from->door > VS_DOOR_ATTACHED) {
		vs_close(changes);
		return vs_fail(EPROTO, "%s: the process at the other end is of another version, or no keeper",
			       step);
	}
	from->changes = changes;
	return 0;
}

static void fill_slot(struct vs_slot *slot, struct vs_keeper_link *keeper, const struct origin *from, int fd)
{
	struct timeval limit = { .tv_sec = SEND_S };

	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	slot->door = vs_sock_of(fd);
	slot->id = from->stack;
	slot->via = (enum vs_door)from->door;
	slot->keeper = keeper;
}

/*
 * The number was free, so a slot that has it as its door has lost that. Copies of one door have the same
 * cookie. Without this the end of that slot would close the new door.
 */
static bool forget_lost(void *door, struct vs_slot *slot, struct vdestack *stack)
{
	const struct vs_sock *new = door;

	/* A slot without a handle is written by the thread that makes it, and has no door that is lost. */
	if (stack == NULL || vs_slot_acquire(stack) == NULL)
		return false;
	struct vs_sock old = vs_sock_load(&slot->door);
	if (old.fd == new->fd && old.cookie == new->cookie)
		vs_sock_store(&slot->door, -1);
	vs_slot_release(slot);
	return false;
}

/* Takes *fd on success. */
static int make_handle(const struct origin *from, const char *step, int *fd, struct vdestack **out)
{
	struct vs_keeper_link *keeper;
	struct vs_slot *slot = vs_slot_new();

	if (slot == NULL)
		return fail_to(step, -errno);
	int r = vs_keepers_hold_foreign(from->keeper, from->changes, &keeper);
	if (r < 0) {
		vs_slot_discard(slot);
		return r;
	}
	struct vs_sock door = vs_sock_of(*fd);
	vs_slots_find(forget_lost, &door);
	fill_slot(slot, keeper, from, vs_steal_fd(fd));
	vs_keepers_unhold(); /* the slot shows that it is used */
	*out = vs_slot_publish(slot);
	vs_slot_set_complete(slot);
	return 0;
}

int vs_receive(int fd, const char *step, int timeout_ms, struct vdestack **out)
{
	VS_NO_CANCEL;
	VS_AUTO_CLOSE door = fd;
	struct origin from = { .changes = -1 };

	if (!may_be_door(fd))
		return vs_fail(EINVAL, "%s: the descriptor does not stand for a stack; vdestack_pass() "
				       "returns one that does", step);
	int r = ask_origin(vs_sock_of(door), step, timeout_ms, &from);
	if (r == 0 && (r = vs_fd_raise(&door, vs_numbers_floor())) < 0)
		r = fail_to(step, r);
	if (r == 0)
		r = make_handle(&from, step, &door, out);
	vs_close(from.changes);
	return r;
}

struct vdestack *vdestack_receive(int fd)
{
	static const char step[] = "cannot receive a stack";
	struct vdestack *stack = NULL;
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	if (copy < 0)
		return vs_edge_null(errno == EBADF ? vs_fail(EBADF, "%s: descriptor %d is not open", step, fd)
						   : fail_to(step, -errno));
	int r = vs_receive(copy, step, ANSWER_MS, &stack);
	return r < 0 ? vs_edge_null(r) : stack;
}

/* ------------------------------------------------------------------ passing */

/* The number may be another file's before it is copied: then the copy is not the door. */
static int copy_door(struct vs_slot *slot)
{
	struct vs_sock door = vs_regain_door(slot);
	VS_AUTO_CLOSE copy = vs_sock_valid(&door) ? fcntl(door.fd, F_DUPFD_CLOEXEC, 3) : -1;

	if (vs_sock_valid(&door) && copy < 0)
		return fail_to("cannot pass the stack", -errno);
	if (copy < 0 || vs_sock_of(copy).cookie != door.cookie)
		return vs_fail(ENETDOWN, "%s", vs_regain_why(&door, vs_slot_kept(slot)));
	return vs_steal_fd(&copy);
}

static int door_apart(struct vdestack *stack)
{
	struct vs_long_call call = { .req = { .op = VS_OP_PASS } };
	int r = vs_stack_ask(stack, &call);

	if (r < 0)
		return r;
	for (size_t i = 1; i < call.n_got; i++)
		vs_close(call.got[i]);
	if (call.n_got == 0)
		return vs_fail(EPROTO, "cannot pass the stack: the keeper's reply has no door");
	r = call.got[0] > 2 ? 0 : vs_fd_raise(&call.got[0], 3);
	return r < 0 ? fail_to("cannot pass the stack", r) : call.got[0];
}

static int pass(struct vdestack *stack, unsigned flags)
{
	VS_NO_CANCEL;

	if ((flags & ~VDESTACK_PASS_APART) != 0)
		return vs_fail(EINVAL, "cannot pass the stack: unknown bits in flags: 0x%x", flags);
	struct vs_slot *slot = vs_slot_acquire(stack);
	if (slot == NULL)
		return vs_fail(EINVAL, "cannot pass the stack: not a stack, or one that has been deleted");
	int r;
	if (slot->via == VS_DOOR_ATTACHED)
		r = vs_fail(EPERM, "cannot pass the stack: it belongs to another program, and an attached "
				   "handle does not keep it; only its program can pass it");
	else
		r = (flags & VDESTACK_PASS_APART) != 0 ? door_apart(stack) : copy_door(slot);
	vs_slot_release(slot);
	return r;
}

int vdestack_pass(struct vdestack *stack, unsigned flags)
{
	return vs_edge(pass(stack, flags));
}
