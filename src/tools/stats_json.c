/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* `vdestack stats --json`: one line, so several readings are lines of a stream. */

#include <inttypes.h>
#include <net/if.h>
#include <stdio.h>

#include "config/impair_text.h"
#include "report.h"
#include "stats_fields.h"
#include "stats_read.h"

static void text(const char *key, const char *value)
{
	(void)printf("\"%s\": ", key);
	vs_report_json_string(stdout, value);
}

static void fields(const struct vs_stats_field *f, const void *of)
{
	for (; f->key != NULL; f++) {
		(void)printf(", \"%s\": ", f->key);
		vs_stats_write_number(stdout, f, of, false);
	}
}

static void object(const char *key, const struct vs_stats_field *f, const void *of)
{
	(void)printf(", \"%s\": {", key);
	for (const char *between = ""; f->key != NULL; f++, between = ", ") {
		(void)printf("%s\"%s\": ", between, f->key);
		vs_stats_write_number(stdout, f, of, false);
	}
	(void)putchar('}');
}

static void keeper(const struct vs_stats_keeper *k)
{
	const struct vdestack_registered *shown = &k->stack->shown;

	(void)printf("{\"keeper\": %d, \"pid\": %d, ", (int)shown->keeper, (int)shown->pid);
	text("program", shown->comm);
	(void)printf(", \"silent\": %s, ",
		     (shown->flags & VDESTACK_REGISTERED_SILENT) != 0 ? "true" : "false");
	text("problem", k->why);
	if (k->why[0] == '\0')
		fields(vs_stats_keeper_fields, &k->stats);
	(void)putchar('}');
}

/* ------------------------------------------------------------------ interfaces */

static void direction(const struct vs_view_iface *i, int way)
{
	static const char *const queues[] = { "tail-drop", "codel" };
	static const char *const distributions[] = { "uniform", "normal", "pareto" };
	const struct vdestack_impairment *s = &i->settings[way];
	char words[VS_IMPAIR_TEXT_MAX];

	vs_impair_text_words(s, "", words);
	(void)printf("{");
	text("words", words);
	/* JavaScript has no integers of 64 bits. */
	(void)printf(", \"seed\": \"%" PRIu64 "\"", s->seed);
	(void)printf(", \"distribution\": \"%s\", \"queue\": \"%s\", \"keep_order\": %s",
		     distributions[s->distribution < 3 ? s->distribution : 0],
		     queues[s->queue == VDESTACK_CODEL],
		     s->keep_order != 0 ? "true" : "false");
	object("settings", vs_stats_setting_fields, s);
	object("counters", vs_stats_impaired_fields, &i->impair_stats[way]);
	(void)putchar('}');
}

static void impairment(const struct vs_view_iface *i)
{
	(void)printf(", \"impairment\": ");
	if (!i->impaired) {
		(void)printf("null");
		return;
	}
	(void)printf("{\"tx\": ");
	direction(i, 0);
	(void)printf(", \"rx\": ");
	direction(i, 1);
	(void)putchar('}');
}

static void interface(const struct vs_view_iface *i)
{
	(void)printf("{");
	text("name", i->device.name);
	(void)printf(", \"index\": %d, \"up\": %s, \"carrier\": %s, \"mtu\": %u, ", i->device.index,
		     (i->device.flags & IFF_UP) != 0 ? "true" : "false",
		     (i->device.flags & IFF_RUNNING) != 0 ? "true" : "false", i->device.mtu);
	if (i->locator != NULL)
		text("locator", i->locator);
	else
		(void)printf("\"locator\": null");
	object("kernel", vs_stats_kernel_fields, &i->device);
	if (i->has_link) {
		object("link", vs_stats_link_fields, &i->link);
		object("capture", vs_stats_capture_fields, &i->link);
	} else {
		(void)printf(", \"link\": null, \"capture\": null");
	}
	impairment(i);
	(void)putchar('}');
}

static void stack(const struct vs_stats *stats, const struct vs_view_stack *s)
{
	const char *between = "";

	(void)printf("{\"pid\": %d, \"keeper\": %d, ", (int)s->shown.pid, (int)s->shown.keeper);
	text("program", s->shown.comm);
	(void)printf(", \"index\": %d, ", s->shown.index);
	text("name", s->shown.name);
	(void)printf(", ");
	text("problem", s->why);
	(void)printf(", \"interfaces\": [");
	for (size_t i = 0; i < s->n_ifaces; i++)
		if (vs_stats_shows(stats, &s->ifaces[i])) {
			(void)printf("%s", between);
			interface(&s->ifaces[i]);
			between = ", ";
		}
	(void)printf("]}");
}

void vs_stats_write_json(const struct vs_stats *stats)
{
	(void)printf("{\"version\": 1, \"time_ms\": %" PRId64 ", \"keepers\": [", stats->time_ms);
	for (size_t i = 0; i < stats->n_keepers; i++) {
		(void)printf("%s", i > 0 ? ", " : "");
		keeper(&stats->keepers[i]);
	}
	(void)printf("], \"stacks\": [");
	for (size_t i = 0; i < stats->view.n; i++) {
		(void)printf("%s", i > 0 ? ", " : "");
		stack(stats, &stats->view.stacks[i]);
	}
	(void)printf("]}\n");
}
