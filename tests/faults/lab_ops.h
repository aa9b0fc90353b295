/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VDESTACK_TESTS_LAB_OPS_H
#define VDESTACK_TESTS_LAB_OPS_H

/*
 * Operations of laboratories, for sweep.h, which describes what an operation is: impairment, captures, wire
 * taps, segments that programs share. The interface is added before, and removed afterwards, without faults.
 * Included once, by ops.h.
 */

#include <vdestack/capture.h>
#include <vdestack/impair.h>

static int on_interface(const char *config, int (*operation)(void))
{
	int side = atomic_exchange(&inject_control->side, INJECT_NONE);

	MUST(vdestack_iface_add(base, config, opts()));
	atomic_store(&inject_control->side, side);
	int r = operation();
	atomic_store(&inject_control->side, INJECT_NONE);
	(void)vdestack_iface_del(base, "vde0"); /* the keeper may have been killed */
	return r;
}

/* ------------------------------------------------------------------ impairment */

static int impair_and_end(void)
{
	struct vdestack_impairment tx = { .size = sizeof(tx) };

	if (vdestack_impair_words(base, "vde0", "tx.delay=1ms rx.loss=50%") < 0 ||
	    vdestack_impair_get(base, "vde0", &tx, NULL, NULL, NULL) < 0)
		return -errno;
	CHECK_EQ(tx.delay_ns, 1000000);
	return vdestack_impair_words(base, "vde0", "unimpaired") < 0 ? -errno : 0;
}

static int run_impaired(void)
{
	return on_interface("vnl=null:// ip=10.6.0.1/24", impair_and_end);
}

static int run_from_the_start(void)
{
	return made_from("vnl=inproc://lan ip=10.6.0.1/24 delay=1ms group=2");
}

static int misbehave(void)
{
	if (vdestack_impair_words(base, "vde0", "blackhole=65535") < 0 ||
	    vdestack_segment_group(base, "vde0", 1) < 0 || vdestack_segment_group(base, "vde0", 0) < 0 ||
	    vdestack_segment_flap(base, "vde0") < 0 || vdestack_impair_words(base, "vde0", "unimpaired") < 0)
		return -errno;
	return 0;
}

/* All that a port of a segment can be made to do. After a failure it still works, if the keeper lives. */
static int run_misbehave(void)
{
	int side = atomic_exchange(&inject_control->side, INJECT_NONE);
	int mode = atomic_load(&inject_control->mode);

	MUST(vdestack_iface_add(base, "vnl=inproc://lan ip=10.6.0.1/24", opts()));
	made = vdestack_new("vnl=inproc://lan ip=10.6.0.2/24", opts());
	CHECK(made != NULL);
	atomic_store(&inject_control->side, side);
	int r = misbehave();
	atomic_store(&inject_control->side, INJECT_NONE);
	if (side != INJECT_KEEPER || mode != INJECT_KILL) {
		MUST(vdestack_segment_group(base, "vde0", 0));
		check_udp(base, made, "10.6.0.2");
		MUST(vdestack_impair_words(base, "vde0", "unimpaired"));
		check_udp(made, base, "10.6.0.1");
	}
	(void)vdestack_iface_del(base, "vde0");
	made_delete();
	return r;
}

/* ------------------------------------------------------------------ captures and wire taps */

/* Into a ring of files, so that several descriptors are sent. */
static int capture_and_stop(void)
{
	struct vdestack_capture_stats stats = { .size = sizeof(stats) };
	const struct vdestack_capture_opts wish = { .size = sizeof(wish),
						    .path = case_path("frames"),
						    .file_bytes = 65536,
						    .files = 2 };
	int fd = vdestack_capture_start(base, "vde0", &wish);

	if (fd < 0)
		return -errno;
	int counted = vdestack_capture_get_stats(fd, &stats) < 0 ? -errno : 0;
	int stopped = vdestack_capture_stop(fd, NULL) < 0 ? -errno : 0;
	return counted < 0 ? counted : stopped;
}

static int run_capture(void)
{
	return on_interface("vnl=null://", capture_and_stop);
}

static int run_capture_segment(void)
{
	return on_interface("vnl=inproc://lan", capture_and_stop);
}

static int open_taps(void)
{
	const struct vdestack_tap_opts alone = { .size = sizeof(alone), .flags = VDESTACK_TAP_ALONE };
	const struct vdestack_tap_opts out = { .size = sizeof(out), .flags = VDESTACK_TAP_TO_NETWORK };
	int one = vdestack_tap_open(base, "vde0", &alone);
	int r = one < 0 ? -errno : 0, two = r < 0 ? -1 : vdestack_tap_open(base, "vde0", &out);

	if (r == 0 && two < 0)
		r = -errno;
	if (one >= 0)
		close(one);
	if (two >= 0)
		close(two);
	return r;
}

static int run_taps(void)
{
	return on_interface("vnl=null://", open_taps);
}

static int run_taps_segment(void)
{
	return on_interface("vnl=inproc://lan", open_taps);
}

/* ------------------------------------------------------------------ segments that programs share */

/* With base, this is the first one of its keeper; without, the keeper is started for it. */
static int run_local(void)
{
	return made_from("vnl=local://lan ip=10.6.0.1/24");
}

/* The keeper of the base can have such interfaces. */
static void prepare_local(void)
{
	MUST(setenv("VDESTACK_LOCAL", "1", 1));
}

static const struct op op_impaired = { "impair", true, run_impaired, undo_nothing, NULL };
static const struct op op_from_the_start = { "impaired stack", true, run_from_the_start, made_delete, NULL };
static const struct op op_misbehave = { "misbehave", true, run_misbehave, undo_nothing, NULL };
static const struct op op_capture = { "capture", true, run_capture, undo_nothing, NULL };
static const struct op op_capture_segment = { "capture on a segment", true, run_capture_segment, undo_nothing,
					      NULL };
static const struct op op_taps = { "wire taps", true, run_taps, undo_nothing, NULL };
static const struct op op_taps_segment = { "taps on a segment", true, run_taps_segment, undo_nothing, NULL };
static const struct op op_local_first = { "first local stack", false, run_local, made_delete, NULL };
static const struct op op_local = { "local stack", true, run_local, made_delete, prepare_local };

#endif
