/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * local://NAME: an Ethernet between the programs of one user.
 *
 * It is a segment (segment.c) whose namespace several keepers have. The kernel moves the frames.
 *
 *     program A         namespace of the segment        program B
 *     vde0 ═ veth ═ pTAG1 ─────── bridge ─────── pTAG1 ═ veth ═ vde0
 *                              ▲    ▲
 *       descriptor of keeper A ┘    └ descriptor of keeper B
 *
 * Nobody owns the segment. Each keeper with a port in it has a descriptor of the namespace, and the kernel
 * ends it with the last one. If a keeper is killed, its descriptors and its stacks end, and with them its
 * ports.
 *
 * User namespaces. A veth pair can be made by a process that has capabilities over both its ends. Privileged
 * keepers live in the user namespace of their programs, where they have them. Other keepers live in user
 * namespaces of their own, so those that have a segment in common must live in the same one. A process may
 * enter a user namespace that its user has made in its own one. So the first keeper makes one, each further
 * one enters it at its start, and the kernel ends it with the last one. Only programs that use local:// do
 * this; the program says so when it starts the keeper.
 *
 * Meeting. Each keeper has a socket in the directory of its user (local_dir.h), and for each segment a file
 * that marks it. There it answers two questions:
 *
 *     VS_OP_LOCAL_USER                a descriptor of the user namespace
 *     VS_OP_LOCAL_SEGMENT, NAME       a descriptor of the namespace of that segment, or ENOENT
 *
 * Who looks for a segment asks all keepers with a mark, and takes the first good answer. So a stopped keeper
 * delays nobody if another one has the segment. If it is the only one, the call fails in time, and says which
 * process is stopped: a second segment of the same name would split the network.
 *
 * The lock. Two programs that start at once must not make two namespaces. So who looks for one has the lock
 * file of the directory until it has found or made it and the mark or socket is there. Who has it waits at
 * most ASK_MS for answers. Others wait LOCK_MS for it. To leave a segment takes no lock: a keeper that was
 * asked and has left meanwhile answers ENOENT, and one that has answered has handed out a descriptor that
 * keeps the namespace.
 *
 * Threads. Joins run on the threads of jobs, and take the lock file first, then the lock of the segments. The
 * main thread answers, with only the lock of the segments, which nobody has while he waits for an answer. So
 * keepers that ask each other do not wait in a circle.
 *
 * Trust. The directory is of this user alone, and the kernel says who sends a question or an answer: it must
 * be the same user. An answer must be a namespace of the right kind, a user namespace of this user and a
 * child of the asking one's, or a network namespace of the own user namespace. Who asks for a segment shows
 * that it lives in the same user namespace, by a network namespace from there. Who asks for the user
 * namespace must not have a seccomp filter if the program of this keeper had none. (Whether it has
 * no_new_privs says nothing: each keeper has it.) Programs of other user namespaces, as in containers, look
 * for other names, so they have segments of their own even if they share the directory.
 */

#include "local.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <linux/sockios.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/diagnose.h"
#include "base/error.h"
#include "call.h"
#include "closer.h"
#include "iface.h"
#include "isolate.h"
#include "keeper.h"
#include "local_ask.h"
#include "local_dir.h"
#include "segment.h"
#include "variant.h"
#include "wire/messages.h"

#define LOCK_MS 3000
#define ASK_MS 1000
#define END_MS 200 /* then files stay, which the next keeper removes */

void vs_local_prepare(struct vs_keeper *k)
{
	const char *registry = getenv("VDESTACK_REGISTRY");

	k->local = (struct vs_local){
		.opening = PTHREAD_MUTEX_INITIALIZER, .dir = -1, .user = -1, .socket = -1
	};
	k->local.off = registry != NULL && strcmp(registry, "off") == 0;
}

/* ------------------------------------------------------------------ the user namespace */

static bool same_file(int a, int b)
{
	struct stat x, y;

	return a >= 0 && b >= 0 && fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_ino == y.st_ino &&
	       x.st_dev == y.st_dev;
}

/* A child of the one that this keeper lives in, made by this user. */
static bool accepts_user(const struct vs_local *l, int fd)
{
	uid_t owner = (uid_t)-1;

	(void)l;
	if (!vs_local_is_namespace(fd, "user") || ioctl(fd, NS_GET_OWNER_UID, &owner) < 0)
		return false;
	VS_AUTO_CLOSE parent = ioctl(fd, NS_GET_PARENT);
	VS_AUTO_CLOSE own = open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);
	return owner == geteuid() && same_file(parent, own);
}

static int enter_user(int user)
{
	if (setns(user, CLONE_NEWUSER) == 0)
		return 0;
	return vs_fail(errno, "cannot use local:// segments: entering the user namespace of this user's "
			      "other programs failed (%s)", strerror(errno));
}

