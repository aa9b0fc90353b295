/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Why a dial has failed: for each address that was tried what became of it, then the lookups that have
 * failed. The address that got furthest gives the errno.
 */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "attempt.h"
#include "dial_state.h"
#include "edge.h"

struct text {
	char bytes[400];
	size_t n;
};

/* Adds "; " and a part. A part that does not fit is left out, and "..." says so. */
__attribute__((format(printf, 2, 3))) static void add(struct text *text, const char *fmt, ...)
{
	size_t room = sizeof(text->bytes) - text->n - sizeof("; ...");
	char part[256];
	va_list args;

	va_start(args, fmt);
	int n = vsnprintf(part, sizeof(part), fmt, args);
	va_end(args);
	if (n < 0 || text->n >= sizeof(text->bytes) - sizeof("; ..."))
		return;
	const char *separator = text->n > 0 ? "; " : "";
	if (strlen(part) + strlen(separator) > room) {
		(void)snprintf(text->bytes + text->n, sizeof(text->bytes) - text->n, "%s...", separator);
		text->n = sizeof(text->bytes);
		return;
	}
	text->n += (size_t)snprintf(text->bytes + text->n, sizeof(text->bytes) - text->n, "%s%s", separator,
				    part);
}

static void add_attempts(struct text *text, const struct vdestack_dial *dial)
{
	char addr[96];

	for (unsigned i = 0; i < VS_RACE_MAX; i++) {
		const struct vs_race_attempt *attempt = &dial->race.attempts[i];

		if (attempt->state == VS_RACE_FAILED)
			add(text, "%s: %s", vs_attempt_text(dial->stack, &attempt->addr, addr, sizeof(addr)),
			    strerrordesc_np(attempt->err));
		else if (attempt->state == VS_RACE_RUNNING)
			add(text, "%s: no answer in time",
			    vs_attempt_text(dial->stack, &attempt->addr, addr, sizeof(addr)));
	}
}

/* What is absent is only said if there was nothing to try. */
static void add_lookups(struct text *text, const struct vdestack_dial *dial)
{
	bool tried = text->n > 0;
	const char *last = "";

	for (int family = 0; family < VS_RACE_FAMILIES; family++) {
		const struct vs_dial_lookup *lookup = &dial->lookups[family];

		if (lookup->lookup != NULL)
			add(text, "the lookup of %s addresses has not ended in time",
			    dial->both ? "its" : family == VS_RACE_IP6 ? "IPv6" : "IPv4");
		else if (lookup->code != 0 && strcmp(lookup->why, last) != 0 &&
			 !(tried && vs_dns_is_absence(lookup->code)))
			add(text, "%s", lookup->why);
		if (lookup->code != 0)
			last = lookup->why;
	}
}

/* A server that gave no answer tells more than a name without addresses of one family. */
static int lookup_errno(const struct vdestack_dial *dial)
{
	int err = ENOENT;

	for (int family = 0; family < VS_RACE_FAMILIES; family++) {
		const struct vs_dial_lookup *lookup = &dial->lookups[family];

		if (lookup->code != 0 && !vs_dns_is_absence(lookup->code))
			err = lookup->err;
	}
	return err;
}

int vs_dial_fail(const struct vdestack_dial *dial, bool late)
{
	int err = late ? ETIMEDOUT : vs_race_errno(&dial->race);
	struct text text = { .n = 0 };

	if (err == 0)
		err = lookup_errno(dial);
	add_attempts(&text, dial);
	add_lookups(&text, dial);
	return vs_dns_edge(err, "cannot connect to %.100s: %s", dial->address, text.bytes);
}
