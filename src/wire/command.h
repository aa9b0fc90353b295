/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_WIRE_COMMAND_H
#define VS_WIRE_COMMAND_H

/*
 * Messages between a program and the runner of one of its commands, on a SOCK_SEQPACKET pair that serves this
 * command alone.
 *
 *   program                                              runner
 *      ── start with streams, then strings in pieces ──────▶
 *      ◀── STARTED with a pidfd of the command, or FAILED ──
 *      ── KILL, any time, only if the caller gave up ──────▶
 *      ◀── ENDED with the status ───────────────────────────
 *
 * FAILED or ENDED is the runner's last message. If the exec of the runner fails, a bare errno is sent
 * instead, see launch.h.
 *
 * Program and runner are the same file. But it may be replaced on disk while a program runs, so the version
 * in each message is checked.
 */

#include <signal.h>
#include <stdint.h>

#include "base/error.h"

#define VS_COMMAND_VERSION 0x76630003u

/* The numbers of the runner's descriptors, in the order of the fds of vs_launch(). */
enum {
	VS_RUNNER_CONTROL = 3,
	VS_RUNNER_NETNS = 4,
	VS_RUNNER_LIFE = 5,
	VS_RUNNER_LEASH = 6,
	VS_RUNNER_N_FDS = 4,
};

#define VS_COMMAND_PIECE_BYTES 32768u
/* More than the kernel takes, which is 6 MiB whatever the limits are. So it is exec that fails with E2BIG. */
#define VS_COMMAND_ARGS_BYTES_MAX (16u << 20)
/* From the launch until STARTED: two execs, perhaps from a slow disk. */
#define VS_COMMAND_START_MS 10000

struct vs_command_start {
	uint32_t version;
	uint32_t argc;
	uint32_t args_bytes;    /* of all strings: arguments, environment, directory; each with its NUL */
	uint32_t timeout_ms;    /* 0 = no limit */
	uint64_t caps;          /* that the command gets */
	uint64_t caller_caps;   /* those of the caller: exec may add some to the runner's */
	uint32_t caps_explicit; /* 1: fails if one is missing; 0: gets those of them that there are */
	uint32_t stream;        /* 1: a command of the host network, see below */
	uint32_t own_env;       /* 1: the command gets the runner's environment; 0: the one sent here */
	uint32_t envc;          /* strings of that, behind the arguments */
	uint32_t has_cwd;       /* 1: the last string is the command's directory; 0: it has the runner's */
	uint32_t streams;       /* bit i: standard stream i is the next descriptor of this message */
	sigset_t mask;          /* the caller's signal mask */
};

#define VS_COMMAND_STREAMS_MASK 7u

/*
 * The command of a stream stays in the program's namespaces and keeps its privileges. The descriptor in place
 * of the namespace is a socket. It becomes the command's standard input and output.
 */
#define VS_RUNNER_STREAM VS_RUNNER_NETNS

enum vs_command_type {
	VS_COMMAND_STARTED = 1,
	VS_COMMAND_FAILED,
	VS_COMMAND_ENDED,
	VS_COMMAND_KILL,
};

#define VS_COMMAND_DEADLINE 1u /* flag of ENDED: the time limit passed and the command was killed */

struct vs_command_message {
	uint32_t version;
	uint32_t type;
	int32_t value; /* FAILED: errno; ENDED: wait status */
	uint32_t flags;
	int32_t runner; /* ENDED: its pid, which is still its own */
	char text[VS_MESSAGE_MAX]; /* FAILED: the error */
};

#endif
