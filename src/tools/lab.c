/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * vdestack lab: reads a file, and checks it, draws it, or starts what it describes with a command in one
 * host. The status is that of the command, 128 and the signal's number if a signal has ended it.
 */

#define _GNU_SOURCE
#include "lab.h"

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>

#include "config/impair.h"
#include <vdestack/lab.h>

#define LONGEST_FILE (1u << 20)

struct plan {
	const char *file, *host;
	bool check, draw, help;
	enum vdestack_lab_format format;
	struct vdestack_lab_opts opts;
	char **command; /* NULL: a shell */
};

static const char help[] =
	"Usage: vdestack lab [OPTION...] FILE [-- COMMAND [ARG...]]\n"
	"Starts the networks, hosts and servers of FILE, runs COMMAND in a host, and ends all. Without\n"
	"COMMAND: a shell. FILE -: standard input. vdestack_lab(7) describes the text.\n"
	"  --host HOST       in this host (the first one)\n"
	"  --check           only checks FILE\n"
	"  --draw FORMAT     only writes the lab: text, dot (Graphviz) or svg\n"
	"  --artefacts DIR   what is known of a failure goes here, with captures of all ports\n"
	"  --seed N          of the random choices of impairments\n"
	"  --timeout MS      of the start (30000)\n"
	"  --help\n"
	"Exit status: that of COMMAND; 1 a mistake in FILE, or the start has failed; 64 usage; 66 FILE\n"
	"cannot be read; 127 there is no such command or host.\n";

static int usage(const char *why)
{
	(void)fprintf(stderr,
		      "vdestack lab: %s; usage: vdestack lab [OPTION...] FILE [-- COMMAND [ARG...]]; see "
		      "--help\n",
		      why);
	return EX_USAGE;
}

/* ------------------------------------------------------------------ the command line */

static int read_format(struct plan *p, const char *word)
{
	static const char *const formats[] = { "text", "dot", "svg" };

	for (int i = 0; i < 3; i++)
		if (strcmp(formats[i], word) == 0) {
			p->format = (enum vdestack_lab_format)i;
			p->draw = true;
			return 0;
		}
	return usage("--draw takes text, dot or svg");
}

static int read_number(const char *word, unsigned long long most, unsigned long long *number)
{
	char *end;

	errno = 0;
	*number = strtoull(word, &end, 10);
	if (word[0] < '0' || word[0] > '9' || *end != '\0' || errno != 0 || *number == 0 || *number > most)
		return usage("--seed takes a number from 1 up, --timeout 1 to 86400000 ms");
	return 0;
}

static int read_option(struct plan *p, int option)
{
	unsigned long long number = 0;
	int r = 0;

	switch (option) {
	case 'c':
		p->check = true;
		return 0;
	case 'H':
		p->help = true;
		return 0;
	case 'd':
		return read_format(p, optarg);
	case 'h':
		p->host = optarg;
		return 0;
	case 'a':
		p->opts.artefacts = optarg;
		p->opts.flags |= VDESTACK_LAB_CAPTURE;
		return 0;
	case 's':
		r = read_number(optarg, UINT64_MAX, &number);
		p->opts.seed = number;
		return r;
	case 't':
		r = read_number(optarg, 86400000, &number);
		p->opts.timeout_ms = (int)number;
		return r;
	default:
		return usage("an unknown option, or one without its value");
	}
}

static int read_words(struct plan *p, int argc, char *argv[])
{
	static const struct option options[] = {
		{ "check", no_argument, NULL, 'c' },
		{ "draw", required_argument, NULL, 'd' },
		{ "host", required_argument, NULL, 'h' },
		{ "artefacts", required_argument, NULL, 'a' },
		{ "seed", required_argument, NULL, 's' },
		{ "timeout", required_argument, NULL, 't' },
		{ "help", no_argument, NULL, 'H' },
		{ NULL, 0, NULL, 0 },
	};
	int option, r = 0;

	opterr = 0;
	while (r == 0 && (option = getopt_long(argc, argv, "+", options, NULL)) >= 0)
		r = read_option(p, option);
	if (r != 0 || p->help)
		return r;
	if (optind == argc)
		return usage("no file");
	p->file = argv[optind++];
	if (optind == argc)
		return 0;
	if (strcmp(argv[optind], "--") != 0 || optind + 1 == argc)
		return usage("a command stands behind --");
	if (p->check || p->draw)
		return usage("--check and --draw start no command");
	p->command = argv + optind + 1;
	return 0;
}

/* ------------------------------------------------------------------ work */

