/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Static items. A stack that takes words of vdestack_config(7) gets them in one call, which does all or
 * nothing. In another one, and on lo, they are set one by one by netlink.
 *
 * The network of the process may have to be adopted to take words, which takes more rights than netlink. If
 * that is refused, and nothing has been set by words yet, netlink is used, from then on.
 *
 * The record of the interface is held from before the change until what has changed is written down.
 */

#include "static.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ioth/lib/internal.h"
#include "plain.h"
#include "record.h"
#include "words.h"
#include <vdestack.h>

#define STEP_MS 10000 /* for duplicate address detection, on a slow machine */
#define HOLD_MS 60000
#define MESSAGE_MAX 512

struct changing {
	const struct vs_target *t;
	struct vs_record *record;
	struct vs_items gone, next; /* of `gone` some may not be there */
	const struct vs_items *add; /* a part of `next` */
	bool is_plain;
};

static int fail_memory(const struct vs_target *t)
{
	return ioth_internal_fail(ENOMEM, "cannot configure interface %s: no memory", t->ifname);
}

/* ------------------------------------------------------------------ by words */

static int configure(const struct vs_target *t, const struct vs_items *gone, const struct vs_items *add,
		     unsigned flags)
{
	bool none;
	char *words = vs_words_static(t->ifname, gone, add, &none);

	if (words == NULL && !none)
		return fail_memory(t);
	int r = none ? 0 : vs_target_configure(t, words, flags, STEP_MS);
	int err = errno;
	free(words);
	errno = err;
	return r;
}

/* The name servers and domains of `from`. False: out of memory. */
static bool names_of(const struct vs_items *from, struct vs_items *out)
{
	bool good = true;

	for (size_t i = 0; i < from->n && good; i++) {
		const char *value = strchr(from->list[i], '=') + 1;
		if (strncmp(from->list[i], "dns=", 4) == 0)
			good = vs_items_add(out, "dns", value);
		else if (strncmp(from->list[i], "domain=", 7) == 0)
			good = vs_items_add(out, "domain", value);
	}
	return good;
}

/*
 * After a failure addresses and routes are as before, but names that were removed are not. All are set anew,
 * so that they have their order. Keeps errno and the message.
 */
static void restore_names(const struct changing *c)
{
	struct vs_items names = { 0 };
	char message[MESSAGE_MAX];
	int err = errno;

	(void)snprintf(message, sizeof(message), "%s", ioth_last_error());
	if (names_of(vs_record_held(c->record), &names) && names.n > 0)
		(void)configure(c->t, &names, &names, VDESTACK_NO_WAIT);
	vs_items_free(&names);
	(void)ioth_internal_fail(err, "%s", message);
}

static int change_by_words(const struct changing *c)
{
	int r = configure(c->t, &c->gone, c->add, c->t->is_up ? 0 : VDESTACK_NO_WAIT);

	if (r < 0)
		restore_names(c);
	return r;
}

/* ------------------------------------------------------------------ by either way */

/* If netlink may not either, the message is that of the words: it says which rights are needed. */
static int change_without_rights(struct changing *c)
{
	char message[MESSAGE_MAX];

	(void)snprintf(message, sizeof(message), "%s", ioth_last_error());
	int r = vs_plain_change(c->t, vs_record_held(c->record), c->add, &c->next);
	if (r < 0 && errno == EPERM)
		return ioth_internal_fail(EPERM, "%s", message);
	c->is_plain = true;
	return r;
}

static int change(struct changing *c)
{
	const struct vs_items *before = vs_record_held(c->record);

	c->is_plain = vs_record_is_plain(c->record) || !vs_target_takes_words(c->t);
	if (c->is_plain)
		return vs_plain_change(c->t, before, c->add, &c->next);
	int r = change_by_words(c);
	return r < 0 && errno == EPERM && before->n == 0 ? change_without_rights(c) : r;
}

/* ------------------------------------------------------------------ what is to change */

/* all: all items of earlier calls are taken back, apart from those of `add`. */
static bool prepare(struct changing *c, bool all, const struct vs_items *remove)
{
	const struct vs_items *before = vs_record_held(c->record);
	bool good = !all || vs_items_add_all(&c->gone, before);

	good = good && vs_items_add_all(&c->gone, remove);
	vs_items_remove(&c->gone, c->add);
	good = good && vs_items_add_all(&c->next, before);
	vs_items_remove(&c->next, &c->gone);
	return good && vs_items_add_all(&c->next, c->add);
}

static int change_held(struct changing *c, bool all, const struct vs_items *remove)
{
	int r = prepare(c, all, remove) ? change(c) : fail_memory(c->t);
	int err = errno;

	vs_record_release(c->record, r == 0 ? &c->next : NULL, c->is_plain);
	vs_items_free(&c->gone);
	vs_items_free(&c->next);
	errno = err;
	return r;
}

static int change_static(const struct vs_target *t, bool all, const struct vs_items *remove,
			 const struct vs_items *add)
{
	struct changing c = { .t = t, .add = add };
	int state, r;

	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state); /* else the record might stay held */
	c.record = vs_record_hold(t->stack, t->ifname, HOLD_MS);
	if (c.record != NULL)
		r = change_held(&c, all, remove);
	else if (errno == ENOMEM)
		r = fail_memory(t);
	else
		r = ioth_internal_fail(errno,
				       "cannot configure interface %s: other calls do since %d s; try again",
				       t->ifname, HOLD_MS / 1000);
	(void)pthread_setcancelstate(state, &state);
	return r;
}

int vs_static_undo(const struct vs_target *t, const struct vs_plan *plan)
{
	static const struct vs_items nothing;
	bool all = (plan->undo & VS_PLAN_STATIC) != 0;

	return all || plan->remove.n > 0 ? change_static(t, all, &plan->remove, &nothing) : 0;
}

int vs_static_set(const struct vs_target *t, const struct vs_plan *plan)
{
	static const struct vs_items nothing;

	return change_static(t, true, &nothing, &plan->add);
}
