/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_CONFIG_LOCATOR_H
#define VS_CONFIG_LOCATOR_H

/*
 * Which locators (VNLs) a keeper opens. It opens them by plugins, and some name what is the program's
 * and not the keeper's, or would make the keeper do what it never does. Both sides ask: the program,
 * so that the caller hears it before anything is made; the keeper, since a request may come from
 * anybody who holds a door.
 */

enum vs_locator {
	VS_LOCATOR_FINE,
	VS_LOCATOR_DESCRIPTOR, /* names a descriptor of the program; in the keeper the number is another's */
	VS_LOCATOR_COMMAND,    /* has a command executed */
	VS_LOCATOR_PLUGIN,     /* names the plugin by a path, which would be searched from the working directory */
	VS_LOCATOR_DEEP,       /* more braces, or files that name files, than anybody needs */
};

/* More are refused. */
#define VS_LOCATOR_BRACES_MAX 16

/* Of any bytes. Locators in braces count as well. No descriptor, no memory, no errno. */
enum vs_locator vs_locator_judge(const char *text);

/* The same with a sentence about the interface: 0 or -errno. */
int vs_locator_check(const char *ifname, const char *text);
/* The sentence of a verdict that has been found elsewhere. */
int vs_locator_refuse(const char *ifname, const char *text, enum vs_locator verdict);

#endif
