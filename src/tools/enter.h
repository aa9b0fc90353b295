/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_TOOLS_ENTER_H
#define VS_TOOLS_ENTER_H

#include <stdbool.h>

/* `vdestack enter`, see vdestack-enter(1). Returns the exit status. */
int vs_enter_main(int argc, char *argv[]);

/* The same tool with the options of vdens, see vdens(1). */
int vs_vdens_main(int argc, char *argv[]);

/* What both do. */
struct vs_enter {
	const char *tool;        /* for messages */
	const char *config;      /* for vdestack_new() */
	const char *hostname;    /* or NULL */
	const char *resolv_file; /* is mounted over /etc/resolv.conf, or NULL */
	const char *resolv_text; /* is the text of resolv.conf for ever, or NULL: that of the stack */
	bool keep_resolv;        /* if the stack has no name server, the text of the host's resolv.conf */
	bool sysadm;             /* with CAP_SYS_ADMIN */
	bool allow_absent;       /* networks may be absent at first */
	char *const *argv;       /* the program; empty: $SHELL or /bin/sh */
};

/* Exit statuses, those of env(1) and nohup(1). */
enum { VS_ENTER_FAILED = 125, VS_ENTER_CANNOT_EXECUTE = 126, VS_ENTER_NOT_FOUND = 127 };

/* Executes the program in a stack. Returns only when that fails: an exit status, after a message. */
int vs_enter(const struct vs_enter *e);

#endif
