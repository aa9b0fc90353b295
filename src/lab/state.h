/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_LAB_STATE_H
#define VS_LAB_STATE_H

/*
 * A lab: its text, the topology that was parsed from it, and what runs. One thread at a time uses it, so
 * nothing is locked. What it owns goes in vdestack_lab_delete(): stacks, descriptors, the temporary
 * directory.
 *
 *     NEW ── vdestack_lab_start() ──▶ RUNNING
 *      └────────── on failure ──────▶ FAILED    only to be deleted; nothing runs
 *
 * The topology follows the text while the lab is NEW, and stays as it is afterwards.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "topology.h"
#include <vdestack.h>

enum vs_lab_phase { VS_LAB_NEW, VS_LAB_RUNNING, VS_LAB_FAILED };

/* What runs of a host, at the same index as the host. */
struct vs_lab_member {
	struct vdestack_creation *creation; /* while the stack is made */
	struct vdestack *stack;
	int events;         /* subscription, -1: none */
	int server, status; /* pidfd and status of its command, -1: it does not run */
	int *captures;        /* of each port: for the artefacts, -1: none */
	bool *seeded;       /* of each port: both directions have seeds that repeat */
};

struct vdestack_lab {
	char *text; /* NUL-terminated */
	size_t len;
	struct vs_lab_topology *t; /* NULL: to be parsed */
	enum vs_lab_phase phase;
	struct vs_lab_member *members; /* from the start on */
	unsigned number;               /* of the lab in this process: names of segments and stacks */
	pid_t maker;                   /* captures and files are of this process, not of its children */

	unsigned flags;
	int timeout_ms;
	uint64_t seed;
	bool own_seed; /* the options have it */
	char *artefacts; /* or NULL */
	char *written;   /* the directory of the last failure, or NULL */
	char *directory; /* temporary files, or NULL while there are none */
};

/* Parses a text, see vs_lab_parse(). -Exxx with a message. */
int vs_lab_state_parse(const char *text, size_t len, bool partial, struct vs_lab_topology **t);

/* Parses the text of the lab, if that has not been done. -EINVAL with a message. */
int vs_lab_resolve(struct vdestack_lab *lab);

/* -EINVAL without a lab, -ENOTCONN if it must run and does not, with a message; parses the text. */
int vs_lab_check_phase(struct vdestack_lab *lab, bool running);

/*
 * A host by name, or a port by "HOST:NETWORK"; the lab must run if `running`. Records a message on failure.
 */
int vs_lab_look_up_host(struct vdestack_lab *lab, const char *name, bool running, size_t *host);
int vs_lab_look_up_port(struct vdestack_lab *lab, const char *name, bool running, size_t *host, size_t *port);

/* The name of the interface of a port. */
static inline const char *vs_lab_ifname(const struct vdestack_lab *lab, size_t host, size_t port)
{
	return lab->t->networks[lab->t->hosts[host].ports[port].network].name;
}

#endif
