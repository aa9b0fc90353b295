/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_CONFIG_SECTION_H
#define VS_CONFIG_SECTION_H

/* The state of the parser, for parse.c (sections) and values.c (the values of single words). */

#include "config.h"
#include "words.h"

#define MTU_MIN 68        /* RFC 791, section 3.2 */
#define MTU_MIN_IP6 1280  /* RFC 8200, section 5 */
#define MTU_MAX_LINK 9216 /* VDE_MAXMTU of libvdeplug */
#define MTU_MAX_SEGMENT 65535

struct vs_section {
	struct vs_conf_iface iface;  /* name is "" until it is given or made */
	bool unplugged;              /* vnl=none: no interface is made */
	const struct vs_word *first; /* what began it */
	const struct vs_word *vnl;
	const struct vs_word *mac;
	const struct vs_word *mtu;
	const struct vs_word *setting; /* the first word that needs an interface to be made */
	bool has_ip6;
};

struct vs_parser {
	const char *name; /* of the stack; NULL: none */
	struct vs_section *sections;
	size_t n_sections;
	unsigned next_default; /* the lowest default name that has not been tried */
	vs_conf_taken_fn *taken;
	void *taken_arg;
	struct vs_config_error *error;
};

/*
 * Makes room for one more item in array, which has n of item_bytes. Returns the array, or NULL with the old
 * one untouched. Needs no capacity: the room doubles whenever n is a power of two.
 */
void *vs_parser_make_room(void *array, size_t n, size_t item_bytes);

/*
 * Reads the value of a word into the section. All have the same parameters, for the table of words. Returns 0
 * or -errno with parser->error filled.
 */
typedef int vs_take_fn(struct vs_parser *parser, struct vs_section *section, const struct vs_word *word,
		       const char *value);

vs_take_fn vs_take_mac, vs_take_mtu, vs_take_nodad, vs_take_ip, vs_take_gw, vs_take_route;

/* The refusal of an MTU out of its range. */
int vs_fail_mtu(struct vs_parser *parser, const struct vs_word *word);

#endif
