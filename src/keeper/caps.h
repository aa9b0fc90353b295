/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_KEEPER_CAPS_H
#define VS_KEEPER_CAPS_H

/*
 * Capability sets of the calling thread, as masks: bit n is capability n (capabilities(7)).
 * All work on the thread alone and allocate nothing. 0 or -errno; none records a sentence.
 */

#include <stddef.h>
#include <stdint.h>

/* The permitted set. */
int vs_caps_permitted(uint64_t *permitted);

/* What can still be handed over an exec: permitted and not outside the bounding set. */
int vs_caps_inheritable(uint64_t *caps);

/* Gives up, in every set but the bounding one, what is not in `keep`; the rest becomes effective. */
int vs_caps_keep(uint64_t keep);

/*
 * Prepares for an exec after which exactly `caps` are permitted and effective, whatever is
 * executed: uid 0, set-id files and file capabilities give nothing more, for ever after.
 * `caps` must be within vs_caps_inheritable(): -EPERM otherwise.
 */
int vs_caps_confine(uint64_t caps);

/* Writes "cap_net_admin, cap_net_raw" into buf, cut to its size. */
void vs_caps_names(uint64_t caps, char *buf, size_t size);

#endif
