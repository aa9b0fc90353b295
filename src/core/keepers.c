/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The keepers of this program: how stacks share one, and how it is let go.
 *
 * The first stack starts a keeper, and the last one lets it go. A keeper ends after the end of file on its
 * front door and on the doors of all its stacks. A forked child inherits copies of all of these. So the
 * keeper serves the child too, and outlives the process that started it.
 */

#include "keepers.h"

#include <errno.h>
#include <linux/capability.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/diagnose.h"
#include "base/error.h"
#include "channels.h"
#include "environment.h"
#include "handle.h"
#include "held.h"
#include "keeper_start.h"
#include "launch.h"
#include "numbers.h"
#include "process.h"
#include "regain.h"
#include "wire/changes.h"
#include "wire/fdmsg.h"
#include "wire/messages.h"

#define REAP_MS 500 /* a keeper ends within milliseconds after its last user */
#define FOREIGN_ID (UINT64_C(1) << 63) /* and above: ids of foreign keepers. Cookies do not get so large */

const char vs_keepers_gone[] = "the keeper of this stack has ended, or the program has closed the library's "
			       "descriptors; delete the stack and make a new one";

static struct vs_keeper_link *keepers; /* under the process lock */
static atomic_bool sealed;             /* children inherit it */

bool vs_privileged(void)
{
	const uint32_t needed = 1u << CAP_SYS_ADMIN | 1u << CAP_NET_ADMIN | 1u << CAP_NET_RAW;
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	return syscall(SYS_capget, &head, data) == 0 && (data[0].effective & needed) == needed;
}

/* ------------------------------------------------------------------ sharing and letting go */

static bool usable(const struct vs_keeper_link *k)
{
	struct pollfd front = { .fd = k->front.fd };

	/* A keeper that has ended has closed its end of the front door. */
	return !k->dead && vs_sock_valid(&k->front) && poll(&front, 1, 0) == 0;
}

/* The program has closed the front door, but the keeper has kept a default stack. */
static bool comes_back(struct vs_keeper_link *k)
{
	return !k->dead && vs_regain_front(k) && usable(k);
}

static struct vs_keeper_link *find_locked(enum vs_variant variant)
{
	if (variant == VS_VARIANT_ADOPT)
		return NULL;
	for (struct vs_keeper_link *k = keepers; k != NULL; k = k->next)
		if (k->variant == variant && !atomic_load(&k->elsewhere) && (usable(k) || comes_back(k)))
			return k;
	return NULL;
}

static bool wanted_by_environment(void)
{
	const char *local = vs_environment_secure() ? NULL : getenv("VDESTACK_LOCAL");

	return local != NULL && strcmp(local, "1") == 0;
}

int vs_keepers_variant(bool local, bool inproc, enum vs_variant *out)
{
	struct vs_process *p = vs_process();
	sigset_t saved;

	if (p == NULL)
		return vs_fail(ENOMEM, "cannot make a stack: %s", vs_cause_text(VS_CAUSE_MEMORY, ENOMEM));
	vs_signals_block(&saved);
	pthread_mutex_lock(&p->lock);
	bool ordinary = find_locked(VS_VARIANT_PROCESS) != NULL;
	bool shares = !ordinary && (local || find_locked(VS_VARIANT_LOCAL) != NULL);
	pthread_mutex_unlock(&p->lock);
	vs_signals_restore(&saved);
	if (local && inproc && ordinary)
		return vs_fail(ENOTSUP,
			       "cannot make a stack with both inproc:// and local:// interfaces: the "
			       "program has "
			       "stacks in a keeper without local://; make the first stack with a local:// "
			       "interface, or set VDESTACK_LOCAL=1 before");
	*out = local || shares || (!ordinary && wanted_by_environment()) ? VS_VARIANT_LOCAL
									  : VS_VARIANT_PROCESS;
	return 0;
}

int vs_keepers_hold(enum vs_variant variant, int adopt, int64_t deadline_ms, struct vs_keeper_link **out)
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
		r = vs_keepers_start(variant, adopt, deadline_ms, &k);
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

/*
 * A keeper can claim the id of another one. It can have the change page of the other one only from it. So
 * stacks share a link, and with it the reply channels, if both are the same.
 */
static struct vs_keeper_link *foreign_locked(uint64_t id, int changes)
{
	static uint64_t n_foreign; /* under the process lock, as all here */
	struct stat st = { 0 };
	bool page = changes >= 0 && fstat(changes, &st) == 0;

