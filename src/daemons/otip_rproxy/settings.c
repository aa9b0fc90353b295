/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "settings.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "daemons/common/options.h"
#include "daemons/common/secret.h"
#include "ports.h"

#define YEAR_S 31536000

/* ------------------------------------------------------------------ options */

static int keep(char **to, const char *value, struct dm_where *where)
{
	free(*to);
	*to = strdup(value);
	return *to == NULL ? dm_wrong(where, "out of memory") : 0;
}

/* An option whose value is kept as text. */
#define TEXT(field)                                                                                          \
	static int set_##field(void *to, const char *value, struct dm_where *where)                          \
	{                                                                                                    \
		return keep(&((struct rp_settings *)to)->field, value, where);                               \
	}
TEXT(pidfile)
TEXT(extstack)
TEXT(intstack)
TEXT(name)
TEXT(dns)

static void forget_secret(struct rp_settings *s)
{
	if (s->password != NULL)
		explicit_bzero(s->password, strlen(s->password));
	free(vs_steal_ptr(s->password));
	free(vs_steal_ptr(s->passwdfile));
}

/*
 * A password comes by either of two options, and so does the base. The file is read before the command line.
 * An option of the command line replaces what the file says by either option.
 */
static enum rp_source source_of(const struct dm_where *where)
{
	return where->file != NULL ? RP_FILE : RP_LINE;
}

static int set_secret(struct rp_settings *s, char **to, const char *value, struct dm_where *where)
{
	if (s->secret_source != source_of(where))
		forget_secret(s);
	s->secret_source = source_of(where);
	return keep(to, value, where);
}

static int set_password(void *to, const char *value, struct dm_where *where)
{
	return set_secret(to, &((struct rp_settings *)to)->password, value, where);
}

static int set_passwdfile(void *to, const char *value, struct dm_where *where)
{
	return set_secret(to, &((struct rp_settings *)to)->passwdfile, value, where);
}

static int set_base(void *to, const char *value, struct dm_where *where)
{
	struct rp_settings *s = to;

	if (s->base_source == source_of(where))
		return dm_wrong(where, "base is there twice; baseaddr is the same");
	s->base_source = source_of(where);
	return keep(&s->base, value, where);
}

/* An option whose value is a number. */
#define NUMBER(field, option, least, most)                                                                   \
	static int set_##field(void *to, const char *value, struct dm_where *where)                          \
	{                                                                                                    \
		return dm_number(option, value, least, most, &((struct rp_settings *)to)->field, where);     \
	}
NUMBER(period, "otip_period", 0, YEAR_S)
NUMBER(preactive, "otip_preactive", 0, YEAR_S)
NUMBER(postactive, "otip_postactive", 0, YEAR_S)
NUMBER(backlog, "tcp_listen_backlog", 1, 65535)
NUMBER(tcp_timeout, "tcp_timeout", 1, YEAR_S)
NUMBER(udp_timeout, "udp_timeout", 1, YEAR_S)
NUMBER(connections, "tcp_connections", 1, 1000000)
NUMBER(flows, "udp_flows", 1, 1000000)

static int set_daemon(void *to, const char *value, struct dm_where *where)
{
	(void)value, (void)where;
	((struct rp_settings *)to)->background = true;
	return 0;
}

static int set_verbose(void *to, const char *value, struct dm_where *where)
{
	(void)value, (void)where;
	((struct rp_settings *)to)->verbose = true;
	return 0;
}

static int set_tcp(void *to, const char *value, struct dm_where *where)
{
	return rp_ports_add(to, SOCK_STREAM, value, where);
}

static int set_udp(void *to, const char *value, struct dm_where *where)
{
	return rp_ports_add(to, SOCK_DGRAM, value, where);
}

static int append_addr(struct rp_addr **list, size_t *n, const struct rp_addr *a, struct dm_where *where)
{
	struct rp_addr *longer = reallocarray(*list, *n + 1, sizeof(*longer));

	if (longer == NULL)
		return dm_wrong(where, "out of memory");
	longer[(*n)++] = *a;
	*list = longer;
	return 0;
}

static int set_extaddr(void *to, const char *value, struct dm_where *where)
{
	struct rp_settings *s = to;
	struct rp_addr a;

	if (rp_ports_addr("extaddr", value, true, &a, where) < 0)
		return -1;
	return append_addr(&s->addrs, &s->n_addrs, &a, where);
}

static int set_extgw(void *to, const char *value, struct dm_where *where)
{
	struct rp_settings *s = to;
	struct rp_addr a;

	if (rp_ports_addr("extgw", value, false, &a, where) < 0)
		return -1;
	return append_addr(&s->gateways, &s->n_gateways, &a, where);
}

#define PORT "EXTPORT,INTADDR,INTPORT[,NAME]"
#define BASE "the first 64 bits: an IPv6 address, or a name that has one (the name behind the first dot)"

