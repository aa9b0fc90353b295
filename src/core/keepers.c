/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The keepers of this program: starting one, sharing it, letting it go.
 *
 * A keeper is started by the first stack and let go with the last; what ends it is the end
 * of file on its front door and on all its stacks' doors. A forked child inherits copies of
 * all of these, so the keeper serves it too and outlives the process that started it.
 */

#include "keepers.h"

#include <errno.h>
#include <linux/capability.h>
#include <poll.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/diagnose.h"
#include "base/error.h"
#include "wire/fdmsg.h"
#include "environment.h"
#include "handle.h"
#include "keeper/start.h"
#include "wire/messages.h"
#include "launch.h"
#include "numbers.h"
#include "process.h"
#include "channels.h"

#define ANY_STACK_BYTES (256 * 1024) /* a smaller limit is suspect */
#define REUSE_MS 1000 /* no process gets the number of another that was alive so shortly before */
#define REAP_MS 2000 /* a keeper ends right after its last user, and that takes some milliseconds */

const char vs_keeper_gone[] = "the keeper of this stack has ended, or the program has closed its descriptors; "
			      "delete the stack and make a new one";

static struct vs_keeper_link *keepers; /* under the process lock */
static atomic_bool sealed;             /* children inherit it */

bool vs_privileged(void)
{
	const uint32_t needed = 1u << CAP_SYS_ADMIN | 1u << CAP_NET_ADMIN | 1u << CAP_NET_RAW;
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	return syscall(SYS_capget, &head, data) == 0 && (data[0].effective & needed) == needed;
}

/* ------------------------------------------------------------------ starting */

static int died_early(void)
{
	struct rlimit limit;
	bool tight = getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;

	if (tight)
		return vs_fail(ENOMEM, "cannot start the keeper: it ended before it was ready, probably for lack of memory; "
				       "raise RLIMIT_AS (ulimit -v)");
	if (getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur < ANY_STACK_BYTES)
		return vs_fail(ENOMEM, "cannot start the keeper: it ended before it was ready, probably for lack of stack; "
				       "raise RLIMIT_STACK (ulimit -s)");
	return vs_fail(EIO, "cannot start the keeper: it ended before it was ready; its file (this library) may have been "
			    "replaced, a library it needs may be missing, or a security policy stops it");
}

static int exec_failed(int32_t err)
{
	enum vs_cause limit = vs_diagnose_limit(-err);

	if (limit != VS_CAUSE_UNKNOWN)
		return vs_fail(-err, "cannot start the keeper: %s", vs_cause_text(limit, -err));
	if (err == -E2BIG)
		return vs_fail(E2BIG, "cannot start the keeper: the environment is too large for the limit of the stack; "
				      "raise RLIMIT_STACK (ulimit -s)");
	return vs_fail(-err, "cannot start the keeper: executing the library's own file failed (%s); it must be "
			     "readable where the program's root is now", strerror(-err));
}

/*
 * Waits for the keeper's word on how its start went. On success text has what it could not do for
 * itself, if anything.
 */
