/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The calls of <iothconf.h> that return what is known of a stack, as text. */

#include <errno.h>
#include <iothconf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apply.h"
#include "ioth/lib/internal.h"
#include "names.h"
#include "record.h"
#include "target.h"
#include <vdestack/sources.h>

#define SOURCES_MAX 64

static char *fail_memory(void)
{
	(void)ioth_internal_fail(ENOMEM, "cannot make a text: no memory");
	return NULL;
}

/* The stack, and the interface if the string names one; else t->ifname is "". After 0 it is to be closed. */
static int open_target(struct vs_target *t, struct ioth *stack, const char *config)
{
	struct vs_config_error error;
	struct vs_plan plan;
	int r = vs_plan_read(config, VS_CALL_RESOLVCONF, &error, &plan);

	if (r < 0)
		return vs_plan_fail(r, &error);
	r = vs_target_open(t, stack);
	if (r == 0 && vs_plan_needs_iface(&plan)) {
		r = vs_target_find(t, &plan);
		if (r < 0)
			vs_target_close(t);
	}
	int err = errno;
	vs_plan_free(&plan);
	errno = err;
	return r;
}

/* ------------------------------------------------------------------ resolv.conf */

static char *read_changed(const struct vs_target *t)
{
	bool changed = false;
	char *text = vs_names_text(t);

	if (text == NULL)
		return NULL;
	if (!vs_record_resolvconf(t->stack, t->ifname, text, &changed)) {
		free(text);
		return fail_memory();
	}
	if (changed)
		return text;
	free(text);
	errno = 0;
	return NULL;
}

char *ioth_resolvconf(struct ioth *stack, const char *config)
{
	struct vs_target t;

	if (open_target(&t, stack, config) < 0)
		return NULL;
	char *text = read_changed(&t);
	vs_target_close(&t);
	return text;
}

/* ------------------------------------------------------------------ for a person */

static void put_time(FILE *file, const char *what, int64_t ms)
{
	if (ms >= 0)
		(void)fprintf(file, ", %s in %lld s", what, (long long)(ms / 1000));
}

static void put_source(FILE *file, const struct vdestack_source *s)
{
	static const char *const names[] = { [VDESTACK_SOURCE_DHCP4] = "dhcp",
					     [VDESTACK_SOURCE_RA] = "rd",
					     [VDESTACK_SOURCE_DHCP6] = "dhcp6" };
	bool is_named = s->source < sizeof(names) / sizeof(names[0]) && names[s->source] != NULL;

	(void)fprintf(file, "%.*s %s: %.*s", (int)sizeof(s->ifname), s->ifname,
		      is_named ? names[s->source] : "source", (int)sizeof(s->state), s->state);
	if (s->server[0] != '\0')
		(void)fprintf(file, ", server %.*s", (int)sizeof(s->server), s->server);
	put_time(file, "renews", s->t1_ms);
	put_time(file, "ends", s->expiry_ms);
	if (s->problem[0] != '\0')
		(void)fprintf(file, ": %.*s", (int)sizeof(s->problem), s->problem);
	(void)fputc('\n', file);
}

static int put_sources(FILE *file, const struct vs_target *t)
{
	if (t->functions->sources == NULL || !vs_target_takes_words(t))
		return 0; /* there are none */
	struct vdestack_source *list = calloc(SOURCES_MAX, sizeof(*list));
	if (list == NULL) {
		errno = ENOMEM;
		return -1;
	}
	int n = t->functions->sources(t->data, t->ifname, list, SOURCES_MAX);
	for (int i = 0; i < n && i < SOURCES_MAX; i++)
		put_source(file, &list[i]);
	free(list);
	return n < 0 ? -1 : 0;
}

static int put_items(FILE *file, const struct vs_target *t)
{
	struct vs_items items;

	if (!vs_record_items(t->stack, t->ifname, &items)) {
		errno = ENOMEM;
		return -1;
	}
	for (size_t i = 0; i < items.n; i++)
		(void)fprintf(file, "static: %s\n", items.list[i]);
	vs_items_free(&items);
	return 0;
}

static char *make_info(const struct vs_target *t)
{
	char *text = NULL;
	size_t n;
	char *names = vs_names_text(t);
	if (names == NULL)
		return NULL;
	FILE *file = open_memstream(&text, &n);
	int r = file == NULL ? -1 : put_sources(file, t);
	if (r == 0)
		r = put_items(file, t);
	int err = errno;
	if (file != NULL)
		(void)fputs(names, file);
	free(names);
	if (file != NULL && fclose(file) != 0)
		r = -1;
	if (r == 0)
		return text;
	free(text);
	errno = err != 0 ? err : ENOMEM;
	(void)ioth_internal_fail(errno, "cannot read the configuration of the stack: %s", strerror(errno));
	return NULL;
}

char *ioth_confinfo(struct ioth *stack, const char *config)
{
	struct vs_target t;

	if (open_target(&t, stack, config) < 0)
		return NULL;
	char *text = make_info(&t);
	vs_target_close(&t);
	return text;
}
