/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NM_CONFIG_H
#define NM_CONFIG_H

/* What the configuration file says. iothnamed(8) has the grammar. */

#include "daemons/common/report.h"
#include "nets.h"
#include "rules.h"
#include "zone.h"

#define NM_DNS_MAX 3

enum nm_stack { NM_SERVICE, NM_FORWARD, NM_N_STACKS };

/* The lines of a stack: the first one makes it, the others configure it. */
struct nm_stack_lines {
	char **lines;
	size_t n;
};

enum nm_hrevmode { NM_HREV_ALWAYS, NM_HREV_NET, NM_HREV_SAME, NM_HREV_NEVER };

struct nm_options {
	unsigned long hrevmode;                               /* enum nm_hrevmode */
	unsigned long hashttl, staticttl, negttl, tcptimeout; /* seconds */
	unsigned long tcplistenbacklog, tcpclients, tcpperclient, cachesize, ratelimit;
	unsigned long hashlower, logqueries; /* 0 or 1 */
};

struct nm_config {
	struct nm_stack_lines stacks[NM_N_STACKS];
	bool one_stack; /* "stack": NM_SERVICE is for both */
	struct in6_addr dns[NM_DNS_MAX];
	size_t n_dns;
	struct nm_nets nets;
	struct nm_rules rules;
	struct nm_zone zone;
	struct nm_options options;
};

/* A new one, with all mistakes reported. NULL: there are some. */
struct nm_config *nm_config_read(const char *path);

void nm_config_free(struct nm_config *config);

/* Whether two have the same lines of stacks. */
bool nm_config_same_stacks(const struct nm_config *a, const struct nm_config *b);

/* Lines of the words auth and static, behind the word. They report what is wrong. */
void nm_config_auth(struct nm_config *config, char *text, struct dm_where *where);
void nm_config_static(struct nm_config *config, char *text, struct dm_where *where);
/* A line of the word option. */
void nm_config_option(struct nm_config *config, char *text, struct dm_where *where);
void nm_options_default(struct nm_options *options);

/* After the last line: the networks of the rules. */
void nm_config_find_nets(struct nm_config *config, struct dm_where *where);

/* The zone of a rule as the file writes it, or where its address will be looked for (rule->host). */
bool nm_config_zone(struct nm_rule *rule, const char *text);

#endif
