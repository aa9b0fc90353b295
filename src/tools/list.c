/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* `vdestack list`: the stacks of this user's programs, for people and, as JSON, for programs. */

#include "list.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "report.h"
#include "table.h"
#include "view.h"

static const char help[] = "Usage: vdestack list [--json] [--rates[=SECONDS]]\n"
			   "Lists the network stacks of this user's programs.\n"
			   "  -j, --json             for programs: see vdestack-list(1)\n"
			   "  -r, --rates[=SECONDS]  two readings, one second apart: bytes each second\n"
			   "  -h, --help\n"
			   "Exit status: 0 done, 1 nothing could be read, 64 usage.\n";

enum column { PID, PROGRAM, STACK, IFACE, LINK, ADDRESS, SOURCE, RX, TX, NETWORK, N_COLUMNS };

static const char *const titles[] = { "PID",     "PROGRAM", "STACK", "IFACE", "LINK",
				      "ADDRESS", "SOURCE",  "RX",    "TX",    "NETWORK" };

/* ------------------------------------------------------------------ for people */

const char *vs_list_link(const struct vs_view_iface *i)
{
	if ((i->device.flags & IFF_UP) == 0)
		return "down";
	if ((i->device.flags & IFF_RUNNING) == 0)
		return "no carrier";
	return i->impaired ? "up, impaired" : "up";
}

static void source_text(const struct vdestack_source *s, char *text, size_t size)
{
	if (s->expiry_ms >= 0)
		(void)snprintf(text, size, "%s %s %" PRId64 "s", vs_view_source(s->source), s->state,
			       s->expiry_ms / 1000);
	else
		(void)snprintf(text, size, "%s %s", vs_view_source(s->source), s->state);
}

/* Rows below that of the interface: other addresses, other sources. Returns whether there was one more. */
static bool write_nth(struct vs_table *t, const struct vs_view_stack *s, const char *ifname, size_t nth)
{
	char text[128];
	size_t n = 0;
	bool wrote = false;

	for (size_t i = 0; i < s->n_addrs; i++)
		if (strcmp(s->addrs[i].ifname, ifname) == 0 && n++ == nth) {
			if (nth > 0)
				vs_table_row(t);
			(void)snprintf(text, sizeof(text), "%s/%u", s->addrs[i].addr, s->addrs[i].prefix_len);
			vs_table_cell(t, ADDRESS, 50, text);
			wrote = true;
		}
	n = 0;
	for (size_t i = 0; i < s->n_sources; i++)
		if (strcmp(s->sources[i].ifname, ifname) == 0 && n++ == nth) {
			if (nth > 0 && !wrote)
				vs_table_row(t);
			source_text(&s->sources[i], text, sizeof(text));
			vs_table_cell(t, SOURCE, 40, text);
			wrote = true;
		}
	return wrote;
}

static void write_iface(struct vs_table *t, const struct vs_view_stack *s, const struct vs_view_iface *i,
			bool rates)
{
	char number[16];

	vs_table_cell(t, IFACE, IF_NAMESIZE, i->device.name);
	vs_table_cell(t, LINK, 12, vs_list_link(i));
	vs_table_cell(t, NETWORK, 100, i->locator != NULL ? i->locator : "");
	if (!rates || i->has_rates) {
		vs_table_cell(t, RX, 8,
			      vs_table_number(number,
					      rates ? i->rates.rx_bytes : (double)i->device.rx_bytes));
		vs_table_cell(t, TX, 8,
			      vs_table_number(number,
					      rates ? i->rates.tx_bytes : (double)i->device.tx_bytes));
	}
	for (size_t nth = 0; write_nth(t, s, i->device.name, nth); nth++)
		;
}

