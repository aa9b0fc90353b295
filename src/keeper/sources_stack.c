/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The sources of one stack: its interfaces, and what was requested for each. All by the thread of the
 * sources.
 *
 * An interface has a record while it has sources, or name servers and domains of its own. Records are freed
 * in one place, vs_sources_stack_settle(), which the outermost functions call when nothing uses them any
 * more.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "call.h"
#include "iface.h"
#include "job.h"
#include "sources_inside.h"

/* ------------------------------------------------------------------ interfaces */

struct vs_source_iface *vs_sources_stack_iface(struct vs_sources_stack *stack, int ifindex)
{
	struct vs_source_iface *iface = stack->ifaces;

	while (iface != NULL && iface->ifindex != ifindex)
		iface = iface->next;
	return iface;
}

static struct vs_source_iface *find_name(struct vs_sources_stack *stack, const char *name)
{
	struct vs_source_iface *iface = stack->ifaces;

	while (iface != NULL && strcmp(iface->name, name) != 0)
		iface = iface->next;
	return iface;
}

bool vs_sources_stack_has_sources(const struct vs_source_iface *iface)
{
	for (int i = 0; i < VS_SOURCE_N; i++)
		if (iface->sources[i] != NULL)
			return true;
	return false;
}

static void stop_all(struct vs_source_iface *iface, bool release)
{
	for (int i = 0; i < VS_SOURCE_N; i++)
		if (iface->sources[i] != NULL)
			vs_source_stop(iface->sources[i], release);
}

/* By index. What was learned has the order of the interfaces, whichever was changed last. */
static void insert(struct vs_sources_stack *stack, struct vs_source_iface *iface)
{
	struct vs_source_iface **at = &stack->ifaces;

	while (*at != NULL && (*at)->ifindex < iface->ifindex)
		at = &(*at)->next;
	iface->next = *at;
	*at = iface;
}

static struct vs_source_iface *new_iface(const struct vs_order *order)
{
	struct vs_sources_stack *stack = order->stack;
	struct vs_source_iface *iface = calloc(1, sizeof(*iface));

	if (iface == NULL)
		return NULL;
	iface->stack = stack;
	iface->ifindex = order->ifindex;
	memcpy(iface->mac, order->mac, 6);
	memcpy(iface->name, order->want->ifname, sizeof(iface->name));
	iface->udp6 = -1;
	iface->up = iface->seen = true; /* until the kernel says something else */
	insert(stack, iface);
	return iface;
}

/* The job removes an interface of the stack; its device goes now. */
static void submit(struct vs_job *job)
{
	vs_iface_stop(job->iface);
	(void)vs_job_submit(job); /* cannot fail */
}

static void free_iface(struct vs_source_iface *iface)
{
	vs_close(iface->udp6);
	vs_sources_leases_close(iface);
	free(iface->fqdn);
	if (iface->names != NULL && !iface->stack->ending)
		vs_source_tell_static(iface);
	free(iface->names);
	if (iface->removal != NULL)
		submit(iface->removal);
	iface->stack->generation++;
	free(iface);
}

void vs_sources_stack_forget(struct vs_source *s)
{
	struct vs_source **slot = &s->iface->sources[s->kind->source];

	if (*slot == s)
		*slot = NULL;
	s->iface->stack->generation++;
}

/* ------------------------------------------------------------------ what changes at any time */

void vs_sources_stack_settle(struct vs_sources_stack *stack)
{
	for (struct vs_source_iface **at = &stack->ifaces; *at != NULL;) {
		struct vs_source_iface *iface = *at;
		bool goes = iface->removal != NULL || iface->gone || stack->ending;
		if (vs_sources_stack_has_sources(iface) || (iface->names != NULL && !goes)) {
			at = &iface->next;
			continue;
		}
		*at = iface->next;
		free_iface(iface);
	}
	if (stack->waits != NULL)
		vs_sources_waits_answer(stack);
	if (stack->ending && stack->ifaces == NULL)
		vs_sources_ended(stack);
}

