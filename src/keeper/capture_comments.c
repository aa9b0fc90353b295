/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "capture_comments.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/own_socket.h"
#include "events.h"
#include <vdestack/events.h>

static const char *text_of(uint32_t type)
{
	static const char *const texts[] = {
		[VDESTACK_EVENT_LINK_UP] = "link up",
		[VDESTACK_EVENT_LINK_DOWN] = "link down",
		[VDESTACK_EVENT_LINK_RETRY] = "reconnecting has failed",
		[VDESTACK_EVENT_CARRIER_CUT] = "carrier cut",
		[VDESTACK_EVENT_CARRIER_RESTORED] = "carrier restored",
		[VDESTACK_EVENT_ADDR_READY] = "address ready",
		[VDESTACK_EVENT_ADDR_LOST] = "address lost",
		[VDESTACK_EVENT_OVERRUN] = "events were lost",
		[VDESTACK_EVENT_STACK_ENDED] = "stack ended",
		[VDESTACK_EVENT_SOURCE_GAINED] = "source: address gained",
		[VDESTACK_EVENT_SOURCE_RENEWED] = "source: lease renewed",
		[VDESTACK_EVENT_SOURCE_CHANGED] = "source: settings changed",
		[VDESTACK_EVENT_SOURCE_LOST] = "source: address lost",
		[VDESTACK_EVENT_SOURCE_CONFLICT] = "source: another host uses the address",
		[VDESTACK_EVENT_SOURCE_REFUSED] = "source: refused by the server",
		[VDESTACK_EVENT_SOURCE_SILENT] = "source: no server answers",
		[VDESTACK_EVENT_SOURCE_IPV6_ONLY] = "source: the network prefers IPv6",
		[VDESTACK_EVENT_SOURCE_STORAGE] = "source: lease file",
		[VDESTACK_EVENT_IMPAIRED] = "impairment changed",
	};

	return type < VS_COUNT(texts) && texts[type] != NULL ? texts[type] : NULL;
}

/* The comment stands at the next frame, so it has a time of its own. Returns the length. */
static int write_time(char *text)
{
	struct timespec now;
	struct tm utc;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	(void)gmtime_r(&now.tv_sec, &utc);
	return snprintf(text, VS_CAPTURE_NOTE_BYTES, "%02d:%02d:%02d.%06ldZ", utc.tm_hour, utc.tm_min,
			utc.tm_sec, now.tv_nsec / 1000);
}

static void write_event(char *text, size_t size, const struct vdestack_event *e, const char *what)
{
	char address[INET6_ADDRSTRLEN + 8] = "", cause[64] = "";

	if (e->addr[0] != '\0')
		(void)snprintf(address, sizeof(address), " %.45s/%u", e->addr, e->prefix_len);
	if (e->error != 0)
		(void)snprintf(cause, sizeof(cause), ": %.60s", strerrordesc_np(e->error));
	(void)snprintf(text, size, " %.15s: %s%s%s", e->ifname, what, address, cause);
}

/* What does not fit is left out, and the comment says so. */
static void write_said(char *text, size_t size, const struct vdestack_event *e, const char *said)
{
	static const char cut[] = " ...";

	if ((size_t)snprintf(text, size, " %.15s: %s", e->ifname, said) >= size)
		memcpy(text + size - sizeof(cut), cut, sizeof(cut));
}

/* said: what came with the event; "": nothing. */
static void note(struct vs_capture_notes *notes, struct vdestack_event *e, const char *said)
{
	const char *what = text_of(e->type);

	e->ifname[sizeof(e->ifname) - 1] = e->addr[sizeof(e->addr) - 1] = '\0';
	if (what == NULL || (e->ifname[0] != '\0' && strcmp(e->ifname, notes->ifname) != 0))
		return;
	if (notes->comments.n == VS_PCAPNG_COMMENTS_MAX) {
		char *last = notes->text[VS_PCAPNG_COMMENTS_MAX - 1];
		(void)snprintf(last, VS_CAPTURE_NOTE_BYTES, "%u more events are left out", ++notes->left_out);
		return;
	}
	char *text = notes->text[notes->comments.n];
	size_t n = (size_t)write_time(text);
	if (said[0] != '\0')
		write_said(text + n, VS_CAPTURE_NOTE_BYTES - n, e, said);
	else
		write_event(text + n, VS_CAPTURE_NOTE_BYTES - n, e, what);
	notes->comments.text[notes->comments.n++] = text;
}

int vs_capture_notes_subscribe(struct vs_events *events)
{
	VS_AUTO_CLOSE netlink = vs_own_socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r = netlink < 0 || events == NULL
			? -1
			: vs_events_subscribe_notes(events, vs_steal_fd(&netlink));

	return r < 0 ? -1 : r;
}

bool vs_capture_notes_read(struct vs_capture_notes *notes)
{
	struct vdestack_event event;
	char said[VS_EVENTS_NOTE_MAX];
	struct iovec iov[2] = { { &event, sizeof(event) }, { said, sizeof(said) - 1 } };
	struct msghdr h = { .msg_iov = iov, .msg_iovlen = 2 };
	ssize_t n;

	if (notes->fd < 0)
		return false;
	while ((n = recvmsg(notes->fd, &h, MSG_DONTWAIT)) >= (ssize_t)sizeof(event)) {
		said[(size_t)n - sizeof(event)] = '\0';
		note(notes, &event, said);
	}
	return n < 0 && errno == EAGAIN;
}

void vs_capture_notes_clear(struct vs_capture_notes *notes)
{
	notes->comments.n = 0;
	notes->left_out = 0;
}
