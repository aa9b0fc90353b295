/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * `vdens`: the options of the tool of that name, for `vdestack enter`.
 *
 *     vdens [OPTION...] [NETWORK [WORD...] [--] [PROGRAM [ARG...]]]
 *     vdens -m [OPTION...] NETWORK... [WORD...] [-- PROGRAM [ARG...]]
 *
 * A NETWORK is a locator, or "", "-", "no" or "none". A WORD is one of a configuration, such as
 * ip=10.0.0.1/24 or dhcp, and belongs to the network before it. Without "--" the program begins at the first
 * argument that is no such word.
 */

#include "enter.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/cleanup.h"

static const char help[] =
	"Usage: vdens [OPTION...] [NETWORK [WORD...] [--] [PROGRAM [ARG...]]]\n"
	"       vdens -m [OPTION...] NETWORK... [WORD...] [-- PROGRAM [ARG...]]\n"
	"Executes PROGRAM, by default the shell, in a network namespace connected to NETWORK.\n"
	"NETWORK: a locator of vde_plug(1), or \"\", -, no, none: no interface. WORD: vdestack_config(7).\n"
	"  -i, --iface PREFIX     interfaces are PREFIX0, PREFIX1...; vde\n"
	"  -m, --multi            several networks\n"
	"  -r, --resolvconf FILE  FILE is /etc/resolv.conf; environment: VDE_RESOLVCONF\n"
	"  -R, --resolvaddr ADDR[,ADDR...]  name servers; environment: VDE_RESOLVADDR\n"
	"  -H, --hostname NAME    another name of the host\n"
	"  -s, --sysadm           with CAP_SYS_ADMIN\n"
	"  -c, --clone; -u, --unshare  no effect\n"
	"  -h, --help\n";

struct arguments {
	struct vs_enter enter;
	const char *prefix, *resolv_addrs;
	bool multi;
};

static int complain(const char *what)
{
	(void)fprintf(stderr, "vdens: %s; see vdens --help\n", what);
	return VS_ENTER_FAILED;
}

/* Whether an argument is a word of a configuration. */
static bool is_word(const char *arg)
{
	static const char *const with_value[] = { "ip",    "gw",  "route",  "mac",  "macaddr",
						  "mtu",   "dns", "domain", "fqdn", "name",
						  "iface", "vnl", "leases", "pd",   "slaac" };
	static const char *const alone[] = { "dhcp",   "dhcp4", "dhcpv4",    "dhcp6", "dhcpv6",
					     "rd",     "rd6",   "slaac",     "auto",  "auto4",
					     "autov4", "auto6", "autov6",    "nodad", "rapid",
					     "v6only", "pd",    "norelease", "eth" };

	for (size_t i = 0; i < VS_COUNT(with_value); i++) {
		size_t len = strlen(with_value[i]);
		if (strncmp(arg, with_value[i], len) == 0 && arg[len] == '=')
			return true;
	}
	for (size_t i = 0; i < VS_COUNT(alone); i++)
		if (strcmp(arg, alone[i]) == 0)
			return true;
	return false;
}

static bool is_none(const char *network)
{
	static const char *const none[] = { "", "-", "no", "none" };

	for (size_t i = 0; i < VS_COUNT(none); i++)
		if (strcmp(network, none[i]) == 0)
			return true;
	return false;
}

/* Writes text as a part of one word, whatever is in it. */
static void quote(FILE *out, const char *text)
{
	(void)fputc('"', out);
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			(void)fputc('\\', out);
		(void)fputc(*text, out);
	}
	(void)fputc('"', out);
}

