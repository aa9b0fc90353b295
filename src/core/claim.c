/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What the program tells its keeper about default stacks.
 *
 * The page is made when the first stack of the keeper becomes a default. Until then the keeper has no side
 * door, so there is nothing with a name that others could find.
 *
 * A thread may make a stack its default while another thread deletes it. So the page is cleared twice: when
 * the stack is deleted, and when the last use of the slot has ended. Then no thread can write to the page any
 * more.
 */

#include "claim.h"

#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "handle.h"
#include "keepers.h"
#include "process.h"
#include "regain.h"
#include "wire/claims.h"
#include "wire/fdmsg.h"

/* The keeper's page. Requests it if this process does not have it yet. NULL: there is none. */
static struct vs_claims *get_page(struct vs_keeper_link *k)
{
	struct vs_claims *page = atomic_load(&k->claims);
	struct vs_process *p = vs_process();

	if (page != NULL || p == NULL || k->variant == VS_VARIANT_INPROCESS)
		return page;
	pthread_mutex_lock(&p->regain);
	if (atomic_load(&k->claims) == NULL) {
		VS_AUTO_CLOSE file = vs_regain_request_page(k, &k->side);
		atomic_store(&k->claims, vs_fd_map_sealed(file, VS_CLAIMS_BYTES, PROT_READ | PROT_WRITE));
	}
	page = atomic_load(&k->claims);
	pthread_mutex_unlock(&p->regain);
	return page;
}

/* False: the keeper does not tell it. */
static bool get_secret(struct vs_slot *slot)
{
	struct vs_process *p = vs_process();

	pthread_mutex_lock(&p->regain);
	bool known = (slot->secret[0] | slot->secret[1]) != 0;
	int r = known ? 0 : vs_regain_request_secret(slot);
	pthread_mutex_unlock(&p->regain);
	return r == 0;
}

static void claim_slot(struct vs_slot *slot)
{
	struct vs_keeper_link *keeper = atomic_load(&slot->keeper);
	struct vs_claims *page = keeper != NULL ? get_page(keeper) : NULL;
	bool kept = page != NULL && slot->id != 0 && get_secret(slot) && vs_claims_add(page, slot->id);

	vs_slot_set_kept(slot, kept ? VS_SLOT_KEPT : VS_SLOT_NOT_KEPT);
}

void vs_claim(struct vdestack *stack)
{
	int err = errno;
	sigset_t saved;

	if (stack == NULL || vs_slot_known_kept(stack))
		return;
	vs_signals_block(&saved);
	struct vs_slot *slot = vs_slot_acquire(stack);
	if (slot != NULL) {
		claim_slot(slot);
		vs_slot_release(slot);
	}
	vs_signals_restore(&saved);
	errno = err;
}

void vs_claim_drop(struct vs_slot *slot)
{
	struct vs_keeper_link *keeper = atomic_load(&slot->keeper);
	struct vs_claims *page = keeper != NULL ? atomic_load(&keeper->claims) : NULL;

	if (page != NULL && slot->id != 0)
		vs_claims_remove(page, slot->id);
}

void vs_claim_end(struct vs_keeper_link *keeper)
{
	struct vs_claims *page = atomic_load(&keeper->claims);

	/* If it fails, for lack of memory, the page is kept until the process has ended. */
	if (page != NULL)
		(void)mmap(page, VS_CLAIMS_BYTES, PROT_READ | PROT_WRITE,
			   MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}
