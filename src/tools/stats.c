/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* `vdestack stats`: all counters of this user's stacks, for people, programs and Prometheus. */

#include "stats.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "config/impair_text.h"
#include "escape.h"
#include "list.h"
#include "stats_read.h"
#include "table.h"
#include "target.h"

#define TOOL "vdestack stats"

static const char help[] =
	"Usage: vdestack stats [OPTION...] [PID[:STACK[:IFACE]]]\n"
	"Shows the counters of the keepers, interfaces and impairments of this user's programs.\n"
	"  -j, --json           for programs, one line: see vdestack-stats(1)\n"
	"  -p, --prometheus     the text format of Prometheus\n"
	"  -w, --watch SECONDS  again and again, 0.05 to 3600 seconds apart\n"
	"  -h, --help\n"
	"Exit status: 0 done, 1 nothing could be read, 64 usage.\n";

struct options {
	void (*write)(const struct vs_stats *stats);
	bool by_line; /* a reading is one line */
	double seconds; /* 0: once */
};

/* ------------------------------------------------------------------ for people */

static void put_titles(struct vs_table *t, const char *const *titles)
{
	vs_table_row(t);
	for (size_t i = 0; i < t->n_columns; i++)
		vs_table_cell(t, i, 20, titles[i]);
}

static void put_number(struct vs_table *t, size_t column, uint64_t number)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%" PRIu64, number);
	vs_table_cell(t, column, 20, text);
}

static void put_short(struct vs_table *t, size_t column, uint64_t number)
{
	char text[16];

	vs_table_cell(t, column, 8, vs_table_number(text, (double)number));
}

static void finish(struct vs_table *t)
{
	vs_table_write(t, stdout, 0, t->n_rows, 0);
	vs_table_end(t);
}

static void keeper_row(struct vs_table *t, const struct vs_stats_keeper *k)
{
	const struct vdestack_keeper_stats *s = &k->stats;

	vs_table_row(t);
	put_number(t, 0, (uint64_t)k->stack->shown.keeper);
	put_number(t, 1, (uint64_t)k->stack->shown.pid);
	vs_table_cell(t, 2, 15, k->stack->shown.comm);
	if (k->why[0] != '\0') {
		vs_table_cell(t, 3, 20, "silent");
		return;
	}
	put_number(t, 3, s->uptime_ms / 1000);
	put_number(t, 4, s->requests);
	put_number(t, 5, s->refused + s->lookups_refused);
	put_number(t, 6, s->sockets);
	put_number(t, 7, s->stacks);
	put_number(t, 8, s->interfaces);
	put_number(t, 9, s->threads);
	put_number(t, 10, s->descriptors);
	put_short(t, 11, s->memory_bytes);
}

static void write_keepers(const struct vs_stats *stats)
{
	static const char *const titles[] = { "KEEPER",  "PID",    "PROGRAM", "SECONDS",
					      "REQUESTS", "REFUSED", "SOCKETS", "STACKS",
					      "IFACES",  "THREADS", "FDS",     "MEMORY" };
	struct vs_table t = { .right = 0xfffu & ~(1u << 2), .n_columns = 12 };

	put_titles(&t, titles);
	for (size_t i = 0; i < stats->n_keepers; i++)
		keeper_row(&t, &stats->keepers[i]);
	finish(&t);
}

static void iface_row(struct vs_table *t, const struct vs_view_stack *s, const struct vs_view_iface *i)
{
	char name[64];

	vs_table_row(t);
	put_number(t, 0, (uint64_t)s->shown.pid);
	vs_view_name(s, name);
	vs_table_cell(t, 1, 20, name);
	vs_table_cell(t, 2, 16, i->device.name);
	put_number(t, 3, i->rx_frames);
	put_number(t, 4, i->tx_frames);
	put_short(t, 5, i->device.rx_bytes);
	put_short(t, 6, i->device.tx_bytes);
	put_number(t, 7, i->rx_dropped);
	put_number(t, 8, i->tx_dropped);
	put_number(t, 9, i->tx_refused);
	put_number(t, 10, i->reconnects);
	put_number(t, 11, i->has_link ? i->link.captured : 0);
}

static void write_ifaces(const struct vs_stats *stats)
{
	static const char *const titles[] = { "PID",      "STACK",    "IFACE",      "RX",
					      "TX",       "RX-BYTES", "TX-BYTES",   "RX-DROP",
					      "TX-DROP",  "REFUSED",  "RECONNECTS", "CAPTURED" };
	struct vs_table t = { .right = 0xfffu & ~(3u << 1), .n_columns = 12 };

	put_titles(&t, titles);
	for (size_t n = 0; n < stats->view.n; n++) {
		const struct vs_view_stack *s = &stats->view.stacks[n];
		for (size_t i = 0; i < s->n_ifaces; i++)
			if (vs_stats_shows(stats, &s->ifaces[i]))
				iface_row(&t, s, &s->ifaces[i]);
	}
	finish(&t);
}

static void name_of(const struct vs_view_stack *s)
{
	char name[64];

	vs_view_name(s, name);
	(void)printf("%d:", (int)s->shown.pid);
	vs_escape_plain(stdout, name);
}

