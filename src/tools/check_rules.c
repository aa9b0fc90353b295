/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * `vdestack check-rules`: reads rules as `vdestack run` does, with the configurations of their stacks, and
 * explains what they do with calls. A call is explained from socket(2) on, because the rules decide in
 * stages.
 */

#include "check_rules.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "call_words.h"
#include "config/config.h"
#include "rules/rules.h"
#include "rules/set.h"

#define WRONG 1

static const char usage[] = "vdestack check-rules FILE [CALL WORD... [; CALL WORD...]...]\n";
static const char help[] =
	"FILE: rules, - is the standard input. CALL: socket, bind, connect or sendto. WORDs: inet,\n"
	"inet6, packet, netlink; stream, dgram, raw, seqpacket; tcp, udp, icmp, icmpv6, mptcp, sctp;\n"
	"ADDRESS:PORT; local=ADDRESS:PORT; thread=NAME; name=NAME. See vdestack-check-rules(1).\n";

/* ------------------------------------------------------------------ the file */

/* Reads at most a byte more than rules can have. NULL: errno. To be freed. */
static char *read_all(FILE *file, size_t *len)
{
	size_t most = VS_RULES_TEXT_MAX + 1;
	char *text = malloc(most);

	if (text == NULL)
		return NULL;
	*len = fread(text, 1, most, file);
	if (ferror(file) == 0)
		return text;
	int err = errno;
	free(text);
	errno = err;
	return NULL;
}

static char *read_file(const char *name, size_t *len)
{
	if (strcmp(name, "-") == 0)
		return read_all(stdin, len);
	FILE *file = fopen(name, "re");
	if (file == NULL)
		return NULL;
	char *text = read_all(file, len);
	int err = errno;
	(void)fclose(file);
	errno = err;
	return text;
}

static int check_stack(const char *file, const struct vs_rules *rules, size_t i)
{
	struct vs_config_error error;
	struct vs_config *config = NULL;
	unsigned line, column;

	vs_rules_stack_place(rules, i, &line, &column);
	if (vs_config_parse(vs_rules_stack_config(rules, i), NULL, NULL, &error, &config) < 0) {
		if (error.position > 0)
			column += (unsigned)error.position - 1;
		(void)fprintf(stderr, "%s:%u:%u: stack \"%s\": %s\n", file, line, column,
			      vs_rules_stack_name(rules, i),
			      error.text[0] != '\0' ? error.text : "out of memory");
		return WRONG;
	}
	vs_config_free(config);
	if (!vs_rules_stack_used(rules, i))
		(void)printf("%s:%u: no rule uses the stack \"%s\"\n", file, line,
			     vs_rules_stack_name(rules, i));
	return 0;
}

static int load(const char *name, struct vs_rules **out)
{
	char message[512];
	size_t len = 0;
	char *text = read_file(name, &len);

	if (text == NULL) {
		(void)fprintf(stderr, "%s: cannot be read: %s\n", name, strerror(errno));
		return WRONG;
	}
	int r = vs_rules_parse(text, len, name, out, message, sizeof(message));
	free(text);
	if (r < 0) {
		(void)fprintf(stderr, "%s\n", message);
		return WRONG;
	}
	int status = 0;
	for (size_t i = 0; i < vs_rules_n_stacks(*out); i++)
		status |= check_stack(name, *out, i);
	if (status != 0)
		vs_rules_free(*out);
	return status;
}

/* ------------------------------------------------------------------ explanations */

static void show_rules(const struct vs_rules *rules, const struct vs_rules_call *call, unsigned last)
{
	static const char *const answers[] = {
		[VS_RULES_HOLDS] = "holds",
		[VS_RULES_FAILS] = "does not hold",
		[VS_RULES_LATER] = "not known yet",
	};
	struct vs_rules_reason reason;

	for (size_t i = 0; vs_rules_explain(rules, i, call, &reason); i++) {
		(void)printf("    line %u: %s", reason.line, answers[reason.answer]);
		if (reason.condition != NULL)
			(void)printf(": %s", reason.condition);
		(void)printf(" (use %s)\n", reason.target);
		if (reason.answer == VS_RULES_HOLDS && reason.line >= last)
			return;
	}
	(void)printf("    default (use %s)\n", rules->fallback.name);
}

