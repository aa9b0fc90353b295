/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The lines of hosts, routers and servers: a name, then clauses in any order. */

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "line.h"
#include "parse_lines.h"

/* Files of a failure have the names of hosts, and these. */
static bool is_reserved(const char *name)
{
	static const char *const reserved[] = { "why", "lab", "lab.addresses", "nft" };

	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (strcmp(name, reserved[i]) == 0)
			return true;
	return false;
}

static int new_host(struct vs_lab_reader *r, struct vs_lab_host **host)
{
	const char *name = vs_lab_need(r, "a name");

	if (name == NULL)
		return -EINVAL;
	if (!vs_lab_is_name(name, VS_LAB_NAME_MAX))
		return vs_lab_wrong(r->mistake, vs_lab_here(r),
				    "\"%s\" cannot be the name of a host; write 1 to %d letters or digits",
				    vs_lab_shown(name), VS_LAB_NAME_MAX);
	if (is_reserved(name))
		return vs_lab_wrong(r->mistake, vs_lab_here(r),
				    "\"%s\" cannot be the name of a host: a file of a failure has it; choose "
				    "another name", vs_lab_shown(name));
	if (vs_lab_find_host(r->t, name) >= 0)
		return vs_lab_wrong(r->mistake, vs_lab_here(r), "a second host \"%s\"; choose another name",
				    vs_lab_shown(name));
	if (r->t->n_hosts == VS_LAB_HOSTS_MAX)
		return vs_lab_wrong(r->mistake, vs_lab_here(r), "more than %d hosts; remove some",
				    VS_LAB_HOSTS_MAX);
	void *grown = vs_lab_grow(r->t->hosts, &r->t->n_hosts, sizeof(*r->t->hosts));
	if (grown == NULL)
		return -ENOMEM;
	r->t->hosts = grown;
	*host = &r->t->hosts[r->t->n_hosts - 1];
	(void)strcpy((*host)->name, name);
	(*host)->place = vs_lab_here(r);
	return 0;
}

/* The index of a network that is named here; SIZE_MAX in a partial text. */
static int find_network(struct vs_lab_reader *r, const char *word, size_t *network)
{
	int found = vs_lab_find_network(r->t, word);

	*network = SIZE_MAX;
	if (found >= 0)
		*network = (size_t)found;
	else if (!r->partial || !vs_lab_is_name(word, VS_LAB_IFNAME_MAX))
		return vs_lab_wrong(r->mistake, vs_lab_here(r),
				    "there is no network \"%s\"; write: network %s", vs_lab_shown(word),
				    vs_lab_shown(word));
	return 0;
}

/* ------------------------------------------------------------------ on NETWORK [ADDRESS...] */

static int parse_address(struct vs_lab_reader *r, struct vs_lab_port *port, const char *word)
{
	const struct vs_lab_addr *prefix = NULL;
	struct vs_lab_addr a;
	bool has_bits;

	if (!vs_lab_addr_parse(word, &a, &has_bits) || !vs_lab_addr_unicast(&a))
		return vs_lab_wrong(r->mistake, vs_lab_here(r),
				    "\"%s\" is no address of a host; write 10.0.0.1", vs_lab_shown(word));
	int index = vs_lab_family_index(&a);
	if (port->network != SIZE_MAX)
		prefix = &r->t->networks[port->network].prefixes[index];
	if (port->fixed[index])
		return vs_lab_wrong(r->mistake, vs_lab_here(r), "a second address of this family; remove it");
	if (prefix != NULL && prefix->family != 0) {
		if (!vs_lab_addr_contains(prefix, &a) || (has_bits && a.bits != prefix->bits))
			return vs_lab_wrong(r->mistake, vs_lab_here(r),
					    "\"%s\" is not in the prefix of network %s; choose one that is",
					    vs_lab_shown(word), r->t->networks[port->network].name);
		a.bits = prefix->bits;
	} else if (!has_bits && !r->partial) {
		return vs_lab_wrong(r->mistake, vs_lab_here(r), "the network has no prefix; write %s/%d",
				    vs_lab_shown(word), a.family == AF_INET ? 24 : 64);
	}
	if (vs_lab_addr_reserved(&a))
		return vs_lab_wrong(r->mistake, vs_lab_here(r),
				    "\"%s\" is the network's own; choose another one", vs_lab_shown(word));
	port->addrs[index] = a;
	port->fixed[index] = true;
	return 0;
}

