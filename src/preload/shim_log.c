/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The only two things that the shim writes: decisions, if the user wants them, and one complaint.
 *
 * A program may have closed its standard error, and number 2 may be a connection by then. So a line is
 * written only if it is still the file of the program's start. Nothing here allocates, locks or formats by
 * stdio: socket(2) may be called in a signal handler.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ask.h"
#include "shim.h"

static dev_t device;
static ino_t inode;
static bool known;

void vs_shim_log_start(void)
{
	struct stat st;

	known = fstat(STDERR_FILENO, &st) == 0;
	if (known) {
		device = st.st_dev;
		inode = st.st_ino;
	}
}

static bool is_same_file(void)
{
	struct stat st;

	return known && fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

void vs_shim_complain(const char *text)
{
	ssize_t n = write(STDERR_FILENO, text, strlen(text));

	(void)n; /* no other place to report it */
}

struct line {
	char text[400];
	size_t len;
};

static void add(struct line *line, const char *text)
{
	while (*text != '\0' && line->len < sizeof(line->text) - 1)
		line->text[line->len++] = *text++;
}

static void add_number(struct line *line, unsigned long number)
{
	char digits[24], *at = digits + sizeof(digits);

	*--at = '\0';
	do
		*--at = (char)('0' + number % 10);
	while ((number /= 10) > 0);
	add(line, at);
}

static void add_address(struct line *line, const struct sockaddr *addr)
{
	const struct sockaddr_in *v4 = (const void *)addr;
	const struct sockaddr_in6 *v6 = (const void *)addr;
	bool is_v6 = addr->sa_family == AF_INET6;
	char text[INET6_ADDRSTRLEN] = "?";

	(void)inet_ntop(addr->sa_family, is_v6 ? (const void *)&v6->sin6_addr : &v4->sin_addr, text,
			sizeof(text));
	add(line, is_v6 ? " [" : " ");
	add(line, text);
	add(line, is_v6 ? "]:" : ":");
	add_number(line, ntohs(is_v6 ? v6->sin6_port : v4->sin_port));
}

static void add_decision(struct line *line, const struct vs_rules_decision *decision)
{
	add(line, ": ");
	if (vs_shim_run.rules == NULL)
		add(line, "the stack");
	else if (decision->verdict == VS_RULES_STACK)
		add(line, vs_rules_stack_name(vs_shim_run.rules, decision->stack));
	else
		add(line, decision->verdict == VS_RULES_HOST ? "host" : "deny");
	if (decision->line > 0) {
		add(line, ", by line ");
		add_number(line, decision->line);
	} else {
		add(line, ", by default");
	}
	if (decision->open)
		add(line, ", until a later call");
}

void vs_shim_log(const char *call, const struct sockaddr *addr, const struct vs_rules_decision *decision,
		 const char *note)
{
	struct line line = { .len = 0 };
	int saved = errno;

	if (!(vs_shim_run.flags & VS_ASK_DEBUG) || !is_same_file())
		return;
	add(&line, "vdestack: ");
	add_number(&line, (unsigned long)getpid());
	add(&line, " ");
	add(&line, call);
	if (addr != NULL && (addr->sa_family == AF_INET || addr->sa_family == AF_INET6))
		add_address(&line, addr);
	add_decision(&line, decision);
	if (note != NULL) {
		add(&line, "; ");
		add(&line, note);
	}
	line.text[line.len++] = '\n';
	ssize_t n = write(STDERR_FILENO, line.text, line.len);
	(void)n;
	errno = saved;
}
