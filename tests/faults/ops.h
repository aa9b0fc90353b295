/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_TESTS_OPS_H
#define VDESTACK_TESTS_OPS_H

/* Operations of libvdestack, for sweep.h, which describes what one is. Included once, by the test. */

#include "sweep.h"

#include <vdestack/sources.h>

static int made_from(const char *config)
{
	made = vdestack_new(config, opts());
	return made == NULL ? -errno : 0;
}

static int run_new(void) { return made_from(""); }
static int run_new_tap(void) { return made_from("vnl=null://"); }
static int run_new_inproc(void) { return made_from("vnl=inproc://lan"); }
static int run_new_config(void) { return made_from("vnl=null:// ip=10.5.0.2/24 gw=10.5.0.1"); }
/* No server answers: what fails is how sources begin and end, and their files. */
static int run_new_sources(void)
{
	struct vdestack_opts o = *opts();
	struct vdestack_source states[4];
	char config[300];

	o.flags |= VDESTACK_NO_WAIT;
	(void)snprintf(config, sizeof(config), "name=one vnl=null:// dhcp rd dhcp6 leases=%s",
		       case_path("kept"));
	made = vdestack_new(config, &o);
	if (made == NULL)
		return -errno;
	int n = vdestack_sources(made, NULL, states, 4);
	int r = n < 0 ? -errno : 0;
	if (n >= 0)
		CHECK_EQ(n, 3);
	if (n < 0) {
		(void)vdestack_delete(made);
		made = NULL;
	}
	return r;
}

static int run_add(void)
{
	return vdestack_iface_add(base, "vnl=null:// ip=10.6.0.2/24", opts()) < 0 ? -errno : 0;
}

/* The keeper's threads are its main thread and that of the stack made before. */
static bool is_alone(void *arg)
{
	pid_t pid;

	(void)arg;
	return find_keepers(&pid, 1) == 0 || count_tasks_of(pid) <= 2;
}

/*
 * With the same network as the others; the waits are the program's own and fail as well, in the sweep of
 * system calls.
 */
static int run_started(void)
{
	struct vdestack_creation *c = vdestack_new_start("vnl=null:// ip=10.5.0.2/24 gw=10.5.0.1", opts());

	while (c != NULL) {
		struct pollfd p = { .fd = vdestack_new_fd(c), .events = POLLIN };
		(void)poll(&p, 1, -1);
		if (vdestack_new_finish(c, &made) != 0)
			break;
	}
	return made == NULL ? -errno : 0;
}

/* Two events, and no more. */
static int run_cancelled(void)
{
	struct vdestack_creation *c = vdestack_new_start("vnl=null:// iface=b vnl=inproc://lan", opts());

	if (c == NULL)
		return -errno;
	struct pollfd p = { .fd = vdestack_new_fd(c), .events = POLLIN };
	(void)poll(&p, 1, -1);
	int r = vdestack_new_finish(c, &made);
	CHECK(r <= 0);
	if (r < 0)
		return -errno;
	vdestack_new_cancel(c);
	(void)wait_until(is_alone, NULL, 500); /* the keeper's part comes afterwards */
	return 0;
}

static int run_legacy(void)
{
	made = vde_addstack("null://", NULL);
	return made == NULL ? -errno : 0;
}

static void legacy_delete(void)
{
	vde_delstack(made);
	made = NULL;
}

static void undo_add(void)
{
	MUST(vdestack_iface_del(base, "vde0"));
}

/* If the removal fails the interface is still there and can be removed. */
static int run_remove(void)
{
	int side = atomic_exchange(&inject_control->side, INJECT_NONE);

	MUST(vdestack_iface_add(base, "vnl=null://", opts()));
	atomic_store(&inject_control->side, side);
	int r = vdestack_iface_del(base, "vde0") < 0 ? -errno : 0;
	atomic_store(&inject_control->side, INJECT_NONE);
	if (r < 0)
		(void)vdestack_iface_del(base, "vde0"); /* ENODEV: done, but the reply was lost */
	return r;
}

static bool base_has(const char *addr)
{
	struct vdestack_addr list[16];
	int n = (int)MUST(vdestack_addr_list(base, "vde0", list, 16, sizeof(*list)));

	for (int i = 0; i < n && i < 16; i++)
		if (strcmp(list[i].addr, addr) == 0)
			return true;
	return false;
}

/* A change of an interface, and what was learned of it. A failure changes no address, if the keeper lives. */
static int run_configure(void)
{
	int side = atomic_exchange(&inject_control->side, INJECT_NONE);
	int mode = atomic_load(&inject_control->mode);
	char text[256];

	MUST(vdestack_iface_add(base, "vnl=null:// ip=10.6.0.1/24", opts()));
	atomic_store(&inject_control->side, side);
	int changed = vdestack_configure(base, "-ip ip=10.6.0.9/24 dns=10.6.0.2", NULL) < 0 ? -errno : 0;
	int r = changed;
	if (r == 0)
		r = vdestack_resolvconf(base, "vde0", text, sizeof(text)) < 0 ? -errno : 0;
	atomic_store(&inject_control->side, INJECT_NONE);
	if (side != INJECT_KEEPER || mode != INJECT_KILL)
		CHECK(base_has(changed == 0 ? "10.6.0.9" : "10.6.0.1"));
	(void)vdestack_iface_del(base, "vde0");
	return r;
}

