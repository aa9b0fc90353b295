/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_TESTS_SWEEP_H
#define VDESTACK_TESTS_SWEEP_H

/*
 * The sweep: an operation runs once for every call it makes, and that call fails.
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

#define SAMPLE 8
#define STEP_MS 3000 /* limit of each step; nothing here is slow */
#define LISTED_MAX 64

static void faults_begin(void);
static bool excepted(enum inject_side side, enum inject_mode mode, const char *what, int got);

/* ------------------------------------------------------------------ an operation */

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

static void made_delete(void)
{
	MUST(vdestack_delete(made));
	made = NULL;
}

static void close_made(void)
{
	close(made_fd);
	made_fd = -1;
}

static void undo_nothing(void)
{
}

/* ------------------------------------------------------------------ before and after */

struct picture {
	int fds, tasks, maps, keepers, keeper_fds, keeper_tasks, keeper_maps;
};

/*
 * Stacks of threads, two mappings each, which libc keeps for the next threads; more in the program itself,
 * with its more threads. And when libvdeplug looks up the user and the read of /etc/passwd fails, libc loads
 * the module that comes next in nsswitch.conf: libnss_systemd, with libm and libcap, five mappings each.
 */
#define MAPS_MAY_VARY (case_is_inprocess() ? 40 : 28)

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

static bool keepers_have_ended(void *arg)
{
	pid_t pid;

	(void)arg;
	return find_keepers(&pid, 1) == 0;
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
	pid_t keeper = 0;
	if (op->base && find_keepers(&keeper, 1) == 1)
		await_rest(keeper);
	if (!op->base && !wait_until(keepers_have_ended, NULL, SOON_MS))
		FAIL("%s: a keeper without stacks does not end", op->name);
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