/* The configuration that the arguments make. To be freed; NULL: no memory. */
static char *configure(char *const args[], int n, const char *prefix)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	int interfaces = 0;

	for (int i = 0; i < n && out != NULL; i++) {
		if (is_word(args[i])) {
			/* A value that was one argument stays one word. */
			size_t key = strcspn(args[i], "=");
			(void)fprintf(out, "%.*s", (int)key, args[i]);
			if (args[i][key] == '=') {
				(void)fputc('=', out);
				quote(out, args[i] + key + 1);
			}
		} else if (!is_none(args[i])) {
			(void)fputs("iface=", out);
			char name[64];
			(void)snprintf(name, sizeof(name), "%s%d", prefix, interfaces++);
			quote(out, name);
			(void)fputs(" vnl=", out);
			quote(out, args[i]);
		}
		(void)fputc(' ', out);
	}
	if (out == NULL || fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

/* "A,B" -> lines of resolv.conf. To be freed; NULL: no memory. */
static char *name_servers(const char *addrs)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	while (out != NULL && *addrs != '\0') {
		size_t len = strcspn(addrs, ", ");
		if (len > 0)
			(void)fprintf(out, "nameserver %.*s\n", (int)len, addrs);
		addrs += len + (addrs[len] != '\0');
	}
	if (out == NULL || fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

/* Whether the list has addresses only, with or without %INTERFACE. */
static bool are_addresses(const char *list)
{
	unsigned char bytes[sizeof(struct in6_addr)];
	char one[INET6_ADDRSTRLEN];

	while (*list != '\0') {
		size_t len = strcspn(list, ", ");
		(void)snprintf(one, sizeof(one), "%.*s", (int)strcspn(list, ", %"), list);
		if (len > 0 && inet_pton(AF_INET, one, bytes) != 1 && inet_pton(AF_INET6, one, bytes) != 1)
			return false;
		list += len + (list[len] != '\0');
	}
	return true;
}

/* Reads the options. -1: go on; otherwise an exit status. */
static int parse(int argc, char *argv[], struct arguments *a)
{
	static const struct option options[] = {
		{ "iface", required_argument, NULL, 'i' },
		{ "multi", no_argument, NULL, 'm' },
		{ "resolvconf", required_argument, NULL, 'r' },
		{ "resolvaddr", required_argument, NULL, 'R' },
		{ "hostname", required_argument, NULL, 'H' },
		{ "sysadm", no_argument, NULL, 's' },
		{ "clone", no_argument, NULL, 'c' },
		{ "unshare", no_argument, NULL, 'u' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "+i:mr:R:H:scuh", options, NULL)) != -1) {
		switch (c) {
		case 'i':
			a->prefix = optarg;
			break;
		case 'm':
			a->multi = true;
			break;
		case 'r':
			a->enter.resolv_file = optarg;
			break;
		case 'R':
			a->resolv_addrs = optarg;
			break;
		case 'H':
			a->enter.hostname = optarg;
			break;
		case 's':
			a->enter.sysadm = true;
			break;
		case 'c': /* how the process of vdens was made */
		case 'u':
			break;
		case 'h':
			return fputs(help, stdout) < 0 || fflush(stdout) != 0 ? EX_IOERR : 0;
		default:
			return VS_ENTER_FAILED;
		}
	}
	return -1;
}

/* Where the networks and words end, and where the program begins, which is argc if there is none. */
static int split(int argc, char *argv[], bool multi, int *program)
{
	int end = optind;

	while (end < argc && strcmp(argv[end], "--") != 0)
		end++;
	bool dashes = end < argc;
	if (!dashes && !multi) {
		end = optind < argc ? optind + 1 : argc;
		while (end < argc && is_word(argv[end]))
			end++;
	} else if (dashes && !multi) {
		/* "vdens NETWORK PROGRAM -- ARG": the dashes are the program's. */
		int words = optind + 1;
		while (words < end && is_word(argv[words]))
			words++;
		if (words < end) {
			end = words;
			dashes = false;
		}
	}
	*program = end + dashes;
	return end;
}

int vs_vdens_main(int argc, char *argv[])
{
	struct arguments a = { .enter = { .tool = "vdens", .keep_resolv = true }, .prefix = "vde" };
	int program, status = parse(argc, argv, &a);

	if (status >= 0)
		return status;
	/* An option stands before the environment. */
	if (a.enter.resolv_file == NULL && a.resolv_addrs == NULL) {
		a.enter.resolv_file = getenv("VDE_RESOLVCONF");
		if (a.enter.resolv_file == NULL)
			a.resolv_addrs = getenv("VDE_RESOLVADDR");
	}
	if (a.resolv_addrs != NULL && !are_addresses(a.resolv_addrs))
		return complain("a name server is no address; write ADDRESS[,ADDRESS...]");
	if (strlen(a.prefix) > 14)
		return complain("the prefix of interfaces is too long");
	int first = optind, end = split(argc, argv, a.multi, &program);
	if (optind > 1 && strcmp(argv[optind - 1], "--") == 0) { /* getopt(3) has taken it: no network */
		end = first;
		program = first;
	}
	VS_AUTO_FREE char *config = configure(argv + first, end - first, a.prefix);
	VS_AUTO_FREE char *text = a.resolv_addrs == NULL ? NULL : name_servers(a.resolv_addrs);
	if (config == NULL || (a.resolv_addrs != NULL && text == NULL))
		return complain("no memory");
	a.enter.config = config;
	a.enter.resolv_text = text;
	a.enter.argv = argv + program;
	return vs_enter(&a.enter);
}
