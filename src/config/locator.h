/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_CONFIG_LOCATOR_H
#define VS_CONFIG_LOCATOR_H

/*
 * A locator (VNL), parsed once: what kind of link it names, and whether a keeper may open it.
 *
 * The keeper opens locators by plugins of libvdeplug. Some locators name what belongs to the program
 * and not to the keeper, or would make the keeper do what it never does. Both sides parse and check:
 * the program, so that the caller gets the error before anything is made; the keeper, since a request
 * may come from any process that has a door.
 *
 * Pure: any bytes are accepted, no descriptor, no memory, no errno.
 */

#include <stdbool.h>
#include <stddef.h>

#include "error.h"

enum vs_locator_kind {
	VS_KIND_PLUGIN,  /* everything else, a path included: a plugin of libvdeplug opens it */
	VS_KIND_SEGMENT, /* inproc://NAME: an Ethernet inside the keeper */
	VS_KIND_LOCAL,   /* local://NAME: an Ethernet between the programs of one user */
	VS_KIND_COMMAND, /* =COMMAND or cmd://COMMAND as the whole: the program starts it, sends its stream */
};

/* May a keeper open it by a plugin? */
enum vs_locator_verdict {
	VS_LOCATOR_FINE,
	VS_LOCATOR_DESCRIPTOR, /* names a descriptor of the program; in the keeper the number is another's */
	VS_LOCATOR_COMMAND,    /* has a command executed */
	VS_LOCATOR_PLUGIN,     /* names the plugin by a path, which would start in the working directory */
	VS_LOCATOR_DEEP,       /* more braces, or files that name files, than is sensible */
};

struct vs_locator {
	enum vs_locator_kind kind;
	enum vs_locator_verdict verdict;
	const char *text;     /* the whole, what the others point into */
	size_t scheme_bytes;  /* of text: what is before the first "://"; 0: none, a path or =COMMAND */
	const char *rest;     /* NAME, COMMAND, what follows "://", or a path */
	bool needs_directory; /* may contain a path that starts in the working directory; kind PLUGIN only */
	bool opens_terminal;  /* may open a serial line, at any depth */
};

/* More are refused. */
#define VS_LOCATOR_BRACES_MAX 16

/* An Ethernet made of veth pairs and a bridge, without a pump. */
static inline bool vs_locator_is_segment(enum vs_locator_kind kind)
{
	return kind == VS_KIND_SEGMENT || kind == VS_KIND_LOCAL;
}

/* *out points into text, which must outlive it. */
void vs_locator_parse(const char *text, struct vs_locator *out);

/* The verdict alone. Locators in braces count as well. */
enum vs_locator_verdict vs_locator_judge(const char *text);

/* 0 for VS_LOCATOR_FINE. Others: *error with the message for this interface, and -errno. */
int vs_locator_refuse(const char *ifname, const char *text, enum vs_locator_verdict verdict,
		      struct vs_config_error *error);

#endif
