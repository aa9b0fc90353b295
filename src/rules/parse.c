/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The text of rules, a line after the other. Names of stacks are looked up at the end, so that a stack may
 * stand behind the rules that use it. All texts are in one store: without quotes a word is not longer, and
 * the byte behind it has room for its NUL.
 */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "line.h"
#include "pattern.h"
#include "set.h"

#define SHOWN_MAX 60 /* bytes of a word in a message */
#define NAME_MAX_BYTES 63
#define EXAMPLES                                                                                             \
	"a line is \"stack NAME CONFIGURATION\", \"default TARGET\", or conditions with \"use TARGET\" "     \
	"behind "                                                                                            \
	"them: local= remote= name= family= type= protocol= thread="

struct parser {
	const char *origin;
	char *message;
	size_t size;
	struct vs_rules *rules;
	struct vs_rules_line line;
};

struct shown {
	char text[SHOWN_MAX + 1];
};

/* A word as a message shows it. */
static struct shown show(const char *text)
{
	struct shown shown;
	size_t n = strnlen(text, SHOWN_MAX + 1), bytes = n <= SHOWN_MAX ? n : SHOWN_MAX - 3;

	memcpy(shown.text, text, bytes);
	strcpy(shown.text + bytes, n <= SHOWN_MAX ? "" : "...");
	return shown;
}

