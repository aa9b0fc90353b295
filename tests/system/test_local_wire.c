/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is done on purpose to a segment that two programs share, and what they see of each other there. */

#define _GNU_SOURCE
#include <net/ethernet.h>
#include <sys/resource.h>

#include "local.h"
#include <vdestack/capture.h>

#define EVERYHOW (CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS)
#define HARMLESS "blackhole=65535" /* impaired, and no frame notices */

static void words(struct vdestack *s, const char *text)
{
	if (vdestack_impair_words(s, "vde0", text) < 0)
		FAIL("\"%s\": %s", text, vdestack_last_error());
}

/* ------------------------------------------------------------------ groups */

CASE_FLAGS(programs_are_parted_and_healed, EVERYHOW | CASE_F_NO_TUN)
{
	struct member m = new_member(LOCAL(1));
	struct vdestack *s = new_stack(LOCAL(2));

	CHECK(pings(s, "10.9.0.1", 100));
	for (int i = 0; i < 3; i++) {
		member_does(&m, "words group=1");
		CHECK(!pings(s, "10.9.0.1", 3));
		MUST(vdestack_segment_group(s, "vde0", 1));
		CHECK(pings(s, "10.9.0.1", 100));
		MUST(vdestack_segment_group(s, "vde0", 65535));
		member_does(&m, "no 10.9.0.2");
		member_does(&m, "words group=65535");
		check_member_pings(&m, "10.9.0.2");
		member_does(&m, "words group=0");
		MUST(vdestack_segment_group(s, "vde0", 0));
		CHECK(pings(s, "10.9.0.1", 100));
	}
	end_member(&m);
}

CASE_FLAGS(a_group_lives_on_when_the_program_that_made_it_is_killed, EVERYHOW)
{
	prepare_members(3);
	struct member first = new_member(LOCAL(1)), second = new_member(LOCAL(2));
	struct vdestack *s = new_stack(LOCAL(3));

	member_does(&first, "words group=7");
	member_does(&second, "words group=7");
	MUST(vdestack_segment_group(s, "vde0", 7));
	kill_member(&first);
	CHECK(pings(s, "10.9.0.2", 100));
	struct member late = new_member(LOCAL(1));
	CHECK(!pings(s, "10.9.0.1", 3));
	member_does(&late, "words group=7");
	CHECK(pings(s, "10.9.0.1", 100));
	end_member(&second);
	end_member(&late);
}

/* ------------------------------------------------------------------ forwarders */

CASE_FLAGS(impaired_ports_of_two_programs_do_not_disturb_each_other, EVERYHOW | CASE_F_NO_TUN)
{
	struct member m = new_member(LOCAL(1));
	struct vdestack *s = new_stack(LOCAL(2));

	for (int i = 0; i < 5; i++) {
		member_does(&m, "words " HARMLESS);
		CHECK(pings(s, "10.9.0.1", 100));
		words(s, "tx.loss=100%");
		CHECK(!pings(s, "10.9.0.1", 3));
		words(s, "unimpaired " HARMLESS);
		CHECK(pings(s, "10.9.0.1", 100));
		member_does(&m, "words unimpaired");
		check_member_pings(&m, "10.9.0.2");
		words(s, "unimpaired");
		CHECK(pings(s, "10.9.0.1", 100));
	}
	end_member(&m);
}

