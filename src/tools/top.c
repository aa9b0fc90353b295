/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* `vdestack top`: what passes at each interface now, in the terminal, or as text for pipes. */

#include "top.h"

#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <time.h>

#include "base/cleanup.h"
#include "list.h"
#include "screen.h"
#include "table.h"
#include "view.h"

static const char help[] = "Usage: vdestack top [-d SECONDS] [-b N]\n"
			   "Shows rates, drops and reconnects of the interfaces of this user's stacks.\n"
			   "  -d, --delay SECONDS  between two readings; 1\n"
			   "  -b, --batch N        writes N readings as text\n"
			   "  -h, --help\n"
			   "Keys: q ends, j and k scroll, the space bar reads at once.\n";

enum column { PID, PROGRAM, STACK, IFACE, LINK, RX, TX, RX_FRAMES, TX_FRAMES, DROPS, RECONNECTS, N_COLUMNS };

static const char *const titles[] = { "PID",    "PROGRAM", "STACK",   "IFACE", "LINK",  "RX B/s",
				      "TX B/s", "RX fr/s", "TX fr/s", "DROPS", "RECONN" };

struct top {
	struct vs_view view;
	double seconds;
	size_t scroll;
	int problem; /* -errno of the last reading, 0: none */
};

static void write_rates(struct vs_table *t, const struct vs_view_iface *i)
{
	char text[16];

	if (!i->has_rates)
		return;
	vs_table_cell(t, RX, 8, vs_table_number(text, i->rates.rx_bytes));
	vs_table_cell(t, TX, 8, vs_table_number(text, i->rates.tx_bytes));
	vs_table_cell(t, RX_FRAMES, 8, vs_table_number(text, i->rates.rx_frames));
	vs_table_cell(t, TX_FRAMES, 8, vs_table_number(text, i->rates.tx_frames));
}

static void write_row(struct vs_table *t, const struct vs_view_stack *s, const struct vs_view_iface *i)
{
	char text[64];

	vs_table_row(t);
	(void)snprintf(text, sizeof(text), "%d", (int)s->shown.pid);
	vs_table_cell(t, PID, 10, text);
	vs_table_cell(t, PROGRAM, 15, s->shown.comm);
	vs_view_name(s, text);
	vs_table_cell(t, STACK, 20, text);
	if (i == NULL) {
		vs_table_cell(t, IFACE, 60, s->why);
		return;
	}
	vs_table_cell(t, IFACE, IF_NAMESIZE, i->device.name);
	vs_table_cell(t, LINK, 12, vs_list_link(i));
	write_rates(t, i);
	(void)snprintf(text, sizeof(text), "%" PRIu64, i->rx_dropped + i->tx_dropped + i->tx_refused);
	vs_table_cell(t, DROPS, 20, text);
	(void)snprintf(text, sizeof(text), "%" PRIu64, i->reconnects);
	vs_table_cell(t, RECONNECTS, 20, text);
}

/* vs_table_end() ends it. */
static struct vs_table make_table(const struct vs_view *view)
{
	struct vs_table t = { .right = 1 << PID | 1 << RX | 1 << TX | 1 << RX_FRAMES | 1 << TX_FRAMES |
				       1 << DROPS | 1 << RECONNECTS,
			      .n_columns = N_COLUMNS };

	vs_table_row(&t);
	for (size_t i = 0; i < N_COLUMNS; i++)
		vs_table_cell(&t, i, 20, titles[i]);
	for (size_t i = 0; i < view->n; i++) {
		const struct vs_view_stack *s = &view->stacks[i];
		for (size_t j = 0; j < s->n_ifaces; j++)
			write_row(&t, s, &s->ifaces[j]);
		if (s->n_ifaces == 0)
			write_row(&t, s, NULL);
	}
	return t;
}

/* ------------------------------------------------------------------ as text */

static int batch(struct top *top, long n)
{
	struct timespec pause = { .tv_sec = (time_t)top->seconds,
				  .tv_nsec = (long)((top->seconds - (double)(time_t)top->seconds) * 1e9) };

	if (vs_view_read(&top->view) < 0)
		return 1;
	for (long i = 0; i < n; i++) {
		(void)nanosleep(&pause, NULL);
		if (vs_view_read(&top->view) < 0)
			return 1;
		struct vs_table t = make_table(&top->view);
		if (i > 0)
			(void)fputc('\n', stdout);
		vs_table_write(&t, stdout, 0, t.n_rows, 0);
		vs_table_end(&t);
		if (fflush(stdout) != 0)
			return EX_IOERR;
	}
	return 0;
}

