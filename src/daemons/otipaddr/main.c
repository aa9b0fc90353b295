/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * otipaddr and hashaddr: print the address of a name. One program with two names. hashaddr computes the hash
 * address. otipaddr adds a password and the number of the period that it is now: a one-time address.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <ioth.h>
#include <iothaddr.h>
#include <iothconf.h>
#include <iothdns.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "daemons/common/base.h"
#include "daemons/common/options.h"
#include "daemons/common/secret.h"

#define PERIOD_S 32
#define PERIOD_MAX_S 31536000

struct settings {
	const char *base, *dns, *dnsstack, *passwdfile;
	unsigned long period;
};

static int set_base(void *to, const char *value, struct dm_where *where)
{
	(void)where;
	((struct settings *)to)->base = value;
	return 0;
}

static int set_dns(void *to, const char *value, struct dm_where *where)
{
	(void)where;
	((struct settings *)to)->dns = value;
	return 0;
}

static int set_dnsstack(void *to, const char *value, struct dm_where *where)
{
	(void)where;
	((struct settings *)to)->dnsstack = value;
	return 0;
}

static int set_passwdfile(void *to, const char *value, struct dm_where *where)
{
	(void)where;
	((struct settings *)to)->passwdfile = value;
	return 0;
}

static int set_period(void *to, const char *value, struct dm_where *where)
{
	return dm_number("period", value, 0, PERIOD_MAX_S, &((struct settings *)to)->period, where);
}

#define BASE "the first 64 bits: an IPv6 address, or a name that has one (the name behind the first dot)"

static const struct dm_option table[] = {
	{ "base", 'b', "ADDR", BASE, 0, set_base },
	{ "baseaddr", '\0', "ADDR", "the same", 0, set_base },
	{ "dns", 'D', "ADDR,...", "name servers (those of /etc/resolv.conf)", 0, set_dns },
	{ "dnsstack", 's', "CONFIG", "asks them from this stack, see ioth_newstackc(3) (the host's)", 0,
	  set_dnsstack },
	{ "period", 'T', "SECONDS", "how long an address is used, 0: always (32)", 0, set_period },
	{ "passwdfile", 'P', "FILE", "the password is the first line of FILE; - is standard input", 0,
	  set_passwdfile },
};

#define ABOUT_OTIP                                                                                           \
	"Prints the one-time IPv6 address that NAME has now.\n"                                              \
	"PASSWORD can be seen by other users for a moment: a file keeps it secret.\n"
#define ABOUT_HASH "Prints the IPv6 address that is the hash of NAME.\n"
#define EXIT_STATUS "Exit status: 0, or 1 after a message.\n"

static const struct dm_options otipaddr = { .program = "otipaddr",
					    .arguments = "NAME [PASSWORD]",
					    .about = ABOUT_OTIP,
					    .table = table,
					    .n = VS_COUNT(table),
					    .least = 1,
					    .most = 2,
					    .more = EXIT_STATUS };

static const struct dm_options hashaddr = { .program = "hashaddr",
					    .arguments = "NAME",
					    .about = ABOUT_HASH,
					    .table = table,
					    .n = 4, /* neither period nor password */
					    .least = 1,
					    .most = 1,
					    .more = EXIT_STATUS };

static int find_base(const struct settings *s, const char *name, struct in6_addr *base)
{
	const char *text = s->base != NULL ? s->base : dm_base_name(name);
	struct ioth *stack = NULL;
	struct iothdns *dns = NULL;
	char why[256] = "";
	int r = -1;

	if (text == NULL) {
		dm_report(DM_ERROR, "%s has no dot, so --base is needed", name);
		return -1;
	}
	if (strchr(text, ':') == NULL) {
		if (s->dnsstack != NULL && (stack = ioth_newstackc(s->dnsstack)) == NULL) {
			dm_report(DM_ERROR, "--dnsstack: cannot make the stack %s: %s", s->dnsstack,
				  ioth_last_error());
			return -1;
		}
		dns = s->dns != NULL ? iothdns_init_strcfg(stack, (char *)s->dns) : iothdns_init(stack, NULL);
		if (dns == NULL)
			dm_report(DM_ERROR, "no name servers (--dns): %s", strerror(errno));
	}
	if (strchr(text, ':') != NULL || dns != NULL)
		r = dm_base_read(dns, text, base, why, sizeof(why));
	if (why[0] != '\0')
		dm_report(DM_ERROR, "no base address: %s", why);
	iothdns_fini(dns);
	if (stack != NULL)
		(void)ioth_delstack(stack);
	return r < 0 ? -1 : 0;
}

/* The password, or NULL after a message. */
static char *find_password(const struct settings *s, char *argument)
{
	char *password;

	if ((s->passwdfile == NULL) == (argument == NULL)) {
		dm_report(DM_ERROR, argument == NULL ? "a password is needed: PASSWORD or --passwdfile"
						     : "there are two passwords: PASSWORD and --passwdfile");
		return NULL;
	}
	if (argument != NULL) {
		password = strdup(argument);
		memset(argument, 'x', strlen(argument));
		if (password == NULL)
			dm_report(DM_ERROR, "out of memory");
		return password;
	}
	int r = dm_secret_read(s->passwdfile, &password);
	if (r < 0)
		dm_report(DM_ERROR, "cannot read a password from %s: %s", s->passwdfile,
			  r == -ENODATA ? "its first line is empty" : strerror(-r));
	return r < 0 ? NULL : password;
}

static int print_address(const struct settings *s, const char *name, const char *password, bool changes)
{
	struct in6_addr addr;
	char text[INET6_ADDRSTRLEN];

	if (find_base(s, name, &addr) < 0)
		return -1;
	iothaddr_hash(&addr, name, password, changes ? iothaddr_otiptime((int)s->period, 0) : 0);
	if (puts(inet_ntop(AF_INET6, &addr, text, sizeof(text))) < 0 || fflush(stdout) != 0) {
		dm_report(DM_ERROR, "cannot write the address: %s", strerror(errno));
		return -1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
	const char *called = argc == 0 ? "" : slash == NULL ? argv[0] : slash + 1;
	bool hash = strcmp(called, "hashaddr") == 0;
	struct settings s = { .period = PERIOD_S };
	VS_AUTO_FREE char *password = NULL;
	int first = 0;

	enum dm_parsed parsed = dm_options_parse(hash ? &hashaddr : &otipaddr, argc, argv, &s, &first);
	if (parsed != DM_RUN)
		return parsed == DM_DONE ? 0 : 1;
	if (!hash && (password = find_password(&s, first + 1 < argc ? argv[first + 1] : NULL)) == NULL)
		return 1;
	return print_address(&s, argv[first], password, !hash) < 0 ? 1 : 0;
}
