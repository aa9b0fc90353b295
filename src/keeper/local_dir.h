/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_KEEPER_LOCAL_DIR_H
#define VS_KEEPER_LOCAL_DIR_H

/*
 * The directory in which keepers with segments in common meet (wire/registry_dir.h), and its lock.
 *
 *     local-u-4026531837            the lock file
 *     local-u-4026531837-PID-TAG        the socket of a keeper
 *     local-u-4026531837-PID-TAG-HEX    a mark: that keeper has the segment whose name HEX is
 *
 * The letter and the first number are the domain: only keepers of one domain can meet. 'p' stands for
 * privileged keepers, which live in the user namespace with that number. 'u' stands for the others: they are
 * started in the namespace with that number, and live in a child of it.
 *
 * The functions that take names work in the directory of the calling thread, between vs_local_dir_enter() and
 * vs_local_dir_leave().
 */

#include <stddef.h>

#include "local.h"

/*
 * Opens the directory and chooses prefix and tag, if that has not been done. `privileged`: lives in the user
 * namespace it was started in. 0 or -errno with a message.
 */
int vs_local_dir_open(struct vs_local *l, bool privileged);
void vs_local_dir_close(struct vs_local *l);

/* The calling thread has a directory and a umask of its own from then on. 0 or -errno. */
int vs_local_dir_enter(const struct vs_local *l);
void vs_local_dir_leave(void);

/*
 * Takes the lock: who has it may make a user namespace or a segment. Waits until the deadline at most. A
 * descriptor to close, or -errno with a message that names the process that has it.
 */
int vs_local_lock(const struct vs_local *l, int64_t deadline_ms);
/* Releases it. last: the file is removed; who waits for it makes another one. */
void vs_local_unlock(const struct vs_local *l, int lock, bool last);

/* Binds the socket of this keeper. A descriptor, or -errno. */
int vs_local_bind(const struct vs_local *l);
/* Makes or removes the mark of this keeper for a segment. 0 or -errno. */
int vs_local_dir_mark(const struct vs_local *l, const char *segment, bool there);

struct vs_local_peer {
	pid_t pid;
	unsigned tag;
	char socket[VS_LOCAL_NAME_MAX];
	char mark[VS_LOCAL_NAME_MAX]; /* "": the list is not about a segment */
	/* of local_ask.c: */
	int channel;
	int asked; /* how often */
	int result; /* -errno; 0: it has not answered */
	bool gone;
};

#define VS_LOCAL_PEERS_MOST 1024 /* others are not listed */

/*
 * The other keepers of the domain, or those that have a mark for the segment. *out is to be freed. 0 or
 * -errno.
 */
int vs_local_list(const struct vs_local *l, const char *segment, struct vs_local_peer **out, size_t *n);
/* The keeper does not live any more: removes its socket and marks. */
void vs_local_forget(const struct vs_local *l, const struct vs_local_peer *peer);

/* Whether it is a namespace of that kind, "net" or "user". Other files are not touched. */
bool vs_local_is_namespace(int fd, const char *kind);
/* Whether a network namespace belongs to the user namespace of this keeper. */
bool vs_local_is_ours(const struct vs_local *l, int ns);

#endif