static void write_stack(struct vs_table *t, const struct vs_view_stack *s, bool rates)
{
	char pid[16], name[64];

	vs_view_name(s, name);
	(void)snprintf(pid, sizeof(pid), "%d", (int)s->shown.pid);
	for (size_t i = 0; i < s->n_ifaces || i == 0; i++) {
		vs_table_row(t);
		vs_table_cell(t, PID, 10, pid);
		vs_table_cell(t, PROGRAM, 15, s->shown.comm);
		vs_table_cell(t, STACK, 63, name);
		if (i < s->n_ifaces)
			write_iface(t, s, &s->ifaces[i], rates);
		else if (s->why[0] != '\0')
			vs_table_cell(t, NETWORK, 150, s->why);
	}
}

static void write_table(const struct vs_view *view, bool rates)
{
	struct vs_table t = { .right = 1 << PID | 1 << RX | 1 << TX, .n_columns = N_COLUMNS };

	vs_table_row(&t);
	for (size_t i = 0; i < N_COLUMNS; i++)
		vs_table_cell(&t, i, 20, titles[i]);
	if (rates) {
		vs_table_cell(&t, RX, 8, "RX/s");
		vs_table_cell(&t, TX, 8, "TX/s");
	}
	for (size_t i = 0; i < view->n; i++)
		write_stack(&t, &view->stacks[i], rates);
	vs_table_write(&t, stdout, 0, t.n_rows, 0);
	vs_table_end(&t);
}

/* ------------------------------------------------------------------ for programs */

static void json_text(const char *key, const char *text)
{
	(void)printf("\"%s\": ", key);
	vs_report_json_string(stdout, text);
}

static void json_addresses(const struct vs_view_stack *s, const char *ifname)
{
	bool first = true;

	(void)printf("\"addresses\": [");
	for (size_t i = 0; i < s->n_addrs; i++)
		if (strcmp(s->addrs[i].ifname, ifname) == 0) {
			(void)printf("%s\"%s/%u\"", first ? "" : ", ", s->addrs[i].addr,
				     s->addrs[i].prefix_len);
			first = false;
		}
	(void)printf("]");
}

static void json_iface(const struct vs_view_stack *s, const struct vs_view_iface *i)
{
	const unsigned char *m = i->device.mac;

	(void)printf("{");
	json_text("name", i->device.name);
	(void)printf(", \"index\": %d, ", i->device.index);
	if (i->locator != NULL)
		json_text("locator", i->locator);
	else
		(void)printf("\"locator\": null");
	(void)printf(", \"up\": %s, \"carrier\": %s, \"impaired\": %s, \"mtu\": %u, ",
		     (i->device.flags & IFF_UP) != 0 ? "true" : "false",
		     (i->device.flags & IFF_RUNNING) != 0 ? "true" : "false",
		     i->impaired ? "true" : "false", i->device.mtu);
	if (i->device.has_mac)
		(void)printf("\"mac\": \"%02x:%02x:%02x:%02x:%02x:%02x\", ", m[0], m[1], m[2], m[3], m[4],
			     m[5]);
	else
		(void)printf("\"mac\": null, ");
	json_addresses(s, i->device.name);
	(void)printf(", \"rx_bytes\": %" PRIu64 ", \"tx_bytes\": %" PRIu64 ", \"rx_frames\": %" PRIu64
		     ", \"tx_frames\": %" PRIu64 ", \"rx_dropped\": %" PRIu64 ", \"tx_dropped\": %" PRIu64
		     ", \"tx_refused\": %" PRIu64 ", \"reconnects\": %" PRIu64,
		     i->device.rx_bytes, i->device.tx_bytes, i->rx_frames, i->tx_frames, i->rx_dropped,
		     i->tx_dropped, i->tx_refused, i->reconnects);
	if (i->has_rates)
		(void)printf(", \"rates\": {\"rx_bytes\": %.0f, \"tx_bytes\": %.0f, \"rx_frames\": %.0f, "
			     "\"tx_frames\": %.0f}",
			     i->rates.rx_bytes, i->rates.tx_bytes, i->rates.rx_frames, i->rates.tx_frames);
	else
		(void)printf(", \"rates\": null");
	(void)printf("}");
}

