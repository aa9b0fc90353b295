/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * How other programs of the same user find this keeper's stacks.
 *
 * The keeper binds a datagram socket in a directory of that user (wire/registry_dir.h). There it answers two
 * requests: which stacks there are, and for a door of one of them. A thread opens the socket after the first
 * stack has begun, while that one is being made. So no call of the program waits for it, and a file system
 * that does not answer delays nobody. A failure means that the program is not found.
 *
 * Who is served:
 *
 *  - The kernel lets only this user and root send here, because of the modes of socket and directory. It says
 *    who has sent a message, and that is compared as well.
 *  - A reply goes only to a socket pair that the sender has made, as everywhere (auth.c).
 *  - A door is not given to a sender that is confined and may be a part of the program: it has no_new_privs
 *    or a seccomp filter, and the program had none when it started the keeper. Commands can be started
 *    through such a door. Otherwise a process that has been sealed could get back here what it has given up.
 *
 * The door keeps nothing: the stack ends with the last door of its program (regain.c). It has no key, so what
 * changes the stack is refused, except commands.
 *
 * A flood of messages fills the queue of this socket, and its senders wait. The main thread serves one
 * message at a time between other events. No message leaves anything here.
 */

#include "listed.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/cleanup.h"
#include "base/thread.h"
#include "call.h"
#include "keeper.h"
#include "net.h"
#include "regain.h"
#include "variant.h"
#include "wire/fdmsg.h"
#include "wire/messages.h"

#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76
#endif

#define DESCRIPTORS_LEAST 128 /* a keeper that may have fewer is not registered */
#define END_MS 200 /* how long the end of the keeper waits for the thread that opens the socket */

void vs_listed_prepare(struct vs_keeper *k)
{
	const char *registry = getenv("VDESTACK_REGISTRY"), *pid = getenv("VDESTACK_RUN_PID");

	k->listed = (struct vs_listed){ .socket = -1, .dir = -1, .program = -1 };
	k->listed.off = registry != NULL && strcmp(registry, "off") == 0;
	k->listed.run_pid = pid != NULL ? (pid_t)strtol(pid, NULL, 10) : 0;
}

void vs_listed_note(struct vs_keeper *k, const struct vs_wire_iface *iface)
{
	k->listed.wanted = k->listed.wanted || iface->unregistered == 0;
	if (!k->listed.asked)
		k->listed.confined = iface->confined;
	k->listed.asked = true;
}

/* ------------------------------------------------------------------ opening */

/* The name is relative to the directory of this thread: a path may be too long for an address. */
static int bind_in(int dir, int fd, const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", name);
	if (fchdir(dir) < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return 0;
}

static int open_dir(void)
{
	int dir = -ENOENT;

	for (int i = 0; i < VS_REGISTRY_DIRS && dir < 0; i++)
		dir = vs_registry_dir_open(i, true);
	return dir;
}

static int open_socket(struct vs_keeper *k)
{
	int fd = (int)syscall(SYS_socket, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;

	if (fd < 0)
		return -errno;
	int r = vs_auth_watch(k, fd);
	if (r < 0) {
		vs_close(fd);
		return r;
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_PASSPIDFD, &on, sizeof(on)); /* from Linux 6.5 */
	return fd;
}

static pid_t program_of(const struct vs_keeper *k)
{
	return k->listed.run_pid > 0 ? k->listed.run_pid : k->owner.pid;
}

static void open_here(struct vs_keeper *k)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = VS_LISTED_EVENT };
	unsigned random = 0;

	if (unshare(CLONE_FS) < 0) /* this thread's own directory and umask */
		return;
	(void)umask(S_IRWXG | S_IRWXO);
	(void)!getrandom(&random, sizeof(random), GRND_NONBLOCK); /* the process id is nearly enough */
	struct vs_registry_name name = vs_registry_name(program_of(k), getpid(), random);
	VS_AUTO_CLOSE dir = open_dir();
	VS_AUTO_CLOSE fd = dir < 0 ? -1 : open_socket(k);
	if (fd < 0 || bind_in(dir, fd, name.text) < 0)
		return;
	pthread_mutex_lock(&k->lock);
	k->listed.name = name;
	k->listed.program = (int)syscall(SYS_pidfd_open, program_of(k), 0);
	k->listed.dir = vs_steal_fd(&dir);
	k->listed.socket = vs_steal_fd(&fd);
	/* If this fails, nobody gets an answer. */
	(void)epoll_ctl(k->epoll, EPOLL_CTL_ADD, k->listed.socket, &event);
	pthread_mutex_unlock(&k->lock);
}

