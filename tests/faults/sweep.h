/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_TESTS_SWEEP_H
#define VDESTACK_TESTS_SWEEP_H

/*
 * Operations. Each runs once for every call it makes, and that call fails.
 *
 * For each fault: the operation fails with the injected errno or with one that the test excepts, or it
 * succeeds. Then the same operation without fault succeeds. Then descriptors, threads and keepers are those
 * from before the fault, in the program and in the keeper. Mappings may vary by a few, because libc keeps
 * those of ended threads, but must not grow over all faults.
 *
 * By default about SAMPLE faults of each kind are injected, spread over the operation's calls; with
 * VDESTACK_TESTS_FULL=1 all of them. Each case prints the results, and the calls that
 * failed with another errno than the injected one.
 *
 * The test that includes this defines how faults are injected: faults_begin() sets inject_control (inject.h),
 * excepted() returns whether a fault may fail with another errno. Included once, by the test.
 */

#define _GNU_SOURCE
#include <sys/mman.h>

#include "inject.h"
#include "stacks.h"
#include "traffic.h"
#include <vdestack/sources.h>

#define SAMPLE 12
#define STEP_MS 3000 /* limit of each step; nothing here is slow */
#define LISTED_MAX 64

static void faults_begin(void);
static bool excepted(enum inject_side side, enum inject_mode mode, const char *what, int got);

/* ------------------------------------------------------------------ operations */

struct op {
	const char *name;
	bool base; /* on a stack that exists, or beside one */
	int (*run)(void); /* 0 or -errno; on failure nothing is left */
	void (*undo)(void); /* after success */
	void (*prepare)(void); /* NULL, or before everything else */
};

static struct vdestack *base, *made;
static int made_fd = -1;

static struct vdestack_opts *opts(void)
{
	static struct vdestack_opts o;

	o = *case_opts();
	o.step_timeout_ms = STEP_MS;
	return &o;
}

static int made_from(const char *config)
{
	made = vdestack_new(config, opts());
	return made == NULL ? -errno : 0;
}

