/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_TOOLS_REPORT_H
#define VS_TOOLS_REPORT_H

/* The result of a check, and how it is written for people and for programs. */

#include <stdbool.h>
#include <stdio.h>

/* In order; the worst one is the exit status. */
enum vs_severity {
	VS_SEVERITY_FINE = 0,
	VS_SEVERITY_WARNING = 1,
	VS_SEVERITY_FAILURE = 2,
};

struct vs_finding {
	enum vs_severity severity;
	char text[1024];
};

/* One line: mark, name, text. */
void vs_report_line(FILE *out, bool colour, const char *name, const struct vs_finding *f);

/* A JSON string, with its quotes. Control characters are escaped; bytes that are not UTF-8 become U+FFFD. */
void vs_report_json_string(FILE *out, const char *text);

/* The length of the UTF-8 sequence of more than one byte at p (RFC 3629 section 4); 0: there is none. */
size_t vs_report_utf8(const unsigned char *p);

/* One object of "checks". */
void vs_report_json(FILE *out, bool first, const char *name, const struct vs_finding *f);

/* Sets the result of a check. */
__attribute__((format(printf, 3, 4))) void vs_find(struct vs_finding *f, enum vs_severity severity,
						   const char *fmt, ...);

#endif
