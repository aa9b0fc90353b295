/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The stacks and rules of `vdestack run` as one text: the stack of the command line, those of --stack, the
 * lines of --rule, the file. So the stack of the command line is the default one, and rules of the command
 * line precede those of the file. A message about a line names where the line came from.
 */

#define _GNU_SOURCE
#include "run_plan.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "preload/supervisor.h"
#include "rules/rules.h"

#define MAIN_STACK "main" /* the name of the stack of the command line */
#define MAX_FILE (1024 * 1024)

__attribute__((format(printf, 3, 4))) static int fail(struct vs_run_plan *p, int r, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(p->message, sizeof(p->message), format, args);
	va_end(args);
	return r;
}

/* Appends; line breaks in it become blanks, since a stack or rule is one line. */
static int append(struct vs_run_plan *p, struct vs_run_text *t, const char *text, size_t len, bool one_line)
{
	char *more = realloc(t->text, t->len + len + 1);

	if (more == NULL)
		return fail(p, -ENOMEM, "no memory");
	t->text = more;
	memcpy(more + t->len, text, len);
	for (size_t i = t->len; one_line && i < t->len + len; i++)
		if (more[i] == '\n' || more[i] == '\r')
			more[i] = ' ';
	t->len += len;
	more[t->len] = '\0';
	return 0;
}

static int append_line(struct vs_run_plan *p, struct vs_run_text *t, const char *prefix, const char *text,
		       size_t len)
{
	int r = append(p, t, prefix, strlen(prefix), true);

	if (r == 0)
		r = append(p, t, text, len, true);
	return r == 0 ? append(p, t, "\n", 1, false) : r;
}

int vs_run_plan_config(struct vs_run_plan *p, const char *words)
{
	int r = p->config.len > 0 ? append(p, &p->config, " ", 1, true) : 0;

	return r == 0 ? append(p, &p->config, words, strlen(words), true) : r;
}

int vs_run_plan_stack(struct vs_run_plan *p, const char *word)
{
	const char *equals = strchr(word, '=');
	char *line = NULL;

	if (equals == NULL || equals == word)
		return fail(p, -EINVAL, "--stack %s: write --stack NAME=CONFIG", word);
	int len = asprintf(&line, "%.*s %s", (int)(equals - word), word, equals + 1);
	if (len < 0)
		return fail(p, -ENOMEM, "no memory");
	int r = append_line(p, &p->stacks, "stack ", line, (size_t)len);
	free(line);
	return r;
}

int vs_run_plan_rule(struct vs_run_plan *p, const char *rule)
{
	return append_line(p, &p->rules, "", rule, strlen(rule));
}

int vs_run_plan_file(struct vs_run_plan *p, const char *path)
{
	char chunk[4096];
	size_t n;
	int r = 0;

	if (p->file_name != NULL)
		return fail(p, -EINVAL, "--rules stands only once; write all rules to one file");
	FILE *f = fopen(path, "re");
	if (f == NULL)
		return fail(p, -errno, "%s: %s", path, strerror(errno));
	p->file_name = path;
	while (r == 0 && (n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		r = p->file.len > MAX_FILE ? fail(p, -EFBIG, "%s: more than %d bytes", path, MAX_FILE)
					   : append(p, &p->file, chunk, n, false);
	if (r == 0 && ferror(f) != 0)
		r = fail(p, -EIO, "%s: it cannot be read", path);
	(void)fclose(f);
	return r;
}

/* ------------------------------------------------------------------ one stack, no rules */

static int finish_plain(struct vs_run_plan *p, struct vs_run *run)
{
	static const char *config, *const name = MAIN_STACK;
	int r = append_line(p, &p->all, "stack " MAIN_STACK " ", p->config.text, p->config.len);

	config = p->config.text;
	run->configs = &config;
	run->names = &name;
	run->n_stacks = 1;
	run->text = p->all.text;
	run->text_len = p->all.len;
	return r;
}

/* ------------------------------------------------------------------ rules */

static unsigned count_lines(const struct vs_run_text *t)
{
	unsigned n = 0;

	for (size_t i = 0; i < t->len; i++)
		n += t->text[i] == '\n';
	return n;
}

/* ":LINE:COLUMN: text" of the parser, with the place where the line came from. */
static int fail_rules(struct vs_run_plan *p, int r, const char *message)
{
	unsigned line = 0, column = 0, own = (p->config.text != NULL ? 1 : 0) + count_lines(&p->stacks);
	int text = 0;

	if (sscanf(message, ":%u:%u: %n", &line, &column, &text) < 2)
		return fail(p, r, "%s", message);
	if (line <= own)
		return fail(p, r, "stack %u of the command line: %s", line, message + text);
	line -= own;
	own = count_lines(&p->rules);
	if (line <= own)
		return fail(p, r, "--rule number %u, column %u: %s", line, column, message + text);
	return fail(p, r, "%s:%u:%u: %s", p->file_name, line - own, column, message + text);
}

static int list_stacks(struct vs_run_plan *p, struct vs_run *run)
{
	size_t n = vs_rules_n_stacks(run->rules);
	const char **configs = calloc(n + 1, sizeof(*configs)), **names = calloc(n + 1, sizeof(*names));

	if (configs == NULL || names == NULL) {
		free(configs);
		free(names);
		return fail(p, -ENOMEM, "no memory");
	}
	for (size_t i = 0; i < n; i++) {
		configs[i] = vs_rules_stack_config(run->rules, i);
		names[i] = vs_rules_stack_name(run->rules, i);
	}
	run->configs = configs;
	run->names = names;
	run->n_stacks = n;
	return 0;
}

static int finish_rules(struct vs_run_plan *p, struct vs_run *run)
{
	const struct vs_run_text *const parts[] = { &p->stacks, &p->rules, &p->file };
	struct vs_rules *rules = NULL;
	char message[500] = "";
	int r = 0;

	if (p->config.text != NULL)
		r = append_line(p, &p->all, "stack " MAIN_STACK " ", p->config.text, p->config.len);
	for (size_t i = 0; r == 0 && i < sizeof(parts) / sizeof(parts[0]); i++)
		if (parts[i]->len > 0)
			r = append(p, &p->all, parts[i]->text, parts[i]->len, false);
	if (r < 0)
		return r;
	r = vs_rules_parse(p->all.text, p->all.len, "", &rules, message, sizeof(message));
	if (r < 0)
		return fail_rules(p, r, message);
	run->addresses = (vs_rules_needs(rules) & ~(unsigned)VS_RULES_NEED_THREAD) != 0;
	run->rules = rules;
	run->text = p->all.text;
	run->text_len = p->all.len;
	return list_stacks(p, run);
}

int vs_run_plan_finish(struct vs_run_plan *p, struct vs_run *run)
{
	if (p->stacks.len > 0 || p->rules.len > 0 || p->file_name != NULL)
		return finish_rules(p, run);
	if (p->config.text == NULL)
		return fail(p, -EINVAL,
			    "there is no configuration: vdestack run CONFIG -- PROGRAM ARGUMENT...");
	return finish_plain(p, run);
}