static void made_delete(void)
{
	MUST(vdestack_delete(made));
	made = NULL;
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

static void close_made(void)
{
	close(made_fd);
	made_fd = -1;
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

static void undo_nothing(void)
{
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

/* ------------------------------------------------------------------ before and after */

struct picture {
	int fds, tasks, maps, keepers, keeper_fds, keeper_tasks, keeper_maps;
};

/*
 * Stacks of threads, two mappings each, which libc keeps for the next threads; more in the program itself,
 * with its more threads.
 */
#define MAPS_MAY_VARY (case_is_inprocess() ? 32 : 12)

static struct picture look(void)
{
	pid_t pid = 0;
	struct picture p = { .fds = count_fds(), .tasks = count_tasks_of(getpid()),
			     .maps = count_maps_of(getpid()),
			     .keepers = find_keepers(&pid, 1) };

	if (p.keepers == 1) {
		p.keeper_fds = count_fds_of(pid);
		p.keeper_tasks = count_tasks_of(pid);
		p.keeper_maps = count_maps_of(pid);
	}
	return p;
}

static bool same(void *arg)
{
	const struct picture *b = arg;
	struct picture p = look();

	return p.fds == b->fds && p.tasks <= b->tasks && p.keepers == b->keepers &&
	       p.keeper_fds <= b->keeper_fds && p.keeper_tasks <= b->keeper_tasks &&
	       p.maps <= b->maps + MAPS_MAY_VARY && p.keeper_maps <= b->keeper_maps + MAPS_MAY_VARY;
}

/* ------------------------------------------------------------------ what came out */

static struct {
	int injected, as_injected, other, succeeded;
	int n_listed;
	char listed[LISTED_MAX][96];
	int bad;
} tally;

static void arm(enum inject_side side, enum inject_mode mode, int target)
{
	struct inject_control *c = inject_control;

	atomic_store(&c->mode, (int)mode);
	atomic_store(&c->target, target);
	atomic_store(&c->count, 0);
	atomic_store(&c->fired, 0);
	memset(c->what, 0, sizeof(c->what));
	atomic_store(&c->side, (int)side);
}

static void disarm(void)
{
	atomic_store(&inject_control->side, INJECT_NONE);
}

static void tell(const char *what, int injected, int got, bool bad)
{
	char line[96];

	(void)snprintf(line, sizeof(line), "%s %s: %s -> %s", bad ? "BAD" : "   ", what,
		       strerrorname_np(injected), strerrorname_np(got));
	tally.bad += bad;
	for (int i = 0; i < tally.n_listed; i++)
		if (strcmp(tally.listed[i], line) == 0)
			return;
	if (bad)
		printf("%s: \"%s\"\n", line, vdestack_last_error());
	if (tally.n_listed < LISTED_MAX)
		memcpy(tally.listed[tally.n_listed++], line, sizeof(line));
}

static void judge(enum inject_side side, enum inject_mode mode, int r)
{
	struct inject_control *c = inject_control;
	int injected = atomic_load(&c->injected);

	tally.injected++;
	if (r == 0) {
		tally.succeeded++;
	} else if (-r == injected && mode == INJECT_HARD) {
		tally.as_injected++;
	} else {
		tally.other++;
		tell(c->what, injected, -r, !excepted(side, mode, c->what, -r));
	}
}

/* ------------------------------------------------------------------ the sweep */

static void base_renew(bool wanted)
{
	if (base != NULL)
		MUST(vdestack_delete(base));
	base = NULL;
	if (!wanted)
		return;
	base = vdestack_new("", opts());
	if (base == NULL)
		FAIL("no stack after a fault in %s: %s", inject_control->what, vdestack_last_error());
}

static void once_without(const struct op *op, const char *when)
{
	int r = op->run();

	if (r < 0)
		FAIL("%s: fails without fault %s (%s): %s, %s", op->name, when, inject_control->what,
		     strerrorname_np(-r), vdestack_last_error());
	op->undo();
}

static int calls_of(const struct op *op, enum inject_side side, enum inject_mode mode)
{
	arm(side, mode, 0);
	int r = op->run();
	disarm();
	int n = atomic_load(&inject_control->count);
	if (r < 0)
		FAIL("%s: fails without fault: %s", op->name, vdestack_last_error());
	op->undo();
	return n;
}

/* A device that a failed call has made or removed may appear or disappear a moment later. */
static bool name_is_free(void *arg)
{
	(void)arg;
	return vdestack_if_nametoindex(base, "vde0") <= 0;
}

static bool one_fault(const struct op *op, enum inject_side side, enum inject_mode mode, int target,
		      struct picture *before)
{
	long long start = now_us();

	arm(side, mode, target);
	int r = op->run();
	disarm();
	long long took_ms = (now_us() - start) / 1000;
	bool fired = atomic_load(&inject_control->fired) != 0;

	if (r == 0 && mode != INJECT_KILL)
		op->undo();
	if (fired)
		judge(side, mode, r);
	else if (r < 0)
		FAIL("%s: failed without fault: %s", op->name, vdestack_last_error());
	if (took_ms > 3 * STEP_MS)
		FAIL("%s: fault %d in %s: took %lld ms", op->name, target, inject_control->what, took_ms);
	if (mode == INJECT_KILL) {
		if (r == 0) {
			if (made != NULL)
				made_delete();
			if (made_fd >= 0)
				close_made();
		}
		base_renew(op->base);
	}
	if (base != NULL && !wait_until(name_is_free, NULL, 3000))
		FAIL("%s: fault %d in %s: the interface is still there", op->name, target,
		     inject_control->what);
	once_without(op, "afterwards");
	if (!wait_until(same, before, 3000)) {
		struct picture now = look();
		FAIL("%s: fault %d in %s left something: descriptors %d, were %d; threads %d, %d; mappings "
		     "%d, %d; keepers %d, %d; the "
		     "keeper's descriptors %d, %d; its threads %d, %d; its mappings %d, %d",
		     op->name, target, inject_control->what, now.fds, before->fds, now.tasks, before->tasks,
		     now.maps, before->maps, now.keepers, before->keepers, now.keeper_fds, before->keeper_fds,
		     now.keeper_tasks, before->keeper_tasks, now.keeper_maps, before->keeper_maps);
	}
	return fired;
}

static void sweep(const struct op *op, enum inject_side side, enum inject_mode mode)
{
	const char *full = getenv("VDESTACK_TESTS_FULL");

	faults_begin();
	if (op->prepare != NULL)
		op->prepare();
	base_renew(op->base);
	once_without(op, "at first");
	once_without(op, "at first");
	int calls = calls_of(op, side, mode);
	int step = full != NULL && *full == '1' ? 1 : 1 + calls / SAMPLE;
	/* the threads of removed stacks end; those that have not ended by then only widen the bound */
	sleep_ms(50);
	struct picture before = look();

	for (int target = 1; target <= calls; target += step)
		(void)one_fault(op, side, mode, target, &before);
	base_renew(false);
	printf("%-20s calls %4d  injected %4d  that errno %4d  other %3d  succeeded %4d\n", op->name, calls,
	       tally.injected, tally.as_injected, tally.other, tally.succeeded);
	for (int i = 0; i < tally.n_listed; i++)
		printf("    %s\n", tally.listed[i]);
	CHECK_EQ(tally.bad, 0);
	CHECK(calls == 0 || tally.injected > 0);
}

#endif
