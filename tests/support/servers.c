/* SPDX-License-Identifier: LGPL-2.1-or-later */

#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "case.h"
#include "servers.h"
#include <vdestack.h>
#include <vdestack/conf.h>

#define START_MS 20000
#define STOP_MS 10000

/* ------------------------------------------------------------------ configurations */

/* The length behind the slash of a network; the text before it goes to `net`. */
static unsigned split(const char *subnet, char *net, size_t size)
{
	const char *slash = strchr(subnet, '/');

	CHECK(slash != NULL);
	(void)snprintf(net, size, "%.*s", (int)(slash - subnet), subnet);
	return (unsigned)strtoul(slash + 1, NULL, 10);
}

static const char *netmask(unsigned len, char *text, size_t size)
{
	unsigned mask = len == 0 ? 0 : ~0u << (32 - len);

	(void)snprintf(text, size, "%u.%u.%u.%u", mask >> 24, mask >> 16 & 255, mask >> 8 & 255, mask & 255);
	return text;
}

static unsigned preferred(const struct server_plan *p)
{
	return p->preferred_s != 0 ? p->preferred_s : p->lease_s;
}

static unsigned router_lifetime(const struct server_plan *p)
{
	return p->router_s != 0 ? p->router_s : 1800;
}

/* A line of the file, if the text is to be there. */
static void line(FILE *f, const char *fmt, const char *text)
{
	char out[512];
	const char *at = strstr(fmt, "%s");

	if (text == NULL)
		return;
	(void)snprintf(out, sizeof(out), "%.*s%s%s\n", (int)(at - fmt), fmt, text, at + 2);
	(void)fputs(out, f);
}

static void dnsmasq_common(FILE *f, const struct server *s)
{
	(void)fprintf(f,
		      "port=0\ninterface=vde0\nbind-interfaces\nexcept-interface=lo\nno-ping\nlog-dhcp\n"
		      "no-resolv\nno-hosts\ndhcp-leasefile=%s/leases\npid-file=%s/pid\n",
		      s->dir, s->dir);
}

static void dnsmasq4(FILE *f, const struct server *s)
{
	const struct server_plan *p = s->plan;
	char net[64], mask[32];
	unsigned len = split(p->subnet, net, sizeof(net));

	dnsmasq_common(f, s);
	(void)fprintf(f, "dhcp-range=%s,%s,%s,%us\n", p->first, p->last, netmask(len, mask, sizeof(mask)),
		      p->lease_s);
	if (!p->quiet)
		(void)fputs("dhcp-authoritative\n", f);
	line(f, "dhcp-option=option:router,%s", p->router);
	line(f, "dhcp-option=option:dns-server,%s", p->dns);
	line(f, "dhcp-option=option:domain-search,%s", p->domain);
	line(f, "dhcp-option=option:ntp-server,%s", p->ntp);
	if (p->route != NULL)
		(void)fprintf(f, "dhcp-option=121,%s,%s,0.0.0.0/0,%s\n", p->route, p->route_gw, p->router);
	if (p->mtu != 0)
		(void)fprintf(f, "dhcp-option-force=option:mtu,%u\n", p->mtu);
}

static void dnsmasq6(FILE *f, const struct server *s)
{
	const struct server_plan *p = s->plan;
	char net[64];
	unsigned len = split(p->subnet, net, sizeof(net));

	dnsmasq_common(f, s);
	(void)fprintf(f, "enable-ra\nra-param=vde0,4,%u\n", router_lifetime(p));
	if (p->first != NULL)
		(void)fprintf(f, "dhcp-range=%s,%s%s,%u,%us\n", p->first, p->last,
			      p->no_slaac ? "" : ",slaac", len, p->lease_s);
	else
		(void)fprintf(f, "dhcp-range=%s,%s,%u,%us\n", net, p->other ? "ra-stateless" : "ra-only", len,
			      p->lease_s);
	line(f, "dhcp-option=option6:dns-server,[%s]", p->dns);
	line(f, "dhcp-option=option6:domain-search,%s", p->domain);
	line(f, "dhcp-option=option6:ntp-server,[%s]", p->ntp);
	if (p->rapid)
		(void)fputs("dhcp-rapid-commit\n", f);
}

