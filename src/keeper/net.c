/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The networking thread: one per stack, lives in the stack's namespace.
 *
 * It does what can only be done there, in short steps that never wait for a network: makes
 * sockets, opens taps, reads and writes the namespace's sysctls. What may take long is
 * handed to a job with the descriptors it needs. Between requests it sleeps in one receive on
 * the stack's door. End of file there means that no process holds the stack any more.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/diagnose.h"
#include "base/error.h"
#include "iface.h"
#include "isolate.h"
#include "keeper.h"

#define SPARE_NUMBERS 8 /* what the stacks there are need to go on: sockets on their way, reply channels */

struct net {
	struct vs_keeper *keeper;
	struct vs_call *call; /* the request being served */
	int door;
	int life[2]; /* made on demand; both ends are ours, copies of [1] see the stack's end */
	struct vs_iface *ifaces;
};

/* The program's own socket() may be the one this library redefines: always the system call. */
static int raw_socket(int domain, int type, int protocol)
{
	int fd = (int)syscall(SYS_socket, domain, type, protocol);

	return fd < 0 ? -errno : fd;
}

/* ------------------------------------------------------------------ the namespace */

static void write_sysctl(const char *path, const char *value)
{
	VS_AUTO_CLOSE fd = open(path, O_WRONLY | O_CLOEXEC);

	/* Comfort, not need: without /proc, or on a kernel without the setting, the stack works all the same. */
	if (fd >= 0)
		(void)!write(fd, value, strlen(value));
}

/* A server that has given up its uid can still bind port 80 and ping. */
static void relax_limits(const struct vs_keeper *k)
{
	char range[64] = "0 2147483647";

	if (!k->privileged && !k->in_process) /* only one group exists in the keeper's user namespace */
		(void)snprintf(range, sizeof(range), "%u %u", getegid(), getegid());
	write_sysctl("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0");
	write_sysctl("/proc/sys/net/ipv4/ping_group_range", range);
}

static int make_namespace(const struct vs_keeper *k)
{
	if (unshare(CLONE_NEWNET) < 0) {
		int err = errno;
		return vs_fail(err, "cannot make a network namespace: %s", vs_cause_text(vs_diagnose_netns(err, ""), err));
	}
	int r = vs_device_up("lo");
	if (r < 0)
		return vs_fail(-r, "cannot bring lo up: %s", strerror(-r));
	relax_limits(k);
	return 0;
}

static int enter_namespace(int fd)
{
	if (setns(fd, CLONE_NEWNET) == 0)
		return 0;
	int err = errno;
	return vs_fail(err, "cannot adopt the network namespace: %s; %s", strerror(err),
		       err == EINVAL ? "the descriptor or path is none" : "only namespaces of this program's user can be adopted");
}

/* ------------------------------------------------------------------ requests */

static int open_namespace(int *ns)
{
	VS_AUTO_CLOSE s = raw_socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (s < 0)
		return s;
	*ns = ioctl(s, SIOCGSKNS);
	if (*ns < 0) /* in the program itself we have no more capabilities than it has kept */
		*ns = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	return *ns < 0 ? -errno : 0;
}

static void do_channel(struct net *n)
{
	int fd = vs_call_take_fd(n->call, 0);

	if (fd >= 0) /* a failure shows to the caller as end of file on its channel */
		(void)vs_channel_add(n->keeper, n->call->req.channel, fd);
}

static void do_msocket(struct net *n)
{
	const int32_t *arg = n->call->req.arg;
	uint32_t count = n->call->req.count;

	for (uint32_t i = 0; i < count && i < VS_SOCKETS_MAX; i++) {
		VS_AUTO_CLOSE fd = raw_socket(arg[0], arg[1] | SOCK_CLOEXEC, arg[2]);
		vs_call_reply(n->keeper, n->call, fd < 0 ? fd : 0, NULL, &fd, fd < 0 ? 0 : 1);
	}
}

