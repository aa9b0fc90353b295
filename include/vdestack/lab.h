/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_LAB_H
#define VDESTACK_LAB_H

/*
 * A laboratory: networks, hosts, routers and servers of a test, from a few lines of text. libvdestack-lab, a
 * library of its own (CMake vdestack::lab, pkg-config vdestack-lab). vdestack_lab_new(3) has examples,
 * vdestack_lab(7) the text. The conventions of <vdestack.h> hold, with two differences: a lab is used by one
 * thread at a time, and messages are returned by vdestack_lab_last_error().
 *
 *     network lan 10.0.0.0/24 fd00::/64
 *     host    web on lan
 *     server  db on lan run "redis-server --port 6379" ready tcp 6379
 *     link    web:lan delay=20ms loss=1%
 *
 * A port is where a host is on a network: "web:lan". The interface has the name of the network.
 */

#include <stddef.h>
#include <stdint.h>

#include <vdestack.h>

#ifdef __cplusplus
extern "C" {
#endif

struct vdestack_lab;

/* Bits of vdestack_lab_opts.flags. */
#define VDESTACK_LAB_CAPTURE 0x1u /* captures all ports into the artefacts, if a directory for them is set */

/* Options; zero means default everywhere. Set size to sizeof(struct vdestack_lab_opts). */
struct vdestack_lab_opts {
	size_t size;
	unsigned flags;        /* VDESTACK_LAB_... */
	int timeout_ms;        /* of vdestack_lab_start(); 0 = 30000, -1 = no limit */
	uint64_t seed;         /* of all impairments; 0 = $VDESTACK_LAB_SEED, or a random one */
	const char *artefacts; /* directory for failures; NULL = $VDESTACK_LAB_ARTEFACTS, or none */
};

/*
 * A lab from its text; NULL or "": an empty one. Nothing is started. text is checked as a whole: on a mistake
 * there is no lab, and the message begins with LINE:COLUMN. opts may be NULL.
 * errno: EINVAL (the text, an option, or $VDESTACK_LAB_SEED), E2BIG (the text or options are too long),
 * ENOMEM.
 */
struct vdestack_lab *vdestack_lab_new(const char *text,
				      const struct vdestack_lab_opts *opts) VDESTACK_NODISCARD;

/*
 * Adds lines. A name that they refer to may be added later; vdestack_lab_start() fails if it was not.
 * The other four add one line each: `words` is what stands behind the name, NULL for nothing.
 * errno: EINVAL (nothing was added), EBUSY (the lab has been started), E2BIG, ENOMEM.
 */
int vdestack_lab_add(struct vdestack_lab *lab, const char *lines) VDESTACK_NONNULL(2);
int vdestack_lab_add_network(struct vdestack_lab *lab, const char *name, const char *words)
	VDESTACK_NONNULL(2);
int vdestack_lab_add_host(struct vdestack_lab *lab, const char *name, const char *words) VDESTACK_NONNULL(2);
int vdestack_lab_add_router(struct vdestack_lab *lab, const char *name, const char *words)
	VDESTACK_NONNULL(2);
int vdestack_lab_add_link(struct vdestack_lab *lab, const char *port, const char *words)
	VDESTACK_NONNULL(2, 3);

/*
 * Starts all: the hosts at the same time, then routers and impairments, then the servers in the order of the
 * text. On return addresses can be used, routes are set, servers are ready. On failure nothing runs any more,
 * and the artefacts are written if there is a directory for them; the lab can only be deleted then.
 * errno: EINVAL (the text), EBUSY (started before), ETIMEDOUT, ENOENT (a program is missing), ECHILD (a
 * server has ended before it was ready), or the error of vdestack_new().
 */
int vdestack_lab_start(struct vdestack_lab *lab);

/*
 * Kills what runs, removes all stacks and temporary files, and frees the lab. NULL is allowed. In a forked
 * child it takes nothing from the parent.
 */
void vdestack_lab_delete(struct vdestack_lab *lab);

/*
 * The stack of a host. It belongs to the lab and must not be deleted. errno: ENOENT (no such host), ENOTCONN
 * (the lab is not started).
 */
struct vdestack *vdestack_lab_host(struct vdestack_lab *lab, const char *host) VDESTACK_NONNULL(2);

/*
 * Writes an address of a host ("web": its first one) or of a port ("web:lan") as text and returns its length.
 * family: AF_INET, AF_INET6, or 0 for IPv4 if there is one, else IPv6. Works before the start.
 * errno: ENOENT (no such host or port), EADDRNOTAVAIL (no such address), ERANGE (buf is too small).
 */
int vdestack_lab_addr(struct vdestack_lab *lab, const char *where, int family, char *buf, size_t size)
	VDESTACK_NONNULL(2);

/*
 * vdestack_spawn() and vdestack_run() in a host. In the command the names of all hosts are known: its
 * /etc/hosts is that of the lab where mounts are allowed, and the environment has VDESTACK_LAB_HOSTS, the
 * path of that file, VDESTACK_LAB_HOST and for each host VDESTACK_LAB_ADDR_NAME. A command without '/' is
 * looked up in the PATH of the program. opts->envp replaces the environment as a whole. errno: those of
 * vdestack_spawn(); ENOENT (no such host, or no such program), ENOTCONN.
 */
int vdestack_lab_spawn(struct vdestack_lab *lab, const char *host, char *const argv[],
		       const struct vdestack_cmd_opts *opts, int *status_fd) VDESTACK_NODISCARD
	VDESTACK_NONNULL(2, 3);
int vdestack_lab_run(struct vdestack_lab *lab, const char *host, char *const argv[],
		     const struct vdestack_cmd_opts *opts) VDESTACK_NODISCARD VDESTACK_NONNULL(2, 3);

/*
 * The pidfd of a host's server, for poll(2) and pidfd_send_signal(2). It belongs to the lab. ENOENT: the host
 * has no server, or it does not run.
 */
int vdestack_lab_server(struct vdestack_lab *lab, const char *host) VDESTACK_NONNULL(2);
/* Starts the server of a host again, killing it first if it runs, and waits until it is ready. */
int vdestack_lab_server_start(struct vdestack_lab *lab, const char *host) VDESTACK_NONNULL(2);

/*
 * Changes what happens to the frames of a port, by words of vdestack_impair_words(3). Random choices are made
 * from the seed of the lab, the port and the direction, unless the words have a seed. EINVAL: a word is
 * wrong.
 */
int vdestack_lab_impair(struct vdestack_lab *lab, const char *port, const char *words) VDESTACK_NONNULL(2, 3);
/* Pulls the cable of a port, or puts it back. The host sees the loss of the carrier. */
int vdestack_lab_cut(struct vdestack_lab *lab, const char *port) VDESTACK_NONNULL(2);
int vdestack_lab_restore(struct vdestack_lab *lab, const char *port) VDESTACK_NONNULL(2);
/*
 * Splits a network: "a,b|c,d,e". A host that is not named is in the first group. heal joins them again.
 * errno: EINVAL (a host twice, an empty group), ENOENT, ENOTSUP (not a segment).
 */
int vdestack_lab_partition(struct vdestack_lab *lab, const char *network, const char *groups)
	VDESTACK_NONNULL(2, 3);
int vdestack_lab_heal(struct vdestack_lab *lab, const char *network) VDESTACK_NONNULL(2);
/* Captures a port into a file until the lab is deleted. errno: as vdestack_capture_start(). */
int vdestack_lab_capture(struct vdestack_lab *lab, const char *port, const char *file) VDESTACK_NONNULL(2, 3);

/*
 * Writes all that is known to a new directory: the reason, the text, the pictures, the seed; for each host
 * addresses, routes, neighbours, counters, impairments and events; the output of servers; captures. Returns
 * 1, and 0 if no directory is configured. why may be NULL.
 */
int vdestack_lab_fail(struct vdestack_lab *lab, const char *why);
/* The directory that vdestack_lab_fail() has written last; "" if there is none. Valid as long as the lab. */
const char *vdestack_lab_artefacts(const struct vdestack_lab *lab);
/* The seed of this lab; the same one in the options or in $VDESTACK_LAB_SEED repeats its choices. */
uint64_t vdestack_lab_seed(const struct vdestack_lab *lab);

enum vdestack_lab_format {
	VDESTACK_LAB_TEXT = 0, /* the text, with all addresses; vdestack_lab_new() takes it */
	VDESTACK_LAB_DOT = 1,  /* Graphviz */
	VDESTACK_LAB_SVG = 2
};
/* The lab as text or picture; free(3) it. errno: EINVAL, ENOMEM. */
char *vdestack_lab_draw(struct vdestack_lab *lab, enum vdestack_lab_format format) VDESTACK_NODISCARD;

/* The message of this thread's last failing call of this library. "" if nothing has failed yet. */
const char *vdestack_lab_last_error(void);

#ifdef __cplusplus
}
#endif
#endif