static void write_direction(const struct vs_view_stack *s, const struct vs_view_iface *i, int way)
{
	char words[VS_IMPAIR_TEXT_MAX];
	unsigned long long value;
	const char *counter;

	vs_impair_text_words(&i->settings[way], "", words);
	if (words[0] == '\0')
		return;
	name_of(s);
	(void)putchar(':');
	vs_escape_plain(stdout, i->device.name);
	(void)printf(" %s: %s;", way == 0 ? "tx" : "rx", words);
	for (size_t n = 0; (counter = vs_impair_text_counter(&i->impair_stats[way], n, &value)) != NULL; n++)
		if (value > 0)
			(void)printf(" %s %llu", counter, value);
	(void)putchar('\n');
}

/* Impairments, and what could not be read. */
static void write_lines(const struct vs_stats *stats)
{
	for (size_t n = 0; n < stats->view.n; n++) {
		const struct vs_view_stack *s = &stats->view.stacks[n];
		for (size_t i = 0; i < 2 * s->n_ifaces; i++)
			if (s->ifaces[i / 2].impaired && vs_stats_shows(stats, &s->ifaces[i / 2]))
				write_direction(s, &s->ifaces[i / 2], (int)(i % 2));
		if (s->why[0] == '\0')
			continue;
		name_of(s);
		(void)printf(": ");
		vs_escape_plain(stdout, s->why);
		(void)putchar('\n');
	}
}

static void write_tables(const struct vs_stats *stats)
{
	write_keepers(stats);
	(void)putchar('\n');
	write_ifaces(stats);
	write_lines(stats);
}

/* ------------------------------------------------------------------ reading */

/* Whether there is what the word names; else says why not. */
static bool is_there(const struct vs_stats *stats, const char *target)
{
	if (target == NULL)
		return true;
	if (stats->view.n == 0) {
		struct vdestack *stack = vs_target_attach(TOOL, target); /* says why there is none */
		if (stack != NULL) {
			(void)vdestack_delete(stack);
			(void)fprintf(stderr, TOOL ": the stack was made or named just now; try again\n");
		}
		return false;
	}
	for (size_t n = 0; n < stats->view.n; n++) {
		if (stats->ifname == NULL || stats->view.stacks[n].why[0] != '\0')
			return true;
		for (size_t i = 0; i < stats->view.stacks[n].n_ifaces; i++)
			if (vs_stats_shows(stats, &stats->view.stacks[n].ifaces[i]))
				return true;
	}
	(void)fprintf(stderr, TOOL ": there is no interface ");
	vs_escape_plain(stderr, stats->ifname);
	(void)fputc('\n', stderr);
	return false;
}

static int show(struct vs_stats *stats, const struct options *o, const char *target)
{
	struct timespec pause = { .tv_sec = (time_t)o->seconds,
				  .tv_nsec = (long)((o->seconds - (double)(time_t)o->seconds) * 1e9) };

	for (bool first = true;; first = false) {
		if (vs_stats_read(stats) < 0) {
			(void)fprintf(stderr, TOOL ": %s\n", vdestack_last_error());
			return 1;
		}
		if (!is_there(stats, target))
			return 1;
		if (!first && !o->by_line)
			(void)putchar('\n');
		o->write(stats);
		if (fflush(stdout) != 0 || ferror(stdout))
			return EX_IOERR;
		if (o->seconds <= 0)
			return 0;
		(void)nanosleep(&pause, NULL);
	}
}

/* ------------------------------------------------------------------ command line */

/* -1: go on; else the exit status. */
static int read_options(int argc, char *argv[], struct options *o)
{
	static const struct option options[] = { { "json", no_argument, NULL, 'j' },
						 { "prometheus", no_argument, NULL, 'p' },
						 { "watch", required_argument, NULL, 'w' },
						 { "help", no_argument, NULL, 'h' },
						 { NULL, 0, NULL, 0 } };
	bool json = false, prometheus = false;
	int c;

	while ((c = getopt_long(argc, argv, "jpw:h", options, NULL)) != -1) {
		if (c == 'h')
			return fputs(help, stdout) < 0 || fflush(stdout) != 0 ? EX_IOERR : 0;
		if (c == '?')
			return EX_USAGE;
		json |= c == 'j';
		prometheus |= c == 'p';
		if (c == 'w' && !vs_list_seconds(optarg, &o->seconds)) {
			(void)fprintf(stderr, TOOL ": --watch takes 0.05 to 3600 seconds\n");
			return EX_USAGE;
		}
	}
	if ((json && prometheus) || argc - optind > 1) {
		(void)fprintf(stderr, "usage: " TOOL " [--json | --prometheus] [--watch SECONDS] "
				      "[PID[:STACK[:IFACE]]]\n");
		return EX_USAGE;
	}
	o->by_line = json;
	o->write = json ? vs_stats_write_json : prometheus ? vs_stats_write_prometheus : write_tables;
	return -1;
}

int vs_stats_main(int argc, char *argv[])
{
	struct options o = { 0 };
	struct vs_stats stats = { 0 };
	int status = read_options(argc, argv, &o);

	if (status >= 0)
		return status;
	char *target = optind < argc ? argv[optind] : NULL;
	if (target != NULL) {
		stats.ifname = vs_target_interface(target);
		if (!vs_target_read(TOOL, target, &stats.view.pid, &stats.view.stack))
			return 1;
	}
	status = show(&stats, &o, target);
	vs_stats_end(&stats);
	return status;
}
