/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RUN_PROBE_H
#define RUN_PROBE_H

/* What the files of run_probe share. */

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CHECK(cond)                                                                                          \
	do {                                                                                                 \
		if (!(cond)) {                                                                               \
			int saved_ = errno;                                                                  \
			(void)dprintf(2, "%s:%d: not true: %s (%s)\n", __FILE__, __LINE__, #cond,            \
				      strerror(saved_));                                                     \
			_exit(1);                                                                            \
		}                                                                                            \
	} while (0)

struct probe_case {
	const char *name; /* NULL: the end of a list */
	void (*run)(void);
};

#define PROBE_CASE(name)                                                                                     \
	{                                                                                                    \
#name, name                                                                                  \
	}

extern const struct probe_case probe_sockets[], probe_rules[], probe_interfaces[], probe_life[];
extern const struct probe_case probe_attacks[];

extern char **words; /* the arguments behind the name of the case */

/* Of the network namespace of a socket. */
uint64_t cookie(int fd);
/* The socket is in a stack, not in the host's network. */
bool in_stack(int fd);
/* A socket, which must be in a stack. */
int make(int family, int type, int protocol);
/* Makes a socket in a stack and closes it. */
void one_socket(void);
/* Waits for a child, which must end with 0. */
void end_child(pid_t pid);
/* A connection to the listener, words in both directions. */
void talk(int listener);
/* A listener at 127.0.0.1 in a stack. */
int listen_on(int port);
/* How many descriptors this process has. */
int count_descriptors(void);

#endif
