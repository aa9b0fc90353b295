/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Requests about address sources, as the networking thread serves them: checks what the program has sent,
 * makes the sockets, and gives all that to the thread of the sources.
 *
 * Who may change sources is decided as for every other change (auth.c). To wait, and to read what was
 * learned, takes only the door.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diagnose.h"
#include "base/error.h"
#include "call.h"
#include "config/config.h"
#include "events.h"
#include "iface.h"
#include "keeper.h"
#include "net.h"
#include "rtnl/talk.h"
#include "sources.h"
#include "sources_inside.h"
#include "wire/changes.h"

#define ALL_SOURCES (VS_SOURCES_DHCP4 | VS_SOURCES_RA | VS_SOURCES_SLAAC | VS_SOURCES_DHCP6)
#define ALL_FLAGS                                                                                            \
	(VS_SOURCES_NODAD | VS_SOURCES_RAPID | VS_SOURCES_IPV6_ONLY | VS_SOURCES_STABLE |                    \
	 VS_SOURCES_NO_RELEASE | VS_SOURCES_PREPARE)
#define ALL_CLEAR (VS_SOURCES_CLEAR_DNS | VS_SOURCES_CLEAR_DOMAINS)
/*
 * How long a stack that ends waits for its sources. They take a tenth of a second at most. But those of many
 * stacks may end together: then each has its turn, and the thread of the sources has much to do.
 */
#define END_MS (VS_SOURCES_TURNS_MS + 2000)
#define DRAIN_MS 20 /* until a pump has read them */

/* ------------------------------------------------------------------ checks */

static bool is_text(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

/* Only what a domain name may have, and the space between two. They end up in resolv.conf. */
static bool is_names(const char *text, size_t size, bool several)
{
	if (!is_text(text, size))
		return false;
	for (const char *c = text; *c != '\0'; c++) {
		bool letter = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z');
		bool other = (*c >= '0' && *c <= '9') || *c == '-' || *c == '.' || *c == '_';
		if (!letter && !other && !(several && *c == ' '))
			return false;
	}
	return true;
}

static bool are_addresses(const struct vs_wire_ip *ips, uint32_t n)
{
	if (n > VS_SOURCES_DNS_MAX)
		return false;
	for (uint32_t i = 0; i < n; i++)
		if (ips[i].family != AF_INET && ips[i].family != AF_INET6)
			return false;
	return true;
}

static bool is_valid(const struct vs_wire_sources *w)
{
	uint32_t masks = w->start | w->stop | w->required | w->one_of;

	/* Names become parts of paths: of sysctls, of lease files. */
	return is_text(w->ifname, sizeof(w->ifname)) && vs_ifname_valid(w->ifname) &&
	       is_names(w->name, sizeof(w->name), false) && (masks & ~ALL_SOURCES) == 0 &&
	       (w->flags & ~ALL_FLAGS) == 0 && (w->clear_static & ~ALL_CLEAR) == 0 && w->pd_len <= 128 &&
	       are_addresses(w->dns, w->n_dns) &&
	       are_addresses(w->del_dns, w->n_del_dns) && is_names(w->domains, sizeof(w->domains), true) &&
	       is_names(w->del_domains, sizeof(w->del_domains), true) &&
	       is_names(w->fqdn, sizeof(w->fqdn), false);
}

/* The text of the call, checked, into *want. 0 or -errno with a message. */
static int read_wire(const struct vs_call *call, struct vs_wire_sources *want)
{
	if (call->text_len != sizeof(*want))
		return vs_fail(EINVAL, "cannot change address sources: the request has the wrong length");
	memcpy(want, call->text, sizeof(*want));
	if (!is_valid(want))
		return vs_fail(EINVAL, "cannot change address sources: the request is malformed");
	if (call->refusal != NULL)
		return vs_fail(EPERM, "cannot change address sources of %s: %s; change them before that",
			       want->ifname, call->refusal);
	return 0;
}

/* ------------------------------------------------------------------ the stack's record */

static int no_socket(int r)
{
	return vs_fail(-r, "cannot start address sources: %s", vs_cause_text(vs_diagnose_limit(-r), -r));
}

static int open_sockets(struct vs_sources_stack *stack)
{
	stack->cmd = vs_talk_socket();
	stack->notes.fd = stack->cmd < 0 ? stack->cmd : vs_talk_socket();
	return stack->notes.fd < 0 ? stack->notes.fd : vs_sources_notes_subscribe(stack->notes.fd);
}

/* Made with the first change. 0 or -errno with a message. */
static int need_stack(struct vs_net *n)
{
	if (n->sources != NULL)
		return 0;
	struct vs_sources_stack *stack = calloc(1, sizeof(*stack));
	if (stack == NULL)
		return no_socket(-ENOMEM);
	*stack = (struct vs_sources_stack){ .keeper = n->keeper, .cmd = -1, .notes.fd = -1, .users = 2,
					     .over = PTHREAD_COND_INITIALIZER };
	int r = open_sockets(stack);
	if (r == 0)
		r = vs_sources_join(n->keeper, stack);
	if (r < 0) {
		vs_close(stack->cmd);
		vs_close(stack->notes.fd);
		free(stack);
		return no_socket(r);
	}
	stack->events = vs_events_ref(n->events);
	stack->end = (struct vs_order){ .kind = VS_ORDER_END, .stack = stack };
	n->sources = stack;
	if (n->changes != NULL)
		atomic_fetch_add(&n->changes->sources, 1);
	return 0;
}

/* ------------------------------------------------------------------ requests */

static struct vs_order *new_order(struct vs_net *n, enum vs_order_kind kind)
{
	struct vs_order *order = calloc(1, sizeof(*order));

	if (order != NULL)
		*order = (struct vs_order){ .kind = kind, .stack = n->sources,
					    .sockets = { -1, -1, -1, -1, -1 } };
	return order;
}

/* The directory that came with the request must be one. */
static int check_directory(const struct vs_call *call, const struct vs_wire_sources *want)
{
	struct statx file;

	if (!want->has_leases)
		return 0;
	int fd = call->msg.n_fds > 0 ? call->msg.fds[call->msg.n_fds - 1] : -1;
	/* Without a request to the file system, which may not answer. */
	if (fd >= 0 && statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &file) < 0)
		return vs_fail(errno, "cannot use the directory of leases: %s", strerror(errno));
	if (fd < 0 || !S_ISDIR(file.stx_mode))
		return vs_fail(ENOTDIR, "cannot use the directory of leases: no directory came with the "
					"request");
	return 0;
}

