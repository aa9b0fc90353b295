/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Requests for captures and wire taps that the library would not send. */

#define _GNU_SOURCE

#include "attack.h"
#include "wire/capture.h"
#include <vdestack/capture.h>
#include <vdestack/events.h>

#define SEGMENT "vnl=inproc://lan ip=10.9.0.1/24"

static const struct vs_wire_capture right = { .buffer_bytes = VS_CAPTURE_BUFFER_LEAST, .snaplen = 96 };

/* The last request of the library went to the door of the stack that is looked at. */
static int ask(uint32_t op, const void *text, size_t len, bool no_key, int flags)
{
	struct raw_request r = { .req = { .op = op, .iface.name = "vde0", .arg = { flags } }, .text = text,
				 .text_len = len, .no_key = no_key };
	struct ucred claim = seen.claim;

	r.claim = claim.pid != 0 ? &claim : NULL;
	return raw_call(seen.door, &r, NULL);
}

static struct vdestack *look_at_stack(void)
{
	struct vdestack *s = new_stack(SEGMENT);

	MUST(vdestack_link_set_carrier(s, "vde0", 1));
	return s;
}

CASE_BOTH(a_request_without_the_key_gets_nothing)
{
	(void)look_at_stack();
	CHECK_EQ(ask(VS_OP_CAPTURE, &right, sizeof(right), true, 0), -EPERM);
	CHECK_EQ(ask(VS_OP_WIRETAP, NULL, 0, true, 0), -EPERM);
	/* So what was refused was right but for the key. */
	CHECK_EQ(ask(VS_OP_CAPTURE, &right, sizeof(right), false, 0), 0);
	CHECK_EQ(ask(VS_OP_WIRETAP, NULL, 0, false, 0), 0);
}

CASE_BOTH(a_request_that_makes_no_sense_gets_nothing)
{
	struct vs_wire_capture wish;
	static char bytes[2048];

	(void)look_at_stack();
	memcpy(bytes, &right, sizeof(right));
	for (size_t len = 1; len < sizeof(bytes); len += 13)
		if (len != sizeof(right))
			CHECK_EQ(ask(VS_OP_CAPTURE, bytes, len, false, 0), -EINVAL);
	wish = right;
	wish.snaplen = 0;
	CHECK_EQ(ask(VS_OP_CAPTURE, &wish, sizeof(wish), false, 0), -EINVAL);
	wish.snaplen = VS_CAPTURE_SNAP_MAX + 1;
	CHECK_EQ(ask(VS_OP_CAPTURE, &wish, sizeof(wish), false, 0), -EINVAL);
	wish = right;
	wish.buffer_bytes = VS_CAPTURE_BUFFER_LEAST - 1;
	CHECK_EQ(ask(VS_OP_CAPTURE, &wish, sizeof(wish), false, 0), -EINVAL);
	wish.buffer_bytes = (uint64_t)VS_CAPTURE_BUFFER_MOST + 1;
	CHECK_EQ(ask(VS_OP_CAPTURE, &wish, sizeof(wish), false, 0), -EINVAL);
	wish = right;
	wish.flags = 2;
	CHECK_EQ(ask(VS_OP_CAPTURE, &wish, sizeof(wish), false, 0), -EINVAL);
	wish = right;
	memset(wish.comment, 'x', sizeof(wish.comment));
	CHECK_EQ(ask(VS_OP_CAPTURE, &wish, sizeof(wish), false, 0), -EINVAL);
	CHECK_EQ(ask(VS_OP_WIRETAP, NULL, 0, false, VS_WIRETAP_FLAGS + 1), -EINVAL);
	CHECK_EQ(ask(VS_OP_WIRETAP, NULL, 0, false, VS_WIRETAP_ALONE | VS_WIRETAP_TO_NETWORK), -EINVAL);
}

/* Root alone can give up its ids. */
CASE_FLAGS(a_process_that_has_dropped_its_privileges_gets_nothing, CASE_F_ROOT)
{
	struct vdestack *s = look_at_stack();
	const struct vdestack_capture_opts o = { .size = sizeof(o),
						 .fd = (int)MUST(open("/dev/null", O_WRONLY)) };

	become(OTHER, OTHER);
	CHECK_ERRNO(vdestack_capture_start(s, "vde0", &o), EPERM);
	CHECK_ERRNO(vdestack_tap_open(s, "vde0", NULL), EPERM);
}
