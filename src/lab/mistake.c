/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "mistake.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int vs_lab_wrong(struct vs_lab_mistake *m, struct vs_lab_place place, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(m->why, sizeof(m->why), fmt, args);
	va_end(args);
	m->place = place;
	return -EINVAL;
}

const char *vs_lab_shown(const char *word)
{
	static _Thread_local char shown[4][44];
	static _Thread_local unsigned turn;
	char *out = shown[turn++ % 4];
	size_t i;

	for (i = 0; i < 40 && word[i] != '\0'; i++)
		out[i] = (char)(word[i] >= ' ' && word[i] <= '~' ? word[i] : '?');
	(void)strcpy(out + i, word[i] != '\0' ? "..." : "");
	return out;
}
