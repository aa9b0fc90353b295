/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Stacks are attached to once, and the handles are used for all readings. A stack has no number that others
 * see, only its place in the list of its program. When an earlier one is deleted the place changes; then the
 * handle of the earlier one fails, and those behind it are made anew.
 */

#include "view.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "config/impair_text.h"

#define ATTACH_MS 1000
#define LOCATOR_MAX 8192
#define NS_IN_S 1e9

static int64_t now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void stack_end(struct vs_view_stack *s)
{
	for (size_t i = 0; i < s->n_ifaces; i++)
		free(s->ifaces[i].locator);
	free(s->ifaces);
	free(s->addrs);
	free(s->sources);
	if (s->handle != NULL)
		(void)vdestack_delete(s->handle);
}

void vs_view_end(struct vs_view *view)
{
	for (size_t i = 0; i < view->n; i++)
		stack_end(&view->stacks[i]);
	free(view->stacks);
	view->stacks = NULL;
	view->n = 0;
}

/* ------------------------------------------------------------------ one interface */

static void read_impairment(struct vdestack *handle, struct vs_view_iface *i)
{
	for (int way = 0; way < 2; way++) {
		i->settings[way].size = sizeof(i->settings[way]);
		i->impair_stats[way].size = sizeof(i->impair_stats[way]);
	}
	i->impaired = vdestack_impair_get(handle, i->device.name, &i->settings[0], &i->settings[1],
					  &i->impair_stats[0], &i->impair_stats[1]) == 0 &&
		      (vs_impair_is_set(&i->settings[0]) || vs_impair_is_set(&i->settings[1]));
}

static void read_link(struct vdestack *handle, struct vs_view_iface *i)
{
	struct vdestack_link_stats stats = { .size = sizeof(stats) };
	char locator[LOCATOR_MAX];

	i->rx_frames = i->device.rx_packets;
	i->tx_frames = i->device.tx_packets;
	i->rx_dropped = i->device.rx_dropped;
	i->tx_dropped = i->device.tx_dropped;
	if (vdestack_link_get_stats(handle, i->device.name, &stats) < 0)
		return;
	i->has_link = true;
	i->link = stats;
	i->reconnects = stats.reconnects;
	read_impairment(handle, i);
	if (vdestack_link_get_locator(handle, i->device.name, locator, sizeof(locator)) >= 0)
		i->locator = strdup(locator);
	/* The kernel counts super-frames. Segments have no other counters. */
	if (stats.rx_frames == 0 && stats.tx_frames == 0 && stats.tx_dropped == 0 && stats.tx_refused == 0)
		return;
	i->rx_frames = stats.rx_frames;
	i->tx_frames = stats.tx_frames;
	i->rx_dropped = stats.rx_dropped;
	i->tx_dropped = stats.tx_dropped;
	i->tx_refused = stats.tx_refused;
}

static double rate(uint64_t now, uint64_t before, double seconds)
{
	return now > before && seconds > 0 ? (double)(now - before) / seconds : 0;
}

static void compare(struct vs_view_iface *now, const struct vs_view_stack *before, double seconds)
{
	for (size_t i = 0; i < before->n_ifaces; i++) {
		const struct vs_view_iface *old = &before->ifaces[i];
		if (old->device.index != now->device.index)
			continue;
		now->has_rates = true;
		now->rates = (struct vs_view_rates){
			.rx_bytes = rate(now->device.rx_bytes, old->device.rx_bytes, seconds),
			.tx_bytes = rate(now->device.tx_bytes, old->device.tx_bytes, seconds),
			.rx_frames = rate(now->rx_frames, old->rx_frames, seconds),
			.tx_frames = rate(now->tx_frames, old->tx_frames, seconds),
		};
	}
}

/* ------------------------------------------------------------------ one stack */

static int read_ifaces(struct vs_view_stack *s)
{
	VS_AUTO_FREE struct vs_device *devices = NULL;
	int n = vs_devices_read(s->handle, &devices);

	if (n <= 0)
		return n;
	s->ifaces = calloc((size_t)n, sizeof(*s->ifaces));
	if (s->ifaces == NULL)
		return -ENOMEM;
	s->n_ifaces = (size_t)n;
	for (size_t i = 0; i < s->n_ifaces; i++) {
		s->ifaces[i].device = devices[i];
		read_link(s->handle, &s->ifaces[i]);
	}
	return 0;
}

/* More than there are at first are not read: the list is that of a moment. */
static int read_addrs(struct vs_view_stack *s)
{
	int n = vdestack_addr_list(s->handle, NULL, NULL, 0, sizeof(*s->addrs));

	if (n <= 0)
		return n < 0 ? -errno : 0;
	s->addrs = calloc((size_t)n, sizeof(*s->addrs));
	int got = s->addrs != NULL
			  ? vdestack_addr_list(s->handle, NULL, s->addrs, (size_t)n, sizeof(*s->addrs))
			  : 0;
	s->n_addrs = (size_t)(got < 0 ? 0 : got < n ? got : n);
	return 0;
}

static void read_sources(struct vs_view_stack *s)
{
	int n = vdestack_sources(s->handle, NULL, NULL, 0);

	if (n <= 0)
		return;
	s->sources = calloc((size_t)n, sizeof(*s->sources));
	int got = s->sources != NULL ? vdestack_sources(s->handle, NULL, s->sources, (size_t)n) : 0;
	s->n_sources = (size_t)(got < 0 ? 0 : got < n ? got : n);
}

static int read_stack(struct vs_view_stack *s)
{
	int r = read_ifaces(s);

	if (r == 0)
		r = read_addrs(s);
	if (r == 0)
		read_sources(s);
	s->time_ns = now_ns();
	return r;
}

