/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Arguments of getaddrinfo(3): the calls of a matrix of nodes, services and hints give what glibc gives for
 * the same arguments. glibc runs as a command in the same stack, with the same hosts and services files and
 * the same name server. Where the library differs on purpose, a table here says why.
 */

#include <arpa/nameser.h>
#include <linux/capability.h>

#include "name_server.h"
#include "stacks.h"
#include <vdestack/dns.h>

static struct name_server server;
static struct vdestack *home, *far; /* the client's stack, the server's */

/* ------------------------------------------------------------------ the name server */

static bool answer_few(const struct question *q, struct dns_message *m)
{
	static const uint8_t v6[16] = { 0xfd, 0, 0, 9, [15] = 8 };
	bool one = strcmp(q->name, "one.example") == 0 || strstr(q->name, "answered.example") != NULL;
	bool two = strcmp(q->name, "two.example") == 0;
	bool alias = strcmp(q->name, "alias.example") == 0;

	dns_begin(m, q->id, one || two || alias ? 0x8180 : 0x8183, q->name, q->type);
	if (alias)
		dns_cname(m, q->name, 300, "two.example");
	if (q->type == ns_t_a && (one || two || alias))
		dns_a(m, one ? q->name : "two.example", 300, one ? 0x0a090007 : 0x0a090008);
	else if (q->type == ns_t_aaaa && (two || alias))
		dns_record(m, 1, "two.example", ns_t_aaaa, 300, v6, 16);
	else
		dns_soa(m, "example", 300, 300);
	return true;
}

/* ------------------------------------------------------------------ the matrix */

static const char hosts[] = "127.0.0.1 localhost\n::1 localhost\n10.9.0.77 Inhosts.example inhosts\n"
			    "fd00:9::77\tinhosts\n10.9.0.78 v4only # a comment\n"
			    "10.9.0.79 b\xc3\xbc" "cher in\\hosts -dash\n::ffff:10.9.0.80 mappedhost\n"
			    "10.9 short\n";
static const char services[] = "http 80/tcp www\ndomain 53/tcp\ndomain 53/udp\nntp 123/udp\n"
			       "sctponly 9/sctp\n";

struct call {
	const char *node, *service;
	int family, type, protocol, flags;
};

static const char *const nodes[] = {
	NULL, "", "*", "10.0.0.1", "127.1", "0x7f.1", "1", "256.1.1.1", "1.2.3.4.5", "10.0.0.1 ", " 10.0.0.1",
	"10.0.0.1%vde0", "::1", "::", "::ffff:10.0.0.1", "2001:db8::1", "fe80::1", "fe80::1%vde0",
	"fe80::1%lo", "fe80::1%1", "fe80::1%99", "fe80::1%0", "fe80::1%", "fe80::1%nope", "2001:db8::1%vde0",
	"2001:db8::1%1", "ff02::1%vde0", "localhost", "localhost.", "inhosts", "INHOSTS", "v4only",
	"one.example", "two.example", "alias.example", "alias.example.",
	"none.example", "a b", "-x.example", "_x.example", "a..b", ".",
	"b\xc3\xbc" "cher.example", "a\\.b.example", "b\xc3\xbc" "cher", "in\\hosts", "-dash", "mappedhost",
	"short", "b\xc3\xbc" "cher.answered.example", "a b.answered.example", "a\\b.answered.example",
	"-a.answered.example", "_a._b.answered.example", "a*b.answered.example", "a@b.answered.example",
};
static const char *const some_services[] = {
	NULL, "", "*", "80", "0", "080", "0x50", "65535", "65536", "-1", "+80", " 80", "80 ", "http", "www",
	"HTTP", "domain", "ntp", "sctponly", "nosuch",
};
static const int families[] = { AF_UNSPEC, AF_INET, AF_INET6, 99 };
static const int types[] = { 0, SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET, 99 };
static const int protocols[] = { 0, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_SCTP, IPPROTO_UDPLITE };
static const int node_flags[] = { 0, AI_PASSIVE, AI_CANONNAME, AI_NUMERICHOST, AI_NUMERICHOST | AI_CANONNAME,
				  AI_V4MAPPED, AI_V4MAPPED | AI_ALL, AI_ALL, AI_ADDRCONFIG };