/* Returns -EINVAL. */
__attribute__((format(printf, 4, 5))) static int fail(struct parser *p, unsigned line, unsigned column,
						      const char *fmt, ...)
{
	char what[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	for (char *c = what; *c != '\0'; c++) /* it may quote the rules, and go to a terminal */
		*c = *c >= ' ' && *c <= '~' ? *c : '?';
	(void)snprintf(p->message, p->size, "%s:%u:%u: %s", p->origin, line, column, what);
	return -EINVAL;
}

static int fail_quote(struct parser *p, const struct vs_rules_word *word)
{
	return fail(p, p->line.number, word->column,
		    "no second \" closes this one; write it in the same line");
}

/* Takes a word that must be there. `missing` says what is missing if it is not. */
static int need_word(struct parser *p, struct vs_rules_word *word, const char *missing)
{
	switch (vs_rules_take_word(&p->line, word)) {
	case VS_RULES_WORD:
		return 0;
	case VS_RULES_OPEN_QUOTE:
		return fail_quote(p, word);
	default:
		return fail(p, p->line.number, word->column, "%s", missing);
	}
}

static int need_end(struct parser *p)
{
	struct vs_rules_word word;

	switch (vs_rules_take_word(&p->line, &word)) {
	case VS_RULES_LINE_END:
		return 0;
	case VS_RULES_OPEN_QUOTE:
		return fail_quote(p, &word);
	default:
		return fail(p, p->line.number, word.column,
			    "\"%s\" stands behind the target; write conditions before \"use\", and a comment "
			    "behind #",
			    show(word.text).text);
	}
}

/* ------------------------------------------------------------------ conditions */

/* For all of these: where the value begins in its word, the value, and the condition to fill. */
typedef int take_fn(struct parser *p, unsigned column, const char *value, struct vs_rules_condition *c);

static int take_endpoint(struct parser *p, unsigned column, const char *value, struct vs_rules_condition *c)
{
	char problem[256];
	size_t at = 0;
	const char *wrong = vs_rules_endpoint_parse(value, &c->endpoint, problem, sizeof(problem), &at);

	return wrong == NULL ? 0 : fail(p, p->line.number, column + (unsigned)at, "%s", wrong);
}

static int take_pattern(struct parser *p, unsigned column, const char *value, struct vs_rules_condition *c)
{
	size_t at;

	if (*value == '\0')
		return fail(p, p->line.number, column,
			    "nothing follows the =; write a pattern such as *.example.org");
	if (!vs_rules_pattern_valid(value, &at))
		return fail(p, p->line.number, column + (unsigned)at,
			    "no ] closes this [; write [a-z] or [[]");
	c->pattern = value;
	return 0;
}

static int take_thread(struct parser *p, unsigned column, const char *value, struct vs_rules_condition *c)
{
	if (strlen(value) > 15 && strpbrk(value, "*?[") == NULL)
		return fail(p, p->line.number, column,
			    "the name of a thread has at most 15 bytes; write \"%.15s\"", show(value).text);
	return take_pattern(p, column, value, c);
}

static int take_family(struct parser *p, unsigned column, const char *value, struct vs_rules_condition *c)
{
	if (vs_rules_number(VS_RULES_FAMILY, value, &c->number))
		return 0;
	return fail(p, p->line.number, column, "\"%s\" is no family; write inet, inet6, packet or netlink",
		    show(value).text);
}

static int take_type(struct parser *p, unsigned column, const char *value, struct vs_rules_condition *c)
{
	if (vs_rules_number(VS_RULES_TYPE, value, &c->number))
		return 0;
	return fail(p, p->line.number, column, "\"%s\" is no type; write stream, dgram, raw or seqpacket",
		    show(value).text);
}

static int take_protocol(struct parser *p, unsigned column, const char *value, struct vs_rules_condition *c)
{
	if (vs_rules_number(VS_RULES_PROTOCOL, value, &c->number))
		return 0;
	return fail(
		p, p->line.number, column,
		"\"%s\" is no protocol; write tcp, udp, icmp, icmpv6, mptcp, sctp or a number from 1 to 255",
		show(value).text);
}

static const struct {
	const char *key;
	take_fn *take;
} kinds[VS_RULES_KINDS] = {
	[VS_RULES_LOCAL] = { "local=", take_endpoint }, [VS_RULES_REMOTE] = { "remote=", take_endpoint },
	[VS_RULES_NAME] = { "name=", take_pattern },    [VS_RULES_FAMILY] = { "family=", take_family },
	[VS_RULES_TYPE] = { "type=", take_type },       [VS_RULES_PROTOCOL] = { "protocol=", take_protocol },
	[VS_RULES_THREAD] = { "thread=", take_thread },
};

static int parse_condition(struct parser *p, const struct vs_rules_word *word, struct vs_rules_rule *rule)
{
	size_t kind = 0, bytes = 0;

	for (; kind < VS_RULES_KINDS; kind++) {
		bytes = strlen(kinds[kind].key);
		if (strncmp(word->text, kinds[kind].key, bytes) == 0)
			break;
	}
	if (kind == VS_RULES_KINDS)
		return fail(p, p->line.number, word->column, "unknown word \"%s\"; " EXAMPLES,
			    show(word->text).text);
	if (vs_rules_find(rule, kind) != NULL)
		return fail(p, p->line.number, word->column,
			    "a second %s in one rule; all conditions of a rule must hold, so write two rules",
			    kinds[kind].key);
	struct vs_rules_condition *c = &rule->conditions[rule->n];
	*c = (struct vs_rules_condition){ .kind = kind, .column = word->column, .text = word->text };
	int r = kinds[kind].take(p, word->column + (unsigned)bytes, word->text + bytes, c);
	if (r == 0)
		rule->n++;
	return r;
}

/* ------------------------------------------------------------------ lines */

static int parse_target(struct parser *p, struct vs_rules_target *target)
{
	struct vs_rules_word word;
	int r = need_word(p, &word, "the target is missing; write the name of a stack, host or deny");

	if (r < 0)
		return r;
	*target =
		(struct vs_rules_target){ .name = word.text, .line = p->line.number, .column = word.column };
	return need_end(p);
}

static int check_rule(struct parser *p, const struct vs_rules_rule *rule)
{
	const struct vs_rules *rules = p->rules;
	const struct vs_rules_condition *at;
	unsigned line = p->line.number, column = rule->conditions[0].column;
	char problem[320];

	if (vs_rules_check(rule, problem, sizeof(problem), &at) != NULL)
		return fail(p, line, at->column, "%s", problem);
	if (rules->fallback.line != 0)
		return fail(p, line, column, "a rule behind the default of line %u; write the default last",
			    rules->fallback.line);
	for (size_t i = 0; i < rules->n; i++)
		if (vs_rules_covers(&rules->list[i], rule))
			return fail(p, line, column,
				    "this rule can never decide, because the one of line %u holds whenever "
				    "it does; "
				    "remove it, or write it before line %u",
				    rules->list[i].target.line, rules->list[i].target.line);
	return 0;
}

static int parse_rule(struct parser *p, struct vs_rules_word word)
{
	struct vs_rules_rule *rule = &p->rules->list[p->rules->n];
	int r = 0;

	if (p->rules->n == VS_RULES_MAX)
		return fail(p, p->line.number, word.column, "more than %d rules; join some of them",
			    VS_RULES_MAX);
	*rule = (struct vs_rules_rule){ 0 };
	if (strcmp(word.text, "use") == 0)
		return fail(
			p, p->line.number, word.column,
			"no condition stands before \"use\"; write \"default TARGET\" for all other sockets");
	while (r == 0 && strcmp(word.text, "use") != 0) {
		r = parse_condition(p, &word, rule);
		if (r == 0)
			r = need_word(p, &word,
				      "the rule has no target; write \"use\" and a stack, host or deny");
	}
	if (r == 0)
		r = parse_target(p, &rule->target);
	if (r == 0)
		r = check_rule(p, rule);
	if (r == 0)
		p->rules->n++;
	return r;
}

static bool is_name(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

	return n > 0 && n <= NAME_MAX_BYTES && name[n] == '\0' && name[0] != '-';
}

static const struct vs_rules_stack *find_stack(const struct vs_rules *rules, const char *name)
{
	for (size_t i = 0; i < rules->n_stacks; i++)
		if (strcmp(rules->stacks[i].name, name) == 0)
			return &rules->stacks[i];
	return NULL;
}

static int parse_stack(struct parser *p)
{
	struct vs_rules *rules = p->rules;
	struct vs_rules_word word;
	int r = need_word(p, &word, "the name of the stack is missing; write \"stack NAME CONFIGURATION\"");

	if (r < 0)
		return r;
	const struct vs_rules_stack *other = find_stack(rules, word.text);
	if (!is_name(word.text) || strcmp(word.text, "host") == 0 || strcmp(word.text, "deny") == 0)
		return fail(p, p->line.number, word.column,
			    "\"%s\" cannot be the name of a stack; write 1 to %d letters, digits, '.', '_' "
			    "or '-', "
			    "but not host or deny",
			    show(word.text).text, NAME_MAX_BYTES);
	if (other != NULL)
		return fail(p, p->line.number, word.column,
			    "line %u has a stack \"%s\", too; give one of them another name", other->line,
			    show(word.text).text);
	if (rules->n_stacks == VS_RULES_STACKS_MAX)
		return fail(p, p->line.number, word.column, "more than %d stacks; use fewer",
			    VS_RULES_STACKS_MAX);
	struct vs_rules_stack *stack = &rules->stacks[rules->n_stacks++];
	*stack = (struct vs_rules_stack){ .name = word.text, .line = p->line.number };
	stack->config = vs_rules_take_rest(&p->line, &stack->column);
	return 0;
}

static int parse_default(struct parser *p, unsigned column)
{
	struct vs_rules_target *target = &p->rules->fallback;

	if (target->line != 0)
		return fail(p, p->line.number, column, "line %u has a default, too; remove one of them",
			    target->line);
	return parse_target(p, target);
}

static int parse_line(struct parser *p)
{
	struct vs_rules_word word;

	switch (vs_rules_take_word(&p->line, &word)) {
	case VS_RULES_LINE_END:
		return 0;
	case VS_RULES_OPEN_QUOTE:
		return fail_quote(p, &word);
	default:
		break;
	}
	if (strcmp(word.text, "stack") == 0)
		return parse_stack(p);
	if (strcmp(word.text, "default") == 0)
		return parse_default(p, word.column);
	return parse_rule(p, word);
}

static int parse_lines(struct parser *p, const char *text, size_t len)
{
	const char *end = text + len;
	int r = 0;

	for (unsigned number = 1; r == 0 && text < end; number++) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		const char *line_end = newline != NULL ? newline : end;
		const char *nul = memchr(text, '\0', (size_t)(line_end - text));
		p->line = (struct vs_rules_line){
			.start = text,
			.at = text,
			.end = line_end,
			.put = p->line.put,
			.number = number,
		};
		if (nul != NULL)
			return fail(p, number, (unsigned)(nul - text) + 1, "a NUL byte; this is no text");
		r = parse_line(p);
		text = line_end + 1;
	}
	return r;
}

