/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* `vdestack impair`: what is done on purpose to the frames of a living stack. */

#include "impair.h"

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/cleanup.h"
#include "config/impair_text.h"
#include "devices.h"
#include "escape.h"
#include "report.h"
#include "target.h"
#include <vdestack.h>
#include <vdestack/impair.h>

#define TOOL "vdestack impair"

static const char help[] =
	"Usage: vdestack impair PID[:STACK[:IFACE]] WORD...\n"
	"       vdestack impair [--json] PID[:STACK[:IFACE]]\n"
	"Changes what happens to the frames of an interface, or shows it.\n"
	"Words: [tx.|rx.] delay=20ms jitter=5ms[:normal] loss=1% loss-burst=1%:25% loss-every=10\n"
	"       duplicate=1% reorder=1% corrupt=1% corrupt-valid=1% rate=10mbit queue=64k codel\n"
	"       blackhole=1400 keep-order cut seed=42; group=1; -WORD ends one, unimpaired ends all.\n"
	"  -s, --show   only shows, as without words\n"
	"  -f, --flap   its MAC address moves to another port of the segment, until it sends\n"
	"  -j, --json   for programs: see vdestack-impair(1)\n"
	"  -h, --help\n"
	"Exit status: 0 done, 1 not done, 64 usage.\n";

struct options {
	bool json, flap, show;
	char *words; /* NULL: none */
};

/* An interface, as it is now. */
struct state {
	char name[IF_NAMESIZE];
	struct vdestack_impairment now[2]; /* tx, rx */
	struct vdestack_impair_stats stats[2];
};

static const char *const directions[] = { "tx", "rx" };

static int fail(void)
{
	(void)fputs(TOOL ": ", stderr);
	vs_escape_plain(stderr, vdestack_last_error());
	(void)fputc('\n', stderr);
	return 1;
}

/* ------------------------------------------------------------------ reading */

/* 0, or -1 with errno: ENODEV: the library has not made it. */
static int read_state(struct vdestack *stack, const char *ifname, struct state *s)
{
	*s = (struct state){ 0 };
	(void)snprintf(s->name, sizeof(s->name), "%s", ifname);
	for (int i = 0; i < 2; i++) {
		s->now[i].size = sizeof(s->now[i]);
		s->stats[i].size = sizeof(s->stats[i]);
	}
	return vdestack_impair_get(stack, ifname, &s->now[0], &s->now[1], &s->stats[0], &s->stats[1]);
}

/* All interfaces that the library has made. Returns how many, or -1: a message has been written. */
static int read_all(struct vdestack *stack, struct state **list)
{
	VS_AUTO_FREE struct vs_device *devices = NULL;
	int n = vs_devices_read(stack, &devices), found = 0;

	*list = n >= 0 ? calloc((size_t)n + 1, sizeof(**list)) : NULL;
	if (*list == NULL) {
		(void)fprintf(stderr, TOOL ": cannot read the interfaces: %s\n",
			      strerror(n < 0 ? -n : ENOMEM));
		return -1;
	}
	for (int i = 0; i < n; i++) {
		if (read_state(stack, devices[i].name, &(*list)[found]) == 0)
			found++;
		else if (errno != ENODEV)
			return fail(), -1;
	}
	return found;
}

/* ------------------------------------------------------------------ showing */

static void show_counters(const struct vdestack_impair_stats *stats)
{
	unsigned long long value;
	const char *name, *between = "    ";

	for (size_t i = 0; (name = vs_impair_text_counter(stats, i, &value)) != NULL; i++) {
		if (value == 0)
			continue;
		(void)printf("%s%s %llu", between, name, value);
		between = ", ";
	}
	if (between[0] == ',')
		(void)putchar('\n');
}

static void show(const struct state *s)
{
	char words[VS_IMPAIR_TEXT_MAX];

	for (int i = 0; i < 2; i++) {
		vs_impair_text_words(&s->now[i], "", words);
		vs_escape_plain(stdout, s->name);
		(void)printf(" %s: %s\n", directions[i], words[0] != '\0' ? words : "unimpaired");
		show_counters(&s->stats[i]);
	}
}

static void json_direction(const struct state *s, int i)
{
	char prefix[4], words[VS_IMPAIR_TEXT_MAX];
	unsigned long long value;
	const char *name;

	(void)snprintf(prefix, sizeof(prefix), "%s.", directions[i]);
	vs_impair_text_words(&s->now[i], prefix, words);
	(void)printf(", \"%s\": {\"impaired\": %s, \"words\": ", directions[i],
		     vs_impair_is_set(&s->now[i]) ? "true" : "false");
	vs_report_json_string(stdout, words);
	/* JavaScript has no integers of 64 bits. */
	(void)printf(", \"seed\": \"%llu\"", (unsigned long long)s->now[i].seed);
	for (size_t n = 0; (name = vs_impair_text_counter(&s->stats[i], n, &value)) != NULL; n++)
		(void)printf(", \"%s\": %llu", name, value);
	(void)putchar('}');
}