static const int service_flags[] = { 0, AI_PASSIVE, AI_NUMERICSERV };

#define N(list) (sizeof(list) / sizeof((list)[0]))

typedef void each_fn(const struct call *call);

static void for_each_service_call(each_fn *f, const char *service, int type, int protocol)
{
	for (size_t l = 0; l < N(service_flags); l++) {
		f(&(struct call){ "10.0.0.1", service, AF_UNSPEC, type, protocol, service_flags[l] });
		f(&(struct call){ NULL, service, AF_UNSPEC, type, protocol, service_flags[l] });
	}
}

static void for_each_call(each_fn *f)
{
	for (size_t n = 0; n < N(nodes); n++)
		for (size_t a = 0; a < N(families); a++)
			for (size_t l = 0; l < N(node_flags); l++)
				f(&(struct call){ nodes[n], "80", families[a], SOCK_STREAM, 0,
						  node_flags[l] });
	for (size_t s = 0; s < N(some_services); s++)
		for (size_t t = 0; t < N(types); t++)
			for (size_t p = 0; p < N(protocols); p++)
				for_each_service_call(f, some_services[s], types[t], protocols[p]);
}

/* ------------------------------------------------------------------ glibc's results */

/* A text as hexadecimal digits behind an x; - is NULL. */
static void put_text(FILE *file, const char *text)
{
	fputs(text != NULL ? "x" : "-", file);
	for (; text != NULL && *text != '\0'; text++)
		fprintf(file, "%02x", (unsigned char)*text);
	fputc(' ', file);
}

static FILE *calls_file;

static void put_call(const struct call *c)
{
	put_text(calls_file, c->node);
	put_text(calls_file, c->service);
	fprintf(calls_file, "%d %d %d %d\n", c->family, c->type, c->protocol, c->flags);
}

static const char script[] =
	"import ctypes, socket, struct, sys\n"
	"sys.stdout.reconfigure(encoding='latin-1')\n"
	"class Info(ctypes.Structure): pass\n"
	"Info._fields_ = [(n, ctypes.c_int) for n in ('flags', 'family', 'type', 'protocol')] + [\n"
	"  ('len', ctypes.c_uint32), ('addr', ctypes.c_void_p), ('canon', ctypes.c_char_p),\n"
	"  ('next', ctypes.POINTER(Info))]\n"
	"libc = ctypes.CDLL(None)\n"
	"text = lambda t: None if t == '-' else bytes.fromhex(t[1:])\n"
	"def address(a):\n"
	"  raw = ctypes.string_at(a.addr, a.len)\n"
	"  family = struct.unpack('=H', raw[:2])[0]\n"
	"  at, n = (4, 4) if family == socket.AF_INET else (8, 16)\n"
	"  scope = 0 if family == socket.AF_INET else struct.unpack('=I', raw[24:28])[0]\n"
	"  return '%d/%d/%d/%s/%d/%d' % (a.family, a.type, a.protocol,\n"
	"                                socket.inet_ntop(family, raw[at:at + n]),\n"
	"                                struct.unpack('!H', raw[2:4])[0], scope)\n"
	"for line in open('calls'):\n"
	"  f = line.split()\n"
	"  hints = Info(family=int(f[2]), type=int(f[3]), protocol=int(f[4]), flags=int(f[5]))\n"
	"  res = ctypes.POINTER(Info)()\n"
	"  code = libc.getaddrinfo(text(f[0]), text(f[1]), ctypes.byref(hints), ctypes.byref(res))\n"
	"  out, at = [], res\n"
	"  while code == 0 and at:\n"
	"    out.append(address(at.contents))\n"
	"    at = at.contents.next\n"
	"  if code == 0:\n"
	"    canon = res.contents.canon\n"
	"    out.insert(0, '-' if canon is None else canon.decode('latin-1'))\n"
	"    libc.freeaddrinfo(res)\n"
	"  print(code, *out)\n";

