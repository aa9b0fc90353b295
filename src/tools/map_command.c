/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "map_command.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "map.h"
#include "map_forms.h"
#include <vdestack.h>

static const char help[] = "Usage: vdestack map [--dot | --svg]\n"
			   "Shows which interfaces of this user's stacks are on which networks.\n"
			   "  -d, --dot   for Graphviz\n"
			   "  -s, --svg   a picture\n"
			   "  -h, --help\n";

static int write_map(const struct vs_view *view, int form)
{
	struct vs_map map;
	int r = vs_map_make(view, &map);

	if (r < 0)
		return r;
	if (form == 'd')
		vs_map_dot(&map, stdout);
	else if (form == 's')
		r = vs_map_svg(&map, stdout);
	else
		vs_map_text(&map, stdout);
	vs_map_end(&map);
	return r;
}

int vs_map_main(int argc, char *argv[])
{
	static const struct option options[] = { { "dot", no_argument, NULL, 'd' },
						 { "svg", no_argument, NULL, 's' },
						 { "help", no_argument, NULL, 'h' },
						 { NULL, 0, NULL, 0 } };
	struct vs_view view = { 0 };
	int form = 't', c;

	while ((c = getopt_long(argc, argv, "dsh", options, NULL)) != -1) {
		if (c == 'h')
			return fputs(help, stdout) < 0 || fflush(stdout) != 0 ? EX_IOERR : 0;
		if (c == '?')
			return EX_USAGE;
		if (form != 't' && form != c) {
			(void)fprintf(stderr, "vdestack map: --dot or --svg, not both\n");
			return EX_USAGE;
		}
		form = c;
	}
	if (optind < argc) {
		(void)fprintf(stderr, "vdestack map: unexpected argument; see vdestack map --help\n");
		return EX_USAGE;
	}
	if (vs_view_read(&view) < 0) {
		(void)fprintf(stderr, "vdestack map: %s\n", vdestack_last_error());
		return 1;
	}
	int r = write_map(&view, form);
	vs_view_end(&view);
	if (r < 0) {
		(void)fprintf(stderr, "vdestack map: %s\n", strerror(-r));
		return 1;
	}
	return fflush(stdout) != 0 || ferror(stdout) ? EX_IOERR : 0;
}
