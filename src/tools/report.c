/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "report.h"

#include <stdarg.h>
#include <string.h>

static const struct {
	const char *mark, *colour, *word;
} looks[] = {
	[VS_SEVERITY_FINE] = { "✓", "\033[32m", "ok" },
	[VS_SEVERITY_WARNING] = { "!", "\033[33m", "warning" },
	[VS_SEVERITY_FAILURE] = { "✗", "\033[31m", "error" },
};

void vs_report_line(FILE *out, bool colour, const char *name, const struct vs_finding *f)
{
	(void)fprintf(out, "%s%s%s %-9s ", colour ? looks[f->severity].colour : "", looks[f->severity].mark,
		      colour ? "\033[0m" : "", name);
	/* The terminal gets no control characters of a locator. */
	for (const char *at = f->text; *at != '\0'; at++)
		(void)fputc((unsigned char)*at < ' ' || *at == 0x7f ? '?' : *at, out);
	(void)fputc('\n', out);
}

size_t vs_report_utf8(const unsigned char *p)
{
	size_t n = p[0] >= 0xc2 && p[0] <= 0xdf   ? 2
		   : (p[0] & 0xf0) == 0xe0        ? 3
		   : p[0] >= 0xf0 && p[0] <= 0xf4 ? 4
						  : 0;

	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf0 && p[1] < 0x90) ||
	    (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

void vs_report_json_string(FILE *out, const char *text)
{
	const unsigned char *p = (const unsigned char *)text;

	(void)fputc('"', out);
	while (*p != '\0') {
		size_t n = *p < 0x80 ? 1 : vs_report_utf8(p);
		if (n == 0)
			(void)fputs("\\ufffd", out);
		else if (*p == '"' || *p == '\\')
			(void)fprintf(out, "\\%c", *p);
		else if (*p < ' ' || *p == 0x7f)
			(void)fprintf(out, "\\u%04x", *p);
		else
			(void)fwrite(p, 1, n, out);
		p += n == 0 ? 1 : n;
	}
	(void)fputc('"', out);
}

void vs_report_json(FILE *out, bool first, const char *name, const struct vs_finding *f)
{
	(void)fputs(first ? "\n    {\"name\": " : ",\n    {\"name\": ", out);
	vs_report_json_string(out, name);
	(void)fprintf(out, ", \"severity\": \"%s\", \"text\": ", looks[f->severity].word);
	vs_report_json_string(out, f->text);
	(void)fputc('}', out);
}

void vs_find(struct vs_finding *f, enum vs_severity severity, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	f->severity = severity;
	(void)vsnprintf(f->text, sizeof(f->text), fmt, ap);
	va_end(ap);
}
