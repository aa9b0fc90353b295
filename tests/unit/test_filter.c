/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The keeper's filter, simulated here instruction by instruction, is compared with the list it is generated
 * from.
 */

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/syscall.h>

#include "keeper/filter.h"
#include "keeper/filter_calls.h"
#include "unit.h"

#define X32_BIT 0x40000000u

static struct sock_filter code[VS_FILTER_MAX];
static size_t n_code;

static uint32_t load(const struct seccomp_data *data, uint32_t offset)
{
	uint32_t word;

	assert_true(offset + sizeof(word) <= sizeof(*data) && offset % sizeof(word) == 0);
	memcpy(&word, (const char *)data + offset, sizeof(word));
	return word;
}

static bool holds(const struct sock_filter *i, uint32_t a)
{
	switch (BPF_OP(i->code)) {
	case BPF_JEQ:
		return a == i->k;
	case BPF_JGE:
		return a >= i->k;
	case BPF_JSET:
		return (a & i->k) != 0;
	default:
		fail_msg("a jump that this test does not know: 0x%x", i->code);
		return false;
	}
}

/* The verdict, and how many instructions it took. */
static uint32_t run(const struct seccomp_data *data, size_t *steps)
{
	uint32_t a = 0;

	*steps = 0;
	for (size_t at = 0; at < n_code; at++, (*steps)++) {
		const struct sock_filter *i = &code[at];
		switch (BPF_CLASS(i->code)) {
		case BPF_LD:
			a = load(data, i->k);
			break;
		case BPF_JMP:
			at += holds(i, a) ? i->jt : i->jf;
			break;
		case BPF_RET:
			return i->k;
		default:
			fail_msg("an instruction that this test does not know: 0x%x", i->code);
		}
	}
	fail_msg("the filter has no end");
	return 0;
}

/* The architecture that it checks for. */
static uint32_t own_arch(void)
{
	assert_int_equal(code[1].code, BPF_JMP | BPF_JEQ | BPF_K);
	return code[1].k;
}

static uint32_t verdict(uint32_t number, uint64_t arg0, uint64_t arg1)
{
	struct seccomp_data data = { .nr = (int)number, .arch = own_arch(), .args = { arg0, arg1 } };
	size_t steps;

	return run(&data, &steps);
}

static int setup(void **state)
{
	(void)state;
	n_code = vs_filter_build(code);
	return n_code > 0 && n_code <= VS_FILTER_MAX ? 0 : -1;
}

static enum vs_filter_action listed(unsigned number)
{
	for (size_t i = 0; i < sizeof(vs_filter_rules) / sizeof(vs_filter_rules[0]); i++)
		if (vs_filter_rules[i].number == number)
			return vs_filter_rules[i].action;
	return VS_FILTER_ALLOW;
}

/* With arguments that no rule about arguments allows. */
static uint32_t expected(enum vs_filter_action action)
{
	switch (action) {
	case VS_FILTER_ALLOW:
		return SECCOMP_RET_ALLOW;
	case VS_FILTER_EPERM:
		return SECCOMP_RET_ERRNO | EPERM;
	case VS_FILTER_ENOSYS:
		return SECCOMP_RET_ERRNO | ENOSYS;
	default:
		return SECCOMP_RET_KILL_PROCESS;
	}
}

static void each_number_gets_what_the_list_says(void **state)
{
	unsigned base = SYS_read & X32_BIT, n_listed = 0;

	(void)state;
	for (unsigned nr = base; nr < base + 5000; nr++) {
		assert_int_equal(verdict(nr, CLONE_NEWUSER, CLONE_NEWUSER), expected(listed(nr)));
		n_listed += listed(nr) != VS_FILTER_ALLOW;
	}
	assert_int_equal(n_listed, sizeof(vs_filter_rules) / sizeof(vs_filter_rules[0])); /* none twice */
}

static void threads_are_made_and_nothing_else(void **state)
{
	const uint64_t thread = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
				CLONE_SYSVSEM | CLONE_SETTLS;
	static const uint64_t namespaces[] = { CLONE_NEWNS,   CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC,
					       CLONE_NEWUSER, CLONE_NEWPID,    CLONE_NEWNET };

	(void)state;
	/* The flags are the first or the second argument; the other argument is the address of a stack. */
	assert_int_equal(verdict(SYS_clone, thread, thread), SECCOMP_RET_ALLOW);
	assert_int_equal(verdict(SYS_clone, 17, 17), SECCOMP_RET_ERRNO | EPERM);
	assert_int_equal(verdict(SYS_clone, CLONE_VM | CLONE_VFORK | 17, CLONE_VM | CLONE_VFORK | 17),
			 SECCOMP_RET_ERRNO | EPERM);
	for (size_t i = 0; i < sizeof(namespaces) / sizeof(namespaces[0]); i++)
		assert_int_equal(verdict(SYS_clone, thread | namespaces[i], thread | namespaces[i]),
				 SECCOMP_RET_KILL_PROCESS);
}

