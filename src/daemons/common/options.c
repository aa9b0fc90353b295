/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The command line is read first, because it names the file. Its values wait in a list until the file has
 * been read: so all mistakes of both are reported in one run, and values of the command line come last.
 */

#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "lines.h"

#define FIRST_CODE 256 /* of long options, above all letters */
#define WIDTH 27       /* of the first column of the help */

/* Those that all programs have, behind the table of the program. */
enum own { OWN_HELP, OWN_VERSION, OWN_RCFILE, N_OWN };

static const struct dm_option own[N_OWN] = {
	[OWN_HELP] = { "help", 'h', NULL, "prints this", 0, NULL },
	[OWN_VERSION] = { "version", '\0', NULL, "prints the version", 0, NULL },
	[OWN_RCFILE] = { "rcfile", 'f', "FILE", "reads options from FILE; - is standard input", 0, NULL },
};

struct given {
	size_t option;
	char *value;
};

struct parser {
	const struct dm_options *o;
	void *to;
	unsigned char *times; /* of each option: in the source that is read now */
	struct given *given;  /* the command line's */
	size_t n_given;
	const char *rcfile;
	bool done; /* help or version */
};

static size_t count_all(const struct dm_options *o)
{
	return o->n + (o->has_rcfile ? N_OWN : N_OWN - 1);
}

static const struct dm_option *option_at(const struct dm_options *o, size_t i)
{
	return i < o->n ? &o->table[i] : &own[i - o->n];
}

/* ------------------------------------------------------------------ help */

static void print_option(const struct dm_option *option)
{
	char left[128], letter[5] = "    ";

	if (option->letter != '\0')
		(void)snprintf(letter, sizeof(letter), "-%c, ", option->letter);
	(void)snprintf(left, sizeof(left), "  %s--%s%s%s%s", letter, option->name,
		       option->value == NULL                ? ""
		       : (option->flags & DM_OPTIONAL) != 0 ? "[="
							    : " ",
		       option->value == NULL ? "" : option->value,
		       (option->flags & DM_OPTIONAL) != 0 ? "]" : "");
	if (strlen(left) > WIDTH)
		printf("%s\n%*s  %s\n", left, WIDTH, "", option->help);
	else
		printf("%-*s  %s\n", WIDTH, left, option->help);
}

static void print_help(const struct dm_options *o)
{
	printf("Usage: %s [OPTION...]%s%s\n%s", o->program, *o->arguments != '\0' ? " " : "", o->arguments,
	       o->about);
	for (size_t i = 0; i < count_all(o); i++)
		print_option(option_at(o, i));
	if (o->more != NULL)
		printf("%s", o->more);
}

static int usage_error(const struct dm_options *o, const char *why, const char *what)
{
	dm_report(DM_ERROR, "%s%s; usage: %s [OPTION...]%s%s; see --help", why, what, o->program,
		  *o->arguments != '\0' ? " " : "", o->arguments);
	return -1;
}

/* ------------------------------------------------------------------ settings */

static int set(struct parser *p, size_t i, const char *value, struct dm_where *where)
{
	const struct dm_option *option = option_at(p->o, i);

	if (p->times[i] > 0 && (option->flags & DM_REPEATS) == 0)
		return dm_wrong(where, "%s is there twice", option->name);
	p->times[i] = 1;
	return option->set(p->to, value, where);
}

/* A value that the command line has replaces that of the file. */
static bool is_replaced(const struct parser *p, size_t i)
{
	for (size_t g = 0; g < p->n_given; g++)
		if (p->given[g].option == i && (option_at(p->o, i)->flags & DM_REPEATS) == 0)
			return true;
	return false;
}

static int find_tag(const struct dm_options *o, const char *tag, size_t len)
{
	for (size_t i = 0; i < o->n; i++)
		if ((o->table[i].flags & DM_NO_TAG) == 0 && strncasecmp(o->table[i].name, tag, len) == 0 &&
		    o->table[i].name[len] == '\0')
			return (int)i;
	return -1;
}

/* The text behind a tag: blanks, or one '=' among blanks. A value in quotes as a whole is what they quote. */
static char *value_of(char *text)
{
	text += strspn(text, " \t");
	if (*text == '=')
		text += 1 + strspn(text + 1, " \t");
	size_t n = strlen(text);
	if (n >= 2 && (*text == '"' || *text == '\'') && strchr(text + 1, *text) == text + n - 1) {
		text[n - 1] = '\0';
		text++;
	}
	return text;
}

static void take_line(void *arg, char *text, struct dm_where *where)
{
	struct parser *p = arg;
	size_t len = strcspn(text, " \t=");
	int i = find_tag(p->o, text, len);

	if (i < 0) {
		(void)dm_wrong(where, "unknown option %.*s", (int)len, text);
		return;
	}
	const struct dm_option *option = &p->o->table[i];
	const char *value = value_of(text + len);
	if (option->value == NULL && *value != '\0')
		(void)dm_wrong(where, "%s takes no value", option->name);
	else if (option->value != NULL && *value == '\0' && (option->flags & DM_OPTIONAL) == 0)
		(void)dm_wrong(where, "%s needs a value, %s", option->name, option->value);
	else if (!is_replaced(p, (size_t)i))
		(void)set(p, (size_t)i, value, where);
}

/* ------------------------------------------------------------------ the command line */

