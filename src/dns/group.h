/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_DNS_GROUP_H
#define VS_DNS_GROUP_H

/* Lookups that go on together: their lanes, and the descriptor for all of them. One thread at a time. */

#include <stdbool.h>

struct vdestack_dns;
struct vdestack_dns_group;
struct vdestack_dns_lookup;
struct vs_lane;

/* NULL with errno and a message: EMFILE, ENFILE, ENOMEM. */
struct vdestack_dns_group *vs_group_new(struct vdestack_dns *dns);
/* Ends it with its lookups. */
void vs_group_delete(struct vdestack_dns_group *group);
struct vdestack_dns *vs_group_resolver(const struct vdestack_dns_group *group);
int vs_group_fd(const struct vdestack_dns_group *group);
/* Whether this process has made it. In another one the group can only be deleted, and its lookups removed. */
bool vs_group_is_ours(struct vdestack_dns_group *group);

/* Takes a lookup that has begun, and lets it ask. */
void vs_group_add(struct vdestack_dns_group *group, struct vdestack_dns_lookup *l);
/* Ends a lookup, and frees it. */
void vs_group_remove(struct vdestack_dns_lookup *l);
/* Does what can be done without waiting. */
void vs_group_work(struct vdestack_dns_group *group);
/* Gives back what is not used. Makes the descriptor readable when there is something to do. Called last. */
void vs_group_arm(struct vdestack_dns_group *group);

/* A lane that a lookup of the group is to join. NULL: out of memory. */
struct vs_lane *vs_group_take_lane(struct vdestack_dns_group *group, const struct vdestack_dns_lookup *l);

#endif