static void do_entry(struct net *n)
{
	VS_AUTO_CLOSE ns = -1;
	int r = open_namespace(&ns);

	if (r == 0 && n->life[0] < 0)
		r = vs_socketpair(n->life);
	int fds[] = { ns, n->life[1] };
	vs_call_reply(n->keeper, n->call, r, r < 0 ? strerror(-r) : NULL, fds, r < 0 ? 0 : 2);
}

static bool sysctl_path(const char *name, char *path, size_t size)
{
	int n = snprintf(path, size, "/proc/sys/net/%s", name);

	return n > 0 && (size_t)n < size && name[0] != '/' && strstr(name, "..") == NULL;
}

static void do_sysctl(struct net *n)
{
	struct vs_call *call = n->call;
	bool set = call->req.op == VS_OP_SYSCTL_SET;
	const char *value = call->text + strlen(call->text) + 1;
	char path[512], got[4096];
	ssize_t len = 0;
	int r = 0;

	if (set && !vs_call_authorised(n->keeper, call))
		r = -EPERM;
	else if (!sysctl_path(call->text, path, sizeof(path)) || (set && value > call->text + call->text_len))
		r = -EINVAL;
	VS_AUTO_CLOSE fd = r < 0 ? -1 : open(path, (set ? O_WRONLY : O_RDONLY) | O_CLOEXEC);
	if (r == 0 && fd < 0)
		r = -errno;
	if (r == 0)
		len = set ? write(fd, value, strlen(value)) : read(fd, got, sizeof(got) - 1);
	if (r == 0 && len < 0)
		r = -errno;
	if (r == 0 && !set)
		got[len] = '\0';
	vs_call_reply(n->keeper, call, r, r < 0 ? strerror(-r) : set ? NULL : got, NULL, 0);
}

/* ------------------------------------------------------------------ interfaces */

/* Takes those off the list that never came to life; gives where the wanted one is, or the end. */
static struct vs_iface **find_iface(struct net *n, const char *name)
{
	struct vs_iface **at = &n->ifaces;

	while (*at != NULL && (atomic_load(&(*at)->failed) || strcmp((*at)->name, name) != 0)) {
		struct vs_iface *iface = *at;
		if (atomic_load(&iface->failed)) {
			*at = iface->next;
			vs_iface_unref(iface);
		} else {
			at = &iface->next;
		}
	}
	return at;
}

static int job_prepare(struct net *n, struct vs_job *job, bool segment)
{
	struct vs_call *call = n->call;
	struct vs_wire_iface *want = &call->req.iface;

	if (segment) {
		job->netlink = raw_socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
		return job->netlink < 0 ? vs_fail(-job->netlink, "cannot add interface %s: no rtnetlink socket: %s",
						  want->name, vs_cause_text(vs_diagnose_limit(-job->netlink), -job->netlink)) : 0;
	}
	job->iface->tap = vs_tap_open(want, &job->iface->offloads);
	if (job->iface->tap < 0)
		return job->iface->tap;
	int r = vs_device_configure(want);
	return r < 0 ? vs_fail(-r, "cannot give interface %s its MAC and MTU: %s", want->name, strerror(-r)) : 0;
}