static void write_json(const struct state *list, int n)
{
	(void)printf("{\"version\": 1, \"interfaces\": [");
	for (int i = 0; i < n; i++) {
		(void)printf("%s\n  {\"name\": ", i > 0 ? "," : "");
		vs_report_json_string(stdout, list[i].name);
		for (int j = 0; j < 2; j++)
			json_direction(&list[i], j);
		(void)putchar('}');
	}
	(void)printf("]}\n");
}

static void write_states(const struct state *list, int n, bool json)
{
	if (json)
		write_json(list, n);
	for (int i = 0; i < n && !json; i++)
		show(&list[i]);
}

/* ------------------------------------------------------------------ changing */

static int change(struct vdestack *stack, const char *ifname, const struct options *o)
{
	if (o->words != NULL && vdestack_impair_words(stack, ifname, o->words) < 0)
		return fail();
	return o->flap && vdestack_segment_flap(stack, ifname) < 0 ? fail() : 0;
}

static int act_on(struct vdestack *stack, const char *ifname, const struct options *o)
{
	struct state s;
	int r = change(stack, ifname, o);

	if (r != 0)
		return r;
	if (read_state(stack, ifname, &s) < 0)
		return fail();
	write_states(&s, 1, o->json);
	return 0;
}

/* No interface was named: all are shown, but only one can be changed. */
static int act_on_all(struct vdestack *stack, const struct options *o)
{
	VS_AUTO_FREE struct state *list = NULL;
	int n = read_all(stack, &list);

	if (n < 0)
		return 1;
	if (o->words == NULL && !o->flap) {
		write_states(list, n, o->json);
		return 0;
	}
	if (n == 1)
		return act_on(stack, list[0].name, o);
	(void)fprintf(stderr, TOOL ": the stack has %d interfaces; write PID:STACK:IFACE with one of:", n);
	for (int i = 0; i < n; i++) {
		(void)fputc(' ', stderr);
		vs_escape_plain(stderr, list[i].name);
	}
	(void)fputc('\n', stderr);
	return 1;
}

/* ------------------------------------------------------------------ command line */

static char *join(char *argv[], int n)
{
	size_t bytes = 1;
	char *text;

	for (int i = 0; i < n; i++)
		bytes += strlen(argv[i]) + 1;
	text = calloc(1, bytes);
	for (int i = 0; text != NULL && i < n; i++) {
		strcat(text, argv[i]);
		strcat(text, i + 1 < n ? " " : "");
	}
	return text;
}

static int run(char *target, const struct options *o)
{
	const char *ifname = vs_target_interface(target);
	struct vdestack *stack = vs_target_attach(TOOL, target);

	if (stack == NULL)
		return 1;
	int r = ifname != NULL ? act_on(stack, ifname, o) : act_on_all(stack, o);
	(void)vdestack_delete(stack);
	return r == 0 && (fflush(stdout) != 0 || ferror(stdout)) ? EX_IOERR : r;
}

/* -1: go on; else the exit status. */
static int read_options(int argc, char *argv[], struct options *o)
{
	static const struct option options[] = { { "show", no_argument, NULL, 's' },
						 { "flap", no_argument, NULL, 'f' },
						 { "json", no_argument, NULL, 'j' },
						 { "help", no_argument, NULL, 'h' },
						 { NULL, 0, NULL, 0 } };
	int c;

	while ((c = getopt_long(argc, argv, "+sfjh", options, NULL)) != -1) {
		if (c == 'h')
			return fputs(help, stdout) < 0 || fflush(stdout) != 0 ? EX_IOERR : 0;
		if (c == '?')
			return EX_USAGE;
		o->show |= c == 's';
		o->flap |= c == 'f';
		o->json |= c == 'j';
	}
	return -1;
}

/* Words may begin with '-', so options behind the target are compared as a whole. */
static bool take_late_option(const char *word, struct options *o)
{
	if (strcmp(word, "--show") == 0)
		o->show = true;
	else if (strcmp(word, "--json") == 0)
		o->json = true;
	else if (strcmp(word, "--flap") == 0)
		o->flap = true;
	else
		return false;
	return true;
}

int vs_impair_main(int argc, char *argv[])
{
	struct options o = { 0 };
	int status = read_options(argc, argv, &o), n = 0;

	if (status >= 0)
		return status;
	char *target = optind < argc ? argv[optind++] : NULL;
	for (int i = optind; i < argc; i++)
		if (!take_late_option(argv[i], &o))
			argv[optind + n++] = argv[i];
	if (target == NULL || (o.show && (n > 0 || o.flap))) {
		(void)fprintf(stderr, "usage: " TOOL " PID[:STACK[:IFACE]] WORD... | --show | --json\n");
		return EX_USAGE;
	}
	VS_AUTO_FREE char *words = n > 0 ? join(argv + optind, n) : NULL;
	if (n > 0 && words == NULL) {
		(void)fprintf(stderr, TOOL ": out of memory\n");
		return 1;
	}
	o.words = words;
	return run(target, &o);
}