static int prepare(const struct dm_options *o, struct option **longs, char **letters)
{
	size_t n = count_all(o);
	char *l;

	*longs = calloc(n + 1, sizeof(**longs));
	*letters = l = calloc(3 * n + 2, 1);
	if (*longs == NULL || l == NULL)
		return usage_error(o, "out of memory", "");
	*l++ = ':';
	for (size_t i = 0; i < n; i++) {
		const struct dm_option *option = option_at(o, i);
		int takes = option->value == NULL                ? no_argument
			    : (option->flags & DM_OPTIONAL) != 0 ? optional_argument
								 : required_argument;
		(*longs)[i] = (struct option){ option->name, takes, NULL, FIRST_CODE + (int)i };
		if (option->letter == '\0')
			continue;
		*l++ = option->letter;
		for (int colons = takes; colons > 0; colons--)
			*l++ = ':';
	}
	return 0;
}

static size_t option_of_code(const struct dm_options *o, int code)
{
	size_t i = 0;

	if (code >= FIRST_CODE)
		return (size_t)(code - FIRST_CODE);
	while (option_at(o, i)->letter != code)
		i++;
	return i;
}

static int note(struct parser *p, size_t i, char *value)
{
	if (i == p->o->n + OWN_RCFILE) {
		if (p->rcfile != NULL)
			return usage_error(p->o, "--rcfile is there twice", "");
		p->rcfile = value;
		return 0;
	}
	if (i >= p->o->n) {
		if (i == p->o->n + OWN_HELP)
			print_help(p->o);
		else
			printf("%s " VDESTACK_VERSION_TEXT "\n", p->o->program);
		p->done = true;
		return 0;
	}
	p->given[p->n_given++] = (struct given){ i, value };
	return 0;
}

/* What getopt_long(3) does not take. It sets optopt to 0, a letter, or the code of a long option. */
static int refuse(const struct dm_options *o, char **argv)
{
	char word[] = { '-', (char)optopt, '\0' };

	if (optopt >= FIRST_CODE)
		return usage_error(o, argv[optind - 1], ": this option takes no value");
	/* Behind other letters its word is not the last one yet. */
	return usage_error(o, "unknown or ambiguous option ", optopt == 0 ? argv[optind - 1] : word);
}

static int read_command_line(struct parser *p, int argc, char **argv)
{
	VS_AUTO_FREE struct option *longs = NULL;
	VS_AUTO_FREE char *letters = NULL;
	int c, r = prepare(p->o, &longs, &letters);

	opterr = 0;
	optind = 0; /* glibc: starts anew, also after another command line */
	while (r == 0 && !p->done && (c = getopt_long(argc, argv, letters, longs, NULL)) >= 0) {
		if (c == '?')
			r = refuse(p->o, argv);
		else if (c == ':')
			r = usage_error(p->o, argv[optind - 1], " needs a value");
		else
			r = note(p, option_of_code(p->o, c), optarg);
	}
	if (r < 0 || p->done)
		return r;
	unsigned n = (unsigned)(argc - optind);
	if (n < p->o->least)
		return usage_error(p->o, "too few arguments", "");
	if (n > p->o->most)
		return usage_error(p->o, "too many arguments: ", argv[optind + (int)p->o->most]);
	return 0;
}

static unsigned take_command_line(struct parser *p)
{
	struct dm_where where = { .file = NULL };

	for (size_t g = 0; g < p->n_given; g++) {
		char *value = p->given[g].value;
		(void)set(p, p->given[g].option, value == NULL ? "" : value, &where);
		if (value != NULL && (option_at(p->o, p->given[g].option)->flags & DM_SECRET) != 0)
			memset(value, 'x', strlen(value));
	}
	return where.errors;
}

static unsigned take_file(struct parser *p)
{
	struct dm_where where = { .file = NULL };

	if (p->o->rcfile != NULL && *p->o->rcfile != NULL)
		p->rcfile = *p->o->rcfile;
	else if (p->o->rcfile != NULL)
		*p->o->rcfile = p->rcfile;
	if (p->rcfile != NULL && p->o->line != NULL)
		dm_lines_read(p->rcfile, &where, p->o->line, p->to);
	else if (p->rcfile != NULL)
		dm_lines_read(p->rcfile, &where, take_line, p);
	memset(p->times, 0, p->o->n);
	return where.errors;
}

/* Letters may stand together: -vvd. */
static size_t most_given(int argc, char **argv)
{
	size_t n = 1;

	for (int i = 0; i < argc; i++)
		n += strlen(argv[i]) + 1;
	return n;
}

enum dm_parsed dm_options_parse(const struct dm_options *o, int argc, char **argv, void *to, int *first)
{
	VS_AUTO_FREE unsigned char *times = calloc(o->n + 1, 1);
	VS_AUTO_FREE struct given *given = calloc(most_given(argc, argv), sizeof(*given));
	struct parser p = { .o = o, .to = to, .times = times, .given = given };

	dm_report_name(o->program);
	if (times == NULL || given == NULL) {
		(void)usage_error(o, "out of memory", "");
		return DM_WRONG;
	}
	if (read_command_line(&p, argc, argv) < 0)
		return DM_WRONG;
	if (p.done && fflush(stdout) != 0) {
		dm_report(DM_ERROR, "cannot write: %s", strerror(errno));
		return DM_WRONG;
	}
	if (p.done)
		return DM_DONE;
	*first = optind;
	unsigned wrong = take_file(&p);
	wrong += take_command_line(&p);
	return wrong == 0 ? DM_RUN : DM_WRONG;
}

int dm_number(const char *name, const char *value, unsigned long least, unsigned long most,
	      unsigned long *number, struct dm_where *where)
{
	char *end;

	errno = 0;
	unsigned long n = strtoul(value, &end, 10);
	if (*value < '0' || *value > '9' || *end != '\0' || errno != 0 || n < least || n > most)
		return dm_wrong(where, "%s: %s is no number from %lu to %lu", name, value, least, most);
	*number = n;
	return 0;
}