static int await_start(int starter, int64_t deadline, struct vs_start_report *reply, struct vs_key *key, char text[VS_SENTENCE_MAX])
{
	const size_t head = offsetof(struct vs_start_report, key), least = head + sizeof(*key);
	struct vs_fdmsg msg = { .iov = { { reply, head }, { key, sizeof(*key) }, { text, VS_SENTENCE_MAX - 1 } }, .n_iov = 3 };
	struct pollfd word = { .fd = starter, .events = POLLIN };
	int n;

	do {
		n = poll(&word, 1, vs_left_ms(deadline));
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return vs_fail(errno, "cannot wait for the keeper: %s", strerror(errno));
	if (n == 0)
		return vs_fail(ETIMEDOUT, "cannot start the keeper: it is not ready in time; raise step_timeout_ms");
	ssize_t len = vs_fdmsg_recv(starter, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (len == (ssize_t)sizeof(int32_t)) {
		int32_t err;
		memcpy(&err, reply, sizeof(err));
		return exec_failed(err);
	}
	if (len < (ssize_t)least)
		return died_early();
	if (reply->version != VS_WIRE_VERSION)
		return vs_fail(EPROTO, "cannot start the keeper: the file of this library has been replaced by another version; "
				       "restart the program");
	return reply->result < 0 ? vs_fail_text(-reply->result, text) : 0;
}

/* The PID namespace that this process is in; 0: not known. */
static ino_t own_pid_ns(void)
{
	struct stat ns;

	return stat("/proc/self/ns/pid", &ns) == 0 ? ns.st_ino : 0;
}

static void note_ready(struct vs_keeper_link *k, const struct vs_start_report *ready)
{
	k->pid = ready->pid;
	k->proof = ready->proof;
	k->uid = geteuid();
	k->gid = getegid();
	k->pid_ns = own_pid_ns();
}

static int start_process(int front, int adopt, int64_t deadline, struct vs_keeper_link *k)
{
	char warning[VS_SENTENCE_MAX] = "";
	struct vs_start_report ready = { .pid = 0 };
	char why[VS_SENTENCE_MAX];
	int starter[2];
	int r = vs_socketpair(starter);

	if (r < 0)
		return vs_fail(-r, "cannot start the keeper: %s", vs_cause_text(vs_diagnose_limit(-r), -r));
	int fds[] = { starter[1], front, adopt };
	r = vs_launch(VS_LAUNCH_KEEPER, fds, adopt >= 0 ? 3 : 2, why);
	vs_close(starter[1]);
	if (r < 0)
		r = vs_fail(-r, "cannot start the keeper: %s", why);
	else
		r = await_start(starter[0], deadline, &ready, &k->key, warning); /* not ours yet if it fails */
	vs_close(starter[0]);
	if (r == 0) {
		note_ready(k, &ready);
		k->warning = warning[0] != '\0' ? strdup(warning) : NULL;
	}
	return r;
}

static int start_threads(int front, struct vs_keeper_link *k)
{
	struct vs_start_report ready;
	int r = vs_keeper_start_inprocess(front, &ready); /* takes it */

	if (r == 0) {
		note_ready(k, &ready);
		k->key = ready.key; /* the keeper's own copy is in this process as well */
	}
	return r;
}

static int start(enum vs_variant variant, int adopt, unsigned timeout_ms, struct vs_keeper_link **out)
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
			r = vs_fail(EPERM, "cannot serve stacks in this process: it has rights that its caller lacks, who may "
					   "have chosen VDEPLUGIN_PATH; unset that, or leave out VDESTACK_INPROCESS");
		} else if (vs_privileged()) {
			r = start_threads(front[1], k);
		} else {
			vs_close(front[1]);
			r = vs_fail(EPERM, "cannot serve stacks in this process: that takes CAP_SYS_ADMIN, CAP_NET_ADMIN "
					   "and CAP_NET_RAW; leave out VDESTACK_INPROCESS");
		}
	} else {
		r = start_process(front[1], adopt, vs_now_ms() + timeout_ms, k);
		vs_close(front[1]);
	}
	if (r < 0) {
		vs_close(front[0]);
		return r;
	}
	(void)vs_fd_raise(&front[0], vs_number_floor());
	k->front = vs_sock_of(front[0]);
	*out = vs_steal_ptr(k);
	return 0;
}

/* ------------------------------------------------------------------ sharing and letting go */

static bool usable(const struct vs_keeper_link *k)
{
	struct pollfd front = { .fd = k->front.fd };

	/* A keeper that has ended has closed its end of the front door. */
	return !k->dead && vs_sock_valid(&k->front) && poll(&front, 1, 0) == 0;
}

static struct vs_keeper_link *find_locked(enum vs_variant variant)
{
	if (variant == VS_VARIANT_ADOPT)
		return NULL;
	for (struct vs_keeper_link *k = keepers; k != NULL; k = k->next)
		if (k->variant == variant && !atomic_load(&k->elsewhere) && usable(k))
			return k;
	return NULL;
}

int vs_keeper_hold(enum vs_variant variant, int adopt, unsigned timeout_ms, struct vs_keeper_link **out)
{
	struct vs_process *p = vs_process();
	sigset_t saved;
	int r = 0;

	if (p == NULL)
		return vs_fail(ENOMEM, "cannot make a stack: %s", vs_cause_text(VS_CAUSE_MEMORY, ENOMEM));
	vs_signals_block(&saved);
	pthread_mutex_lock(&p->lock);
	bool may = !atomic_load(&sealed);
	struct vs_keeper_link *k = may ? find_locked(variant) : NULL;
	if (may && k == NULL) {
		r = start(variant, adopt, timeout_ms, &k);
		if (r == 0) {
			k->next = keepers;
			keepers = k;
		}
	}
	if (r == 0 && may) {
		atomic_fetch_add(&p->creating, 1);
		*out = k;
	}
	pthread_mutex_unlock(&p->lock);
	vs_signals_restore(&saved);
	return may ? r : vs_keepers_sealed("cannot make a stack");
}

const char *vs_keeper_elsewhere(struct vs_keeper_link *keeper)
{
	if (keeper->proof == 0 || keeper->pid_ns == 0 || own_pid_ns() == keeper->pid_ns)
		return NULL;
	atomic_store(&keeper->elsewhere, true);
	return "this process is in another PID namespace than the keeper of this stack, which cannot tell there what privileges "
	       "it has; make a new stack here";
}

/* ------------------------------------------------------------------ sealing */

