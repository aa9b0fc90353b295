/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_TOOLS_CALL_WORDS_H
#define VS_TOOLS_CALL_WORDS_H

/*
 * A call as the command line of `vdestack check-rules` describes it: connect tcp 10.1.2.3:443
 * thread=worker
 */

#include <netinet/in.h>
#include <stddef.h>

#include "rules/rules.h"

#define VS_CALL_NAMES_MAX 8

union vs_call_addr {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

struct vs_call {
	struct vs_rules_call call; /* points into the others */
	const char *verb;          /* socket, bind, connect, sendto */
	union vs_call_addr local, remote;
	const char *names[VS_CALL_NAMES_MAX];
};

/*
 * Reads n words. Without a verb they are a connect(2) by name=; its address may be missing. 0, and *out,
 * which must not be copied and refers to the words; or -EINVAL and what is wrong, with a remedy.
 */
int vs_call_from_words(char *const words[], size_t n, struct vs_call *out, char *problem, size_t size);

#endif
