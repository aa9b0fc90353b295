/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "capture.h"
#include "check_rules.h"
#include "doctor.h"
#include "enter.h"
#include "exec.h"
#include "impair.h"
#include "lab.h"
#include "list.h"
#include "map_command.h"
#include "run.h"
#include "stats.h"
#include "top.h"
#include <vdestack.h>

static int show_help(int argc, char *argv[])
{
	(void)argc, (void)argv;
	int n = puts("Usage: vdestack check-rules FILE [CALL...]\n"
		     "       vdestack doctor [OPTION...] [LOCATOR...]\n"
		     "       vdestack run [OPTION...] CONFIG -- PROGRAM [ARGUMENT...]\n"
		     "       vdestack enter [OPTION...] CONFIG... [-- [PROGRAM [ARG...]]]\n"
		     "       vdestack list [OPTION...]\n"
		     "       vdestack exec PID[:STACK] -- COMMAND [ARG...]\n"
		     "       vdestack impair [OPTION...] PID[:STACK[:IFACE]] [WORD...]\n"
		     "       vdestack capture [OPTION...] PID[:STACK[:IFACE]]\n"
		     "       vdestack lab [OPTION...] FILE [-- COMMAND [ARG...]]\n"
		     "       vdestack stats [OPTION...] [PID[:STACK[:IFACE]]]\n"
		     "       vdestack top [OPTION...]\n"
		     "       vdestack map [--dot | --svg]\n"
		     "       vdestack --help | --version");
	return n < 0 || fflush(stdout) != 0 ? EX_IOERR : 0;
}

static int show_version(int argc, char *argv[])
{
	(void)argc, (void)argv;
	return printf("vdestack %s\n", vdestack_version()) < 0 || fflush(stdout) != 0 ? EX_IOERR : 0;
}

static const struct {
	const char *name;
	int (*run)(int argc, char *argv[]);
} commands[] = {
	{ "check-rules", vs_check_rules_main },
	{ "doctor", vs_doctor_main },
	{ "run", vs_run_main },
	{ "enter", vs_enter_main },
	{ "list", vs_list_main },
	{ "exec", vs_exec_main },
	{ "impair", vs_impair_main },
	{ "capture", vs_capture_main },
	{ "lab", vs_lab_main },
	{ "stats", vs_stats_main },
	{ "top", vs_top_main },
	{ "map", vs_map_main },
	{ "--help", show_help },
	{ "--version", show_version },
};

int main(int argc, char *argv[])
{
	const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;

	if (argc > 0 && strcmp(slash != NULL ? slash + 1 : argv[0], "vdens") == 0) /* a link to this file */
		return vs_vdens_main(argc, argv);
	for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	(void)fprintf(stderr, "usage: vdestack capture|check-rules|doctor|enter|exec|impair|lab|list|map|run|"
			      "stats|top ...; vdestack --help\n");
	return EX_USAGE;
}
