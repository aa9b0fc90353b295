/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a sealed process, or an attacker who has taken it over, can still do. */

#include "raw.h"
#include <vdestack/events.h>

static char *const true_argv[] = { (char *)"true", NULL };

#define SEALED(call)                                                                                         \
	do {                                                                                                 \
		CHECK_ERRNO(call, EPERM);                                                                    \
		CHECK_CONTAINS(vdestack_last_error(), "sealed");                                             \
	} while (0)

static void check_sealed(struct vdestack *s)
{
	int ns = (int)MUST(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));

	SEALED(vdestack_new("", case_opts()));
	SEALED(vdestack_new("vnl=inproc://lan", case_opts()));
	SEALED(vdestack_adopt_fd(ns, "", case_opts()));
	SEALED(vdestack_iface_add(s, "vnl=inproc://lan", case_opts()));
	SEALED(vdestack_sysctl_set(s, "ipv4/ip_forward", "1"));
	SEALED(vdestack_link_set_carrier(s, "vde0", 0));
	SEALED(vdestack_netns(s));
	SEALED(vdestack_run(s, true_argv, NULL));
	SEALED(vdestack_spawn(s, true_argv, NULL, NULL));
	SEALED(vdestack_iface_add(s, "vnl='=true'", case_opts()));
	close(ns);
}

static void check_served(struct vdestack *s)
{
	struct vdestack_link_stats stats = { .size = sizeof(stats) };
	char value[16];

	for (int i = 0; i < 10; i++)
		close((int)MUST(vdestack_msocket(s, AF_INET, SOCK_STREAM, 0)));
	MUST(vdestack_sysctl_get(s, "ipv4/ip_forward", value, sizeof(value)));
	CHECK_STR(value, "0");
	int events = (int)MUST(vdestack_events(s));
	MUST(vdestack_wait_ready(s, SOON_MS));
	(void)vdestack_link_get_stats(s, "vde0", &stats);
	close(events);
}

static void check_sealed_child(void *stack)
{
	check_served(stack);
	check_sealed(stack);
}

CASE_BOTH(a_sealed_process_and_its_children_get_sockets_and_cannot_change_anything)
{
	struct pair p = new_pair();

	check_udp(p.a, p.b, "10.9.0.2");
	CHECK_EQ(vdestack_seal(), 0);
	check_sealed(p.a);
	check_served(p.a);
	in_child(check_sealed_child, p.a);
	check_udp(p.a, p.b, "10.9.0.2");
	MUST(vdestack_iface_del(p.a, "vde0"));
	MUST(vdestack_delete(p.a));
	MUST(vdestack_delete(p.b));
	SEALED(vdestack_new("", case_opts())); /* with its stacks gone as well */
	CHECK_EQ(vdestack_seal(), 0);          /* again changes nothing */
}

CASE_BOTH(a_process_can_be_sealed_before_it_has_stacks)
{
	CHECK_EQ(vdestack_seal(), 0);
	SEALED(vdestack_new("", case_opts()));
}

static void seal(void *stack)
{
	CHECK_EQ(vdestack_seal(), 0);
	check_sealed(stack);
	MUST(vdestack_delete(stack));
}

CASE_BOTH(sealing_a_child_does_not_change_its_parent)
{
	struct pair p = new_pair();

	in_child(seal, p.a);
	MUST(vdestack_sysctl_set(p.a, "ipv4/ip_forward", "1"));
	MUST(vdestack_iface_add(p.a, "iface=more vnl=inproc://lan", case_opts()));
	CHECK_EQ(vdestack_run(p.a, true_argv, NULL), 0);
	MUST(vdestack_delete(new_stack("%s", "")));
	check_udp(p.a, p.b, "10.9.0.2");
}

/* ------------------------------------------------------------------ by hand */

static int ask(uint32_t op, const char *name)
{
	struct raw_request r = { .req = { .op = op, .timeout_ms = 3000 }, .text = "inproc://lan",
				 .text_len = 12, .no_key = true };
	struct ucred claim = { getpid(), geteuid(), getegid() };

	(void)snprintf(r.req.iface.name, sizeof(r.req.iface.name), "%s", name);
	if (op == VS_OP_SYSCTL_SET) {
		r.text = "ipv4/ip_forward\0001";
		r.text_len = 18;
	}
	r.claim = &claim;
	return raw_call(op == VS_OP_CREATE ? seen.front : seen.door, &r, NULL);
}

CASE_BOTH(requests_without_the_key_change_nothing)
{
	static const uint32_t ops[] = { VS_OP_CREATE, VS_OP_ADD, VS_OP_SYSCTL_SET, VS_OP_ENTRY,
					VS_OP_CARRIER, VS_OP_IMPAIR, VS_OP_FLAP };
	struct vdestack *s = new_stack("vnl=inproc://lan");
	char value[16];

	MUST(vdestack_sysctl_get(s, "ipv4/ip_forward", value, sizeof(value)));
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		CHECK_EQ(ask(ops[i], "vde0"), -EPERM);
	CHECK_EQ(ask(VS_OP_REMOVE, "none"), -ENODEV);
	MUST(vdestack_sysctl_get(s, "ipv4/ip_forward", value, sizeof(value)));
	CHECK_STR(value, "0");
}

/* ------------------------------------------------------------------ what is left in memory */

CASE_FLAGS(the_key_is_not_in_the_memory_of_a_sealed_process, CASE_F_ROOT | CASE_F_USER | CASE_F_NO_SANITIZER)
{
	struct vdestack *s = new_stack("vnl=inproc://lan");
	uint64_t masked[2];

	MUST(vdestack_sysctl_set(s, "ipv4/ip_forward", "1"));
	CHECK_EQ(vdestack_run(s, true_argv, NULL), 0);
	MUST(vdestack_iface_add(s, "iface=x vnl=inproc://other ip=10.1.1.1/24", NULL));
	for (int i = 0; i < 2; i++)
		masked[i] = seen.key->half[i] ^ MASK;
	CHECK_EQ(copies_of(masked, 2, MASK), 1);
	CHECK_EQ(vdestack_seal(), 0);
	CHECK_EQ(copies_of(masked, 2, MASK), 0);
}
