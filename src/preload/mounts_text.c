/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Texts of /etc/hosts and /etc/nsswitch.conf for a stack.
 *
 * The host's hosts file describes the host's network. A stack is on another network, so only the lines of
 * addresses that every host has are kept: loopback and the multicast names of IPv6.
 *
 * In nsswitch.conf the services for host names become "files dns". The others ask daemons of the host
 * (resolve, mymachines, mdns, libvirt, wins), which would look names up in the host's network.
 */

#include "mounts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

/* Whether a line of hosts(5) is true on every host. */
static bool is_local(const char *line)
{
	static const char *const addresses[] = { "127.", "::1 ", "::1\t", "fe00:", "ff00:", "ff02:" };

	line += strspn(line, " \t");
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++)
		if (begins(line, addresses[i]))
			return true;
	return false;
}

/* Calls use() for each line, with its newline. */
static void each_line(FILE *out, const char *text, void (*use)(FILE *out, const char *line, int len))
{
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");
		use(out, text, (int)len);
		text += len + (text[len] == '\n');
	}
}

static void keep_local(FILE *out, const char *line, int len)
{
	if (is_local(line))
		(void)fprintf(out, "%.*s\n", len, line);
}

static void keep_other_databases(FILE *out, const char *line, int len)
{
	if (!begins(line + strspn(line, " \t"), "hosts:"))
		(void)fprintf(out, "%.*s\n", len, line);
}

/* The text of the stream, which is closed. NULL: no memory. */
static char *finish(FILE *out, char **text)
{
	bool failed = ferror(out) != 0;

	if (fclose(out) == 0 && !failed)
		return *text;
	free(*text);
	return NULL;
}

char *vs_mounts_hosts(const char *host, const char *hostname)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		return NULL;
	if (hostname != NULL)
		(void)fprintf(out, "127.0.1.1 %s\n", hostname);
	(void)fputs("127.0.0.1 localhost\n::1 localhost\n", out);
	each_line(out, host, keep_local);
	return finish(out, &text);
}

char *vs_mounts_nsswitch(const char *host)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		return NULL;
	each_line(out, host, keep_other_databases);
	(void)fputs("hosts: files dns\n", out);
	return finish(out, &text);
}