static int run_msocket(void)
{
	made_fd = vdestack_msocket(base, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return made_fd < 0 ? -errno : 0;
}

/* A socket of another kind, so that none of this kind has been sent ahead for the next call. */
static void close_socket(void)
{
	close_made();
	close((int)MUST(vdestack_msocket(base, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)));
}

static int run_netns(void)
{
	made_fd = vdestack_netns(base);
	return made_fd < 0 ? -errno : 0;
}

static int run_forked_msocket(void)
{
	int status;
	pid_t pid = (pid_t)MUST(fork());

	if (pid == 0) {
		int r = run_msocket();
		_exit(-r & 0xff);
	}
	MUST(waitpid(pid, &status, 0));
	CHECK(WIFEXITED(status));
	return -WEXITSTATUS(status);
}

static int run_delete(void)
{
	int side = atomic_exchange(&inject_control->side, INJECT_NONE);

	made = vdestack_new("vnl=null://", opts());
	CHECK(made != NULL);
	atomic_store(&inject_control->side, side);
	int r = vdestack_delete(made) < 0 ? -errno : 0;
	made = NULL;
	if (side == INJECT_PROGRAM)
		atomic_store(&inject_control->side, INJECT_NONE); /* the wait is not part of the operation */
	(void)wait_until(is_alone, NULL, 500); /* the keeper's part comes afterwards */
	return r;
}

static int run_command(void)
{
	int status = vdestack_run(base, (char *[]){ "true", NULL }, NULL);

	return status < 0 ? -errno : status == 0 ? 0 : -EREMOTEIO;
}

/* A command with everything that its options can give it. */
static int run_piped(void)
{
	int pipes[3], done, status = 0;
	char text[64];
	struct vdestack_cmd_opts with = {
		.size = sizeof(with),
		.in = VDESTACK_NULL,
		.out = VDESTACK_PIPE,
		.err = VDESTACK_AS_OUT,
		.pipe_fds = pipes,
		.cwd = "/",
		.envp = (char *[]){ "PATH=/bin:/usr/bin", NULL },
	};
	int pidfd = vdestack_spawn(base, (char *[]){ "echo", "hello", NULL }, &with, &done);

	if (pidfd < 0)
		return -errno;
	int r = vdestack_cmd_wait(done, &status, 20000) < 0 ? -errno : status == 0 ? 0 : -EREMOTEIO;
	if (r == 0)
		CHECK_EQ(read(pipes[1], text, sizeof(text)), 6);
	close(pipes[1]);
	close(done);
	close(pidfd);
	return r;
}

/* Interfaces with a packet device instead of a tap. */
static void prepare_packet_device(void)
{
	MUST(setenv("VDESTACK_PORT", "packet", 1));
}

static void prepare_hub(void)
{
	static struct tool node;
	static char locator[300];

	(void)snprintf(locator, sizeof(locator), "hub://%s", case_path("net"));
	node_start(&node, locator);
}

static int run_new_hub(void)
{
	char config[300];

	(void)snprintf(config, sizeof(config), "vnl=vde://%s ip=10.5.0.2/24", case_path("net"));
	return made_from(config);
}

static const struct op op_first = { "first stack", false, run_new, made_delete, NULL };
static const struct op op_further = { "further stack", true, run_new, made_delete, NULL };
static const struct op op_tap = { "stack with a tap", true, run_new_tap, made_delete, NULL };
static const struct op op_inproc = { "stack on a segment", true, run_new_inproc, made_delete, NULL };
static const struct op op_config = { "stack with addresses", true, run_new_config, made_delete, NULL };
static const struct op op_sources = { "stack with sources", true, run_new_sources, made_delete, NULL };
static const struct op op_add = { "add", true, run_add, undo_add, NULL };
static const struct op op_configure = { "configure", true, run_configure, undo_nothing, NULL };
static const struct op op_remove = { "remove", true, run_remove, undo_nothing, NULL };
static const struct op op_msocket = { "msocket", true, run_msocket, close_socket, NULL };
static const struct op op_forked = { "msocket in a child", true, run_forked_msocket, undo_nothing, NULL };
static const struct op op_delete = { "delete", true, run_delete, undo_nothing, NULL };
static const struct op op_netns = { "netns", true, run_netns, close_made, NULL };
static const struct op op_command = { "run", true, run_command, undo_nothing, NULL };
static const struct op op_piped = { "spawn with pipes", true, run_piped, undo_nothing, NULL };
static const struct op op_started = { "creation by its descriptor", true, run_started, made_delete, NULL };
static const struct op op_cancelled = { "cancelled creation", true, run_cancelled, undo_nothing, NULL };
static const struct op op_legacy = { "vde_addstack", true, run_legacy, legacy_delete, NULL };

static const struct op op_packet_device = { "stack with a packet device", true, run_new_config, made_delete,
					    prepare_packet_device };
static const struct op op_packet_device_add = { "add a packet device", true, run_add, undo_add,
						prepare_packet_device };
static const struct op op_packet_device_remove = { "remove a packet device", true, run_remove, undo_nothing,
						   prepare_packet_device };
static const struct op op_hub = { "stack on a hub", true, run_new_hub, made_delete, prepare_hub };

#include "lab_ops.h"

#endif