static bool looks_like_address(const char *word)
{
	return word != NULL && (strchr(word, ':') != NULL || (word[0] >= '0' && word[0] <= '9'));
}

static int parse_on(struct vs_lab_reader *r, struct vs_lab_host *h)
{
	const char *word = vs_lab_need(r, "the name of a network");
	size_t network;
	int result = word != NULL ? find_network(r, word, &network) : -EINVAL;

	if (result < 0)
		return result;
	for (size_t i = 0; i < h->n_ports; i++)
		if (network != SIZE_MAX && h->ports[i].network == network)
			return vs_lab_wrong(r->mistake, vs_lab_here(r),
					    "\"%s\" is on this network already; "
					    "remove the second \"on\"",
					    h->name);
	if (h->n_ports == VS_LAB_PORTS_MAX)
		return vs_lab_wrong(r->mistake, vs_lab_here(r),
				    "more than %d networks of a host; remove some", VS_LAB_PORTS_MAX);
	void *grown = vs_lab_grow(h->ports, &h->n_ports, sizeof(*h->ports));
	if (grown == NULL)
		return -ENOMEM;
	h->ports = grown;
	struct vs_lab_port *port = &h->ports[h->n_ports - 1];
	port->network = network;
	port->place = vs_lab_here(r);
	while (result == 0 && looks_like_address(vs_lab_peek(r)))
		result = parse_address(r, port, vs_lab_next(r));
	return result;
}

/* ------------------------------------------------------------------ other clauses */

static int parse_config(struct vs_lab_reader *r, struct vs_lab_host *h)
{
	const char *word = vs_lab_need(r, "words of vdestack_config(7), in quotes");

	if (word == NULL)
		return -EINVAL;
	if (h->n_ports == 0 || h->ports[h->n_ports - 1].config != NULL)
		return vs_lab_wrong(r->mistake, vs_lab_here(r),
				    "config belongs to the \"on\" before it, once; "
				    "write: on NETWORK config \"mtu=9000\"");
	h->ports[h->n_ports - 1].config = strdup(word);
	return h->ports[h->n_ports - 1].config != NULL ? 0 : -ENOMEM;
}

static int parse_nat(struct vs_lab_reader *r, struct vs_lab_host *h)
{
	const char *word = vs_lab_need(r, "the name of the network to which addresses are translated");
	size_t network;
	int result = word != NULL ? find_network(r, word, &network) : -EINVAL;

	if (result < 0)
		return result;
	if (h->kind != VS_LAB_ROUTER)
		return vs_lab_wrong(r->mistake, vs_lab_here(r),
				    "only routers translate addresses; write: router %s", h->name);
	for (size_t i = 0; network != SIZE_MAX && i < h->n_ports; i++)
		if (h->ports[i].network == network) {
			h->ports[i].nat = true;
			return 0;
		}
	return r->partial ? 0
			  : vs_lab_wrong(r->mistake, vs_lab_here(r),
					 "\"%s\" is not on network %s; write it behind \"on %s\"", h->name,
					 vs_lab_shown(word), vs_lab_shown(word));
}

static int parse_noroute(struct vs_lab_reader *r, struct vs_lab_host *h)
{
	(void)r;
	h->noroute = true;
	return 0;
}

static int parse_run(struct vs_lab_reader *r, struct vs_lab_host *h)
{
	const char *word = vs_lab_need(r, "a command, in quotes");
	int err;

	if (word == NULL)
		return -EINVAL;
	if (h->run != NULL)
		return vs_lab_wrong(r->mistake, vs_lab_here(r), "a second command; remove it");
	char **argv = vs_lab_line_argv(word, &err);
	if (err == -EINVAL)
		return vs_lab_wrong(
			r->mistake, vs_lab_here(r),
			"the command is empty or has an open quote; write run \"PROGRAM ARGUMENT\"");
	free(argv);
	h->run = strdup(word);
	return err < 0 || h->run == NULL ? -ENOMEM : 0;
}

static bool parse_number(const char *word, size_t digits, unsigned least, unsigned most, unsigned *number)
{
	size_t len = strlen(word);

	if (len == 0 || len > digits || strspn(word, "0123456789") != len)
		return false;
	*number = (unsigned)strtoul(word, NULL, 10);
	return *number >= least && *number <= most;
}

