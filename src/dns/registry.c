/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The resolvers that stacks have by themselves. They are a list, which changes by single stores under a
 * lock. So a forked child always has a whole one. The lock is in a page of its own, which is zero in a
 * child.
 *
 * A stack does not tell when it is deleted. Each time a resolver is added, those of deleted stacks are ended.
 */

#include <errno.h>
#include <stdatomic.h>

#include "error.h"
#include "no_cancel.h"
#include "state.h"
#include <vdestack/dns.h>

static struct vdestack_dns *_Atomic registry;
static struct vs_page *_Atomic registry_page;

static struct vs_page *lock_registry(void)
{
	struct vs_page *page = atomic_load(&registry_page), *expected = NULL;

	if (page == NULL) {
		page = vs_state_new_page();
		if (page == NULL)
			return NULL;
		if (!atomic_compare_exchange_strong(&registry_page, &expected, page)) {
			vs_state_free_page(page);
			page = expected;
		}
	}
	pthread_mutex_lock(&page->lock);
	return page;
}

static struct vdestack_dns *find_locked(struct vdestack *stack)
{
	for (struct vdestack_dns *dns = atomic_load(&registry); dns != NULL; dns = dns->next)
		if (dns->net.stack == stack && !dns->replaced)
			return dns;
	return NULL;
}

/* Ends those that were replaced and those whose stack was deleted, unless a call uses them. */
static void sweep_locked(void)
{
	struct vdestack_dns *before = NULL, *dns = atomic_load(&registry), *next;
	char name[64];

	for (; dns != NULL; dns = next) {
		next = dns->next;
		bool dead = dns->replaced || vdestack_name(dns->net.stack, name, sizeof(name)) < 0;
		if (!dead || dns->page->users > 0) {
			before = dns;
			continue;
		}
		if (before != NULL)
			before->next = next;
		else
			atomic_store(&registry, next);
		vdestack_dns_delete(dns);
	}
}

static struct vdestack_dns *add_locked(struct vdestack *stack, const struct vdestack_dns_opts *opts)
{
	struct vdestack_dns *dns = vdestack_dns_new(stack, opts);

	if (dns == NULL)
		return NULL;
	struct vdestack_dns *old = find_locked(stack);
	if (old != NULL)
		old->replaced = true;
	sweep_locked();
	dns->next = atomic_load(&registry);
	atomic_store(&registry, dns);
	return dns;
}

/* keep: counts a user. */
static struct vdestack_dns *of(struct vdestack *stack, bool keep)
{
	VS_DNS_NO_CANCEL;
	char name[64];
	struct vs_page *page;
	struct vdestack_dns *dns;

	if (vdestack_name(stack, name, sizeof(name)) < 0) {
		vs_dns_error_set("not a stack");
		return NULL;
	}
	page = lock_registry();
	if (page == NULL) {
		vs_dns_error_set("out of memory");
		errno = ENOMEM;
		return NULL;
	}
	dns = find_locked(stack);
	if (dns == NULL)
		dns = add_locked(stack, NULL);
	if (dns != NULL && keep)
		dns->page->users++;
	pthread_mutex_unlock(&page->lock);
	return dns;
}

struct vdestack_dns *vdestack_dns_of(struct vdestack *stack)
{
	return of(stack, false);
}

struct vdestack_dns *vs_resolver_get(struct vdestack *stack)
{
	return of(stack, true);
}

bool vs_resolver_hold(struct vdestack_dns *dns)
{
	struct vs_page *page = lock_registry();

	if (page == NULL)
		return false;
	dns->page->users++;
	pthread_mutex_unlock(&page->lock);
	return true;
}

void vs_resolver_put(struct vdestack_dns *dns)
{
	struct vs_page *page = lock_registry();

	if (page == NULL)
		return;
	if (dns->page->users > 0) /* in a child of a fork during the call it is zero */
		dns->page->users--;
	pthread_mutex_unlock(&page->lock);
}

int vdestack_dns_set(struct vdestack *stack, const struct vdestack_dns_opts *opts)
{
	VS_DNS_NO_CANCEL;
	struct vs_page *page = lock_registry();
	struct vdestack_dns *dns;

	if (page == NULL) {
		vs_dns_error_set("out of memory");
		errno = ENOMEM;
		return -1;
	}
	dns = add_locked(stack, opts);
	pthread_mutex_unlock(&page->lock);
	return dns != NULL ? 0 : -1;
}
