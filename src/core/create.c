/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Making stacks and adding interfaces: a transaction in steps.
 *
 *     hold a keeper ─▶ namespace ─▶ each interface: tap or veth, then its network ─▶ addresses ─▶ usable
 *
 * Each step has its time limit. When one fails, what the steps before it have made goes with
 * the stack, or, when interfaces are added to a living one, with the interfaces.
 */

#include "create.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/diagnose.h"
#include "base/error.h"
#include "base/opts.h"
#include "wire/fdmsg.h"
#include "command.h"
#include "configuration.h"
#include "rtnl/apply.h"
#include "default.h"
#include "handle.h"
#include "numbers.h"
#include "process.h"
#include "long_call.h"
#include "quick_call.h"
#include "stack.h"
#include <vdestack/conf.h>

#define DEFAULT_TIMEOUT_MS 5000
#define NO_LIMIT_MS (1 << 30) /* twelve days; sums with it fit into an int */
#define REPLY_GRACE_MS 2000 /* the keeper answers at the limit; its answer needs a moment */

int vs_create_opts_read(const struct vdestack_opts *opts, struct vs_create_opts *out)
{
	struct vdestack_opts known;

	*out = (struct vs_create_opts){ .timeout_ms = DEFAULT_TIMEOUT_MS, .adopt = -1 };
	int r = vs_opts_read(opts, sizeof(opts->size), &known, sizeof(known));
	if (r < 0)
		return vs_opts_fail(r, "make a stack", "vdestack_opts");
	if (known.flags & ~(VDESTACK_INPROCESS | VDESTACK_NO_WAIT | VDESTACK_FORCE_MTU | VDESTACK_ALLOW_ABSENT | VDESTACK_NO_RECONNECT))
		return vs_fail(EINVAL, "cannot make a stack: unknown bits in flags (0x%x)", known.flags);
	if (known.no_offload & ~VDESTACK_OFFLOAD_ALL)
		return vs_fail(EINVAL, "cannot make a stack: unknown bits in no_offload (0x%x)", known.no_offload);
	out->flags = known.flags;
	out->no_offload = known.no_offload;
	if (!vs_timeout_valid(known.step_timeout_ms))
		return vs_fail(EINVAL, "cannot make a stack: step_timeout_ms is %d; -1 means no limit, 0 the default",
			       known.step_timeout_ms);
	if (known.step_timeout_ms != 0)
		out->timeout_ms = (unsigned)(known.step_timeout_ms > 0 && known.step_timeout_ms < NO_LIMIT_MS ? known.step_timeout_ms : NO_LIMIT_MS);
	return 0;
}

/* ------------------------------------------------------------------ interfaces */

static bool is_stream(const struct vs_conf_iface *iface)
{
	return iface->locator.kind == VS_KIND_COMMAND;
}

static void fill_request(const struct vs_conf_iface *iface, const struct vs_create_opts *opts, struct vs_wire_iface *wire)
{
	memset(wire, 0, sizeof(*wire));
	memcpy(wire->name, iface->name, sizeof(wire->name));
	memcpy(wire->mac, iface->mac, sizeof(wire->mac));
	wire->has_mac = iface->has_mac;
	wire->mtu = iface->mtu;
	wire->force_mtu = (opts->flags & VDESTACK_FORCE_MTU) != 0;
	wire->allow_absent = (opts->flags & VDESTACK_ALLOW_ABSENT) != 0;
	wire->no_reconnect = (opts->flags & VDESTACK_NO_RECONNECT) != 0;
	wire->no_offload = opts->no_offload;
}

/* What a locator means to this process: its root and directory of now. */
static int open_directories(const struct vs_conf_iface *iface, int dirs[2])
{
	dirs[0] = dirs[1] = -1;
	if (iface->locator.kind == VS_KIND_SEGMENT)
		return 0;
	dirs[0] = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	dirs[1] = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dirs[1] < 0 && dirs[0] >= 0)
		dirs[1] = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC); /* a directory that is gone */
	if (dirs[0] >= 0 && dirs[1] >= 0)
		return 2;
	int err = errno;
	vs_close(dirs[0]);
	vs_close(dirs[1]);
	return vs_fail(err, "cannot add interface %s: %s", iface->name, vs_cause_text(vs_diagnose_limit(err), err));
}