/* ------------------------------------------------------------------ in the terminal */

static void write_head(FILE *out, const struct top *top, size_t columns)
{
	char line[256];

	if (top->problem < 0)
		(void)snprintf(line, sizeof(line), "vdestack top: %s", vdestack_last_error());
	else
		(void)snprintf(line, sizeof(line), "vdestack top: %zu stack%s, every %g s; q ends",
			       top->view.n, top->view.n == 1 ? "" : "s", top->seconds);
	(void)fprintf(out, "%.*s\n", (int)columns, line);
}

static void draw(struct top *top)
{
	size_t rows, columns, len;
	char *text = NULL;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		return;
	vs_screen_size(&rows, &columns);
	struct vs_table t = make_table(&top->view);
	size_t shown = rows > 2 ? rows - 2 : 0, most = t.n_rows - 1 > shown ? t.n_rows - 1 - shown : 0;
	top->scroll = top->scroll > most ? most : top->scroll;
	write_head(out, top, columns);
	vs_table_write(&t, out, 0, 1, columns);
	vs_table_write(&t, out, 1 + top->scroll, 1 + top->scroll + shown, columns);
	vs_table_end(&t);
	if (fclose(out) == 0)
		vs_screen_draw(text, len);
	free(text);
}

/* False: the user wants to end. */
static bool use_key(struct top *top, int key, int *left_ms)
{
	switch (key) {
	case 'q':
	case 'Q':
		return false;
	case 'j':
		top->scroll++;
		break;
	case 'k':
		top->scroll -= top->scroll > 0;
		break;
	case ' ':
		*left_ms = 0;
		break;
	default:
		break;
	}
	return true;
}

/* Returns the signal that has ended it; 0: the user has. */
static int watch(struct top *top)
{
	int period_ms = (int)(top->seconds * 1000), left_ms = 0, key = 0;

	for (;;) {
		if (left_ms == 0) {
			top->problem = vs_view_read(&top->view);
			left_ms = period_ms;
		}
		draw(top);
		enum vs_screen_event event = vs_screen_wait(&left_ms, &key);
		if (event == VS_SCREEN_END)
			return key != 0 ? key : SIGHUP;
		if (event == VS_SCREEN_KEY && !use_key(top, key, &left_ms))
			return 0;
	}
}

static int interactive(struct top *top)
{
	if (vs_screen_begin() < 0) {
		(void)fprintf(stderr, "vdestack top: standard input and output are no terminal; use -b 1\n");
		return 1;
	}
	int sig = watch(top);
	vs_screen_end();
	if (sig != 0) {
		(void)signal(sig, SIG_DFL);
		(void)raise(sig);
	}
	return 0;
}

int vs_top_main(int argc, char *argv[])
{
	static const struct option options[] = { { "batch", required_argument, NULL, 'b' },
						 { "delay", required_argument, NULL, 'd' },
						 { "help", no_argument, NULL, 'h' },
						 { NULL, 0, NULL, 0 } };
	struct top top = { .seconds = 1 };
	long readings = 0;
	bool wrong = false;
	char *end;
	int c;

	while ((c = getopt_long(argc, argv, "b:d:h", options, NULL)) != -1) {
		if (c == 'h')
			return fputs(help, stdout) < 0 || fflush(stdout) != 0 ? EX_IOERR : 0;
		if (c == 'b') {
			readings = strtol(optarg, &end, 10);
			wrong = wrong || end == optarg || *end != '\0' || readings < 1;
		} else if (c == 'd') {
			wrong = wrong || !vs_list_seconds(optarg, &top.seconds);
		} else {
			return EX_USAGE;
		}
	}
	if (wrong || optind < argc) {
		(void)fprintf(stderr, "usage: vdestack top [-d SECONDS] [-b N]; SECONDS: 0.05 to 3600\n");
		return EX_USAGE;
	}
	int status = readings > 0 ? batch(&top, readings) : interactive(&top);
	if (status == 1 && readings > 0)
		(void)fprintf(stderr, "vdestack top: %s\n", vdestack_last_error());
	vs_view_end(&top.view);
	return status;
}