static void write_file(const char *name, const char *text)
{
	FILE *file = fopen(case_path(name), "we");

	CHECK(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
}

static void ask_glibc(void)
{
	/* To mount, root needs one more capability, and a user a user namespace of its own. */
	char *argv[] = { "unshare", case_is_root() ? "-m" : "-Urm", "sh", "-c",
			 "for f in resolv.conf nsswitch.conf hosts services gai.conf; do"
			 " mount --bind $f /etc/$f || exit 1; done; exec python3 script >glibc", NULL };
	uint64_t caps = VDESTACK_CAPS_NETWORK | (case_is_root() ? VDESTACK_CAP(CAP_SYS_ADMIN) : 0);
	struct vdestack_cmd_opts opts = { .size = sizeof(opts), .cwd = case_tmp(), .caps = caps };

	write_file("resolv.conf", "nameserver 10.9.0.2\n");
	write_file("nsswitch.conf", "hosts: files dns\nservices: files\n");
	write_file("hosts", hosts);
	write_file("services", services);
	write_file("gai.conf", "precedence ::1/128 50\nprecedence ::/0 40\nprecedence ::ffff:0:0/96 35\n"
			       "precedence fc00::/7 3\nlabel ::1/128 0\nlabel ::/0 1\nlabel ::ffff:0:0/96 4\n"
			       "label fc00::/7 13\n");
	write_file("script", script);
	calls_file = fopen(case_path("calls"), "we");
	CHECK(calls_file != NULL);
	for_each_call(put_call);
	CHECK_EQ(fclose(calls_file), 0);
	CHECK_EQ(MUST(vdestack_run(home, argv, &opts)), 0);
}

/* ------------------------------------------------------------------ ours */

static void add_address(char *line, size_t size, const struct addrinfo *info)
{
	const struct sockaddr_in *in = (const void *)info->ai_addr;
	const struct sockaddr_in6 *in6 = (const void *)info->ai_addr;
	bool v6 = info->ai_addr->sa_family == AF_INET6;
	char text[INET6_ADDRSTRLEN];
	size_t n = strlen(line);

	CHECK_EQ(info->ai_addrlen, v6 ? sizeof(*in6) : sizeof(*in));
	CHECK(inet_ntop(info->ai_addr->sa_family, v6 ? (const void *)&in6->sin6_addr : &in->sin_addr, text,
			sizeof(text)) != NULL);
	(void)snprintf(line + n, size - n, " %d/%d/%d/%s/%d/%u", info->ai_family, info->ai_socktype,
		       info->ai_protocol, text, ntohs(in->sin_port), v6 ? in6->sin6_scope_id : 0);
}

static void ask_ourselves(const struct call *c, char *line, size_t size)
{
	struct addrinfo hints = { .ai_family = c->family, .ai_socktype = c->type,
				  .ai_protocol = c->protocol, .ai_flags = c->flags };
	struct addrinfo *list = NULL;
	int r = vdestack_getaddrinfo(home, c->node, c->service, &hints, &list);

	if (r == 0)
		(void)snprintf(line, size, "0 %s", list->ai_canonname != NULL ? list->ai_canonname : "-");
	else
		(void)snprintf(line, size, "%d", r);
	for (const struct addrinfo *info = list; info != NULL; info = info->ai_next)
		add_address(line, size, info);
	vdestack_freeaddrinfo(list);
}

/* ------------------------------------------------------------------ the comparison */

/* Of a name that no host can have. */
#define NODATA "with AI_CANONNAME glibc returns EAI_NODATA, without it EAI_NONAME"

/*
 * Where the library differs on purpose. NULL, 0: any node, service or flags. Flags alone: addresses as text.
 */
static struct {
	const char *node, *service;
	int flags;
	const char *why;
	bool met;
} differences[] = {
	{ .node = "*", .why = "getaddrinfo(3) does not say that it means no node" },
	{ .service = "*", .why = "getaddrinfo(3) does not say that it means no service" },
	{ .service = "65536", .why = "glibc cuts the number to 16 bits" },
	{ .service = "-1", .why = "glibc takes a sign, and cuts the number" },
	{ .service = "+80", .why = "glibc takes a sign" },
	{ .service = " 80", .why = "glibc skips a blank" },
	{ .node = "fe80::1%", .why = "glibc looks at the family before the scope" },
	{ .node = "fe80::1%nope", .why = "glibc looks at the family before the scope" },
	{ .node = "2001:db8::1%vde0", .why = "glibc takes names of interfaces for link-local ones only" },
	{ .node = "localhost", .why = "glibc adds 127.0.0.1 for the line of ::1 in the hosts file" },
	{ .node = "localhost.", .why = "glibc does not find it in the hosts file" },
	{ .node = "a\\b.answered.example", .why = "glibc takes \\b for b" },
	{ .node = "b\xc3\xbc" "cher.answered.example", .flags = AI_CANONNAME, .why = NODATA },
	{ .node = "a b.answered.example", .flags = AI_CANONNAME, .why = NODATA },
	{ .node = "-a.answered.example", .flags = AI_CANONNAME, .why = NODATA },
	{ .node = "a*b.answered.example", .flags = AI_CANONNAME, .why = NODATA },
	{ .node = "a@b.answered.example", .flags = AI_CANONNAME, .why = NODATA },
	{ .node = "mappedhost", .why = "glibc does not map an address that is mapped in the file" },
	{ .node = "a\\.b.example", .why = "with AI_CANONNAME glibc returns EAI_AGAIN" },
	{ .flags = AI_ADDRCONFIG, .why = "glibc refuses addresses as text, too" },
};

/* An address as text begins with a digit or has a colon. */
static bool is_literal(const char *node)
{
	return node != NULL && (strchr(node, ':') != NULL || (*node >= '0' && *node <= '9'));
}

static bool is_meant(const struct call *c)
{
	for (size_t i = 0; i < N(differences); i++) {
		const char *node = differences[i].node, *service = differences[i].service;
		if ((node != NULL && (c->node == NULL || strcmp(node, c->node) != 0)) ||
		    (service != NULL && (c->service == NULL || strcmp(service, c->service) != 0)))
			continue;
		if (differences[i].flags != 0 && c->flags != differences[i].flags)
			continue;
		if (node == NULL && service == NULL && !is_literal(c->node))
			continue;
		differences[i].met = true;
		return true;
	}
	return false;
}

static FILE *theirs_file;
static int different;

static void compare(const struct call *c)
{
	static char theirs[4096], ours[4096];

	CHECK(fgets(theirs, sizeof(theirs), theirs_file) != NULL);
	theirs[strcspn(theirs, "\n")] = '\0';
	ask_ourselves(c, ours, sizeof(ours));
	if (strcmp(theirs, ours) == 0 || is_meant(c))
		return;
	different++;
	fprintf(stderr, "\"%s\" \"%s\" family %d type %d protocol %d flags 0x%x:\n glibc %s\n ours  %s\n",
		c->node != NULL ? c->node : "NULL", c->service != NULL ? c->service : "NULL", c->family,
		c->type, c->protocol, (unsigned)c->flags, theirs, ours);
}

static void compare_all(void)
{
	struct vdestack_dns_opts opts = { .size = sizeof(opts), .servers = "10.9.0.2", .search = "" };

	far = new_stack("vnl=inproc://lan ip=10.9.0.2/24 ip=fd00:9::2/64 nodad");
	name_server_start(&server, far, answer_few);
	ask_glibc();
	opts.hosts = strdup(case_path("hosts"));
	opts.services = strdup(case_path("services"));
	MUST(vdestack_dns_set(home, &opts));
	theirs_file = fopen(case_path("glibc"), "re");
	CHECK(theirs_file != NULL);
	for_each_call(compare);
	CHECK(fgetc(theirs_file) == EOF);
	CHECK_EQ(different, 0);
	name_server_stop(&server);
	free((char *)opts.hosts);
	free((char *)opts.services);
}

CASE_TIMED(all_arguments_give_what_glibc_gives, CASE_F_ROOT | CASE_F_USER, 120)
{
	home = new_stack("vnl=inproc://lan ip=10.9.0.1/24 ip=fd00:9::1/64 nodad");
	compare_all();
}

CASE_TIMED(all_arguments_give_what_glibc_gives_without_ipv6, CASE_F_ROOT | CASE_F_USER, 120)
{
	home = new_stack("vnl=inproc://lan ip=10.9.0.1/24");
	MUST(vdestack_sysctl_set(home, "ipv6.conf.vde0.disable_ipv6", "1"));
	compare_all();
	for (size_t i = 0; i < N(differences); i++)
		if (!differences[i].met)
			FAIL("no call differs because %s", differences[i].why);
}
