/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_TOOLS_STATS_FIELDS_H
#define VS_TOOLS_STATS_FIELDS_H

/*
 * Which numbers `vdestack stats` writes, each with its key in JSON and its metric for Prometheus. Both
 * formats are made of these tables, so they agree. docs/stats.md lists the names, which stay.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum vs_stats_type { VS_STATS_U32, VS_STATS_U64, VS_STATS_DOUBLE };

struct vs_stats_field {
	const char *key;        /* in JSON */
	/* Without "vdestack_"; NULL: only in JSON. "..._total" is a counter, others are gauges. */
	const char *metric;
	const char *direction;  /* label; NULL: none, or both in turn */
	enum vs_stats_type type;
	size_t offset;          /* in the struct that the table is about */
	uint64_t divisor;       /* of the number in JSON, for the unit of the metric; 0 = 1 */
	const char *help;       /* where a metric appears first */
};

/* Each ends with a field without a key. */
extern const struct vs_stats_field vs_stats_keeper_fields[];   /* of a struct vdestack_keeper_stats */
extern const struct vs_stats_field vs_stats_kernel_fields[];   /* of a struct vs_device */
extern const struct vs_stats_field vs_stats_link_fields[];     /* of a struct vdestack_link_stats */
extern const struct vs_stats_field vs_stats_capture_fields[];  /* of the same */
extern const struct vs_stats_field vs_stats_setting_fields[];  /* of a struct vdestack_impairment */
extern const struct vs_stats_field vs_stats_impaired_fields[]; /* of a struct vdestack_impair_stats */

/* The number as both formats have it: with a point in every locale. */
void vs_stats_write_number(FILE *out, const struct vs_stats_field *field, const void *of, bool as_metric);

#endif
