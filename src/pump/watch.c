/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See watch.h for the threads and the lock. */

#include "watch.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "link.h"
#include "pump.h"

#define WATCHES_MAX 16
#define JOINED_MAX (2 * WATCHES_MAX) /* each has a thread and memory, also if it never begins */

struct vs_watchers {
	atomic_uint users;     /* the pump and each watch */
	atomic_uint n;         /* that get frames; written with the lock held */
	atomic_uint isolating; /* of these; written with the lock held */
	struct vs_watch_totals totals;
	pthread_mutex_t lock;  /* guards what follows */
	struct vs_pump *pump;  /* NULL: it has stopped */
	struct vs_watcher *list;
};

static int64_t now_since_1970(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void drop_set(struct vs_watchers *set)
{
	if (atomic_fetch_sub(&set->users, 1) != 1)
		return;
	(void)pthread_mutex_destroy(&set->lock);
	free(set);
}

/* ------------------------------------------------------------------ the watch's side */

static struct vs_watchers *make_set(struct vs_pump *pump)
{
	struct vs_watchers *set = calloc(1, sizeof(*set)), *other = NULL;

	if (set == NULL)
		return NULL;
	atomic_init(&set->users, 1);
	(void)pthread_mutex_init(&set->lock, NULL);
	set->pump = pump;
	if (atomic_compare_exchange_strong(&pump->watchers, &other, set)) {
		if (vs_pump_is_stopped(pump)) /* it may have looked for the set before it was there */
			vs_watchers_end(&pump->watchers);
		return set;
	}
	drop_set(set);
	return other;
}

int vs_watcher_join(struct vs_pump *pump, struct vs_watcher *watch)
{
	struct vs_watchers *set = vs_watchers_of(&pump->watchers);

	if (set == NULL)
		set = make_set(pump);
	if (set == NULL)
		return -ENOMEM;
	if (atomic_fetch_add(&set->users, 1) > JOINED_MAX) { /* the pump is one more */
		drop_set(set);
		return -EBUSY;
	}
	watch->set = set;
	return 0;
}

int vs_watcher_begin(struct vs_watcher *watch)
{
	struct vs_watchers *set = watch->set;

	pthread_mutex_lock(&set->lock);
	int r = set->pump == NULL ? -ENODEV : atomic_load(&set->n) >= WATCHES_MAX ? -EBUSY : 0;
	if (r == 0) {
		watch->next = set->list;
		set->list = watch;
		watch->listed = true;
		atomic_fetch_add(&set->n, 1);
		atomic_fetch_add(&set->isolating, watch->isolates);
	}
	pthread_mutex_unlock(&set->lock);
	return r;
}

static void unlist_locked(struct vs_watchers *set, struct vs_watcher *watch)
{
	struct vs_watcher **at = &set->list;

	while (*at != watch)
		at = &(*at)->next;
	*at = watch->next;
	watch->listed = false;
	atomic_fetch_sub(&set->n, 1);
	atomic_fetch_sub(&set->isolating, watch->isolates);
}

void vs_watcher_stop(struct vs_watcher *watch)
{
	struct vs_watchers *set = watch->set;

	if (set == NULL)
		return;
	pthread_mutex_lock(&set->lock);
	if (watch->listed)
		unlist_locked(set, watch);
	pthread_mutex_unlock(&set->lock);
}

void vs_watcher_leave(struct vs_watcher *watch)
{
	struct vs_watchers *set = watch->set;

	if (set == NULL)
		return;
	vs_watcher_stop(watch);
	watch->set = NULL;
	drop_set(set);
}

struct vs_watch_totals *vs_watcher_totals(struct vs_watcher *watch)
{
	return &watch->set->totals;
}

const struct vs_watch_totals *vs_watchers_totals(struct vs_watchers *set)
{
	static const struct vs_watch_totals none;

	return set != NULL ? &set->totals : &none;
}

static void tell_locked(struct vs_watchers *set, bool rx, const struct iovec *iov, int n, int64_t now)
{
	size_t len = 0;

	for (int i = 0; i < n; i++)
		len += iov[i].iov_len;
	for (struct vs_watcher *w = set->list; w != NULL; w = w->next)
		w->frame(w, rx, iov, n, len, now);
}

int vs_watcher_deliver(struct vs_watcher *watch, const void *frame, size_t len)
{
	struct virtio_net_hdr none = { 0 };
	struct iovec iov[2] = { { &none, sizeof(none) }, { (void *)(uintptr_t)frame, len } };
	struct vs_watchers *set = watch->set;

	/* With the lock held: the device is not closed before vs_watchers_end(). */
	pthread_mutex_lock(&set->lock);
	const struct vs_device *device = set->pump != NULL ? &set->pump->device : NULL;
	int r = device == NULL || device->fd < 0 ? -ENODEV : 0;
	if (r == 0 && device->ops->write(device, iov, 2) < 0)
		r = -errno;
	if (r == 0)
		tell_locked(set, true, &iov[1], 1, now_since_1970());
	pthread_mutex_unlock(&set->lock);
	return r;
}

/* ------------------------------------------------------------------ the pump's side */

void vs_watchers_end(vs_watchers_ptr *watchers)
{
	/*
	 * Sequentially consistent, as the state of the pump: this or make_set() sees what the other stored.
	 */
	struct vs_watchers *set = atomic_load(watchers);

	if (set == NULL)
		return;
	pthread_mutex_lock(&set->lock);
	set->pump = NULL;
	while (set->list != NULL) {
		struct vs_watcher *watch = set->list;
		unlist_locked(set, watch);
		watch->ended(watch);
	}
	pthread_mutex_unlock(&set->lock);
}

void vs_watchers_free(vs_watchers_ptr *watchers)
{
	struct vs_watchers *set = vs_watchers_of(watchers);

	if (set == NULL)
		return;
	vs_watchers_end(watchers);
	atomic_store(watchers, NULL);
	drop_set(set);
}

void vs_watchers_tx(struct vs_watchers *set, const struct vs_frame *frames, size_t n)
{
	if (n == 0 || atomic_load_explicit(&set->n, memory_order_relaxed) == 0)
		return;
	pthread_mutex_lock(&set->lock);
	int64_t now = now_since_1970();
	for (size_t i = 0; i < n; i++)
		tell_locked(set, false, frames[i].iov, frames[i].n_iov, now);
	pthread_mutex_unlock(&set->lock);
}

void vs_watchers_rx(struct vs_watchers *set, const struct iovec *frames, size_t n)
{
	if (n == 0 || atomic_load_explicit(&set->n, memory_order_relaxed) == 0)
		return;
	pthread_mutex_lock(&set->lock);
	int64_t now = now_since_1970();
	for (size_t i = 0; i < n; i++)
		tell_locked(set, true, &frames[i], 1, now);
	pthread_mutex_unlock(&set->lock);
}

bool vs_watchers_isolated(struct vs_watchers *set)
{
	return atomic_load_explicit(&set->isolating, memory_order_relaxed) > 0;
}

bool vs_watchers_any(struct vs_watchers *set)
{
	return set != NULL && atomic_load_explicit(&set->n, memory_order_relaxed) > 0;
}
