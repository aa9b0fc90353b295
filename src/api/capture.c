/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Captures and wire taps: the program's side. wire/capture.h describes the conversation. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/opts.h"
#include "config/config.h"
#include "core/capture.h"
#include "core/long_call.h"
#include "core/stack.h"
#include "wire/fdmsg.h"
#include <vdestack/capture.h>

#define ANSWER_MS 5000
#define PATH_MOST 4096
#define FILE_LEAST 4096
#define FLAGS_KNOWN (VDESTACK_CAPTURE_KEPT | VDESTACK_CAPTURE_NEW)

/* ------------------------------------------------------------------ conversation */

/* The answer to that question, or the last one of the capture, which stays in the socket. */
static int await(int fd, uint32_t question, struct vs_wire_capture_answer *answer)
{
	int64_t deadline = vs_deadline_ms(ANSWER_MS);
	struct pollfd p = { .fd = fd, .events = POLLIN };

	for (;;) {
		int r = vs_capture_hear(fd, answer, MSG_PEEK);
		if (r == 0 && answer->question == VS_CAPTURE_STOP)
			return 0;
		if (r == 0) {
			r = vs_capture_hear(fd, answer, 0);
			if (r == 0 && answer->question == question)
				return 0;
		}
		if (r < 0 && r != -EAGAIN)
			return r;
		if (r == 0)
			continue;
		if (vs_left_ms(deadline) == 0)
			return -ETIMEDOUT;
		(void)poll(&p, 1, vs_left_ms(deadline));
	}
}

static void write_stats(const struct vs_wire_capture_answer *a, struct vdestack_capture_stats *stats)
{
	const struct vdestack_capture_stats s = {
		.size = stats->size,
		.ended = a->question == VS_CAPTURE_STOP,
		.error = a->question == VS_CAPTURE_STOP ? a->result : 0,
		.seen = a->seen,
		.written = a->written,
		.dropped = a->dropped,
		.os_dropped = a->os_dropped,
		.bytes = a->bytes,
		.file = a->file,
		.turns = a->files_used,
	};

	vs_opts_write(stats, stats->size, &s, sizeof(s));
}

static int fail_conversation(int r, const char *step)
{
	switch (r) {
	case -EPIPE:
		return vs_fail(EPIPE, "cannot %s: the capture has ended, and its keeper too", step);
	case -ETIMEDOUT:
		return vs_fail(ETIMEDOUT, "cannot %s: the keeper does not answer", step);
	case -EINVAL:
	case -ENOTSOCK:
	case -ENOTCONN:
		return vs_fail(EINVAL, "cannot %s: the descriptor is none of vdestack_capture_start()", step);
	default:
		return vs_fail(-r, "cannot %s: %s", step, strerror(-r));
	}
}

static int read_stats(int fd, struct vdestack_capture_stats *stats)
{
	struct vs_wire_capture_answer a;

	if (stats->size < sizeof(stats->size))
		return vs_fail(EINVAL, "cannot read the counters of a capture: the result has no size");
	int r = vs_capture_ask(fd, VS_CAPTURE_COUNT, NULL);
	if (r == 0 || r == -EPIPE) /* it has ended: its last answer waits */
		r = await(fd, VS_CAPTURE_COUNT, &a);
	if (r < 0)
		return fail_conversation(r, "read the counters of a capture");
	write_stats(&a, stats);
	return 0;
}

int vdestack_capture_get_stats(int fd, struct vdestack_capture_stats *stats)
{
	VS_NO_CANCEL;
	return vs_edge(read_stats(fd, stats));
}

static int stop(int fd, struct vdestack_capture_stats *stats)
{
	struct vs_wire_capture_answer a;
	bool valid = stats == NULL || stats->size >= sizeof(stats->size);
	int r = valid ? vs_capture_ask(fd, VS_CAPTURE_STOP, NULL) : -EINVAL;

	if (r == 0 || r == -EPIPE)
		r = await(fd, VS_CAPTURE_STOP, &a);
	vs_close(fd);
	if (r < 0)
		return fail_conversation(r, "stop a capture");
	if (stats != NULL)
		write_stats(&a, stats);
	if (a.result != 0)
		return vs_fail(a.result, "the capture has ended early: %s", strerror(a.result));
	return 0;
}

int vdestack_capture_stop(int fd, struct vdestack_capture_stats *stats)
{
	VS_NO_CANCEL;
	return vs_edge(stop(fd, stats));
}

/* ------------------------------------------------------------------ files */

