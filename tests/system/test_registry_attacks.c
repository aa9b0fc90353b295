/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Attacks on the registry: by other users, by processes of this user that are confined, by what stands in the
 * directory, and by floods.
 */

#define _GNU_SOURCE
#include <signal.h>
#include <sys/prctl.h>

#include "registry.h"
#include "send_fds.h"

#define FORGED "stacks-77-78-00000001"

/* ------------------------------------------------------------------ who */

static void be_another_user(void *unused)
{
	struct sockaddr_un address = the_socket();
	pid_t program = getppid();

	(void)unused;
	become(OTHER, OTHER);
	CHECK_EQ(vdestack_registry_list(NULL, 0), 0);
	CHECK_ERRNO(vdestack_attach(program, NULL, NULL), ESRCH);
	int fd = (int)MUST(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	CHECK_ERRNO(connect(fd, (struct sockaddr *)&address, sizeof(address)), EACCES);
}

CASE_ROOT(another_user_finds_nothing_and_cannot_send)
{
	(void)new_stack(LAN);
	await_listed(getpid(), 1);
	in_child(be_another_user, NULL);
}

/* With a descriptor of the socket that it got from this user. */
static int connected = -1;

static void send_as_another_user(void *unused)
{
	struct raw_request r = { .req = { .op = VS_OP_LIST }, .no_key = true };

	(void)unused;
	become(OTHER, OTHER);
	CHECK_EQ(raw_call(connected, &r, NULL), -EPIPE);
}

CASE_ROOT(another_user_with_a_connected_socket_gets_nothing)
{
	struct raw_request r = { .req = { .op = VS_OP_LIST }, .no_key = true };

	(void)new_stack(LAN);
	await_listed(getpid(), 1);
	struct sockaddr_un address = the_socket();
	connected = (int)MUST(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	MUST(connect(connected, (struct sockaddr *)&address, sizeof(address)));
	CHECK_EQ(raw_call(connected, &r, NULL), 0);
	in_child(send_as_another_user, NULL);
}

static void attach_confined(void *unused)
{
	pid_t program = getppid();

	(void)unused;
	MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	CHECK_EQ(vdestack_registry_list(NULL, 0), 1);
	CHECK_ERRNO(vdestack_attach(program, NULL, NULL), EPERM);
	CHECK_CONTAINS(vdestack_last_error(), "confined");
}

CASE(a_process_that_is_confined_gets_no_door)
{
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) > 0)
		SKIP("this process is confined from the start");
	(void)new_stack(LAN);
	await_listed(getpid(), 1);
	in_child(attach_confined, NULL);
	CHECK(vdestack_attach(getpid(), NULL, NULL) != NULL);
}

CASE(a_sealed_process_does_not_attach)
{
	(void)new_stack(LAN);
	await_listed(getpid(), 1);
	MUST(vdestack_seal());
	CHECK_ERRNO(vdestack_attach(getpid(), NULL, NULL), EPERM);
}

/* ------------------------------------------------------------------ what stands there */

/* Where the keeper goes when it cannot use the directory of the case. */
static const char *elsewhere(void)
{
	static char path[64];

	if (geteuid() == 0)
		return "/run/vdestack";
	(void)snprintf(path, sizeof(path), "/tmp/vdestack-%u", geteuid());
	return path;
}

/* The keeper does not use it, and the program works. */
static void check_avoided(const char *path)
{
	struct vdestack *stack = new_stack(LAN);

	await_listed(getpid(), 1);
	CHECK_EQ(files_in(path, NULL), 0);
	MUST(vdestack_delete(stack));
	CHECK(wait_until(no_keeper, NULL, SOON_MS));
	(void)rmdir(elsewhere()); /* if it is not used by others */
}

CASE_USER(a_symbolic_link_is_not_followed)
{
	const char *target = case_path("target");

	MUST(mkdir(target, 0700));
	MUST(symlink(target, DIRECTORY));
	check_avoided(target);
}

CASE_USER(a_directory_that_others_may_use_is_not_used)
{
	MUST(mkdir(DIRECTORY, 0700));
	MUST(chmod(DIRECTORY, 0711));
	check_avoided(DIRECTORY);
}

CASE_ROOT(a_directory_of_another_user_is_not_used)
{
	MUST(mkdir(DIRECTORY, 0700));
	MUST(chown(DIRECTORY, OTHER, OTHER));
	check_avoided(DIRECTORY);
}

CASE_USER(a_runtime_directory_that_others_may_write_is_not_used)
{
	const char *runtime = case_path("run");

	MUST(mkdir(runtime, 0700));
	MUST(chmod(runtime, 0777));
	MUST(setenv("XDG_RUNTIME_DIR", runtime, 1));
	check_avoided(runtime);
}