/* With the lock: enters the user namespace of another keeper, or makes one. */
static int settle_user(struct vs_keeper *k)
{
	struct vs_local_question q = { .op = VS_OP_LOCAL_USER, .proof = -1, .accepts = accepts_user };
	VS_AUTO_FREE struct vs_local_peer *peers = NULL;
	size_t n;
	int r = vs_local_list(&k->local, NULL, &peers, &n);

	if (r < 0)
		return vs_fail(-r, "cannot use local:// segments: %s",
			       vs_cause_text(vs_diagnose_limit(-r), -r));
	VS_AUTO_CLOSE user = vs_local_ask(&k->local, &q, peers, n, vs_deadline_ms(ASK_MS));
	if (user < 0 && user != -ENOENT)
		return user;
	return user < 0 ? vs_isolate_user(-1, &k->privileged) : enter_user(user);
}

/* With the lock: others find this keeper from now on. */
static int offer(struct vs_local *l)
{
	if (l->user < 0)
		l->user = open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);
	int socket = l->user < 0 ? -errno : vs_local_bind(l);

	if (socket < 0)
		return vs_fail(-socket, "cannot use local:// segments: making the keeper's socket failed: %s",
			       vs_cause_text(vs_diagnose_limit(-socket), -socket));
	l->socket = socket;
	return 0;
}

int vs_local_begin(struct vs_keeper *k)
{
	struct vs_local *l = &k->local;
	int r = vs_local_dir_open(l, false);

	if (r < 0)
		return r;
	/* What the keeper has inherited from the program. */
	k->listed.confined = prctl(PR_GET_SECCOMP) > 0 ? VS_CONFINED_SECCOMP : 0;
	mode_t mask = umask(0);
	r = vs_local_dir_enter(l);
	int lock = r < 0 ? vs_fail(-r, "cannot use local:// segments: %s", strerror(-r))
			 : vs_local_lock(l, vs_deadline_ms(LOCK_MS));
	r = lock < 0 ? lock : settle_user(k);
	if (r == 0)
		r = offer(l);
	vs_local_dir_leave();
	(void)umask(mask);
	l->shares = r == 0;
	if (lock >= 0)
		vs_local_unlock(l, lock, false);
	return r;
}

int vs_local_watch(struct vs_keeper *k)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = VS_LOCAL_EVENT };

	return epoll_ctl(k->epoll, EPOLL_CTL_ADD, k->local.socket, &event) < 0 ? -errno : 0;
}

/*
 * Removes its own files, what killed keepers have left, and the lock file if there is no other keeper.
 * Another keeper that ends at the same time has the lock for a moment.
 *
 * A keeper process may end before its last threads have left their segments, and they use the directory. So
 * it removes the marks here as well, and its descriptors end with it.
 */
void vs_local_end(struct vs_keeper *k)
{
	struct vs_local *l = &k->local;
	struct vs_local_peer own = { .pid = getpid() };

	(void)snprintf(own.socket, sizeof(own.socket), "%s", l->name);
	if (l->socket >= 0)
		vs_local_forget(l, &own);
	int lock = -1;
	if (l->socket >= 0 && vs_local_dir_enter(l) == 0)
		lock = vs_local_lock(l, vs_deadline_ms(END_MS));
	if (lock >= 0)
		vs_local_unlock(l, lock, !vs_local_any(l));
	vs_local_dir_leave();
	if (!k->variant->waits_for_interfaces)
		return;
	vs_close(vs_steal_fd(&l->socket));
	vs_close(vs_steal_fd(&l->user));
	vs_local_dir_close(l);
}

/* ------------------------------------------------------------------ joining a segment */

static bool accepts_segment(const struct vs_local *l, int fd)
{
	return vs_local_is_ours(l, fd);
}

struct keepers {
	const struct vs_local *self;
	const struct vs_local_peer *peers;
	size_t n;
};

static bool is_dead(unsigned tag, void *arg)
{
	const struct keepers *all = arg;

	for (size_t i = 0; i < all->n; i++)
		if (all->peers[i].tag == tag && !all->peers[i].gone)
			return false;
	return tag != all->self->tag;
}

/*
 * With the lock: where the segment is, or where it has been made. Ports of keepers that were killed are there
 * as long as their programs have sockets, and are deleted.
 */
static int find_place(struct vs_keeper *k, const char *name, int netlink, struct vs_peer_ns *place)
{
	const struct vs_local *l = &k->local;
	VS_AUTO_FREE struct vs_local_peer *peers = NULL;
	VS_AUTO_CLOSE proof = ioctl(netlink, SIOCGSKNS);
	struct vs_local_question q = { .op = VS_OP_LOCAL_SEGMENT, .segment = name, .proof = proof,
				       .accepts = accepts_segment };
	size_t n = 0;
	int r = proof < 0 ? -errno : vs_local_list(l, name, &peers, &n);
	if (r < 0)
		return vs_fail(-r, "cannot join segment \"%s\": %s", name,
			       vs_cause_text(vs_diagnose_limit(-r), -r));
	int ns = vs_local_ask(l, &q, peers, n, vs_deadline_ms(ASK_MS));
	if (ns < 0 && ns != -ENOENT)
		return ns;
	r = ns < 0 ? vs_segment_place_make(k, place) : vs_segment_place_enter(place, ns);
	if (r == 0 && ns >= 0 && n < VS_LOCAL_PEERS_MOST) /* all that live are known */
		vs_segment_place_clean(place, is_dead, &(struct keepers){ l, peers, n });
	if (r == 0)
		return 0;
	return vs_fail(-r, "cannot %s segment \"%s\": %s", ns < 0 ? "make" : "enter", name,
		       r == -EOPNOTSUPP ? "the kernel has no bridge driver; modprobe bridge"
					: vs_cause_text(vs_diagnose_netns(-r, ""), -r));
}

