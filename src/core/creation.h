/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_CORE_CREATION_H
#define VS_CORE_CREATION_H

/*
 * The creation of a stack, and the addition of interfaces to one, in steps that do not wait. See creation.c.
 */

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"
#include "long_call.h"
#include "options.h"
#include "rtnl/nl.h"
#include "rtnl/ready.h"
#include "wire/impair.h"
#include "wire/sources.h"
#include <vdestack.h>

enum vs_creation_state {
	VS_CREATION_KEEPER,
	VS_CREATION_NAMESPACE,
	VS_CREATION_CONFIG,
	VS_CREATION_NEXT,
	VS_CREATION_IFACE,
	VS_CREATION_IMPAIR,
	VS_CREATION_IMPAIRED,
	VS_CREATION_PREPARE,
	VS_CREATION_PREPARED,
	VS_CREATION_CAPTURE,
	VS_CREATION_CAPTURING,
	VS_CREATION_CAPTURED,
	VS_CREATION_APPLY,
	VS_CREATION_SOURCES,
	VS_CREATION_STARTED,
	VS_CREATION_READY,
	VS_CREATION_LEARNING,
	VS_CREATION_LEARNED,
	VS_CREATION_LATE,
	VS_CREATION_TRIAL,
	VS_CREATION_DONE,
};

struct vs_creation {
	enum vs_creation_state state;
	/* What is wanted: */
	struct vs_create_opts opts;
	bool adding;                    /* interfaces to a stack that is there, not a stack */
	const char *text;               /* borrowed; read in CONFIG; NULL: config is there already */
	const struct vs_config *config; /* borrowed, or the one that has been read */
	struct vs_config *own_config;
	int64_t deadline_ms;            /* of the whole */
	/* What has been made: */
	uint64_t addition;              /* random: whose interfaces they are, for the keeper */
	struct vs_slot *slot;           /* NULL: nothing; a use of it, once there is a handle */
	struct vdestack *stack;         /* NULL: no handle yet */
	size_t n_made;                  /* interfaces */
	bool may_wait;                  /* at its end, until interfaces are removed */
	bool inherited;                 /* this process is a forked child: the parent goes on */
	bool absent;                    /* one of them has no network: addresses are not waited for */
	bool has_channel;               /* registered with the keeper, for sockets of the stack */
	unsigned attempts;              /* keepers that were asked for the namespace */
	bool wait_ready;                /* addresses and carriers are waited for */
	bool learned;                   /* the sources are ready; now their addresses are waited for */
	size_t n_impaired;              /* interfaces that are, or need not be */
	size_t n_sources;               /* interfaces whose sources were asked for, then: are ready */
	int64_t sources_deadline_ms;
	size_t n_captures;              /* interfaces that have been looked at for capture=FILE */
	/* What the step under way holds: */
	struct vs_long_call call;
	struct vs_channel *reserved;    /* that this request may register; NULL: none */
	int dirs[2];                    /* root and working directory of the caller; -1: none */
	int stream;                     /* of the command of the next interface; -1 */
	int leases;                     /* directory; -1: none */
	int control;                    /* of the capture that is being started; -1: none */
	struct vs_wire_sources sources; /* text of the request */
	struct vs_wire_impair impair;   /* the same */
	struct vs_nl nl;
	struct vs_sock nl_sock;         /* its socket */
	struct vs_ready ready;
	int64_t step_deadline_ms;
	/* What it waits for; set when a step returns VS_NOT_YET: */
	struct pollfd wanted;           /* fd -1: only for the time */
	int64_t due_ms;                 /* then the next step is due in any case */
};

/*
 * Beginnings; nothing is done yet, and nothing fails. A stack with the interfaces of config, or, with
 * opts->adopt, a stack on that namespace with those of text, or an addition of those of text to a stack. What
 * is passed is borrowed.
 */
void vs_creation_begin(struct vs_creation *c, const struct vs_create_opts *opts,
		       const struct vs_config *config);
void vs_creation_begin_adoption(struct vs_creation *c, const struct vs_create_opts *opts, const char *text);
void vs_creation_begin_addition(struct vs_creation *c, const struct vs_create_opts *opts,
				struct vdestack *stack, const char *text);

/*
 * Goes as far as it can without waiting. 0: done; VS_NOT_YET: the next call is due as c->wanted and c->due_ms
 * say; another -errno with a message: failed.
 */
int vs_creation_step(struct vs_creation *c);

/* Steps until it is done or has failed, waiting in between. 0 or -errno, message recorded. */
int vs_creation_run(struct vs_creation *c);

/*
 * Releases what c holds. What has been made stays if the creation is done, and goes if it is not; after
 * vs_creation_run() this waits until the interfaces are removed. The last message of the thread stays.
 */
void vs_creation_end(struct vs_creation *c);

/* A whole creation of a stack with the interfaces of config. 0 or -errno, message recorded. */
int vs_create(const struct vs_config *config, const struct vs_create_opts *opts, struct vdestack **out);

#endif