int vs_keepers_seal(void)
{
	struct vs_process *p = vs_process();
	sigset_t saved;

	if (p == NULL)
		return vs_fail(ENOMEM, "cannot seal this process: %s", vs_cause_text(VS_CAUSE_MEMORY, ENOMEM));
	vs_signals_block(&saved);
	pthread_mutex_lock(&p->lock); /* nobody is starting a keeper now */
	atomic_store(&sealed, true);
	for (struct vs_keeper_link *k = keepers; k != NULL; k = k->next)
		explicit_bzero(&k->key, sizeof(k->key));
	pthread_mutex_unlock(&p->lock);
	vs_signals_restore(&saved);
	return 0;
}

int vs_keepers_sealed(const char *step)
{
	return !atomic_load(&sealed) ? 0 : vs_fail(EPERM, "%s: this process has been sealed (vdestack_seal); do that before", step);
}

void vs_keeper_tell(struct vs_keeper_link *keeper)
{
	char text[VS_SENTENCE_MAX];
	char *warning = atomic_exchange(&keeper->warning, NULL);

	if (warning == NULL)
		return;
	(void)snprintf(text, sizeof(text), "%s", warning);
	free(warning); /* a callback may throw */
	vs_log(4, "%s", text);
}

void vs_keeper_unhold(void)
{
	atomic_fetch_sub(&vs_process()->creating, 1);
}

void vs_keeper_died(struct vs_keeper_link *keeper)
{
	struct vs_process *p = vs_process();
	sigset_t saved;

	vs_signals_block(&saved);
	pthread_mutex_lock(&p->lock);
	keeper->dead = true;
	pthread_mutex_unlock(&p->lock);
	vs_signals_restore(&saved);
}

/* A living keeper holds its end of the front door, and its number is its own. */
static bool is_alive(const struct vs_keeper_link *k)
{
	struct pollfd front = { .fd = k->front.fd };

	return poll(&front, 1, 0) == 0;
}

/* -ETIMEDOUT: it is a child of this process and still runs. */
static int let_go(struct vs_keeper_link *k)
{
	bool again = k->waited_for;
	int front = vs_sock_valid(&k->front) ? k->front.fd : -1;

	bool certain = vs_now_ms() - k->alive_ms < REUSE_MS || (front >= 0 && is_alive(k));

	vs_close(front);
	k->front.fd = -1;
	k->dead = k->waited_for = true;
	return vs_launch_reap(k->pid, certain, again ? 0 : REAP_MS);
}

/* A forked child may be using it still: then whoever tidies next collects it. */
static void remember(struct vs_keeper_link *k)
{
	struct vs_process *p = vs_process();
	sigset_t saved;

	vs_signals_block(&saved);
	pthread_mutex_lock(&p->lock);
	k->next = keepers;
	keepers = k;
	pthread_mutex_unlock(&p->lock);
	vs_signals_restore(&saved);
}

void vs_keepers_dismiss(void)
{
	struct vs_process *p = vs_process();
	sigset_t saved;

	if (p == NULL)
		return;
	vs_signals_block(&saved);
	pthread_mutex_lock(&p->lock);
	for (struct vs_keeper_link *k = keepers; k != NULL; k = k->next) {
		if (k->front.fd < 0 || atomic_load(&p->creating) > 0 || vs_slots_use(k))
			continue;
		if (vs_sock_valid(&k->front) && is_alive(k))
			k->alive_ms = vs_now_ms();
		vs_channels_close(k->front.cookie);
		vs_sock_close(&k->front);
		k->front.fd = -1;
		k->dead = true;
	}
	pthread_mutex_unlock(&p->lock);
	vs_signals_restore(&saved);
}

void vs_keepers_tidy(void)
{
	struct vs_process *p = vs_process();
	struct vs_keeper_link *gone = NULL;
	sigset_t saved;

	if (p == NULL)
		return;
	vs_signals_block(&saved);
	pthread_mutex_lock(&p->lock);
	for (struct vs_keeper_link **at = &keepers; *at != NULL;) {
		struct vs_keeper_link *k = *at;
		if (atomic_load(&p->creating) > 0 || vs_slots_use(k)) {
			at = &k->next;
			continue;
		}
		*at = k->next;
		k->next = gone;
		gone = k;
	}
	pthread_mutex_unlock(&p->lock);
	vs_signals_restore(&saved);
	while (gone != NULL) {
		struct vs_keeper_link *k = gone;
		gone = k->next;
		vs_signals_block(&saved);
		vs_channels_close(k->front.cookie);
		vs_signals_restore(&saved);
		explicit_bzero(&k->key, sizeof(k->key));
		if (let_go(k) < 0) {
			remember(k);
		} else {
			free(atomic_load(&k->warning));
			free(k);
		}
	}
}