/* The text of a file, "-": standard input. NULL: reported. */
static char *read_file(const char *file)
{
	bool is_stdin = strcmp(file, "-") == 0;
	FILE *in = is_stdin ? stdin : fopen(file, "re");
	char *text = in != NULL ? malloc(LONGEST_FILE + 2) : NULL;
	size_t n = text != NULL ? fread(text, 1, LONGEST_FILE + 1, in) : 0;
	bool failed = text == NULL || ferror(in);

	if (failed)
		(void)fprintf(stderr, "vdestack lab: %s: %s\n", file, strerror(errno));
	else if (memchr(text, '\0', n) != NULL)
		(void)fprintf(stderr, "vdestack lab: %s: a NUL byte; it is no text\n", file), failed = true;
	if (in != NULL && !is_stdin)
		(void)fclose(in);
	if (failed) {
		free(text);
		return NULL;
	}
	text[n] = '\0';
	return text;
}

static int fail(const struct plan *p, const struct vdestack_lab *lab, int status)
{
	(void)fprintf(stderr, "%s:%s%s\n", p->file, lab == NULL ? "" : " ", vdestack_lab_last_error());
	if (vdestack_lab_artefacts(lab)[0] != '\0')
		(void)fprintf(stderr, "vdestack lab: all that is known is in %s\n",
			      vdestack_lab_artefacts(lab));
	return status;
}

static int draw(const struct plan *p, struct vdestack_lab *lab)
{
	char *drawn = vdestack_lab_draw(lab, p->format);
	int r = drawn == NULL                                     ? fail(p, lab, 1)
		: fputs(drawn, stdout) < 0 || fflush(stdout) != 0 ? EX_IOERR
								  : 0;

	free(drawn);
	return r;
}

/* One line of the text: the words of a link. Others are right. */
static bool check_line(const struct plan *p, char *line)
{
	struct vs_config_error error = { 0 };
	struct vs_conf_impair impair;
	char *port, *words;

	if (strncmp(line, "link ", 5) != 0)
		return true;
	port = line + 5;
	words = strchr(port, ' ');
	if (words == NULL)
		return true;
	*words++ = '\0';
	if (vs_impair_parse(words, &error, &impair) == 0)
		return true;
	(void)fprintf(stderr, "%s: link %s: %s\n", p->file, port,
		      error.text[0] != '\0' ? error.text : strerror(ENOMEM));
	return false;
}

/* The library has checked the text, but for the words of links, which libvdestack reads when a lab starts. */
static int check(const struct plan *p, struct vdestack_lab *lab)
{
	char *text = vdestack_lab_draw(lab, VDESTACK_LAB_TEXT);
	bool right = true;

	if (text == NULL)
		return fail(p, lab, 1);
	for (char *line, *rest = text; (line = strsep(&rest, "\n")) != NULL;)
		right = check_line(p, line) && right;
	free(text);
	return right ? 0 : 1;
}

/* The first host of the text, which --draw text writes in a known form. "": there is none. */
static void first_host(struct vdestack_lab *lab, char name[64])
{
	char *text = vdestack_lab_draw(lab, VDESTACK_LAB_TEXT);

	name[0] = '\0';
	for (char *line, *rest = text;
	     rest != NULL && name[0] == '\0' && (line = strsep(&rest, "\n")) != NULL;)
		if (strncmp(line, "network ", 8) != 0)
			(void)sscanf(line, "%*s %63s", name);
	free(text);
}

static int run(const struct plan *p, struct vdestack_lab *lab)
{
	char *shell[] = { getenv("SHELL"), NULL }, name[64], why[80];
	char **command = p->command;
	int status;

	if (shell[0] == NULL || shell[0][0] == '\0')
		shell[0] = (char[]){ "/bin/sh" };
	if (command == NULL)
		command = shell;
	first_host(lab, name);
	if (vdestack_lab_start(lab) < 0)
		return fail(p, lab, 1);
	status = vdestack_lab_run(lab, p->host != NULL ? p->host : name, command, NULL);
	if (status < 0)
		return fail(p, lab, errno == ENOENT ? 127 : 1);
	status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	(void)snprintf(why, sizeof(why), "the command has ended with status %d", status);
	if (status != 0 && p->command != NULL && vdestack_lab_fail(lab, why) == 1)
		(void)fprintf(stderr, "vdestack lab: all that is known is in %s\n",
			      vdestack_lab_artefacts(lab));
	return status;
}

int vs_lab_main(int argc, char *argv[])
{
	struct plan p = { .opts = { .size = sizeof(p.opts) } };
	int r = read_words(&p, argc, argv);

	if (r != 0)
		return r;
	if (p.help)
		return fputs(help, stdout) < 0 || fflush(stdout) != 0 ? EX_IOERR : 0;
	char *text = read_file(p.file);
	if (text == NULL)
		return EX_NOINPUT;
	struct vdestack_lab *lab = vdestack_lab_new(text, &p.opts);
	free(text);
	if (lab == NULL)
		return fail(&p, NULL, 1);
	if (p.draw)
		r = draw(&p, lab);
	else if (p.check)
		r = check(&p, lab);
	else
		r = run(&p, lab);
	vdestack_lab_delete(lab);
	return r;
}
