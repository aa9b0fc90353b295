/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef DH_SHARE_H
#define DH_SHARE_H

/* How clients share what there is a number of: threads, lookups that wait, requests that wait. Pure. */

#include <stdbool.h>

#include "client.h"

/* How many a client has, all clients of its relay, and all of its station. */
struct dh_share {
	unsigned client, relay, station;
};

/* `other` has one; adds it to what `who` has. */
void dh_share_add(struct dh_share *share, const struct dh_client *who, const struct dh_client *other);

/* Whether who has this share may have one more, when so many are free. */
bool dh_share_leaves(const struct dh_share *share, unsigned n_free);

/* Below 0: who has the first share comes before who has the second one. 0: they have the same. */
int dh_share_compare(const struct dh_share *first, const struct dh_share *second);

#endif
