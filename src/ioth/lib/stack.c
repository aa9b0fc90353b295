/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Stacks: made, ended, found. stack.h tells their states.
 */

#include "stack.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "complete.h"
#include "error.h"
#include "host.h"
#include "inside.h"
#include "internal.h"
#include "loader.h"
#include "table.h"

#define LEAVE_MS 5000 /* how long a call that runs in another thread may take to return */
#define WAKE_MS 100   /* the same, before the plugin is asked to make it return */

/* For plugins: fail() of struct ioth_functions. */
static int fail(int err, const char *message)
{
	return vs_ioth_fail(err, "%s", message);
}

static void *get_stackdata(void)
{
	const struct ioth *stack = vs_inside_current();

	return stack != NULL ? stack->data : NULL;
}

struct ioth vs_ioth_host;
static _Atomic(struct ioth *) stacks; /* all, vs_ioth_host apart; grows only */
static _Atomic(struct ioth *) defstack;
static _Atomic uint64_t last_serial = 1;

__attribute__((constructor)) static void prepare_host(void)
{
	vs_host_functions(&vs_ioth_host.f);
	vs_ioth_host.f.getstackdata = get_stackdata;
	vs_ioth_host.data = vs_host_forever();
	vs_complete(&vs_ioth_host.f);
	vs_ioth_host.plain = vs_host_is_plain(&vs_ioth_host.f);
	atomic_store(&vs_ioth_host.serial, 1);
	atomic_store(&vs_ioth_host.state, VS_IOTH_LIVE);
}

struct ioth *vs_ioth_default(void)
{
	return atomic_load_explicit(&defstack, memory_order_acquire);
}

void ioth_set_defstack(struct ioth *iothstack)
{
	atomic_store(&defstack, iothstack);
}

struct ioth *ioth_get_defstack(void)
{
	return vs_ioth_default();
}

/* ------------------------------------------------------------------ the memory */

/* A stack that is MAKING and belongs to the caller; NULL: out of memory. */
static struct ioth *take(void)
{
	struct ioth *stack = atomic_load(&stacks);

	for (; stack != NULL; stack = stack->next) {
		int expected = VS_IOTH_FREE;
		if (atomic_compare_exchange_strong(&stack->state, &expected, VS_IOTH_MAKING))
			return stack;
	}
	stack = calloc(1, sizeof(*stack));
	if (stack == NULL) {
		(void)vs_ioth_fail(ENOMEM, "cannot make a stack: out of memory");
		return NULL;
	}
	atomic_store(&stack->state, VS_IOTH_MAKING);
	struct ioth *first = atomic_load(&stacks);
	do {
		stack->next = first;
	} while (!atomic_compare_exchange_weak(&stacks, &first, stack));
	return stack;
}

/* The stack is the caller's, in MAKING or CLOSING. */
static void give_back(struct ioth *stack)
{
	int saved = errno;

	vs_plugin_unload(stack->handle);
	stack->handle = NULL;
	stack->data = NULL;
	stack->errno_location = NULL;
	memset(&stack->f, 0, sizeof(stack->f));
	atomic_store(&stack->serial, 0);
	atomic_store(&stack->state, VS_IOTH_FREE);
	errno = saved;
}

/* ------------------------------------------------------------------ failures of plugins */

/* Before a function of a plugin: no errno of an earlier call is left. Returns what plugin_failed() needs. */
static unsigned before_plugin(const struct ioth *stack)
{
	(void)vs_give_errno(stack, 0);
	return vs_ioth_failures();
}

/* After it: the message is its own, if it has recorded one by fail(), and so is errno. Returns -1. */
static int plugin_failed(const struct ioth *stack, unsigned before, const char *step)
{
	if (vs_ioth_failures() != before && errno != 0)
		return -1;
	vs_take_errno(stack);
	int err = errno != 0 ? errno : EIO;
	return vs_ioth_fail(err, "%s: %s", step, strerror(err));
}