static void kea_option(FILE *f, int *n, const char *name, const char *data)
{
	if (data != NULL)
		(void)fprintf(f, "%s{\"name\": \"%s\", \"data\": \"%s\"}", (*n)++ > 0 ? ", " : "", name,
			      data);
}

static void kea_common(FILE *f, const struct server *s, const char *program)
{
	const struct server_plan *p = s->plan;

	(void)fprintf(f,
		      "\"lease-database\": {\"type\": \"memfile\", \"persist\": true, \"lfc-interval\": 0, "
		      "\"name\": \"%s/leases\"},\n"
		      "\"loggers\": [{\"name\": \"%s\", \"severity\": \"INFO\", "
		      "\"output_options\": [{\"output\": \"stdout\", \"flush\": true}]}],\n"
		      "\"valid-lifetime\": %u, \"decline-probation-period\": 60,\n",
		      s->dir, program, p->lease_s);
	if (p->t1_s != 0)
		(void)fprintf(f, "\"renew-timer\": %u, \"rebind-timer\": %u,\n", p->t1_s, p->t2_s);
}

/* The bytes of option 121 as hexadecimal digits: Kea 2.2 has no name for their parts. */
static void put_route(char **at, const char *dst, const char *gw)
{
	char net[64];
	unsigned len = split(dst, net, sizeof(net)), b[4], g[4];

	CHECK_EQ(sscanf(net, "%u.%u.%u.%u", &b[0], &b[1], &b[2], &b[3]), 4);
	CHECK_EQ(sscanf(gw, "%u.%u.%u.%u", &g[0], &g[1], &g[2], &g[3]), 4);
	*at += sprintf(*at, "%02X", len);
	for (unsigned i = 0; i < (len + 7) / 8; i++)
		*at += sprintf(*at, "%02X", b[i]);
	for (unsigned i = 0; i < 4; i++)
		*at += sprintf(*at, "%02X", g[i]);
}

static void kea4(FILE *f, const struct server *s)
{
	const struct server_plan *p = s->plan;
	char mtu[16], routes[64] = "", *at = routes;
	int n = 0;

	(void)fputs("{\"Dhcp4\": {\"interfaces-config\": {\"interfaces\": [\"vde0\"]},\n", f);
	kea_common(f, s, "kea-dhcp4");
	(void)fprintf(f, "\"authoritative\": %s,\n", p->quiet ? "false" : "true");
	if (p->route != NULL) {
		put_route(&at, p->route, p->route_gw);
		put_route(&at, "0.0.0.0/0", p->router);
		(void)fputs(
			"\"option-def\": [{\"name\": \"routes\", \"code\": 121, \"type\": \"binary\"}],\n",
			f);
	}
	(void)fprintf(f,
		      "\"subnet4\": [{\"subnet\": \"%s\", \"pools\": [{\"pool\": \"%s - %s\"}], "
		      "\"option-data\": [",
		      p->subnet, p->first, p->last);
	kea_option(f, &n, "routers", p->router);
	kea_option(f, &n, "domain-name-servers", p->dns);
	kea_option(f, &n, "domain-search", p->domain);
	kea_option(f, &n, "ntp-servers", p->ntp);
	if (p->mtu != 0) {
		(void)snprintf(mtu, sizeof(mtu), "%u", p->mtu);
		kea_option(f, &n, "interface-mtu", mtu);
	}
	if (p->route != NULL)
		(void)fprintf(f,
			      "%s{\"name\": \"routes\", \"csv-format\": false, \"always-send\": true, "
			      "\"data\": \"%s\"}",
			      n > 0 ? ", " : "", routes);
	(void)fputs("]}]}}\n", f);
}