/* A privileged keeper meets others only when it joins its first segment. */
static int settle_privileged(struct vs_keeper *k)
{
	struct vs_local *l = &k->local;

	if (l->socket >= 0)
		return 0;
	int r = offer(l);
	if (r < 0)
		return r;
	r = vs_local_watch(k);
	if (r == 0)
		return 0;
	/* Nobody would serve it. */
	(void)unlinkat(l->dir, l->name, 0);
	vs_close(vs_steal_fd(&l->socket));
	return vs_fail(-r, "cannot use local:// segments: %s", vs_cause_text(vs_diagnose_limit(-r), -r));
}

static int join_with_lock(struct vs_iface *iface, const char *name, const struct vs_wire_iface *want,
			  int netlink, int ifindex)
{
	struct vs_keeper *k = iface->keeper;
	struct vs_peer_ns place;
	int r = settle_privileged(k);

	if (r == 0) /* another job may have joined it meanwhile */
		r = vs_segment_join_shared(iface, name, want, netlink, ifindex, NULL);
	if (r <= 0)
		return r;
	r = find_place(k, name, netlink, &place);
	return r < 0 ? r : vs_segment_join_shared(iface, name, want, netlink, ifindex, &place);
}

/* The directory of a privileged keeper, opened by its first join. */
static int open_dir(struct vs_keeper *k)
{
	pthread_mutex_lock(&k->local.opening);
	int r = vs_local_dir_open(&k->local, true);
	pthread_mutex_unlock(&k->local.opening);
	return r;
}

int vs_local_join(struct vs_iface *iface, const char *name, const struct vs_wire_iface *want, int netlink,
		  int ifindex)
{
	struct vs_keeper *k = iface->keeper;
	struct vs_local *l = &k->local;
	int r;

	if (!l->shares && !k->privileged && !k->variant->same_process)
		return vs_fail(ENOTSUP,
			       "cannot plug interface %s into \"local://%s\": the keeper of this stack was "
			       "started "
			       "without local:// and lives in a user namespace of its own; give the stack "
			       "its "
			       "local:// interface when it is made, or set VDESTACK_LOCAL=1 before the first "
			       "stack", want->name, name);
	r = vs_segment_join_shared(iface, name, want, netlink, ifindex, NULL);
	if (r <= 0)
		return r;
	r = open_dir(k);
	if (r < 0)
		return r;
	r = vs_local_dir_enter(l);
	if (r < 0)
		return vs_fail(-r, "cannot use local:// segments: %s", strerror(-r));
	int lock = vs_local_lock(l, vs_deadline_ms(LOCK_MS));
	if (lock < 0)
		return lock;
	r = join_with_lock(iface, name, want, netlink, ifindex);
	vs_local_unlock(l, lock, false);
	return r;
}

int vs_local_mark(struct vs_keeper *k, const char *name, bool there)
{
	return vs_local_dir_mark(&k->local, name, there);
}

/* ------------------------------------------------------------------ answering */

static int copy_of(int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	return copy < 0 ? -errno : copy;
}

/* A descriptor, or -errno. */
static int answer(struct vs_keeper *k, struct vs_call *call)
{
	const struct vs_local *l = &k->local;

	if (call->req.op == VS_OP_LOCAL_USER)
		return l->shares && !vs_listed_is_confined(k, &call->msg, VS_CONFINED_SECCOMP)
			       ? copy_of(l->user)
			       : -EPERM;
	if (call->req.op != VS_OP_LOCAL_SEGMENT || call->text_len == 0)
		return -EINVAL;
	int proof = vs_call_take_fd(call, 1);
	bool ours = proof >= 0 && vs_local_is_ours(l, proof);
	if (proof >= 0)
		vs_close_foreign(proof);
	return ours ? vs_segment_shared_ns(k, call->text) : -EPERM;
}

void vs_local_serve(struct vs_keeper *k)
{
	struct vs_call *call = vs_call_new();

	if (call == NULL)
		return;
	int r = vs_call_recv(k->local.socket, call, MSG_DONTWAIT);
	bool serve = r > 0 && call->msg.creds.uid == geteuid() && call->reply >= 0 &&
		     vs_auth_takes_replies(k, call, call->reply);
	if (serve) {
		call->refusal = NULL;
		VS_AUTO_CLOSE fd = answer(k, call);
		vs_call_reply(k, call, fd < 0 ? fd : 0, NULL, &fd, fd < 0 ? 0 : 1);
	}
	vs_call_drop(call);
	free(call);
}