void vs_sources_stack_flag(struct vs_source_iface *iface, bool managed)
{
	struct vs_source_sockets none = { -1, -1, -1, -1, -1 };
	struct vs_source *running = iface->sources[VS_SOURCE_DHCP6];

	if (running != NULL && !(managed && running->by_ra && running->config.information))
		return;
	if (running != NULL)
		vs_source_stop(running, false);
	iface->information = !managed;
	(void)vs_source_start(iface, VS_SOURCE_DHCP6, true, &none);
}

/* ------------------------------------------------------------------ requests to change */

static void delete_dns(struct vs_source_names *names, const struct vs_wire_ip *ip)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < names->n_dns; i++)
		if (memcmp(&names->dns[i], ip, sizeof(*ip)) != 0)
			names->dns[kept++] = names->dns[i];
	names->n_dns = kept;
}

/* Removes one word from a list with single spaces. */
static void delete_domain(char *list, const char *word, size_t len)
{
	for (char *at = list; *at != '\0';) {
		size_t n = strcspn(at, " ");
		char *next = at + n + (at[n] == ' ');
		if (n == len && strncasecmp(at, word, len) == 0)
			memmove(at, next, strlen(next) + 1);
		else
			at = next;
	}
	size_t n = strlen(list);
	if (n > 0 && list[n - 1] == ' ')
		list[n - 1] = '\0';
}

static void add_domain(char *list, const char *word, size_t len)
{
	size_t n = strlen(list);

	if (n + 1 + len + 1 > VS_SOURCES_DOMAINS_BYTES)
		return;
	if (n > 0)
		list[n++] = ' ';
	memcpy(list + n, word, len);
	list[n + len] = '\0';
}

static void change_domains(char *list, const char *words, bool add)
{
	while (*words != '\0') {
		size_t n = strcspn(words, " ");
		if (n > 0)
			delete_domain(list, words, n);
		if (n > 0 && add)
			add_domain(list, words, n);
		words += n + (words[n] == ' ');
	}
}

static void change_names(struct vs_source_names *names, const struct vs_wire_sources *want)
{
	if (want->clear_static & VS_SOURCES_CLEAR_DNS)
		names->n_dns = 0;
	if (want->clear_static & VS_SOURCES_CLEAR_DOMAINS)
		names->domains[0] = '\0';
	for (uint32_t i = 0; i < want->n_del_dns; i++)
		delete_dns(names, &want->del_dns[i]);
	for (uint32_t i = 0; i < want->n_dns; i++) {
		delete_dns(names, &want->dns[i]);
		if (names->n_dns < VS_SOURCES_DNS_MAX)
			names->dns[names->n_dns++] = want->dns[i];
	}
	change_domains(names->domains, want->del_domains, false);
	change_domains(names->domains, want->domains, true);
}

/* The record of names exists while there are any. */
static int change_static(struct vs_source_iface *iface, const struct vs_wire_sources *want)
{
	struct vs_source_names *names = iface->names;

	if (names == NULL && want->n_dns == 0 && want->domains[0] == '\0')
		return 0;
	if (names == NULL && (names = calloc(1, sizeof(*names))) == NULL)
		return -ENOMEM;
	const struct vs_source_names before = *names;
	change_names(names, want);
	bool changed = names->n_dns != before.n_dns ||
		       memcmp(names->dns, before.dns, names->n_dns * sizeof(names->dns[0])) != 0 ||
		       strcmp(names->domains, before.domains) != 0;
	bool empty = names->n_dns == 0 && names->domains[0] == '\0';
	if (empty)
		free(names);
	iface->names = empty ? NULL : names;
	if (!changed)
		return 0;
	iface->stack->generation++;
	vs_source_tell_static(iface);
	return 0;
}

/* "": as before. */
static int change_fqdn(struct vs_source_iface *iface, const char *fqdn)
{
	char *copy = fqdn[0] != '\0' ? strdup(fqdn) : NULL;

	if (fqdn[0] == '\0')
		return 0;
	if (copy == NULL)
		return -ENOMEM;
	free(iface->fqdn);
	iface->fqdn = copy;
	return 0;
}

