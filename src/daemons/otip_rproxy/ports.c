/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ports.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "daemons/common/base.h"
#include "daemons/common/options.h"

#define FORM "EXTPORT,INTADDR,INTPORT[,NAME]"
#define FIELDS 4
#define LONGEST_NAME 255

static const char *option_of(int type)
{
	return type == SOCK_STREAM ? "tcp" : "udp";
}

/* The field at *text without blanks around it; *text is moved behind its comma, NULL at the end. In place. */
static char *next_field(char **text)
{
	char *field = *text, *comma = strchr(field, ',');

	*text = comma == NULL ? NULL : comma + 1;
	if (comma != NULL)
		*comma = '\0';
	field += strspn(field, " \t");
	size_t n = strlen(field);
	while (n > 0 && (field[n - 1] == ' ' || field[n - 1] == '\t'))
		field[--n] = '\0';
	return field;
}

/* Takes [ADDR] for ADDR, as URLs write it. */
static char *without_brackets(char *host)
{
	size_t n = strlen(host);

	if (n < 2 || host[0] != '[' || host[n - 1] != ']')
		return host;
	host[n - 1] = '\0';
	return host + 1;
}

static bool is_host(const char *host)
{
	unsigned char bytes[16];

	if (strchr(host, ':') != NULL)
		return inet_pton(AF_INET6, host, bytes) == 1;
	if (host[strspn(host, "0123456789.")] == '\0')
		return inet_pton(AF_INET, host, bytes) == 1;
	for (const char *c = host; *c != '\0'; c++)
		if (!isalnum((unsigned char)*c) && strchr(".-_", *c) == NULL)
			return false;
	return strlen(host) <= LONGEST_NAME;
}

static int read_port(const char *option, const char *text, uint16_t *port, struct dm_where *where)
{
	unsigned long n;

	if (dm_number(option, text, 1, 65535, &n, where) < 0)
		return -1;
	*port = (uint16_t)n;
	return 0;
}

static int append_port(struct rp_settings *s, const struct rp_port *p, const char *host, const char *name,
		       struct dm_where *where)
{
	struct rp_port *ports = reallocarray(s->ports, s->n_ports + 1, sizeof(*ports));

	if (ports == NULL)
		return dm_wrong(where, "out of memory");
	s->ports = ports;
	struct rp_port *new = &ports[s->n_ports++];
	*new = *p;
	new->host = strdup(host);
	new->name = name == NULL ? NULL : strdup(name);
	if (new->host == NULL || (name != NULL && new->name == NULL))
		return dm_wrong(where, "out of memory");
	return 0;
}

int rp_ports_add(struct rp_settings *s, int type, const char *value, struct dm_where *where)
{
	const char *option = option_of(type);
	struct rp_port p = { .type = type };
	VS_AUTO_FREE char *copy = strdup(value);
	char *fields[FIELDS] = { NULL }, *rest = copy;
	size_t n = 0;

	if (copy == NULL)
		return dm_wrong(where, "out of memory");
	while (rest != NULL && n < FIELDS)
		fields[n++] = next_field(&rest);
	if (rest != NULL || n < 3)
		return dm_wrong(where, "%s: %s is not " FORM, option, value);
	int r = read_port(option, fields[0], &p.number, where);
	const char *host = without_brackets(fields[1]);
	if (*host == '\0' || !is_host(host))
		r = dm_wrong(where, "%s: %s is no address and no name", option, fields[1]);
	if (read_port(option, fields[2], &p.inside_number, where) < 0)
		r = -1;
	if (n == FIELDS && *fields[3] == '\0')
		r = dm_wrong(where, "%s: %s ends with an empty name", option, value);
	return r < 0 ? -1 : append_port(s, &p, host, fields[3], where);
}

int rp_ports_addr(const char *option, const char *value, bool with_length, struct rp_addr *addr,
		  struct dm_where *where)
{
	struct rp_addr a = { .family = strchr(value, ':') != NULL ? AF_INET6 : AF_INET };
	const char *slash = strchr(value, '/');
	VS_AUTO_FREE char *text = slash == NULL ? strdup(value) : strndup(value, (size_t)(slash - value));
	unsigned long len = a.family == AF_INET6 ? 64 : 24;

	if (text == NULL)
		return dm_wrong(where, "out of memory");
	if (inet_pton(a.family, text, a.bytes) != 1 || (slash != NULL && !with_length))
		return dm_wrong(where, "%s: %s is no address%s", option, value,
				with_length ? " with or without /LENGTH" : "");
	if (slash != NULL &&
	    dm_number(option, slash + 1, 1, a.family == AF_INET6 ? 128 : 32, &len, where) < 0)
		return -1;
	a.len = (int)len;
	*addr = a;
	return 0;
}

/* ------------------------------------------------------------------ names */

static int find_or_add(struct rp_settings *s, const char *text, size_t *index)
{
	for (*index = 0; *index < s->n_names; ++*index)
		if (strcmp(s->names[*index].text, text) == 0)
			return 0;
	struct rp_name *names = reallocarray(s->names, s->n_names + 1, sizeof(*names));
	if (names == NULL)
		return -ENOMEM;
	s->names = names;
	names[s->n_names] = (struct rp_name){ .text = strdup(text) };
	if (names[s->n_names].text == NULL)
		return -ENOMEM;
	s->n_names++;
	return 0;
}

static bool is_twice(const struct rp_settings *s, size_t i)
{
	const struct rp_port *p = &s->ports[i];

	for (size_t j = 0; j < i; j++)
		if (s->ports[j].type == p->type && s->ports[j].number == p->number &&
		    s->ports[j].name_index == p->name_index)
			return true;
	return false;
}

int rp_ports_names(struct rp_settings *s, struct dm_where *where)
{
	unsigned before = where->errors;

	for (size_t i = 0; i < s->n_ports; i++) {
		struct rp_port *p = &s->ports[i];
		const char *name = p->name != NULL ? p->name : s->name;
		if (name == NULL)
			(void)dm_wrong(where, "%s: the port %u has no name, and there is no --name",
				       option_of(p->type), p->number);
		else if (find_or_add(s, name, &p->name_index) < 0)
			(void)dm_wrong(where, "out of memory");
		else if (is_twice(s, i))
			(void)dm_wrong(where, "%s: the port %u of %s is there twice", option_of(p->type),
				       p->number, name);
	}
	for (size_t i = 0; i < s->n_names && s->base == NULL; i++)
		if (dm_base_name(s->names[i].text) == NULL)
			(void)dm_wrong(where, "%s has no dot, so --base is needed", s->names[i].text);
	return where->errors == before ? 0 : -1;
}
