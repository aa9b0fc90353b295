/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The stacks of this process: their names and the list of them.
 *
 * A name is in the slot of its stack, from the beginning of its creation to its deletion. It is written
 * under one lock, by the thread that makes or deletes the stack, and read under that lock. A slot is used
 * for another stack only after the name has gone. So the name that is read belongs to the generation that
 * is read with it.
 *
 * Only stacks whose creation is over are found. The returned handle is that of the moment: another thread
 * may delete the stack right after, and then the handle leads nowhere, like any other.
 *
 * A forked child finds its copies. The lock is in memory that it finds zeroed. Names of stacks that its
 * parent was still making are ignored in the child: they have the token of another process.
 */

#include "names.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "process.h"

/* NULL: there is no memory. */
static struct vs_process *lock_names(sigset_t *saved)
{
	struct vs_process *p = vs_process();

	if (p == NULL)
		return NULL;
	vs_signals_block(saved);
	pthread_mutex_lock(&p->names);
	return p;
}

static void unlock_names(struct vs_process *p, const sigset_t *saved)
{
	pthread_mutex_unlock(&p->names);
	vs_signals_restore(saved);
}

/* ------------------------------------------------------------------ names */

struct search {
	const char *name;
	uint64_t process; /* not 0: stacks that this process is making count, too */
	bool taken;
	struct vdestack *found; /* NULL: it has no handle yet */
};

static bool has_name(void *arg, struct vs_slot *slot, struct vdestack *stack)
{
	struct search *s = arg;
	bool made = stack != NULL && vs_slot_complete(slot);
	bool counts = made || (s->process != 0 && slot->maker == s->process);

	if (!counts || strcmp(slot->name, s->name) != 0)
		return false;
	s->taken = true;
	s->found = stack;
	return true;
}

int vs_name_take(struct vs_slot *slot, const char *name)
{
	sigset_t saved;

	if (name[0] == '\0')
		return 0;
	struct vs_process *p = lock_names(&saved);
	if (p == NULL)
		return vs_fail(ENOMEM, "cannot name the stack \"%s\": %s", name, strerror(ENOMEM));
	struct search s = { .name = name, .process = vs_process_token(p) };
	vs_slots_find(has_name, &s);
	if (!s.taken) {
		slot->maker = s.process;
		memcpy(slot->name, name, strnlen(name, sizeof(slot->name) - 1) + 1);
	}
	unlock_names(p, &saved);
	if (!s.taken)
		return 0;
	return vs_fail(EEXIST, "cannot name the stack \"%s\": another stack of this process has that name; "
			       "choose another, or delete that stack first", name);
}

void vs_name_drop(struct vs_slot *slot)
{
	sigset_t saved;
	struct vs_process *p;

	if (slot->name[0] == '\0' || (p = lock_names(&saved)) == NULL)
		return;
	slot->name[0] = '\0';
	unlock_names(p, &saved);
}

static int name_of(struct vdestack *stack, char *buf, size_t size)
{
	char name[sizeof(((struct vs_slot *)NULL)->name)] = "";
	struct vs_slot *slot = buf != NULL || size == 0 ? vs_slot_acquire(stack) : NULL;
	sigset_t saved;

	if (buf == NULL && size > 0)
		return vs_fail(EINVAL, "cannot tell the name: no room is given for it; give a buffer");
	if (slot == NULL)
		return vs_fail(EINVAL, "cannot return the name: not a stack, or one that has been deleted");
	struct vs_process *p = lock_names(&saved);
	if (p != NULL) {
		memcpy(name, slot->name, sizeof(name));
		unlock_names(p, &saved);
	}
	vs_slot_release(slot);
	size_t len = strlen(name);
	if (len >= size)
		return vs_fail(ERANGE, "cannot return the name: the buffer needs %zu bytes", len + 1);
	memcpy(buf, name, len + 1);
	return (int)len;
}

int vdestack_name(struct vdestack *stack, char *buf, size_t size)
{
	return vs_edge(name_of(stack, buf, size));
}

struct vdestack *vdestack_by_name(const char *name)
{
	struct search s = { .name = name };
	sigset_t saved;
	struct vs_process *p = name != NULL && name[0] != '\0' ? lock_names(&saved) : NULL;

	if (p != NULL) {
		vs_slots_find(has_name, &s);
		unlock_names(p, &saved);
	}
	if (s.found == NULL)
		return vs_edge_null(vs_fail(ENOENT, "cannot find a stack by name: no stack of this process "
						    "has the name \"%.63s\"", name != NULL ? name : ""));
	return s.found;
}

/* ------------------------------------------------------------------ the list */

struct listing {
	struct vdestack **list;
	size_t room, n;
};

static bool enlist(void *arg, struct vs_slot *slot, struct vdestack *stack)
{
	struct listing *l = arg;

	if (stack == NULL || !vs_slot_complete(slot))
		return false;
	if (l->n < l->room)
		l->list[l->n] = stack;
	l->n++;
	return false;
}

int vdestack_list(struct vdestack **list, size_t n)
{
	struct listing l = { .list = list, .room = list != NULL ? n : 0 };

	vs_slots_find(enlist, &l);
	return (int)l.n;
}
