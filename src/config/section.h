/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VS_CONFIG_SECTION_H
#define VS_CONFIG_SECTION_H

/* The state of the parser, for parse.c (sections) and the files about single words. */

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
	/* Words that are checked against the others: */
	const struct vs_word *fqdn;
	const struct vs_word *iid; /* slaac=… */
	const struct vs_word *pd, *rapid, *v6only, *norelease, *nodad;
};

struct vs_parser {
	bool change;      /* interfaces that exist are changed, none is made */
	const char *name; /* of the stack; NULL: none */
	const struct vs_word *leases; /* NULL: none */
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
 * Reads the value of a word into the section; NULL: the word has no '='. section is NULL for a word about the
 * whole stack that comes first. All have the same parameters, for the table of words. Returns 0 or -errno
 * with parser->error filled.
 */
typedef int vs_take_fn(struct vs_parser *parser, struct vs_section *section, const struct vs_word *word,
		       const char *value);

/* parse.c */
vs_take_fn vs_take_iface, vs_take_name, vs_take_vnl, vs_take_leases, vs_take_impair;
/* values.c */
vs_take_fn vs_take_mac, vs_take_mtu, vs_take_nodad, vs_take_capture, vs_take_ip, vs_take_gw, vs_take_route;
/* source_words.c */
vs_take_fn vs_take_slaac, vs_take_fqdn, vs_take_pd, vs_take_rapid, vs_take_v6only, vs_take_norelease;
vs_take_fn vs_take_dns, vs_take_domain;
/* removal_words.c */
vs_take_fn vs_remove_ip, vs_remove_gw, vs_remove_route, vs_remove_dns, vs_remove_domain, vs_remove_static;
vs_take_fn vs_take_eth, vs_remove_eth;

/* Where a word may stand. */
enum vs_place {
	VS_PLACE_ANY,
	VS_PLACE_CREATION, /* where interfaces are made */
	VS_PLACE_CHANGE,   /* where they are changed */
};

enum vs_form {
	VS_FORM_FLAG,           /* no '=' */
	VS_FORM_VALUE,          /* '=' and at least one byte */
	VS_FORM_VALUE_OR_EMPTY, /* '=' and perhaps nothing */
	VS_FORM_BOTH,           /* nothing, or '=' and at least one byte */
};

/* A row of the table of words. */
struct vs_rule {
	const char *key;
	enum vs_form form;
	enum vs_place place;
	bool is_setting;  /* makes no sense without an interface */
	vs_take_fn *take; /* NULL: nothing to do */
	const char *example;
	/* What the word says about sources, whatever its value. */
	unsigned start, required, one_of, stop;
};

/* The rule of a word. NULL: refused; *result is -errno then, with parser->error filled. */
const struct vs_rule *vs_rule_find(struct vs_parser *parser, const struct vs_word *word, int *result);

/* The sources of a section, made when they are needed first. NULL: out of memory, parser->error is filled. */
struct vs_conf_sources *vs_section_sources(struct vs_parser *parser, struct vs_section *section);
/* What a rule says about sources. 0 or -errno. */
int vs_section_add_sources(struct vs_parser *parser, struct vs_section *section, const struct vs_rule *rule);
/* Checks words about sources against each other, when all of a section have been read. 0 or -errno. */
int vs_section_check_sources(struct vs_parser *parser, struct vs_section *section);

/* Values, for words that add and words that remove. *has_len: a prefix length was given. */
int vs_read_host(struct vs_parser *parser, const struct vs_word *word, const char *value,
		 struct vs_conf_addr *out);
int vs_read_ip(struct vs_parser *parser, const struct vs_word *word, const char *value, bool *has_len,
	       struct vs_conf_addr *out);
int vs_read_gw(struct vs_parser *parser, const struct vs_word *word, const char *value,
	       struct vs_conf_route *out);
int vs_read_route(struct vs_parser *parser, const struct vs_word *word, const char *value,
		  struct vs_conf_route *out);
/* Append a name server, a domain, unless it is there. 0 or -errno. */
int vs_names_add_dns(struct vs_parser *parser, const struct vs_word *word, const char *value,
		     struct vs_conf_names *names);
int vs_names_add_domain(struct vs_parser *parser, const struct vs_word *word, const char *value,
			struct vs_conf_names *names);

/* The refusal of an MTU out of its range. */
int vs_fail_mtu(struct vs_parser *parser, const struct vs_word *word);

#endif