/* ------------------------------------------------------------------ making */

/* Fills in the functions of the plugin, and calls its newstack. */
static int start(struct ioth *stack, const char *name, const char *vnlv[])
{
	size_t len = strcspn(name, ",");
	struct vs_plugin plugin;

	if (vs_plugin_load(name, len, &plugin) < 0)
		return -1;
	stack->handle = plugin.handle;
	stack->errno_location = plugin.errno_location;
	stack->f = plugin.f;
	stack->f.getstackdata = get_stackdata;
	stack->f.fail = fail;
	unsigned before = before_plugin(stack);
	stack->data = stack->f.newstack(vnlv, name[len] == ',' ? name + len + 1 : "", &stack->f);
	if (stack->data == NULL)
		return plugin_failed(stack, before, "the plugin cannot make the stack");
	stack->f.getstackdata = get_stackdata;
	return 0;
}

/* The network of the process. */
static int start_host(struct ioth *stack)
{
	stack->data = vs_host_new();
	if (stack->data == NULL)
		return vs_ioth_fail(ENOMEM, "cannot make a stack: out of memory");
	vs_host_functions(&stack->f);
	stack->f.getstackdata = get_stackdata;
	return 0;
}

struct ioth *ioth_newstackv(const char *name, const char *vnlv[])
{
	static const char *none[] = { NULL };
	struct ioth *stack = take();

	if (stack == NULL)
		return NULL;
	bool is_host = name == NULL || name[0] == '\0';
	if ((is_host ? start_host(stack) : start(stack, name, vnlv != NULL ? vnlv : none)) < 0) {
		give_back(stack);
		return NULL;
	}
	vs_complete(&stack->f);
	stack->plain = vs_host_is_plain(&stack->f);
	atomic_store(&stack->serial, atomic_fetch_add(&last_serial, 1) + 1);
	atomic_store(&stack->state, VS_IOTH_LIVE);
	return stack;
}

struct ioth *ioth_newstack(const char *stack, const char *vnl)
{
	const char *vnlv[] = { vnl, NULL };

	return ioth_newstackv(stack, vnlv);
}

struct ioth *ioth_newstackl(const char *stack, const char *vnl, ... /* (char *)NULL */)
{
	size_t n = 0;
	va_list ap;

	va_start(ap, vnl);
	for (const char *next = vnl; next != NULL; next = va_arg(ap, const char *))
		n++;
	va_end(ap);
	const char **vnlv = calloc(n + 1, sizeof(*vnlv));
	if (vnlv == NULL) {
		(void)vs_ioth_fail(ENOMEM, "cannot make a stack: out of memory");
		return NULL;
	}
	va_start(ap, vnl);
	for (size_t i = 0; i < n; i++)
		vnlv[i] = i == 0 ? vnl : va_arg(ap, const char *);
	va_end(ap);
	struct ioth *made = ioth_newstackv(stack, vnlv);
	int saved = errno;
	free(vnlv);
	errno = saved;
	return made;
}

/* ------------------------------------------------------------------ ending */

static int busy_descriptor(int fd)
{
	return vs_ioth_fail(EBUSY,
			    "cannot end the stack: descriptor %d of it is open; close it by ioth_close()",
			    fd);
}

/* A thread may wait for the network in a descriptor that is closed. Only the plugin can make it return. */
static bool wait_none_inside(struct ioth *stack)
{
	if (stack->f.wake == NULL)
		return vs_inside_wait_none(stack, LEAVE_MS);
	if (vs_inside_wait_none(stack, WAKE_MS))
		return true;
	if (vs_table_find_open(stack) < 0) /* a thread that was inside may have made one */
		stack->f.wake(stack->data);
	return vs_inside_wait_none(stack, LEAVE_MS);
}

/*
 * Whether the stack, which is CLOSING, is unused now and for ever: no descriptor of it is open, no thread is
 * inside. Descriptors that were closed by close(2) are forgotten between two waits: a thread may come in by
 * the number of one of them.
 */