/* Its forwarder, and the bridge that a wire tap has alone. A socket keeps the namespace of the stack. */
CASE(what_a_killed_keeper_with_an_impaired_port_leaves_is_removed)
{
	struct vdestack_tap_opts o = { .size = sizeof(o), .flags = VDESTACK_TAP_ALONE };

	prepare_members(2);
	struct vdestack *s = new_stack(LOCAL(1));
	pid_t its = the_local_keeper();
	int socket = (int)MUST(vdestack_msocket(s, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	struct member m = new_member(LOCAL(2));

	words(s, HARMLESS);
	check_member_pings(&m, "10.9.0.1");
	int tap = (int)MUST(vdestack_tap_open(s, "vde0", &o));
	MUST(kill(its, SIGKILL));
	struct vdestack *again = new_stack(LOCAL(3));
	words(again, HARMLESS);
	CHECK(pings(again, "10.9.0.2", 100));
	CHECK(!pings(again, "10.9.0.1", 3));
	struct member late = new_member(LOCAL(1));
	CHECK(pings(again, "10.9.0.1", 100));
	close(socket);
	close(tap);
	end_member(&m);
	end_member(&late);
}

/* ------------------------------------------------------------------ flaps, wire taps */

CASE_FLAGS(a_flap_moves_an_address_to_the_port_of_another_program, EVERYHOW)
{
	struct member m = new_member(LOCAL(1));
	struct vdestack *s = new_stack(LOCAL(2));

	CHECK(pings(s, "10.9.0.1", 100));
	for (int i = 0; i < 3; i++) {
		MUST(vdestack_segment_flap(s, "vde0"));
		CHECK(pings(s, "10.9.0.1", 100)); /* what it sends corrects the table */
		check_member_pings(&m, "10.9.0.2");
		member_does(&m, i % 2 == 0 ? "words " HARMLESS : "words unimpaired");
	}
	member_does(&m, "words group=1");
	CHECK_ERRNO(vdestack_segment_flap(s, "vde0"), ENOTSUP);
	end_member(&m);
}

CASE_FLAGS(a_wire_tap_keeps_another_program_away, EVERYHOW)
{
	struct vdestack_tap_opts o = { .size = sizeof(o), .flags = VDESTACK_TAP_ALONE };
	struct member m = new_member(LOCAL(1));
	struct vdestack *s = new_stack(LOCAL(2));

	check_member_pings(&m, "10.9.0.2");
	for (int i = 0; i < 2; i++) {
		int tap = (int)MUST(vdestack_tap_open(s, "vde0", &o));
		member_does(&m, "no 10.9.0.2");
		close(tap);
		check_member_pings(&m, "10.9.0.2");
		words(s, HARMLESS);
	}
	end_member(&m);
}

/* ------------------------------------------------------------------ who comes when nothing works */

#define JOINERS 10

CASE_FLAGS(ten_programs_behind_a_stopped_one_are_refused_in_time, CASE_F_ROOT | CASE_F_USER)
{
	struct member joiners[JOINERS];
	char name[32];
	int named = 0;

	prepare_members(JOINERS + 2);
	struct member m = new_member(LOCAL(1));
	pid_t its = the_local_keeper();

	(void)snprintf(name, sizeof(name), "keeper %d", (int)its);
	MUST(kill(its, SIGSTOP));
	for (int i = 0; i < JOINERS; i++)
		joiners[i] = begin_member(LOCAL(2));
	for (int i = 0; i < JOINERS; i++) {
		struct answer a = hear_member(&joiners[i]);
		CHECK_EQ(a.err, ETIMEDOUT);
		/* Some have asked it, and name it; others have only waited for their turn. */
		if (strstr(a.text, name) == NULL)
			CHECK_CONTAINS(a.text, "stopped");
		named += strstr(a.text, name) != NULL;
		MUST(waitpid(joiners[i].pid, NULL, 0));
		close(joiners[i].line);
	}
	CHECK(named > 0);
	MUST(kill(its, SIGCONT));
	struct member late = new_member(LOCAL(2));
	check_member_pings(&late, "10.9.0.1");
	end_member(&m);
	end_member(&late);
}

/* With any limit there is a stack, or a message, and in the end nothing remains. */
CASE_FLAGS(few_descriptors_give_a_stack_or_a_message, EVERYHOW)
{
	struct member m = new_member(LOCAL(1));
	int made = 0, refused = 0;

	for (int n = 4; n <= 64; n += 4) {
		(void)fflush(stdout);
		pid_t pid = (pid_t)MUST(fork());
		if (pid == 0) {
			struct rlimit few = { (rlim_t)n, (rlim_t)n };
			MUST(setrlimit(RLIMIT_NOFILE, &few));
			struct vdestack *s = vdestack_new(LOCAL(2), case_opts());
			_exit(s != NULL ? 0 : errno != 0 && vdestack_last_error()[0] != '\0' ? 1 : 2);
		}
		int status;
		MUST(waitpid(pid, &status, 0));
		CHECK(WIFEXITED(status) && WEXITSTATUS(status) <= 1);
		made += WEXITSTATUS(status) == 0;
		refused += WEXITSTATUS(status) == 1;
	}
	CHECK(made > 0 && refused > 0);
	struct vdestack *s = new_stack(LOCAL(3));
	CHECK(pings(s, "10.9.0.1", 100));
	MUST(vdestack_delete(s));
	end_member(&m);
	/* A keeper in a program that exits at once may leave its files to the next one. */
	if (case_is_inprocess())
		MUST(vdestack_delete(new_stack(LOCAL(4))));
	CHECK(wait_until(nothing_remains, NULL, SOON_MS));
}

CASE_USER(a_directory_that_cannot_be_written_is_named)
{
	prepare_members(1);
	MUST(vdestack_delete(new_stack(LOCAL(1))));
	CHECK(wait_until(no_keeper, NULL, SOON_MS));
	(void)mkdir(DIRECTORY, 0700);
	MUST(chmod(DIRECTORY, 0500));
	CHECK_ERRNO(vdestack_new(LOCAL(1), case_opts()), EACCES);
	CHECK_CONTAINS(vdestack_last_error(), "local://");
	MUST(chmod(DIRECTORY, 0700));
	struct vdestack *s = new_stack(LOCAL(1));
	struct member m = new_member(LOCAL(2));
	CHECK(pings(s, "10.9.0.2", 100));
	end_member(&m);
}
