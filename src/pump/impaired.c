/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "impaired.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/error.h"
#include "impair.h"

struct vs_impaired {
	struct vs_pump *pump;
	enum vs_direction direction;
	pthread_mutex_t lock;
	struct vs_impair *impair;
	struct vdestack_impairment settings; /* in force */
};

static void slot_free(struct vs_impaired *slot)
{
	if (slot == NULL)
		return;
	vs_impair_free(slot->impair);
	(void)pthread_mutex_destroy(&slot->lock);
	free(slot);
}

static struct vs_impaired *slot_new(struct vs_pump *pump, enum vs_direction direction)
{
	struct vs_impaired *slot = calloc(1, sizeof(*slot));

	if (slot == NULL)
		return NULL;
	*slot = (struct vs_impaired){ .pump = pump, .direction = direction, .impair = vs_impair_new() };
	(void)pthread_mutex_init(&slot->lock, NULL);
	slot->settings.size = sizeof(slot->settings);
	if (slot->impair != NULL)
		return slot;
	slot_free(slot);
	return NULL;
}

static struct vs_impaired *slot_of(struct vs_pump *pump, enum vs_direction direction)
{
	return atomic_load_explicit(&pump->impaired_once[direction], memory_order_acquire);
}

/* Makes it if it is missing. Two threads may do that at once: one of theirs stays. */
static int make_slot(struct vs_pump *pump, enum vs_direction direction)
{
	struct vs_impaired *none = NULL;

	if (slot_of(pump, direction) != NULL)
		return 0;
	struct vs_impaired *slot = slot_new(pump, direction);
	if (slot == NULL)
		return vs_fail(ENOMEM, "cannot impair interface %s: out of memory", pump->name);
	if (!atomic_compare_exchange_strong(&pump->impaired_once[direction], &none, slot))
		slot_free(slot);
	return 0;
}

struct vs_impair *vs_impaired_lock(struct vs_impaired *impaired)
{
	(void)pthread_mutex_lock(&impaired->lock);
	return impaired->impair;
}

void vs_impaired_unlock(struct vs_impaired *impaired)
{
	if (vs_impair_is_idle(impaired->impair))
		atomic_store(&impaired->pump->impaired[impaired->direction], NULL);
	(void)pthread_mutex_unlock(&impaired->lock);
}

void vs_impaired_done(struct vs_impaired *impaired)
{
	vs_impair_done(vs_impaired_lock(impaired));
	vs_impaired_unlock(impaired);
}

void vs_impaired_drop(struct vs_pump *pump, enum vs_direction direction)
{
	struct vs_impaired *slot = slot_of(pump, direction);

	if (slot == NULL)
		return;
	struct vs_impair *impair = vs_impaired_lock(slot);
	vs_impair_done(impair);
	vs_impair_drop(impair);
	vs_impaired_unlock(slot);
}

void vs_impaired_free(struct vs_pump *pump)
{
	for (int i = 0; i < VS_DIRECTIONS; i++) {
		slot_free(pump->impaired_once[i]);
		pump->impaired[i] = pump->impaired_once[i] = NULL;
	}
}

/* ------------------------------------------------------------------ settings */

static uint64_t choose_seed(void)
{
	uint64_t seed = 0;

	while (seed == 0)
		if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
			seed = (uint64_t)vs_now_ns();
	return seed;
}

static int check(const struct vs_pump *pump, const struct vdestack_impairment *settings)
{
	const char *why;

	if (settings == NULL || vs_impair_check(settings, &why) == 0)
		return 0;
	return vs_fail(EINVAL, "cannot impair interface %s: %s", pump->name, why);
}

static void set(struct vs_pump *pump, enum vs_direction direction, const struct vdestack_impairment *settings)
{
	struct vs_impaired *slot = slot_of(pump, direction);

	struct vs_impair *impair = vs_impaired_lock(slot);
	slot->settings = *settings;
	if (settings->seed == 0)
		slot->settings.seed = choose_seed();
	vs_impair_set(impair, &slot->settings, vs_now_ns());
	if (!vs_impair_is_idle(impair))
		atomic_store(&pump->impaired[direction], slot);
	(void)pthread_mutex_unlock(&slot->lock); /* only the thread of the direction clears it */
}

int vs_pump_impair(struct vs_pump *pump, const struct vdestack_impairment *tx,
		   const struct vdestack_impairment *rx)
{
	int r = check(pump, tx);

	if (r == 0)
		r = check(pump, rx);
	if (r == 0 && tx != NULL)
		r = make_slot(pump, VS_TX);
	if (r == 0 && rx != NULL)
		r = make_slot(pump, VS_RX);
	if (r < 0)
		return r;
	if (tx != NULL)
		set(pump, VS_TX, tx);
	if (rx != NULL)
		set(pump, VS_RX, rx);
	return 0;
}

static void get(struct vs_pump *pump, enum vs_direction direction, struct vdestack_impairment *settings,
		struct vdestack_impair_stats *stats)
{
	struct vs_impaired *slot = slot_of(pump, direction);

	if (settings != NULL)
		*settings = (struct vdestack_impairment){ .size = sizeof(*settings) };
	if (stats != NULL)
		*stats = (struct vdestack_impair_stats){ .size = sizeof(*stats) };
	if (slot == NULL)
		return;
	(void)pthread_mutex_lock(&slot->lock);
	if (settings != NULL)
		*settings = slot->settings;
	if (stats != NULL)
		vs_impair_stats(slot->impair, stats);
	(void)pthread_mutex_unlock(&slot->lock);
}

void vs_pump_impaired(struct vs_pump *pump, struct vdestack_impairment *tx, struct vdestack_impairment *rx,
		      struct vdestack_impair_stats *tx_stats, struct vdestack_impair_stats *rx_stats)
{
	get(pump, VS_TX, tx, tx_stats);
	get(pump, VS_RX, rx, rx_stats);
}
