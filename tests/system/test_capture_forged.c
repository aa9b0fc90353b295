/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Requests for captures and wire taps that the library would never send. */

#include "raw.h"
#include "wire/capture.h"
#include <vdestack/capture.h>

#define KINDS (CASE_F_ROOT | CASE_F_USER | CASE_F_INPROCESS)

static struct vs_wire_capture good_wish(void)
{
	return (struct vs_wire_capture){ .buffer_bytes = VS_CAPTURE_BUFFER_LEAST,
					 .snaplen = VS_CAPTURE_SNAP_MAX };
}

static int ask_with(uint32_t op, const void *text, size_t len, int arg, bool no_key)
{
	struct raw_request r = { .req = { .op = op, .iface.name = "vde0", .arg = { arg } },
				 .text = text,
				 .text_len = len,
				 .no_key = no_key };
	struct ucred claim = seen.claim;

	r.claim = claim.pid != 0 ? &claim : NULL;
	return raw_call(seen.door, &r, NULL);
}

static int ask(const struct vs_wire_capture *wish)
{
	return ask_with(VS_OP_CAPTURE, wish, sizeof(*wish), 0, false);
}

#define REFUSED(...)                                                                                         \
	do {                                                                                                 \
		wish = good_wish();                                                                          \
		__VA_ARGS__;                                                                                 \
		CHECK_EQ(ask(&wish), -EINVAL);                                                               \
	} while (0)

static struct pair known_pair(void)
{
	struct pair p = new_pair();

	MUST(vdestack_sysctl_set(p.a, "ipv4/ip_forward", "0")); /* key and door are known after this */
	CHECK(seen.door >= 0 && seen.key->half[0] != 0);
	return p;
}

CASE_FLAGS(forged_requests_for_captures_are_refused, KINDS)
{
	static char bytes[VS_TEXT_MAX];
	struct pair p = known_pair();
	struct vs_wire_capture wish = good_wish();

	CHECK_EQ(ask_with(VS_OP_CAPTURE, &wish, sizeof(wish), 0, true), -EPERM);
	for (size_t len = 0; len < sizeof(bytes); len += len < 2 * sizeof(wish) ? 7 : 501) {
		memset(bytes, (int)len, len);
		memcpy(bytes, &wish, len < sizeof(wish) ? len : sizeof(wish));
		if (len != sizeof(wish))
			CHECK_EQ(ask_with(VS_OP_CAPTURE, bytes, len, 0, false), -EINVAL);
	}
	REFUSED(wish.snaplen = 0);
	REFUSED(wish.snaplen = VS_CAPTURE_SNAP_MAX + 1);
	REFUSED(wish.buffer_bytes = 0);
	REFUSED(wish.buffer_bytes = VS_CAPTURE_BUFFER_MOST + 1);
	REFUSED(wish.buffer_bytes = UINT64_MAX);
	REFUSED(wish.flags = 2);
	REFUSED(memset(wish.comment, 'x', sizeof(wish.comment)));
	REFUSED(memset(&wish, 0xff, sizeof(wish)));
	wish = good_wish();
	wish.file_bytes = wish.frames = UINT64_MAX;
	CHECK_EQ(ask(&wish), 0); /* so what was refused was almost right */
	check_udp(p.a, p.b, "10.9.0.2");
}

CASE_FLAGS(forged_requests_for_wire_taps_are_refused, KINDS)
{
	struct pair p = known_pair();

	CHECK_EQ(ask_with(VS_OP_WIRETAP, NULL, 0, 0, true), -EPERM);
	for (unsigned bit = 4; bit < 32; bit++)
		CHECK_EQ(ask_with(VS_OP_WIRETAP, NULL, 0, (int)(1u << bit), false), -EINVAL);
	CHECK_EQ(ask_with(VS_OP_WIRETAP, NULL, 0, VS_WIRETAP_ALONE | VS_WIRETAP_TO_NETWORK, false), -EINVAL);
	for (int flags = 0; flags < VS_WIRETAP_FLAGS; flags++) /* nobody takes the descriptor: it ends */
		if ((flags & (VS_WIRETAP_ALONE | VS_WIRETAP_TO_NETWORK)) !=
		    (VS_WIRETAP_ALONE | VS_WIRETAP_TO_NETWORK))
			CHECK_EQ(ask_with(VS_OP_WIRETAP, NULL, 0, flags, false), 0);
	check_udp(p.a, p.b, "10.9.0.2");
	check_udp(p.b, p.a, "10.9.0.1");
}

/* The control socket of a capture that does not begin, or -errno. */
static int idle_capture(void)
{
	struct vs_wire_capture wish = good_wish();
	struct raw_request r = { .req = { .op = VS_OP_CAPTURE, .iface.name = "vde0" },
				 .text = &wish,
				 .text_len = sizeof(wish),
				 .n_fds = 1 };
	struct ucred claim = seen.claim;
	struct vs_reply reply = { 0 };
	char text[200];
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov[] = { { &reply, sizeof(reply) }, { text, sizeof(text) } };
	struct msghdr h = { .msg_iov = iov,
			    .msg_iovlen = 2,
			    .msg_control = control.bytes,
			    .msg_controllen = sizeof(control) };
	int pair[2], fd = -1;

	raw_pair(pair);
	r.fds[0] = pair[1];
	r.claim = claim.pid != 0 ? &claim : NULL;
	CHECK_EQ(raw_send(seen.door, &r), 0);
	CHECK(wait_readable(pair[0], SOON_MS));
	CHECK(MUST(recvmsg(pair[0], &h, MSG_CMSG_CLOEXEC)) >= (ssize_t)sizeof(reply));
	close(pair[0]);
	close(pair[1]);
	if (reply.result < 0)
		return reply.result;
	CHECK(CMSG_FIRSTHDR(&h) != NULL);
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&h)), sizeof(fd));
	return fd;
}

static bool can_capture(void *stack)
{
	struct vdestack_capture_opts o = { .size = sizeof(o), .path = case_path("file") };
	int fd = vdestack_capture_start(stack, "vde0", &o);

	CHECK(fd >= 0 || errno == EBUSY);
	return fd >= 0 && vdestack_capture_stop(fd, NULL) == 0;
}

/* Each has a thread and, on a segment, memory of the kernel. */
CASE_FLAGS(captures_that_never_begin_are_limited, KINDS)
{
	struct pair p = known_pair();
	int fds[100], n = 0;

	while (n < 100 && (fds[n] = idle_capture()) >= 0)
		n++;
	CHECK(n >= 16 && n < 50);
	CHECK_EQ(fds[n], -EBUSY);
	check_udp(p.a, p.b, "10.9.0.2");
	while (n > 0)
		close(fds[--n]);
	CHECK(wait_until(can_capture, p.a, SOON_MS));
}
