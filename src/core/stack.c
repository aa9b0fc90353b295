/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What can be asked of a living stack. */

#include "stack.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diagnose.h"
#include "base/error.h"
#include "handle.h"
#include "numbers.h"
#include "process.h"
#include "request.h"

#define ANSWER_MS 7000

/* One long call to the stack's networking thread. */
static int ask(struct vdestack *stack, struct vs_long_call *call)
{
	struct vs_slot *slot = vs_slot_acquire(stack);

	if (slot == NULL)
		return vs_fail(EINVAL, "not a stack, or one that has been deleted");
	call->door = slot->door;
	call->door_cookie = slot->door_cookie;
	call->keeper = slot->keeper;
	call->timeout_ms = ANSWER_MS;
	int r = vs_call_long(call);
	vs_slot_release(slot);
	return r;
}

/* ------------------------------------------------------------------ the way in */

/* Both ends stay with the slot: [0] is cut to end the commands, copies of [1] go to their runners. */
static int leash_make_locked(struct vs_slot *slot, struct vs_process *p)
{
	if (slot->leash_process == vs_process_token(p) && vs_socket_cookie(slot->leash[1]) == slot->leash_cookie[1])
		return 0;
	for (int i = 0; i < 2; i++) /* inherited from the parent: its commands are not ours */
		if (slot->leash_process != 0)
			vs_socket_close(slot->leash[i], slot->leash_cookie[i]);
	slot->leash_process = 0;
	int r = vs_socketpair(slot->leash);
	if (r < 0)
		return r;
	for (int i = 0; i < 2; i++) {
		(void)vs_fd_raise(&slot->leash[i], vs_number_floor());
		slot->leash_cookie[i] = vs_socket_cookie(slot->leash[i]);
	}
	slot->leash_process = vs_process_token(p);
	return 0;
}

static int leash_copy(struct vdestack *stack, int *copy)
{
	struct vs_process *p = vs_process();
	struct vs_slot *slot = vs_slot_acquire(stack);
	sigset_t saved;

	if (slot == NULL || p == NULL)
		return vs_fail(EINVAL, "not a stack, or one that has been deleted");
	vs_signals_block(&saved);
	pthread_mutex_lock(&p->lock);
	int r = leash_make_locked(slot, p);
	if (r == 0) {
		*copy = fcntl(slot->leash[1], F_DUPFD_CLOEXEC, 3);
		r = *copy < 0 ? -errno : 0;
	}
	pthread_mutex_unlock(&p->lock);
	vs_signals_restore(&saved);
	vs_slot_release(slot);
	return r < 0 ? vs_fail(-r, "cannot watch over commands: %s", vs_cause_text(vs_diagnose_limit(-r), -r)) : 0;
}

static int entry(struct vdestack *stack, int *netns, int *life)
{
	struct vs_long_call call = { .req = { .op = VS_OP_ENTRY } };
	int r = ask(stack, &call);

	if (r < 0)
		return r;
	if (call.n_got < 2) {
		vs_close(call.n_got > 0 ? call.got[0] : -1);
		return vs_fail(EPROTO, "the keeper gave no namespace");
	}
	*netns = call.got[0];
	*life = call.got[1];
	return 0;
}

int vs_stack_entry(struct vdestack *stack, struct vs_stack_entry *out)
{
	VS_AUTO_CLOSE netns = -1;
	VS_AUTO_CLOSE life = -1;
	int leash = -1;
	int r = entry(stack, &netns, &life);

	if (r == 0)
		r = leash_copy(stack, &leash);
	if (r == 0)
		r = vs_fd_raise(&netns, 3);
	if (r == 0)
		r = vs_fd_raise(&life, 3);
	if (r < 0) {
		vs_close(leash);
		return r;
	}
	out->netns = vs_steal_fd(&netns);
	out->life = vs_steal_fd(&life);
	out->leash = leash;
	return 0;
}

int vdestack_netns(struct vdestack *stack)
{
	VS_AUTO_CLOSE life = -1;
	int netns = -1;
	int r = entry(stack, &netns, &life);

	if (r == 0 && netns < 3)
		r = vs_fd_raise(&netns, 3);
	return vs_edge(r < 0 ? r : netns);
}

/* ------------------------------------------------------------------ sysctl */

int vs_stack_sysctl_set(struct vdestack *stack, const char *name, const char *value)
{
	struct vs_long_call call = { .req = { .op = VS_OP_SYSCTL_SET } };
	size_t name_len = strlen(name) + 1, len = name_len + strlen(value);

	if (len > VS_TEXT_MAX)
		return vs_fail(E2BIG, "cannot set sysctl %.100s: the value is too long", name);
	VS_AUTO_FREE char *text = malloc(len + 1);
	if (text == NULL)
		return vs_fail(ENOMEM, "cannot set sysctl %.100s: out of memory", name);
	memcpy(text, name, name_len);
	memcpy(text + name_len, value, strlen(value) + 1);
	call.text = text;
	call.text_len = len;
	int r = ask(stack, &call);
	return r < 0 ? vs_fail(-r, "cannot set sysctl %.100s: %s", name, strerror(-r)) : 0;
}

int vs_stack_sysctl_get(struct vdestack *stack, const char *name, char *buf, size_t size)
{
	struct vs_long_call call = { .req = { .op = VS_OP_SYSCTL_GET }, .text = name, .text_len = strlen(name) };
	int r = ask(stack, &call);

	if (r < 0)
		return vs_fail(-r, "cannot read sysctl %.100s: %s", name, strerror(-r));
	size_t len = strlen(call.answer);
	if (len > 0 && call.answer[len - 1] == '\n')
		call.answer[--len] = '\0';
	if (len >= size)
		return vs_fail(ERANGE, "cannot read sysctl %.100s: its value takes %zu bytes", name, len + 1);
	memcpy(buf, call.answer, len + 1);
	return (int)len;
}
