/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The text of a resolver's settings, from a file, a text or a list of addresses. It is a resolv.conf with
 * three name servers at most. The rest of it is read by libvdestack-dns.
 */

#include "settings.h"

#include <errno.h>
#include <fcntl.h>
#include <iothdns.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The resolver reads 65536 bytes: these, a line with a time limit, and three name servers that are added. */
#define TEXT_MAX 65000

/* The resolver takes a line with blanks before it, too. */
static bool is_server_line(const char *line)
{
	line += strspn(line, " \t\r");
	return strncmp(line, "nameserver", 10) == 0 && (line[10] == ' ' || line[10] == '\t');
}

char *vs_iothdns_copy_settings(const char *text, size_t *n)
{
	char *copy = malloc(strlen(text) + 2), *to = copy;

	*n = 0;
	for (; copy != NULL && *text != '\0';) {
		size_t length = strcspn(text, "\n");
		if (!is_server_line(text) || ++*n <= IOTHDNS_MAXNS) {
			memcpy(to, text, length);
			to += length;
			*to++ = '\n';
		}
		text += length + (text[length] == '\n');
	}
	if (copy != NULL)
		*to = '\0';
	return copy;
}

bool vs_iothdns_names_server(const char *text)
{
	for (; *text != '\0'; text += strcspn(text, "\n"), text += *text == '\n')
		if (is_server_line(text))
			return true;
	return false;
}

/* "10.0.0.53,fc00::53" as lines. */
static char *lines_of_list(const char *list)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		return NULL;
	for (const char *at = list; *at != '\0'; at += strcspn(at, ","), at += *at == ',')
		if (*at != ',')
			fprintf(out, "nameserver %.*s\n", (int)strcspn(at, ","), at);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

/* 0, or an errno: what is no file of this size at most is refused before it is read. */
static int check_file(int fd)
{
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return errno;
	if (S_ISDIR(st.st_mode))
		return EISDIR;
	return S_ISREG(st.st_mode) && st.st_size <= TEXT_MAX ? 0 : EINVAL;
}

static char *read_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int err = check_file(fd);
	char *text = err == 0 ? malloc(TEXT_MAX + 1) : NULL;
	size_t n = 0;
	ssize_t r = 0;

	while (text != NULL && n < TEXT_MAX && (r = read(fd, text + n, TEXT_MAX - n)) > 0)
		n += (size_t)r;
	if (err == 0 && (text == NULL || r < 0))
		err = errno;
	if (err == 0)
		text[n] = '\0';
	if (fd >= 0)
		(void)close(fd);
	if (err != 0) {
		free(text);
		errno = err;
		return NULL;
	}
	return text;
}

char *vs_iothdns_read_settings(const char *path, const char *config)
{
	char *read = NULL;
	size_t n;

	if (config == NULL)
		read = read_file(path != NULL ? path : IOTHDNS_DEFAULT_RESOLV_CONF);
	else if (config[strspn(config, "0123456789abcdefABCDEF.:,")] == '\0')
		read = lines_of_list(config);
	else
		read = strdup(config);
	char *text = read != NULL ? vs_iothdns_copy_settings(read, &n) : NULL;
	int err = errno;
	free(read);
	errno = err;
	if (text != NULL && strlen(text) > TEXT_MAX) {
		free(text);
		errno = EINVAL;
		return NULL;
	}
	return text;
}
