/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The lab as an object: made from text, grown by lines. */

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "deadline.h"
#include "error.h"
#include "mistake.h"
#include "start.h"
#include "state.h"
#include <vdestack/lab.h>

/* ------------------------------------------------------------------ text */

/* Puts lines behind the text of a lab that is not started. */
static int append(struct vdestack_lab *lab, const char *lines)
{
	size_t len = strlen(lines);
	bool newline = lab->len > 0 && lab->text[lab->len - 1] != '\n';
	char *grown;

	if (lab->len + len + 1 > VS_LAB_TEXT_MAX)
		return vs_lab_error(E2BIG, "the text of a lab is longer than %u bytes; write a shorter one",
				    VS_LAB_TEXT_MAX);
	grown = realloc(lab->text, lab->len + len + 2);
	if (grown == NULL)
		return vs_lab_error(ENOMEM, "out of memory for the text of a lab");
	lab->text = grown;
	if (newline)
		lab->text[lab->len++] = '\n';
	memcpy(lab->text + lab->len, lines, len + 1);
	lab->len += len;
	vs_lab_topology_free(lab->t);
	lab->t = NULL;
	return 0;
}

/* ------------------------------------------------------------------ options */

/* The options with what is not given as default. -EINVAL, -E2BIG. */
static int read_opts(const struct vdestack_lab_opts *given, struct vdestack_lab_opts *opts)
{
	*opts = (struct vdestack_lab_opts){ .size = sizeof(*opts) };
	if (given == NULL)
		return 0;
	if (given->size < sizeof(given->size))
		return vs_lab_error(EINVAL,
				    "the options have no size; set it to sizeof(struct vdestack_lab_opts)");
	for (size_t i = sizeof(*opts); i < given->size; i++)
		if (((const char *)given)[i] != 0)
			return vs_lab_error(E2BIG, "an option that this version does not know; leave it 0");
	memcpy(opts, given, given->size < sizeof(*opts) ? given->size : sizeof(*opts));
	if ((opts->flags & ~VDESTACK_LAB_CAPTURE) != 0)
		return vs_lab_error(EINVAL, "unknown bits in flags; use those of <vdestack/lab.h>");
	if (opts->timeout_ms < -1)
		return vs_lab_error(EINVAL, "timeout_ms is less than -1; write -1 for no limit");
	if (opts->artefacts != NULL && opts->artefacts[0] == '\0')
		return vs_lab_error(EINVAL, "artefacts is empty; name a directory, or none by NULL");
	return 0;
}

/* What VDESTACK_LAB_SEED says: 0: nothing. -EINVAL: no number, with a message. */
static int read_environment(uint64_t *seed)
{
	const char *text = getenv("VDESTACK_LAB_SEED");
	char *end;

	if (text == NULL || text[0] == '\0')
		return 0;
	errno = 0;
	unsigned long long number = strtoull(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || number == 0)
		return vs_lab_error(EINVAL,
				    "VDESTACK_LAB_SEED is \"%s\", which is no seed; "
				    "write the number of why.txt",
				    vs_lab_shown(text));
	*seed = number;
	return 0;
}

static int choose_seed(struct vdestack_lab *lab, uint64_t given)
{
	int r = given == 0 ? read_environment(&given) : 0;

	while (r == 0 && given == 0)
		if (getrandom(&given, sizeof(given), 0) != sizeof(given))
			given = (uint64_t)vs_lab_deadline(0);
	lab->seed = given;
	return r;
}

static int set_opts(struct vdestack_lab *lab, const struct vdestack_lab_opts *given)
{
	struct vdestack_lab_opts opts;
	const char *artefacts = getenv("VDESTACK_LAB_ARTEFACTS");
	int r = read_opts(given, &opts);

	if (r < 0)
		return r;
	lab->flags = opts.flags;
	lab->timeout_ms = opts.timeout_ms == 0 ? 30000 : opts.timeout_ms;
	lab->own_seed = opts.seed != 0;
	r = choose_seed(lab, opts.seed);
	if (r < 0)
		return r;
	if (opts.artefacts != NULL)
		artefacts = opts.artefacts;
	if (artefacts != NULL && artefacts[0] != '\0') {
		lab->artefacts = strdup(artefacts);
		if (lab->artefacts == NULL)
			return vs_lab_error(ENOMEM, "out of memory for a lab");
	}
	return 0;
}

/* ------------------------------------------------------------------ life */

struct vdestack_lab *vdestack_lab_new(const char *text, const struct vdestack_lab_opts *opts)
{
	static atomic_uint count;
	struct vdestack_lab *lab = calloc(1, sizeof(*lab));
	int r;

	if (lab == NULL)
		return (void)vs_lab_edge(vs_lab_error(ENOMEM, "out of memory for a lab")), NULL;
	lab->number = atomic_fetch_add(&count, 1) + 1;
	lab->maker = getpid();
	r = set_opts(lab, opts);
	if (r == 0)
		r = append(lab, text != NULL ? text : "");
	if (r == 0)
		r = vs_lab_resolve(lab);
	if (r < 0) {
		vdestack_lab_delete(lab);
		(void)vs_lab_edge(r);
		return NULL;
	}
	return lab;
}

void vdestack_lab_delete(struct vdestack_lab *lab)
{
	int saved = errno;

	if (lab == NULL)
		return;
	vs_lab_stop(lab);
	vs_lab_topology_free(lab->t);
	free(lab->text);
	free(lab->artefacts);
	free(lab->written);
	free(lab);
	errno = saved;
}

/* ------------------------------------------------------------------ adding */

static int add(struct vdestack_lab *lab, const char *lines)
{
	struct vs_lab_topology *t;
	int r;

	if (lab == NULL || lines == NULL)
		return vs_lab_error(EINVAL, "no lab, or no lines");
	if (lab->phase != VS_LAB_NEW)
		return vs_lab_error(EBUSY, "the lab has been started; add all before the start");
	r = vs_lab_state_parse(lines, strlen(lines), true, &t);
	if (r < 0)
		return r;
	vs_lab_topology_free(t);
	return append(lab, lines);
}

int vdestack_lab_add(struct vdestack_lab *lab, const char *lines)
{
	return vs_lab_edge(add(lab, lines));
}

/* A line of three parts. A newline in one of them would make it several. */
static int add_line(struct vdestack_lab *lab, const char *keyword, const char *name, const char *words)
{
	char *line = NULL;
	int r;

	if (name == NULL || strchr(name, '\n') != NULL || (words != NULL && strchr(words, '\n') != NULL))
		return vs_lab_error(EINVAL, "no name, or a newline in it or in its words; give one line");
	if (asprintf(&line, "%s %s %s", keyword, name, words != NULL ? words : "") < 0)
		return vs_lab_error(ENOMEM, "out of memory for a line");
	r = add(lab, line);
	free(line);
	return r;
}

int vdestack_lab_add_network(struct vdestack_lab *lab, const char *name, const char *words)
{
	return vs_lab_edge(add_line(lab, "network", name, words));
}

int vdestack_lab_add_host(struct vdestack_lab *lab, const char *name, const char *words)
{
	return vs_lab_edge(add_line(lab, "host", name, words));
}

int vdestack_lab_add_router(struct vdestack_lab *lab, const char *name, const char *words)
{
	return vs_lab_edge(add_line(lab, "router", name, words));
}

int vdestack_lab_add_link(struct vdestack_lab *lab, const char *port, const char *words)
{
	return vs_lab_edge(add_line(lab, "link", port, words));
}
