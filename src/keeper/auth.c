/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Who may ask the keeper for what.
 *
 * A process that has a door, for example by inheritance, may have given up privileges that the keeper still
 * has. So there are two kinds of requests. To make a socket, to read, to subscribe and to remove an interface
 * take only the door, as with any inherited descriptor. All other requests change something. They take the
 * keeper's key, and credentials that are those of the keeper:
 *
 *   keeper                              the sender                       checked
 *   in the program's user namespace,    claims a process id that is not  by the kernel, when the message is
 *   or on threads of the program        its own: has CAP_SYS_ADMIN;      sent (unix(7), SCM_CREDENTIALS)
 *                                       claims the keeper's uid and gid
 *   in a user namespace of its own      claims the keeper's uid and gid  the same
 *                                       has these ids and no others      by the kernel, when the message is
 *                                                                        read (prlimit(2) of another process)
 *
 * The claimed process id is the thread id of the keeper's main thread: no process has it as its
 * own, not even the program when the keeper is on its threads.
 *
 * A user namespace shows each id that it does not map as the overflow id. So the overflow id may stand for
 * any of them, and is never compared. prlimit(2) compares the ids inside the kernel, whatever their numbers
 * are here.
 *
 * When the message is read, its process id may be that of another process. Where nothing but the ids in the
 * kernel is compared, the message therefore has a pidfd of its sender, and the sender must still be alive
 * after the check.
 *
 * prlimit(2) refuses a program whose ids were not all alike when the keeper started. For such a program only
 * the first check is made, so its ids must have numbers here.
 *
 * Supplementary groups are not compared. A program that may give groups up (CAP_SETGID) starts a keeper
 * without any. Capabilities other than CAP_SYS_ADMIN are not compared either, because a process that may
 * mount can replace any file.
 *
 * A message of the keeper carries the keeper's credentials, and the sender must not use it to get rights
 * elsewhere. So a reply goes only to a socket pair that the sender has made. A pair has no names, unlike a
 * connection to a server, and the kernel says which process made it.
 */

#include "auth.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "call.h"
#include "keeper.h"
#include "variant.h"
#include "wire/fdmsg.h"

#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76
#endif

#define OVERFLOW_DEFAULT 65534 /* proc(5), overflowuid */

/* ------------------------------------------------------------------ the owner */

bool vs_auth_is_overflow(unsigned id, bool group)
{
	char text[16] = "";
	VS_AUTO_CLOSE fd = open(group ? "/proc/sys/kernel/overflowgid" : "/proc/sys/kernel/overflowuid",
				O_RDONLY | O_CLOEXEC);

	if (id == OVERFLOW_DEFAULT)
		return true;
	return fd >= 0 && read(fd, text, sizeof(text) - 1) > 0 && id == strtoul(text, NULL, 10);
}

/* Whether all ids of that process are those of this one, whatever their numbers; prlimit(2). */
static bool has_our_ids(pid_t pid)
{
	struct rlimit limit;

	return pid > 0 && prlimit(pid, RLIMIT_CORE, NULL, &limit) == 0;
}

static int draw_key(struct vs_key *key)
{
	ssize_t n;

	do {
		n = getrandom(key, sizeof(*key), 0);
	} while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof(*key) ? 0 : n < 0 ? -errno : -EIO;
}

int vs_auth_prepare(struct vs_keeper *k)
{
	struct vs_owner *o = &k->owner;

	o->uid = geteuid();
	o->gid = getegid();
	o->pid = vs_auth_maker(k->front);
	/* k->privileged: vs_isolate_user() has tried it. */
	int claims = k->variant->same_process ? vs_can_claim_pid() : k->privileged;
	if (claims > 0) {
		o->proof = gettid();
	} else {
		o->ids_known = !vs_auth_is_overflow(o->uid, false) && !vs_auth_is_overflow(o->gid, true);
		o->same_ids = has_our_ids(o->pid);
	}
	return claims < 0 ? claims : draw_key(&o->key);
}

