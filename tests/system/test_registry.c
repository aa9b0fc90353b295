/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Stacks of other programs of the same user: finding and using them. test_registry_attacks.c has the rest. */

#define _GNU_SOURCE
#include <ifaddrs.h>
#include <signal.h>
#include <sys/prctl.h>

#include "registry.h"
#include <vdestack/events.h>

/* ------------------------------------------------------------------ the list */

CASE(a_program_is_listed_with_the_names_of_its_stacks)
{
	struct vdestack_registered found[LIST_MAX];

	CHECK_EQ(vdestack_registry_list(NULL, 0), 0);
	struct vdestack *a = new_stack("name=web vnl=inproc://lan"), *b = new_stack("vnl=inproc://other");
	(void)new_stack("name=client");
	CHECK(wait_until(is_named, "client", SOON_MS));
	CHECK_EQ(list_of(getpid(), found), 3);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(found[i].index, i);
		CHECK_EQ(found[i].n_stacks, 3);
		CHECK_EQ(found[i].flags, 0);
		CHECK_EQ(found[i].keeper, the_keeper());
		CHECK_STR(found[i].comm, name_of(getpid()));
	}
	CHECK_STR(found[0].name, "web");
	CHECK_STR(found[1].name, "");
	CHECK_STR(found[2].name, "client");
	MUST(vdestack_delete(a));
	MUST(vdestack_delete(b));
	await_listed(getpid(), 1);
	CHECK_EQ(list_of(getpid(), found), 1);
	CHECK_STR(found[0].name, "client");
}

struct complete {
	struct vdestack_registered *all; /* n + 1 */
	int n;
};

static bool is_complete(void *arg)
{
	const struct complete *c = arg;
	bool named = vdestack_registry_list(c->all, (size_t)c->n + 1) == c->n;

	/* Each name arrives at a door of its own, so not in their order. */
	for (int i = 0; named && i < c->n; i++)
		named = c->all[i].name[0] != '\0';
	return named;
}

CASE(a_program_of_many_stacks_is_listed_in_full)
{
	enum { MANY = 150 }; /* more than fit in one answer */
	static struct vdestack_registered all[MANY + 1];
	char config[100], name[64];

	for (int i = 0; i < MANY; i++) {
		(void)snprintf(config, sizeof(config), "name=%050d-%d", 0, i);
		(void)new_stack("%s", config);
	}
	CHECK(wait_until(is_complete, &(struct complete){ all, MANY }, SOON_MS));
	CHECK_EQ(vdestack_registry_list(all, MANY + 1), MANY);
	for (int i = 0; i < MANY; i++) {
		(void)snprintf(name, sizeof(name), "%050d-%d", 0, i);
		CHECK_STR(all[i].name, name);
		CHECK_EQ(all[i].index, i);
	}
}

CASE(the_socket_is_private_and_goes_with_the_keeper)
{
	struct vdestack *stack = new_stack(LAN);
	struct stat st;

	await_listed(getpid(), 1);
	MUST(stat(DIRECTORY, &st));
	CHECK_EQ(st.st_mode & 0777, 0700);
	MUST(stat(the_socket().sun_path, &st));
	CHECK(S_ISSOCK(st.st_mode) && (st.st_mode & 077) == 0);
	MUST(vdestack_delete(stack));
	CHECK(wait_until(no_files, (void *)DIRECTORY, SOON_MS));
}

CASE(a_short_life_leaves_no_file)
{
	for (int i = 0; i < 20; i++) {
		MUST(vdestack_delete(new_stack("vnl=inproc://other")));
		CHECK(wait_until(no_keeper, NULL, SOON_MS));
		CHECK_EQ(files_in(DIRECTORY, NULL), 0);
	}
}

CASE(a_stack_can_be_left_out)
{
	struct vdestack_opts opts = { .size = sizeof(opts), .flags = VDESTACK_UNREGISTERED };
	struct vdestack_registered found[LIST_MAX];
	struct vdestack *hidden = vdestack_new("name=hidden " LAN, &opts);

	CHECK(hidden != NULL && vdestack_new("name=second", &opts) != NULL);
	CHECK(in_stack("127.0.0.1"));
	sleep_ms(200); /* nothing happens, so there is nothing to wait for */
	CHECK_ERRNO(access(DIRECTORY, F_OK), ENOENT);
	(void)new_stack("name=seen");
	CHECK(wait_until(is_named, "seen", SOON_MS));
	CHECK_EQ(list_of(getpid(), found), 1);
	CHECK_STR(found[0].name, "seen");
	CHECK_ERRNO(vdestack_attach(getpid(), "hidden", NULL), ENOENT);
}