static const struct dm_option table[] = {
	{ "daemon", 'd', NULL, "runs in the background", 0, set_daemon },
	{ "pidfile", 'p', "FILE", "writes the number of the process to FILE", 0, set_pidfile },
	{ "extstack", 'e', "CONFIG", "the stack outside, see ioth_newstackc(3)", 0, set_extstack },
	{ "intstack", 'i', "CONFIG", "the stack inside (the host's network)", 0, set_intstack },
	{ "name", 'n', "NAME", "the name whose addresses are used", 0, set_name },
	{ "base", 'b', "ADDR", BASE, 0, set_base },
	{ "baseaddr", '\0', "ADDR", "the same", 0, set_base },
	{ "passwd", 'P', "PASSWORD", "the password; a file keeps it secret", DM_SECRET, set_password },
	{ "passwdfile", '\0', "FILE", "the password is the first line of FILE; - is standard input", 0,
	  set_passwdfile },
	{ "dns", 'D', "ADDR,...", "name servers (those of the stack inside)", 0, set_dns },
	{ "tcp", 't', PORT, "passes TCP connections on", DM_REPEATS, set_tcp },
	{ "udp", 'u', PORT, "passes UDP datagrams on", DM_REPEATS, set_udp },
	{ "extaddr", '\0', "ADDR[/LEN]", "another address of the stack outside", DM_REPEATS, set_extaddr },
	{ "extgw", '\0', "ADDR", "the gateway of the stack outside", DM_REPEATS, set_extgw },
	{ "otip_period", '\0', "SECONDS", "the length of a period, 0: the address stays (32)", 0,
	  set_period },
	{ "otip_preactive", '\0', "SECONDS", "an address answers before its period begins (8)", 0,
	  set_preactive },
	{ "otip_postactive", '\0', "SECONDS", "and after it has ended (8)", 0, set_postactive },
	{ "tcp_listen_backlog", '\0', "N", "connections that wait to be accepted (5)", 0, set_backlog },
	{ "tcp_timeout", '\0', "SECONDS", "a connection that is idle so long is reset (120)", 0,
	  set_tcp_timeout },
	{ "udp_timeout", '\0', "SECONDS", "a flow that is idle so long ends (8)", 0, set_udp_timeout },
	{ "tcp_connections", '\0', "N", "connections at the same time (1000)", 0, set_connections },
	{ "udp_flows", '\0', "N", "flows at the same time (1000)", 0, set_flows },
	{ "verbose", 'v', NULL, "reports addresses, and why connections fail", 0, set_verbose },
};

static const struct dm_options options = {
	.program = "otip_rproxy",
	.arguments = "",
	.about = "A reverse proxy whose IPv6 addresses are used for a short time only.\n",
	.table = table,
	.n = VS_COUNT(table),
	.has_rcfile = true,
};

/* ------------------------------------------------------------------ all of them together */

static void check(struct rp_settings *s, struct dm_where *where)
{
	struct rp_period period = rp_settings_period(s);

	if (s->extstack == NULL)
		(void)dm_wrong(where, "no stack outside: --extstack is needed");
	if (s->n_ports == 0)
		(void)dm_wrong(where, "no ports: --tcp or --udp is needed");
	if (s->password != NULL && s->passwdfile != NULL)
		(void)dm_wrong(where, "there are two passwords: --passwd and --passwdfile");
	(void)rp_ports_names(s, where);
	if ((int64_t)s->n_names * rp_slots_most(&period) > RP_MOST_ADDRESSES)
		(void)dm_wrong(where,
			       "more than %d addresses at the same time: --otip_preactive and "
			       "--otip_postactive are too long for this --otip_period",
			       RP_MOST_ADDRESSES);
}

static void read_password(struct rp_settings *s, struct dm_where *where)
{
	if (s->passwdfile == NULL || s->password != NULL)
		return;
	int r = dm_secret_read(s->passwdfile, &s->password);
	if (r < 0)
		(void)dm_wrong(where, "cannot read a password from %s: %s", s->passwdfile, strerror(-r));
}

enum rp_parsed rp_settings_read(struct rp_settings *s, int argc, char **argv)
{
	struct dm_where where = { .file = NULL };
	int first;

	*s = (struct rp_settings){ .period = 32,
				   .preactive = 8,
				   .postactive = 8,
				   .backlog = 5,
				   .tcp_timeout = 120,
				   .udp_timeout = 8,
				   .connections = 1000,
				   .flows = 1000 };
	enum dm_parsed parsed = dm_options_parse(&options, argc, argv, s, &first);
	if (parsed != DM_RUN)
		return parsed == DM_DONE ? RP_DONE : RP_WRONG;
	check(s, &where);
	read_password(s, &where);
	return where.errors == 0 ? RP_RUN : RP_WRONG;
}

struct rp_period rp_settings_period(const struct rp_settings *s)
{
	return (struct rp_period){ .period_s = (int64_t)s->period,
				   .preactive_s = (int64_t)s->preactive,
				   .postactive_s = (int64_t)s->postactive };
}

void rp_settings_free(struct rp_settings *s)
{
	char *texts[] = { s->pidfile, s->extstack, s->intstack, s->name, s->base, s->dns };

	forget_secret(s);
	for (size_t i = 0; i < VS_COUNT(texts); i++)
		free(texts[i]);
	for (size_t i = 0; i < s->n_ports; i++) {
		free(s->ports[i].host);
		free(s->ports[i].name);
	}
	for (size_t i = 0; i < s->n_names; i++)
		free(s->names[i].text);
	free(s->ports);
	free(s->names);
	free(s->addrs);
	free(s->gateways);
}
