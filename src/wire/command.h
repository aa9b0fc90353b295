/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_WIRE_COMMAND_H
#define VS_WIRE_COMMAND_H

/*
 * What a program and the runner of one of its commands say to each other, over a
 * SOCK_SEQPACKET pair that serves this command alone.
 *
 *   program                                              runner
 *      ── start, then arguments in pieces ─────────────────▶
 *      ◀── STARTED with a pidfd of the command, or FAILED ──
 *      ── KILL, any time, only if the caller gave up ──────▶
 *      ◀── ENDED with the status ───────────────────────────
 *
 * FAILED and ENDED, the runner's last words, carry a pidfd of the runner itself if it became
 * the program's child, which happens in programs that collect orphans. A runner whose exec
 * failed sends a bare errno instead, see launch.h.
 *
 * Both ends are the same file, but it may be replaced on disk while a program runs: the
 * version in each message is checked.
 */

#include <signal.h>
#include <stdint.h>

#include "base/error.h"

#define VS_COMMAND_VERSION 0x76630002u

/* Where the runner finds its descriptors: the order of vs_launch()'s fds. */
enum {
	VS_RUNNER_CONTROL = 3,
	VS_RUNNER_NETNS = 4,
	VS_RUNNER_LIFE = 5,
	VS_RUNNER_LEASH = 6,
	VS_RUNNER_N_FDS = 4,
};

#define VS_COMMAND_PIECE_BYTES 32768u
/* More than the kernel takes (6 MiB whatever the limits are), so E2BIG is exec's to say. */
#define VS_COMMAND_ARGS_BYTES_MAX (16u << 20)
/* From the launch until STARTED: two execs, maybe from a slow disk. */
#define VS_COMMAND_START_MS 10000

struct vs_command_start {
	uint32_t version;
	uint32_t argc;
	uint32_t args_bytes;    /* of all arguments and the environment together, each with its NUL */
	uint32_t timeout_ms;    /* 0 = no limit */
	uint64_t caps;          /* what the command shall have */
	uint64_t caller_caps;   /* what the caller has: exec may give the runner more */
	uint32_t caps_explicit; /* 1: fail if one is missing; 0: take those that are there */
	uint32_t stream;        /* 1: a command of the host network, see below */
	int32_t caller_pid;     /* the calling process, to compare with the runner's parent */
	uint32_t own_env;       /* 1: the command gets the runner's environment; 0: the one that comes here */
	uint32_t envc;          /* strings of that, behind the arguments */
	uint32_t reserved;
	sigset_t mask;          /* the caller's signal mask */
};

/*
 * A stream command stays where the program is and keeps its privileges; in the namespace's
 * place comes a socket that becomes its standard input and output.
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
	char text[VS_MESSAGE_MAX]; /* FAILED: the sentence */
};

#endif