	for (struct vs_keeper_link *k = keepers; page && k != NULL; k = k->next)
		if (k->variant == VS_VARIANT_FOREIGN && k->claimed == id && k->page == st.st_ino &&
		    k->page_device == st.st_dev && k->changes != NULL)
			return k;
	struct vs_keeper_link *k = calloc(1, sizeof(*k));
	if (k == NULL)
		return NULL;
	k->variant = VS_VARIANT_FOREIGN;
	k->id = FOREIGN_ID + n_foreign++;
	k->claimed = id;
	k->front = (struct vs_sock)VS_NO_SOCK;
	k->uid = geteuid();
	k->gid = getegid();
	k->changes = vs_fd_map_sealed(changes, VS_CHANGES_BYTES, PROT_READ);
	k->page = st.st_ino;
	k->page_device = st.st_dev;
	k->next = keepers;
	return keepers = k;
}

int vs_keepers_hold_foreign(uint64_t id, int changes, struct vs_keeper_link **out)
{
	struct vs_process *p = vs_process();
	sigset_t saved;

	if (p == NULL)
		return vs_fail(ENOMEM, "cannot receive a stack: %s", vs_cause_text(VS_CAUSE_MEMORY, ENOMEM));
	vs_signals_block(&saved);
	pthread_mutex_lock(&p->lock);
	struct vs_keeper_link *k = foreign_locked(id, changes);
	if (k != NULL) {
		atomic_fetch_add(&p->creating, 1);
		*out = k;
	}
	pthread_mutex_unlock(&p->lock);
	vs_signals_restore(&saved);
	return k != NULL ? 0 : vs_fail(ENOMEM, "cannot receive a stack: %s",
				       vs_cause_text(VS_CAUSE_MEMORY, ENOMEM));
}

const char *vs_keepers_elsewhere(struct vs_keeper_link *keeper)
{
	if (keeper->proof == 0 || keeper->pid_ns == 0 || vs_keepers_pid_ns() == keeper->pid_ns)
		return NULL;
	atomic_store(&keeper->elsewhere, true);
	return "this process is in another PID namespace than the keeper of this stack, so the keeper cannot "
	       "check its privileges; make a new stack in this process";
}

/* ------------------------------------------------------------------ sealing */

int vs_keepers_seal(void)
{
	struct vs_process *p = vs_process();
	sigset_t saved;

	if (p == NULL)
		return vs_fail(ENOMEM, "cannot seal this process: %s",
			       vs_cause_text(VS_CAUSE_MEMORY, ENOMEM));
	vs_signals_block(&saved);
	pthread_mutex_lock(&p->lock); /* no other thread is starting a keeper now */
	atomic_store(&sealed, true);
	for (struct vs_keeper_link *k = keepers; k != NULL; k = k->next)
		explicit_bzero(&k->key, sizeof(k->key));
	pthread_mutex_unlock(&p->lock);
	vs_signals_restore(&saved);
	return 0;
}

int vs_keepers_sealed(const char *step)
{
	if (!atomic_load(&sealed))
		return 0;
	return vs_fail(EPERM, "%s: this process has been sealed (vdestack_seal); do this before it is sealed",
		       step);
}

void vs_keepers_take_warning(struct vs_keeper_link *keeper, char text[VS_MESSAGE_MAX])
{
	char *warning = atomic_exchange(&keeper->warning, NULL);

	(void)snprintf(text, VS_MESSAGE_MAX, "%s", warning != NULL ? warning : "");
	free(warning);
}

void vs_keepers_unhold(void)
{
	atomic_fetch_sub(&vs_process()->creating, 1);
}

void vs_keepers_died(struct vs_keeper_link *keeper)
{
	struct vs_process *p = vs_process();
	sigset_t saved;

	vs_signals_block(&saved);
	pthread_mutex_lock(&p->lock);
	keeper->dead = true;
	pthread_mutex_unlock(&p->lock);
	vs_signals_restore(&saved);
}

void vs_keepers_each(void (*fn)(struct vs_keeper_link *keeper))
{
	struct vs_process *p = vs_process();
	sigset_t saved;

	if (p == NULL)
		return;
	vs_signals_block(&saved);
	if (pthread_mutex_trylock(&p->lock) == 0) {
		for (struct vs_keeper_link *k = keepers; k != NULL; k = k->next)
			fn(k);
		pthread_mutex_unlock(&p->lock);
	}
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
		vs_channels_close(k->id);
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
		vs_channels_close(k->id);
		vs_signals_restore(&saved);
		explicit_bzero(&k->key, sizeof(k->key));
		explicit_bzero(&k->side, sizeof(k->side));
		vs_sock_close(&k->front);
		vs_launch_ended(k->pid, REAP_MS);
		free(atomic_load(&k->warning));
		vs_keeper_forget_pages(k);
		free(k);
	}
	vs_held_sweep();
}
