/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The plugin picox, also called lwip: makes and ends stacks. */

#include "plugin.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ask.h"
#include "base/cleanup.h"
#include "start.h"

#define REAP_MS 62000 /* more than it lingers */
#define END_MS 1000   /* the queue of requests is full: the process has been stopped or it hangs */
#define OPEN_MS 10000 /* a network that takes longer to open will never come */

/* ------------------------------------------------------------------ stacks */

/* IFNAME:VNL has its first ':' before "://". */
static int add_iface(struct px_stack *stack, const char *word)
{
	const char *colon = strchr(word, ':'), *scheme = strstr(word, "://");
	size_t name = colon != NULL && colon != scheme ? (size_t)(colon - word) : 0;
	const char *vnl = name > 0 ? colon + 1 : word;
	size_t len = strlen(vnl);
	char data[PX_DATA_MAX];

	if (colon == word || name >= IFNAMSIZ || name + len + 2 > sizeof(data))
		return -EINVAL;
	memcpy(data, word, name);
	data[name] = '\0';
	memcpy(data + name + 1, vnl, len + 1);
	struct px_call call = { .op = PX_IFACE, .data = data, .len = name + len + 2 };
	return px_ask_request(stack, &call, OPEN_MS);
}

/* *failed: the network that cannot be opened, or NULL. */
static int prepare(struct px_stack *stack, const char *const vnlv[], const char **failed)
{
	struct px_call hello = { .op = PX_HELLO };
	int r = px_ask_request(stack, &hello, PX_CALL_MS);

	for (size_t i = 0; r >= 0 && vnlv != NULL && vnlv[i] != NULL; i++) {
		r = add_iface(stack, vnlv[i]);
		*failed = r < 0 ? vnlv[i] : NULL;
	}
	return r;
}

/* A child that ends its copy does not end the stack of its parent. */
static int delete_stack(void *stackdata)
{
	struct px_stack *stack = stackdata;

	if (stack->maker == getpid() && vs_sock_valid(&stack->control))
		(void)px_request_end(stack->control.fd, END_MS);
	vs_sock_close(&stack->control);
	px_reap(stack->pid, REAP_MS);
	free(stack);
	return 0;
}

/*
 * Calls that wait for the process return when it ends, and it ends with the last copy of the control socket.
 * The number stays ours: a call in another thread may be about to use it.
 */
static void wake(void *stackdata)
{
	struct px_stack *stack = stackdata;
	int pair[2];

	if (!vs_sock_valid(&stack->control) || vs_socketpair(pair) < 0)
		return;
	vs_close(pair[1]);
	if (dup3(pair[0], stack->control.fd, O_CLOEXEC) >= 0)
		vs_sock_refresh(&stack->control);
	vs_close(pair[0]);
}

/* errno, and the message of ioth_last_error(). */
static void explain(const struct ioth_functions *f, int r, const char *network)
{
	char text[512];

	errno = -r;
	if (network == NULL)
		return;
	(void)snprintf(text, sizeof(text), "cannot open the network %.300s: %s", network,
		       r == -ETIMEDOUT ? "it is silent" : strerror(-r));
	(void)f->fail(-r, text);
}

static void *new_stack(const char *vnlv[], const char *options, struct ioth_functions *f)
{
	int control = -1;

	if (options != NULL && options[0] != '\0') {
		errno = EINVAL; /* there are none */
		return NULL;
	}
	struct px_stack *stack = calloc(1, sizeof(*stack));
	if (stack == NULL)
		return NULL;
	int r = px_start(&control, &stack->pid);
	if (r < 0) {
		free(stack);
		errno = -r;
		return NULL;
	}
	stack->control = vs_sock_of(control);
	stack->maker = getpid();
	stack->fail = f->fail;
	const char *failed = NULL;
	r = prepare(stack, vnlv, &failed);
	if (r < 0) {
		(void)delete_stack(stack);
		explain(f, r, failed);
		return NULL;
	}
	px_ask_by(f->getstackdata);
	f->delstack = delete_stack;
	f->wake = wake;
	px_plugin_configure(f);
	px_plugin_calls(f);
	px_plugin_accept(f);
	px_plugin_options(f);
	px_plugin_transfer(f);
	return stack;
}

/* ------------------------------------------------------------------ what the file shows */

#define SHOWN __attribute__((visibility("default")))
#define PLUGIN(name)                                                                                         \
	SHOWN extern const char *const ioth_##name##_license;                                                \
	SHOWN const char *const ioth_##name##_license = "LGPL-2.1-or-later";                                 \
	SHOWN void *ioth_##name##_newstack(const char *vnlv[], const char *options,                          \
					   struct ioth_functions *functions);                                \
	void *ioth_##name##_newstack(const char *vnlv[], const char *options,                                \
				     struct ioth_functions *functions)                                       \
	{                                                                                                    \
		return new_stack(vnlv, options, functions);                                                  \
	}

PLUGIN(picox)
PLUGIN(picox_n)
PLUGIN(lwip)
PLUGIN(lwip_n)