/* ------------------------------------------------------------------ the whole text */

static int resolve(struct parser *p, struct vs_rules_target *target)
{
	const struct vs_rules *rules = p->rules;
	const struct vs_rules_stack *stack = find_stack(rules, target->name);

	if (strcmp(target->name, "host") == 0) {
		target->verdict = VS_RULES_HOST;
	} else if (strcmp(target->name, "deny") == 0) {
		target->verdict = VS_RULES_DENY;
	} else if (stack != NULL) {
		target->verdict = VS_RULES_STACK;
		target->stack = (unsigned)(stack - rules->stacks);
	} else {
		return fail(
			p, target->line, target->column,
			"there is no stack \"%s\"; write a line \"stack %s CONFIGURATION\", or host or deny",
			show(target->name).text, show(target->name).text);
	}
	return 0;
}

static int resolve_all(struct parser *p)
{
	struct vs_rules *rules = p->rules;
	int r = 0;

	for (size_t i = 0; r == 0 && i < rules->n; i++)
		r = resolve(p, &rules->list[i].target);
	if (r < 0)
		return r;
	if (rules->fallback.line != 0)
		return resolve(p, &rules->fallback);
	if (rules->n_stacks == 0)
		return fail(p, 1, 1,
			    "there is neither a stack nor a default; write \"stack NAME CONFIGURATION\"");
	rules->fallback =
		(struct vs_rules_target){ .verdict = VS_RULES_STACK, .name = rules->stacks[0].name };
	return 0;
}