/* What is requested after this request. Without router discovery there is no SLAAC. */
static uint32_t active_after(const struct vs_source_iface *iface, const struct vs_wire_sources *want)
{
	uint32_t stop = want->stop;

	if (stop & VS_SOURCES_RA)
		stop |= VS_SOURCES_SLAAC;
	return (iface->active & ~stop) | want->start;
}

/* Stops what is not wanted any more, or wanted anew. before: what was active. */
static void stop_some(struct vs_source_iface *iface, const struct vs_wire_sources *want, uint32_t before)
{
	for (size_t i = 0; i < VS_SOURCES_KINDS; i++) {
		struct vs_source *s = iface->sources[vs_sources_kinds[i].source];
		uint32_t bits = vs_sources_kinds[i].bits;
		if (s == NULL)
			continue;
		bool wanted = (iface->active & bits) != 0;
		bool anew = (want->stop & want->start & bits) != 0 ||
			    (wanted && ((iface->active ^ before) & bits & VS_SOURCES_SLAAC) != 0) ||
			    ((want->start & bits) != 0 && !vs_source_take_options(s));
		if (anew || (want->start & bits && s->phase == VS_SOURCE_PARTING))
			vs_source_replace(s);
		else if (!wanted && (want->stop & bits) != 0)
			vs_source_stop(s, true);
	}
	/* What a router has started ends with router discovery. */
	struct vs_source *dhcp6 = iface->sources[VS_SOURCE_DHCP6];
	if (dhcp6 != NULL && dhcp6->by_ra && (iface->active & (VS_SOURCES_RA | VS_SOURCES_SLAAC)) == 0)
		vs_source_stop(dhcp6, true);
}

static int start_some(struct vs_source_iface *iface, struct vs_order *order)
{
	for (size_t i = 0; i < VS_SOURCES_KINDS; i++) {
		struct vs_source **s = &iface->sources[vs_sources_kinds[i].source];
		if ((iface->active & vs_sources_kinds[i].bits) == 0)
			continue;
		if (*s != NULL && (*s)->by_ra && (order->want->start & vs_sources_kinds[i].bits) != 0)
			vs_source_replace(*s); /* now it is asked for by the program */
		if (*s != NULL)
			continue;
		if (vs_sources_kinds[i].source == VS_SOURCE_DHCP6)
			iface->information = false;
		int r = vs_source_start(iface, vs_sources_kinds[i].source, false, &order->sockets);
		if (r < 0)
			return vs_fail(-r, "cannot start %s on %s: %s",
				       vs_sources_kinds[i].source == VS_SOURCE_DHCP4  ? "dhcp"
				       : vs_sources_kinds[i].source == VS_SOURCE_DHCP6 ? "dhcp6"
									      : "rd",
				       iface->name, strerror(-r));
	}
	if (iface->udp6 < 0 && iface->sources[VS_SOURCE_RA] != NULL)
		iface->udp6 = vs_steal_fd(&order->sockets.udp6);
	return 0;
}

/* The options of a request are for what it starts. Router discovery alone does not change those of SLAAC. */
static void take_options(struct vs_source_iface *iface, const struct vs_wire_sources *want)
{
	iface->active = active_after(iface, want);
	uint32_t required = want->restore ? 0 : iface->required & ~want->stop;
	uint32_t one_of = want->restore ? 0 : iface->one_of & ~want->stop;
	iface->required = (required | want->required) & iface->active;
	iface->one_of = (one_of | want->one_of) & iface->active;
	if (want->start == 0)
		return;
	uint32_t kept = (want->start & VS_SOURCES_SLAAC) == 0 ? iface->flags & VS_SOURCES_STABLE : 0;
	iface->flags = want->flags | kept;
	iface->pd_len = want->pd_len;
}

static int take_directory(struct vs_order *order)
{
	struct vs_sources_stack *stack = order->stack;

	if (!order->want->has_leases)
		return 0;
	struct vs_lease_dir *dir =
		vs_sources_leases_dir(vs_call_take_fd(order->call, order->call->msg.n_fds - 1));
	if (dir == NULL)
		return -ENOMEM;
	vs_sources_leases_drop_dir(stack->leases);
	stack->leases = dir;
	memcpy(stack->name, order->want->name, sizeof(stack->name));
	return 0;
}