/* PATH.NN; a final ".pcapng" stays at the end. */
static int name_of(const struct vdestack_capture_opts *o, unsigned number, char name[PATH_MOST])
{
	static const char ending[] = ".pcapng";
	size_t len = strlen(o->path), end = sizeof(ending) - 1;
	bool has_ending = len > end && strcmp(o->path + len - end, ending) == 0;
	int n;

	if (o->files < 2)
		n = snprintf(name, PATH_MOST, "%s", o->path);
	else
		n = snprintf(name, PATH_MOST, "%.*s.%02u%s", (int)(has_ending ? len - end : len), o->path,
			     number, has_ending ? ending : "");
	return n < PATH_MOST ? 0 : -ENAMETOOLONG;
}

static int open_file(const struct vdestack_capture_opts *o, unsigned number)
{
	char name[PATH_MOST];
	int r = name_of(o, number, name);

	if (r < 0)
		return vs_fail(-r, "cannot capture: the name of the file is too long");
	return vs_capture_open_file(name, (o->flags & VDESTACK_CAPTURE_NEW) != 0);
}

static int send_files(int control, const struct vdestack_capture_opts *o)
{
	unsigned files = o->files < 2 ? 1 : o->files;

	if (o->path == NULL)
		return vs_capture_ask(control, VS_CAPTURE_FILE, &o->fd) == -EBADF
			       ? vs_fail(EBADF, "cannot capture: %d is no open descriptor", o->fd)
			       : 0;
	for (unsigned i = 0; i < files; i++) {
		VS_AUTO_CLOSE fd = open_file(o, i);
		if (fd < 0)
			return fd;
		if (vs_capture_ask(control, VS_CAPTURE_FILE, &fd) < 0)
			break; /* the answer says why */
	}
	return 0;
}

/* ------------------------------------------------------------------ starting */

static int check(const char *ifname, const struct vdestack_capture_opts *o)
{
	const char *problem = NULL;

	if (!vs_ifname_valid(ifname))
		problem = "the name is not one of an interface";
	else if (o->path != NULL && o->path[0] == '\0')
		problem = "the path is empty";
	else if (o->snaplen > VS_CAPTURE_SNAP_MAX)
		problem = "snaplen is greater than 262144";
	else if (o->files > VS_CAPTURE_FILES_MAX || (o->files > 1 && (o->path == NULL || o->file_bytes == 0)))
		problem = "a ring has 64 files at most, and needs path and file_bytes";
	else if (o->file_bytes != 0 && o->file_bytes < FILE_LEAST)
		problem = "file_bytes is less than 4096";
	else if (o->buffer_bytes != 0 && (o->buffer_bytes < VS_CAPTURE_BUFFER_LEAST ||
					  o->buffer_bytes > VS_CAPTURE_BUFFER_MOST))
		problem = "buffer_bytes is less than 64 KiB or more than 256 MiB";
	else if ((o->flags & ~FLAGS_KNOWN) != 0)
		problem = "a flag is unknown";
	else if (o->comment != NULL && strlen(o->comment) >= VS_CAPTURE_COMMENT_BYTES)
		problem = "the comment is longer than 511 bytes";
	return problem == NULL ? 0 : vs_fail(EINVAL, "cannot capture: %s", problem);
}

/* Makes the capture. Returns its control socket, or -errno with a message. */
static int request(struct vdestack *stack, const char *ifname, const struct vdestack_capture_opts *o)
{
	struct vs_wire_capture want = {
		.file_bytes = o->file_bytes,
		.buffer_bytes = o->buffer_bytes != 0 ? o->buffer_bytes : VS_CAPTURE_BUFFER_DEFAULT,
		.frames = o->frames,
		.snaplen = o->snaplen != 0 ? o->snaplen : VS_CAPTURE_SNAP_MAX,
		.flags = (o->flags & VDESTACK_CAPTURE_KEPT) != 0 ? VS_CAPTURE_KEPT : 0,
	};
	struct vs_long_call call = { .req = { .op = VS_OP_CAPTURE },
				     .text = (const char *)&want,
				     .text_len = sizeof(want) };

	(void)snprintf(want.comment, sizeof(want.comment), "%s", o->comment != NULL ? o->comment : "");
	memcpy(call.req.iface.name, ifname, strlen(ifname));
	int r = vs_stack_ask(stack, &call);
	if (r < 0)
		return vs_fail_step(-r, "cannot capture on interface %s", ifname);
	if (call.n_got < 1)
		return vs_fail(EPROTO, "cannot capture: the keeper sent no descriptor");
	return call.got[0];
}