static void kea6(FILE *f, const struct server *s)
{
	const struct server_plan *p = s->plan;
	char net[64];
	int n = 0;

	(void)fputs("{\"Dhcp6\": {\"interfaces-config\": {\"interfaces\": [\"vde0\"]},\n", f);
	kea_common(f, s, "kea-dhcp6");
	(void)fprintf(f, "\"data-directory\": \"%s\", \"preferred-lifetime\": %u,\n", s->dir, preferred(p));
	(void)fprintf(f,
		      "\"subnet6\": [{\"subnet\": \"%s\", \"interface\": \"vde0\", \"rapid-commit\": %s,\n"
		      "\"pools\": [",
		      p->subnet, p->rapid ? "true" : "false");
	if (p->first != NULL)
		(void)fprintf(f, "{\"pool\": \"%s - %s\"}", p->first, p->last);
	(void)fputs("], \"pd-pools\": [", f);
	if (p->pd != NULL) {
		unsigned len = split(p->pd, net, sizeof(net));
		(void)fprintf(f, "{\"prefix\": \"%s\", \"prefix-len\": %u, \"delegated-len\": %u}", net, len,
			      p->pd_len);
	}
	(void)fputs("],\n\"option-data\": [", f);
	kea_option(f, &n, "dns-servers", p->dns);
	kea_option(f, &n, "domain-search", p->domain);
	kea_option(f, &n, "sntp-servers", p->ntp);
	(void)fputs("]}]}}\n", f);
}

static void dhcpd_times(FILE *f, const struct server_plan *p)
{
	(void)fprintf(
		f,
		"default-lease-time %u;\nmax-lease-time %u;\nmin-lease-time %u;\nddns-update-style none;\n",
		p->lease_s, p->lease_s, p->lease_s);
}

static void dhcpd4(FILE *f, const struct server *s)
{
	const struct server_plan *p = s->plan;
	char net[64], mask[32], quoted[300];
	unsigned len = split(p->subnet, net, sizeof(net));

	dhcpd_times(f, p);
	if (p->t1_s != 0)
		(void)fprintf(f, "option dhcp-renewal-time %u;\noption dhcp-rebinding-time %u;\n", p->t1_s,
			      p->t2_s);
	(void)fprintf(f, "%s;\nping-check false;\n", p->quiet ? "not authoritative" : "authoritative");
	if (p->route != NULL)
		(void)fputs("option routes code 121 = string;\n", f);
	(void)fprintf(f, "subnet %s netmask %s {\nrange %s %s;\n", net, netmask(len, mask, sizeof(mask)),
		      p->first, p->last);
	line(f, "option routers %s;", p->router);
	line(f, "option domain-name-servers %s;", p->dns);
	line(f, "option ntp-servers %s;", p->ntp);
	(void)snprintf(quoted, sizeof(quoted), "\"%s\"", p->domain != NULL ? p->domain : "");
	line(f, "option domain-search %s;", p->domain != NULL ? quoted : NULL);
	if (p->mtu != 0)
		(void)fprintf(f, "option interface-mtu %u;\n", p->mtu);
	if (p->route != NULL) {
		char hex[64] = "", *at = hex;
		put_route(&at, p->route, p->route_gw);
		put_route(&at, "0.0.0.0/0", p->router);
		(void)fputs("option routes ", f);
		for (const char *h = hex; *h != '\0'; h += 2)
			(void)fprintf(f, "%s%.2s", h == hex ? "" : ":", h);
		(void)fputs(";\n", f);
	}
	(void)fputs("}\n", f);
}

static void dhcpd6(FILE *f, const struct server *s)
{
	const struct server_plan *p = s->plan;
	char net[64], quoted[300];

	dhcpd_times(f, p);
	(void)fprintf(f, "preferred-lifetime %u;\n", preferred(p));
	if (p->t1_s != 0) /* half and four fifths of the preferred lifetime */
		(void)fputs("dhcpv6-set-tee-times true;\n", f);
	if (p->rapid)
		(void)fputs("option dhcp6.rapid-commit;\n", f);
	line(f, "option dhcp6.name-servers %s;", p->dns);
	line(f, "option dhcp6.sntp-servers %s;", p->ntp);
	(void)snprintf(quoted, sizeof(quoted), "\"%s\"", p->domain != NULL ? p->domain : "");
	line(f, "option dhcp6.domain-search %s;", p->domain != NULL ? quoted : NULL);
	(void)fprintf(f, "subnet6 %s {\n", p->subnet);
	if (p->first != NULL)
		(void)fprintf(f, "range6 %s %s;\n", p->first, p->last);
	if (p->pd != NULL) {
		(void)split(p->pd, net, sizeof(net));
		(void)fprintf(f, "prefix6 %s %s /%u;\n", net, net, p->pd_len);
	}
	(void)fputs("}\n", f);
}

