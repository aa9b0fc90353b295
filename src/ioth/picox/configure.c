/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What libiothconf needs: words that configure, the state of address sources, the text of a resolv.conf. */

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "base/clock.h"
#include "plugin.h"
#include <vdestack.h>
#include <vdestack/sources.h>

#define READY_STEP_MS 20

/* Those that have no meaning for a change of a stack, as in vdestack_configure(), and VDESTACK_NO_WAIT. */
#define FLAGS                                                                                                \
	(VDESTACK_NO_WAIT | VDESTACK_FORCE_MTU | VDESTACK_ALLOW_ABSENT | VDESTACK_NO_RECONNECT |             \
	 VDESTACK_UNREGISTERED | VDESTACK_LINKS_DOWN)

/* -1 with errno and the message of ioth_last_error(). text "": there is none of the process. */
static int failed(const struct px_stack *stack, int r, const char *step, const char *text)
{
	char message[PX_DATA_MAX];

	(void)snprintf(message, sizeof(message), "%s: %s", step, text[0] != '\0' ? text : strerror(-r));
	return stack->fail(-r, message);
}

/*
 * struct ioth_functions: words as those of vdestack_configure(). timeout_ms: how long it waits until the
 * stack can be used; 0, or VDESTACK_NO_WAIT: not at all.
 */
static int configure(void *stackdata, const char *words, unsigned flags, int timeout_ms)
{
	struct px_stack *stack = stackdata;
	int64_t deadline = vs_deadline_ms(timeout_ms);
	char text[1024] = "";
	struct px_call change = { .op = PX_CONFIGURE,
				  .data = words,
				  .len = strlen(words) + 1,
				  .result = text,
				  .room = sizeof(text) - 1 };
	struct px_call ready = { .op = PX_READY, .result = text, .room = sizeof(text) - 1 };
	int r = (flags & ~FLAGS) != 0 ? -EINVAL : px_ask_request(stack, &change, PX_CALL_MS);

	while (r == 0 && timeout_ms != 0 && (flags & VDESTACK_NO_WAIT) == 0) {
		r = px_ask_request(stack, &ready, PX_CALL_MS);
		if (r != -EAGAIN)
			break;
		r = vs_left_ms(deadline) == 0 ? -ETIMEDOUT : 0;
		if (r == 0)
			(void)poll(NULL, 0, READY_STEP_MS);
	}
	return r < 0 ? failed(stack, r, "cannot configure a stack", text) : 0;
}

static int sources(void *stackdata, const char *ifname, struct vdestack_source *list, size_t n)
{
	struct px_stack *stack = stackdata;
	const char *name = ifname != NULL ? ifname : "";
	size_t got = 0;

	for (;;) {
		struct px_call call = { .op = PX_SOURCES,
					.args = { (int32_t)got },
					.data = name,
					.len = strlen(name) + 1,
					.result = got < n ? list + got : NULL,
					.room = got < n ? (n - got) * sizeof(*list) : 0 };
		int r = px_ask_request(stack, &call, PX_CALL_MS);
		if (r < 0)
			return failed(stack, r, "cannot list address sources", "");
		got += call.got / sizeof(*list);
		if (got >= n || got >= call.value || call.got == 0)
			return (int)call.value;
	}
}

static int resolvconf(void *stackdata, const char *ifname, char *buf, size_t size)
{
	struct px_stack *stack = stackdata;
	const char *name = ifname != NULL ? ifname : "";
	struct px_call call = {
		.op = PX_RESOLVCONF, .data = name, .len = strlen(name) + 1, .result = buf, .room = size
	};
	char text[80] = "";
	int r = px_ask_request(stack, &call, PX_CALL_MS);

	if (r == 0 && call.got > size) {
		(void)snprintf(text, sizeof(text), "it needs %zu bytes, and the buffer has %zu", call.got,
			       size);
		r = -ERANGE;
	}
	return r < 0 ? failed(stack, r, "cannot write a resolv.conf", text) : (int)call.got - 1;
}

static int events(void *stackdata)
{
	struct px_stack *stack = stackdata;
	int fd = -1;
	struct px_call call = { .op = PX_EVENTS, .fd = &fd };
	int r = px_ask_request(stack, &call, PX_CALL_MS);

	if (r == 0 && fd < 0)
		r = -EMFILE;
	return r < 0 ? failed(stack, r, "cannot follow a stack", "") : fd;
}

void px_plugin_configure(struct ioth_functions *f)
{
	f->configure = configure;
	f->sources = sources;
	f->resolvconf = resolvconf;
	f->events = events;
}