static int change(struct vs_order *order)
{
	struct vs_sources_stack *stack = order->stack;
	struct vs_source_iface *iface = vs_sources_stack_iface(stack, order->ifindex);

	if (stack->notes.ready == NULL) { /* its first order */
		int r = vs_sources_watch(stack->sources, &stack->notes, stack->notes.fd,
					 vs_sources_notes_read, EPOLLIN);
		if (r < 0)
			return vs_fail(-r, "cannot start address sources: %s", strerror(-r));
	}
	bool is_new = iface == NULL;
	if (is_new && (iface = new_iface(order)) == NULL)
		return vs_fail(ENOMEM, "cannot change address sources: out of memory");
	if (iface->removal != NULL)
		return vs_fail(ENODEV, "cannot change address sources of %s: it is being removed",
			       iface->name);
	uint32_t before = iface->active;
	if (take_directory(order) < 0 || change_static(iface, order->want) < 0 ||
	    change_fqdn(iface, order->want->fqdn) < 0)
		return vs_fail(ENOMEM, "cannot change address sources: out of memory");
	take_options(iface, order->want);
	iface->ip6 = order->ip6;
	iface->mtu_fixed = order->mtu_fixed;
	if (order->want->start != 0)
		vs_sources_leases_open(iface);
	stop_some(iface, order->want, before);
	int r = start_some(iface, order);
	if (is_new)
		vs_sources_notes_list(stack);
	return r;
}

static void drop_call(struct vs_call *call)
{
	vs_call_drop(call);
	free(call);
}

/*
 * When the reply says that a source has been stopped, its address is gone. The wait is as long as a
 * release takes. Where the call cannot wait, it is answered at once.
 */
static void answer_change(struct vs_order *order)
{
	struct vs_sources_stack *stack = order->stack;

	if (order->want->stop != 0 && vs_sources_waits_parting(stack, order->ifindex) &&
	    vs_sources_waits_add(stack, order->call, order->ifindex) == 0)
		order->call = NULL;
	else
		vs_call_reply(stack->keeper, order->call, 0, NULL, NULL, 0);
}

static int serve(struct vs_order *order)
{
	struct vs_sources_stack *stack = order->stack;
	struct vs_call *call = order->call;

	if (call->req.op == VS_OP_SOURCES) {
		int r = change(order);
		if (r == 0)
			answer_change(order);
		return r;
	}
	if (call->req.op == VS_OP_LEARNED) {
		vs_sources_facts_reply(stack->keeper, call, stack);
		return 0;
	}
	if (!vs_sources_waits_ready(stack, call->req.iface.name)) {
		int r = vs_sources_waits_add(stack, call, 0);
		if (r == 0)
			order->call = NULL;
		return r;
	}
	vs_call_reply(stack->keeper, call, 0, NULL, NULL, 0);
	return 0;
}

static void serve_request(struct vs_order *order)
{
	int r = serve(order);

	if (r < 0)
		vs_call_fail(order->stack->keeper, order->call, r);
	if (order->call != NULL)
		drop_call(order->call);
}

static void remove_iface(struct vs_order *order)
{
	struct vs_source_iface *iface = find_name(order->stack, order->ifname);

	if (iface == NULL || iface->removal != NULL) {
		submit(order->job);
		return;
	}
	iface->removal = order->job;
	stop_all(iface, !vs_sources_leases_held(iface));
}

void vs_sources_stack_order(struct vs_order *order)
{
	struct vs_sources_stack *stack = order->stack;

	if (order->kind == VS_ORDER_REQUEST)
		serve_request(order);
	else if (order->kind == VS_ORDER_REMOVE)
		remove_iface(order);
	else
		stack->ending = true;
	for (struct vs_source_iface *i = stack->ifaces; i != NULL && order->kind == VS_ORDER_END; i = i->next)
		stop_all(i, !vs_sources_leases_held(i));
	vs_sources_order_free(order);
	vs_sources_stack_settle(stack);
}