CASE(a_program_can_be_left_out_by_its_environment)
{
	MUST(setenv("VDESTACK_REGISTRY", "off", 1));
	(void)new_stack(LAN);
	sleep_ms(200);
	CHECK_ERRNO(access(DIRECTORY, F_OK), ENOENT);
	CHECK_ERRNO(vdestack_attach(getpid(), NULL, NULL), ESRCH);
}

CASE(a_supervisor_names_the_program)
{
	pid_t pid = (pid_t)MUST(fork());
	char text[32];

	if (pid == 0) {
		(void)pause();
		_exit(0);
	}
	(void)snprintf(text, sizeof(text), "%d", (int)pid);
	MUST(setenv("VDESTACK_RUN_PID", text, 1));
	(void)new_stack("name=web");
	CHECK(wait_until(is_named, "web", SOON_MS));
	CHECK(vdestack_attach(pid, "web", NULL) != NULL);
	MUST(kill(pid, SIGKILL));
	MUST(waitpid(pid, NULL, 0));
	await_listed(getpid(), 1); /* the one that uses the stack now */
}

/* The process that made the stack ends, and its child goes on. */
CASE(a_daemon_is_listed_with_its_own_process_id)
{
	int go[2], made[2];

	MUST(pipe2(go, O_CLOEXEC));
	MUST(pipe2(made, O_CLOEXEC));
	pid_t pid = (pid_t)MUST(fork());
	if (pid == 0) {
		struct vdestack *stack = new_stack("name=daemon");
		pid_t child = (pid_t)MUST(fork());
		if (child > 0) {
			CHECK_EQ(write(made[1], &child, sizeof(child)), sizeof(child));
			_exit(0);
		}
		close((int)MUST(vdestack_msocket(stack, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)));
		close(go[1]);
		(void)!read(go[0], &child, 1);
		_exit(0);
	}
	MUST(waitpid(pid, NULL, 0));
	CHECK_EQ(read(made[0], &pid, sizeof(pid)), sizeof(pid));
	await_listed(pid, 1);
	close(go[1]);
	CHECK(wait_until(no_keeper, NULL, SOON_MS));
}

/* ------------------------------------------------------------------ attaching */

struct visit {
	pid_t pid;    /* of the visitor */
	int to, from; /* bytes */
};

/* Another program: it has nothing of this one but its process id. */
static struct visit start_visit(void (*fn)(pid_t pid, int in, int out))
{
	int to[2], from[2];
	pid_t program = getpid();

	MUST(pipe2(to, O_CLOEXEC));
	MUST(pipe2(from, O_CLOEXEC));
	struct visit v = { (pid_t)MUST(fork()), to[1], from[0] };
	if (v.pid == 0) {
		close(to[1]);
		close(from[0]);
		fn(program, to[0], from[1]);
		_exit(0);
	}
	close(to[0]);
	close(from[1]);
	return v;
}

static void tell(int fd)
{
	CHECK_EQ(write(fd, "t", 1), 1);
}

static void hear(int fd)
{
	char byte;

	CHECK_EQ(read(fd, &byte, 1), 1);
}

static void end_visit(const struct visit *v)
{
	int status;

	MUST(waitpid(v->pid, &status, 0));
	CHECK_EQ(status, 0);
}

static struct vdestack *attach(pid_t pid, const char *name)
{
	struct vdestack *stack = vdestack_attach(pid, name, NULL);

	if (stack == NULL)
		FAIL("not attached: %s", vdestack_last_error());
	return stack;
}

static void look(pid_t pid, int in, int out)
{
	char *argv[] = { "sh", "-c", "ip addr show dev mine | grep -q 10.9.0.1", NULL };
	struct ifaddrs *list;
	char value[32];
	bool has = false;

	hear(in);
	struct vdestack *stack = attach(pid, "web");
	MUST(vdestack_getifaddrs(stack, &list));
	for (const struct ifaddrs *i = list; i != NULL; i = i->ifa_next)
		has = has || strcmp(i->ifa_name, "mine") == 0;
	CHECK(has);
	vdestack_freeifaddrs(list);
	MUST(vdestack_sysctl_get(stack, "ipv4.ip_forward", value, sizeof(value)));
	close((int)MUST(vdestack_events(stack)));
	close((int)MUST(vdestack_netns(stack)));
	close((int)MUST(vdestack_msocket(stack, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)));
	CHECK_EQ(vdestack_run(stack, argv, NULL), 0);
	CHECK_ERRNO(vdestack_iface_add(stack, "vnl=inproc://lan", NULL), EPERM);
	CHECK_ERRNO(vdestack_iface_del(stack, "mine"), EPERM);
	CHECK_ERRNO(vdestack_sysctl_set(stack, "ipv4.ip_forward", "1"), EPERM);
	CHECK_ERRNO(vdestack_link_set_carrier(stack, "mine", 0), EPERM);
	CHECK_ERRNO(vdestack_pass(stack, 0), EPERM);
	MUST(vdestack_delete(stack));
	CHECK(vdestack_attach(pid, "0", NULL) != NULL);
	tell(out);
}