static void json_source(const struct vdestack_source *s)
{
	(void)printf("{");
	json_text("interface", s->ifname);
	(void)printf(", \"source\": \"%s\", ", vs_view_source(s->source));
	json_text("state", s->state);
	(void)printf(", \"ready\": %s, ", s->ready ? "true" : "false");
	json_text("server", s->server);
	if (s->expiry_ms >= 0)
		(void)printf(", \"expires_ms\": %" PRId64 ", ", s->expiry_ms);
	else
		(void)printf(", \"expires_ms\": null, ");
	json_text("problem", s->problem);
	(void)printf("}");
}

static void json_stack(const struct vs_view_stack *s)
{
	(void)printf("{\"pid\": %d, \"keeper\": %d, ", (int)s->shown.pid, (int)s->shown.keeper);
	json_text("program", s->shown.comm);
	(void)printf(", \"index\": %d, ", s->shown.index);
	json_text("name", s->shown.name);
	(void)printf(", ");
	json_text("problem", s->why);
	(void)printf(",\n      \"interfaces\": [");
	for (size_t i = 0; i < s->n_ifaces; i++) {
		(void)printf("%s\n        ", i > 0 ? "," : "");
		json_iface(s, &s->ifaces[i]);
	}
	(void)printf("],\n      \"sources\": [");
	for (size_t i = 0; i < s->n_sources; i++) {
		(void)printf("%s\n        ", i > 0 ? "," : "");
		json_source(&s->sources[i]);
	}
	(void)printf("]}");
}

static void write_json(const struct vs_view *view)
{
	(void)printf("{\"version\": 1,\n  \"stacks\": [");
	for (size_t i = 0; i < view->n; i++) {
		(void)printf("%s\n    ", i > 0 ? "," : "");
		json_stack(&view->stacks[i]);
	}
	(void)printf("]}\n");
}

/* ------------------------------------------------------------------ command line */

bool vs_list_seconds(const char *text, double *seconds)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end != '\0' || !(value >= 0.05 && value <= 3600))
		return false;
	*seconds = value;
	return true;
}

static int read_view(struct vs_view *view, double seconds)
{
	struct timespec pause = { .tv_sec = (time_t)seconds,
				  .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9) };
	int r = vs_view_read(view);

	if (r == 0 && seconds > 0) {
		(void)nanosleep(&pause, NULL);
		r = vs_view_read(view);
	}
	if (r < 0)
		(void)fprintf(stderr, "vdestack list: %s\n", vdestack_last_error());
	return r;
}

int vs_list_main(int argc, char *argv[])
{
	static const struct option options[] = { { "json", no_argument, NULL, 'j' },
						 { "rates", optional_argument, NULL, 'r' },
						 { "help", no_argument, NULL, 'h' },
						 { NULL, 0, NULL, 0 } };
	struct vs_view view = { 0 };
	bool json = false;
	double seconds = 0;
	int c;

	while ((c = getopt_long(argc, argv, "jr::h", options, NULL)) != -1) {
		if (c == 'j') {
			json = true;
		} else if (c == 'r') {
			seconds = 1;
			if (optarg != NULL && !vs_list_seconds(optarg, &seconds)) {
				(void)fprintf(stderr, "vdestack list: --rates takes 0.05 to 3600 seconds\n");
				return EX_USAGE;
			}
		} else if (c == 'h') {
			return fputs(help, stdout) < 0 || fflush(stdout) != 0 ? EX_IOERR : 0;
		} else {
			return EX_USAGE;
		}
	}
	if (optind < argc) {
		(void)fprintf(stderr, "vdestack list: unexpected argument; see vdestack list --help\n");
		return EX_USAGE;
	}
	if (read_view(&view, seconds) < 0)
		return 1;
	if (json)
		write_json(&view);
	else
		write_table(&view, seconds > 0);
	vs_view_end(&view);
	return fflush(stdout) != 0 || ferror(stdout) ? EX_IOERR : 0;
}
