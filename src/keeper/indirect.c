/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The file may change before libvdeplug reads it. Other limits hold even then: the keeper cannot execute
 * anything, and a link on a descriptor that the keeper talks with is refused (pump/link_vde.c).
 */

#include "indirect.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DEPTH_MAX 3 /* a file whose locator nests another file */

static enum vs_locator_verdict judge_files(const char *text, int depth);

static enum vs_locator_verdict judge_file(const char *path, int depth)
{
	char line[PATH_MAX];
	struct stat st;

	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return VS_LOCATOR_FINE;
	if (depth == 0)
		return VS_LOCATOR_DEEP;
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return VS_LOCATOR_FINE; /* libvdeplug cannot read it either */
	bool read = fgets(line, sizeof(line), file) != NULL;
	(void)fclose(file);
	if (!read)
		return VS_LOCATOR_FINE;
	line[strcspn(line, "\n")] = '\0';
	enum vs_locator_verdict verdict = vs_locator_judge(line);
	return verdict != VS_LOCATOR_FINE ? verdict : judge_files(line, depth - 1);
}

static enum vs_locator_verdict judge_home(int depth)
{
	static const char *const names[] = { ".vdeplug/default", ".vde2/default.switch" };
	const char *home = getenv("HOME");
	enum vs_locator_verdict verdict = VS_LOCATOR_FINE;
	char path[PATH_MAX];

	for (int i = 0; home != NULL && verdict == VS_LOCATOR_FINE && i < 2; i++)
		if (snprintf(path, sizeof(path), "%s/%s", home, names[i]) < (int)sizeof(path))
			verdict = judge_file(path, depth);
	return verdict;
}

/*
 * A locator begins here. It ends at the end of the text, or at one of the braces that follow; only the
 * plugin knows which.
 */
static enum vs_locator_verdict judge_piece(const char *piece, int depth)
{
	char path[PATH_MAX];
	enum vs_locator_verdict verdict = VS_LOCATOR_FINE;

	for (const char *end = piece; verdict == VS_LOCATOR_FINE; end++) {
		end += strcspn(end, "}");
		size_t len = (size_t)(end - piece);
		if (len == 0) {
			verdict = judge_home(depth);
		} else if (len < sizeof(path)) {
			memcpy(path, piece, len);
			path[len] = '\0';
			verdict = judge_file(path, depth);
		}
		if (*end == '\0')
			break;
	}
	return verdict;
}

/* To a plugin that nests, no braces mean an empty locator. */
static bool may_be_empty(const char *text)
{
	return strchr(text, '{') == NULL &&
	       (strncmp(text, "vlan://", 7) == 0 || strncmp(text, "agno://", 7) == 0);
}

static enum vs_locator_verdict judge_files(const char *text, int depth)
{
	enum vs_locator_verdict verdict = judge_piece(text, depth);

	if (verdict == VS_LOCATOR_FINE && may_be_empty(text))
		verdict = judge_home(depth);
	for (const char *at = strchr(text, '{'); verdict == VS_LOCATOR_FINE && at != NULL;
	     at = strchr(at, '{')) {
		verdict = judge_piece(++at, depth);
		if (verdict == VS_LOCATOR_FINE && may_be_empty(at))
			verdict = judge_home(depth);
	}
	return verdict;
}

enum vs_locator_verdict vs_indirect_judge(const char *text)
{
	return judge_files(text, DEPTH_MAX);
}
