/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_RULES_RULES_H
#define VS_RULES_RULES_H

/*
 * Rules: which network a socket of an unmodified program belongs to.
 *
 * A text of lines. `#` begins a comment. Words are separated by blanks; "..." keeps blanks in a word.
 *
 *     stack NAME CONFIGURATION...     a stack; the rest of the line is the text for vdestack_new()
 *     CONDITION... use TARGET         a rule
 *     default TARGET                  what no rule decides; without this line the first stack
 *
 *     local=[ADDRESS[/LENGTH]][:PORT[-PORT]]    the address that bind(2) is called with
 *     remote=[ADDRESS[/LENGTH]][:PORT[-PORT]]   the destination of connect(2), sendto(2), sendmsg(2)
 *     name=PATTERN                    the destination is an address of this name (shell pattern, no case)
 *     family=inet|inet6|packet|netlink
 *     type=stream|dgram|raw|seqpacket
 *     protocol=tcp|udp|icmp|icmpv6|mptcp|sctp|NUMBER
 *     thread=PATTERN                  the thread's name, see PR_SET_NAME (shell pattern)
 *
 *     TARGET: the NAME of a stack, host (the host's network), or deny (the call fails with EACCES)
 *
 * All conditions of a rule must hold. The first rule that holds decides. An IPv6 address with a port is in
 * brackets: [2001:db8::/32]:80. IPv4-mapped addresses of IPv6 sockets are matched as IPv4 addresses too.
 *
 * A socket is decided in up to three calls. At socket(2) only the conditions on the socket and the thread
 * are known. A rule with others does not hold yet. If such a rule could hold later and stands before the one
 * that decides now, the decision is open: a later call may move the socket, and the socket is one that can
 * be moved. bind(2) with a port or an address decides for good if a rule with local= holds, and for
 * UDP always: the socket may be a server. connect(2) and the first sendto(2) decide for good. An open
 * decision is never to deny: if only deny holds yet, the socket waits where the first rule that could hold
 * later would put it.
 *
 * local=, remote= and name= concern only sockets that can be moved. Others have been decided by socket(2).
 * thread= is the name of the thread that makes the call. Protocol 0 is what the type means.
 *
 * All here is pure: no descriptors, no clock, no environment. A parsed set does not change, and threads may
 * share it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

struct vs_rules;

enum vs_rules_stage {
	VS_RULES_AT_SOCKET,
	VS_RULES_AT_BIND,
	VS_RULES_AT_CONNECT, /* and sendto(2), sendmsg(2) with an address */
};

/* What is known of a socket. */
struct vs_rules_call {
	enum vs_rules_stage stage;
	int family, type, protocol;   /* as for socket(2); flags in type are ignored */
	const char *thread;           /* NULL: not known, no rule with thread= holds */
	/*
	 * NULL: none yet. At connect, `local` is what getsockname(2) returns. At least 8 bytes can be read
	 * (24 if the family is AF_INET6); they need not be aligned.
	 */
	const struct sockaddr *local, *remote;
	const char *const *names;     /* names that gave the remote address */
	size_t n_names;
};

enum vs_rules_verdict { VS_RULES_STACK, VS_RULES_HOST, VS_RULES_DENY };

struct vs_rules_decision {
	enum vs_rules_verdict verdict;
	unsigned stack; /* its index, if verdict is VS_RULES_STACK */
	unsigned line;  /* of the rule; 0: the default */
	bool open;      /* a later call may decide otherwise */
};

/* What calls the rules depend on. */
enum {
	VS_RULES_NEED_BIND = 1,    /* some rule has local= */
	VS_RULES_NEED_CONNECT = 2, /* remote= or name= */
	VS_RULES_NEED_NAMES = 4,
	VS_RULES_NEED_THREAD = 8,
};

/*
 * Parses the text of `len` bytes. `origin` is for messages, as in FILE:LINE:COLUMN. 0 and *rules, to be freed
 * with vs_rules_free(); or -EINVAL, -ENOMEM and a message.
 */
int vs_rules_parse(const char *text, size_t len, const char *origin, struct vs_rules **rules, char *message,
		   size_t size);
void vs_rules_free(struct vs_rules *rules);

unsigned vs_rules_needs(const struct vs_rules *rules);
size_t vs_rules_n_stacks(const struct vs_rules *rules);
/* Valid as long as the rules. */
const char *vs_rules_stack_name(const struct vs_rules *rules, size_t index);
const char *vs_rules_stack_config(const struct vs_rules *rules, size_t index);
/* The place of the configuration in the text. */
void vs_rules_stack_place(const struct vs_rules *rules, size_t index, unsigned *line, unsigned *column);
/* Whether a rule or the default has it as target. */
bool vs_rules_stack_used(const struct vs_rules *rules, size_t index);

/* Allocates nothing, and may be called in a signal handler. */
struct vs_rules_decision vs_rules_decide(const struct vs_rules *rules,
					 const struct vs_rules_call *call);

enum vs_rules_answer { VS_RULES_HOLDS, VS_RULES_FAILS, VS_RULES_LATER /* it could hold in a later call */ };

/* What a rule says of a call. Texts are valid as long as the rules. */
struct vs_rules_reason {
	unsigned line;
	enum vs_rules_answer answer;
	const char *condition; /* the first that does not hold or is not known yet; NULL if all hold */
	const char *target;
};

/* Rules in the order of the text, from index 0 on. False: there is no such rule. */
bool vs_rules_explain(const struct vs_rules *rules, size_t index, const struct vs_rules_call *call,
		      struct vs_rules_reason *reason);

/* Whether a socket that is not connected yet can be moved between stacks: TCP, MPTCP, UDP, ping. */
bool vs_rules_movable(int family, int type, int protocol);

#endif
