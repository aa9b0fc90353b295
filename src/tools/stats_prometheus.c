/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * `vdestack stats --prometheus`: the text format 0.0.4. All samples of a metric stand together below its
 * HELP and TYPE, so the tables of fields are the outer loop, and keepers or interfaces the inner one.
 *
 * Labels: pid and program, and keeper, because a program may have several; stack is the name, or the index
 * in digits. A name may consist of digits, too: so stacks without a name have the label index as well. The
 * locator is no label, as it may contain what is private. Bytes that a terminal must not get are written as
 * '?' (escape.h).
 */

#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "escape.h"
#include "stats_fields.h"
#include "stats_read.h"

#define PREFIX "vdestack_"

/* ------------------------------------------------------------------ lines */

static void head(const char *metric, const char *help)
{
	size_t len = strlen(metric);
	bool counter = len > 6 && strcmp(metric + len - 6, "_total") == 0;

	(void)printf("# HELP " PREFIX "%s %s\n# TYPE " PREFIX "%s %s\n", metric, help, metric,
		     counter ? "counter" : "gauge");
}

static void label(const char *name, const char *value)
{
	(void)printf(",%s=\"", name);
	vs_escape_dot(stdout, value); /* a quote and a backslash are escaped in the same way there */
	(void)putchar('"');
}

static void sample(const char *metric, const struct vdestack_registered *shown)
{
	(void)printf(PREFIX "%s{pid=\"%d\",keeper=\"%d\"", metric, (int)shown->pid, (int)shown->keeper);
	label("program", shown->comm);
}

static void sample_iface(const char *metric, const struct vs_view_stack *s, const struct vs_view_iface *i,
			 const char *direction)
{
	char name[64];

	vs_view_name(s, name);
	sample(metric, &s->shown);
	label("stack", name);
	if (s->shown.name[0] == '\0')
		label("index", name);
	label("interface", i->device.name);
	if (direction != NULL)
		label("direction", direction);
}

/* ------------------------------------------------------------------ keepers */

static void keepers(const struct vs_stats *stats)
{
	head("keeper_up", "1: the keeper answers.");
	for (size_t i = 0; i < stats->n_keepers; i++) {
		sample("keeper_up", &stats->keepers[i].stack->shown);
		(void)printf("} %d\n", stats->keepers[i].why[0] == '\0');
	}
	for (const struct vs_stats_field *f = vs_stats_keeper_fields; f->key != NULL; f++) {
		head(f->metric, f->help);
		for (size_t i = 0; i < stats->n_keepers; i++) {
			const struct vs_stats_keeper *k = &stats->keepers[i];
			if (k->why[0] != '\0')
				continue;
			sample(f->metric, &k->stack->shown);
			(void)printf("} ");
			vs_stats_write_number(stdout, f, &k->stats, true);
			(void)putchar('\n');
		}
	}
}

/* ------------------------------------------------------------------ interfaces */

/* What a table is about; NULL: the interface has none. */
typedef const void *(*part)(const struct vs_view_iface *i, int way);

static const void *part_kernel(const struct vs_view_iface *i, int way)
{
	return way == 0 ? &i->device : NULL;
}

static const void *part_link(const struct vs_view_iface *i, int way)
{
	return way == 0 && i->has_link ? &i->link : NULL;
}

static const void *part_settings(const struct vs_view_iface *i, int way)
{
	return i->impaired ? &i->settings[way] : NULL;
}

static const void *part_impaired(const struct vs_view_iface *i, int way)
{
	return i->impaired ? &i->impair_stats[way] : NULL;
}

/* directions: the part exists for each direction. */
static void field_of_all(const struct vs_stats *stats, const struct vs_stats_field *f, part of,
			 bool directions)
{
	static const char *const ways[] = { "tx", "rx" };

	for (size_t n = 0; n < stats->view.n; n++) {
		const struct vs_view_stack *s = &stats->view.stacks[n];
		for (size_t i = 0; i < 2 * s->n_ifaces; i++) {
			const struct vs_view_iface *iface = &s->ifaces[i / 2];
			const void *struct_of = of(iface, (int)(i % 2));
			if (struct_of == NULL || !vs_stats_shows(stats, iface))
				continue;
			sample_iface(f->metric, s, iface, directions ? ways[i % 2] : f->direction);
			(void)printf("} ");
			vs_stats_write_number(stdout, f, struct_of, true);
			(void)putchar('\n');
		}
	}
}

static void table(const struct vs_stats *stats, const struct vs_stats_field *f, part of, bool directions)
{
	for (; f->key != NULL; f++) {
		if (f->metric == NULL)
			continue;
		if (f->help != NULL)
			head(f->metric, f->help);
		field_of_all(stats, f, of, directions);
	}
}

static void flag_of_all(const struct vs_stats *stats, const char *metric, const char *help, unsigned flag)
{
	head(metric, help);
	for (size_t n = 0; n < stats->view.n; n++) {
		const struct vs_view_stack *s = &stats->view.stacks[n];
		for (size_t i = 0; i < s->n_ifaces; i++)
			if (vs_stats_shows(stats, &s->ifaces[i])) {
				sample_iface(metric, s, &s->ifaces[i], NULL);
				(void)printf("} %d\n", (s->ifaces[i].device.flags & flag) != 0);
			}
	}
}

void vs_stats_write_prometheus(const struct vs_stats *stats)
{
	keepers(stats);
	flag_of_all(stats, "interface_up", "1: the interface is up.", IFF_UP);
	flag_of_all(stats, "interface_carrier", "1: the interface is connected to its network.", IFF_RUNNING);
	table(stats, vs_stats_kernel_fields, part_kernel, false);
	table(stats, vs_stats_link_fields, part_link, false);
	table(stats, vs_stats_capture_fields, part_link, false);
	table(stats, vs_stats_setting_fields, part_settings, true);
	table(stats, vs_stats_impaired_fields, part_impaired, true);
}