static void udhcpd(FILE *f, const struct server *s)
{
	const struct server_plan *p = s->plan;
	char net[64], mask[32];
	unsigned len = split(p->subnet, net, sizeof(net));

	(void)fprintf(f,
		      "start %s\nend %s\ninterface vde0\nlease_file %s/leases\npidfile %s/pid\nauto_time 1\n"
		      "min_lease 5\nmax_leases 254\nconflict_time 60\ndecline_time 60\noffer_time 5\n"
		      "option subnet %s\noption lease %u\n",
		      p->first, p->last, s->dir, s->dir, netmask(len, mask, sizeof(mask)), p->lease_s);
	line(f, "option router %s", p->router);
	line(f, "option dns %s", p->dns);
	line(f, "option search %s", p->domain);
	line(f, "option ntpsrv %s", p->ntp);
	if (p->mtu != 0)
		(void)fprintf(f, "option mtu %u\n", p->mtu);
	if (p->route != NULL)
		(void)fprintf(f, "option staticroutes %s %s, 0.0.0.0/0 %s\n", p->route, p->route_gw,
			      p->router);
}

static void radvd(FILE *f, const struct server *s)
{
	const struct server_plan *p = s->plan;

	(void)fprintf(f,
		      "interface vde0 {\nAdvSendAdvert on;\nMinRtrAdvInterval 3;\nMaxRtrAdvInterval 4;\n"
		      "MinDelayBetweenRAs 3;\nAdvDefaultLifetime %u;\nAdvManagedFlag %s;\n"
		      "AdvOtherConfigFlag %s;\n",
		      router_lifetime(p), p->managed ? "on" : "off", p->other ? "on" : "off");
	if (p->mtu != 0)
		(void)fprintf(f, "AdvLinkMTU %u;\n", p->mtu);
	(void)fprintf(f,
		      "prefix %s {\nAdvOnLink on;\nAdvAutonomous %s;\nAdvValidLifetime %u;\n"
		      "AdvPreferredLifetime %u;\nDeprecatePrefix on;\n};\n",
		      p->subnet, p->no_slaac ? "off" : "on", p->lease_s, preferred(p));
	line(f, "RDNSS %s { AdvRDNSSLifetime 30; };", p->dns);
	line(f, "DNSSL %s { AdvDNSSLLifetime 30; };", p->domain);
	line(f, "route %s { AdvRouteLifetime 600; };", p->route);
	(void)fputs("};\n", f);
}

/* ------------------------------------------------------------------ programs */

/* In the words of a command: $C is the configuration, $D the directory. */
#define DNSMASQ "--keep-in-foreground", "--log-facility=-", "--user=", "--group=", "-C", "$C"
#define DHCPD "-f", "-d", "--no-pid", "-cf", "$C", "-lf", "$D/leases", "vde0"

static const struct program {
	const char *name; /* in /usr/sbin */
	void (*configure)(FILE *f, const struct server *s);
	const char *argv[16];
	const char *ready; /* in the log, when it receives requests; NULL: port 67 tells it */
	bool lease_file;   /* must be there */
	bool ipv6;
} programs[SERVER_N] = {
	[SERVER_DNSMASQ4] = { "dnsmasq", dnsmasq4, { DNSMASQ }, .ready = "DHCP, sockets bound" },
	[SERVER_DNSMASQ6] = { "dnsmasq", dnsmasq6, { DNSMASQ }, .ready = "router advertisement on",
			      .ipv6 = true },
	[SERVER_KEA4] = { "kea-dhcp4", kea4, { "-c", "$C" }, .ready = "DHCP4_STARTED" },
	[SERVER_KEA6] = { "kea-dhcp6", kea6, { "-c", "$C" }, .ready = "DHCP6_STARTED", .ipv6 = true },
	[SERVER_DHCPD4] = { "dhcpd", dhcpd4, { "-4", DHCPD }, .ready = "Server starting service",
			    .lease_file = true },
	[SERVER_DHCPD6] = { "dhcpd", dhcpd6, { "-6", DHCPD }, .ready = "Server starting service",
			    .lease_file = true, .ipv6 = true },
	/* It searches for users of an address by ARP; 2 s are its default. */
	[SERVER_UDHCPD] = { "udhcpd", udhcpd, { "-f", "-a", "100", "$C" }, .lease_file = true },
	[SERVER_RADVD] = { "radvd",
			   radvd,
			   { "-n", "-m", "stderr", "-d", "2", "-C", "$C", "-p", "$D/pid" },
			   .ready = "polling for",
			   .ipv6 = true },
};

