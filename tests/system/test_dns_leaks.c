/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Names do not leave through the host. While the resolver works in a stack,
 *
 *  - the program cannot call socket(2): the kernel would kill it. So no socket of it is in the host network,
 *    and none of AF_UNIX is there that could reach nscd or systemd-resolved;
 *  - as root, the program's "host network" is a namespace of the case: lo, and a pair of devices with the
 *    default route. A packet socket there sees every packet, of the keeper too. None comes.
 *
 * Two cases show that both would notice glibc's getaddrinfo(3).
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/seccomp.h>
#include <netdb.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "case.h"
#include "dns_servers.h"
#include <vdestack.h>
#include <vdestack/dial.h>
#include <vdestack/dns.h>

#define LIMIT_MS 30000

/* A quiet host network. Returns a packet socket that sees all of it. */
static int make_host(void)
{
	MUST(unshare(CLONE_NEWNET));
	CHECK_EQ(system("sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1 && "
			"ip link set lo up && ip link add h0 type veth peer name h1 && ip link set h0 up && "
			"ip link set h1 up && ip addr add 198.18.0.1/24 dev h0 && "
			"ip route add default via 198.18.0.2 dev h0"), 0);
	return (int)MUST(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL)));
}

/* From now on socket(2) ends this process with SIGSYS. */
static void forbid_sockets(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };

	MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	MUST(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0));
}

static int ask_glibc(bool forbidden)
{
	int status;
	pid_t child = (pid_t)MUST(fork());

	if (child == 0) {
		const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
		struct addrinfo *list;

		if (forbidden)
			forbid_sockets();
		(void)!getaddrinfo("one.lab.example", NULL, &hints, &list);
		_exit(0);
	}
	CHECK_EQ(MUST(waitpid(child, &status, 0)), child);
	return status;
}

CASE_ROOT(the_capture_sees_what_glibc_sends)
{
	int capture = make_host();

	CHECK(!wait_readable(capture, 0));
	CHECK_EQ(ask_glibc(false), 0);
	CHECK(wait_readable(capture, LIMIT_MS));
}

CASE(the_filter_ends_a_program_that_asks_by_glibc)
{
	int status = ask_glibc(true);

	CHECK(WIFSIGNALED(status));
	CHECK_EQ(WTERMSIG(status), SIGSYS);
}

static void resolve_all(struct vdestack *client)
{
	static const char *const names[] = { "one", "both", "order", "big", "chain0", "missing", "localhost",
					     "x.broken.example.", "10.9.0.7", "fe80::1%vde0" };
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
					.ai_flags = AI_ADDRCONFIG | AI_CANONNAME };
	struct vdestack_dns *dns = vdestack_dns_of(client);
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a090007) };
	struct vdestack_dns_srv *srv;
	struct vdestack_dns_txt *txt;
	char host[NI_MAXHOST];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct addrinfo *list = NULL;
		int r = vdestack_getaddrinfo(client, names[i], "http", &hints, &list);

		CHECK(r == 0 || r == EAI_NONAME || r == EAI_AGAIN);
		CHECK_EQ(r == 0, strcmp(names[i], "missing") != 0 && strchr(names[i], 'k') == NULL);
		vdestack_freeaddrinfo(list);
	}
	CHECK_EQ(vdestack_dns_lookup_srv(dns, "_ldap._tcp.lab.example", &srv), 0);
	vdestack_dns_free_srv(srv);
	CHECK_EQ(vdestack_dns_lookup_txt(dns, "texts.lab.example", &txt), 0); /* by TCP */
	vdestack_dns_free_txt(txt);
	CHECK_EQ(vdestack_getnameinfo(client, (struct sockaddr *)&at, sizeof(at), host, sizeof(host), NULL, 0,
				      0), 0);
	CHECK_ERRNO(vdestack_dial(client, "tcp", "both:81", LIMIT_MS), ECONNREFUSED);
}

CASE_TIMED(nothing_leaves_through_the_host_while_names_are_resolved, CASE_F_ROOT | CASE_F_USER, 120)
{
	int capture = case_is_root() ? make_host() : -1;
	struct vdestack_opts opts = { .size = sizeof(opts), .flags = case_opts_flags() | VDESTACK_NODAD };
	struct vdestack_dns_opts dns = { .size = sizeof(dns), .servers = "10.9.0.2",
					 .search = "lab.example" };
	struct vdestack *server = vdestack_new(SERVERS_CONFIG, &opts);
	struct vdestack *client = vdestack_new("vnl=inproc://names ip=10.9.0.9/24 ip=10.9.0.7/24 "
					       "ip=fc00::9/64 ip=fc00::7/64", &opts);

	if (server == NULL || client == NULL)
		FAIL("no stack: %s", vdestack_last_error());
	servers_prepare();
	servers_start(server, client, "10.9.0.1");
	servers_start(server, client, "10.9.0.2");
	MUST(vdestack_dns_set(client, &dns));
	close((int)MUST(vdestack_listen(client, "tcp", ":80")));
	forbid_sockets();
	resolve_all(client);
	if (capture >= 0)
		CHECK(!wait_readable(capture, 0)); /* since the beginning, before the stacks were made */
}