int vs_auth_watch(struct vs_keeper *k, int door)
{
	int on = 1;

	if (setsockopt(door, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0)
		return -errno;
	if (k->owner.proof == 0 && !k->owner.ids_known && !k->variant->same_process) /* from Linux 6.5 */
		k->owner.pidfds = setsockopt(door, SOL_SOCKET, SO_PASSPIDFD, &on, sizeof(on)) == 0;
	return 0;
}

/* ------------------------------------------------------------------ the sender */

const char vs_auth_no_key[] =
	"this process has been sealed (vdestack_seal), or has received the stack (vdestack_receive)";

bool vs_auth_has_key(const struct vs_keeper *k, const struct vs_call *call)
{
	const struct vs_key *ours = &k->owner.key, *its = &call->req.key;

	/* no early exit: the time that it takes must not depend on the key */
	return ((ours->half[0] ^ its->half[0]) | (ours->half[1] ^ its->half[1])) == 0;
}

/* In the program's own user namespace. The kernel has checked that the sender has CAP_SYS_ADMIN there. */
static bool shows_capabilities(const struct vs_owner *o, const struct ucred *sender)
{
	return sender->pid == o->proof && sender->uid == o->uid && sender->gid == o->gid;
}

/*
 * To threads of the program, which have the program's current credentials. The root of a user namespace
 * without a PID namespace of its own cannot claim a process id. Then requests of the program itself are
 * accepted, and none of its children.
 */
static bool shows_itself(const struct vs_owner *o, const struct ucred *sender)
{
	pid_t expected = o->proof != 0 ? o->proof : getpid();

	return sender->pid == expected && sender->uid == geteuid() && sender->gid == getegid();
}

/* If the process is alive, its process id was not that of another process meanwhile. */
static bool is_alive(int pidfd)
{
	struct pollfd end = { .fd = pidfd, .events = POLLIN };

	return pidfd >= 0 && poll(&end, 1, 0) == 0;
}

static bool shows_ids(const struct vs_owner *o, const struct vs_fdmsg *msg)
{
	const struct ucred *sender = &msg->creds;

	if (o->ids_known && (sender->uid != o->uid || sender->gid != o->gid))
		return false;
	if (!o->same_ids)
		return o->ids_known;
	return has_our_ids(sender->pid) && (!o->pidfds || (msg->has_pidfd && is_alive(msg->pidfd)));
}

const char *vs_auth_refusal(const struct vs_keeper *k, const struct vs_call *call)
{
	const struct vs_owner *o = &k->owner;
	const struct ucred *sender = &call->msg.creds;

	if (!vs_auth_has_key(k, call))
		return vs_auth_no_key;
	if (k->variant->same_process ? shows_itself(o, sender)
	    : o->proof != 0          ? shows_capabilities(o, sender)
				     : shows_ids(o, &call->msg))
		return NULL;
	return "this process has given up the privileges its keeper was started with";
}

/* ------------------------------------------------------------------ channels for replies */

static int option(int fd, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, name, &value, &len) == 0 ? value : -1;
}

/* A socket that listens, and one that is connected to it, have a name at one end at least. */
static bool is_pair(int fd)
{
	struct sockaddr_storage name;
	socklen_t own = sizeof(name), other = sizeof(name);

	return option(fd, SO_DOMAIN) == AF_UNIX && option(fd, SO_TYPE) == SOCK_SEQPACKET &&
	       getsockname(fd, (struct sockaddr *)&name, &own) == 0 && own <= sizeof(sa_family_t) &&
	       getpeername(fd, (struct sockaddr *)&name, &other) == 0 && other <= sizeof(sa_family_t);
}

pid_t vs_auth_maker(int pair)
{
	struct ucred maker = { .pid = 0 };
	socklen_t len = sizeof(maker);

	/* Cannot fail on a socket of AF_UNIX. */
	(void)getsockopt(pair, SOL_SOCKET, SO_PEERCRED, &maker, &len);
	return maker.pid;
}

bool vs_auth_takes_replies(const struct vs_keeper *k, const struct vs_call *call, int fd)
{
	pid_t maker, sender = call->msg.creds.pid;

	if (!is_pair(fd))
		return false;
	maker = vs_auth_maker(fd);
	if (!k->variant->same_process && maker == getpid())
		return false; /* a door */
	/* A sender that may claim any process id gains nothing from messages of the keeper. */
	return maker == sender || (k->owner.proof != 0 && sender == k->owner.proof);
}