/* The call goes to the job when this succeeds. */
static int add_iface(struct net *n)
{
	struct vs_call *call = n->call;
	struct vs_wire_iface *want = &call->req.iface;
	bool segment = strncmp(call->text, "inproc://", 9) == 0;

	want->name[IF_NAMESIZE - 1] = '\0';
	if (!vs_call_authorised(n->keeper, call))
		return vs_fail(EPERM, "cannot add interface %s: this process has given up the privileges its keeper "
				      "was started with; add interfaces before that", want->name);
	if (*find_iface(n, want->name) != NULL || vs_device_exists(want->name))
		return vs_fail(EEXIST, "cannot add interface %s: the stack has one of that name; choose another with iface=",
			       want->name);
	struct vs_iface *iface = vs_iface_new(n->keeper, want->name);
	if (iface == NULL)
		return vs_fail(errno, "cannot add interface %s: %s", want->name,
			       vs_cause_text(vs_diagnose_limit(errno), errno));
	struct vs_job *job = vs_job_new(n->keeper, segment ? VS_JOB_JOIN_SEGMENT : VS_JOB_OPEN_LINK, iface, call);
	int r = job == NULL ? vs_fail(ENOMEM, "cannot add interface %s: %s", want->name, vs_cause_text(VS_CAUSE_MEMORY, ENOMEM))
			    : job_prepare(n, job, segment);
	if (r == 0)
		r = vs_job_submit(job);
	if (r < 0) {
		vs_job_free(job);
		vs_iface_unref(iface);
		return r;
	}
	iface->next = n->ifaces;
	n->ifaces = iface;
	return 0;
}

static int remove_iface(struct net *n)
{
	struct vs_call *call = n->call;
	const char *name = call->req.iface.name;

	call->req.iface.name[IF_NAMESIZE - 1] = '\0';
	struct vs_iface **at = find_iface(n, name);
	struct vs_iface *iface = *at;
	if (iface == NULL)
		return vs_fail(ENODEV, "cannot remove interface %s: this library has made none of that name in the stack", name);
	struct vs_job *job = vs_job_new(n->keeper, VS_JOB_REMOVE, iface, call);
	if (job == NULL)
		return vs_fail(ENOMEM, "cannot remove interface %s: %s", name, vs_cause_text(VS_CAUSE_MEMORY, ENOMEM));
	job->netlink = raw_socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (job->netlink < 0) { /* nothing has been done yet */
		int err = -job->netlink;
		vs_job_free(job);
		return vs_fail(err, "cannot remove interface %s: no rtnetlink socket: %s", name,
			       vs_cause_text(vs_diagnose_limit(err), err));
	}
	*at = iface->next;
	vs_iface_stop(iface);
	int r = vs_job_submit(job);
	if (r < 0) {
		vs_job_free(job);
		iface->next = n->ifaces;
		n->ifaces = iface;
		return r;
	}
	vs_iface_unref(iface); /* the list's use; the job has its own */
	return 0;
}

static void do_stats(struct net *n)
{
	struct vs_call *call = n->call;
	char text[256];

	call->req.iface.name[IF_NAMESIZE - 1] = '\0';
	struct vs_iface *iface = *find_iface(n, call->req.iface.name);
	if (iface == NULL) {
		vs_call_reply(n->keeper, call, -ENODEV, "this library has made no interface of that name in the stack", NULL, 0);
		return;
	}
	struct vs_iface_stats *s = &iface->stats;
	(void)snprintf(text, sizeof(text), "%u %llu %llu %llu %llu %llu %llu", iface->offloads, s->out_frames, s->out_dropped,
		       s->out_refused, s->in_frames, s->in_writes, s->in_dropped);
	vs_call_reply(n->keeper, call, 0, text, NULL, 0);
}

/* A call that goes on in a job takes the buffer with it. */
static void do_iface(struct net *n, int (*act)(struct net *))
{
	struct vs_call *fresh = calloc(1, sizeof(*fresh));
	int r = fresh == NULL ? vs_fail(ENOMEM, "cannot change interfaces: %s", vs_cause_text(VS_CAUSE_MEMORY, ENOMEM)) : act(n);

	if (r < 0) {
		vs_call_fail(n->keeper, n->call, r);
		free(fresh);
		return;
	}
	n->call = fresh; /* the job owns the old one */
	n->call->reply = -1;
}