static void unshare_and_setns_are_for_network_namespaces(void **state)
{
	(void)state;
	assert_int_equal(verdict(SYS_unshare, CLONE_NEWNET, 0), SECCOMP_RET_ALLOW);
	assert_int_equal(verdict(SYS_unshare, CLONE_FS, 0), SECCOMP_RET_ALLOW);
	for (unsigned bit = 0; bit < 32; bit++) {
		unsigned flag = 1u << bit;
		bool allowed = (flag & (unsigned)(CLONE_NEWNET | CLONE_FS | CLONE_FILES)) != 0;
		assert_int_equal(verdict(SYS_unshare, CLONE_NEWNET | flag, 0),
				 allowed ? SECCOMP_RET_ALLOW : SECCOMP_RET_KILL_PROCESS);
		assert_int_equal(verdict(SYS_setns, 0, flag),
				 flag == CLONE_NEWNET ? SECCOMP_RET_ALLOW : SECCOMP_RET_KILL_PROCESS);
	}
	assert_int_equal(verdict(SYS_setns, 0, 0), SECCOMP_RET_KILL_PROCESS);
	assert_int_equal(verdict(SYS_setns, 0, CLONE_NEWNET | CLONE_NEWUSER), SECCOMP_RET_KILL_PROCESS);
	assert_int_equal(verdict(SYS_personality, 0xffffffff, 0), SECCOMP_RET_ALLOW);
}

static uint32_t verdict_mount(uint32_t number, uint64_t arg1, uint64_t arg2)
{
	struct seccomp_data data = { .nr = (int)number, .arch = own_arch(), .args = { 3, arg1, arg2 } };
	size_t steps;

	return run(&data, &steps);
}

static void a_file_system_is_made_as_the_keeper_does_it_and_in_no_other_way(void **state)
{
	const uint64_t attrs = 2 | 4 | 8;

	(void)state;
	assert_int_equal(verdict_mount(__NR_fsopen, 1, 0), SECCOMP_RET_KILL_PROCESS);
	for (unsigned command = 0; command < 32; command++) /* FSCONFIG_CMD_CREATE is 6 */
		assert_int_equal(verdict_mount(__NR_fsconfig, command, 0),
				 command == 6 ? SECCOMP_RET_ALLOW : SECCOMP_RET_KILL_PROCESS);
	assert_int_equal(verdict_mount(__NR_fsmount, 1, attrs), SECCOMP_RET_ALLOW);
	for (unsigned bit = 0; bit < 32; bit++) {
		assert_int_equal(verdict_mount(__NR_fsmount, 1 ^ 1u << bit, attrs), SECCOMP_RET_KILL_PROCESS);
		assert_int_equal(verdict_mount(__NR_fsmount, 1, attrs ^ 1u << bit), SECCOMP_RET_KILL_PROCESS);
	}
}

static void calls_of_another_architecture_end_the_process(void **state)
{
	static const uint32_t others[] = { AUDIT_ARCH_I386, AUDIT_ARCH_ARM, AUDIT_ARCH_X86_64,
					   AUDIT_ARCH_AARCH64, 0 };
	size_t steps;

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct seccomp_data data = { .nr = SYS_getpid, .arch = others[i] };
		if (others[i] != own_arch())
			assert_int_equal(run(&data, &steps), SECCOMP_RET_KILL_PROCESS);
	}
#ifdef __x86_64__
	assert_int_equal(verdict(SYS_getpid ^ X32_BIT, 0, 0), SECCOMP_RET_KILL_PROCESS);
	assert_int_equal(verdict(SYS_execve ^ X32_BIT, 0, 0), SECCOMP_RET_KILL_PROCESS);
#endif
	/* A tracer that skips a call sets this number. */
	assert_int_equal(verdict(0xffffffff, 0, 0), SECCOMP_RET_ALLOW);
}

/* The kernel may run the filter for each of the calls that move frames. */
static void each_call_is_decided_in_few_instructions(void **state)
{
	unsigned base = SYS_read & X32_BIT;

	(void)state;
	for (unsigned nr = base; nr < base + 1000; nr++) {
		struct seccomp_data data = { .nr = (int)nr, .arch = own_arch() };
		size_t steps;
		(void)run(&data, &steps);
		assert_in_range(steps, 1, 16);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup(each_number_gets_what_the_list_says, setup),
	cmocka_unit_test_setup(threads_are_made_and_nothing_else, setup),
	cmocka_unit_test_setup(unshare_and_setns_are_for_network_namespaces, setup),
	cmocka_unit_test_setup(a_file_system_is_made_as_the_keeper_does_it_and_in_no_other_way, setup),
	cmocka_unit_test_setup(calls_of_another_architecture_end_the_process, setup),
	cmocka_unit_test_setup(each_call_is_decided_in_few_instructions, setup),
};

int main(int argc, char **argv)
{
	return vs_unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