CASE_USER(without_a_directory_a_program_works_and_is_not_found)
{
	const char *there = elsewhere();

	MUST(setenv("XDG_RUNTIME_DIR", case_path("nothing"), 1));
	(void)rmdir(there); /* what an earlier program left */
	if (mkdir(there, 0700) < 0)
		SKIP("%s is in use", there);
	MUST(chmod(there, 0755));
	struct vdestack *stack = new_stack(LAN);
	MUST(vdestack_set_default(stack));
	CHECK(in_stack("10.9.0.1"));
	sleep_ms(200); /* nothing happens, so there is nothing to wait for */
	CHECK_EQ(vdestack_registry_list(NULL, 0), 0);
	CHECK_EQ(files_in(there, NULL), 0);
	MUST(rmdir(there));
}

CASE(files_that_are_no_sockets_of_keepers_are_left_alone)
{
	MUST(mkdir(DIRECTORY, 0700));
	close((int)MUST(open(case_path("vdestack/" FORGED), O_CREAT | O_WRONLY | O_CLOEXEC, 0600)));
	close((int)MUST(open(case_path("vdestack/other"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600)));
	MUST(symlink("/dev/null", case_path("vdestack/stacks-1-2-00000003")));
	int socket_of_others = bind_there("stacks-of-others");
	CHECK_EQ(vdestack_registry_list(NULL, 0), 0);
	close(socket_of_others);
	CHECK_EQ(vdestack_registry_list(NULL, 0), 0);
	CHECK_EQ(files_in(DIRECTORY, NULL), 4);
}

CASE(what_a_killed_keeper_leaves_behind_is_removed)
{
	(void)new_stack(LAN);
	await_listed(getpid(), 1);
	MUST(kill(the_keeper(), SIGKILL));
	CHECK(wait_until(no_keeper, NULL, SOON_MS));
	CHECK_EQ(files_in(DIRECTORY, NULL), 1);
	CHECK_EQ(vdestack_registry_list(NULL, 0), 0);
	CHECK_EQ(files_in(DIRECTORY, NULL), 0);
}

/* ------------------------------------------------------------------ forged keepers */

/* Answers one request with that text. */
static void answer_one(int fd, const char *text, bool type)
{
	struct vs_request req;
	struct vs_reply reply = { .type = type ? VS_REPLY_TYPE : 0, .seq = 1 };
	union {
		char bytes[CMSG_SPACE(4 * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec in = { &req, sizeof(req) }, out[] = { { &reply, sizeof(reply) },
							   { (void *)text, strlen(text) } };
	struct msghdr h = { .msg_iov = &in, .msg_iovlen = 1, .msg_control = control.bytes,
			    .msg_controllen = sizeof(control.bytes) };
	int channel;

	MUST(recvmsg(fd, &h, 0));
	memcpy(&channel, CMSG_DATA(CMSG_FIRSTHDR(&h)), sizeof(channel));
	h = (struct msghdr){ .msg_iov = out, .msg_iovlen = 2 };
	(void)syscall(SYS_sendmsg, channel, &h, MSG_NOSIGNAL);
	close(channel);
}

static int with_answer(const char *text, bool type)
{
	(void)unlink(case_path("vdestack/" FORGED));
	int fd = bind_there(FORGED), status;
	pid_t pid = (pid_t)MUST(fork());

	if (pid == 0) {
		answer_one(fd, text, type);
		_exit(0);
	}
	close(fd);
	int n = (int)MUST(vdestack_registry_list(listed, LIST_MAX));
	MUST(kill(pid, SIGKILL));
	MUST(waitpid(pid, &status, 0));
	return n;
}

CASE(forged_answers_do_no_harm)
{
	char much[4000];

	MUST(mkdir(DIRECTORY, 0700));
	memset(much, 'x', sizeof(much) - 1);
	much[sizeof(much) - 1] = '\0';
	CHECK_EQ(with_answer("", true), 0);
	CHECK_EQ(with_answer("1 1\n", false), 0);
	CHECK_EQ(with_answer("1 1", true), 0);
	CHECK_EQ(with_answer("1 1\n", true), 0);
	CHECK_EQ(with_answer("1 -1\n5 a\n", true), 0);
	CHECK_EQ(with_answer("1 1000000000\n5 a\n", true), 0);
	CHECK_EQ(with_answer("1 1\n5\n", true), 0);
	CHECK_EQ(with_answer("1 1\n5 a", true), 0);
	CHECK_EQ(with_answer(much, true), 0);
	memcpy(much, "1 1\n5 ", 6);
	much[sizeof(much) - 2] = '\n';
	CHECK_EQ(with_answer(much, true), 0);
	CHECK_EQ(with_answer("1 1\n5 a\n6 b\n7 c\n", true), 1); /* no more than it says */
	CHECK_EQ(with_answer("1 2\n5 a\n6 b\n", true), 2);
}

CASE(a_forged_keeper_that_does_not_answer_costs_a_second)
{
	MUST(mkdir(DIRECTORY, 0700));
	int fds[5];
	long long begin = now_us();

	for (int i = 0; i < 5; i++) {
		char name[64];
		(void)snprintf(name, sizeof(name), "stacks-77-%d-00000001", i);
		fds[i] = bind_there(name);
	}
	CHECK_EQ(vdestack_registry_list(listed, LIST_MAX), 5);
	CHECK(now_us() - begin < 4 * 1000 * 1000);
	for (int i = 0; i < 5; i++) {
		CHECK_EQ(listed[i].flags, VDESTACK_REGISTERED_SILENT);
		CHECK_EQ(listed[i].pid, 77);
		close(fds[i]);
	}
}

/* ------------------------------------------------------------------ the keeper */

CASE(a_stopped_keeper_costs_a_second)
{
	(void)new_stack(LAN);
	await_listed(getpid(), 1);
	pid_t keeper = the_keeper();
	long long begin = now_us();
	MUST(kill(keeper, SIGSTOP));
	CHECK_EQ(vdestack_registry_list(listed, LIST_MAX), 1);
	CHECK_EQ(listed[0].flags, VDESTACK_REGISTERED_SILENT);
	CHECK_EQ(listed[0].keeper, keeper);
	CHECK_EQ(listed[0].pid, getpid());
	CHECK_ERRNO(vdestack_attach(getpid(), NULL, NULL), ETIMEDOUT);
	CHECK_CONTAINS(vdestack_last_error(), "stopped");
	CHECK(now_us() - begin < 8 * 1000 * 1000);
	MUST(kill(keeper, SIGCONT));
	CHECK(vdestack_attach(getpid(), NULL, NULL) != NULL);
}

static void flood(void *unused)
{
	struct sockaddr_un address = the_socket();
	int fd = (int)MUST(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
	struct vs_request req = { .version = VS_WIRE_VERSION, .op = VS_OP_ATTACH };
	char bytes[600] = { 0 };

	(void)unused;
	MUST(connect(fd, (struct sockaddr *)&address, sizeof(address)));
	for (int i = 0; i < 20000; i++) {
		bool half = i % 3 == 0;
		req.op = (uint32_t)i % 40;
		size_t len = half ? (size_t)i % sizeof(bytes) : sizeof(req);
		(void)send_fds(fd, half ? (void *)bytes : (void *)&req, len, fd, (size_t)i % 5);
	}
}

static bool attaches(void *arg)
{
	(void)arg;
	return vdestack_attach(getpid(), NULL, NULL) != NULL;
}

CASE(a_flood_of_requests_delays_nothing_and_leaves_nothing)
{
	struct vdestack *stack = new_stack(LAN);
	struct vdestack_registered found[LIST_MAX];

	await_listed(getpid(), 1);
	MUST(vdestack_set_default(stack));
	await_rest(the_keeper());
	int before = count_fds_of(the_keeper());
	for (int i = 0; i < 4; i++) {
		in_child(flood, NULL);
		CHECK(in_stack("10.9.0.1"));
	}
	await_listed(getpid(), 1);
	CHECK_EQ(list_of(getpid(), found), 1);
	CHECK(wait_until(attaches, NULL, SOON_MS)); /* the last child may still have places */
	await_rest(the_keeper());
	CHECK(count_fds_of(the_keeper()) <= before + 12);
	MUST(vdestack_delete(stack));
}

CASE(handles_of_others_are_limited_and_do_not_take_the_places_of_the_program)
{
	struct vdestack *stack = new_stack(LAN), *others[80];
	int n = 0;

	await_listed(getpid(), 1);
	while (n < 80 && (others[n] = vdestack_attach(getpid(), NULL, NULL)) != NULL)
		n++;
	CHECK(n > 20 && n < 40);
	CHECK_EQ(errno, EBUSY);
	int fd = (int)MUST(vdestack_pass(stack, VDESTACK_PASS_APART));
	close(fd);
	MUST(vdestack_set_default(stack));
	close_all();
	CHECK(in_stack("10.9.0.1")); /* it has got a new door */
}

/* What is requested at such a door, with or without the key. */
CASE(an_attached_door_refuses_what_changes_the_stack)
{
	static const uint32_t refused[] = { VS_OP_SYSCTL_SET, VS_OP_ADD,     VS_OP_REMOVE, VS_OP_CARRIER,
					    VS_OP_SECRET,     VS_OP_SOURCES, VS_OP_PASS,   VS_OP_NAME };
	struct vdestack *stack = new_stack("iface=mine " LAN);
	char value[8];

	MUST(vdestack_sysctl_set(stack, "ipv4.ip_forward", "0"));
	const struct vs_key key = *seen.key;
	await_listed(getpid(), 1);
	struct vdestack *other = vdestack_attach(getpid(), NULL, NULL);
	CHECK(other != NULL);
	MUST(vdestack_sysctl_get(other, "ipv4.ip_forward", value, sizeof(value))); /* its door is seen */
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		struct raw_request r = { .req = { .op = refused[i], .iface.name = "mine", .key = key },
					 .no_key = true };
		CHECK_EQ(raw_call(seen.door, &r, NULL), -EPERM);
	}
	MUST(vdestack_delete(stack));
}
