/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_CORE_KEEPERS_H
#define VS_CORE_KEEPERS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "wire/fdmsg.h"
#include "wire/messages.h"
#include "wire/side_door.h"

struct vs_changes;
struct vs_claims;

/* The message of calls that fail with ENETDOWN. */
extern const char vs_keepers_gone[];

enum vs_variant {
	VS_VARIANT_PROCESS,   /* shared by all stacks of the program */
	VS_VARIANT_INPROCESS, /* the same on threads of the program */
	VS_VARIANT_ADOPT,     /* lives in the user namespace of one adopted namespace; for that stack alone */
	/* like PROCESS, in the user namespace that unprivileged programs with local:// stacks share */
	VS_VARIANT_LOCAL,
	VS_VARIANT_FOREIGN,   /* of another process, from which this one has a door; there is no front door */
};

/* A keeper as the program sees it. Constant while it is in use. */
struct vs_keeper_link {
	struct vs_keeper_link *next;
	enum vs_variant variant;
	/* Names the keeper in this process: the cookie of our end of its first front door. Foreign: count. */
	uint64_t id;
	uint64_t claimed; /* foreign only: what it says that its id is, the cookie of its own end */
	struct vs_sock front; /* the program's end of its front door; changes when it is regained */
	int pid;         /* 0: in this process */
	int proof;       /* the process id to claim in requests, see src/keeper/auth.c; 0: our own */
	uid_t uid;       /* the ids to claim: those this program had when it started the keeper */
	gid_t gid;
	struct vs_key key; /* zero once this process is sealed; under the process lock, or constant */
	struct vs_changes *changes; /* the change page, to be read; NULL: there is none */
	ino_t page;                 /* the file of the change page. Foreign only */
	dev_t page_device;
	/* The claim page, to be written; NULL: no stack has been a default yet. Set once, see claim.c: */
	_Atomic(struct vs_claims *) claims;
	struct vs_side_door side; /* written before; under the regain lock, or constant */
	ino_t pid_ns;    /* the PID namespace of the process that started it; 0: not known */
	atomic_bool elsewhere;  /* this process has moved to another PID namespace: no new stacks */
	bool dead;
	/* What it could not do for itself; the thread that takes it frees it. NULL: nothing, or taken. */
	_Atomic(char *) warning;
};

/*
 * The variant for an unprivileged program. A program with local:// stacks has all its stacks in a keeper for
 * them. If it has an ordinary keeper already, it has two of them, and stacks with inproc:// stay in that one.
 * local, inproc: whether the stack has such interfaces. 0 or -errno, message recorded.
 */
int vs_keepers_variant(bool local, bool inproc, enum vs_variant *out);

/*
 * Stores a living keeper of the variant in *out, and starts one if there is none. adopt is a namespace for
 * VS_VARIANT_ADOPT, else -1. deadline_ms is a time of the clock of vs_now_ms(). The keeper counts as used
 * until vs_keepers_unhold(). 0 or -errno, message recorded.
 */
int vs_keepers_hold(enum vs_variant variant, int adopt, int64_t deadline_ms, struct vs_keeper_link **out);
void vs_keepers_unhold(void);

/*
 * As vs_keepers_hold(), for a foreign keeper. changes is a descriptor of its change page (borrowed), or -1. 0
 * or -errno, message recorded.
 */
int vs_keepers_hold_foreign(uint64_t id, int changes, struct vs_keeper_link **out);

/* Takes what a living keeper could not do for itself. "": nothing, or it has been taken. */
void vs_keepers_take_warning(struct vs_keeper_link *keeper, char text[VS_MESSAGE_MAX]);

/* Records that a keeper does not answer any more, so that the next stack gets a new one. */
void vs_keepers_died(struct vs_keeper_link *keeper);

/* Calls fn for each keeper, unless another thread is making or deleting a stack now. */
void vs_keepers_each(void (*fn)(struct vs_keeper_link *keeper));

/*
 * Ends keepers that no stack of this process uses. Async-signal-safe. The next vs_keepers_tidy() frees what
 * a keeper leaves in this process.
 */
void vs_keepers_dismiss(void);

/*
 * Ends keepers that no stack of this process uses, and frees them. Waits for those that have a holder
 * (held.h), at most half a second for each.
 */
void vs_keepers_tidy(void);

/*
 * Returns a text for a message if the keeper may have refused a request although this process has the
 * privileges: the process is in another PID namespace than the keeper, where it cannot claim the process id
 * that it must claim. Then marks the keeper. NULL: it is in the same one.
 */
const char *vs_keepers_elsewhere(struct vs_keeper_link *keeper);

/* Erases the keys of all keepers, and keeps this process from starting others. 0 or -errno with a message. */
int vs_keepers_seal(void);
/* 0, or -EPERM with a message that begins with the step, e.g. "cannot make a stack". */
int vs_keepers_sealed(const char *step);

/* True if this thread may make network namespaces in its own user namespace. */
bool vs_privileged(void);

#endif