static void serve(struct net *n)
{
	switch (n->call->req.op) {
	case VS_OP_MSOCKET:
		do_msocket(n);
		break;
	case VS_OP_CHANNEL:
		do_channel(n);
		break;
	case VS_OP_ENTRY:
		do_entry(n);
		break;
	case VS_OP_SYSCTL_GET:
	case VS_OP_SYSCTL_SET:
		do_sysctl(n);
		break;
	case VS_OP_STATS:
		do_stats(n);
		break;
	case VS_OP_ADD:
		do_iface(n, add_iface);
		break;
	case VS_OP_REMOVE:
		do_iface(n, remove_iface);
		break;
	default:
		vs_call_reply(n->keeper, n->call, -ENOSYS, "the keeper does not know this request", NULL, 0);
	}
	vs_call_drop(n->call);
}

/* ------------------------------------------------------------------ life */

static void end_stack(struct net *n)
{
	vs_close(n->door);
	vs_close(n->life[0]);
	vs_close(n->life[1]);
	vs_keeper_count(n->keeper, -1, 0); /* a keeper process may end from here on, and with it everything at once */
	while (n->ifaces != NULL) {
		struct vs_iface *iface = n->ifaces;
		n->ifaces = iface->next;
		vs_iface_stop(iface);
		vs_segment_leave(iface);
		vs_iface_unref(iface);
	}
	vs_call_drop(n->call);
	free(n->call);
	free(n);
}

/* Everything up to the moment the program holds the stack's door. */
static int begin_stack(struct net *n, int *programs_end)
{
	VS_AUTO_CLOSE adopt = vs_call_take_fd(n->call, 1);
	struct rlimit numbers;
	int pair[2], on = 1;
	int r = adopt >= 0 ? enter_namespace(adopt) : make_namespace(n->keeper);

	if (r < 0)
		return r;
	/* In the program itself every thread must keep the program's credentials: setuid() changes all alike. */
	r = n->keeper->in_process ? 0 : vs_isolate_thread(vs_caps_networking);
	if (r == 0)
		r = vs_socketpair(pair);
	if (r == 0 && getrlimit(RLIMIT_NOFILE, &numbers) == 0 && (rlim_t)pair[1] + SPARE_NUMBERS >= numbers.rlim_cur) {
		vs_close(pair[0]);
		vs_close(pair[1]);
		r = -EMFILE;
	} else if (r == 0 && setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0) {
		r = -errno; /* without it nobody could show that he may add interfaces */
		vs_close(pair[0]);
		vs_close(pair[1]);
	}
	if (r < 0)
		return vs_fail(-r, "cannot make the stack's door: %s", vs_cause_text(vs_diagnose_limit(-r), -r));
	n->door = pair[0];
	*programs_end = pair[1];
	return 0;
}

static void *net_main(void *arg)
{
	struct net *n = arg;
	VS_AUTO_CLOSE programs_end = -1;

	(void)prctl(PR_SET_NAME, "vdestack-net");
	int r = begin_stack(n, &programs_end);
	if (r < 0)
		vs_call_fail(n->keeper, n->call, r);
	else
		vs_call_reply(n->keeper, n->call, 0, NULL, &programs_end, 1);
	vs_call_drop(n->call);
	vs_close(vs_steal_fd(&programs_end));
	while (r == 0) {
		r = vs_call_recv(n->door, n->call);
		if (r > 0)
			serve(n);
		r = r > 0 || r == -EPROTO ? 0 : -1;
	}
	end_stack(n);
	return NULL;
}

int vs_net_start(struct vs_keeper *k, struct vs_call *call)
{
	struct net *n = calloc(1, sizeof(*n));

	if (n == NULL)
		return vs_fail(ENOMEM, "cannot make a stack: %s", vs_cause_text(VS_CAUSE_MEMORY, ENOMEM));
	*n = (struct net){ .keeper = k, .call = call, .door = -1, .life = { -1, -1 } };
	vs_keeper_count(k, 1, 0);
	int r = vs_thread_start(net_main, n, NULL);
	if (r < 0) {
		vs_keeper_count(k, -1, 0);
		free(n);
		return vs_fail(-r, "cannot start a networking thread: %s", vs_cause_text(vs_diagnose_limit(-r), -r));
	}
	return 0;
}