static int start(struct vdestack *stack, const char *ifname, const struct vdestack_capture_opts *opts)
{
	struct vdestack_capture_opts o = { 0 };
	struct vs_wire_capture_answer a;
	int r = vs_opts_read(opts, sizeof(o.size), &o, sizeof(o));

	if (r < 0)
		return vs_opts_fail(r, "capture", "vdestack_capture_opts");
	r = check(ifname, &o);
	if (r == 0 && vs_keepers_sealed("cannot capture") < 0)
		r = -EPERM;
	VS_AUTO_CLOSE control = r == 0 ? request(stack, ifname, &o) : r;
	if (control < 0)
		return control;
	if (control < 3 && (r = vs_fd_raise(&control, 3)) < 0)
		return vs_fail(-r, "cannot capture: %s", strerror(-r));
	r = send_files(control, &o);
	if (r < 0)
		return r;
	r = vs_capture_ask(control, VS_CAPTURE_START, NULL);
	if (r == 0 || r == -EPIPE)
		r = await(control, VS_CAPTURE_START, &a);
	if (r == -EPIPE)
		return vs_fail(ENETDOWN, "cannot capture on interface %s: the keeper has ended", ifname);
	if (r < 0)
		return fail_conversation(r, "capture");
	r = vs_capture_started(&a, ifname);
	return r < 0 ? r : vs_steal_fd(&control);
}

int vdestack_capture_start(struct vdestack *stack, const char *ifname,
			   const struct vdestack_capture_opts *opts)
{
	VS_NO_CANCEL;
	return vs_edge(start(stack, ifname, opts));
}

/* ------------------------------------------------------------------ wire taps */

static int32_t wire_flags(uint32_t flags)
{
	return ((flags & VDESTACK_TAP_BOTH) != 0 ? VS_WIRETAP_RX | VS_WIRETAP_HEADER : 0) |
	       ((flags & VDESTACK_TAP_HEADER) != 0 ? VS_WIRETAP_HEADER : 0) |
	       ((flags & VDESTACK_TAP_TO_NETWORK) != 0 ? VS_WIRETAP_TO_NETWORK : 0) |
	       ((flags & VDESTACK_TAP_ALONE) != 0 ? VS_WIRETAP_ALONE : 0);
}

static int open_tap(struct vdestack *stack, const char *ifname, const struct vdestack_tap_opts *opts)
{
	const uint32_t both = VDESTACK_TAP_ALONE | VDESTACK_TAP_TO_NETWORK;
	struct vdestack_tap_opts o = { 0 };
	struct vs_long_call call = { .req = { .op = VS_OP_WIRETAP } };
	int r = opts != NULL ? vs_opts_read(opts, sizeof(o.size), &o, sizeof(o)) : 0;

	if (r < 0)
		return vs_opts_fail(r, "open a wire tap", "vdestack_tap_opts");
	if (!vs_ifname_valid(ifname) || (o.flags & ~0x1fu) != 0 || (o.flags & both) == both)
		return vs_fail(EINVAL, "cannot open a wire tap: the name is not one of an interface, "
				       "a flag is unknown, or VDESTACK_TAP_ALONE and _TO_NETWORK exclude "
				       "each other");
	if (vs_keepers_sealed("cannot open a wire tap") < 0)
		return -EPERM;
	call.req.arg[0] = wire_flags(o.flags);
	memcpy(call.req.iface.name, ifname, strlen(ifname));
	r = vs_stack_ask(stack, &call);
	if (r < 0)
		return vs_fail_step(-r, "cannot open a wire tap on interface %s", ifname);
	if (call.n_got < 1)
		return vs_fail(EPROTO, "cannot open a wire tap: the keeper sent no descriptor");
	VS_AUTO_CLOSE fd = call.got[0];
	if (fd < 3 && (r = vs_fd_raise(&fd, 3)) < 0)
		return vs_fail(-r, "cannot open a wire tap: %s", strerror(-r));
	int flags = fcntl(fd, F_GETFL);
	int wanted = (o.flags & VDESTACK_TAP_NONBLOCK) != 0 ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
	if (flags < 0 || fcntl(fd, F_SETFL, wanted) < 0)
		return vs_fail(errno, "cannot open a wire tap: %s", strerror(errno));
	return vs_steal_fd(&fd);
}

int vdestack_tap_open(struct vdestack *stack, const char *ifname, const struct vdestack_tap_opts *opts)
{
	VS_NO_CANCEL;
	return vs_edge(open_tap(stack, ifname, opts));
}