static int add_iface(struct vdestack *stack, struct vs_slot *slot, const struct vs_conf_iface *iface,
		     const struct vs_create_opts *opts)
{
	struct vs_long_call call = {
		.door = vs_sock_load(&slot->door),
		.keeper = slot->keeper,
		.req = { .op = VS_OP_ADD, .timeout_ms = opts->timeout_ms },
		.text = iface->vnl,
		.text_len = strlen(iface->vnl),
		.timeout_ms = (int)opts->timeout_ms + REPLY_GRACE_MS,
	};
	VS_AUTO_CLOSE stream = -1;
	int dirs[2];
	int n = open_directories(iface, dirs);

	if (n < 0)
		return n;
	VS_AUTO_CLOSE root = dirs[0];
	VS_AUTO_CLOSE cwd = dirs[1];
	fill_request(iface, opts, &call.req.iface);
	call.fds[0] = root;
	call.fds[1] = cwd;
	call.n_fds = (size_t)n;
	if (is_stream(iface)) {
		int r = vs_command_stream(stack, iface->locator.rest, &stream);
		if (r < 0)
			return r;
		call.fds[call.n_fds++] = stream;
	}
	return vs_call_long(&call);
}

static int remove_iface(struct vs_slot *slot, const char *ifname)
{
	struct vs_long_call call = {
		.door = vs_sock_load(&slot->door),
		.keeper = slot->keeper,
		.req = { .op = VS_OP_REMOVE },
		.timeout_ms = DEFAULT_TIMEOUT_MS + REPLY_GRACE_MS,
	};

	memcpy(call.req.iface.name, ifname, strnlen(ifname, sizeof(call.req.iface.name) - 1));
	return vs_call_long(&call);
}

static void undo_ifaces(struct vs_slot *slot, const struct vs_config *config, size_t n)
{
	VS_ERROR_KEEP;

	while (n-- > 0)
		(void)remove_iface(slot, config->ifaces[n].name);
}

/* Addresses and routes. wait_ms: how long they may take to become usable; -1: nobody waits for that. */
static int configure(struct vdestack *stack, const struct vs_config *config, bool announce, int wait_ms)
{
	VS_AUTO_NL nl = { 0 };
	int r = config->n_ifaces > 0 ? vs_stack_nl_open(stack, &nl) : 0;

	if (r == 0 && config->n_ifaces > 0)
		r = vs_conf_apply(&nl, config, announce);
	if (r == 0 && wait_ms >= 0)
		r = vs_conf_wait(&nl, config, wait_ms);
	return r;
}

/*
 * made: how many of them are there already. absent: one of these has no network. Nobody waits for addresses
 * of a stack without network: their detection takes one.
 */
static int finish_ifaces(struct vdestack *stack, const struct vs_config *config, const struct vs_create_opts *opts, size_t made,
			 bool absent)
{
	struct vs_slot *slot = vs_slot_acquire(stack);
	int r = 0;

	if (slot == NULL)
		return vs_fail(EINVAL, "cannot add interfaces: not a stack, or one that has been deleted");
	while (r >= 0 && made < config->n_ifaces) {
		r = add_iface(stack, slot, &config->ifaces[made], opts);
		if (r >= 0)
			made++;
		absent = absent || r > 0;
	}
	bool wait = !(opts->flags & VDESTACK_NO_WAIT) && !absent && vs_conf_has_to_wait(config);
	if (r >= 0 && !opts->bare)
		r = configure(stack, config, !wait && !absent, wait ? (int)opts->timeout_ms : -1);
	if (r < 0 && made > 0)
		undo_ifaces(slot, config, made);
	vs_slot_release(slot);
	return r < 0 ? r : 0;
}

int vs_create_ifaces(struct vdestack *stack, const struct vs_config *config, const struct vs_create_opts *opts)
{
	int r = vs_configuration_check_locators(config);

	return r < 0 ? r : finish_ifaces(stack, config, opts, 0, false);
}

/* ------------------------------------------------------------------ stacks */

/*
 * The interface that is made together with the namespace, in one request, which takes about half as
 * long. A command's stream is not: the command is started on behalf of a stack that is there.
 */