static int parse_ready_tcp(struct vs_lab_reader *r, struct vs_lab_host *h)
{
	const char *word = vs_lab_need(r, "a port");

	if (word == NULL)
		return -EINVAL;
	if (!parse_number(word, 5, 1, 65535, &h->ready_port))
		return vs_lab_wrong(r->mistake, vs_lab_here(r), "\"%s\" is no port; write 1 to 65535",
				    vs_lab_shown(word));
	h->ready = VS_LAB_READY_TCP;
	return 0;
}

static int parse_ready(struct vs_lab_reader *r, struct vs_lab_host *h)
{
	static const char usage[] = "tcp PORT, file PATH or output TEXT";
	const char *word = vs_lab_need(r, usage), *text;

	if (word == NULL)
		return -EINVAL;
	if (h->ready != VS_LAB_READY_STARTED)
		return vs_lab_wrong(r->mistake, vs_lab_here(r), "a second \"ready\"; remove it");
	if (strcmp(word, "tcp") == 0)
		return parse_ready_tcp(r, h);
	if (strcmp(word, "file") != 0 && strcmp(word, "output") != 0)
		return vs_lab_wrong(r->mistake, vs_lab_here(r), "\"%s\" is no kind of readiness; write %s",
				    vs_lab_shown(word), usage);
	h->ready = word[0] == 'f' ? VS_LAB_READY_FILE : VS_LAB_READY_OUTPUT;
	text = vs_lab_need(r, word[0] == 'f' ? "a path" : "the text that is waited for");
	if (text == NULL)
		return -EINVAL;
	if (text[0] == '\0' || strlen(text) > 1000)
		return vs_lab_wrong(r->mistake, vs_lab_here(r),
				    "a text that is empty or longer than 1000 bytes; "
				    "write what is waited for");
	h->ready_text = strdup(text);
	return h->ready_text != NULL ? 0 : -ENOMEM;
}

/* A time: 5s, 300ms. At most an hour. */
static int parse_within(struct vs_lab_reader *r, struct vs_lab_host *h)
{
	const char *word = vs_lab_need(r, "a time: 5s or 300ms");
	size_t digits = word != NULL ? strspn(word, "0123456789") : 0;
	unsigned factor = 0, number;
	char text[8] = "";

	if (word == NULL)
		return -EINVAL;
	if (strcmp(word + digits, "s") == 0)
		factor = 1000;
	else if (strcmp(word + digits, "ms") == 0)
		factor = 1;
	if (digits < sizeof(text))
		memcpy(text, word, digits);
	if (factor == 0 || !parse_number(text, 7, 1, 3600000 / factor, &number))
		return vs_lab_wrong(r->mistake, vs_lab_here(r),
				    "\"%s\" is no time; write 5s or 300ms, at most 3600s",
				    vs_lab_shown(word));
	h->within_ms = (int)(number * factor);
	return 0;
}

static const struct {
	const char *word;
	int (*parse)(struct vs_lab_reader *r, struct vs_lab_host *h);
} clauses[] = {
	{ "on", parse_on },           { "config", parse_config }, { "nat", parse_nat },
	{ "noroute", parse_noroute }, { "run", parse_run },       { "ready", parse_ready },
	{ "within", parse_within },
};

static int parse_clause(struct vs_lab_reader *r, struct vs_lab_host *h)
{
	const char *word = vs_lab_next(r);

	for (size_t i = 0; i < sizeof(clauses) / sizeof(clauses[0]); i++)
		if (strcmp(clauses[i].word, word) == 0)
			return clauses[i].parse(r, h);
	return vs_lab_wrong(r->mistake, vs_lab_here(r),
			    "\"%s\" is unknown here; write on, config, nat, noroute, run, ready or within",
			    vs_lab_shown(word));
}

int vs_lab_parse_host(struct vs_lab_reader *r, enum vs_lab_kind kind)
{
	struct vs_lab_host *h = NULL;
	int result = new_host(r, &h);

	if (result < 0)
		return result;
	h->kind = kind;
	while (result == 0 && vs_lab_peek(r) != NULL)
		result = parse_clause(r, h);
	if (result < 0)
		return result;
	if (kind == VS_LAB_SERVER && h->run == NULL)
		return vs_lab_wrong(r->mistake, h->place, "server %s has no command; write run \"PROGRAM\"",
				    h->name);
	if (h->run == NULL && (h->ready != VS_LAB_READY_STARTED || h->within_ms != 0))
		return vs_lab_wrong(r->mistake, h->place,
				    "%s has no command that could be ready; write run \"PROGRAM\"", h->name);
	return 0;
}
