/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "record.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ioth/lib/internal.h"

/* Of one interface of one stack. ifname "": of no interface, for the resolv.conf of all. */
struct vs_record {
	struct vs_record *next;
	struct ioth *stack; /* only compared, and given to ioth_serial_of(), which takes stale ones */
	uint64_t serial;
	char *ifname;
	bool is_held; /* not freed, and `items` and `is_plain` are the holder's to change */
	bool is_plain;
	struct vs_items items;
	char *resolvconf; /* NULL: not asked for yet */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;   /* for all below */
static pthread_cond_t released = PTHREAD_COND_INITIALIZER; /* a record is free */
static struct vs_record *records;

/* So the child of a thread does not find the lock held by another one, which it does not have. */
static void before_fork(void)
{
	(void)pthread_mutex_lock(&lock);
}

static void after_fork(void)
{
	(void)pthread_mutex_unlock(&lock);
}

/* The child does not have the threads that hold records, nor those that wait. */
static void in_child(void)
{
	const pthread_cond_t fresh = PTHREAD_COND_INITIALIZER;

	released = fresh;
	for (struct vs_record *r = records; r != NULL; r = r->next)
		r->is_held = false;
	(void)pthread_mutex_unlock(&lock);
}

__attribute__((constructor)) static void watch_fork(void)
{
	(void)pthread_atfork(before_fork, after_fork, in_child);
}

static void free_record(struct vs_record *record)
{
	vs_items_free(&record->items);
	free(record->ifname);
	free(record->resolvconf);
	free(record);
}

static void drop_stale_locked(void)
{
	for (struct vs_record **at = &records; *at != NULL;) {
		struct vs_record *record = *at;
		if (record->is_held || record->stack == NULL ||
		    ioth_serial_of(record->stack) == record->serial) {
			at = &record->next;
			continue;
		}
		*at = record->next;
		free_record(record);
	}
}

/* The record, made if need be. NULL: out of memory. */
static struct vs_record *get_locked(struct ioth *stack, const char *ifname)
{
	uint64_t serial = ioth_serial_of(stack);

	for (struct vs_record *r = records; r != NULL; r = r->next)
		if (r->serial == serial && strcmp(r->ifname, ifname) == 0)
			return r;
	drop_stale_locked();
	struct vs_record *record = calloc(1, sizeof(*record));
	if (record == NULL)
		return NULL;
	record->stack = stack;
	record->serial = serial;
	record->ifname = strdup(ifname);
	if (record->ifname == NULL) {
		free_record(record);
		return NULL;
	}
	record->next = records;
	records = record;
	return record;
}

/* ------------------------------------------------------------------ holding one */

struct vs_record *vs_record_hold(struct ioth *stack, const char *ifname, int limit_ms)
{
	struct vs_record *record;
	struct timespec limit;
	int err = 0;

	(void)clock_gettime(CLOCK_MONOTONIC, &limit);
	limit.tv_sec += limit_ms / 1000;
	(void)pthread_mutex_lock(&lock);
	/* While it waits the record may be freed. */
	while ((record = get_locked(stack, ifname)) != NULL && record->is_held && err == 0)
		err = pthread_cond_clockwait(&released, &lock, CLOCK_MONOTONIC, &limit);
	if (record == NULL)
		err = ENOMEM;
	else if (!record->is_held)
		err = 0;
	if (err == 0)
		record->is_held = true;
	(void)pthread_mutex_unlock(&lock);
	errno = err;
	return err == 0 ? record : NULL;
}

const struct vs_items *vs_record_held(const struct vs_record *record)
{
	return &record->items;
}

bool vs_record_is_plain(const struct vs_record *record)
{
	return record->is_plain;
}

void vs_record_release(struct vs_record *record, struct vs_items *next, bool is_plain)
{
	struct vs_items old = { 0 };

	(void)pthread_mutex_lock(&lock);
	if (next != NULL) {
		old = record->items;
		record->items = *next;
		*next = (struct vs_items){ 0 };
		record->is_plain = is_plain;
	}
	record->is_held = false;
	(void)pthread_cond_broadcast(&released);
	(void)pthread_mutex_unlock(&lock);
	vs_items_free(&old);
}

/* ------------------------------------------------------------------ reading */

static bool is_about(const struct vs_record *record, uint64_t serial, const char *ifname)
{
	return record->serial == serial && (ifname[0] == '\0' || strcmp(record->ifname, ifname) == 0);
}

bool vs_record_items(struct ioth *stack, const char *ifname, struct vs_items *out)
{
	uint64_t serial = ioth_serial_of(stack);
	bool good = true;

	*out = (struct vs_items){ 0 };
	(void)pthread_mutex_lock(&lock);
	for (struct vs_record *r = records; r != NULL && good; r = r->next)
		if (is_about(r, serial, ifname))
			good = vs_items_add_all(out, &r->items);
	(void)pthread_mutex_unlock(&lock);
	if (!good)
		vs_items_free(out);
	return good;
}

static bool is_name(const char *item)
{
	return strncmp(item, "dns=", 4) == 0 || strncmp(item, "domain=", 7) == 0;
}

static bool add_name(const struct vs_record *record, const char *item, struct vs_record_name **list,
		     size_t *n)
{
	struct vs_record_name *longer = reallocarray(*list, *n + 1, sizeof(**list));

	if (longer == NULL)
		return false;
	*list = longer;
	longer[*n] = (struct vs_record_name){ .item = strdup(item) };
	strncpy(longer[*n].ifname, record->ifname, sizeof(longer[*n].ifname) - 1);
	return longer[(*n)++].item != NULL;
}

bool vs_record_names(struct ioth *stack, const char *ifname, struct vs_record_name **list, size_t *n)
{
	uint64_t serial = ioth_serial_of(stack);
	bool good = true;

	*list = NULL;
	*n = 0;
	(void)pthread_mutex_lock(&lock);
	for (struct vs_record *r = records; r != NULL; r = r->next)
		for (size_t i = 0; i < r->items.n && r->is_plain && good; i++)
			if (is_about(r, serial, ifname) && is_name(r->items.list[i]))
				good = add_name(r, r->items.list[i], list, n);
	(void)pthread_mutex_unlock(&lock);
	if (!good)
		vs_record_names_free(*list, *n);
	return good;
}

void vs_record_names_free(struct vs_record_name *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(list[i].item);
	free(list);
}

/* ------------------------------------------------------------------ resolv.conf */

bool vs_record_resolvconf(struct ioth *stack, const char *key, const char *text, bool *changed)
{
	char *copy = strdup(text);

	(void)pthread_mutex_lock(&lock);
	struct vs_record *record = copy != NULL ? get_locked(stack, key) : NULL;
	if (record != NULL) {
		*changed = strcmp(record->resolvconf != NULL ? record->resolvconf : "", text) != 0;
		free(record->resolvconf);
		record->resolvconf = copy;
		copy = NULL;
	}
	(void)pthread_mutex_unlock(&lock);
	free(copy);
	return record != NULL;
}