/* "stack a", "the host's network". */
static void show_target(const struct vs_rules *rules, const struct vs_rules_decision *d)
{
	if (d->verdict == VS_RULES_STACK)
		(void)printf("stack %s", vs_rules_stack_name(rules, d->stack));
	else
		(void)printf("%s", d->verdict == VS_RULES_HOST ? "the host's network" : "denied");
	if (d->line != 0)
		(void)printf(", by line %u", d->line);
	else
		(void)printf(", by default");
}

static bool same_place(const struct vs_rules_decision *a, const struct vs_rules_decision *b)
{
	return a->verdict == b->verdict && (a->verdict != VS_RULES_STACK || a->stack == b->stack);
}

/* One stage. *before: the decision of the stage before, NULL: there was none. */
static struct vs_rules_decision show_stage(const struct vs_rules *rules, const struct vs_rules_call *call,
					   const char *verb, const struct vs_rules_decision *before)
{
	struct vs_rules_decision d = vs_rules_decide(rules, call);

	(void)printf("  %s: ", verb);
	show_target(rules, &d);
	if (d.open)
		(void)printf("; a later call can decide otherwise");
	else if (before != NULL && d.verdict != VS_RULES_DENY && !same_place(before, &d))
		(void)printf("; the socket moves");
	(void)printf("\n");
	show_rules(rules, call, d.line);
	return d;
}

static void explain(const struct vs_rules *rules, const struct vs_call *call)
{
	struct vs_rules_call c = call->call;
	struct vs_rules_decision d;

	c.stage = VS_RULES_AT_SOCKET;
	d = show_stage(rules, &c, "socket", NULL);
	if (d.verdict == VS_RULES_DENY || call->call.stage == VS_RULES_AT_SOCKET)
		return;
	c.stage = VS_RULES_AT_BIND;
	if (c.local != NULL && d.open)
		d = show_stage(rules, &c, "bind", &d);
	if (d.verdict == VS_RULES_DENY || call->call.stage == VS_RULES_AT_BIND)
		return;
	c.stage = VS_RULES_AT_CONNECT;
	if (d.open)
		(void)show_stage(rules, &c, call->verb, &d);
}

/* The calls of the command line, separated by words ";". */
static int explain_all(const struct vs_rules *rules, size_t n, char *const words[])
{
	for (size_t at = 0, end; at < n; at = end + 1) {
		struct vs_call call;
		char problem[384];
		for (end = at; end < n && strcmp(words[end], ";") != 0; end++)
			(void)printf("%s%s", end > at ? " " : "", words[end]);
		(void)printf("\n");
		if (vs_call_from_words(words + at, end - at, &call, problem, sizeof(problem)) < 0) {
			(void)fflush(stdout);
			(void)fprintf(stderr, "vdestack check-rules: %s\n", problem);
			return EX_USAGE;
		}
		explain(rules, &call);
		if (call.call.stage == VS_RULES_AT_CONNECT && call.call.remote == NULL)
			(void)printf("  no address is given, so no rule with remote= holds\n");
	}
	return 0;
}

int vs_check_rules_main(int argc, char *argv[])
{
	struct vs_rules *rules = NULL;

	if (argc >= 2 && strcmp(argv[1], "--help") == 0) {
		(void)printf("Usage: %s%s", usage, help);
		return fflush(stdout) != 0 ? EX_IOERR : 0;
	}
	if (argc < 2 || (argv[1][0] == '-' && argv[1][1] != '\0')) {
		(void)fprintf(stderr, "usage: %s", usage);
		return EX_USAGE;
	}
	int status = load(argv[1], &rules);
	if (status != 0) {
		(void)fflush(stdout);
		return status;
	}
	if (argc > 2)
		status = explain_all(rules, (size_t)argc - 2, argv + 2);
	else
		(void)printf("%s: fine\n", argv[1]);
	vs_rules_free(rules);
	if (fflush(stdout) != 0 || ferror(stdout) != 0)
		return EX_IOERR;
	return status;
}
