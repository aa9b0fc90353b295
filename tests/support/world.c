/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 *     world NAME CONFIG...
 *
 * A program with stacks that others look at. It takes the name, makes the stacks, whose networks may be
 * absent, writes a line, and ends at the end of its standard input.
 */

#include <stdio.h>
#include <sys/prctl.h>
#include <vdestack.h>

int main(int argc, char *argv[])
{
	const struct vdestack_opts opts = { .size = sizeof(opts),
					    .flags = VDESTACK_ALLOW_ABSENT | VDESTACK_NO_WAIT };

	if (argc < 2 || prctl(PR_SET_NAME, argv[1]) < 0)
		return 1;
	for (int i = 2; i < argc; i++)
		if (vdestack_new(argv[i], &opts) == NULL) {
			(void)fprintf(stderr, "%s\n", vdestack_last_error());
			return 1;
		}
	(void)puts("ready");
	(void)fflush(stdout);
	while (getchar() != EOF)
		;
	return 0;
}