CASE(another_program_reads_a_stack_and_runs_commands_in_it)
{
	struct visit v = start_visit(look);
	struct vdestack *stack = new_stack("name=web iface=mine " LAN);

	CHECK(wait_until(is_named, "web", SOON_MS));
	tell(v.to);
	hear(v.from);
	end_visit(&v);
	MUST(vdestack_iface_del(stack, "mine")); /* it is still there */
	MUST(vdestack_delete(stack));
	CHECK(wait_until(no_keeper, NULL, SOON_MS));
}

static void outlive(pid_t pid, int in, int out)
{
	char *argv[] = { "sleep", "1000", NULL };
	int status_fd, status;

	hear(in);
	struct vdestack *stack = attach(pid, NULL);
	close((int)MUST(vdestack_msocket(stack, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)));
	int pidfd = (int)MUST(vdestack_spawn(stack, argv, NULL, &status_fd));
	tell(out);
	MUST(vdestack_cmd_wait(status_fd, &status, SOON_MS)); /* it is killed with the stack */
	CHECK(WIFSIGNALED(status));
	CHECK_ERRNO(vdestack_msocket(stack, AF_INET, SOCK_DGRAM, 0), ENETDOWN);
	close(pidfd);
	hear(in);
	MUST(vdestack_delete(stack));
}

CASE(an_attached_handle_does_not_keep_the_stack)
{
	struct visit v = start_visit(outlive);
	struct vdestack *stack = new_stack(LAN);

	await_listed(getpid(), 1);
	tell(v.to);
	hear(v.from);
	MUST(vdestack_delete(stack));
	CHECK(wait_until(no_keeper, NULL, SOON_MS)); /* the visitor still has its handle */
	tell(v.to);
	end_visit(&v);
}

CASE(a_stack_is_chosen_by_name_or_index)
{
	struct vdestack *a = new_stack("vnl=inproc://lan ip=10.9.0.1/24"),
			*b = new_stack("name=0 vnl=inproc://lan ip=10.9.0.2/24");
	char text[64];

	CHECK(a != NULL && b != NULL);
	CHECK(wait_until(is_named, "0", SOON_MS));
	struct vdestack *first = attach(getpid(), NULL), *named = attach(the_keeper(), "0"),
			*second = attach(getpid(), "1");
	char *argv[] = { "sh", "-c", text, NULL };
	(void)snprintf(text, sizeof(text), "ip addr | grep -q 10.9.0.1");
	CHECK_EQ(vdestack_run(first, argv, NULL), 0);
	(void)snprintf(text, sizeof(text), "ip addr | grep -q 10.9.0.2");
	CHECK_EQ(vdestack_run(named, argv, NULL), 0);
	CHECK_EQ(vdestack_run(second, argv, NULL), 0);
	CHECK_ERRNO(vdestack_attach(getpid(), "2", NULL), ENOENT);
	CHECK_ERRNO(vdestack_attach(getpid(), "nobody", NULL), ENOENT);
	CHECK_ERRNO(vdestack_attach(1, NULL, NULL), ESRCH);
	CHECK_CONTAINS(vdestack_last_error(), "registered");
}

CASE(options_are_checked)
{
	struct vdestack_attach_opts wrong = { .size = sizeof(wrong), .flags = 1 };

	(void)new_stack("vnl=inproc://other");
	await_listed(getpid(), 1);
	CHECK_ERRNO(vdestack_attach(getpid(), NULL, &wrong), EINVAL);
	wrong = (struct vdestack_attach_opts){ .size = sizeof(wrong), .timeout_ms = -2 };
	CHECK_ERRNO(vdestack_attach(getpid(), NULL, &wrong), EINVAL);
	wrong.size = 1;
	CHECK_ERRNO(vdestack_attach(getpid(), NULL, &wrong), EINVAL);
}

CASE(attaching_leaks_nothing)
{
	struct vdestack *stack = new_stack(LAN);
	int before = 0, of_keeper = 0;

	await_listed(getpid(), 1);
	for (int i = 0; i < 40; i++) {
		struct vdestack *other = attach(getpid(), NULL);
		close((int)MUST(vdestack_msocket(other, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)));
		MUST(vdestack_delete(other));
		close((int)MUST(vdestack_msocket(stack, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)));
		if (i == 10) {
			before = count_fds();
			await_rest(the_keeper());
			of_keeper = count_fds_of(the_keeper());
		}
	}
	CHECK(count_fds() <= before);
	await_rest(the_keeper());
	CHECK(count_fds_of(the_keeper()) <= of_keeper);
}
