/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The licence of the program is one pointer, to a string that is kept for ever: a thread that reads it while
 * another one sets it sees the old or the new one. Setting the same licence again takes no new memory.
 */

#include "license.h"

#include <errno.h>
#include <ioth.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "error.h"

/* Licences of plugins, and those of programs that fit besides the same one. */
static const struct {
	const char *plugin;
	const char *programs[5]; /* ends with NULL */
} rules[] = {
	{ "GPL-2.0-or-later", { "GPL-2.0-only", "GPL-3.0-only", "GPL-2.0-or-later", "GPL-3.0-or-later" } },
	{ "GPL-3.0-or-later", { "GPL-3.0-only", "GPL-3.0-or-later" } },
	{ "GPL-2.0-only OR GPL-3.0-only",
	  { "GPL-2.0-only", "GPL-3.0-only", "GPL-2.0-or-later", "GPL-3.0-or-later" } },
};

static const char *without_prefix(const char *license)
{
	static const char prefix[] = "SPDX-License-Identifier:";

	if (strncasecmp(license, prefix, sizeof(prefix) - 1) == 0)
		license += sizeof(prefix) - 1;
	return license + strspn(license, " \t");
}

bool vs_license_allows(const char *plugin, const char *program)
{
	if (plugin == NULL)
		return true;
	plugin = without_prefix(plugin);
	if (strncasecmp(plugin, "LGPL-", 5) == 0)
		return true;
	if (program == NULL)
		return false;
	program = without_prefix(program);
	if (strcasecmp(plugin, program) == 0)
		return true;
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		if (strcasecmp(plugin, rules[i].plugin) != 0)
			continue;
		for (const char *const *fits = rules[i].programs; *fits != NULL; fits++)
			if (strcasecmp(program, *fits) == 0)
				return true;
	}
	return false;
}

/* ------------------------------------------------------------------ the program's */

struct kept {
	struct kept *next;
	char text[];
};

static _Atomic(struct kept *) all_kept;
static _Atomic(const char *) current;

static const char *keep(const char *license)
{
	struct kept *first = atomic_load(&all_kept);

	for (struct kept *k = first; k != NULL; k = k->next)
		if (strcmp(k->text, license) == 0)
			return k->text;
	size_t size = strlen(license) + 1;
	struct kept *made = malloc(sizeof(*made) + size);
	if (made == NULL)
		return NULL;
	memcpy(made->text, license, size);
	do {
		made->next = first;
	} while (!atomic_compare_exchange_weak(&all_kept, &first, made));
	return made->text;
}

void ioth_set_license(const char *license)
{
	/* Out of memory: as if none was set, which allows least. */
	atomic_store(&current, license != NULL ? keep(license) : NULL);
}

const char *vs_license_of_program(void)
{
	return atomic_load(&current);
}