static int check_unused(struct ioth *stack)
{
	for (int turn = 0; turn < 2; turn++) {
		if (!wait_none_inside(stack))
			return vs_ioth_fail(EBUSY, "cannot end the stack: a call of another thread is inside "
						   "it; end that call first");
		int fd = vs_table_find_open(stack);
		if (fd >= 0)
			return busy_descriptor(fd);
		vs_table_forget(stack);
	}
	return 0;
}

/* The plugin's delstack, inside the stack: getstackdata() works. */
static int end(struct ioth *stack)
{
	struct vs_call call;

	if (!vs_inside_begin(&call))
		return vs_ioth_fail(errno, "cannot end the stack: %s", strerror(errno));
	vs_inside_publish(call.me, call.depth, stack);
	unsigned before = before_plugin(stack);
	int r = stack->f.delstack(stack->data);
	if (r < 0)
		r = plugin_failed(stack, before, "the plugin cannot end the stack");
	vs_leave(&call);
	return r < 0 ? -1 : 0;
}

int ioth_delstack(struct ioth *iothstack)
{
	int expected = VS_IOTH_LIVE;

	if (iothstack == NULL || iothstack == &vs_ioth_host)
		return vs_ioth_fail(EINVAL, "cannot end the stack: there is none (NULL)");
	if (vs_inside_get() == NULL) /* in a child, this forgets the calls of the parent's threads */
		return vs_ioth_fail(errno, "cannot end the stack: out of memory");
	int fd = atomic_load(&iothstack->state) == VS_IOTH_LIVE ? vs_table_find_open(iothstack) : -1;
	if (fd >= 0)
		return busy_descriptor(fd);
	if (!atomic_compare_exchange_strong(&iothstack->state, &expected, VS_IOTH_CLOSING))
		return vs_ioth_fail(EINVAL, "cannot end the stack: it has been ended already");
	if (check_unused(iothstack) < 0 || end(iothstack) < 0) {
		atomic_store(&iothstack->state, VS_IOTH_LIVE);
		return -1;
	}
	struct ioth *as_default = iothstack;
	(void)atomic_compare_exchange_strong(&defstack, &as_default, NULL);
	give_back(iothstack);
	return 0;
}

/* ------------------------------------------------------------------ for the libraries above */

static const struct ioth *resolve(const struct ioth *stack)
{
	if (stack == NULL)
		stack = vs_ioth_default();
	return stack != NULL ? stack : &vs_ioth_host;
}

const struct ioth_functions *ioth_functions_of(struct ioth *stack, void **stackdata)
{
	const struct ioth *found = resolve(stack);

	if (atomic_load(&found->state) != VS_IOTH_LIVE) {
		(void)vs_ioth_fail(EINVAL, "the stack has been ended");
		return NULL;
	}
	if (stackdata != NULL)
		*stackdata = found->data;
	return &found->f;
}

_Static_assert(sizeof(struct vs_call) <= sizeof(struct ioth_inside), "a call fits");

const struct ioth_functions *ioth_internal_enter(struct ioth_inside *inside, struct ioth *stack,
						 void **stackdata)
{
	struct vs_call call;

	if (!vs_enter_stack(&call, stack)) {
		(void)vs_ioth_fail(errno, "cannot use the stack: %s",
				   errno == EINVAL ? "it has been ended" : strerror(errno));
		return NULL;
	}
	memcpy(inside, &call, sizeof(call));
	if (stackdata != NULL)
		*stackdata = call.stack->data;
	return &call.stack->f;
}

void ioth_internal_leave(const struct ioth_inside *inside)
{
	struct vs_call call;

	memcpy(&call, inside, sizeof(call));
	vs_leave(&call);
}

uint64_t ioth_serial_of(struct ioth *stack)
{
	return atomic_load(&((struct ioth *)resolve(stack))->serial);
}