static void *open_main(void *arg)
{
	struct vs_keeper *k = arg;

	(void)vs_caps_only(k->privileged ? VS_CAPS_FILES : VS_CAPS_NONE); /* it walks through directories */
	(void)prctl(PR_SET_NAME, "vdestack-reg");
	open_here(k);
	pthread_mutex_lock(&k->lock);
	k->listed.done = true;
	pthread_cond_broadcast(&k->met);
	pthread_mutex_unlock(&k->lock);
	return NULL;
}

/* Then all of them are for stacks. */
static bool has_few_descriptors(void)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur < DESCRIPTORS_LEAST;
}

void vs_listed_check(struct vs_keeper *k)
{
	struct vs_listed *l = &k->listed;

	if (!l->wanted || l->begun || l->off || k->variant->same_process)
		return;
	/* Where no owner of a file can be compared, every directory would look like ours. */
	l->off = vs_auth_is_overflow(geteuid(), false) || has_few_descriptors();
	if (!l->off)
		l->begun = vs_thread_start(open_main, k, NULL) == 0;
	l->off = !l->begun;
}

void vs_listed_end(struct vs_keeper *k)
{
	struct timespec limit;

	if (!k->listed.begun)
		return;
	(void)clock_gettime(CLOCK_REALTIME, &limit);
	limit.tv_nsec += END_MS * 1000000L;
	limit.tv_sec += limit.tv_nsec / 1000000000L;
	limit.tv_nsec %= 1000000000L;
	pthread_mutex_lock(&k->lock);
	while (!k->listed.done && pthread_cond_timedwait(&k->met, &k->lock, &limit) == 0)
		;
	if (k->listed.socket >= 0)
		(void)unlinkat(k->listed.dir, k->listed.name.text, 0);
	pthread_mutex_unlock(&k->lock);
}

/* ------------------------------------------------------------------ serving */

/* A number in /proc/PID/status; -1: it cannot be read. */
static int status_of(pid_t pid, const char *field)
{
	char path[64], text[4096];

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	VS_AUTO_CLOSE fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
	if (n <= 0)
		return -1;
	text[n] = '\0';
	const char *at = strstr(text, field);
	return at != NULL ? atoi(at + strlen(field)) : -1;
}

static bool is_alive(int pidfd)
{
	struct pollfd end = { .fd = pidfd, .events = POLLIN };

	return pidfd >= 0 && poll(&end, 1, 0) == 0;
}

bool vs_listed_is_confined(const struct vs_keeper *k, const struct vs_fdmsg *msg, unsigned ways)
{
	pid_t pid = msg->creds.pid;
	unsigned since = ways & ~k->listed.confined;
	bool confined = ((since & VS_CONFINED_PRIVILEGES) != 0 && status_of(pid, "\nNoNewPrivs:") != 0) ||
			((since & VS_CONFINED_SECCOMP) != 0 && status_of(pid, "\nSeccomp:") != 0);

	/* If the process is alive, the status was not that of another one. */
	return confined || (msg->has_pidfd && !is_alive(msg->pidfd));
}

/* In a user namespace of our own, root is one of the ids that are not mapped. The kernel has let it send. */
static bool is_ours(const struct vs_keeper *k, uid_t uid)
{
	return uid == geteuid() || uid == 0 || (!k->privileged && vs_auth_is_overflow(uid, false));
}