/* Router discovery that goes on without SLAAC is started anew. */
static uint32_t may_start(const struct vs_wire_sources *want)
{
	bool narrower = (want->stop & VS_SOURCES_SLAAC) != 0 && (want->stop & VS_SOURCES_RA) == 0;

	return want->start | (narrower ? VS_SOURCES_RA : 0);
}

static int leases_of(const struct vs_call *call, const struct vs_wire_sources *want)
{
	return want->has_leases ? call->msg.fds[call->msg.n_fds - 1] : -1;
}

/* Whether the interface was made with an MTU of its own. */
static bool has_mtu(const struct vs_net *n, const char *ifname)
{
	for (const struct vs_iface *iface = n->ifaces; iface != NULL; iface = iface->next)
		if (strcmp(iface->name, ifname) == 0)
			return iface->want.mtu != 0;
	return true; /* it was there when the namespace was adopted */
}

static int prepare(struct vs_net *n, struct vs_order *order)
{
	const struct vs_wire_sources *want = order->want;
	int r = check_directory(n->call, want);

	if (r == 0)
		r = vs_sources_sockets_find(n->sources->cmd, want->ifname, may_start(want) != 0,
					    &order->ifindex, order->mac);
	if (r == 0)
		r = vs_sources_sockets_make(&order->sockets, may_start(want), want->ifname, order->ifindex,
					    order->mac);
	if (r < 0)
		return r;
	vs_sources_sysctls_write(n, want, order->ifindex, leases_of(n->call, want));
	order->ip6 = vs_sources_sysctls_ip6(want->ifname);
	order->mtu_fixed = has_mtu(n, want->ifname);
	return 0;
}

/* Before the interface is set up. */
static int write_first(struct vs_net *n, const struct vs_wire_sources *want)
{
	uint8_t mac[6];
	int ifindex, r = check_directory(n->call, want);
	VS_AUTO_CLOSE netlink = r == 0 ? vs_talk_socket() : r;

	if (r == 0 && netlink < 0)
		return no_socket(netlink);
	if (r == 0)
		r = vs_sources_sockets_find(netlink, want->ifname, true, &ifindex, mac);
	if (r < 0)
		return r;
	vs_sources_sysctls_write(n, want, ifindex, leases_of(n->call, want));
	vs_call_reply(n->keeper, n->call, 0, NULL, NULL, 0);
	vs_call_drop(n->call);
	free(n->call);
	return 0;
}

/*
 * An address of a lease may be in the network of a static one. Then the one that is removed first must not
 * take the other along.
 */
