/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The start of a keeper: a process that executes this library's file, or threads of the program.
 *
 * Both report how the start went, with the key that requests need. A process reports on a socket of its
 * own, where a failed exec is reported as well. End of file there means that the process ended before it
 * was ready.
 */

#include "keeper_start.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/diagnose.h"
#include "base/error.h"
#include "environment.h"
#include "keeper/start.h"
#include "launch.h"
#include "numbers.h"
#include "wire/changes.h"
#include "wire/claims.h"
#include "wire/fdmsg.h"
#include "wire/messages.h"

#define REAP_MS 500 /* a keeper that could not start is about to end */
#define ANY_STACK_BYTES (256 * 1024) /* a smaller limit of the stack is a likely cause */

static int died_early(void)
{
	struct rlimit limit;
	bool tight = getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;

	if (tight)
		return vs_fail(ENOMEM, "cannot start the keeper: it ended before it was ready, probably for "
				       "lack of memory; raise RLIMIT_AS (ulimit -v)");
	if (getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur < ANY_STACK_BYTES)
		return vs_fail(ENOMEM, "cannot start the keeper: it ended before it was ready, probably for "
				       "lack of stack; raise RLIMIT_STACK (ulimit -s)");
	return vs_fail(EIO, "cannot start the keeper: it ended before it was ready; its file (this library) "
			    "may have been replaced, a library it needs may be missing, or a security policy "
			    "stops it");
}

static int exec_failed(int err)
{
	enum vs_cause limit = vs_diagnose_limit(err);

	if (limit != VS_CAUSE_UNKNOWN)
		return vs_fail(err, "cannot start the keeper: %s", vs_cause_text(limit, err));
	if (err == E2BIG)
		return vs_fail(E2BIG, "cannot start the keeper: the environment is too large for the limit "
				      "of the stack; raise RLIMIT_STACK (ulimit -s)");
	return vs_fail(err, "cannot start the keeper: executing the library's own file failed (%s); it must "
			    "be readable where the program's root is now", strerror(err));
}

/*
 * Waits for the keeper's report on its start. On success text is what it could not do for itself, or "", and
 * *changes the change page as a descriptor, or -1.
 */