const char *server_program(enum server_kind kind)
{
	return programs[kind].name;
}

/* A copy in the directory of the server, see the header. */
static void copy_program(const char *name, const char *to_path)
{
	struct stat st;
	char from_path[64];

	(void)snprintf(from_path, sizeof(from_path), "/usr/sbin/%s", name);
	int from = open(from_path, O_RDONLY | O_CLOEXEC);

	if (from < 0)
		SKIP("there is no %s: %s", from_path, strerror(errno));
	int to = (int)MUST(open(to_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755));
	MUST(fstat(from, &st));
	for (off_t left = st.st_size; left > 0;)
		left -= MUST(sendfile(to, from, NULL, (size_t)left));
	close(from);
	close(to);
}

static void configure(const struct server *s, const char *path)
{
	FILE *f = fopen(path, "we");

	CHECK(f != NULL);
	programs[s->kind].configure(f, s);
	CHECK_EQ(fclose(f), 0);
}

/* ------------------------------------------------------------------ the log */

static void log_path(const struct server *s, char *path, size_t size)
{
	(void)snprintf(path, size, "%s/log%d", s->dir, s->starts);
}

const char *server_log(const struct server *s)
{
	static char text[262144];
	char path[256];
	size_t n = 0;
	ssize_t got;

	log_path(s, path, sizeof(path));
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && n < sizeof(text) - 1 && (got = read(fd, text + n, sizeof(text) - 1 - n)) > 0)
		n += (size_t)got;
	text[n] = '\0';
	if (fd >= 0)
		close(fd);
	return text;
}

int server_said(const struct server *s, const char *text)
{
	int n = 0;

	for (const char *at = server_log(s); (at = strstr(at, text)) != NULL; at += strlen(text))
		n++;
	return n;
}

struct said {
	const struct server *s;
	const char *text;
	int n;
};

static bool has_said(void *arg)
{
	struct said *said = arg;

	return server_said(said->s, said->text) >= said->n;
}

bool server_wait_log(const struct server *s, const char *text, int n, int timeout_ms)
{
	struct said said = { s, text, n };

	return wait_until(has_said, &said, timeout_ms);
}

/* ------------------------------------------------------------------ start and stop */

static bool has_ended(const struct server *s)
{
	int status;

	return vdestack_cmd_wait(s->status_fd, &status, 0) == 0;
}

static pid_t pid_of(const struct server *s)
{
	char path[64], text[512];
	int pid = -1;

	(void)snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", s->pidfd);
	FILE *f = fopen(path, "re");
	while (f != NULL && fgets(text, sizeof(text), f) != NULL)
		(void)sscanf(text, "Pid: %d", &pid);
	if (f != NULL)
		(void)fclose(f);
	return pid;
}

/* As it has no log, and no other program of the stack has the port. */
static bool port_is_bound(const struct server *s)
{
	char path[64], text[512];
	bool bound = false;

	(void)snprintf(path, sizeof(path), "/proc/%d/net/udp", (int)pid_of(s));
	FILE *f = fopen(path, "re");
	while (f != NULL && fgets(text, sizeof(text), f) != NULL)
		bound |= strstr(text, ":0043 ") != NULL; /* 67 */
	if (f != NULL)
		(void)fclose(f);
	return bound;
}

static bool is_ready(void *arg)
{
	const struct server *s = arg;
	const char *text = programs[s->kind].ready;

	if (has_ended(s))
		FAIL("%s has ended: %s", programs[s->kind].name, server_log(s));
	return text != NULL ? server_said(s, text) > 0 : port_is_bound(s);
}