static void keep_secondaries(const struct vs_wire_sources *want)
{
	char path[128];

	if ((want->start & VS_SOURCES_DHCP4) == 0)
		return;
	(void)snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/promote_secondaries", want->ifname);
	VS_AUTO_CLOSE fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0)
		(void)!write(fd, "1", 1);
}

static int change(struct vs_net *n)
{
	struct vs_wire_sources want;
	int r = read_wire(n->call, &want);

	if (r == 0 && (want.flags & VS_SOURCES_PREPARE) != 0)
		return write_first(n, &want);
	if (r == 0)
		r = need_stack(n);
	if (r < 0)
		return r;
	struct vs_order *order = new_order(n, VS_ORDER_REQUEST);
	if (order == NULL)
		return no_socket(-ENOMEM);
	order->want = malloc(sizeof(want));
	if (order->want != NULL)
		memcpy(order->want, &want, sizeof(want));
	r = order->want != NULL ? prepare(n, order) : no_socket(-ENOMEM);
	if (r < 0) {
		vs_sources_order_free(order);
		return r;
	}
	keep_secondaries(&want);
	order->call = n->call;
	vs_sources_post(order);
	return 0;
}

/* Waiting, or reading. Without sources both are answered here. */
static int ask(struct vs_net *n)
{
	n->call->req.iface.name[IF_NAMESIZE - 1] = '\0';
	if (n->sources == NULL) {
		struct vs_call *call = n->call;
		if (call->req.op == VS_OP_LEARNED)
			vs_sources_facts_reply(n->keeper, call, NULL);
		else
			vs_call_reply(n->keeper, call, 0, NULL, NULL, 0);
		vs_call_drop(call);
		free(call);
		return 0;
	}
	struct vs_order *order = new_order(n, VS_ORDER_REQUEST);
	if (order == NULL)
		return vs_fail(ENOMEM, "cannot ask for address sources: %s",
			       vs_cause_text(VS_CAUSE_MEMORY, ENOMEM));
	order->call = n->call;
	vs_sources_post(order);
	return 0;
}

int vs_sources_request(struct vs_net *n)
{
	return n->call->req.op == VS_OP_SOURCES ? change(n) : ask(n);
}

bool vs_sources_remove(struct vs_net *n, const char *ifname, struct vs_job *job)
{
	struct vs_order *order = n->sources != NULL ? new_order(n, VS_ORDER_REMOVE) : NULL;

	vs_sources_sysctls_drop(n, ifname);
	if (order == NULL) /* without memory the sources find out that it is gone */
		return false;
	(void)snprintf(order->ifname, sizeof(order->ifname), "%s", ifname);
	order->job = job;
	vs_sources_post(order);
	return true;
}

/* ------------------------------------------------------------------ the end */

/* True: the sources are gone. */
static bool await_end(struct vs_sources_stack *stack)
{
	struct vs_keeper *k = stack->keeper;
	struct timespec limit;

	(void)clock_gettime(CLOCK_MONOTONIC, &limit);
	limit.tv_sec += END_MS / 1000;
	pthread_mutex_lock(&k->lock);
	while (!stack->ended &&
	       pthread_cond_clockwait(&stack->over, &k->lock, CLOCK_MONOTONIC, &limit) == 0)
		;
	bool ended = stack->ended;
	pthread_mutex_unlock(&k->lock);
	return ended;
}

/*
 * A pump that is stopped leaves what it has not read. So the last packets of the sources get a little time
 * to leave each tap.
 */
static void drain(struct vs_net *n)
{
	for (struct vs_iface *iface = n->ifaces; iface != NULL; iface = iface->next) {
		const struct timespec step = { .tv_nsec = 1000000 };
		for (int ms = 0; ms < DRAIN_MS && iface->kind->device != NULL; ms++) {
			struct pollfd unread = { .events = POLLIN };
			pthread_mutex_lock(&n->keeper->lock);
			unread.fd = iface->pump.device.fd;
			int pending = poll(&unread, 1, 0);
			pthread_mutex_unlock(&n->keeper->lock);
			bool last = pending <= 0 || (unread.revents & POLLIN) == 0;
			(void)nanosleep(&step, NULL); /* also after the last read: it is sent next */
			if (last)
				break;
		}
	}
}

void vs_sources_end(struct vs_net *n)
{
	struct vs_sources_stack *stack = n->sources;

	vs_sources_sysctls_drop(n, NULL);
	if (stack == NULL)
		return;
	n->sources = NULL;
	if (n->changes != NULL)
		atomic_fetch_sub(&n->changes->sources, 1);
	vs_sources_post(&stack->end);
	if (await_end(stack))
		drain(n);
	vs_sources_unref(stack);
}
