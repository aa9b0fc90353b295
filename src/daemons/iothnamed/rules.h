/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NM_RULES_H
#define NM_RULES_H

/*
 * The rules "auth", in the order of the file. A rule applies to a question if the client is in one of its
 * networks, and the name of the question matches. What it means is up to the caller: it goes from rule to
 * rule until one has an answer.
 */

#include "name.h"
#include "nets.h"

enum nm_kind {
	NM_ERROR,  /* refuses */
	NM_ACCEPT, /* connections of these clients by TCP are served */
	NM_STATIC,
	NM_OTIP,
	NM_HASH,
	NM_CACHE,
	NM_HREV,
	NM_FWD,
	NM_AXFR, /* a zone may be transferred */
	NM_N_KINDS
};

struct nm_rule {
	enum nm_kind kind;
	int *nets; /* indexes */
	size_t n_nets;
	struct nm_name name; /* the zone */
	bool below;          /* names below it, and not the name itself; all names if it is the root */
	struct in6_addr base;
	char *password;
	bool open_password; /* it stands in the configuration file */
	/* What the file says, until it is resolved: see config.h and bases.h. */
	unsigned line;
	char *nets_text, *base_text;
	bool base_asked, host_asked, host_v4; /* another server knows its address; which one it is */
	char *host; /* the zone is the reverse one of its address, with these bits */
	unsigned host_bits;
};

struct nm_rules {
	struct nm_rule *rules;
	size_t n;
};

/* Takes a rule with all that it has. 0, or -ENOMEM: then it has been freed. */
int nm_rules_add(struct nm_rules *rules, struct nm_rule *rule);

/*
 * The next rule at or behind *at that applies to a question; *at is moved behind it. NULL: none. ACCEPT rules
 * never do.
 */
const struct nm_rule *nm_rules_next(const struct nm_rules *rules, const struct nm_nets *nets,
				    const struct in6_addr *client, const struct nm_name *name, size_t *at);

/* Whether a connection of a client is served. */
bool nm_rules_accept(const struct nm_rules *rules, const struct nm_nets *nets, const struct in6_addr *client);

bool nm_rules_have(const struct nm_rules *rules, enum nm_kind kind);

void nm_rule_free(struct nm_rule *rule);
void nm_rules_free(struct nm_rules *rules);

#endif