static int await_start(int starter, int64_t deadline, struct vs_start_report *reply, struct vs_key *key,
		       char text[VS_MESSAGE_MAX], int *changes)
{
	const size_t head = offsetof(struct vs_start_report, key), least = head + sizeof(*key);
	struct vs_fdmsg msg = {
		.iov = { { reply, head }, { key, sizeof(*key) }, { text, VS_MESSAGE_MAX - 1 } }, .n_iov = 3
	};
	struct pollfd word = { .fd = starter, .events = POLLIN };
	int n;

	do {
		n = poll(&word, 1, vs_left_ms(deadline));
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return vs_fail(errno, "cannot wait for the keeper: %s", strerror(errno));
	if (n == 0)
		return vs_fail(ETIMEDOUT, "cannot start the keeper: it is not ready in time; raise "
					  "step_timeout_ms");
	ssize_t len = vs_fdmsg_recv(starter, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (msg.n_fds > 0)
		*changes = vs_steal_fd(&msg.fds[0]);
	vs_fdmsg_drop(&msg);
	if (len == (ssize_t)sizeof(int32_t)) {
		int32_t r;
		memcpy(&r, reply, sizeof(r));
		return exec_failed(-r);
	}
	if (len < (ssize_t)least)
		return died_early();
	if (reply->version != VS_WIRE_VERSION)
		return vs_fail(EPROTO, "cannot start the keeper: the file of this library has been replaced "
				       "by another version; restart the program");
	return reply->result < 0 ? vs_fail_text(-reply->result, text) : 0;
}

ino_t vs_keepers_pid_ns(void)
{
	struct stat ns;

	return stat("/proc/self/ns/pid", &ns) == 0 ? ns.st_ino : 0;
}

static void note_ready(struct vs_keeper_link *k, const struct vs_start_report *ready)
{
	k->pid = ready->pid;
	k->proof = ready->proof;
}

/* Of the program, when it starts the keeper. Done while a keeper process starts. */
static void note_program(struct vs_keeper_link *k)
{
	k->uid = geteuid();
	k->gid = getegid();
	k->pid_ns = vs_keepers_pid_ns();
}

void vs_keeper_forget_pages(struct vs_keeper_link *k)
{
	struct vs_claims *page = atomic_exchange(&k->claims, NULL);

	if (page != NULL)
		(void)munmap(page, VS_CLAIMS_BYTES);
	if (k->changes != NULL && k->variant != VS_VARIANT_INPROCESS)
		(void)munmap(k->changes, VS_CHANGES_BYTES);
	k->changes = NULL;
}

static int start_process(int front, int adopt, int64_t deadline, struct vs_keeper_link *k)
{
	char warning[VS_MESSAGE_MAX] = "";
	struct vs_start_report ready = { .pid = 0 };
	char why[VS_MESSAGE_MAX];
	VS_AUTO_CLOSE changes = -1;
	int starter[2];
	pid_t made = 0;
	int r = vs_socketpair(starter);

	if (r < 0)
		return vs_fail(-r, "cannot start the keeper: %s", vs_cause_text(vs_diagnose_limit(-r), -r));
	int fds[] = { starter[1], front, adopt };
	enum vs_launch_role role = k->variant == VS_VARIANT_LOCAL ? VS_LAUNCH_LOCAL_KEEPER : VS_LAUNCH_KEEPER;
	r = vs_launch(role, fds, adopt >= 0 ? 3 : 2, &made, why);
	vs_close(starter[1]);
	note_program(k);
	if (r < 0)
		r = vs_fail(-r, "cannot start the keeper: %s", why);
	else
		/* if it fails, the keeper ends by itself */
		r = await_start(starter[0], deadline, &ready, &k->key, warning, &changes);
	vs_close(starter[0]);
	if (r < 0)
		vs_launch_ended(made, REAP_MS);
	if (r == 0) {
		note_ready(k, &ready);
		k->changes = vs_fd_map_sealed(changes, VS_CHANGES_BYTES, PROT_READ);
		k->warning = warning[0] != '\0' ? strdup(warning) : NULL;
	}
	return r;
}

static int start_threads(int front, struct vs_keeper_link *k)
{
	struct vs_start_report ready;
	int r = vs_keeper_start_inprocess(front, &ready, &k->changes); /* takes front */

	if (r == 0) {
		note_program(k);
		note_ready(k, &ready);
		k->key = ready.key; /* the keeper's own copy is in this process as well */
	}
	return r;
}

int vs_keepers_start(enum vs_variant variant, int adopt, int64_t deadline_ms, struct vs_keeper_link **out)
{
	VS_AUTO_FREE struct vs_keeper_link *k = calloc(1, sizeof(*k));
	int front[2];
	int r = k == NULL ? -ENOMEM : vs_socketpair(front);

	if (r < 0)
		return vs_fail(-r, "cannot start the keeper: %s", vs_cause_text(vs_diagnose_limit(-r), -r));
	k->variant = variant;
	if (variant == VS_VARIANT_INPROCESS) {
		if (vs_environment_secure() && getenv("VDEPLUGIN_PATH") != NULL) {
			vs_close(front[1]);
			r = vs_fail(EPERM, "cannot serve stacks in this process: the program has rights that "
					   "its caller lacks, and the caller may have set VDEPLUGIN_PATH; "
					   "unset VDEPLUGIN_PATH, or leave out VDESTACK_INPROCESS");
		} else if (vs_privileged()) {
			r = start_threads(front[1], k);
		} else {
			vs_close(front[1]);
			r = vs_fail(EPERM, "cannot serve stacks in this process: that takes CAP_SYS_ADMIN, "
					   "CAP_NET_ADMIN and CAP_NET_RAW; leave out VDESTACK_INPROCESS");
		}
	} else {
		r = start_process(front[1], adopt, deadline_ms, k);
		vs_close(front[1]);
	}
	if (r < 0) {
		vs_close(front[0]);
		return r;
	}
	(void)vs_fd_raise(&front[0], vs_numbers_floor());
	k->front = vs_sock_of(front[0]);
	k->id = k->front.cookie;
	*out = vs_steal_ptr(k);
	return 0;
}