static const struct vs_conf_iface *made_at_once(const struct vs_config *config, const struct vs_create_opts *opts)
{
	return config->n_ifaces > 0 && opts->adopt < 0 && !is_stream(&config->ifaces[0]) ? &config->ifaces[0] : NULL;
}

/*
 * The namespace with its first interface, if there is one to be made at once, and its door, into the
 * slot. 1: its network is absent.
 */
static int make_namespace(struct vs_slot *slot, const struct vs_conf_iface *first, const struct vs_create_opts *opts)
{
	struct vs_keeper_link *k = slot->keeper;
	struct vs_long_call call = {
		.door = k->front,
		.keeper = k,
		.req = { .op = VS_OP_CREATE, .timeout_ms = opts->timeout_ms },
		.fds = { opts->adopt },
		.n_fds = opts->adopt >= 0 ? 1 : 0,
		.timeout_ms = (int)opts->timeout_ms,
	};
	struct timeval limit = { .tv_sec = 5 };
	int dirs[2] = { -1, -1 };
	int r = first != NULL ? open_directories(first, dirs) : 0;

	if (r < 0)
		return r;
	VS_AUTO_CLOSE root = dirs[0];
	VS_AUTO_CLOSE cwd = dirs[1];
	if (first != NULL) {
		fill_request(first, opts, &call.req.iface);
		call.fds[0] = root;
		call.fds[1] = cwd;
		call.n_fds = (size_t)r;
		call.text = first->vnl;
		call.text_len = strlen(first->vnl);
		call.timeout_ms += REPLY_GRACE_MS;
	}
	int result = r = vs_call_long(&call);
	if (r < 0)
		return r;
	if (call.n_got < 1)
		return vs_fail(EPROTO, "cannot make a stack: the keeper gave no door");
	r = vs_fd_raise(&call.got[0], vs_number_floor());
	if (r < 0)
		return vs_fail(-r, "cannot make a stack: %s", vs_cause_text(vs_diagnose_limit(-r), -r));
	(void)setsockopt(call.got[0], SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	slot->door = vs_sock_of(call.got[0]);
	return result;
}

static enum vs_variant variant_for(const struct vs_create_opts *opts)
{
	if (opts->flags & VDESTACK_INPROCESS)
		return VS_VARIANT_INPROCESS;
	return opts->adopt >= 0 && (!vs_privileged() || vs_can_claim_pid() == 0) ? VS_VARIANT_ADOPT : VS_VARIANT_PROCESS;
}

static int make_slot(const struct vs_conf_iface *first, const struct vs_create_opts *opts, struct vs_slot **out)
{
	enum vs_variant variant = variant_for(opts);
	struct vs_slot *slot = vs_slot_new();
	int r = 0;

	if (slot == NULL)
		return vs_fail(errno, "cannot make a stack: %s", vs_cause_text(vs_diagnose_limit(errno), errno));
	/*
	 * A keeper may end between being found and being asked, or may not see what this process may
	 * do, as it is in another PID namespace. Then the next one is a new one.
	 */
	for (int attempt = 0; attempt < 2; attempt++) {
		struct vs_keeper_link *keeper;
		r = vs_keeper_hold(variant, variant == VS_VARIANT_ADOPT ? opts->adopt : -1, opts->timeout_ms, &keeper);
		if (r < 0)
			break;
		slot->keeper = keeper;
		r = make_namespace(slot, first, opts);
		bool elsewhere = r == -EPERM && atomic_load(&keeper->elsewhere);
		if (r == -ENETDOWN)
			vs_keeper_died(keeper);
		vs_keeper_unhold();
		if (r != -ENETDOWN && !elsewhere)
			break;
	}
	if (r < 0) {
		VS_ERROR_KEEP;
		vs_slot_discard(slot);
		vs_keepers_tidy();
		return r;
	}
	*out = slot;
	return r;
}

/*
 * A socket for trial. Later ones must not fail for want of what the library itself needs, a
 * reply channel or descriptors of the keeper: where limits are that tight, creation fails.
 */
static int try_socket(struct vdestack *stack)
{
	int fd = vdestack_msocket(stack, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return vs_fail(errno, "cannot make sockets in the stack: %s", vs_cause_text(vs_diagnose_limit(errno), errno));
	vs_close(fd);
	return 0;
}

int vs_create(const struct vs_config *config, const struct vs_create_opts *opts, struct vdestack **out)
{
	VS_NO_CANCEL;
	const struct vs_conf_iface *first = made_at_once(config, opts);
	struct vs_slot *slot = NULL;
	int r = vs_configuration_check_locators(config);
	if (r == 0)
		r = make_slot(first, opts, &slot);
	if (r >= 0) {
		struct vdestack *stack = vs_slot_publish(slot);
		r = finish_ifaces(stack, config, opts, first != NULL ? 1 : 0, r > 0);
		if (r == 0)
			r = try_socket(stack);
		if (r == 0) {
			*out = stack;
			vs_keeper_tell(slot->keeper);
			vs_log(7, "stack made, %zu interfaces", config->n_ifaces);
		} else {
			VS_ERROR_KEEP;
			(void)vs_delete(stack);
		}
	}
	return r;
}

/* ------------------------------------------------------------------ deletion */

/*
 * Calls of other threads may be using the door's number. A socket that leads nowhere is put in
 * its place: they fail, the number stays taken until they are done, the stack ends now.
 */
static void cut_door(struct vs_slot *slot)
{
	int pair[2];

	if (!vs_sock_valid(&slot->door) || vs_socketpair(pair) < 0)
		return; /* then it ends with the last call */
	vs_close(pair[1]);
	if (dup3(pair[0], slot->door.fd, O_CLOEXEC) >= 0)
		vs_sock_refresh(&slot->door);
	vs_close(pair[0]);
}

/* The leash ends our commands; a copy inherited from the parent only goes. */
static void drop_leash(struct vs_slot *slot)
{
	struct vs_process *p = vs_process();

	if (p == NULL)
		return;
	pthread_mutex_lock(&p->lock);
	if (slot->leash_process != 0 && slot->leash_process == vs_process_token(p) &&
	    vs_sock_valid(&slot->leash[0]))
		(void)shutdown(slot->leash[0].fd, SHUT_RDWR);
	for (int i = 0; i < 2 && slot->leash_process != 0; i++)
		vs_sock_close(&slot->leash[i]);
	slot->leash_process = 0;
	pthread_mutex_unlock(&p->lock);
}

void vs_slot_empty(struct vs_slot *slot)
{
	vs_sock_close(&slot->door);
	/* In a child that was forked in the middle of a deletion these are copies; they only go. */
	for (int i = 0; i < 2 && slot->leash_process != 0; i++)
		vs_sock_close(&slot->leash[i]);
	slot->leash_process = 0;
	vs_slot_discard(slot);
}

int vs_delete(struct vdestack *stack)
{
	VS_NO_CANCEL;
	struct vs_slot *slot;
	sigset_t saved;
	bool busy;

	vs_signals_block(&saved);
	bool retired = vs_slot_retire(stack, &slot, &busy);
	if (retired) {
		vs_default_forget(stack);
		vs_channels_forget_stack(slot->door.cookie);
		drop_leash(slot);
		if (busy)
			cut_door(slot);
		vs_slot_release_retired(slot);
	}
	vs_signals_restore(&saved);
	if (retired)
		vs_keepers_tidy();
	return retired ? 0 : vs_fail(EINVAL, "cannot delete: not a stack, or one that has been deleted");
}

/* ------------------------------------------------------------------ the public calls */

/* Asked by the parser; a name that is free is no failure, so nothing that would be logged. */
static bool name_taken(void *stack, const char *name)
{
	struct ifreq ifr = { 0 };
	VS_AUTO_CLOSE s = vdestack_msocket(stack, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	memcpy(ifr.ifr_name, name, strnlen(name, IF_NAMESIZE - 1));
	return s >= 0 && ioctl(s, SIOCGIFINDEX, &ifr) == 0;
}

static int add_from_text(struct vdestack *stack, const char *text, const struct vs_create_opts *opts)
{
	struct vs_config *config = NULL;
	int r = vs_configuration_read(text, name_taken, stack, &config);

	if (r == 0)
		r = vs_create_ifaces(stack, config, opts);
	vs_config_free(config);
	return r;
}

struct vdestack *vdestack_new(const char *text, const struct vdestack_opts *opts)
{
	struct vs_create_opts read;
	struct vs_config *config = NULL;
	struct vdestack *stack = NULL;
	int r = vs_create_opts_read(opts, &read);

	if (r == 0)
		r = vs_configuration_read(text, NULL, NULL, &config);
	if (r == 0)
		r = vs_create(config, &read, &stack);
	vs_config_free(config);
	return r < 0 ? vs_edge_null(r) : stack;
}

/* Which names are free shows only in the namespace, so the interfaces come when there is a stack. */
static int adopt(int fd, const char *text, const struct vdestack_opts *opts, struct vdestack **out)
{
	VS_NO_CANCEL;
	static const struct vs_config nothing;
	struct vs_create_opts read;
	struct vdestack *stack = NULL;
	int r = vs_create_opts_read(opts, &read);

	read.adopt = fd;
	if (r == 0 && ioctl(fd, NS_GET_NSTYPE) != CLONE_NEWNET)
		r = vs_fail(EINVAL, "cannot adopt a namespace: the descriptor or path is no network namespace; "
				    "give /run/netns/NAME or /proc/PID/ns/net");
	if (r == 0)
		r = vs_create(&nothing, &read, &stack);
	if (r == 0)
		r = add_from_text(stack, text, &read);
	if (r < 0 && stack != NULL) {
		VS_ERROR_KEEP;
		(void)vs_delete(stack);
	}
	*out = stack;
	return r;
}

struct vdestack *vdestack_adopt_fd(int netns_fd, const char *config, const struct vdestack_opts *opts)
{
	if (netns_fd < 0 || fcntl(netns_fd, F_GETFD) < 0)
		return vs_edge_null(vs_fail(EBADF, "cannot adopt descriptor %d: it is not open", netns_fd));
	struct vdestack *stack;
	int r = adopt(netns_fd, config, opts, &stack);
	return r < 0 ? vs_edge_null(r) : stack;
}

static int adopt_path(const char *path, const char *config, const struct vdestack_opts *opts, struct vdestack **out)
{
	VS_NO_CANCEL;
	VS_AUTO_CLOSE fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC); /* a pipe has no writer to wait for */

	if (fd < 0)
		return vs_fail(errno, "cannot adopt \"%s\": %s; give the path of a network namespace, "
				      "/run/netns/NAME or /proc/PID/ns/net", path, strerror(errno));
	return adopt(fd, config, opts, out);
}

struct vdestack *vdestack_adopt_path(const char *path, const char *config, const struct vdestack_opts *opts)
{
	if (path == NULL)
		return vs_edge_null(vs_fail(EINVAL, "cannot adopt a namespace: no path given"));
	struct vdestack *stack;
	int r = adopt_path(path, config, opts, &stack);
	return r < 0 ? vs_edge_null(r) : stack;
}

int vdestack_delete(struct vdestack *stack)
{
	return vs_edge(vs_delete(stack));
}

static int add(struct vdestack *stack, const char *text, const struct vdestack_opts *opts)
{
	VS_NO_CANCEL;
	struct vs_create_opts read;
	int r = vs_create_opts_read(opts, &read);

	if (r == 0)
		r = vs_keepers_sealed("cannot add interfaces");
	if (r == 0)
		r = add_from_text(stack, text, &read);
	return r;
}

int vdestack_iface_add(struct vdestack *stack, const char *text, const struct vdestack_opts *opts)
{
	return vs_edge(add(stack, text, opts));
}

int vdestack_iface_del(struct vdestack *stack, const char *ifname)
{
	int r;

	if (ifname == NULL || !vs_ifname_valid(ifname))
		return vs_edge(vs_fail(EINVAL, "cannot remove an interface: \"%.32s\" is no name of one", ifname != NULL ? ifname : ""));
	struct vs_slot *slot = vs_slot_acquire(stack);
	if (slot == NULL)
		return vs_edge(vs_fail(EINVAL, "cannot remove interface %s: not a stack, or one that has been deleted", ifname));
	r = remove_iface(slot, ifname);
	vs_slot_release(slot);
	return vs_edge(r < 0 ? r : 0);
}