/* The process that stands for the program: that of VDESTACK_RUN_PID or the maker, else one that uses it. */
static pid_t shown_pid(const struct vs_keeper *k)
{
	pid_t user = atomic_load(&k->user);

	return is_alive(k->listed.program) || user == 0 ? program_of(k) : user;
}

/* Names of stacks have no line breaks. */
static size_t list_stacks(struct vs_keeper *k, int first, char *text, size_t size)
{
	const struct vs_net *all[VS_LIST_MOST] = { NULL };
	int n = 0;

	pthread_mutex_lock(&k->lock);
	for (const struct vs_net *net = k->nets; net != NULL && n < VS_LIST_MOST; net = net->next)
		if (!net->unregistered)
			all[n++] = net; /* the newest first */
	size_t len = (size_t)snprintf(text, size, "%d %d\n", (int)shown_pid(k), n);
	for (int i = n - 1 - first; i >= 0 && size - len > VS_LIST_LINE; i--)
		len += (size_t)snprintf(text + len, size - len, "%llu %s\n", (unsigned long long)all[i]->id,
					all[i]->name);
	pthread_mutex_unlock(&k->lock);
	return len;
}

static void answer_list(struct vs_keeper *k, struct vs_call *call)
{
	char text[VS_TEXT_MAX];
	int first = call->req.arg[0];

	(void)list_stacks(k, first < 0 || first > VS_LIST_MOST ? VS_LIST_MOST : first, text, sizeof(text));
	vs_call_reply(k, call, 0, text, NULL, 0);
}

static int new_door(struct vs_keeper *k, const struct vs_call *call, int *others_end)
{
	uint64_t id;
	int pair[2];

	if (call->text_len != sizeof(id))
		return -EINVAL;
	memcpy(&id, call->text, sizeof(id));
	int r = vs_socketpair(pair);
	if (r < 0)
		return r;
	r = vs_auth_watch(k, pair[0]);
	if (r == 0)
		r = vs_regain_attach(k, id, pair[0]);
	if (r < 0) {
		vs_close(pair[0]);
		vs_close(pair[1]);
		return r;
	}
	*others_end = pair[1];
	return 0;
}

static void answer_attach(struct vs_keeper *k, struct vs_call *call)
{
	VS_AUTO_CLOSE fd = -1;

	if (vs_listed_is_confined(k, &call->msg, VS_CONFINED_PRIVILEGES | VS_CONFINED_SECCOMP)) {
		atomic_fetch_add(&k->counts.lookups_refused, 1);
		vs_call_reply(k, call, -EPERM, "the keeper gives no door to a process that is confined "
					       "(no_new_privs, seccomp) when its own program was not; use a "
					       "process that is not confined", NULL, 0);
		return;
	}
	int r = new_door(k, call, &fd);
	vs_call_reply(k, call, r, r < 0 ? strerror(-r) : NULL, &fd, r < 0 ? 0 : 1);
}

void vs_listed_serve(struct vs_keeper *k)
{
	struct vs_call *call = vs_call_new();

	if (call == NULL)
		return;
	int r = vs_call_recv(k->listed.socket, call, MSG_DONTWAIT);
	if (r > 0 || r == -EPROTO)
		atomic_fetch_add(&k->counts.lookups, 1);
	bool serve = r > 0 && (call->req.op == VS_OP_LIST || call->req.op == VS_OP_ATTACH) &&
		     is_ours(k, call->msg.creds.uid) && call->reply >= 0 &&
		     vs_auth_takes_replies(k, call, call->reply);
	if (serve) {
		call->refusal = NULL;
		if (call->req.op == VS_OP_LIST)
			answer_list(k, call);
		else
			answer_attach(k, call);
	} else if (r > 0 || r == -EPROTO) {
		atomic_fetch_add(&k->counts.lookups_refused, 1);
	}
	vs_call_drop(call);
	free(call);
}
