/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef DM_OPTIONS_H
#define DM_OPTIONS_H

/*
 * The options of a program: one table gives the command line, the configuration file and the help.
 *
 * A line of the file is "NAME", "NAME VALUE" or "NAME = VALUE", where NAME is a long option. What the command
 * line says replaces what the file says; an option that repeats has the values of both, those of the file
 * first. Names are compared without case in the file, as the earlier programs of the family do it.
 */

#include <stddef.h>

#include "report.h"

enum dm_option_flags {
	DM_REPEATS = 1,  /* may be there more than once; others are an error the second time */
	DM_NO_TAG = 2,   /* for the command line only */
	DM_SECRET = 4,   /* its value on the command line is overwritten, so that ps(1) does not show it */
	DM_OPTIONAL = 8, /* the value may be left out: "" then */
};

struct dm_option {
	const char *name;  /* the long one, without -- */
	char letter;       /* '\0': none */
	const char *value; /* the name of its value in the help; NULL: it has none, and set() gets "" */
	const char *help;  /* a phrase; the default in parentheses at its end */
	unsigned flags;
	/* Takes the value into the program's settings, or reports by dm_wrong() and returns -1. */
	int (*set)(void *to, const char *value, struct dm_where *where);
};

struct dm_options {
	const char *program;           /* its name, in messages */
	const char *arguments;         /* what follows the options in the usage, "" for nothing */
	const char *about;             /* lines behind the usage */
	const struct dm_option *table; /* without --help, --version and --rcfile, which all have */
	size_t n;
	unsigned least, most; /* how many arguments */
	bool has_rcfile;      /* -f, --rcfile */
	const char **rcfile;  /* NULL; else the file that is read: if set, in place of the command line's */
	const char *more;     /* lines at the end of the help; NULL: none */
	void (*line)(void *to, char *text,
		     struct dm_where *where); /* NULL; else takes all lines of the file */
};

enum dm_parsed {
	DM_RUN,  /* everything is right */
	DM_DONE, /* help or version has been printed: exit 0 */
	DM_WRONG /* it has been reported: exit 1 */
};

/* *first: the index in argv of the first argument; arguments are moved behind the options. */
enum dm_parsed dm_options_parse(const struct dm_options *o, int argc, char **argv, void *to, int *first);

/* A decimal number from least to most, or dm_wrong() with the name and -1. */
int dm_number(const char *name, const char *value, unsigned long least, unsigned long most,
	      unsigned long *number, struct dm_where *where);

#endif