static size_t count_lines(const char *text, size_t len)
{
	size_t n = 1;

	for (size_t i = 0; i < len; i++)
		n += text[i] == '\n';
	return n;
}

static size_t at_most(size_t n, size_t most)
{
	return n < most ? n : most;
}

static struct vs_rules *make_room(const char *text, size_t len)
{
	size_t lines = count_lines(text, len);
	struct vs_rules *rules = calloc(1, sizeof(*rules));

	if (rules == NULL)
		return NULL;
	rules->list = calloc(at_most(lines, VS_RULES_MAX + 1), sizeof(*rules->list));
	rules->stacks = calloc(at_most(lines, VS_RULES_STACKS_MAX), sizeof(*rules->stacks));
	/* a word, the rest of a line and the end of a line take one byte more than they are read from */
	rules->store = malloc(len + 2 * lines + 2);
	if (rules->list != NULL && rules->stacks != NULL && rules->store != NULL)
		return rules;
	vs_rules_free(rules);
	return NULL;
}

int vs_rules_parse(const char *text, size_t len, const char *origin, struct vs_rules **out, char *message,
		   size_t size)
{
	struct parser p = { .origin = origin, .message = message, .size = size };

	if (len > VS_RULES_TEXT_MAX)
		return fail(&p, 1, 1, "the text has more than %u bytes; write fewer rules",
			    VS_RULES_TEXT_MAX);
	p.rules = make_room(text, len);
	if (p.rules == NULL) {
		(void)snprintf(message, size, "%s: cannot read the rules: out of memory", origin);
		return -ENOMEM;
	}
	p.line.put = p.rules->store;
	int r = parse_lines(&p, text, len);
	if (r == 0)
		r = resolve_all(&p);
	if (r < 0)
		vs_rules_free(p.rules);
	else
		*out = p.rules;
	return r;
}