static void attach(struct vs_view_stack *s)
{
	const struct vdestack_attach_opts opts = { .size = sizeof(opts), .timeout_ms = ATTACH_MS };
	char index[16];

	(void)snprintf(index, sizeof(index), "%d", s->shown.index);
	/* The number of a keeper is unique; a program may have several. */
	s->handle = vdestack_attach(s->shown.keeper, s->shown.name[0] != '\0' ? s->shown.name : index, &opts);
	int r = s->handle != NULL ? read_stack(s) : -errno;
	if (r < 0)
		(void)snprintf(s->why, sizeof(s->why), "%s",
			       s->handle == NULL ? vdestack_last_error()
			       : r == -ENETDOWN  ? "the stack has ended"
						 : strerror(-r));
}

/* ------------------------------------------------------------------ all */

/* The handle of the reading before, if the stack still is at that place. */
static struct vs_view_stack *find_before(struct vs_view *before, const struct vdestack_registered *shown)
{
	for (size_t i = 0; i < before->n; i++) {
		struct vs_view_stack *s = &before->stacks[i];
		if (s->handle != NULL && s->shown.keeper == shown->keeper && s->shown.index == shown->index &&
		    strcmp(s->shown.name, shown->name) == 0)
			return s;
	}
	return NULL;
}

/* Its handle is of no use any more, nor are those of the stacks behind it. */
static void forget(struct vs_view *before, pid_t keeper, int from)
{
	for (size_t i = 0; i < before->n; i++) {
		struct vs_view_stack *s = &before->stacks[i];
		if (s->handle != NULL && s->shown.keeper == keeper && s->shown.index >= from) {
			(void)vdestack_delete(s->handle);
			s->handle = NULL;
		}
	}
}

static void fill(struct vs_view *before, struct vs_view_stack *s)
{
	struct vs_view_stack *old;

	if ((s->shown.flags & VDESTACK_REGISTERED_SILENT) != 0) {
		(void)snprintf(s->why, sizeof(s->why), "its keeper does not answer; is it stopped?");
		return;
	}
	old = find_before(before, &s->shown);
	if (old == NULL) {
		attach(s);
		return;
	}
	s->handle = old->handle;
	old->handle = NULL;
	if (read_stack(s) == 0) {
		for (size_t i = 0; i < s->n_ifaces; i++)
			compare(&s->ifaces[i], old, (double)(s->time_ns - old->time_ns) / NS_IN_S);
		return;
	}
	struct vs_view_stack again = { .shown = s->shown };
	forget(before, s->shown.keeper, s->shown.index);
	stack_end(s);
	*s = again;
	attach(s);
}

/* Returns how many there are, and *list to be freed. */
static int list_registered(struct vdestack_registered **list)
{
	int room = 32, n;

	for (;;) {
		*list = calloc((size_t)room, sizeof(**list));
		if (*list == NULL)
			return -ENOMEM;
		n = vdestack_registry_list(*list, (size_t)room);
		if (n >= 0 && n <= room)
			return n;
		free(*list);
		if (n < 0)
			return -errno;
		room = n + 32;
	}
}

static int by_program(const void *a, const void *b)
{
	const struct vdestack_registered *x = a, *y = b;

	return x->pid != y->pid         ? (x->pid > y->pid) - (x->pid < y->pid)
	       : x->keeper != y->keeper ? (x->keeper > y->keeper) - (x->keeper < y->keeper)
					: (x->index > y->index) - (x->index < y->index);
}

/* A program that does not answer may have the stack that is wanted. */
static bool is_wanted(const struct vs_view *view, const struct vdestack_registered *r)
{
	char index[16];

	if (view->pid != 0 && view->pid != r->pid && view->pid != r->keeper)
		return false;
	(void)snprintf(index, sizeof(index), "%d", r->index);
	return view->stack == NULL || (r->flags & VDESTACK_REGISTERED_SILENT) != 0 ||
	       strcmp(view->stack, r->name) == 0 || (r->name[0] == '\0' && strcmp(view->stack, index) == 0);
}

/* Drops the others. Returns how many are left. */
static int keep_wanted(const struct vs_view *view, struct vdestack_registered *list, int n)
{
	int left = 0;

	for (int i = 0; i < n; i++)
		if (is_wanted(view, &list[i]))
			list[left++] = list[i];
	return left;
}

int vs_view_read(struct vs_view *view)
{
	struct vs_view before = *view;
	struct vdestack_registered *list;
	int n = list_registered(&list);

	view->stacks = NULL;
	view->n = 0;
	if (n >= 0) {
		n = keep_wanted(view, list, n);
		qsort(list, (size_t)n, sizeof(*list), by_program);
		view->stacks = calloc((size_t)n + 1, sizeof(*view->stacks));
		for (; view->stacks != NULL && view->n < (size_t)n; view->n++) {
			view->stacks[view->n].shown = list[view->n];
			fill(&before, &view->stacks[view->n]);
		}
		if (view->stacks == NULL)
			n = -ENOMEM;
		free(list);
	}
	vs_view_end(&before);
	return n < 0 ? n : 0;
}

void vs_view_name(const struct vs_view_stack *stack, char name[64])
{
	if (stack->shown.name[0] != '\0')
		(void)snprintf(name, 64, "%.63s", stack->shown.name);
	else if (stack->shown.index >= 0)
		(void)snprintf(name, 64, "%d", stack->shown.index);
	else
		(void)snprintf(name, 64, "-");
}

const char *vs_view_source(uint32_t kind)
{
	switch (kind) {
	case VDESTACK_SOURCE_DHCP4:
		return "dhcp4";
	case VDESTACK_SOURCE_DHCP6:
		return "dhcp6";
	case VDESTACK_SOURCE_RA:
		return "ra";
	default:
		return "other";
	}
}