/* A word of the command with $C and $D replaced; a static ring. */
static const char *replaced(const struct server *s, const char *word)
{
	static char ring[16][256];
	static unsigned next;
	char *out = ring[next++ % 16];

	if (strcmp(word, "$C") == 0)
		(void)snprintf(out, 256, "%s/conf", s->dir);
	else if (strncmp(word, "$D", 2) == 0)
		(void)snprintf(out, 256, "%s%s", s->dir, word + 2);
	else
		(void)snprintf(out, 256, "%s", word);
	return out;
}

static void prepare(struct server *s)
{
	const struct program *p = &programs[s->kind];
	char path[256];

	if (s->dir[0] == '\0') {
		(void)snprintf(s->dir, sizeof(s->dir), "%s", case_path(s->name != NULL ? s->name : p->name));
		MUST(mkdir(s->dir, 0700));
		(void)snprintf(path, sizeof(path), "%s/%s", s->dir, p->name);
		copy_program(p->name, path);
	}
	(void)snprintf(path, sizeof(path), "%s/conf", s->dir);
	configure(s, path);
	(void)snprintf(path, sizeof(path), "%s/leases", s->dir);
	if (p->lease_file)
		close((int)MUST(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600)));
}

void server_start(struct server *s)
{
	const struct program *p = &programs[s->kind];
	char path[256], pidfiles[260], locks[260], data[260], home[260];
	char *argv[20], *envp[] = { pidfiles, locks, data, home, "PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL };
	int n = 0;

	prepare(s);
	if (p->ipv6) /* Kea needs a usable link-local address at its start */
		MUST(vdestack_wait_ready(s->stack, START_MS));
	(void)snprintf(pidfiles, sizeof(pidfiles), "KEA_PIDFILE_DIR=%s", s->dir);
	(void)snprintf(locks, sizeof(locks), "KEA_LOCKFILE_DIR=%s", s->dir);
	(void)snprintf(data, sizeof(data), "KEA_DHCP_DATA_DIR=%s", s->dir);
	(void)snprintf(home, sizeof(home), "HOME=%s", s->dir);
	argv[n] = path;
	(void)snprintf(path, sizeof(path), "%s/%s", s->dir, p->name);
	for (const char *const *word = p->argv; *word != NULL; word++)
		argv[++n] = (char *)replaced(s, *word);
	argv[++n] = NULL;
	s->starts++;
	char log[256];
	log_path(s, log, sizeof(log));
	int out = (int)MUST(open(log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600));
	struct vdestack_cmd_opts opts = {
		.size = sizeof(opts),
		.in = VDESTACK_NULL,
		.out = out,
		.err = VDESTACK_AS_OUT,
		.cwd = s->dir,
		.envp = envp,
	};
	s->pidfd = (int)MUST(vdestack_spawn(s->stack, argv, &opts, &s->status_fd));
	close(out);
	if (!wait_until(is_ready, s, START_MS))
		FAIL("%s does not start: %s", p->name, server_log(s));
}

static void end(struct server *s, int sig)
{
	int status;

	MUST(syscall(SYS_pidfd_send_signal, s->pidfd, sig, NULL, 0));
	MUST(vdestack_cmd_wait(s->status_fd, &status, STOP_MS));
	close(s->pidfd);
	close(s->status_fd);
	s->pidfd = s->status_fd = -1;
}

void server_stop(struct server *s)
{
	end(s, SIGTERM);
}

void server_kill(struct server *s)
{
	end(s, SIGKILL);
}

void server_restart(struct server *s)
{
	server_stop(s);
	server_start(s);
}

void server_pause(struct server *s, bool paused)
{
	MUST(syscall(SYS_pidfd_send_signal, s->pidfd, paused ? SIGSTOP : SIGCONT, NULL, 0));
}

void server_forget(struct server *s)
{
	static const char *const files[] = { "leases", "leases~", "leases.1", "leases.2",
					     "leases.completed" };
	char path[256];

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", s->dir, files[i]);
		(void)unlink(path);
	}
}
